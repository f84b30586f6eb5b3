//! The TPM's generator of random numbers (Part 1, clause 11.4.10): a deterministic generator that the platform's
//! entropy seeds and reseeds.

use alloc::{boxed::Box, vec::Vec};

use ironroot_crypto::{Random, drbg::Drbg};
use ironroot_platform::{Entropy, EntropyError};
use zeroize::Zeroizing;

/// Bytes of entropy for one seeding: 256 bits of strength and half as much again for the nonce (SP 800-90A, 8.6.7).
const SEED_SIZE: usize = 48;

/// The generator.
pub struct Generator {
    drbg: Drbg,
    entropy: Box<dyn Entropy>,
}

impl Generator {
    /// Seeds a generator from the platform.
    ///
    /// # Errors
    /// The entropy source failed.
    pub fn new(mut entropy: Box<dyn Entropy>) -> Result<Self, EntropyError> {
        let mut seed = Zeroizing::new([0; SEED_SIZE]);
        entropy.fill(seed.as_mut_slice())?;
        let (entropy_input, nonce) = seed.split_at(32);
        let drbg = Drbg::new(entropy_input, nonce, b"ironroot tpm");
        Ok(Self { drbg, entropy })
    }

    /// Reseeds from the platform, if the generator has given out as much as one seed may.
    ///
    /// # Errors
    /// The entropy source failed.
    pub fn refresh(&mut self) -> Result<(), EntropyError> {
        if self.drbg.needs_reseed() { self.reseed(&[]) } else { Ok(()) }
    }

    /// Reseeds from the platform and mixes in `additional` (`TPM2_StirRandom`).
    ///
    /// # Errors
    /// The entropy source failed.
    pub fn reseed(&mut self, additional: &[u8]) -> Result<(), EntropyError> {
        let mut seed = Zeroizing::new([0; SEED_SIZE]);
        self.entropy.fill(seed.as_mut_slice())?;
        self.drbg.reseed(seed.as_slice(), additional);
        Ok(())
    }

    /// `size` random bytes.
    pub fn bytes(&mut self, size: usize) -> Zeroizing<Vec<u8>> {
        let mut out = Zeroizing::new(alloc::vec![0; size]);
        self.drbg.fill(&mut out);
        out
    }
}

impl Random for Generator {
    fn fill(&mut self, out: &mut [u8]) {
        self.drbg.fill(out);
    }
}
