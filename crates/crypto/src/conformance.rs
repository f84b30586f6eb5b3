//! The suite that every provider passes: published vectors, edge values, invalid input, and equality between providers.
//!
//! It returns what failed instead of panicking, so that a device can run it on itself.

mod agreement;
mod checks;
mod ecc_edges;
mod ecc_vectors;
mod edwards;
#[cfg(any(test, feature = "wycheproof"))]
pub mod wycheproof;

pub use checks::{Checks, Failure};

use crate::Provider;

/// Runs everything that needs one provider. Returns how many checks passed.
///
/// # Errors
/// The first check that failed.
pub fn run(provider: &dyn Provider) -> Result<usize, Failure> {
    let mut checks = Checks::default();
    ecc_vectors::run(provider, &mut checks)?;
    ecc_edges::run(provider, &mut checks)?;
    edwards::run(provider, &mut checks)?;
    crate::dhkem::conformance::run(provider, &mut checks)?;
    crate::rsa::conformance::run(provider, &mut checks)?;
    crate::mlkem::conformance::run(provider, &mut checks)?;
    crate::mldsa::conformance::run(provider, &mut checks)?;
    Ok(checks.passed())
}

/// Compares two providers on `rounds` random keys of each kind, the same keys in every run. Returns how many checks
/// passed.
///
/// # Errors
/// The first difference.
pub fn compare(one: &dyn Provider, other: &dyn Provider, rounds: u32) -> Result<usize, Failure> {
    let mut checks = Checks::default();
    agreement::run(one, other, rounds, &mut checks)?;
    edwards::compare(one, other, rounds, &mut checks)?;
    crate::dhkem::conformance::compare(one, other, rounds, &mut checks)?;
    crate::rsa::conformance::compare(one, other, rounds, &mut checks)?;
    crate::mlkem::conformance::compare(one, other, rounds, &mut checks)?;
    crate::mldsa::conformance::compare(one, other, rounds, &mut checks)?;
    Ok(checks.passed())
}

#[cfg(test)]
mod tests {
    use crate::PORTABLE;

    #[test]
    fn the_portable_provider_conforms() {
        let passed = super::run(&PORTABLE).unwrap();
        assert!(passed > 400, "{passed}");
    }

    #[test]
    fn the_portable_provider_agrees_with_itself() {
        let passed = super::compare(&PORTABLE, &PORTABLE, 3).unwrap();
        assert!(passed > 30, "{passed}");
    }
}
