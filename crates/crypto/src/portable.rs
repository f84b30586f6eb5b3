//! The portable provider: pure Rust, `no_std`, no C compiler. Elliptic curves are in `ecc::portable`, RSA in `rsa::portable`,
//! ML-KEM in `mlkem::portable`, ML-DSA in `mldsa::portable`.

use crate::{EdwardsProvider, Provider};

/// The provider that runs everywhere.
#[derive(Debug, Clone, Copy, Default)]
pub struct Portable;

/// The portable provider, for where a `&'static dyn Provider` is wanted.
pub static PORTABLE: Portable = Portable;

// In `ecc::eddsa` and `ecc::edwards`, as every provider's unless it has faster ones.
impl EdwardsProvider for Portable {}

impl Provider for Portable {
    fn name(&self) -> &'static str {
        "portable"
    }
}
