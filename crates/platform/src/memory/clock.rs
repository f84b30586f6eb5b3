//! A clock that stands still until it is told otherwise.

#![cfg(target_has_atomic = "64")]

use crate::{Clock, Milliseconds};
use alloc::sync::Arc;
use core::sync::atomic::{AtomicU64, Ordering};

/// A clock set by hand. Clones show the same time.
#[derive(Debug, Clone, Default)]
pub struct ManualClock(Arc<AtomicU64>);

impl ManualClock {
    /// A clock that shows zero.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Moves the time on; at the end of the range it stops.
    pub fn advance(&self, by: Milliseconds) {
        let now = self.0.load(Ordering::SeqCst);
        self.0.store(now.saturating_add(by), Ordering::SeqCst);
    }

    /// Sets the time. A test may turn it back, which a real clock never does.
    pub fn set(&self, to: Milliseconds) {
        self.0.store(to, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Milliseconds {
        self.0.load(Ordering::SeqCst)
    }
}
