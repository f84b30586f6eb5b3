//! SHAKE256 (FIPS 202, 6.2) whose running state can be saved, as a TPM saves the context of sequence objects.
//!
//! The permutation and the absorbing of bytes are the library's; the padding and the saved form are here, because the
//! library's own SHAKE256 cannot be saved. Erased when dropped, as it may have taken in secrets.

use alloc::vec::Vec;
use core::fmt;

use keccak::Keccak;
use sponge_cursor::SpongeCursor;
use zeroize::{Zeroize, Zeroizing};

use crate::CryptoError;

/// Bytes that one permutation takes in or gives out.
const RATE: usize = 136;
/// Words of the state.
const WORDS: usize = 25;

/// A running SHAKE256.
#[derive(Clone)]
pub struct Shake256 {
    state: [u64; WORDS],
    cursor: SpongeCursor<RATE>,
}

impl Default for Shake256 {
    fn default() -> Self {
        Self { state: [0; WORDS], cursor: SpongeCursor::default() }
    }
}

impl Shake256 {
    /// The bytes of a saved state.
    pub const SAVED_SIZE: usize = WORDS * 8 + 1;

    /// Starts.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds data.
    pub fn update(&mut self, data: &[u8]) {
        let Self { state, cursor } = self;
        Keccak::new().with_f1600(|permute| cursor.absorb_u64_le(state, permute, data));
    }

    /// Ends the input and fills `out` with output.
    pub fn finish(mut self, out: &mut [u8]) {
        // The domain separation and padding 1111 1 0..0 1 of FIPS 202, as bytes behind the input.
        let at = self.cursor.pos();
        self.xor(at, 0x1f);
        self.xor(RATE - 1, 0x80);
        let state = &mut self.state;
        Keccak::new().with_f1600(|permute| {
            permute(state);
            for (index, block) in out.chunks_mut(RATE).enumerate() {
                if index > 0 {
                    permute(state);
                }
                let output = state.iter().flat_map(|word| word.to_le_bytes());
                block.iter_mut().zip(output).for_each(|(to, from)| *to = from);
            }
        });
    }

    fn xor(&mut self, at: usize, byte: u8) {
        let mut bytes = [0; 8];
        if let (Some(to), Some(word)) = (bytes.get_mut(at % 8), self.state.get_mut(at / 8)) {
            *to = byte;
            *word ^= u64::from_le_bytes(bytes);
        }
    }

    /// The running state as bytes, for [`Shake256::restore`] by the same release. It may be as secret as the data.
    #[must_use]
    pub fn save(&self) -> Zeroizing<Vec<u8>> {
        let mut saved = Zeroizing::new(Vec::with_capacity(Self::SAVED_SIZE));
        saved.extend(self.state.iter().flat_map(|word| word.to_le_bytes()));
        saved.push(self.cursor.raw_pos());
        saved
    }

    /// The running state that [`Shake256::save`] gave the bytes of.
    ///
    /// # Errors
    /// [`CryptoError::Value`] if the bytes are not a state.
    pub fn restore(saved: &[u8]) -> Result<Self, CryptoError> {
        let (Self::SAVED_SIZE, Some((position, words))) = (saved.len(), saved.split_last()) else {
            return Err(CryptoError::Value);
        };
        let cursor = SpongeCursor::new(*position).ok_or(CryptoError::Value)?;
        let mut state = [0; WORDS];
        for (to, from) in state.iter_mut().zip(words.as_chunks().0) {
            *to = u64::from_le_bytes(*from);
        }
        Ok(Self { state, cursor })
    }
}

impl Drop for Shake256 {
    fn drop(&mut self) {
        self.state.zeroize();
    }
}

impl fmt::Debug for Shake256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shake256")
    }
}

/// The first `N` bytes of SHAKE256 of the concatenation of `parts`.
#[must_use]
pub fn shake256<const N: usize>(parts: &[&[u8]]) -> [u8; N] {
    let mut shake = Shake256::new();
    parts.iter().for_each(|part| shake.update(part));
    let mut out = [0; N];
    shake.finish(&mut out);
    out
}

#[cfg(test)]
mod tests;
