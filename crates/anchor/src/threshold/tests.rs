//! k of n: every choice of sources, every kind of loss, and what the stored data must not say.
#![allow(clippy::arithmetic_side_effects, clippy::indexing_slicing)]

use super::*;
use crate::ProductSecret;
use ironroot_platform::memory::{FailingEntropy, TestEntropy};

fn product(fill: u8) -> Product {
    ProductSecret::take(&mut core::array::from_fn(|i| fill.wrapping_add(i as u8))).into()
}

const VALUES: [&[u8]; 8] = [b"a", b"second value", b"c", b"", b"fifth", b"sixth", b"7", b"8"];

fn enrolled(k: u8, n: usize) -> ([u8; 32], Vec<u8>) {
    let (value, stored) = enroll(&product(1), k, &VALUES[..n], &mut TestEntropy::new(k.into())).unwrap();
    (*value, stored)
}

#[test]
fn every_k_of_every_n_and_every_choice() {
    for n in 2..=5 {
        for k in 2..=n as u8 {
            let (value, stored) = enrolled(k, n);
            assert_eq!(stored.len(), 80 + 32 * n);
            for set in 0..1_u32 << n {
                // The sources of the set are as they were; the others are gone, or have other values.
                for replacement in [None, Some(&b"another"[..])] {
                    let now: Vec<_> =
                        (0..n).map(|i| if set >> i & 1 == 1 { Some(VALUES[i]) } else { replacement }).collect();
                    let got = recover(&product(1), &stored, &now);
                    let count = set.count_ones() as usize;
                    if count >= usize::from(k) {
                        let got = got.unwrap();
                        assert_eq!(*got.value, value);
                        let wanted: Vec<bool> = (0..n).map(|i| set >> i & 1 == 1).collect();
                        assert_eq!(got.agrees, wanted);
                    } else if replacement.is_none() {
                        let wanted = ThresholdError::Missing { read: count, needed: k.into() };
                        assert_eq!(got.err(), Some(wanted));
                    } else {
                        assert_eq!(got.err(), Some(ThresholdError::Refused));
                    }
                }
            }
        }
    }
}

#[test]
fn eight_sources_and_no_more() {
    let (value, stored) = enrolled(4, 8);
    let now: Vec<_> = (0..8).map(|i| if i % 2 == 0 { Some(VALUES[i]) } else { Some(&b"x"[..]) }).collect();
    assert_eq!(*recover(&product(1), &stored, &now).unwrap().value, value);
    let nine = [&b"v"[..]; 9];
    for (k, values) in [(1, &nine[..2]), (3, &nine[..2]), (0, &nine[..2]), (2, &nine[..]), (2, &nine[..1])] {
        assert_eq!(enroll(&product(1), k, values, &mut TestEntropy::new(1)).err(), Some(ThresholdError::Shape));
    }
    assert!(enroll(&product(1), 2, &nine[..3], &mut FailingEntropy).is_err());
}

#[test]
fn values_do_not_change_places_and_products_do_not_mix() {
    let (_, stored) = enrolled(2, 3);
    let swapped = [Some(VALUES[1]), Some(VALUES[0]), None];
    assert_eq!(recover(&product(1), &stored, &swapped).err(), Some(ThresholdError::Refused));
    let right = [Some(VALUES[0]), Some(VALUES[1]), None];
    assert_eq!(recover(&product(2), &stored, &right).err(), Some(ThresholdError::Refused));
    assert_eq!(recover(&product(1), &stored, &right[..2]).err(), Some(ThresholdError::Shape));
}

#[test]
fn stored_data_is_authenticated_to_its_last_bit() {
    let (value, stored) = enrolled(2, 3);
    let now = [Some(VALUES[0]), Some(VALUES[1]), Some(VALUES[2])];
    for place in 0..stored.len() {
        let mut changed = stored.clone();
        changed[place] ^= 0x10;
        assert!(recover(&product(1), &changed, &now).is_err(), "{place}");
    }
    for length in 0..stored.len() {
        assert!(recover(&product(1), &stored[..length], &now).is_err());
    }
    assert_eq!(*recover(&product(1), &stored, &now).unwrap().value, value);
}

/// Fewer than k sources leave every value possible: for each there are data with the same masked shares of those sources.
#[test]
fn shares_below_the_threshold_say_nothing() {
    // With k = 2, one share and any value at 0 define a polynomial: the second share that would belong to it exists.
    let share = (1, Zeroizing::new([0x5a; 32]));
    for guess in 0..=255 {
        let at_zero = (0, Zeroizing::new([guess; 32]));
        let other = interpolate(&[&share, &at_zero], 2);
        assert_eq!(*interpolate(&[&share, &(2, other)], 0), [guess; 32]);
    }
    // Data of equal values share nothing but their header.
    let a = enroll(&product(1), 2, &VALUES[..3], &mut TestEntropy::new(1)).unwrap().1;
    let b = enroll(&product(1), 2, &VALUES[..3], &mut TestEntropy::new(2)).unwrap().1;
    let same = a.iter().zip(&b).skip(16).filter(|(a, b)| a == b).count();
    assert!(same < 10, "{same}");
}

#[test]
fn a_repair_is_taken_over() {
    let (value, stored) = enrolled(2, 3);
    let now: [&[u8]; 3] = [b"new board", VALUES[1], VALUES[2]];
    let got = recover(&product(1), &stored, &now.map(Some)).unwrap();
    assert_eq!(got.agrees, [false, true, true]);
    let renewed = share(&product(1), 2, &got.value, &now, &mut TestEntropy::new(7)).unwrap();
    let later = [Some(now[0]), Some(now[1]), None];
    assert_eq!(*recover(&product(1), &renewed, &later).unwrap().value, value);
    // The old data still know the old board: they should be overwritten.
    assert_eq!(recover(&product(1), &stored, &later).err(), Some(ThresholdError::Refused));
}

#[test]
fn the_field() {
    assert_eq!((mul(0x57, 0x83), mul(0x57, 0x13)), (0xc1, 0xfe));
    assert!((1..=255).all(|a| mul(a, inverse(a)) == 1));
}

#[test]
fn the_documents_vectors() {
    const DOCUMENT: &str = include_str!("../../../../docs/derivations.md");
    let block = DOCUMENT.split("```vectors-threshold-v1\n").nth(1).unwrap().split("```").next().unwrap();
    let vector = |name: &str| -> Vec<u8> {
        let hex = block.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(" = ")).unwrap();
        (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap()).collect()
    };
    let product = product(0);
    let stored = vector("helper data");
    let values = [b"one".as_slice(), b"two", b"three"];
    for (a, b) in [(0, 1), (0, 2), (1, 2)] {
        let now: Vec<_> = (0..3).map(|i| (i == a || i == b).then_some(values[i])).collect();
        assert_eq!(recover(&product, &stored, &now).unwrap().value.as_slice(), vector("device value"));
    }
}
