//! What people do with a state beside using it: go on after a rollback, change its keys or its counter.
//!
//! Each writes the state into a new file that takes the place of the old one in one step: a power cut leaves one of them
//! whole.

use crate::access::{Access, NewCounter};
use crate::checkpoint::{no_entropy, refused};
use crate::file_store::{FileStore, Options};
use crate::medium::{Folder, Medium};
use crate::refusal::io_error;
use crate::sealing::{Cost, SecondKey};
use ironroot_platform::{Entropy, StorageError, host::OsEntropy};
use std::path::Path;

/// A rollback that was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// The sequence number of the state that was put back.
    pub state: u64,
    /// What its counter had reached; nothing if the counter was lost, too.
    pub counter: Option<u64>,
    /// The sequence number with which the state goes on.
    pub sequence: u64,
}

/// What [`FileStore::rekey`] does with the second key.
#[derive(Default)]
pub enum KeyChange {
    /// It stays.
    #[default]
    Keep,
    /// The device's key alone seals the state from now on.
    Remove,
    /// Another one takes its place; a passphrase costs so much to try.
    Set(SecondKey, Cost),
}

/// What [`FileStore::rekey`] does with the counter.
#[derive(Default)]
pub enum CounterChange {
    /// It stays.
    #[default]
    Keep,
    /// The state expects none from now on.
    Remove,
    /// Another one takes its place.
    Set(NewCounter),
}

impl FileStore<Folder> {
    /// Makes the state in a folder go on though it is older than its counter; or, with a new counter, though its counter is
    /// lost. What was committed since that state is lost. The reason is kept in the state's history.
    ///
    /// # Errors
    /// [`StorageError`] as for [`FileStore::open`], and if there is nothing to accept or no reason is given.
    pub fn accept_rollback(
        folder: &Path,
        access: impl Into<Access>,
        reason: &str,
        new: Option<NewCounter>,
    ) -> Result<Accepted, StorageError> {
        Self::accept_rollback_on(Folder::open(folder)?, access, Box::new(OsEntropy), reason, new)
    }

    /// Seals the state in a folder anew: under other keys, with another counter, or under fresh keys from the same ones.
    /// The TPM's identity stays.
    ///
    /// # Errors
    /// As [`FileStore::open`].
    pub fn rekey(
        folder: &Path,
        access: impl Into<Access>,
        key: KeyChange,
        counter: CounterChange,
    ) -> Result<u64, StorageError> {
        Self::rekey_on(Folder::open(folder)?, access, Box::new(OsEntropy), key, counter)
    }
}

impl<M: Medium> FileStore<M> {
    /// [`FileStore::accept_rollback`] on any medium.
    ///
    /// # Errors
    /// As [`FileStore::accept_rollback`].
    pub fn accept_rollback_on(
        medium: M,
        access: impl Into<Access>,
        entropy: Box<dyn Entropy>,
        reason: &str,
        new: Option<NewCounter>,
    ) -> Result<Accepted, StorageError> {
        let name = medium.name();
        let pointless = |why: &str| Err(StorageError::Io(format!("{name}: {why}; nothing was changed")));
        if reason.trim().is_empty() {
            return pointless("accepting an old state needs a reason, which is kept with it");
        }
        let mut store = Self::open_unchecked(medium, access.into(), Options::default(), entropy)?;
        if store.shape.counter.is_none() {
            return pointless("this state expects no counter, so there is nothing to accept");
        }
        let state = store.place.sequence;
        let mut counter = None;
        let mut guard = match new {
            Some(new) => {
                let guard = store.shape.set_counter(new, store.entropy.as_mut());
                guard.map_err(|error| no_entropy(&name, error))?
            }
            None => match store.shape.guard(&mut store.access).map_err(|reason| refused(&name, reason))? {
                Some(guard) => guard,
                None => return pointless("this state expects no counter, so there is nothing to accept"),
            },
        };
        if guard.is_new() {
            guard.register().map_err(|reason| refused(&name, reason))?;
        } else {
            let reached = guard.read().map_err(|reason| refused(&name, reason))?;
            if reached <= state {
                return pointless("the state is not behind its counter, so there is nothing to accept");
            }
            counter = Some(reached);
        }
        let was = counter.map_or_else(|| "lost".into(), |number| number.to_string());
        store.shape.note(&format!("rollback accepted: state {state}, counter {was}; reason: {}", reason.trim()));
        store.go_on_behind(counter.unwrap_or(state));
        store.guard = Some(guard);
        store.rewrite()?;
        Ok(Accepted { state, counter, sequence: store.place.sequence })
    }

    /// [`FileStore::rekey`] on any medium. Returns the sequence number with which the state goes on.
    ///
    /// # Errors
    /// As [`FileStore::rekey`].
    pub fn rekey_on(
        medium: M,
        access: impl Into<Access>,
        entropy: Box<dyn Entropy>,
        key: KeyChange,
        counter: CounterChange,
    ) -> Result<u64, StorageError> {
        let name = medium.name();
        let mut store = Self::open_on(medium, access, Options::default(), entropy)?;
        let random = |error| no_entropy(&name, error);
        match key {
            KeyChange::Keep => {}
            KeyChange::Remove => store.access.rekey(None, Cost::RECOMMENDED),
            KeyChange::Set(second, cost) => store.access.rekey(Some(second), cost),
        }
        let mut salt = [0; 32];
        store.entropy.fill(&mut salt).map_err(random)?;
        store.shape.sealing = store.access.sealing(salt);
        match counter {
            CounterChange::Keep => {}
            CounterChange::Remove => {
                store.shape.remove_counter();
                store.guard = None;
            }
            CounterChange::Set(new) => {
                let mut guard = store.shape.set_counter(new, store.entropy.as_mut()).map_err(random)?;
                guard.register().map_err(|reason| refused(&name, reason))?;
                store.guard = Some(guard);
            }
        }
        let counted = store.shape.counter.map_or_else(|| "none".into(), |field| field.kind.to_string());
        store.shape.note(&format!("sealed anew under {}; counter: {counted}", store.shape.sealing));
        store.rewrite()?;
        Ok(store.place.sequence)
    }

    /// Writes the state into a new file, with what was changed of its shape, and lets the counter follow.
    fn rewrite(&mut self) -> Result<(), StorageError> {
        let records = self.current()?;
        self.write_anew(&records)?;
        self.settle().map_err(|error| io_error("making the state durable", &self.medium.name(), &error))?;
        self.catch_up()
    }
}
