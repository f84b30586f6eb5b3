//! Where schemes take random bytes from.

/// A generator of random bytes: a seeded deterministic one, in the TPM and in tests alike.
pub trait Random {
    /// Fills `out` with random bytes.
    fn fill(&mut self, out: &mut [u8]);
}
