//! Trial division of the candidates start, start + 4, start + 8, … by every prime below 2¹⁶, and by the public exponent.
//!
//! The sieve only saves exponentiations: which candidate wins does not depend on it. The usual sieve marks multiples in
//! a table, so the addresses that it touches tell the residues of a secret number. This one keeps one residue per prime
//! and goes through all of them for each candidate: no address and no branch depends on a residue, only on whether the
//! candidate survived. The pass compiles to vector instructions and costs about half a microsecond.

use alloc::vec::Vec;

use zeroize::Zeroizing;

use super::residue::{Divisor, remainders};

/// The distance between candidates: all are 3 modulo 4.
pub const STEP: u8 = 4;

/// The number of primes from 5 to 65,521.
const COUNT: usize = 6540;

/// The primes from 5 to 65,521. (3 is apart: it is less than the step.)
static PRIMES: [u16; COUNT] = primes();

/// How many residues of the start are computed abreast.
const LANES: usize = 12;

/// A residue by a prime below 2^16.
fn narrow(residue: u64) -> u16 {
    u16::try_from(residue).unwrap_or_default()
}

/// The residues of the next candidate.
pub struct Sieve {
    residues: Zeroizing<Vec<u16>>,
    by_three: Zeroizing<u16>,
    by_exponent: Zeroizing<u64>,
    exponent: u64,
}

impl Sieve {
    /// A sieve whose first candidate is `start` (big-endian). The exponent is a prime.
    pub fn new(start: &[u8], exponent: u32) -> Self {
        let by_exponent = Divisor::new(exponent);
        let mut residues = Zeroizing::new(Vec::with_capacity(COUNT));
        for primes in PRIMES.chunks(LANES) {
            let mut divisors = [Divisor::new(3); LANES];
            for (divisor, prime) in divisors.iter_mut().zip(primes) {
                *divisor = Divisor::new(u32::from(*prime));
            }
            let found = Zeroizing::new(remainders(start, divisors));
            residues.extend(found.iter().take(primes.len()).map(|residue| narrow(*residue)));
        }
        Self {
            residues,
            by_three: Zeroizing::new(narrow(Divisor::new(3).remainder_of(start))),
            by_exponent: Zeroizing::new(by_exponent.remainder_of(start)),
            exponent: by_exponent.value(),
        }
    }

    /// Whether the candidate has no small divisor and is not 1 modulo the exponent; then goes on to the next candidate.
    pub fn advance(&mut self) -> bool {
        let step = u16::from(STEP);
        // Zero as soon as one residue is.
        let mut least = *self.by_three;
        for (residue, prime) in self.residues.iter_mut().zip(&PRIMES) {
            least = least.min(*residue);
            // The sum is below 2^16; if it is below the prime, the difference wraps around and is the larger of the two.
            let sum = residue.wrapping_add(step);
            *residue = sum.min(sum.wrapping_sub(*prime));
        }
        let coprime = *self.by_exponent != 1;

        let sum = self.by_three.wrapping_add(1);
        *self.by_three = sum.min(sum.wrapping_sub(3));
        let sum = self.by_exponent.wrapping_add(u64::from(STEP));
        *self.by_exponent = sum.min(sum.wrapping_sub(self.exponent));
        (least != 0) & coprime
    }
}

/// The sieve of Eratosthenes, at compile time.
#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "runs in the compiler only")]
const fn primes() -> [u16; COUNT] {
    let mut composite = [false; 1 << 15]; // of the odd number 2 * index + 1
    let mut primes = [0; COUNT];
    let mut count = 0;
    let mut index = 1;
    while index < composite.len() {
        if !composite[index] {
            let prime = 2 * index + 1;
            if prime >= 5 {
                primes[count] = prime as u16;
                count += 1;
            }
            let mut multiple = index + prime;
            while multiple < composite.len() {
                composite[multiple] = true;
                multiple += prime;
            }
        }
        index += 1;
    }
    assert!(count == COUNT);
    primes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn survivors_are_the_numbers_without_small_divisors() {
        // Small enough to check by division, large enough to have no divisor equal to itself.
        let start = 0x0123_4567_89ab_cdeb_u64;
        assert_eq!(start % 4, 3);
        let exponent = 65_537;
        let mut sieve = Sieve::new(&start.to_be_bytes(), exponent);
        for index in 0..4000_u64 {
            let candidate = start + 4 * index;
            let expected = (3..65_536).step_by(2).all(|divisor| !candidate.is_multiple_of(divisor))
                && candidate % u64::from(exponent) != 1;
            assert_eq!(sieve.advance(), expected, "candidate {index}");
        }
    }

    #[test]
    fn the_exponent_sorts_candidates_out() {
        // 2^61 - 1 is a prime, 3 modulo 4; a prime divisor of it minus 1 forbids it.
        let prime = (1_u64 << 61) - 1;
        assert!(Sieve::new(&prime.to_be_bytes(), 65_537).advance());
        assert_eq!((prime - 1) % 1321, 0);
        assert!(!Sieve::new(&prime.to_be_bytes(), 1321).advance());
    }
}
