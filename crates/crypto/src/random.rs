//! Where schemes take random bytes from.

use core::convert::Infallible;

use ml_dsa::signature::rand_core::{TryCryptoRng, TryRng};

/// A generator of random bytes: a seeded deterministic one, in the TPM and in tests alike.
pub trait Random {
    /// Fills `out` with random bytes.
    fn fill(&mut self, out: &mut [u8]);
}

/// A [`Random`] as RustCrypto's libraries want it.
pub(crate) struct AsRng<'a>(pub &'a mut dyn Random);

impl TryRng for AsRng<'_> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.0.fill(&mut bytes);
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        self.0.fill(out);
        Ok(())
    }
}

impl TryCryptoRng for AsRng<'_> {}
