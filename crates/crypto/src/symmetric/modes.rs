//! The modes of SP 800-38A over any block cipher, and the chaining values that continue a message.

use cipher::{
    Array, Block, BlockCipherDecrypt, BlockCipherEncrypt, BlockModeDecrypt, BlockModeEncrypt, BlockSizeUser,
    InnerIvInit, IvState, StreamCipherCore,
};
use ironroot_wire::TpmiAlgCipherMode;
use zeroize::Zeroizing;

use super::xor;
use crate::CryptoError;

/// A block cipher, and the counter of its CTR mode: the whole block, as one big-endian number.
pub trait Modes: BlockCipherEncrypt + BlockCipherDecrypt {
    /// The counter.
    type Counter: ctr::CtrFlavor<Self::BlockSize>;
}

macro_rules! modes {
    ($($cipher:ty => $counter:ident),* $(,)?) => {
        $(impl Modes for $cipher {
            type Counter = ctr::flavors::$counter;
        })*
    };
}

modes! {
    des::TdesEde2 => Ctr64BE,
    des::TdesEde3 => Ctr64BE,
    aes::Aes128 => Ctr128BE,
    aes::Aes192 => Ctr128BE,
    aes::Aes256 => Ctr128BE,
    sm4::Sm4 => Ctr128BE,
    camellia::Camellia128 => Ctr128BE,
    camellia::Camellia192 => Ctr128BE,
    camellia::Camellia256 => Ctr128BE,
}

/// Encrypts in place; the sizes have been checked.
pub fn encrypt<C: Modes>(
    cipher: &C,
    mode: TpmiAlgCipherMode,
    iv: &mut [u8],
    data: &mut [u8],
) -> Result<(), CryptoError> {
    match mode {
        TpmiAlgCipherMode::Ctr => {
            keystream(ctr::CtrCore::<&C, C::Counter>::inner_iv_init(cipher, &block_from::<C>(iv)?), iv, data);
        }
        TpmiAlgCipherMode::Ofb => keystream(ofb::OfbCore::inner_iv_init(cipher, &block_from::<C>(iv)?), iv, data),
        TpmiAlgCipherMode::Cbc => {
            let whole = blocks::<C>(data);
            cbc::Encryptor::inner_iv_init(cipher, &block_from::<C>(iv)?).encrypt_blocks(whole);
            chain::<C>(iv, whole);
        }
        TpmiAlgCipherMode::Cfb => {
            let (whole, tail) = Array::slice_as_chunks_mut(data);
            cfb_mode::Encryptor::inner_iv_init(cipher, &block_from::<C>(iv)?).encrypt_blocks(whole);
            chain::<C>(iv, whole);
            if !tail.is_empty() {
                let mut mask = feedback_mask(cipher, iv)?;
                xor(tail, &mask);
                replace_start(&mut mask, tail);
                iv.copy_from_slice(&mask);
            }
        }
        TpmiAlgCipherMode::Ecb => cipher.encrypt_blocks(blocks::<C>(data)),
    }
    Ok(())
}

/// Decrypts in place; the sizes have been checked.
pub fn decrypt<C: Modes>(
    cipher: &C,
    mode: TpmiAlgCipherMode,
    iv: &mut [u8],
    data: &mut [u8],
) -> Result<(), CryptoError> {
    match mode {
        TpmiAlgCipherMode::Ctr | TpmiAlgCipherMode::Ofb => encrypt(cipher, mode, iv, data)?,
        TpmiAlgCipherMode::Cbc => {
            let start = block_from::<C>(iv)?;
            let whole = blocks::<C>(data);
            chain::<C>(iv, whole);
            cbc::Decryptor::inner_iv_init(cipher, &start).decrypt_blocks(whole);
        }
        TpmiAlgCipherMode::Cfb => {
            let start = block_from::<C>(iv)?;
            let (whole, tail) = Array::slice_as_chunks_mut(data);
            chain::<C>(iv, whole);
            cfb_mode::Decryptor::inner_iv_init(cipher, &start).decrypt_blocks(whole);
            if !tail.is_empty() {
                let mask = feedback_mask(cipher, iv)?;
                iv.copy_from_slice(&mask);
                replace_start(iv, tail);
                xor(tail, &mask);
            }
        }
        TpmiAlgCipherMode::Ecb => cipher.decrypt_blocks(blocks::<C>(data)),
    }
    Ok(())
}

/// Encrypts one block; one of another size is left as it is.
pub fn encrypt_block<C: Modes>(cipher: &C, block: &mut [u8]) {
    if let Ok(block) = block.try_into() {
        cipher.encrypt_block(block);
    }
}

/// CTR and OFB: the last block may be partial; the chaining value is the next counter or the last keystream block.
fn keystream<S: StreamCipherCore + BlockSizeUser + IvState>(mut stream: S, iv: &mut [u8], data: &mut [u8]) {
    let (whole, tail) = Array::slice_as_chunks_mut(data);
    stream.apply_keystream_blocks(whole);
    if !tail.is_empty() {
        let mut mask = Zeroizing::new(Block::<S>::default());
        stream.write_keystream_block(&mut mask);
        xor(tail, &mask);
    }
    for (to, from) in iv.iter_mut().zip(stream.iv_state()) {
        *to = from;
    }
}

/// CBC and CFB: the chaining value is the last ciphertext block.
fn chain<C: Modes>(iv: &mut [u8], ciphertext: &[Block<C>]) {
    if let Some(last) = ciphertext.last() {
        iv.copy_from_slice(last);
    }
}

/// CFB: what a partial last block is masked with. The chaining value is then its ciphertext followed by the rest of the
/// mask. The specification does not say; libtpms over OpenSSL has it so, in both directions.
fn feedback_mask<C: Modes>(cipher: &C, iv: &[u8]) -> Result<Zeroizing<Block<C>>, CryptoError> {
    let mut mask = Zeroizing::new(block_from::<C>(iv)?);
    cipher.encrypt_block(&mut mask);
    Ok(mask)
}

fn replace_start(block: &mut [u8], start: &[u8]) {
    for (to, from) in block.iter_mut().zip(start) {
        *to = *from;
    }
}

fn block_from<C: Modes>(iv: &[u8]) -> Result<Block<C>, CryptoError> {
    Block::<C>::try_from(iv).map_err(|_| CryptoError::Value)
}

fn blocks<C: Modes>(data: &mut [u8]) -> &mut [Block<C>] {
    Array::slice_as_chunks_mut(data).0
}
