//! Storage in memory.

use crate::{Change, Durability, Records, Storage, StorageError};

fn apply(records: &mut Records, changes: &[Change]) {
    for change in changes {
        match change {
            Change::Put(key, value) => drop(records.insert(*key, value.clone())),
            Change::Delete(key) => drop(records.remove(key)),
        }
    }
}

/// Records owned by one value and gone with it. A clone is a copy.
#[derive(Clone, Default)]
pub struct VolatileStorage(Records);

impl VolatileStorage {
    /// Storage that holds `records`.
    #[must_use]
    pub const fn new(records: Records) -> Self {
        Self(records)
    }

    /// What is stored.
    #[must_use]
    pub const fn records(&self) -> &Records {
        &self.0
    }
}

impl Storage for VolatileStorage {
    fn load(&mut self) -> Result<Records, StorageError> {
        Ok(self.0.clone())
    }

    fn commit(&mut self, changes: &[Change]) -> Result<(), StorageError> {
        apply(&mut self.0, changes);
        Ok(())
    }

    fn durability(&self) -> Durability {
        Durability::None
    }
}

#[cfg(feature = "std")]
pub use shared::MemoryStorage;

#[cfg(feature = "std")]
mod shared {
    use super::apply;
    use crate::{Change, Durability, Records, Storage, StorageError};
    use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

    /// Records behind a shared handle: clones see the same records, so that a test can drop a TPM and open it again.
    #[derive(Clone, Default)]
    pub struct MemoryStorage(Arc<Mutex<Records>>);

    impl MemoryStorage {
        /// Empty storage.
        #[must_use]
        pub fn new() -> Self {
            Self::default()
        }

        /// A copy of what is stored now.
        #[must_use]
        pub fn records(&self) -> Records {
            self.lock().clone()
        }

        /// Puts other contents in place, as if somebody had changed the disk.
        pub fn replace(&self, records: Records) {
            *self.lock() = records;
        }

        /// A change is applied by calls that cannot panic half-way, so a poisoned lock holds a whole state.
        fn lock(&self) -> MutexGuard<'_, Records> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner)
        }
    }

    impl Storage for MemoryStorage {
        fn load(&mut self) -> Result<Records, StorageError> {
            Ok(self.records())
        }

        fn commit(&mut self, changes: &[Change]) -> Result<(), StorageError> {
            apply(&mut self.lock(), changes);
            Ok(())
        }

        fn durability(&self) -> Durability {
            Durability::None
        }
    }
}
