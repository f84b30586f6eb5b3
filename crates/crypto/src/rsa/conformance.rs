//! RSA's part of the suite that every provider passes.

mod agreement;
mod edges;
mod vectors;

pub use agreement::run as compare;

use crate::{
    Provider,
    conformance::{Checks, Failure},
};

/// Runs everything that needs one provider: published vectors, keys that must be found again for ever, edge values and
/// damaged messages.
///
/// # Errors
/// The first check that failed.
pub fn run(provider: &dyn Provider, checks: &mut Checks) -> Result<(), Failure> {
    vectors::run(provider, checks)?;
    edges::run(provider, checks)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PORTABLE;

    #[test]
    fn the_portable_provider_conforms() {
        let mut checks = Checks::default();
        run(&PORTABLE, &mut checks).unwrap();
        assert!(checks.passed() > 600, "{}", checks.passed());
    }

    #[test]
    fn the_portable_provider_agrees_with_itself() {
        let mut checks = Checks::default();
        compare(&PORTABLE, &PORTABLE, 2, &mut checks).unwrap();
        assert!(checks.passed() > 10, "{}", checks.passed());
    }
}
