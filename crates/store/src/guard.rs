//! Rollback defence: the state's sequence number beside a counter that never goes back.
//!
//! The state is written first, then the counter is advanced, then the commit is acknowledged. So a state may be ahead of
//! its counter (the power was cut in between), and the counter then catches up; a state behind its counter is an old copy.

use crate::refusal::Reason;
use ironroot_platform::{CountedState, CounterError, CounterKind, MonotonicCounter, StorageError};
use std::fmt;

/// When the counter is advanced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// With every commit: every older copy is refused.
    EveryCommit,
    /// When the state is opened, compacted and closed, for counters that wear out, are slow, or cost something. A copy made
    /// since the last of these moments is accepted if the process then dies before it closes the state.
    Sessions,
}

impl Policy {
    /// The window in which an old copy goes unnoticed, in words for people.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::EveryCommit => "advanced with every commit: every older copy of the state is refused",
            Self::Sessions => {
                "advanced at start, compaction and shutdown: a copy of the state made since the last of these is accepted, \
                 unless the TPM has been shut down in order since"
            }
        }
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::EveryCommit => "every commit",
            Self::Sessions => "sessions",
        })
    }
}

/// What a file's header says of its counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CounterField {
    /// What backs it.
    pub kind: CounterKind,
    /// When it is advanced.
    pub policy: Policy,
    /// The name under which it counts for this state: random, and new with each counter.
    pub id: [u8; 16],
}

/// The counter of an open state.
pub struct Guard {
    counter: Box<dyn MonotonicCounter>,
    state: CountedState,
    pub policy: Policy,
    /// What the counter has certainly reached.
    reached: u64,
    is_new: bool,
}

impl Guard {
    pub fn new(counter: Box<dyn MonotonicCounter>, state: CountedState, policy: Policy) -> Self {
        Self { counter, state, policy, reached: 0, is_new: false }
    }

    /// For a state that the counter does not count for yet.
    pub fn unregistered(self) -> Self {
        Self { is_new: true, ..self }
    }

    /// Whether it has to be registered.
    pub const fn is_new(&self) -> bool {
        self.is_new
    }

    /// Compares the counter with a state's sequence number, and changes nothing.
    pub fn check(&mut self, sequence: u64) -> Result<(), Reason> {
        let counter = self.read()?;
        if counter > sequence {
            return Err(Reason::Rollback { state: sequence, counter, place: self.place() });
        }
        Ok(())
    }

    /// The number.
    pub fn read(&mut self) -> Result<u64, Reason> {
        self.reached = self.counter.read(&self.state).map_err(|error| Reason::counter(error, self.place()))?;
        Ok(self.reached)
    }

    /// Begins to count.
    pub fn register(&mut self) -> Result<(), Reason> {
        self.counter.register(&self.state).map_err(|error| Reason::counter(error, self.place()))?;
        self.is_new = false;
        Ok(())
    }

    /// Raises the counter to the sequence number of a state that is durable, if it is not there yet.
    pub fn catch_up(&mut self, sequence: u64) -> Result<(), CounterError> {
        if self.reached < sequence {
            self.counter.advance(&self.state, sequence)?;
            self.reached = sequence;
        }
        Ok(())
    }

    /// What the counter has certainly reached.
    pub const fn reached(&self) -> u64 {
        self.reached
    }

    pub fn place(&self) -> String {
        format!("{}, {}", self.counter.kind(), self.counter.place())
    }

    /// The error of a commit whose number the counter did not take.
    pub fn failed(&self, file: &str, error: &CounterError) -> StorageError {
        match error {
            CounterError::Ahead(number) => StorageError::Refused(format!(
                "{file}: its counter ({}) has gone on to {number} without it: a copy of this state is in use elsewhere; \
                 nothing was changed; stop the TPM and find out which of the two is the right one",
                self.place()
            )),
            error => StorageError::Io(format!(
                "{file}: advancing its counter ({}) failed: {error}; the change was taken back; make the counter reachable \
                 and try again",
                self.place()
            )),
        }
    }
}
