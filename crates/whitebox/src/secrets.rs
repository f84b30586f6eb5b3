//! From the product secret to the key and the external encodings, and the function without tables.
//!
//! Byte-exact in docs/derivations.md, "White-box products". Nothing here may ever change for version 1.

use crate::{
    External, aes128,
    matrix::Matrix,
    stream::{Stream, hmac512},
};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// An affine map of 128 bits.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct Affine {
    pub matrix: Matrix,
    pub constant: u128,
}

impl Affine {
    fn identity() -> Self {
        Self { matrix: Matrix::identity(128), constant: 0 }
    }

    fn random(stream: &mut Stream) -> Self {
        let (matrix, _) = Matrix::random(128, stream);
        Self { matrix, constant: u128::from_be_bytes(stream.block()) }
    }

    pub fn apply(&self, block: &[u8; 16]) -> [u8; 16] {
        (self.matrix.apply(u128::from_be_bytes(*block)) ^ self.constant).to_be_bytes()
    }
}

/// What the tables hide.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct Secrets {
    pub key: [u8; 16],
    pub input: Affine,
    pub output: Affine,
}

impl Secrets {
    pub fn of_product(secret: &[u8; 32], external: External) -> Self {
        let root = hmac512(b"ironroot/whitebox/v1", &[secret]);
        // HKDF-Expand, at most one block of it.
        let expand = |info: &[u8]| hmac512(root.as_slice(), &[b"ironroot/whitebox/v1/", info, &[1]]);
        let mut key = [0; 16];
        key.copy_from_slice(&expand(b"key")[..16]);
        let affine = |info: &[u8]| match external {
            External::None => Affine::identity(),
            External::Affine => Affine::random(&mut Stream::new(expand(info))),
        };
        Self { key, input: affine(b"input"), output: affine(b"output") }
    }

    /// The encoded cipher, from the key: what the tables have to compute.
    pub fn cipher(&self) -> impl Fn(&[u8; 16]) -> [u8; 16] {
        let schedule = Zeroizing::new(aes128::expand(&self.key));
        move |block| self.output.apply(&aes128::encrypt(&schedule, &self.input.apply(block), &mut |_| ()))
    }
}
