//! Storage that fails when a test says so.

use crate::{Change, Durability, Records, Storage, StorageError};
use alloc::{string::String, sync::Arc};
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// How a commit fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The device reports an error.
    Io,
    /// There is no space.
    Full,
}

const NEVER: u32 = 0;
const EVERY: u32 = u32::MAX;

#[derive(Default)]
struct Plan {
    /// Counted from one over all commits that were tried; [`NEVER`] and [`EVERY`] are special.
    at: AtomicU32,
    full: AtomicBool,
    tried: AtomicU32,
}

/// The test's hand on a [`FaultyStorage`]. Clones steer the same storage.
#[derive(Clone, Default)]
pub struct Faults(Arc<Plan>);

impl Faults {
    /// The `n`-th commit from now (1 is the next) fails, the others work.
    pub fn fail_nth(&self, n: u32, fault: Fault) {
        self.set(self.tried().saturating_add(n), fault);
    }

    /// Every commit fails until [`Self::none`].
    pub fn fail_every(&self, fault: Fault) {
        self.set(EVERY, fault);
    }

    /// Every commit works.
    pub fn none(&self) {
        self.set(NEVER, Fault::Io);
    }

    /// How many commits were tried.
    #[must_use]
    pub fn tried(&self) -> u32 {
        self.0.tried.load(Ordering::SeqCst)
    }

    fn set(&self, at: u32, fault: Fault) {
        self.0.full.store(fault == Fault::Full, Ordering::SeqCst);
        self.0.at.store(at, Ordering::SeqCst);
    }

    /// Counts a commit and says whether it is to fail.
    fn next(&self) -> Result<(), StorageError> {
        let this = self.0.tried.fetch_add(1, Ordering::SeqCst).wrapping_add(1);
        let at = self.0.at.load(Ordering::SeqCst);
        if at != EVERY && at != this {
            return Ok(());
        }
        Err(if self.0.full.load(Ordering::SeqCst) {
            StorageError::Full(String::from("the test says that the storage is full"))
        } else {
            StorageError::Io(String::from("the test says that the storage fails"))
        })
    }
}

/// Storage around another one whose commits fail on demand and then change nothing.
pub struct FaultyStorage<S> {
    inner: S,
    faults: Faults,
}

impl<S> FaultyStorage<S> {
    /// Wraps `inner`; nothing fails until `faults` says so.
    #[must_use]
    pub const fn new(inner: S, faults: Faults) -> Self {
        Self { inner, faults }
    }

    /// The storage inside.
    #[must_use]
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S: Storage> Storage for FaultyStorage<S> {
    fn load(&mut self) -> Result<Records, StorageError> {
        self.inner.load()
    }

    fn commit(&mut self, changes: &[Change]) -> Result<(), StorageError> {
        self.faults.next()?;
        self.inner.commit(changes)
    }

    fn durability(&self) -> Durability {
        self.inner.durability()
    }

    fn rest(&mut self) {
        self.inner.rest();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{RecordKey, memory::VolatileStorage};
    use zeroize::Zeroizing;

    fn put(key: u64) -> Change {
        Change::Put(RecordKey(key), Zeroizing::new(alloc::vec![1]))
    }

    #[test]
    fn fails_the_nth_and_changes_nothing() {
        let faults = Faults::default();
        let mut storage = FaultyStorage::new(VolatileStorage::default(), faults.clone());
        faults.fail_nth(2, Fault::Full);
        assert!(storage.commit(&[put(1)]).is_ok());
        assert!(matches!(storage.commit(&[put(2)]), Err(StorageError::Full(_))));
        assert!(storage.commit(&[put(3)]).is_ok());
        faults.fail_every(Fault::Io);
        assert!(matches!(storage.commit(&[put(4)]), Err(StorageError::Io(_))));
        assert!(matches!(storage.commit(&[put(4)]), Err(StorageError::Io(_))));
        faults.none();
        assert!(storage.commit(&[put(5)]).is_ok());
        let keys: alloc::vec::Vec<u64> = storage.into_inner().records().keys().map(|key| key.0).collect();
        assert_eq!(keys, [1, 3, 5]);
        assert_eq!(faults.tried(), 6);
    }
}
