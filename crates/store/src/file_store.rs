//! The store: commits as frames, compaction, and the way back after a failure.

use crate::body;
use crate::frame::{self, Kind, Seal};
use crate::header::{BLOCK, Header, Opened};
use crate::journal::{self, Journal, MAX_FILE};
use crate::keys::{FileKeys, StateKey};
use crate::medium::{Folder, Medium, Which};
use crate::refusal::io_error;
use ironroot_platform::{Change, Durability, Entropy, RecordKey, Records, Storage, StorageError, host::OsEntropy};
use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use zeroize::Zeroizing;

/// A file is made this long, and gets at least this long before it is compacted. Bytes.
const SMALLEST: usize = 64 << 10;
/// A file is compacted when it is longer than this many times what is in it.
const WASTE: usize = 4;

/// How a store behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// What a commit survives: [`Durability::Power`] waits for the disk, [`Durability::Process`] does not. The store writes
    /// a file either way, so [`Durability::None`] counts as `Process`.
    pub durability: Durability,
}

impl Default for Options {
    fn default() -> Self {
        Self { durability: Durability::Power }
    }
}

/// Storage in one sealed file.
pub struct FileStore<M: Medium = Folder> {
    medium: M,
    state_key: Zeroizing<StateKey>,
    entropy: Box<dyn Entropy>,
    relaxed: bool,
    place: Place,
    /// The records as they were verified, until they are first asked for.
    records: Option<Records>,
    /// The records' sizes in a checkpoint, and their sum.
    sizes: BTreeMap<RecordKey, usize>,
    live: usize,
    /// Something that was never acknowledged lies behind the end, and must go before the next frame is written.
    dirty: bool,
    /// The file was replaced, and a power cut may still bring back the old one.
    folder_dirty: bool,
    /// Do not try to compact again before the journal is this long.
    compact_at: usize,
}

/// Where in which file the next frame goes.
struct Place {
    keys: FileKeys,
    generation: u64,
    /// The end of the last frame.
    end: usize,
    /// The length of the file; between the end and it there are zeros.
    length: usize,
    /// The sequence number and the tag of the last frame.
    sequence: u64,
    chain: [u8; 16],
}

impl FileStore<Folder> {
    /// Opens the state in a folder. Nothing is written before it has been verified.
    ///
    /// # Errors
    /// [`StorageError::Refused`] if the state is damaged, sealed under another key, or newer than this release;
    /// [`StorageError::Io`] if there is none, or it cannot be read, or another process has it open.
    pub fn open(folder: &Path, key: &StateKey, options: Options) -> Result<Self, StorageError> {
        Self::open_on(Folder::open(folder)?, key, options, Box::new(OsEntropy))
    }

    /// Makes an empty state in a folder, which is made too if it is missing. Never overwrites a state.
    ///
    /// # Errors
    /// [`StorageError`] if there is a state already, or it cannot be written.
    pub fn create(folder: &Path, key: &StateKey, options: Options) -> Result<Self, StorageError> {
        Self::create_on(Folder::create(folder)?, key, options, Box::new(OsEntropy))
    }

    /// Opens the state in a folder, or makes an empty one if there is none.
    ///
    /// # Errors
    /// As [`Self::open`] and [`Self::create`].
    pub fn open_or_create(folder: &Path, key: &StateKey, options: Options) -> Result<Self, StorageError> {
        let mut medium = Folder::create(folder)?;
        if exists(&mut medium)? {
            Self::open_on(medium, key, options, Box::new(OsEntropy))
        } else {
            Self::create_on(medium, key, options, Box::new(OsEntropy))
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
        mut medium: M,
        key: &StateKey,
        options: Options,
        entropy: Box<dyn Entropy>,
    ) -> Result<Self, StorageError> {
        let (journal, length) = read(&mut medium, key)?;
        let relaxed = options.durability != Durability::Power;
        if !relaxed {
            // What was read may be in the machine's memory only (the writer was killed before it waited for the disk), and so
            // may the name of a compacted file. Nobody may be told of it before it is safe.
            medium
                .sync(Which::Current)
                .and_then(|()| medium.sync_folder())
                .map_err(|error| io_error("making the state durable", &medium.name(), &error))?;
        }
        let sizes = sizes(&journal.records);
        let live = sizes.values().fold(0, |sum: usize, size| sum.saturating_add(*size));
        Ok(Self {
            medium,
            state_key: Zeroizing::new(*key),
            entropy,
            relaxed,
            // A file that was cut short by hand may have an odd length; what is written next gives it an even one.
            dirty: journal.unfinished || length % BLOCK != 0,
            place: Place {
                keys: journal.keys,
                generation: journal.generation,
                end: journal.end,
                length,
                sequence: journal.sequence,
                chain: journal.chain,
            },
            records: Some(journal.records),
            sizes,
            live,
            folder_dirty: false,
            compact_at: 0,
        })
    }

    /// [`FileStore::create`] on any medium.
    ///
    /// # Errors
    /// As [`FileStore::create`].
    pub fn create_on(
        mut medium: M,
        key: &StateKey,
        options: Options,
        mut entropy: Box<dyn Entropy>,
    ) -> Result<Self, StorageError> {
        if exists(&mut medium)? {
            return Err(StorageError::Io(format!(
                "{}: there is a state here already; open it, or use an empty folder for a new one",
                medium.name()
            )));
        }
        let place = write_checkpoint(&mut medium, key, entropy.as_mut(), &Records::new(), (1, 1))?;
        medium.sync_folder().map_err(|error| io_error("making the new state durable", &medium.name(), &error))?;
        Ok(Self {
            medium,
            state_key: Zeroizing::new(*key),
            entropy,
            relaxed: options.durability != Durability::Power,
            place,
            records: Some(Records::new()),
            sizes: BTreeMap::new(),
            live: 0,
            dirty: false,
            folder_dirty: false,
            compact_at: 0,
        })
    }

    /// The number of the last commit; it never goes back in the life of a state, compactions included (they count too). What
    /// a monotonic counter is compared with.
    #[must_use]
    pub const fn sequence(&self) -> u64 {
        self.place.sequence
    }

    /// How many files the state has had: one more at each compaction.
    #[must_use]
    pub const fn generation(&self) -> u64 {
        self.place.generation
    }

    fn failed(&self, doing: &str, error: &io::Error) -> StorageError {
        io_error(doing, &self.medium.name(), error)
    }

    /// Finishes what an earlier failure left to do.
    fn recover(&mut self) -> Result<(), StorageError> {
        if self.dirty {
            self.cut().map_err(|error| self.failed("cutting off an unfinished change", &error))?;
        }
        if self.folder_dirty && !self.relaxed {
            self.medium.sync_folder().map_err(|error| self.failed("making the compacted state durable", &error))?;
            self.folder_dirty = false;
        }
        Ok(())
    }

    /// Ends the file where the last frame ends.
    fn cut(&mut self) -> io::Result<()> {
        self.dirty = true;
        self.medium.set_len(Which::Current, self.place.end as u64)?;
        self.place.length = self.place.end;
        self.medium.sync(Which::Current)?;
        self.dirty = false;
        Ok(())
    }

    /// Takes back a frame that was written in whole or in part behind the end. The file keeps its length if that works,
    /// so that a full disk does not lose the space that it has.
    fn take_back(&mut self, size: usize) {
        let kept = size.min(self.place.length.saturating_sub(self.place.end));
        let zeros = vec![0; kept];
        let put_back = self
            .medium
            .write_at(Which::Current, self.place.end as u64, &zeros)
            .and_then(|()| self.medium.set_len(Which::Current, self.place.length as u64))
            .and_then(|()| self.medium.sync(Which::Current));
        if put_back.is_err() {
            // If this fails too, the next commit tries again before it writes, and fails as long as it cannot.
            let _ = self.cut();
        }
    }

    /// Writes a frame behind the last one, and waits for the disk if that is asked for. `room` is how many zeros to add
    /// behind it for later frames.
    fn write(&mut self, frame: &[u8], room: usize) -> io::Result<()> {
        let end = self.place.end;
        let needed = end.saturating_add(frame.len());
        if needed <= self.place.length {
            self.medium.write_at(Which::Current, end as u64, frame)?;
        } else {
            let mut grown = frame.to_vec();
            grown.resize(frame.len().saturating_add(room), 0);
            self.medium.write_at(Which::Current, end as u64, &grown)?;
        }
        if self.relaxed { Ok(()) } else { self.medium.sync(Which::Current) }
    }

    /// Appends a frame and moves the end.
    fn append(&mut self, changes: &[Change]) -> Result<(), StorageError> {
        let too_large = || {
            StorageError::Full(format!("{}: one change is larger than 16 MiB; nothing was changed", self.medium.name()))
        };
        let content = body::length(changes).ok_or_else(too_large)?;
        let mut random = [0; 32];
        self.entropy.fill(&mut random).map_err(|error| no_entropy(&self.medium, error))?;
        let sequence = self.place.sequence.wrapping_add(1);
        let seal = Seal {
            keys: &self.place.keys,
            kind: Kind::Changes,
            relaxed: self.relaxed,
            sequence,
            chain: &self.place.chain,
            random: &random,
        };
        let write = |out: &mut Vec<u8>| changes.iter().for_each(|change| body::write(change, out));
        let (frame, tag) = seal.seal(content, write).ok_or_else(too_large)?;
        if self.place.end.saturating_add(frame.len()) as u64 > MAX_FILE {
            return Err(StorageError::Full(format!(
                "{}: the state would be larger than 128 MiB; nothing was changed; delete something from the TPM",
                self.medium.name()
            )));
        }
        let mut room = SMALLEST;
        let mut written = self.write(&frame, room);
        if written.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::StorageFull) {
            self.take_back(frame.len());
            // There may be room for the frame, if not for those after it.
            if !self.dirty {
                room = 0;
                written = self.write(&frame, room);
            }
        }
        if let Err(error) = written {
            if !self.dirty {
                self.take_back(frame.len());
            }
            return Err(self.failed("writing a change", &error));
        }
        self.place.end = self.place.end.saturating_add(frame.len());
        if self.place.end > self.place.length {
            self.place.length = self.place.end.saturating_add(room);
        }
        self.place.sequence = sequence;
        self.place.chain = tag;
        self.count(changes);
        Ok(())
    }

    /// Keeps the sizes up to date.
    fn count(&mut self, changes: &[Change]) {
        self.records = None;
        for change in changes {
            let (old, new) = match change {
                Change::Put(key, value) => {
                    let size = value.len().saturating_add(body::PUT_OVERHEAD);
                    (self.sizes.insert(*key, size), size)
                }
                Change::Delete(key) => (self.sizes.remove(key), 0),
            };
            self.live = self.live.saturating_sub(old.unwrap_or(0)).saturating_add(new);
        }
    }

    /// Whether a commit would make the journal much longer than what is in it.
    fn is_wasteful(&self, changes: &[Change]) -> bool {
        let size = body::length(changes).and_then(frame::blocks).map_or(0, |blocks| blocks.saturating_mul(BLOCK));
        let after = self.place.end.saturating_add(size);
        after > SMALLEST.max(self.live.saturating_mul(WASTE)).max(self.compact_at)
    }

    /// Writes the state anew into another file, and puts that in the place of the first. Whatever fails or is cut off, one
    /// of the two is the state.
    fn compact(&mut self) -> Result<(), StorageError> {
        let records = self.load()?;
        let numbers = (self.place.generation.wrapping_add(1), self.place.sequence.wrapping_add(1));
        self.place = write_checkpoint(&mut self.medium, &self.state_key, self.entropy.as_mut(), &records, numbers)?;
        self.folder_dirty = true;
        self.compact_at = 0;
        Ok(())
    }
}

fn no_entropy(medium: &impl Medium, error: ironroot_platform::EntropyError) -> StorageError {
    StorageError::Io(format!("{}: {error}; nothing was changed; try again", medium.name()))
}

fn sizes(records: &Records) -> BTreeMap<RecordKey, usize> {
    records.iter().map(|(key, value)| (*key, value.len().saturating_add(body::PUT_OVERHEAD))).collect()
}

/// Reads and verifies the file, and says how long it is.
fn read(medium: &mut impl Medium, key: &StateKey) -> Result<(Journal, usize), StorageError> {
    let name = medium.name();
    let file = medium.read(MAX_FILE.saturating_add(1)).map_err(|error| io_error("reading the state", &name, &error))?;
    let journal = journal::read(&file, key).map_err(|refusal| refusal.into_error(&name))?;
    Ok((journal, file.len()))
}

/// Writes a new file with all records and installs it. `numbers` are its generation and the checkpoint's sequence number.
fn write_checkpoint(
    medium: &mut impl Medium,
    state_key: &StateKey,
    entropy: &mut dyn Entropy,
    records: &Records,
    numbers: (u64, u64),
) -> Result<Place, StorageError> {
    let (generation, first_sequence) = numbers;
    let (mut file_id, mut random) = ([0; 32], [0; 32]);
    entropy.fill(&mut file_id).and_then(|()| entropy.fill(&mut random)).map_err(|error| no_entropy(medium, error))?;
    let (mut file, Opened { header, keys, chain }) = Header { file_id, generation, first_sequence }.write(state_key);
    let content = sizes(records).values().fold(0, |sum: usize, size| sum.saturating_add(*size));
    let seal = Seal {
        keys: &keys,
        kind: Kind::Checkpoint,
        relaxed: false,
        sequence: first_sequence,
        chain: &chain,
        random: &random,
    };
    let write = |out: &mut Vec<u8>| records.iter().for_each(|(key, value)| body::write_put(*key, value, out));
    let (frame, tag) = seal
        .seal(content, write)
        .ok_or_else(|| StorageError::Full(format!("{}: the state is larger than 16 MiB", medium.name())))?;
    file.extend_from_slice(&frame);
    let end = file.len();
    let length = SMALLEST.max(content.saturating_mul(WASTE)).max(end).next_multiple_of(BLOCK);
    file.resize(length, 0);

    let result = medium
        .create_next()
        .and_then(|()| medium.write_at(Which::Next, 0, &file))
        .and_then(|()| medium.sync(Which::Next))
        .and_then(|()| medium.install());
    if let Err(error) = result {
        medium.discard_next();
        return Err(io_error("writing a new state file", &medium.name(), &error));
    }
    Ok(Place { keys, generation: header.generation, end, length, sequence: first_sequence, chain: tag })
}

impl<M: Medium> Storage for FileStore<M> {
    fn load(&mut self) -> Result<Records, StorageError> {
        if let Some(records) = self.records.take() {
            return Ok(records);
        }
        self.recover()?;
        let (journal, _) = read(&mut self.medium, &self.state_key)?;
        if (journal.end, journal.sequence, journal.chain) != (self.place.end, self.place.sequence, self.place.chain) {
            return Err(StorageError::Refused(format!(
                "{}: somebody else changed the state while it was open; stop the TPM and restore a backup of the folder",
                self.medium.name()
            )));
        }
        Ok(journal.records)
    }

    fn commit(&mut self, changes: &[Change]) -> Result<(), StorageError> {
        if changes.is_empty() {
            return Ok(());
        }
        self.recover()?;
        if self.is_wasteful(changes) {
            match self.compact() {
                Ok(()) => self.recover()?,
                Err(StorageError::Refused(text)) => return Err(StorageError::Refused(text)),
                // Compaction can wait: the journal goes on as long as the disk has room.
                Err(_) => self.compact_at = self.place.end.saturating_add(SMALLEST),
            }
        }
        self.append(changes)
    }

    fn durability(&self) -> Durability {
        if self.relaxed { Durability::Process } else { Durability::Power }
    }
}
