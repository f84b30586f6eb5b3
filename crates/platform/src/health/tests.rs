use super::*;
use crate::memory::{FailingEntropy, TestEntropy};

/// A source whose bytes the test chooses, one by one.
struct From<F>(F);

impl<F: FnMut() -> u8 + Send> Entropy for From<F> {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), EntropyError> {
        out.fill_with(&mut self.0);
        Ok(())
    }
}

/// Bytes that a source gives before it is found out; `None` if a million pass.
fn found_after(source: impl Entropy) -> Option<usize> {
    let mut tested = Tested::new(source);
    if tested.start().is_err() {
        return Some(START_UP);
    }
    let mut byte = [0];
    (0..1_000_000).find(|_| tested.fill(&mut byte).is_err()).map(|at| at + START_UP)
}

/// The logarithm of the probability that a byte comes exactly so often among so many.
fn log_probability(count: u32, of: u32, probability: f64) -> f64 {
    let log_factorial = |n: u32| (1..=n).map(|i| libm_ln(f64::from(i))).sum::<f64>();
    log_factorial(of) - log_factorial(count) - log_factorial(of - count)
        + f64::from(count) * libm_ln(probability)
        + f64::from(of - count) * libm_ln(1.0 - probability)
}

/// The natural logarithm, without a library: by the series of artanh, after halving or doubling into its range.
fn libm_ln(mut x: f64) -> f64 {
    let mut halvings = 0.0;
    while x > 1.5 {
        x /= 2.0;
        halvings += 1.0;
    }
    while x < 0.75 {
        x *= 2.0;
        halvings -= 1.0;
    }
    let z = (x - 1.0) / (x + 1.0);
    let (mut power, mut sum) = (z, 0.0);
    for n in 0..40 {
        sum += power / f64::from(2 * n + 1);
        power *= z * z;
    }
    2.0 * sum + halvings * core::f64::consts::LN_2
}

/// The binary logarithm of the probability of at least so many.
fn log2_at_least(count: u32, of: u32, probability: f64) -> f64 {
    // Terms fall quickly: the largest one, and the sum relative to it.
    let largest = log_probability(count, of, probability);
    let mut sum = 0.0;
    let mut term = 1.0;
    for next in count..of {
        sum += term;
        term *= f64::from(of - next) / f64::from(next + 1) * probability / (1.0 - probability);
    }
    (largest + libm_ln(sum + term)) / core::f64::consts::LN_2
}

#[test]
fn the_cutoffs_are_those_of_the_standard() {
    assert_eq!(REPETITION_CUTOFF, 1 + 40_u32.div_ceil(CLAIMED_BITS));
    let claimed = 1.0 / 16.0;
    // One more than the critical value: the least count whose exceedance has at most 2^-40.
    assert!(log2_at_least(PROPORTION_CUTOFF, WINDOW, claimed) <= -40.0);
    assert!(log2_at_least(PROPORTION_CUTOFF - 1, WINDOW, claimed) > -40.0);
    // What the page says of a good source.
    assert!(log2_at_least(PROPORTION_CUTOFF - 1, WINDOW - 1, 1.0 / 256.0) < -300.0);
    assert_eq!(8 * (REPETITION_CUTOFF - 1), 80);
}

#[test]
fn a_good_source_passes() {
    assert_eq!(found_after(TestEntropy::new(1)), None);
    assert_eq!(found_after(TestEntropy::new(0xffff_ffff)), None);
}

#[test]
fn a_stuck_source_is_found_at_once_and_delivers_nothing() {
    for value in [0, 0x55, 0xff] {
        let mut tested = Tested::new(From(move || value));
        let mut out = [0xaa; 32];
        assert_eq!(tested.fill(&mut out), Err(EntropyError));
        assert_eq!(out, [0xaa; 32], "nothing of it came out");
        assert!(tested.has_failed());
    }
}

#[test]
fn a_source_that_gets_stuck_later_is_found_within_eleven_bytes() {
    let mut good = TestEntropy::new(2);
    let mut count = 0_usize;
    let source = From(move || {
        count += 1;
        let byte = good.next_word().to_le_bytes()[0];
        if count > 5000 { 7 } else { byte }
    });
    let found = found_after(source).unwrap();
    assert!((5000..=5011).contains(&found), "{found}");
}

#[test]
fn repetition_starts_at_eleven_equal_bytes() {
    for (run, passes) in [(REPETITION_CUTOFF - 1, true), (REPETITION_CUTOFF, false)] {
        let mut tested = Tested::new(From(|| 0));
        let mut healthy = true;
        for at in 0..run {
            healthy &= tested.test(9);
            assert!(healthy || at == REPETITION_CUTOFF - 1);
        }
        assert_eq!(healthy, passes);
    }
}

#[test]
fn proportion_starts_at_seventy_eight_in_a_window() {
    for (times, passes) in [(PROPORTION_CUTOFF - 1, true), (PROPORTION_CUTOFF, false)] {
        let mut tested = Tested::new(From(|| 0));
        // The first byte, then again every second one, so that nothing repeats on end.
        let mut healthy = true;
        for at in 0..WINDOW {
            let again = at % 2 == 0 && at / 2 < times;
            healthy &= tested.test(if again { 1 } else { 2 + (at % 200) as u8 });
        }
        assert_eq!(healthy, passes);
        // The next window starts from nothing.
        assert!(tested.test(1));
        assert_eq!(tested.first, Some((1, 1)));
    }
}

#[test]
fn biased_sources_are_found() {
    // A byte that comes with every fourth draw: two bits of min-entropy.
    let mut good = TestEntropy::new(3);
    let source = From(move || {
        let word = good.next_word().to_le_bytes();
        if word[1] < 64 { 0 } else { word[0] }
    });
    // Windows that start with that byte find it, and one in four does.
    assert!(found_after(source).unwrap() < 100 * 512);
    // A nibble only.
    let mut good = TestEntropy::new(4);
    assert!(found_after(From(move || good.next_word().to_le_bytes()[0] & 7)).is_some(), "three bits");
    // A counter has as many values as noise and is none: these tests do not find it, nor do they promise to.
    let mut counter = 0_u8;
    assert_eq!(
        found_after(From(move || {
            counter = counter.wrapping_add(1);
            counter
        })),
        None
    );
}

#[test]
fn a_failure_stays_until_a_restart() {
    let mut calls = 0_usize;
    let mut good = TestEntropy::new(5);
    let mut tested = Tested::new(From(move || {
        calls += 1;
        let byte = good.next_word().to_le_bytes()[0];
        if calls < 500 { 3 } else { byte }
    }));
    let mut out = [0; 8];
    for _ in 0..3 {
        assert_eq!(tested.fill(&mut out), Err(EntropyError));
    }
    // 64 bytes were taken; the source is good again after 500, but nobody asks it.
    assert!(tested.has_failed());
    for _ in 0..8 {
        tested.restart();
        if tested.fill(&mut out).is_ok() {
            assert!(!tested.has_failed());
            return;
        }
    }
    panic!("it never came back");
}

#[test]
fn a_source_that_does_not_deliver_has_failed() {
    let mut tested = Tested::new(FailingEntropy);
    assert_eq!(tested.fill(&mut [0; 4]), Err(EntropyError));
    assert!(tested.has_failed());
}
