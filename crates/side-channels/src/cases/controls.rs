//! Code that leaks, so that it is known that the method finds it, and code that does not.

use std::hint::black_box;

use super::List;
use crate::{Numbers, memcheck};

/// The name of every case here that must be reported begins with this.
pub const LEAKY: &str = "control/leaky";

pub(super) fn list(all: &mut List) {
    all.add(format!("{LEAKY}/early exit"), || {
        let (known, guess) = pair();
        let equal = early_exit(&known, &guess);
        black_box(memcheck::released(equal));
    });
    all.add(format!("{LEAKY}/table lookup"), || {
        let (secret, _) = pair();
        let sum = black_box(looked_up(&secret));
        memcheck::public(&[sum]);
    });
    all.add("control/sound/every byte", || {
        let (known, guess) = pair();
        let difference = known.iter().zip(&guess).fold(0, |all, (a, b)| all | (a ^ b));
        black_box(memcheck::released(difference) == 0);
    });
}

fn pair() -> (Vec<u8>, Vec<u8>) {
    let secret = Numbers::new("control").bytes(32);
    let mut guess = secret.clone();
    if let Some(byte) = guess.get_mut(20) {
        *byte ^= 1;
    }
    memcheck::secret(&secret);
    (secret, guess)
}

/// Stops at the first difference, as `memcmp` does.
#[inline(never)]
#[must_use]
pub fn early_exit(left: &[u8], right: &[u8]) -> bool {
    for (a, b) in left.iter().zip(right) {
        if black_box(*a) != black_box(*b) {
            return false;
        }
    }
    true
}

/// Reads a table where the secret says, as an implementation of AES with tables does.
#[inline(never)]
fn looked_up(secret: &[u8]) -> u8 {
    let table: [u8; 256] = std::array::from_fn(|at| (at as u8).wrapping_mul(7));
    let table = black_box(table);
    secret.iter().fold(0, |sum, byte| sum ^ table[usize::from(*byte)])
}
