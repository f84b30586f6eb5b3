//! Entropy and time of a host with an operating system.

use crate::{Clock, Entropy, EntropyError, Milliseconds};
use std::time::Instant;

/// The operating system's generator (`getrandom(2)` on Linux, which waits until it has been seeded at boot).
#[derive(Debug, Clone, Copy, Default)]
pub struct OsEntropy;

impl Entropy for OsEntropy {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), EntropyError> {
        getrandom::fill(out).map_err(|_| EntropyError)
    }
}

/// The operating system's monotonic clock, from zero at [`SystemClock::new`]. On Linux it stands still while the
/// machine sleeps, as the clock of a TPM chip that has lost its power would.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock(Instant);

impl SystemClock {
    /// A clock that starts now.
    #[must_use]
    pub fn new() -> Self {
        Self(Instant::now())
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Milliseconds {
        u64::try_from(self.0.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entropy_differs_and_time_moves_on() {
        let (mut a, mut b) = ([0; 32], [0; 32]);
        let clock = SystemClock::new();
        let before = clock.now();
        assert!(OsEntropy.fill(&mut a).is_ok() && OsEntropy.fill(&mut b).is_ok());
        assert_ne!(a, b);
        std::thread::sleep(std::time::Duration::from_millis(3));
        assert!(clock.now() >= before + 2);
    }
}
