//! HMAC_DRBG with SHA-256 (SP 800-90A Rev. 1, 10.1.2): the generator that keys are derived with (docs/derivations.md).
//!
//! Chosen over Hash_DRBG and CTR_DRBG because it needs nothing that a TPM does not have anyway, has the simplest security
//! argument, and takes seeds of any length. Random numbers come from [`crate::ctr_drbg`].

use alloc::{vec, vec::Vec};
use core::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::Random;

/// The most that one request to a generator may give, in bytes (SP 800-90A, tables 2 and 3: 2^19 bits). [`Random::fill`] makes several requests.
pub const MAX_REQUEST: usize = 1 << 16;

const SIZE: usize = 32;
/// Bytes of a block of SHA-256.
const BLOCK: usize = 64;

/// A seeded generator of 256-bit strength. Erased when dropped.
pub struct Drbg {
    /// HMAC with the working state's `Key`, prepared. SHA-256 by name rather than [`crate::Hmac`], which is for any
    /// hash.
    keyed: Hmac<Sha256>,
    /// The working state's `V`.
    value: Zeroizing<[u8; SIZE]>,
}

impl Drbg {
    /// Instantiates from `entropy` (at least 256 bits of it), a `nonce` (another 128 bits, or more entropy) and a
    /// personalization string (10.1.2.3).
    #[must_use]
    pub fn new(entropy: &[u8], nonce: &[u8], personalization: &[u8]) -> Self {
        let mut drbg = Self::blank();
        drbg.update(&[entropy, nonce, personalization]);
        drbg
    }

    /// The deterministic generator of one derivation: the same seed and the same list of `parts` always give the same
    /// bytes. The seed is the entropy input; the personalization string is each part behind its length (32 bits,
    /// big-endian), so that different lists never collide. Seeds must have at least 256 bits of entropy.
    #[must_use]
    pub fn from_seed(seed: &[u8], parts: &[&[u8]]) -> Self {
        let size = |part: &&[u8]| u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes();
        let sizes: Vec<[u8; 4]> = parts.iter().map(size).collect();
        let mut material = vec![seed];
        for (size, part) in sizes.iter().zip(parts) {
            material.extend([&size[..], part]);
        }
        let mut drbg = Self::blank();
        drbg.update(&material);
        drbg
    }

    /// Takes in fresh entropy and additional input (10.1.2.4).
    pub fn reseed(&mut self, entropy: &[u8], additional: &[u8]) {
        self.update(&[entropy, additional]);
    }

    /// Fills `out` in requests of at most [`MAX_REQUEST`] bytes, with the same additional input in each (10.1.2.5).
    pub fn generate(&mut self, out: &mut [u8], additional: &[u8]) {
        for request in out.chunks_mut(MAX_REQUEST) {
            if !additional.is_empty() {
                self.update(&[additional]);
            }
            for block in request.chunks_mut(SIZE) {
                self.step();
                for (to, from) in block.iter_mut().zip(self.value.iter()) {
                    *to = *from;
                }
            }
            self.update(&[additional]);
        }
    }

    fn blank() -> Self {
        Self { keyed: keyed(&[0; SIZE]), value: Zeroizing::new([1; SIZE]) }
    }

    /// `HMAC_DRBG_Update` (10.1.2.2) with the concatenation of `provided`.
    fn update(&mut self, provided: &[&[u8]]) {
        self.rekey(0x00, provided);
        if provided.iter().any(|part| !part.is_empty()) {
            self.rekey(0x01, provided);
        }
    }

    /// `Key = HMAC(Key, V || round || provided)`, `V = HMAC(Key, V)`.
    fn rekey(&mut self, round: u8, provided: &[&[u8]]) {
        let mut hmac = self.keyed.clone();
        hmac.update(&*self.value);
        hmac.update(&[round]);
        provided.iter().for_each(|part| hmac.update(part));
        self.keyed = keyed(&Zeroizing::new(hmac.finalize().into_bytes().into()));
        self.step();
    }

    /// `V = HMAC(Key, V)`.
    fn step(&mut self) {
        let mut hmac = self.keyed.clone();
        hmac.update(&*self.value);
        *self.value = hmac.finalize().into_bytes().into();
    }
}

/// HMAC with this key, which is filled with zeros to a block (RFC 2104, clause 2).
fn keyed(key: &[u8; SIZE]) -> Hmac<Sha256> {
    let mut block = Zeroizing::new([0; BLOCK]);
    block.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
    Hmac::new((&*block).into())
}

impl Random for Drbg {
    fn fill(&mut self, out: &mut [u8]) {
        self.generate(out, &[]);
    }
}

impl fmt::Debug for Drbg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Drbg")
    }
}

#[cfg(test)]
mod tests;
