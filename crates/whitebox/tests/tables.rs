//! The tables compute what they should, and hold nothing that they should not.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use ironroot_platform::memory::{FailingEntropy, TestEntropy};
use ironroot_whitebox::{External, FILE_SIZE, GenerateError, Tables, TablesError, generate};

const DOCUMENT: &str = include_str!("../../../docs/derivations.md");

fn vector(name: &str) -> Vec<u8> {
    let block = DOCUMENT.split("```vectors-whitebox-v1\n").nth(1).unwrap().split("```").next().unwrap();
    let hex = block.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(" = ")).unwrap();
    (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap()).collect()
}

fn make(secret: &[u8; 32], external: External, seed: u64) -> Vec<u8> {
    generate(secret, external, &mut TestEntropy::new(seed)).unwrap()
}

fn derived(file: &[u8], label: &[u8], context: &[u8], length: usize) -> Vec<u8> {
    let mut out = vec![0; length];
    Tables::new(file).unwrap().derive(label, context, &mut out);
    out
}

#[test]
fn the_documents_vectors_from_fresh_tables() {
    let secret: [u8; 32] = vector("product secret").try_into().unwrap();
    for seed in 0..3 {
        let file = make(&secret, External::Affine, seed);
        let tables = Tables::new(&file).unwrap();
        assert_eq!(tables.block(&[0; 16]).as_slice(), vector("block of zeros"));
        assert_eq!(tables.product_check().as_slice(), vector("product check"));
        assert_eq!(derived(&file, b"label", b"", 16), vector("label, empty context, 16"));
        assert_eq!(derived(&file, b"label", b"sixteen bytes...", 40), vector("label, \"sixteen bytes...\", 40"));
    }
}

#[test]
fn new_tables_of_one_secret_share_the_function_alone() {
    let (a, b) = (make(&[7; 32], External::Affine, 1), make(&[7; 32], External::Affine, 2));
    assert_eq!(a.len(), FILE_SIZE);
    assert_eq!(derived(&a, b"x", b"device", 64), derived(&b, b"x", b"device", 64));
    // But for the header, two files agree no more than two files of noise.
    let same = a.iter().zip(&b).skip(32).filter(|(a, b)| a == b).count();
    assert!(same < FILE_SIZE / 100, "{same}");
    assert_eq!(Tables::new(&a).unwrap().product_check(), Tables::new(&b).unwrap().product_check());
    let other = make(&[8; 32], External::Affine, 1);
    assert_ne!(Tables::new(&other).unwrap().product_check(), Tables::new(&a).unwrap().product_check());
    assert_ne!(derived(&other, b"x", b"device", 64), derived(&a, b"x", b"device", 64));
}

#[test]
fn labels_contexts_and_lengths_separate() {
    let file = make(&[9; 32], External::Affine, 1);
    let base = derived(&file, b"a", b"b", 64);
    assert_ne!(base, derived(&file, b"b", b"b", 64));
    assert_ne!(base, derived(&file, b"a", b"a", 64));
    assert_ne!(base[..63], derived(&file, b"a", b"b", 63));
    assert_ne!(derived(&file, b"ab", b"c", 64), derived(&file, b"a", b"bc", 64));
}

#[test]
fn a_damaged_file_is_refused_wherever_it_is_damaged() {
    let file = make(&[9; 32], External::Affine, 1);
    for place in (0..FILE_SIZE).step_by(9973).chain([0, 11, 12, 13, 14, 15, 16, 31, 32, FILE_SIZE - 1]) {
        let mut copy = file.clone();
        copy[place] ^= 1;
        let wanted = if place < 12 { TablesError::Magic } else { TablesError::Damaged };
        assert_eq!(Tables::new(&copy).err(), Some(wanted), "{place}");
    }
    assert_eq!(Tables::new(&file[..FILE_SIZE - 1]).err(), Some(TablesError::Size));
    assert_eq!(Tables::new(&[file.as_slice(), &[0]].concat()).err(), Some(TablesError::Size));
    assert_eq!(Tables::new(&[]).err(), Some(TablesError::Magic));
}

#[test]
fn no_tables_without_a_secret_or_entropy() {
    for fill in [0, 255] {
        let error = generate(&[fill; 32], External::Affine, &mut TestEntropy::new(1));
        assert_eq!(error.err(), Some(GenerateError::UnsetProductSecret));
    }
    assert!(generate(&[1; 32], External::Affine, &mut FailingEntropy).is_err());
}
