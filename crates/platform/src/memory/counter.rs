//! A counter in memory that fails when a test says so.

use crate::{CountedState, CounterError, CounterKind, MonotonicCounter};
use alloc::{collections::BTreeMap, string::String};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How a counter fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CounterFault {
    /// It is not reached: nothing happens.
    Before,
    /// It is reached, but the answer is lost.
    After,
}

#[derive(Default)]
struct Numbers {
    numbers: BTreeMap<[u8; 16], u64>,
    advances: u64,
    fault: Option<CounterFault>,
}

/// A counter whose clones are handles of the same numbers.
#[derive(Clone, Default)]
pub struct MemoryCounter(Arc<Mutex<Numbers>>);

impl MemoryCounter {
    /// Every access fails in this way until it is called with `None`.
    pub fn fail(&self, fault: Option<CounterFault>) {
        self.lock().fault = fault;
    }

    /// Another counter with the numbers that this one has now, and no fault.
    #[must_use]
    pub fn copy(&self) -> Self {
        let numbers = self.lock().numbers.clone();
        Self(Arc::new(Mutex::new(Numbers { numbers, ..Numbers::default() })))
    }

    /// How often a number was raised.
    #[must_use]
    pub fn advances(&self) -> u64 {
        self.lock().advances
    }

    /// The number, if the counter counts for one state only.
    #[must_use]
    pub fn only(&self) -> Option<u64> {
        let numbers = self.lock();
        let mut all = numbers.numbers.values();
        all.next().filter(|_| all.next().is_none()).copied()
    }

    fn lock(&self) -> MutexGuard<'_, Numbers> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Numbers {
    fn reach(&self, fault: CounterFault) -> Result<(), CounterError> {
        if self.fault == Some(fault) {
            Err(CounterError::Unreachable(String::from("the test says so")))
        } else {
            Ok(())
        }
    }
}

impl MonotonicCounter for MemoryCounter {
    fn kind(&self) -> CounterKind {
        CounterKind::Hardware
    }

    fn place(&self) -> String {
        String::from("a test's memory")
    }

    fn register(&mut self, state: &CountedState) -> Result<(), CounterError> {
        let mut numbers = self.lock();
        numbers.reach(CounterFault::Before)?;
        if numbers.numbers.contains_key(&state.id) {
            return Err(CounterError::Refused(String::from("it counts for a state of this name already")));
        }
        numbers.numbers.insert(state.id, 0);
        numbers.reach(CounterFault::After)
    }

    fn read(&mut self, state: &CountedState) -> Result<u64, CounterError> {
        let numbers = self.lock();
        numbers.reach(CounterFault::Before)?;
        numbers.reach(CounterFault::After)?;
        let missing = || CounterError::Missing(String::from("it does not count for this state"));
        numbers.numbers.get(&state.id).copied().ok_or_else(missing)
    }

    fn advance(&mut self, state: &CountedState, to: u64) -> Result<(), CounterError> {
        let now = self.read_quietly(state)?;
        let mut numbers = self.lock();
        numbers.reach(CounterFault::Before)?;
        if now >= to {
            return Err(CounterError::Ahead(now));
        }
        numbers.numbers.insert(state.id, to);
        numbers.advances = numbers.advances.saturating_add(1);
        numbers.reach(CounterFault::After)
    }
}

impl MemoryCounter {
    fn read_quietly(&self, state: &CountedState) -> Result<u64, CounterError> {
        let missing = || CounterError::Missing(String::from("it does not count for this state"));
        self.lock().numbers.get(&state.id).copied().ok_or_else(missing)
    }
}
