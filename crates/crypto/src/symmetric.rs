//! AES in the modes of Part 1, 8.4.7 and Part 3, 15, and XOR obfuscation.
//!
//! Everything works in place. The initialization vector is replaced by the chaining value that Part 3, table 64 has for
//! `ivOut`, so that data may be given in pieces.

use aes::{Aes128, Aes192, Aes256};
use cipher::{
    Array, BlockCipherDecrypt, BlockCipherEncrypt, BlockModeDecrypt, BlockModeEncrypt, BlockSizeUser, InnerIvInit,
    IvState, KeyInit, StreamCipherCore, consts::U16,
};
use core::fmt;
use ironroot_wire::{TpmiAlgHash, TpmiAlgSymMode};
use zeroize::Zeroizing;

use crate::{CryptoError, kdf::kdfa};

/// The size of an AES block and initialization vector, in bytes.
pub const BLOCK_SIZE: usize = 16;

type Block = Array<u8, U16>;

/// The length that a mode's initialization vector must have, in bytes: 0 or [`BLOCK_SIZE`].
#[must_use]
pub fn iv_size(mode: TpmiAlgSymMode) -> usize {
    if mode == TpmiAlgSymMode::Ecb { 0 } else { BLOCK_SIZE }
}

/// Whether a mode takes whole blocks only.
#[must_use]
pub fn needs_whole_blocks(mode: TpmiAlgSymMode) -> bool {
    matches!(mode, TpmiAlgSymMode::Cbc | TpmiAlgSymMode::Ecb)
}

/// An AES key, expanded for use; erased when dropped.
pub struct Aes(Expanded);

enum Expanded {
    Aes128(Aes128),
    Aes192(Aes192),
    Aes256(Aes256),
}

/// Runs one expression for whichever key size there is.
macro_rules! each {
    ($key:expr, $cipher:ident => $run:expr) => {
        match $key {
            Expanded::Aes128($cipher) => $run,
            Expanded::Aes192($cipher) => $run,
            Expanded::Aes256($cipher) => $run,
        }
    };
}

impl Aes {
    /// Expands a key of 16, 24 or 32 bytes.
    ///
    /// # Errors
    /// [`CryptoError::Value`] if it has another size.
    pub fn new(key: &[u8]) -> Result<Self, CryptoError> {
        let expanded = match key.len() {
            16 => Aes128::new_from_slice(key).map(Expanded::Aes128),
            24 => Aes192::new_from_slice(key).map(Expanded::Aes192),
            _ => Aes256::new_from_slice(key).map(Expanded::Aes256),
        };
        expanded.map(Self).map_err(|_| CryptoError::Value)
    }

    /// Encrypts in place and leaves the chaining value in `iv`.
    ///
    /// # Errors
    /// [`CryptoError::Value`] unless `iv` has [`iv_size`] bytes and `data` suits [`needs_whole_blocks`].
    pub fn encrypt(&self, mode: TpmiAlgSymMode, iv: &mut [u8], data: &mut [u8]) -> Result<(), CryptoError> {
        check(mode, iv, data)?;
        each!(&self.0, cipher => encrypt(cipher, mode, iv, data))
    }

    /// Decrypts in place and leaves the chaining value in `iv`.
    ///
    /// # Errors
    /// As [`Aes::encrypt`].
    pub fn decrypt(&self, mode: TpmiAlgSymMode, iv: &mut [u8], data: &mut [u8]) -> Result<(), CryptoError> {
        check(mode, iv, data)?;
        each!(&self.0, cipher => decrypt(cipher, mode, iv, data))
    }
}

impl fmt::Debug for Aes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Expanded::Aes128(_) => "Aes(128)",
            Expanded::Aes192(_) => "Aes(192)",
            Expanded::Aes256(_) => "Aes(256)",
        })
    }
}

/// Encrypts in place with AES-CFB, the mode that protects parameters and sensitive areas.
///
/// # Errors
/// [`CryptoError::Value`] if the key has no AES size or `iv` is not a block.
pub fn cfb_encrypt(key: &[u8], iv: &[u8], data: &mut [u8]) -> Result<(), CryptoError> {
    let mut iv = block_from(iv)?;
    Aes::new(key)?.encrypt(TpmiAlgSymMode::Cfb, &mut iv, data)
}

/// Decrypts in place with AES-CFB.
///
/// # Errors
/// As [`cfb_encrypt`].
pub fn cfb_decrypt(key: &[u8], iv: &[u8], data: &mut [u8]) -> Result<(), CryptoError> {
    let mut iv = block_from(iv)?;
    Aes::new(key)?.decrypt(TpmiAlgSymMode::Cfb, &mut iv, data)
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

fn check(mode: TpmiAlgSymMode, iv: &[u8], data: &[u8]) -> Result<(), CryptoError> {
    let whole = data.len().is_multiple_of(BLOCK_SIZE);
    if iv.len() == iv_size(mode) && (whole || !needs_whole_blocks(mode)) { Ok(()) } else { Err(CryptoError::Value) }
}

fn encrypt<C>(cipher: &C, mode: TpmiAlgSymMode, iv: &mut [u8], data: &mut [u8]) -> Result<(), CryptoError>
where
    C: BlockCipherEncrypt + BlockSizeUser<BlockSize = U16>,
{
    match mode {
        TpmiAlgSymMode::Ctr => {
            keystream(ctr::CtrCore::<&C, ctr::flavors::Ctr128BE>::inner_iv_init(cipher, &block_from(iv)?), iv, data)
        }
        TpmiAlgSymMode::Ofb => keystream(ofb::OfbCore::inner_iv_init(cipher, &block_from(iv)?), iv, data),
        TpmiAlgSymMode::Cbc => {
            let whole = blocks(data);
            cbc::Encryptor::inner_iv_init(cipher, &block_from(iv)?).encrypt_blocks(whole);
            chain(iv, whole);
        }
        TpmiAlgSymMode::Cfb => {
            let (whole, tail) = Block::slice_as_chunks_mut(data);
            cfb_mode::Encryptor::inner_iv_init(cipher, &block_from(iv)?).encrypt_blocks(whole);
            chain(iv, whole);
            if !tail.is_empty() {
                let mut mask = feedback_mask(cipher, iv)?;
                xor(tail, &mask);
                replace_start(&mut mask, tail);
                iv.copy_from_slice(&mask);
            }
        }
        TpmiAlgSymMode::Ecb => cipher.encrypt_blocks(blocks(data)),
        TpmiAlgSymMode::Cmac => return Err(CryptoError::Unsupported),
    }
    Ok(())
}

fn decrypt<C>(cipher: &C, mode: TpmiAlgSymMode, iv: &mut [u8], data: &mut [u8]) -> Result<(), CryptoError>
where
    C: BlockCipherEncrypt + BlockCipherDecrypt + BlockSizeUser<BlockSize = U16>,
{
    match mode {
        TpmiAlgSymMode::Ctr | TpmiAlgSymMode::Ofb => encrypt(cipher, mode, iv, data)?,
        TpmiAlgSymMode::Cbc => {
            let start = block_from(iv)?;
            let whole = blocks(data);
            chain(iv, whole);
            cbc::Decryptor::inner_iv_init(cipher, &start).decrypt_blocks(whole);
        }
        TpmiAlgSymMode::Cfb => {
            let start = block_from(iv)?;
            let (whole, tail) = Block::slice_as_chunks_mut(data);
            chain(iv, whole);
            cfb_mode::Decryptor::inner_iv_init(cipher, &start).decrypt_blocks(whole);
            if !tail.is_empty() {
                let mask = feedback_mask(cipher, iv)?;
                iv.copy_from_slice(&mask);
                replace_start(iv, tail);
                xor(tail, &mask);
            }
        }
        TpmiAlgSymMode::Ecb => cipher.decrypt_blocks(blocks(data)),
        TpmiAlgSymMode::Cmac => return Err(CryptoError::Unsupported),
    }
    Ok(())
}

/// CTR and OFB: the last block may be partial; the chaining value is the next counter or the last keystream block.
fn keystream<S>(mut stream: S, iv: &mut [u8], data: &mut [u8])
where
    S: StreamCipherCore + BlockSizeUser<BlockSize = U16> + IvState,
{
    let (whole, tail) = Block::slice_as_chunks_mut(data);
    stream.apply_keystream_blocks(whole);
    if !tail.is_empty() {
        let mut mask = Zeroizing::new(Block::default());
        stream.write_keystream_block(&mut mask);
        xor(tail, &mask);
    }
    for (to, from) in iv.iter_mut().zip(stream.iv_state()) {
        *to = from;
    }
}

/// CBC and CFB: the chaining value is the last ciphertext block.
fn chain(iv: &mut [u8], ciphertext: &[Block]) {
    if let Some(last) = ciphertext.last() {
        iv.copy_from_slice(last);
    }
}

/// CFB: what a partial last block is masked with. The chaining value is then its ciphertext followed by the rest of the
/// mask. The specification does not say; libtpms over OpenSSL has it so, in both directions.
fn feedback_mask<C>(cipher: &C, iv: &[u8]) -> Result<Zeroizing<Block>, CryptoError>
where
    C: BlockCipherEncrypt + BlockSizeUser<BlockSize = U16>,
{
    let mut mask = Zeroizing::new(block_from(iv)?);
    cipher.encrypt_block(&mut mask);
    Ok(mask)
}

fn replace_start(block: &mut [u8], start: &[u8]) {
    for (to, from) in block.iter_mut().zip(start) {
        *to = *from;
    }
}

fn xor(data: &mut [u8], mask: &[u8]) {
    for (to, from) in data.iter_mut().zip(mask) {
        *to ^= from;
    }
}

fn block_from(iv: &[u8]) -> Result<Block, CryptoError> {
    Block::try_from(iv).map_err(|_| CryptoError::Value)
}

fn blocks(data: &mut [u8]) -> &mut [Block] {
    Block::slice_as_chunks_mut(data).0
}

#[cfg(test)]
mod tests;
