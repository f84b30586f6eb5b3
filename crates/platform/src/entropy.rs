//! Randomness.

use alloc::boxed::Box;
use core::fmt;

/// The source failed; nothing may be generated from it until it works again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EntropyError;

impl fmt::Display for EntropyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the entropy source failed")
    }
}

impl core::error::Error for EntropyError {}

/// A source of full-entropy bytes, from which the TPM seeds its own generator.
pub trait Entropy: Send {
    /// Fills `out`.
    ///
    /// # Errors
    /// [`EntropyError`] if the source cannot deliver; `out` must not be used then.
    fn fill(&mut self, out: &mut [u8]) -> Result<(), EntropyError>;
}

impl<E: Entropy + ?Sized> Entropy for Box<E> {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), EntropyError> {
        (**self).fill(out)
    }
}
