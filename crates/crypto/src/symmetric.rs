//! Block ciphers in the modes of Part 1, 8.4.7 and Part 3, 15, and XOR obfuscation.
//!
//! Everything works in place. The initialization vector is replaced by the chaining value that Part 3, table 64 has for
//! `ivOut`, so that data may be given in pieces.
//!
//! AES takes constant time: it uses the processor's instructions, or is bit-sliced where there are none. Camellia, SM4
//! and TDES look their S-boxes up in tables, so that who shares a cache with the TPM may learn about a key. No other
//! maintained implementation in Rust is better; a profile that has no use for them leaves them out.

use core::fmt;

use aes::{Aes128, Aes192, Aes256};
use camellia::{Camellia128, Camellia192, Camellia256};
use cipher::KeyInit;
use des::{TdesEde2, TdesEde3};
use ironroot_wire::{TpmiAlgCipherMode, TpmiAlgHash, TpmiAlgSymObject};
use sm4::Sm4;

use crate::{CryptoError, kdf::kdfa};

mod cmac;
mod modes;
mod tdes;

pub use cmac::Cmac;

/// The size of the largest block, in bytes.
pub const MAX_BLOCK_SIZE: usize = 16;

/// The sizes of a cipher's keys, in bits. Those of TDES count the parity bits.
#[must_use]
pub const fn key_bits(algorithm: TpmiAlgSymObject) -> &'static [u16] {
    match algorithm {
        TpmiAlgSymObject::Tdes => &[128, 192],
        TpmiAlgSymObject::Aes | TpmiAlgSymObject::Camellia => &[128, 192, 256],
        TpmiAlgSymObject::Sm4 => &[128],
    }
}

/// The length that a mode's initialization vector must have, in bytes: nothing, or a block.
#[must_use]
pub fn iv_size(algorithm: TpmiAlgSymObject, mode: TpmiAlgCipherMode) -> usize {
    if mode == TpmiAlgCipherMode::Ecb { 0 } else { algorithm.block_size() }
}

/// Makes a random string of one of the key sizes into a key: a key of TDES gets its parity bits.
///
/// # Errors
/// [`CryptoError::Value`] for a wrong size; [`CryptoError::Key`] if it is a weak key: take another string.
pub fn finish_key(algorithm: TpmiAlgSymObject, key: &mut [u8]) -> Result<(), CryptoError> {
    if algorithm == TpmiAlgSymObject::Tdes {
        tdes::set_odd_parity(key);
    }
    check_key(algorithm, key)
}

/// Checks that a string is a key (Part 1, 8.4.10.4).
///
/// # Errors
/// [`CryptoError::Value`] for a wrong size, [`CryptoError::Key`] for a weak key.
pub fn check_key(algorithm: TpmiAlgSymObject, key: &[u8]) -> Result<(), CryptoError> {
    if !key_bits(algorithm).iter().any(|bits| usize::from(bits / 8) == key.len()) {
        return Err(CryptoError::Value);
    }
    if algorithm == TpmiAlgSymObject::Tdes && tdes::is_weak(key) { Err(CryptoError::Key) } else { Ok(()) }
}

/// Whether a mode takes whole blocks only.
#[must_use]
pub fn needs_whole_blocks(mode: TpmiAlgCipherMode) -> bool {
    matches!(mode, TpmiAlgCipherMode::Cbc | TpmiAlgCipherMode::Ecb)
}

/// A key of a block cipher, expanded for use; erased when dropped.
#[derive(Clone)]
pub struct BlockCipher(Expanded);

#[derive(Clone)]
enum Expanded {
    Tdes128(TdesEde2),
    Tdes192(TdesEde3),
    Aes128(Aes128),
    Aes192(Aes192),
    Aes256(Aes256),
    Sm4(Sm4),
    Camellia128(Camellia128),
    Camellia192(Camellia192),
    Camellia256(Camellia256),
}

/// Runs one expression for whichever cipher there is.
macro_rules! each {
    ($key:expr, $cipher:ident => $run:expr) => {
        match $key {
            Expanded::Tdes128($cipher) => $run,
            Expanded::Tdes192($cipher) => $run,
            Expanded::Aes128($cipher) => $run,
            Expanded::Aes192($cipher) => $run,
            Expanded::Aes256($cipher) => $run,
            Expanded::Sm4($cipher) => $run,
            Expanded::Camellia128($cipher) => $run,
            Expanded::Camellia192($cipher) => $run,
            Expanded::Camellia256($cipher) => $run,
        }
    };
}

impl BlockCipher {
    /// Expands a key.
    ///
    /// # Errors
    /// [`CryptoError::Value`] if the cipher has no keys of this size, [`CryptoError::Key`] if the key is weak.
    pub fn new(algorithm: TpmiAlgSymObject, key: &[u8]) -> Result<Self, CryptoError> {
        check_key(algorithm, key)?;
        let expanded = match (algorithm, key.len()) {
            (TpmiAlgSymObject::Tdes, 16) => TdesEde2::new_from_slice(key).map(Expanded::Tdes128),
            (TpmiAlgSymObject::Tdes, _) => TdesEde3::new_from_slice(key).map(Expanded::Tdes192),
            (TpmiAlgSymObject::Aes, 16) => Aes128::new_from_slice(key).map(Expanded::Aes128),
            (TpmiAlgSymObject::Aes, 24) => Aes192::new_from_slice(key).map(Expanded::Aes192),
            (TpmiAlgSymObject::Aes, _) => Aes256::new_from_slice(key).map(Expanded::Aes256),
            (TpmiAlgSymObject::Sm4, _) => Sm4::new_from_slice(key).map(Expanded::Sm4),
            (TpmiAlgSymObject::Camellia, 16) => Camellia128::new_from_slice(key).map(Expanded::Camellia128),
            (TpmiAlgSymObject::Camellia, 24) => Camellia192::new_from_slice(key).map(Expanded::Camellia192),
            (TpmiAlgSymObject::Camellia, _) => Camellia256::new_from_slice(key).map(Expanded::Camellia256),
        };
        expanded.map(Self).map_err(|_| CryptoError::Value)
    }

    /// The cipher.
    #[must_use]
    pub fn algorithm(&self) -> TpmiAlgSymObject {
        match self.0 {
            Expanded::Tdes128(_) | Expanded::Tdes192(_) => TpmiAlgSymObject::Tdes,
            Expanded::Aes128(_) | Expanded::Aes192(_) | Expanded::Aes256(_) => TpmiAlgSymObject::Aes,
            Expanded::Sm4(_) => TpmiAlgSymObject::Sm4,
            Expanded::Camellia128(_) | Expanded::Camellia192(_) | Expanded::Camellia256(_) => {
                TpmiAlgSymObject::Camellia
            }
        }
    }

    /// Bytes of a block.
    #[must_use]
    pub fn block_size(&self) -> usize {
        self.algorithm().block_size()
    }

    /// Encrypts in place and leaves the chaining value in `iv`.
    ///
    /// # Errors
    /// [`CryptoError::Value`] unless `iv` has [`iv_size`] bytes and `data` suits [`needs_whole_blocks`].
    pub fn encrypt(&self, mode: TpmiAlgCipherMode, iv: &mut [u8], data: &mut [u8]) -> Result<(), CryptoError> {
        self.check(mode, iv, data)?;
        each!(&self.0, cipher => modes::encrypt(cipher, mode, iv, data))
    }

    /// Decrypts in place and leaves the chaining value in `iv`.
    ///
    /// # Errors
    /// As [`BlockCipher::encrypt`].
    pub fn decrypt(&self, mode: TpmiAlgCipherMode, iv: &mut [u8], data: &mut [u8]) -> Result<(), CryptoError> {
        self.check(mode, iv, data)?;
        each!(&self.0, cipher => modes::decrypt(cipher, mode, iv, data))
    }

    /// Encrypts one block; one of another size is left as it is.
    fn encrypt_block(&self, block: &mut [u8]) {
        each!(&self.0, cipher => modes::encrypt_block(cipher, block));
    }

    fn check(&self, mode: TpmiAlgCipherMode, iv: &[u8], data: &[u8]) -> Result<(), CryptoError> {
        let whole = data.len().is_multiple_of(self.block_size());
        let good = iv.len() == iv_size(self.algorithm(), mode) && (whole || !needs_whole_blocks(mode));
        if good { Ok(()) } else { Err(CryptoError::Value) }
    }
}

impl fmt::Debug for BlockCipher {
    /// Says which cipher, nothing of the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BlockCipher({:?})", self.algorithm())
    }
}

/// Encrypts in place in CFB mode, the mode that protects parameters and sensitive areas.
///
/// # Errors
/// As [`BlockCipher::new`]; [`CryptoError::Value`] if `iv` is not a block.
pub fn cfb_encrypt(algorithm: TpmiAlgSymObject, key: &[u8], iv: &[u8], data: &mut [u8]) -> Result<(), CryptoError> {
    let mut iv = zeroize::Zeroizing::new(iv.to_vec());
    BlockCipher::new(algorithm, key)?.encrypt(TpmiAlgCipherMode::Cfb, &mut iv, data)
}

/// Decrypts in place in CFB mode.
///
/// # Errors
/// As [`cfb_encrypt`].
pub fn cfb_decrypt(algorithm: TpmiAlgSymObject, key: &[u8], iv: &[u8], data: &mut [u8]) -> Result<(), CryptoError> {
    let mut iv = zeroize::Zeroizing::new(iv.to_vec());
    BlockCipher::new(algorithm, key)?.decrypt(TpmiAlgCipherMode::Cfb, &mut iv, data)
}

/// `XOR()` (Part 1, 8.4.7.3): exclusive-or of `data` with a KDFa mask. Its own inverse.
///
/// # Errors
/// [`CryptoError::Value`] if `data` has more bits than 32 bits can count.
pub fn xor_obfuscate(
    algorithm: TpmiAlgHash,
    key: &[u8],
    context_u: &[u8],
    context_v: &[u8],
    data: &mut [u8],
) -> Result<(), CryptoError> {
    let bits = u32::try_from(data.len()).ok().and_then(|bytes| bytes.checked_mul(8)).ok_or(CryptoError::Value)?;
    xor(data, &kdfa(algorithm, key, b"XOR", context_u, context_v, bits));
    Ok(())
}

fn xor(data: &mut [u8], mask: &[u8]) {
    for (to, from) in data.iter_mut().zip(mask) {
        *to ^= from;
    }
}

#[cfg(test)]
mod tests;
