//! HMAC (FIPS 198-1; Part 1, 8.4.3) over any hash.
//!
//! The two keyed hash states are prepared once; cloning an [`Hmac`] that has seen no data reuses them, which is what
//! makes key derivation and the generator cheap.

use alloc::vec::Vec;
use core::fmt;
use ironroot_wire::TpmiAlgHash;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

use crate::{CryptoError, Digest, Hasher, hash::digest};

/// The largest block of a supported hash (SHA3-256), in bytes.
const MAX_BLOCK_SIZE: usize = 136;
/// The bytes of `ipad` and `opad`.
const INNER: u8 = 0x36;
const OUTER: u8 = 0x5c;

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
        let mut room = [0u8; MAX_BLOCK_SIZE];
        let block = room.get_mut(..algorithm.block_size()).unwrap_or_default();
        if let Some(start) = block.get_mut(..key.len()) {
            start.copy_from_slice(key);
        } else {
            let short = Zeroizing::new(digest(algorithm, &[key]));
            block.iter_mut().zip(short.iter()).for_each(|(to, from)| *to = *from);
        }
        let inner = keyed(algorithm, block, INNER);
        let outer = keyed(algorithm, block, INNER ^ OUTER);
        block.zeroize();
        Self { inner, outer }
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

    /// The HMAC of what was added so far and `parts`; the running HMAC stays as it is.
    #[must_use]
    pub fn peek(&self, parts: &[&[u8]]) -> Digest {
        let mut inner = self.inner.clone();
        parts.iter().for_each(|part| inner.update(part));
        let mut outer = self.outer.clone();
        outer.update(&Zeroizing::new(inner.finish()));
        outer.finish()
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
    Hmac::new(algorithm, key).peek(parts)
}

/// Changes each byte of the key block by `pad` and gives a hash that has taken it.
fn keyed(algorithm: TpmiAlgHash, block: &mut [u8], pad: u8) -> Hasher {
    block.iter_mut().for_each(|byte| *byte ^= pad);
    let mut hasher = Hasher::new(algorithm);
    hasher.update(block);
    hasher
}

#[cfg(test)]
mod tests;
