use alloc::{vec, vec::Vec};

use super::{Drbg, MAX_REQUEST};
use crate::{
    Random,
    vectors::{hex, rows},
};

/// NIST CAVP DRBGVS: instantiate, reseed if there is an input for it, generate twice, compare the second.
#[test]
fn published_vectors() {
    let mut seen = 0;
    for row in rows(include_str!("../../vectors/drbg.txt")) {
        let fields: Vec<Vec<u8>> = row.iter().map(|field| hex(field)).collect();
        let [entropy, nonce, personal, reseed, reseed_more, first, second, expected] = &fields[..] else {
            panic!("{row:?}")
        };
        let mut drbg = Drbg::new(entropy, nonce, personal);
        if !reseed.is_empty() {
            drbg.reseed(reseed, reseed_more);
        }
        let mut output = vec![0; expected.len()];
        drbg.generate(&mut output, first);
        drbg.generate(&mut output, second);
        assert_eq!(output, *expected, "{row:?}");
        seen += 1;
    }
    assert_eq!(seen, 6);
}

/// Computed with Python's hmac module. Primary keys depend on it: a change here changes every device's identity.
#[test]
fn the_deterministic_generator_never_changes() {
    let seed: Vec<u8> = (0..64).collect();
    let mut drbg = Drbg::from_seed(&seed, &[b"PRIMARY", b"", &[1, 2, 3]]);
    let (mut first, mut second) = ([0; 40], [0; 7]);
    drbg.fill(&mut first);
    drbg.fill(&mut second);
    assert_eq!(first[..], hex("ecefd28996d5971997dad76a58113341b5fef970fe53bbf10fd087cf80dd9ac0743e4d8762b97cb2"));
    assert_eq!(second[..], hex("228e86fd51c387"));
}

#[test]
fn different_parts_are_different_generators() {
    let output = |seed: &[u8], parts: &[&[u8]]| {
        let mut output = [0; 32];
        Drbg::from_seed(seed, parts).fill(&mut output);
        output
    };
    let lists: [&[&[u8]]; 6] = [&[], &[b""], &[b"ab"], &[b"a", b"b"], &[b"ab", b""], &[b"", b"ab"]];
    for (at, one) in lists.iter().enumerate() {
        assert_eq!(output(b"seed", one), output(b"seed", one));
        assert_ne!(output(b"seed", one), output(b"sees", one));
        for other in &lists[..at] {
            assert_ne!(output(b"seed", one), output(b"seed", other), "{one:?} {other:?}");
        }
    }
}

#[test]
fn reseeding_and_each_request_change_the_state() {
    let mut drbg = Drbg::new(&[1; 32], &[2; 16], b"");
    let (mut first, mut second) = ([0; 32], [0; 32]);
    drbg.fill(&mut first);
    drbg.fill(&mut second);
    assert_ne!(first, second);

    let mut reseeded = Drbg::new(&[1; 32], &[2; 16], b"");
    reseeded.fill(&mut first);
    reseeded.reseed(&[3; 32], b"");
    reseeded.fill(&mut first);
    assert_ne!(first, second);
}

#[test]
fn large_output_is_made_of_requests() {
    let mut large = vec![0; MAX_REQUEST + 5];
    Drbg::new(&[1; 32], &[2; 16], b"").fill(&mut large);
    let mut pieces = vec![0; MAX_REQUEST + 5];
    let mut drbg = Drbg::new(&[1; 32], &[2; 16], b"");
    let (first, second) = pieces.split_at_mut(MAX_REQUEST);
    drbg.fill(first);
    drbg.fill(second);
    assert_eq!(large, pieces);
}
