//! The TPM's generator of random numbers (Part 1, clause 8.4.11): a deterministic generator that the platform's entropy
//! seeds, and reseeds before the first number of each command.
//!
//! So a copy of the TPM's memory (a virtual machine put back, a forked process) does not repeat what the original gives: the
//! copies differ as soon as one of them takes a random number in its next command. An entropy source that fails its health
//! tests, or does not deliver, ends in failure mode.

use alloc::{boxed::Box, vec::Vec};

use ironroot_crypto::{
    Random,
    ctr_drbg::{CtrDrbg, SEED_SIZE},
    hash::digest,
};
use ironroot_platform::{Entropy, EntropyError, health::Tested};
use ironroot_wire::TpmiAlgHash;
use zeroize::Zeroizing;

/// Whose generator it is: the personalization string (SP 800-90A, 8.7.1).
const NAME: &[u8] = b"ironroot tpm";

/// The generator.
pub struct Generator {
    drbg: CtrDrbg,
    entropy: Tested<Box<dyn Entropy>>,
    /// Whether fresh entropy has gone in since the command began.
    fresh: bool,
    /// Whether entropy was missing when it was due, so that what came out since must not be used.
    failed: bool,
}

impl Generator {
    /// Seeds a generator from the platform, once the entropy source has passed its start-up test.
    ///
    /// # Errors
    /// The entropy source failed.
    pub fn new(entropy: Box<dyn Entropy>) -> Result<Self, EntropyError> {
        let mut entropy = Tested::new(entropy);
        let mut seed = Zeroizing::new([0; SEED_SIZE]);
        entropy.fill(seed.as_mut_slice())?;
        let drbg = CtrDrbg::new(&seed, &padded(NAME));
        Ok(Self { drbg, entropy, fresh: true, failed: false })
    }

    /// A new power cycle: an entropy source that has failed is tested again, from its start-up test on.
    pub fn power_on(&mut self) {
        if self.entropy.has_failed() {
            self.entropy.restart();
        }
        self.fresh = false;
        self.failed = false;
    }

    /// A new command: its first random number is preceded by fresh entropy.
    pub const fn begin_command(&mut self) {
        self.fresh = false;
    }

    /// Whether entropy was missing when it was due: what was generated since must not be used.
    #[must_use]
    pub const fn has_failed(&self) -> bool {
        self.failed
    }

    /// Reseeds from the platform and mixes in `additional` (`TPM2_StirRandom`), as its SHA-384 digest, which has the size that
    /// the generator takes.
    pub fn reseed(&mut self, additional: &[u8]) {
        let mixed = match additional {
            [] => Zeroizing::new([0; SEED_SIZE]),
            some => Zeroizing::new(padded(&Zeroizing::new(digest(TpmiAlgHash::Sha384, &[some])))),
        };
        let mut entropy = Zeroizing::new([0; SEED_SIZE]);
        match self.entropy.fill(entropy.as_mut_slice()) {
            Ok(()) => {
                self.drbg.reseed(&entropy, &mixed);
                self.fresh = true;
            }
            Err(EntropyError) => self.failed = true,
        }
    }

    /// `size` random bytes.
    pub fn bytes(&mut self, size: usize) -> Zeroizing<Vec<u8>> {
        let mut out = Zeroizing::new(alloc::vec![0; size]);
        self.fill(&mut out);
        out
    }
}

impl Random for Generator {
    /// Where entropy is missing, the bytes are still unpredictable to whoever does not know the state, but the command must
    /// end without them: [`Generator::has_failed`].
    fn fill(&mut self, out: &mut [u8]) {
        if !self.fresh {
            self.reseed(&[]);
        }
        self.drbg.fill(out);
    }
}

/// Bytes filled with zeros to what the generator takes.
fn padded(bytes: &[u8]) -> [u8; SEED_SIZE] {
    let mut out = [0; SEED_SIZE];
    out.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
    out
}
