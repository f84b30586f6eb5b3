//! HMAC (FIPS 198-1; Part 1, 8.4.3) over any hash.
//!
//! The two keyed hash states are prepared once; cloning an [`Hmac`] that has seen no data reuses them, which is what
//! makes key derivation and the generator cheap.

use alloc::vec::Vec;
use core::fmt;
use ironroot_wire::TpmiAlgHash;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::{CryptoError, Digest, Hasher, hash::digest};

/// The largest block of a supported hash (SHA3-256), in bytes.
const MAX_BLOCK_SIZE: usize = 136;

/// A running HMAC. Erased when dropped.
#[derive(Clone)]
pub struct Hmac {
    inner: Hasher,
    outer: Hasher,
}

impl Hmac {
    /// Starts an HMAC. A key longer than the hash's block is hashed first; any length is allowed.
    #[must_use]
    pub fn new(algorithm: TpmiAlgHash, key: &[u8]) -> Self {
        let mut block = Zeroizing::new([0u8; MAX_BLOCK_SIZE]);
        if key.len() > algorithm.block_size() {
            fill(&mut *block, &Zeroizing::new(digest(algorithm, &[key])));
        } else {
            fill(&mut *block, key);
        }
        Self { inner: keyed(algorithm, &block, 0x36), outer: keyed(algorithm, &block, 0x5c) }
    }

    /// The hash algorithm.
    #[must_use]
    pub fn algorithm(&self) -> TpmiAlgHash {
        self.inner.algorithm()
    }

    /// Adds data.
    pub fn update(&mut self, data: &[u8]) {
        self.inner.update(data);
    }

    /// Ends the HMAC.
    #[must_use]
    pub fn finish(mut self) -> Digest {
        self.outer.update(&Zeroizing::new(self.inner.finish()));
        self.outer.finish()
    }

    /// Ends the HMAC and compares it with `expected` in constant time.
    ///
    /// # Errors
    /// [`CryptoError::Invalid`] if they differ, in length or in a byte.
    pub fn verify(self, expected: &[u8]) -> Result<(), CryptoError> {
        if bool::from((*self.finish()).ct_eq(expected)) { Ok(()) } else { Err(CryptoError::Invalid) }
    }

    /// The running state as bytes, for [`Hmac::restore`] by the same release. As secret as the key.
    #[must_use]
    pub fn save(&self) -> Zeroizing<Vec<u8>> {
        let mut saved = self.inner.save();
        let outer = self.outer.save();
        // A growing vector would leave a copy behind, so the room is made first.
        let mut both = Zeroizing::new(Vec::with_capacity(saved.len().saturating_add(outer.len())));
        both.append(&mut saved);
        both.extend_from_slice(&outer);
        both
    }

    /// The running HMAC that [`Hmac::save`] gave the bytes of.
    ///
    /// # Errors
    /// [`CryptoError::Value`] if the bytes are not a state of this algorithm.
    pub fn restore(algorithm: TpmiAlgHash, saved: &[u8]) -> Result<Self, CryptoError> {
        let (inner, outer) = saved.split_at_checked(saved.len() / 2).ok_or(CryptoError::Value)?;
        Ok(Self { inner: Hasher::restore(algorithm, inner)?, outer: Hasher::restore(algorithm, outer)? })
    }
}

impl fmt::Debug for Hmac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hmac({:?})", self.algorithm())
    }
}

/// The HMAC of the concatenation of `parts`.
#[must_use]
pub fn hmac(algorithm: TpmiAlgHash, key: &[u8], parts: &[&[u8]]) -> Digest {
    let mut hmac = Hmac::new(algorithm, key);
    for part in parts {
        hmac.update(part);
    }
    hmac.finish()
}

/// A hash that has taken the key block, each byte of it changed by `pad`.
fn keyed(algorithm: TpmiAlgHash, block: &[u8; MAX_BLOCK_SIZE], pad: u8) -> Hasher {
    let mut padded = Zeroizing::new(*block);
    for byte in padded.iter_mut() {
        *byte ^= pad;
    }
    let mut hasher = Hasher::new(algorithm);
    hasher.update(padded.get(..algorithm.block_size()).unwrap_or_default());
    hasher
}

fn fill(block: &mut [u8], key: &[u8]) {
    for (to, from) in block.iter_mut().zip(key) {
        *to = *from;
    }
}

#[cfg(test)]
mod tests;
