//! The derivation function: CMAC over the encoded cipher in counter mode.
//!
//! Byte-exact in docs/derivations.md, "White-box products". Nothing here may ever change for version 1. The encoded cipher is
//! a block cipher like any other (AES between two fixed bijections), so what is known of CMAC (SP 800-38B) and of the
//! counter mode (SP 800-108) holds for it.
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use crate::Tables;
use zeroize::Zeroize;

/// The label of the value that tells products apart.
pub const PRODUCT_CHECK_LABEL: &[u8] = b"product check";

impl Tables<'_> {
    /// Fills `out` (at most 4 GiB / 8) with what the product's function gives for a label, which holds no zero byte, and
    /// a context of any bytes. The length of `out` is part of the input.
    pub fn derive(&self, label: &[u8], context: &[u8], out: &mut [u8]) {
        derive(&|block| self.block(block), label, context, out);
    }
}

/// The function over any block cipher.
pub(crate) fn derive(cipher: &dyn Fn(&[u8; 16]) -> [u8; 16], label: &[u8], context: &[u8], out: &mut [u8]) {
    let bits = u32::try_from(out.len()).unwrap_or(u32::MAX).saturating_mul(8).to_be_bytes();
    for (number, to) in (1_u32..).zip(out.chunks_mut(16)) {
        let mut block = cmac(cipher, &[&number.to_be_bytes(), label, &[0], context, &bits]);
        to.iter_mut().zip(&block).for_each(|(to, from)| *to = *from);
        block.zeroize();
    }
}

/// CMAC of the parts, joined.
pub(crate) fn cmac(cipher: &dyn Fn(&[u8; 16]) -> [u8; 16], parts: &[&[u8]]) -> [u8; 16] {
    let whole = doubled(u128::from_be_bytes(cipher(&[0; 16])));
    let mut state = [0; 16];
    let mut used = 0_usize;
    for byte in parts.iter().copied().flatten() {
        // The last block is not enciphered here, however full it is.
        if used == 16 {
            state = cipher(&state);
            used = 0;
        }
        if let Some(place) = state.get_mut(used) {
            *place ^= byte;
        }
        used = used.saturating_add(1);
    }
    let mut last = whole;
    if used < 16 {
        if let Some(place) = state.get_mut(used) {
            *place ^= 0x80;
        }
        last = doubled(whole);
    }
    cipher(&(u128::from_be_bytes(state) ^ last).to_be_bytes())
}

/// Twice a value in GF(2^128), without a branch.
const fn doubled(value: u128) -> u128 {
    (value << 1) ^ (0x87 & 0_u128.wrapping_sub(value >> 127))
}
