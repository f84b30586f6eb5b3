//! Health tests of an entropy source (SP 800-90B, 4.4): repetition count and adaptive proportion, on every byte that is
//! taken, and on [`START_UP`] bytes before the first.
//!
//! What is tested is what the platform gives, which is conditioned already on a machine with an operating system: there the
//! tests find a source that is stuck or missing, not one whose noise is weak. A port that reads noise should give the noise
//! to this test and condition what comes out.
//!
//! The cutoffs are those for a claim of [`CLAIMED_BITS`] bits of min-entropy in a byte and a false alarm in 2⁴⁰ bytes of a
//! source that has no more than it claims. A source with the eight bits that a TPM wants has one in 2⁸⁰ bytes: at a
//! megabyte a second, one in 38 billion years.

use crate::{Entropy, EntropyError};

/// Min-entropy that a byte must have, in bits.
pub const CLAIMED_BITS: u32 = 4;
/// So many equal bytes on end are a failure (4.4.1): 1 + 40 / [`CLAIMED_BITS`].
pub const REPETITION_CUTOFF: u32 = 11;
/// Bytes of a window of the adaptive proportion test (4.4.2), for a source that is not binary.
pub const WINDOW: u32 = 512;
/// So many bytes equal to the first of their window are a failure: one more than the critical value of the binomial
/// distribution.
pub const PROPORTION_CUTOFF: u32 = 78;
/// Bytes that are tested and thrown away at start-up (4.3, requirement 5 asks for 1024).
pub const START_UP: usize = 1024;
/// So many at once.
const BLOCK: usize = 64;

/// An entropy source under test. Once a test has failed, it delivers nothing until [`Tested::restart`].
pub struct Tested<E> {
    source: E,
    started: bool,
    failed: bool,
    /// The last byte and how often it came on end.
    last: Option<(u8, u32)>,
    /// The first byte of the window and how often it has come in it.
    first: Option<(u8, u32)>,
    /// Bytes of the window so far.
    seen: u32,
}

impl<E: Entropy> Tested<E> {
    /// Puts a source under test. Nothing is taken from it yet.
    #[must_use]
    pub const fn new(source: E) -> Self {
        Self { source, started: false, failed: false, last: None, first: None, seen: 0 }
    }

    /// Forgets what has been seen, a failure included; the start-up test runs again before the next byte.
    pub const fn restart(&mut self) {
        self.started = false;
        self.failed = false;
        self.last = None;
        self.first = None;
        self.seen = 0;
    }

    /// Whether a test has failed, or the source did not deliver.
    #[must_use]
    pub const fn has_failed(&self) -> bool {
        self.failed
    }

    /// Runs the start-up test now, if it has not run.
    ///
    /// # Errors
    /// [`EntropyError`] if it fails.
    pub fn start(&mut self) -> Result<(), EntropyError> {
        if self.started && !self.failed {
            return Ok(());
        }
        let mut block = [0; BLOCK];
        for _ in 0..START_UP.div_ceil(BLOCK) {
            self.take(&mut block)?;
        }
        block.fill(0);
        self.started = true;
        Ok(())
    }

    fn take(&mut self, out: &mut [u8]) -> Result<(), EntropyError> {
        let healthy = !self.failed && self.source.fill(out).is_ok() && out.iter().all(|byte| self.test(*byte));
        if healthy {
            return Ok(());
        }
        self.failed = true;
        out.fill(0);
        Err(EntropyError)
    }

    /// Both tests on one byte.
    fn test(&mut self, byte: u8) -> bool {
        let repeated = match self.last {
            Some((last, count)) if last == byte => count.saturating_add(1),
            _ => 1,
        };
        self.last = Some((byte, repeated));

        let (first, count) = match self.first {
            Some((first, count)) if self.seen < WINDOW => (first, count.saturating_add(u32::from(first == byte))),
            _ => {
                self.seen = 0;
                (byte, 1)
            }
        };
        self.first = Some((first, count));
        self.seen = self.seen.saturating_add(1);
        repeated < REPETITION_CUTOFF && count < PROPORTION_CUTOFF
    }
}

impl<E: Entropy> Entropy for Tested<E> {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), EntropyError> {
        self.start()?;
        self.take(out)
    }
}

#[cfg(test)]
mod tests;
