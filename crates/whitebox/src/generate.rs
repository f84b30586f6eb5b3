//! Making tables.
//!
//! Each state byte travels under a random invertible 8x8 matrix and two random permutations of nibbles; each column of a
//! round is mixed by a random invertible 32x32 matrix between its two layers; each sum is made in steps of one nibble
//! whose inputs and output are permuted at random. All of that randomness is fresh for each file and thrown away.

use crate::{
    External, FILE_SIZE, PRODUCT_CHECK_LABEL, Tables,
    aes128::{self, MIX, SBOX, mul},
    encoding::{Nibble, decode_byte, encode_word, xor_table},
    evaluate::SHIFT_ROWS,
    format::{ROUNDS, header},
    matrix::Matrix,
    prf,
    secrets::{Affine, Secrets},
    stream::Stream,
};
use core::fmt;
use ironroot_platform::{Entropy, EntropyError};
use sha2::{Digest, Sha256};
use std::vec::Vec;
use zeroize::Zeroizing;

/// Why no tables were made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GenerateError {
    /// There is no entropy.
    Entropy(EntropyError),
    /// All bits of the product secret are the same: it was never set.
    UnsetProductSecret,
    /// The tables do not compute what they should: a fault of this machine, or of this program.
    SelfTest,
}

impl fmt::Display for GenerateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Entropy(error) => error.fmt(f),
            Self::UnsetProductSecret => f.write_str("the product secret was never set (all its bits are the same)"),
            Self::SelfTest => f.write_str("the new tables do not compute what they should; nothing was written"),
        }
    }
}

impl core::error::Error for GenerateError {}

impl From<EntropyError> for GenerateError {
    fn from(error: EntropyError) -> Self {
        Self::Entropy(error)
    }
}

/// A file of tables for a product secret. Two files of the same secret share nothing but the function that they compute.
///
/// # Errors
/// [`GenerateError`]; nothing of a file that fails its self-test is given out.
pub fn generate(secret: &[u8; 32], external: External, entropy: &mut dyn Entropy) -> Result<Vec<u8>, GenerateError> {
    let ones: u32 = secret.iter().map(|byte| byte.count_ones()).sum();
    if ones == 0 || ones == 256 {
        return Err(GenerateError::UnsetProductSecret);
    }
    let mut seed = Zeroizing::new([0; 64]);
    entropy.fill(seed.as_mut_slice())?;
    make(&Secrets::of_product(secret, external), external, Stream::new(seed))
}

pub(crate) fn make(secrets: &Secrets, external: External, mut random: Stream) -> Result<Vec<u8>, GenerateError> {
    let cipher = secrets.cipher();
    let mut check = [0; 16];
    prf::derive(&cipher, PRODUCT_CHECK_LABEL, &[], &mut check);
    let probes: [[u8; 16]; 64] = core::array::from_fn(|_| random.block());
    let mut maker = Maker { file: Vec::with_capacity(FILE_SIZE), random };
    maker.file.extend_from_slice(&header(external, check));
    maker.tables(secrets);
    let digest = Sha256::digest(&maker.file);
    maker.file.extend_from_slice(&digest);
    let file = maker.file;
    let tables = Tables::new(&file).map_err(|_| GenerateError::SelfTest)?;
    if probes.iter().any(|probe| tables.block(probe) != cipher(probe)) {
        return Err(GenerateError::SelfTest);
    }
    Ok(file)
}

/// How the state's bytes are encoded at one point: linear maps with their inverses, and 32 permutations.
struct State {
    mix: Vec<(Matrix, Matrix)>,
    nibbles: Vec<Nibble>,
}

impl State {
    /// The byte at a position behind what is encoded.
    fn decode(&self, position: usize, byte: u8) -> u8 {
        self.mix[position].1.byte(decode_byte(&self.nibbles[2 * position..], byte))
    }
}

struct Maker {
    file: Vec<u8>,
    random: Stream,
}

impl Maker {
    fn nibbles(&mut self, count: usize) -> Vec<Nibble> {
        (0..count).map(|_| Nibble::random(&mut self.random)).collect()
    }

    fn state(&mut self) -> State {
        let mix = (0..16).map(|_| Matrix::random(8, &mut self.random)).collect();
        State { mix, nibbles: self.nibbles(32) }
    }

    fn tables(&mut self, secrets: &Secrets) {
        let schedule = Zeroizing::new(aes128::expand(&secrets.key));
        let mut state = self.enter(&secrets.input);
        for key in &schedule[..ROUNDS] {
            state = self.round(&state, key);
        }
        self.leave(&state, &schedule[9], &schedule[10], &secrets.output);
    }

    /// Words and the tables that sum them, for `words` tables of N bytes each; the sum comes out under `last`.
    fn sum<const N: usize>(&mut self, words: usize, last: &[Nibble], word: impl Fn(usize, u8) -> [u8; N]) -> Vec<u8> {
        let under: Vec<Vec<Nibble>> = (0..words).map(|_| self.nibbles(2 * N)).collect();
        for (number, nibbles) in under.iter().enumerate() {
            for byte in 0..=255 {
                self.file.extend_from_slice(&encode_word(nibbles, word(number, byte)));
            }
        }
        let mut xor = Vec::with_capacity((words - 1) * 2 * N * 128);
        let mut total = under[0].clone();
        for (number, nibbles) in under.iter().enumerate().skip(1) {
            let out = if number + 1 == words { last.to_vec() } else { self.nibbles(2 * N) };
            for ((a, b), out) in total.iter().zip(nibbles).zip(&out) {
                xor.extend_from_slice(&xor_table(a, b, out));
            }
            total = out;
        }
        xor
    }

    /// The input encoding, and the first state's.
    fn enter(&mut self, input: &Affine) -> State {
        let state = self.state();
        let mixed = |word: u128| {
            let bytes = word.to_be_bytes();
            core::array::from_fn::<u8, 16, _>(|i| state.mix[i].0.byte(bytes[i]))
        };
        let xor = self.sum(16, &state.nibbles, |position, byte| {
            let word = input.matrix.apply(u128::from(byte) << (120 - 8 * position));
            mixed(if position == 0 { word ^ input.constant } else { word })
        });
        self.file.extend(xor);
        state
    }

    /// `AddRoundKey`, `SubBytes`, `ShiftRows`, `MixColumns`.
    fn round(&mut self, state: &State, key: &[u8; 16]) -> State {
        let next = self.state();
        let bijections: Vec<(Matrix, Matrix)> = (0..4).map(|_| Matrix::random(32, &mut self.random)).collect();
        let middle: Vec<Vec<Nibble>> = (0..4).map(|_| self.nibbles(8)).collect();
        let mut xor = Vec::new();
        for column in 0..4 {
            xor.extend(self.sum(4, &middle[column], |row, byte| {
                let from = SHIFT_ROWS[4 * column + row];
                let substituted = SBOX[usize::from(state.decode(from, byte) ^ key[from])];
                let word = u32::from_be_bytes(MIX.map(|line| mul(line[row], substituted)));
                (bijections[column].0.apply(u128::from(word)) as u32).to_be_bytes()
            }));
        }
        self.file.append(&mut xor);
        for column in 0..4 {
            xor.extend(self.sum(4, &next.nibbles[8 * column..8 * column + 8], |row, byte| {
                let plain = u128::from(decode_byte(&middle[column][2 * row..], byte)) << (24 - 8 * row);
                let bytes = (bijections[column].1.apply(plain) as u32).to_be_bytes();
                core::array::from_fn::<u8, 4, _>(|i| next.mix[4 * column + i].0.byte(bytes[i]))
            }));
        }
        self.file.append(&mut xor);
        next
    }

    /// The last round and the output encoding.
    fn leave(&mut self, state: &State, key: &[u8; 16], last_key: &[u8; 16], output: &Affine) {
        let plain: Vec<Nibble> = (0..32).map(|_| Nibble::identity()).collect();
        let xor = self.sum(16, &plain, |position, byte| {
            let from = SHIFT_ROWS[position];
            let substituted = SBOX[usize::from(state.decode(from, byte) ^ key[from])] ^ last_key[position];
            let word = output.matrix.apply(u128::from(substituted) << (120 - 8 * position));
            (if position == 0 { word ^ output.constant } else { word }).to_be_bytes()
        });
        self.file.extend(xor);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tables_of(secrets: &Secrets, external: External) -> Vec<u8> {
        make(secrets, external, Stream::new(Zeroizing::new([5; 64]))).unwrap()
    }

    /// FIPS 197, appendices B and C.1, and SP 800-38A, F.1.1, without external encodings and behind them.
    #[test]
    fn published_vectors_through_the_tables() {
        let rows: [(u128, u128, u128); 4] = [
            (
                0x2b7e151628aed2a6abf7158809cf4f3c,
                0x3243f6a8885a308d313198a2e0370734,
                0x3925841d02dc09fbdc118597196a0b32,
            ),
            (
                0x000102030405060708090a0b0c0d0e0f,
                0x00112233445566778899aabbccddeeff,
                0x69c4e0d86a7b0430d8cdb78070b4c55a,
            ),
            (
                0x2b7e151628aed2a6abf7158809cf4f3c,
                0x6bc1bee22e409f96e93d7e117393172a,
                0x3ad77bb40d7a3660a89ecaf32466ef97,
            ),
            (
                0x2b7e151628aed2a6abf7158809cf4f3c,
                0xae2d8a571e03ac9c9eb76fac45af8e51,
                0xf5d3d58503b9699de785895a96fdbaaf,
            ),
        ];
        for (key, plain, cipher) in rows {
            for external in [External::None, External::Affine] {
                let mut secrets = Secrets::of_product(&[1; 32], external);
                secrets.key = key.to_be_bytes();
                let file = tables_of(&secrets, external);
                let tables = Tables::new(&file).unwrap();
                // The external encodings are taken off: the block goes in as the input encoding's preimage, and what comes
                // out is brought back.
                let back =
                    |affine: &Affine, block: u128| affine.matrix.inverse().unwrap().apply(block ^ affine.constant);
                let out = tables.block(&back(&secrets.input, plain).to_be_bytes());
                assert_eq!(back(&secrets.output, u128::from_be_bytes(out)), cipher, "{external:?}");
            }
        }
    }

    #[test]
    fn a_thousand_blocks_as_the_cipher_makes_them() {
        let secrets = Secrets::of_product(&[2; 32], External::Affine);
        let file = tables_of(&secrets, External::Affine);
        let (tables, cipher) = (Tables::new(&file).unwrap(), secrets.cipher());
        let mut blocks = Stream::new(Zeroizing::new([6; 64]));
        for _ in 0..1000 {
            let block = blocks.block();
            assert_eq!(tables.block(&block), cipher(&block));
        }
    }

    /// SP 800-38B, D.1.
    #[test]
    fn cmac() {
        let schedule = aes128::expand(&0x2b7e151628aed2a6abf7158809cf4f3c_u128.to_be_bytes());
        let cipher = |block: &[u8; 16]| aes128::encrypt(&schedule, block, &mut |_| ());
        let message: Vec<u8> = [
            0x6bc1bee22e409f96e93d7e117393172a_u128,
            0xae2d8a571e03ac9c9eb76fac45af8e51,
            0x30c81c46a35ce411e5fbc1191a0a52ef,
            0xf69f2445df4f9b17ad2b417be66c3710,
        ]
        .iter()
        .flat_map(|block| block.to_be_bytes())
        .collect();
        for (length, wanted) in [
            (0, 0xbb1d6929e95937287fa37d129b756746_u128),
            (16, 0x070a16b46b4d4144f79bdd9dd04a287c),
            (40, 0xdfa66747de9ae63030ca32611497c827),
            (64, 0x51f0bebf7e3b9d92fc49741779363cfe),
        ] {
            let (a, b) = message[..length].split_at(length / 3);
            assert_eq!(u128::from_be_bytes(prf::cmac(&cipher, &[a, b])), wanted);
        }
    }
}
