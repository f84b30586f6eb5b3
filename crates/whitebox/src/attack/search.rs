//! The search for keys that lie somewhere as they are (Shamir and van Someren, 1999; Halderman and others, 2008).

use crate::aes128;
use ::aes::{
    Aes128,
    cipher::{BlockCipherEncrypt, KeyInit},
};
use std::{collections::BTreeMap, vec, vec::Vec};

/// Where something was found: how many bytes from the beginning, and which round key (0 is the key).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Bytes from the beginning.
    pub offset: usize,
    /// The number of the round key.
    pub round: usize,
}

/// Every place where a key, or one of its round keys, stands.
#[must_use]
pub fn known(bytes: &[u8], key: &[u8; 16]) -> Vec<Place> {
    let schedule: BTreeMap<[u8; 16], usize> = aes128::expand(key)
        .into_iter()
        .enumerate()
        .flat_map(|(round, key)| [(key, round), (swapped(&key), round)])
        .collect();
    // The first two bytes rule nearly every window out.
    let number = |window: &[u8; 16]| usize::from(window[0]) << 8 | usize::from(window[1]);
    let mut possible = vec![false; 1 << 16];
    schedule.keys().for_each(|key| possible[number(key)] = true);
    windows(bytes)
        .filter(|(_, window)| possible[number(window)])
        .filter_map(|(offset, window)| Some(Place { offset, round: *schedule.get(window)? }))
        .collect()
}

/// The same round key where words are kept in the other byte order.
fn swapped(key: &[u8; 16]) -> [u8; 16] {
    core::array::from_fn(|i| key[i ^ 3])
}

/// Every place where 176 bytes are the key schedule of any AES-128 key.
#[must_use]
pub fn schedules(bytes: &[u8]) -> Vec<Place> {
    let is_schedule = |window: &[u8], order: &dyn Fn(&[u8; 16]) -> [u8; 16]| {
        let mut keys = window.as_chunks::<16>().0.iter().map(order);
        let Some(key) = keys.next() else { return false };
        aes128::expand(&key)[1..].iter().zip(keys).all(|(wanted, key)| *wanted == key)
    };
    (0..bytes.len().saturating_sub(175))
        .filter(|offset| {
            let window = &bytes[*offset..*offset + 176];
            // Most words are the sum of the one before and the one four before, in either byte order.
            (20..32).all(|i| window[i] == window[i - 4] ^ window[i - 16])
                && varied(&window[..16])
                && (is_schedule(window, &|key| *key) || is_schedule(window, &swapped))
        })
        .map(|offset| Place { offset, round: 0 })
        .collect()
}

/// What a blind search says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blind {
    /// How many windows were random enough to be tried.
    pub tried: usize,
    /// Where the first one was that is the key, or a round key, and the key.
    pub found: Option<(Place, [u8; 16])>,
}

/// Tries every window that is random enough as the key, and as each round key, of the AES-128 that made `output` of `input`.
#[must_use]
pub fn blind(bytes: &[u8], input: &[u8; 16], output: &[u8; 16]) -> Blind {
    let mut tried = 0;
    let found = windows(bytes).filter(|(_, window)| varied(*window)).find_map(|(offset, window)| {
        tried += 1;
        (0..11).find_map(|round| {
            let key = aes128::key_of(window, round);
            let mut block = (*input).into();
            Aes128::new(&key.into()).encrypt_block(&mut block);
            (block == *output).then_some((Place { offset, round }, key))
        })
    });
    Blind { tried, found }
}

/// The share of blocks of 256 bytes that look like noise: with more than 6.8 bits a byte, by Shannon's measure. Where few blocks
/// do, they are where keys are looked for first.
#[must_use]
pub fn noise(bytes: &[u8]) -> f64 {
    let blocks = bytes.as_chunks::<256>().0;
    let noisy = blocks.iter().filter(|block| entropy(*block) > 6.8).count();
    noisy as f64 / blocks.len().max(1) as f64
}

fn entropy(block: &[u8]) -> f64 {
    let mut counts = [0_u32; 256];
    block.iter().for_each(|byte| counts[usize::from(*byte)] += 1);
    let share = |count: u32| f64::from(count) / block.len() as f64;
    counts.into_iter().filter(|count| *count > 0).map(|count| -share(count) * share(count).log2()).sum()
}

fn windows(bytes: &[u8]) -> impl Iterator<Item = (usize, &[u8; 16])> {
    bytes.array_windows::<16>().enumerate()
}

/// Sixteen random bytes have fewer than ten different ones about once in a million.
fn varied(window: &[u8]) -> bool {
    let mut seen = [0_u64; 4];
    window.iter().for_each(|byte| seen[usize::from(byte >> 6)] |= 1 << (byte & 63));
    seen.iter().map(|part| part.count_ones()).sum::<u32>() >= 10
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_round_keys_and_schedules_are_found_where_they_are() {
        let key = 0x2b7e151628aed2a6abf7158809cf4f3c_u128.to_be_bytes();
        let schedule = aes128::expand(&key);
        let input = 0x3243f6a8885a308d313198a2e0370734_u128.to_be_bytes();
        let output = 0x3925841d02dc09fbdc118597196a0b32_u128.to_be_bytes();
        for (round, round_key) in schedule.iter().enumerate() {
            let mut file = vec![b'x'; 1000];
            file[333..349].copy_from_slice(round_key);
            let place = Place { offset: 333, round };
            assert_eq!(known(&file, &key), [place]);
            assert_eq!(blind(&file, &input, &output).found, Some((place, key)));
            assert!(schedules(&file).is_empty());
        }
        let mut file = vec![0; 400];
        file[100..276].copy_from_slice(schedule.as_flattened());
        assert_eq!(schedules(&file), [Place { offset: 100, round: 0 }]);
        assert_eq!(known(&file, &key).len(), 11);
        let turned: Vec<u8> = schedule.iter().flat_map(swapped).collect();
        file[100..276].copy_from_slice(&turned);
        assert_eq!(schedules(&file), [Place { offset: 100, round: 0 }]);
        file[270] ^= 1;
        assert!(schedules(&file).is_empty());
        assert_eq!(blind(&[7; 500], &input, &output), Blind { tried: 0, found: None });
    }

    #[test]
    fn noise_is_told_from_text() {
        let text = include_bytes!("search.rs");
        assert_eq!(noise(text), 0.0);
        let random: Vec<u8> = (0..100_u128)
            .flat_map(|i| aes128::encrypt(&aes128::expand(&[7; 16]), &i.to_be_bytes(), &mut |_| ()))
            .collect();
        assert!(noise(&random) > 0.9);
    }
}
