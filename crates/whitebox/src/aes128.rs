//! AES-128 (FIPS 197) in plain steps, for making tables and for attacking them. Not for secrets on a machine with an
//! attacker on it: it looks things up.

/// Multiplication in AES's field.
pub const fn mul(mut a: u8, mut b: u8) -> u8 {
    let mut product = 0;
    while b != 0 {
        if b & 1 != 0 {
            product ^= a;
        }
        a = (a << 1) ^ if a & 0x80 != 0 { 0x1b } else { 0 };
        b >>= 1;
    }
    product
}

/// The inverse in AES's field; 0 for 0.
pub const fn inverse(a: u8) -> u8 {
    let (mut power, mut count) = (1, 0);
    while count < 254 {
        power = mul(power, a);
        count += 1;
    }
    power
}

/// S-box and its inverse.
pub static SBOX: [u8; 256] = sboxes().0;
/// The inverse S-box.
pub static INVERSE_SBOX: [u8; 256] = sboxes().1;

const fn sboxes() -> ([u8; 256], [u8; 256]) {
    let (mut forward, mut backward) = ([0; 256], [0; 256]);
    // 3 generates the field's units, and 0xf6 is its inverse: no inversion is needed.
    let (mut p, mut q) = (1_u8, 1_u8);
    loop {
        p = mul(p, 3);
        q = mul(q, 0xf6);
        let s = q ^ q.rotate_left(1) ^ q.rotate_left(2) ^ q.rotate_left(3) ^ q.rotate_left(4) ^ 0x63;
        forward[p as usize] = s;
        backward[s as usize] = p;
        if p == 1 {
            break;
        }
    }
    forward[0] = 0x63;
    backward[0x63] = 0;
    (forward, backward)
}

/// The matrix of `MixColumns`: row, column.
pub const MIX: [[u8; 4]; 4] = [[2, 3, 1, 1], [1, 2, 3, 1], [1, 1, 2, 3], [3, 1, 1, 2]];

/// The round keys.
pub type Schedule = [[u8; 16]; 11];

const RCON: [u8; 11] = [0, 1, 2, 4, 8, 16, 32, 64, 128, 0x1b, 0x36];

/// What is added to the first word of the round key before to get the first word of round `round`.
fn core(last_word: [u8; 4], round: usize) -> [u8; 4] {
    let [a, b, c, d] = last_word.map(|byte| SBOX[usize::from(byte)]);
    [b ^ RCON[round], c, d, a]
}

fn next(key: &[u8; 16], round: usize) -> [u8; 16] {
    let mut out = *key;
    let word = core([key[12], key[13], key[14], key[15]], round);
    for i in 0..16 {
        out[i] ^= if i < 4 { word[i] } else { out[i - 4] };
    }
    out
}

/// Expands a key.
pub fn expand(key: &[u8; 16]) -> Schedule {
    let mut schedule = [*key; 11];
    for round in 1..11 {
        schedule[round] = next(&schedule[round - 1], round);
    }
    schedule
}

/// The cipher key whose round key number `round` is this one.
pub fn key_of(round_key: &[u8; 16], round: usize) -> [u8; 16] {
    let mut key = *round_key;
    for round in (1..=round).rev() {
        let mut before = key;
        for i in (4..16).rev() {
            before[i] = key[i] ^ key[i - 4];
        }
        let word = core([before[12], before[13], before[14], before[15]], round);
        for i in 0..4 {
            before[i] = key[i] ^ word[i];
        }
        key = before;
    }
    key
}

/// `AddRoundKey`.
pub fn add(state: &mut [u8; 16], key: &[u8; 16]) {
    state.iter_mut().zip(key).for_each(|(byte, key)| *byte ^= key);
}

/// `MixColumns` of one column.
pub fn mix(column: [u8; 4]) -> [u8; 4] {
    MIX.map(|row| row.iter().zip(column).fold(0, |sum, (m, byte)| sum ^ mul(*m, byte)))
}

/// Enciphers a block; `look` sees the state behind each `SubBytes`.
pub fn encrypt(schedule: &Schedule, block: &[u8; 16], look: &mut dyn FnMut(&[u8; 16])) -> [u8; 16] {
    let mut state = *block;
    add(&mut state, &schedule[0]);
    for (round, key) in schedule.iter().enumerate().skip(1) {
        state = state.map(|byte| SBOX[usize::from(byte)]);
        look(&state);
        state = crate::evaluate::SHIFT_ROWS.map(|from| state[from]);
        if round < 10 {
            for column in state.as_chunks_mut::<4>().0 {
                *column = mix(*column);
            }
        }
        add(&mut state, key);
    }
    state
}

/// Takes back what a round did to a state: `MixColumns` unless it is the last, `ShiftRows`, `SubBytes`.
pub fn undo(mut state: [u8; 16], mixed: bool) -> [u8; 16] {
    if mixed {
        for column in state.as_chunks_mut::<4>().0 {
            // Four times is the identity.
            *column = mix(mix(mix(*column)));
        }
    }
    let mut out = [0; 16];
    for (to, byte) in crate::evaluate::SHIFT_ROWS.iter().zip(state) {
        out[*to] = INVERSE_SBOX[usize::from(byte)];
    }
    out
}

/// Deciphers a block.
pub fn decrypt(schedule: &Schedule, block: &[u8; 16]) -> [u8; 16] {
    let mut state = *block;
    for (round, key) in schedule.iter().enumerate().skip(1).rev() {
        add(&mut state, key);
        state = undo(state, round < 10);
    }
    add(&mut state, &schedule[0]);
    state
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{format, string::String};

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// FIPS 197, appendices A.1, B and C.1.
    #[test]
    fn fips_197() {
        let key = 0x2b7e151628aed2a6abf7158809cf4f3c_u128.to_be_bytes();
        let schedule = expand(&key);
        assert_eq!(hex(&schedule[1]), "a0fafe1788542cb123a339392a6c7605");
        assert_eq!(hex(&schedule[10]), "d014f9a8c9ee2589e13f0cc8b6630ca6");
        for (round, round_key) in schedule.iter().enumerate() {
            assert_eq!(key_of(round_key, round), key);
        }
        let block = 0x3243f6a8885a308d313198a2e0370734_u128.to_be_bytes();
        assert_eq!(hex(&encrypt(&schedule, &block, &mut |_| ())), "3925841d02dc09fbdc118597196a0b32");
        let key = core::array::from_fn(|i| i as u8);
        let block = core::array::from_fn(|i| 17 * i as u8);
        assert_eq!(decrypt(&expand(&key), &encrypt(&expand(&key), &block, &mut |_| ())), block);
        assert_eq!(hex(&encrypt(&expand(&key), &block, &mut |_| ())), "69c4e0d86a7b0430d8cdb78070b4c55a");
    }

    #[test]
    fn the_field() {
        assert_eq!(mul(0x57, 0x83), 0xc1);
        for a in 1..=255 {
            assert_eq!(mul(a, inverse(a)), 1);
            assert_eq!(INVERSE_SBOX[usize::from(SBOX[usize::from(a)])], a);
        }
    }
}
