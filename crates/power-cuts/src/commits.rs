//! What a store was asked to keep, and what it acknowledged.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ironroot_platform::{Change, Durability, Records, Storage, StorageError};

use crate::trace::TraceDisk;

/// A commit.
#[derive(Clone)]
pub struct Commit {
    /// How many operations the disk had seen when it began.
    pub begun: usize,
    /// How many it had seen when it was acknowledged.
    pub acknowledged: usize,
    /// All records after it.
    pub records: Arc<Records>,
}

/// A commit that failed. Until another one is acknowledged nobody knows whether it is on the disk.
#[derive(Clone)]
pub struct Failed {
    /// How many operations the disk had seen when it began.
    pub begun: usize,
    /// How many commits had been acknowledged.
    pub after: usize,
    /// All records as they would be.
    pub records: Arc<Records>,
}

#[derive(Default)]
struct Log {
    failed: Vec<Failed>,
    commits: Vec<Commit>,
    records: Records,
}

/// The commits of one store, in order. Clones show the same.
#[derive(Clone, Default)]
pub struct Commits(Arc<Mutex<Log>>);

impl Commits {
    /// A list that starts with one commit: what was there before, whole.
    #[must_use]
    pub fn starting_with(records: Records) -> Self {
        let first = Commit { begun: 0, acknowledged: 0, records: Arc::new(records.clone()) };
        Self(Arc::new(Mutex::new(Log { failed: Vec::new(), commits: vec![first], records })))
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.lock().commits.len()
    }

    /// All of them.
    #[must_use]
    pub fn all(&self) -> Vec<Commit> {
        self.lock().commits.clone()
    }

    /// Those that failed.
    #[must_use]
    pub fn failed(&self) -> Vec<Failed> {
        self.lock().failed.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Log> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A store whose commits are taken down.
pub struct Logged {
    /// The store.
    pub store: Box<dyn Storage>,
    /// What counts operations.
    pub disk: TraceDisk,
    /// Where commits are taken down.
    pub commits: Commits,
}

impl Storage for Logged {
    fn load(&mut self) -> Result<Records, StorageError> {
        self.store.load()
    }

    fn commit(&mut self, changes: &[Change]) -> Result<(), StorageError> {
        let begun = self.disk.position();
        let result = self.store.commit(changes);
        let mut log = self.commits.lock();
        let mut records = log.records.clone();
        for change in changes {
            match change {
                Change::Put(key, value) => drop(records.insert(*key, value.clone())),
                Change::Delete(key) => drop(records.remove(key)),
            }
        }
        let after = log.commits.len();
        match result {
            Ok(()) => {
                let commit = Commit { begun, acknowledged: self.disk.position(), records: Arc::new(records.clone()) };
                log.commits.push(commit);
                log.records = records;
            }
            Err(_) => log.failed.push(Failed { begun, after, records: Arc::new(records) }),
        }
        result
    }

    fn durability(&self) -> Durability {
        self.store.durability()
    }

    fn rest(&mut self) {
        self.store.rest();
    }
}
