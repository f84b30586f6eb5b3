//! Hash functions behind one type, chosen at run time by the algorithm id (Part 1, 8.4.2).
//!
//! A [`Hasher`] can be cloned and saved in mid-stream, because a TPM saves the context of sequence objects. Its state is
//! erased when it is dropped: the same type carries the keyed states of HMAC.

use alloc::vec::Vec;
use core::{
    fmt,
    ops::{Deref, Range},
};
use ironroot_wire::TpmiAlgHash;
use sha2::digest::{
    Digest as _,
    common::hazmat::{SerializableState, SerializedState},
};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

use crate::CryptoError;

/// The size of the largest digest, in bytes.
pub const MAX_DIGEST_SIZE: usize = 64;

/// The output of a hash function or HMAC. Derefs to its bytes; `==` takes constant time.
#[derive(Clone, Copy)]
pub struct Digest {
    bytes: [u8; MAX_DIGEST_SIZE],
    size: u8,
}

impl Digest {
    /// Takes what a hash function gave, which is never longer than [`MAX_DIGEST_SIZE`].
    fn new(output: &[u8]) -> Self {
        let mut bytes = [0; MAX_DIGEST_SIZE];
        let mut size = 0;
        if let (Some(start), Ok(length)) = (bytes.get_mut(..output.len()), u8::try_from(output.len())) {
            start.copy_from_slice(output);
            size = length;
        }
        Self { bytes, size }
    }
}

impl Deref for Digest {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.size)).unwrap_or_default()
    }
}

impl AsRef<[u8]> for Digest {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl ConstantTimeEq for Digest {
    fn ct_eq(&self, other: &Self) -> subtle::Choice {
        (**self).ct_eq(&**other)
    }
}

impl PartialEq for Digest {
    fn eq(&self, other: &Self) -> bool {
        self.ct_eq(other).into()
    }
}

impl Eq for Digest {}

impl fmt::Debug for Digest {
    /// Says the size only: a digest may be a key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({} bytes)", self.size)
    }
}

impl Zeroize for Digest {
    fn zeroize(&mut self) {
        self.bytes.zeroize();
    }
}

/// A running hash.
#[derive(Clone)]
pub struct Hasher(State);

#[derive(Clone)]
enum State {
    Sha1(sha1::Sha1),
    Sha256(sha2::Sha256),
    Sha384(sha2::Sha384),
    Sha512(sha2::Sha512),
    Sm3_256(sm3::Sm3),
    Sha3_256(sha3::Sha3_256),
    Sha3_384(sha3::Sha3_384),
    Sha3_512(sha3::Sha3_512),
}

/// Runs one expression for whichever hash the state holds.
macro_rules! each {
    ($state:expr, $hash:ident => $run:expr) => {
        match $state {
            State::Sha1($hash) => $run,
            State::Sha256($hash) => $run,
            State::Sha384($hash) => $run,
            State::Sha512($hash) => $run,
            State::Sm3_256($hash) => $run,
            State::Sha3_256($hash) => $run,
            State::Sha3_384($hash) => $run,
            State::Sha3_512($hash) => $run,
        }
    };
}

impl Hasher {
    /// Starts a hash.
    #[must_use]
    pub fn new(algorithm: TpmiAlgHash) -> Self {
        Self(match algorithm {
            TpmiAlgHash::Sha1 => State::Sha1(Default::default()),
            TpmiAlgHash::Sha256 => State::Sha256(Default::default()),
            TpmiAlgHash::Sha384 => State::Sha384(Default::default()),
            TpmiAlgHash::Sha512 => State::Sha512(Default::default()),
            TpmiAlgHash::Sm3_256 => State::Sm3_256(Default::default()),
            TpmiAlgHash::Sha3_256 => State::Sha3_256(Default::default()),
            TpmiAlgHash::Sha3_384 => State::Sha3_384(Default::default()),
            TpmiAlgHash::Sha3_512 => State::Sha3_512(Default::default()),
        })
    }

    /// The algorithm that it was started with.
    #[must_use]
    pub fn algorithm(&self) -> TpmiAlgHash {
        match self.0 {
            State::Sha1(_) => TpmiAlgHash::Sha1,
            State::Sha256(_) => TpmiAlgHash::Sha256,
            State::Sha384(_) => TpmiAlgHash::Sha384,
            State::Sha512(_) => TpmiAlgHash::Sha512,
            State::Sm3_256(_) => TpmiAlgHash::Sm3_256,
            State::Sha3_256(_) => TpmiAlgHash::Sha3_256,
            State::Sha3_384(_) => TpmiAlgHash::Sha3_384,
            State::Sha3_512(_) => TpmiAlgHash::Sha3_512,
        }
    }

    /// Adds data.
    pub fn update(&mut self, data: &[u8]) {
        each!(&mut self.0, hash => hash.update(data));
    }

    /// Ends the hash.
    #[must_use]
    pub fn finish(self) -> Digest {
        each!(self.0, hash => Digest::new(&hash.finalize()))
    }

    /// The running state as bytes, for [`Hasher::restore`] by the same release. It may be as secret as the data.
    #[must_use]
    pub fn save(&self) -> Zeroizing<Vec<u8>> {
        each!(&self.0, hash => Zeroizing::new(Zeroizing::new(hash.serialize()).to_vec()))
    }

    /// The running hash that [`Hasher::save`] gave the bytes of.
    ///
    /// # Errors
    /// [`CryptoError::Value`] if the bytes are not a state of this algorithm.
    pub fn restore(algorithm: TpmiAlgHash, saved: &[u8]) -> Result<Self, CryptoError> {
        if saved.get(high_count(algorithm)).is_none_or(|bytes| bytes.iter().any(|byte| *byte != 0)) {
            return Err(CryptoError::Value);
        }
        Ok(Self(match algorithm {
            TpmiAlgHash::Sha1 => State::Sha1(restore(saved)?),
            TpmiAlgHash::Sha256 => State::Sha256(restore(saved)?),
            TpmiAlgHash::Sha384 => State::Sha384(restore(saved)?),
            TpmiAlgHash::Sha512 => State::Sha512(restore(saved)?),
            TpmiAlgHash::Sm3_256 => State::Sm3_256(restore(saved)?),
            TpmiAlgHash::Sha3_256 => State::Sha3_256(restore(saved)?),
            TpmiAlgHash::Sha3_384 => State::Sha3_384(restore(saved)?),
            TpmiAlgHash::Sha3_512 => State::Sha3_512(restore(saved)?),
        }))
    }
}

/// Where a saved state has the high bytes of its little-endian count of blocks, all but the lowest six. A state from
/// outside whose count is near its end would overflow it.
fn high_count(algorithm: TpmiAlgHash) -> Range<usize> {
    match algorithm {
        TpmiAlgHash::Sha1 => 26..28,
        TpmiAlgHash::Sha256 | TpmiAlgHash::Sm3_256 => 38..40,
        TpmiAlgHash::Sha384 | TpmiAlgHash::Sha512 => 70..80,
        TpmiAlgHash::Sha3_256 | TpmiAlgHash::Sha3_384 | TpmiAlgHash::Sha3_512 => 0..0,
    }
}

fn restore<H: SerializableState>(saved: &[u8]) -> Result<H, CryptoError> {
    let state = SerializedState::<H>::try_from(saved).map_err(|_| CryptoError::Value)?;
    H::deserialize(&Zeroizing::new(state)).map_err(|_| CryptoError::Value)
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hasher({:?})", self.algorithm())
    }
}

/// The digest of the concatenation of `parts`.
#[must_use]
pub fn digest(algorithm: TpmiAlgHash, parts: &[&[u8]]) -> Digest {
    let mut hasher = Hasher::new(algorithm);
    for part in parts {
        hasher.update(part);
    }
    hasher.finish()
}

#[cfg(test)]
mod tests;
