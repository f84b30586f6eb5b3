use alloc::{vec, vec::Vec};

use super::{CtrDrbg, SEED_SIZE};
use crate::drbg::MAX_REQUEST;
use crate::{
    Random,
    vectors::{hex, rows},
};

fn seed(bytes: &[u8]) -> Option<[u8; SEED_SIZE]> {
    if bytes.is_empty() { None } else { Some(bytes.try_into().unwrap()) }
}

/// NIST CAVP DRBGVS: instantiate, reseed if there is an input for it, generate twice, compare the second.
#[test]
fn published_vectors() {
    let mut seen = 0;
    for row in rows(include_str!("../../vectors/ctr_drbg.txt")) {
        let fields: Vec<_> = row.iter().map(|field| seed(&hex(field))).take(6).collect();
        let [Some(entropy), personal, reseed, reseed_more, first, second] = fields[..] else { panic!("{row:?}") };
        let expected = hex(row[6]);
        let zeros = [0; SEED_SIZE];
        let mut drbg = CtrDrbg::new(&entropy, &personal.unwrap_or(zeros));
        if let Some(reseed) = reseed {
            drbg.reseed(&reseed, &reseed_more.unwrap_or(zeros));
        }
        let mut output = vec![0; expected.len()];
        drbg.generate(&mut output, first.as_ref());
        drbg.generate(&mut output, second.as_ref());
        assert_eq!(output, expected, "{row:?}");
        seen += 1;
    }
    assert_eq!(seen, 8);
}

#[test]
fn requests_and_reseeding_change_the_state_and_no_block_is_cut_short() {
    let mut drbg = CtrDrbg::new(&[1; SEED_SIZE], &[2; SEED_SIZE]);
    let mut same = CtrDrbg::new(&[1; SEED_SIZE], &[2; SEED_SIZE]);
    let (mut long, mut short) = (vec![0; MAX_REQUEST + 5], vec![0; MAX_REQUEST + 5]);
    drbg.fill(&mut long);
    let (first, second) = short.split_at_mut(MAX_REQUEST);
    same.fill(first);
    same.fill(second);
    assert_eq!(long, short, "a long output is made of requests");
    let (mut a, mut b) = ([0; 7], [0; 7]);
    drbg.reseed(&[3; SEED_SIZE], &[0; SEED_SIZE]);
    drbg.fill(&mut a);
    same.fill(&mut b);
    assert_ne!(a, b);
}
