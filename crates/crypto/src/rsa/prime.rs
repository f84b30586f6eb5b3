//! The search for a prime of an RSA key. Its result is a promise: a primary key is found again from its seed after
//! every restart and every upgrade, on every provider (docs/derivations.md).
//!
//! Found is *the lowest candidate at or above the start that is prime and whose predecessor is coprime to e*. Candidates
//! are the start with its two top bits and its two bottom bits set, and then every fourth number. So the sieve, the
//! number of candidates that a provider tests at once, and the bases of the tests change how long it takes and nothing
//! else. How many candidates were tested shows in the time; it says next to nothing about the prime, whose start is
//! random.

use alloc::vec::Vec;

use zeroize::Zeroizing;

use super::sieve::{STEP, Sieve};
use crate::{CryptoError, Random, RsaProvider};

/// How many survivors of the sieve a provider gets at once: vector units test several in one go.
const BATCH: usize = 8;

/// Rounds of Miller-Rabin for a prime of `size` bytes: at least those of FIPS 186-5, table B.1, and more, because
/// candidates that follow each other are not independent.
pub const fn rounds(size: usize) -> usize {
    match size {
        0..128 => 12,
        128..192 => 6,
        _ => 5,
    }
}

/// The first candidate: `bits` with the two top and the two bottom bits set.
pub fn start(mut bits: Zeroizing<Vec<u8>>) -> Zeroizing<Vec<u8>> {
    if let Some(first) = bits.first_mut() {
        *first |= 0xc0;
    }
    if let Some(last) = bits.last_mut() {
        *last |= 3;
    }
    bits
}

/// Random bases for the tests of one search: at least 2, and below half of the largest number of `size` bytes, so that
/// every base fits every candidate. They are drawn once and do not depend on the candidates.
pub fn bases(random: &mut dyn Random, size: usize) -> Vec<Zeroizing<Vec<u8>>> {
    (0..rounds(size))
        .map(|_| {
            let mut base = Zeroizing::new(alloc::vec![0; size]);
            random.fill(&mut base);
            if let Some(first) = base.first_mut() {
                *first &= 0x7f;
            }
            if let Some(last) = base.last_mut() {
                *last |= 2;
            }
            base
        })
        .collect()
}

/// Searches from a start that [`start`] gave. `None` if the candidates ran out of bits.
///
/// # Errors
/// [`CryptoError::Cancelled`] if `cancelled`, asked before each batch of candidates, says yes; what the provider reports.
pub fn search(
    provider: &dyn RsaProvider,
    start: &[u8],
    exponent: u32,
    bases: &[Zeroizing<Vec<u8>>],
    cancelled: &dyn Fn() -> bool,
) -> Result<Option<Zeroizing<Vec<u8>>>, CryptoError> {
    let mut sieve = Sieve::new(start, exponent);
    let mut offset = 0_u64;
    loop {
        if cancelled() {
            return Err(CryptoError::Cancelled);
        }
        let mut batch = Vec::with_capacity(BATCH);
        let mut exhausted = false;
        while batch.len() < BATCH && !exhausted {
            if sieve.advance() {
                match add(start, offset) {
                    Some(candidate) => batch.push(candidate),
                    None => exhausted = true,
                }
            }
            offset = offset.wrapping_add(u64::from(STEP));
        }
        if let Some(index) = provider.first_prime(&batch, bases)? {
            return batch.into_iter().nth(index).map(Some).ok_or(CryptoError::Internal);
        }
        if exhausted {
            return Ok(None);
        }
    }
}

/// `number + offset`, of the same length; `None` if that is too short.
fn add(number: &[u8], offset: u64) -> Option<Zeroizing<Vec<u8>>> {
    let mut sum = Zeroizing::new(number.to_vec());
    // Of one byte and the rest of the offset: never more than 64 bits, because the offset counts a few thousand steps.
    let mut carry = offset;
    for byte in sum.iter_mut().rev() {
        carry = carry.wrapping_add(u64::from(*byte));
        *byte = carry.to_le_bytes()[0];
        carry >>= 8;
    }
    (carry == 0).then_some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addition_carries_and_runs_out() {
        let sum = |number: &[u8], offset| add(number, offset).map(|sum| sum.to_vec());
        assert_eq!(sum(&[0, 0xff, 0xfe], 1), Some(alloc::vec![0, 0xff, 0xff]));
        assert_eq!(sum(&[0, 0xff, 0xff], 1), Some(alloc::vec![1, 0, 0]));
        assert_eq!(sum(&[1, 2, 3], 0x01_0000), Some(alloc::vec![2, 2, 3]));
        assert_eq!(sum(&[0xff, 0xff], 1), None);
    }
}
