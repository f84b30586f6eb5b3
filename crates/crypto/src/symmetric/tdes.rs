//! Keys of TDES: parity, and which ones are refused (Part 1, 8.4.10.4; SP 800-67, 3.3).

use subtle::{Choice, ConstantTimeEq};

/// Sets the lowest bit of each byte so that the byte has an odd number of ones (FIPS 46-3).
pub fn set_odd_parity(key: &mut [u8]) {
    for byte in key {
        let ones = (*byte >> 1).count_ones();
        *byte = (*byte & 0xFE) | u8::from(ones.is_multiple_of(2));
    }
}

/// Whether one of the DES keys is among the 64 weak, semi-weak and possibly weak ones, or two neighbours are equal, which
/// makes the whole a single DES. Parity bits do not count.
pub fn is_weak(key: &[u8]) -> bool {
    let mut parts = [[0u8; 8]; 3];
    for (part, bytes) in parts.iter_mut().zip(key.chunks_exact(8)) {
        part.copy_from_slice(bytes);
        set_odd_parity(part);
    }
    let count = key.len() / 8;
    let mut weak = Choice::from(0);
    for part in parts.iter().take(count) {
        weak |= Choice::from(u8::from(des::weak_key_test(part).is_err()));
    }
    for pair in parts.windows(2).take(count.saturating_sub(1)) {
        if let [one, next] = pair {
            weak |= one.ct_eq(next);
        }
    }
    weak.into()
}
