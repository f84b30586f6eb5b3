//! CTR_DRBG with AES-256 and without a derivation function (SP 800-90A Rev. 1, 10.2.1): the generator of a TPM's random
//! numbers, for which the platform gives entropy before each command that takes some. There it costs a tenth of what HMAC_DRBG
//! does; [`crate::Drbg`] is what keys are derived with.

use core::fmt;

use aes::Aes256Enc;
use cipher::{Array, BlockCipherEncrypt, KeyInit};
use zeroize::Zeroizing;

use crate::{Random, drbg::MAX_REQUEST};

/// Bytes of the seed, of every entropy input and of every additional input (SP 800-90A, table 3: key and block together).
pub const SEED_SIZE: usize = 48;

const KEY_SIZE: usize = 32;
const BLOCK_SIZE: usize = 16;
/// Blocks that are encrypted in one call: the library prepares its keys anew for each.
const BLOCKS: usize = 4;

type Seed = [u8; SEED_SIZE];

/// A seeded generator of 256-bit strength. Erased when dropped.
pub struct CtrDrbg {
    /// The working state's `Key`, expanded.
    cipher: Aes256Enc,
    /// The working state's `V`.
    counter: Zeroizing<u128>,
}

impl CtrDrbg {
    /// Instantiates from `entropy`, every bit of which must be random, and a personalization string, filled with zeros
    /// (10.2.1.3.1).
    #[must_use]
    pub fn new(entropy: &Seed, personalization: &Seed) -> Self {
        let cipher = Aes256Enc::new(&[0; KEY_SIZE].into());
        let mut drbg = Self { cipher, counter: Zeroizing::new(0) };
        drbg.reseed(entropy, personalization);
        drbg
    }

    /// Takes in fresh entropy, every bit of which must be random, and additional input (10.2.1.4.1). The standard asks for it
    /// after 2^48 requests at the latest.
    pub fn reseed(&mut self, entropy: &Seed, additional: &Seed) {
        let mut material = Zeroizing::new(*entropy);
        xor(material.as_mut_slice(), additional);
        self.update(&material);
    }

    /// Fills `out` in requests of at most [`MAX_REQUEST`] bytes, with the same additional input in each, if any (10.2.1.5.1).
    pub fn generate(&mut self, out: &mut [u8], additional: Option<&Seed>) {
        for request in out.chunks_mut(MAX_REQUEST) {
            if let Some(additional) = additional {
                self.update(additional);
            }
            self.next(request);
            self.update(additional.unwrap_or(&[0; SEED_SIZE]));
        }
    }

    /// `CTR_DRBG_Update` (10.2.1.2).
    fn update(&mut self, provided: &Seed) {
        let mut next = Zeroizing::new([0; SEED_SIZE]);
        self.next(next.as_mut_slice());
        xor(next.as_mut_slice(), provided);
        if let (Some(key), Some(counter)) = (next.first_chunk::<KEY_SIZE>(), next.last_chunk::<BLOCK_SIZE>()) {
            self.cipher = Aes256Enc::new(key.into());
            *self.counter = u128::from_be_bytes(*counter);
        }
    }

    /// For each block of `out`, `V = V + 1` and its encryption; the last one may be cut short.
    fn next(&mut self, out: &mut [u8]) {
        let mut blocks = Zeroizing::new([[0; BLOCK_SIZE]; BLOCKS]);
        for part in out.chunks_mut(BLOCKS.saturating_mul(BLOCK_SIZE)) {
            let used = blocks.get_mut(..part.len().div_ceil(BLOCK_SIZE)).unwrap_or_default();
            for block in used.iter_mut() {
                *self.counter = self.counter.wrapping_add(1);
                *block = self.counter.to_be_bytes();
            }
            self.cipher.encrypt_blocks(Array::cast_slice_from_core_mut(used));
            part.iter_mut().zip(used.as_flattened()).for_each(|(to, from)| *to = *from);
        }
    }
}

fn xor(bytes: &mut [u8], with: &[u8]) {
    bytes.iter_mut().zip(with).for_each(|(to, from)| *to ^= *from);
}

impl Random for CtrDrbg {
    fn fill(&mut self, out: &mut [u8]) {
        self.generate(out, None);
    }
}

impl fmt::Debug for CtrDrbg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CtrDrbg")
    }
}

#[cfg(test)]
mod tests;
