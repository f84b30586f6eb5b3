//! Random permutations of nibbles, and the tables that add encoded nibbles.

use crate::{format::Xor, stream::Stream};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// A permutation of the sixteen nibbles.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Nibble {
    forward: [u8; 16],
    backward: [u8; 16],
}

impl Nibble {
    pub fn identity() -> Self {
        let same = core::array::from_fn(|i| i as u8);
        Self { forward: same, backward: same }
    }

    pub fn random(stream: &mut Stream) -> Self {
        let mut out = Self::identity();
        for last in (1..16_u8).rev() {
            out.forward.swap(usize::from(last), usize::from(stream.below(last + 1)));
        }
        for (from, to) in out.forward.iter().enumerate() {
            out.backward[usize::from(*to)] = from as u8;
        }
        out
    }

    pub fn encode(&self, nibble: u8) -> u8 {
        self.forward[usize::from(nibble)]
    }

    pub fn decode(&self, nibble: u8) -> u8 {
        self.backward[usize::from(nibble)]
    }
}

/// A byte under two permutations, to the byte.
pub fn decode_byte(pair: &[Nibble], byte: u8) -> u8 {
    pair[0].decode(byte >> 4) << 4 | pair[1].decode(byte & 15)
}

/// Encodes the bytes of a word, two permutations a byte.
pub fn encode_word<const N: usize>(nibbles: &[Nibble], word: [u8; N]) -> [u8; N] {
    core::array::from_fn(|i| nibbles[2 * i].encode(word[i] >> 4) << 4 | nibbles[2 * i + 1].encode(word[i] & 15))
}

/// The table that adds nibbles under `a` and `b` to one under `out`.
pub fn xor_table(a: &Nibble, b: &Nibble, out: &Nibble) -> Xor {
    core::array::from_fn(|pair| {
        let entry = |index: usize| out.encode(a.decode((index >> 4) as u8) ^ b.decode((index & 15) as u8));
        entry(2 * pair) << 4 | entry(2 * pair + 1)
    })
}
