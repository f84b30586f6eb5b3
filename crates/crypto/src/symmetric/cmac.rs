//! CMAC (SP 800-38B; Part 1, 8.4.3) over any block cipher.

use alloc::vec::Vec;
use core::fmt;

use ironroot_wire::TpmiAlgSymObject;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

use super::{BlockCipher, MAX_BLOCK_SIZE, xor};
use crate::CryptoError;

/// A running CMAC. Erased when dropped.
#[derive(Clone)]
pub struct Cmac {
    cipher: BlockCipher,
    /// The key as it came, for [`Cmac::save`].
    key: Zeroizing<Vec<u8>>,
    /// What the blocks before the held one came to.
    chain: Zeroizing<[u8; MAX_BLOCK_SIZE]>,
    /// Bytes that wait: a message's last block is treated differently, so that even a full one waits for the next byte.
    held: Zeroizing<[u8; MAX_BLOCK_SIZE]>,
    held_size: usize,
}

impl Cmac {
    /// Starts a CMAC.
    ///
    /// # Errors
    /// As [`BlockCipher::new`].
    pub fn new(algorithm: TpmiAlgSymObject, key: &[u8]) -> Result<Self, CryptoError> {
        Ok(Self {
            cipher: BlockCipher::new(algorithm, key)?,
            key: Zeroizing::new(key.to_vec()),
            chain: Zeroizing::default(),
            held: Zeroizing::default(),
            held_size: 0,
        })
    }

    /// The cipher.
    #[must_use]
    pub fn algorithm(&self) -> TpmiAlgSymObject {
        self.cipher.algorithm()
    }

    /// Adds data.
    pub fn update(&mut self, mut data: &[u8]) {
        let size = self.cipher.block_size();
        while !data.is_empty() {
            if self.held_size == size {
                self.take_held();
            }
            let room = self.held.get_mut(self.held_size..size).unwrap_or_default();
            let (now, rest) = data.split_at(room.len().min(data.len()));
            room.iter_mut().zip(now).for_each(|(to, from)| *to = *from);
            self.held_size = self.held_size.saturating_add(now.len());
            data = rest;
        }
    }

    /// Ends the CMAC: as many bytes as a block has.
    #[must_use]
    pub fn finish(mut self) -> Vec<u8> {
        let size = self.cipher.block_size();
        let mut subkey = Zeroizing::new([0u8; MAX_BLOCK_SIZE]);
        let subkey = subkey.get_mut(..size).unwrap_or_default();
        self.cipher.encrypt_block(subkey);
        double(subkey);
        if let Some(rest) = self.held.get_mut(self.held_size..size).filter(|rest| !rest.is_empty()) {
            rest.fill(0);
            rest.iter_mut().take(1).for_each(|first| *first = 0x80);
            double(subkey);
        }
        xor(&mut *self.held, subkey);
        self.take_held();
        self.chain.get(..size).unwrap_or_default().to_vec()
    }

    /// Ends the CMAC and compares it with `expected` in constant time.
    ///
    /// # Errors
    /// [`CryptoError::Invalid`] if they differ, in length or in a byte.
    pub fn verify(self, expected: &[u8]) -> Result<(), CryptoError> {
        if bool::from(self.finish().ct_eq(expected)) { Ok(()) } else { Err(CryptoError::Invalid) }
    }

    /// The running state as bytes, for [`Cmac::restore`]: the size of the key, the key, the chaining block and the held
    /// bytes.
    #[must_use]
    pub fn save(&self) -> Zeroizing<Vec<u8>> {
        let size = self.cipher.block_size();
        let room = self.key.len().saturating_add(size.saturating_mul(2)).saturating_add(1);
        let mut saved = Zeroizing::new(Vec::with_capacity(room));
        saved.push(u8::try_from(self.key.len()).unwrap_or_default());
        saved.extend_from_slice(&self.key);
        saved.extend_from_slice(self.chain.get(..size).unwrap_or_default());
        saved.extend_from_slice(self.held.get(..self.held_size).unwrap_or_default());
        saved
    }

    /// The running CMAC that [`Cmac::save`] gave the bytes of.
    ///
    /// # Errors
    /// As [`Cmac::new`]; [`CryptoError::Value`] if the bytes are not a state of this cipher.
    pub fn restore(algorithm: TpmiAlgSymObject, saved: &[u8]) -> Result<Self, CryptoError> {
        let (&size, rest) = saved.split_first().ok_or(CryptoError::Value)?;
        let (key, rest) = rest.split_at_checked(size.into()).ok_or(CryptoError::Value)?;
        let (chain, held) = rest.split_at_checked(algorithm.block_size()).ok_or(CryptoError::Value)?;
        let mut cmac = Self::new(algorithm, key)?;
        if held.len() > algorithm.block_size() {
            return Err(CryptoError::Value);
        }
        cmac.chain.iter_mut().zip(chain).for_each(|(to, from)| *to = *from);
        cmac.held.iter_mut().zip(held).for_each(|(to, from)| *to = *from);
        cmac.held_size = held.len();
        Ok(cmac)
    }

    /// Chains the held block.
    fn take_held(&mut self) {
        let size = self.cipher.block_size();
        xor(&mut *self.chain, &*self.held);
        self.cipher.encrypt_block(self.chain.get_mut(..size).unwrap_or_default());
        self.held.zeroize();
        self.held_size = 0;
    }
}

impl fmt::Debug for Cmac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cmac({:?})", self.algorithm())
    }
}

/// Multiplies by x in the field of the block's size (SP 800-38B, 6.1), in constant time.
fn double(block: &mut [u8]) {
    let reduction = if block.len() == 8 { 0x1B } else { 0x87 };
    let carry = block.first().map_or(0, |first| first >> 7);
    let mut low = 0;
    for byte in block.iter_mut().rev() {
        let high = *byte >> 7;
        *byte = (*byte << 1) | low;
        low = high;
    }
    if let Some(last) = block.last_mut() {
        *last ^= reduction & 0u8.wrapping_sub(carry);
    }
}
