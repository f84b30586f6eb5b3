//! The attacks find what is there to be found, and the plain build falls at once.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use ironroot_platform::memory::TestEntropy;
use ironroot_whitebox::{
    External, Tables,
    attack::{Plain, algebra, dca, search},
    generate,
};

fn make(external: External, seed: u64) -> Vec<u8> {
    generate(&[seed as u8 + 1; 32], external, &mut TestEntropy::new(seed)).unwrap()
}

/// The attacker ends with a program of its own that computes what the tables compute, for any device.
#[test]
fn algebra_breaks_tables_with_and_without_external_encodings() {
    for (seed, external) in [(1, External::Affine), (2, External::None), (3, External::Affine)] {
        let file = make(external, seed);
        let tables = Tables::new(&file).unwrap();
        let broken = algebra::recover(&tables).unwrap();
        assert!(broken.agrees(&tables, &mut TestEntropy::new(9)).unwrap());
        let (mut theirs, mut ours) = ([0; 64], [0; 64]);
        broken.derive(b"device master", b"another device", &mut theirs);
        tables.derive(b"device master", b"another device", &mut ours);
        assert_eq!(theirs, ours);
        // New tables of the same secret hide the same key.
        let again = generate(&[seed as u8 + 1; 32], external, &mut TestEntropy::new(99)).unwrap();
        assert_eq!(algebra::recover(&Tables::new(&again).unwrap()).unwrap().key(), broken.key());
        // And neither the key nor a round key stands in the file.
        assert_eq!(search::known(&file, &broken.key()), []);
        assert_eq!(search::schedules(&file), []);
    }
}

#[test]
fn traces_break_tables_without_external_encodings_and_no_others() {
    let file = make(External::None, 4);
    let tables = Tables::new(&file).unwrap();
    let found = dca::attack(&tables, 2048, &mut TestEntropy::new(5)).unwrap();
    assert!(found.confirmed);
    assert_eq!(found.key, algebra::recover(&tables).unwrap().key());
    let file = make(External::Affine, 4);
    let tables = Tables::new(&file).unwrap();
    let failed = dca::attack(&tables, 2048, &mut TestEntropy::new(5)).unwrap();
    assert!(!failed.confirmed);
    let key = algebra::recover(&tables).unwrap().key();
    let right = failed.key.iter().zip(key).filter(|(guess, byte)| **guess == *byte).count();
    assert!(right < 4, "{right}");
}

#[test]
fn the_plain_build_falls_to_the_search_and_to_a_few_traces() {
    let plain = Plain::generate(&mut TestEntropy::new(6)).unwrap();
    let carrier = include_bytes!("attacks.rs").repeat(10);
    let file = plain.file(&carrier);
    let input = [1; 16];
    let place = search::Place { offset: carrier.len() / 2, round: 0 };
    assert_eq!(search::blind(&file, &input, &plain.block(&input)).found, Some((place, plain.key())));
    assert_eq!(search::known(&file, &plain.key()), [place]);
    let found = dca::attack(&plain, 256, &mut TestEntropy::new(7)).unwrap();
    assert_eq!((found.key, found.confirmed), (plain.key(), true));
    assert!(found.traces <= 64, "{}", found.traces);
}
