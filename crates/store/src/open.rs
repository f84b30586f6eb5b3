//! Opening a state and making one.

use crate::access::{Access, NewCounter};
use crate::body;
use crate::checkpoint::{self, Place, Shape, no_entropy, refused};
use crate::file_store::{FileStore, Options, read_file};
use crate::guard::Policy;
use crate::header::BLOCK;
use crate::journal::{self, Journal};
use crate::medium::{Folder, Medium};
use crate::refusal::{Reason, io_error};
use ironroot_platform::{Durability, Entropy, RecordKey, Records, StorageError, host::OsEntropy};
use std::collections::BTreeMap;
use std::path::Path;
use zeroize::Zeroizing;

/// What a state that is not empty begins with.
pub struct First<'a> {
    pub records: &'a Records,
    /// The sequence number of the checkpoint.
    pub sequence: u64,
    /// The history of the state before, and one more event.
    pub history: Option<Zeroizing<Vec<u8>>>,
    pub event: &'a str,
}

impl FileStore<Folder> {
    /// Opens the state in a folder. Nothing is written before it has been verified.
    ///
    /// # Errors
    /// [`StorageError::Refused`] if the state is damaged, sealed under another key, older than its counter, or newer than
    /// this release; [`StorageError::Io`] if there is none, or it cannot be read, or another process has it open.
    pub fn open(folder: &Path, access: impl Into<Access>, options: Options) -> Result<Self, StorageError> {
        Self::open_on(Folder::open(folder)?, access, options, Box::new(OsEntropy))
    }

    /// Makes an empty state in a folder, which is made too if it is missing. Never overwrites a state.
    ///
    /// # Errors
    /// [`StorageError`] if there is a state already, or it cannot be written.
    pub fn create(folder: &Path, access: impl Into<Access>, options: Options) -> Result<Self, StorageError> {
        Self::create_on(Folder::create(folder)?, access, options, Box::new(OsEntropy))
    }

    /// Makes an empty state with a counter, as [`Self::create`].
    ///
    /// # Errors
    /// As [`Self::create`], or the counter's.
    pub fn create_counted(
        folder: &Path,
        access: impl Into<Access>,
        options: Options,
        counter: NewCounter,
    ) -> Result<Self, StorageError> {
        let entropy = Box::new(OsEntropy);
        Self::create_with(Folder::create(folder)?, access.into(), options, entropy, Some(counter), None)
    }

    /// Opens the state in a folder, or makes an empty one if there is none.
    ///
    /// # Errors
    /// As [`Self::open`] and [`Self::create`].
    pub fn open_or_create(folder: &Path, access: impl Into<Access>, options: Options) -> Result<Self, StorageError> {
        let mut medium = Folder::create(folder)?;
        if exists(&mut medium)? {
            Self::open_on(medium, access, options, Box::new(OsEntropy))
        } else {
            Self::create_on(medium, access, options, Box::new(OsEntropy))
        }
    }
}

fn exists(medium: &mut impl Medium) -> Result<bool, StorageError> {
    medium.exists().map_err(|error| io_error("looking for the state", &medium.name(), &error))
}

impl<M: Medium> FileStore<M> {
    /// [`FileStore::open`] on any medium.
    ///
    /// # Errors
    /// As [`FileStore::open`].
    pub fn open_on(
        medium: M,
        access: impl Into<Access>,
        options: Options,
        entropy: Box<dyn Entropy>,
    ) -> Result<Self, StorageError> {
        let mut store = Self::open_unchecked(medium, access.into(), options, entropy)?;
        let name = store.medium.name();
        store.guard = store.shape.guard(&mut store.access).map_err(|reason| refused(&name, reason))?;
        let sequence = store.place.sequence;
        if let Some(guard) = &mut store.guard {
            guard.check(sequence).map_err(|reason| refused(&name, reason))?;
            if store.relaxed && guard.policy == Policy::EveryCommit {
                return Err(refused(&name, Reason::CounterNeedsPower));
            }
        }
        if !store.relaxed {
            // What was read may be in the machine's memory only (the writer was killed before it waited for the disk), and so
            // may the name of a compacted file. Nobody may be told of it before it is safe.
            store.settle().map_err(|error| io_error("making the state durable", &name, &error))?;
        }
        store.catch_up()?;
        Ok(store)
    }

    /// Opens a state without asking its counter, and without a promise that it survives a power cut.
    pub(crate) fn open_unchecked(
        mut medium: M,
        mut access: Access,
        options: Options,
        entropy: Box<dyn Entropy>,
    ) -> Result<Self, StorageError> {
        let (journal, length) = read(&mut medium, &mut access)?;
        let sizes = sizes(&journal.records);
        let shape = Shape::of(&journal.header, journal.own);
        Ok(Self {
            medium,
            access,
            entropy,
            relaxed: options.durability != Durability::Power,
            // A file that was cut short by hand may have an odd length; what is written next gives it an even one.
            dirty: journal.unfinished || length % BLOCK != 0,
            place: Place {
                keys: journal.keys,
                generation: journal.header.generation,
                end: journal.end,
                length,
                sequence: journal.sequence,
                chain: journal.chain,
            },
            live: live(&sizes, &shape),
            shape,
            guard: None,
            withdrawn: None,
            overtaken: None,
            records: Some(journal.records),
            sizes,
            folder_dirty: false,
            compact_at: 0,
        })
    }

    /// [`FileStore::create`] on any medium.
    ///
    /// # Errors
    /// As [`FileStore::create`].
    pub fn create_on(
        medium: M,
        access: impl Into<Access>,
        options: Options,
        entropy: Box<dyn Entropy>,
    ) -> Result<Self, StorageError> {
        Self::create_with(medium, access.into(), options, entropy, None, None)
    }

    /// [`FileStore::create_counted`] on any medium; without a counter if there is none.
    ///
    /// # Errors
    /// As [`FileStore::create_counted`].
    pub fn create_counted_on(
        medium: M,
        access: impl Into<Access>,
        options: Options,
        entropy: Box<dyn Entropy>,
        counter: Option<NewCounter>,
    ) -> Result<Self, StorageError> {
        Self::create_with(medium, access.into(), options, entropy, counter, None)
    }

    /// Makes a state with a counter, and with what it begins with if it is not empty.
    pub(crate) fn create_with(
        mut medium: M,
        mut access: Access,
        options: Options,
        mut entropy: Box<dyn Entropy>,
        counter: Option<NewCounter>,
        first: Option<First<'_>>,
    ) -> Result<Self, StorageError> {
        let name = medium.name();
        if exists(&mut medium)? {
            return Err(StorageError::Io(format!(
                "{name}: there is a state here already; open it, or use an empty folder for a new one"
            )));
        }
        let random = |error| no_entropy(&name, error);
        let relaxed = options.durability != Durability::Power;
        let mut shape = Shape::new(&access, entropy.as_mut()).map_err(random)?;
        let mut guard = None;
        if let Some(counter) = counter {
            let guard = guard.insert(shape.set_counter(counter, entropy.as_mut()).map_err(random)?);
            if relaxed && guard.policy == Policy::EveryCommit {
                return Err(refused(&name, Reason::CounterNeedsPower));
            }
            // First the counter: one that counts for a state which was never finished does no harm.
            guard.register().map_err(|reason| refused(&name, reason))?;
        }
        let nothing = Records::new();
        let (mut records, mut sequence) = (&nothing, 1);
        if let Some(first) = first {
            shape.remember(first.history);
            shape.note(first.event);
            (records, sequence) = (first.records, first.sequence);
        }
        let place = checkpoint::write(&mut medium, &mut access, entropy.as_mut(), &shape, records, (1, sequence))?;
        medium.sync_folder().map_err(|error| io_error("making the new state durable", &name, &error))?;
        let sizes = sizes(records);
        let mut store = Self {
            medium,
            access,
            entropy,
            relaxed,
            place,
            live: live(&sizes, &shape),
            shape,
            guard,
            withdrawn: None,
            overtaken: None,
            records: Some(records.clone()),
            sizes,
            dirty: false,
            folder_dirty: false,
            compact_at: 0,
        };
        store.catch_up()?;
        Ok(store)
    }
}

fn sizes(records: &Records) -> BTreeMap<RecordKey, usize> {
    records.iter().map(|(key, value)| (*key, value.len().saturating_add(body::PUT_OVERHEAD))).collect()
}

/// The size of a checkpoint's contents.
fn live(sizes: &BTreeMap<RecordKey, usize>, shape: &Shape) -> usize {
    sizes.values().fold(checkpoint::size(&shape.own), |sum, size| sum.saturating_add(*size))
}

/// Reads and verifies the file, and says how long it is.
fn read(medium: &mut impl Medium, access: &mut Access) -> Result<(Journal, usize), StorageError> {
    let file = read_file(medium)?;
    let journal = journal::read(&file, access).map_err(|refusal| refusal.into_error(&medium.name()))?;
    Ok((journal, file.len()))
}
