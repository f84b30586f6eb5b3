//! The store: commits as frames, compaction, and the way back after a failure.

use crate::access::Access;
use crate::body;
use crate::checkpoint::{self, Place, Shape, no_entropy};
use crate::frame::{self, Kind, Seal};
use crate::guard::{Guard, Policy};
use crate::header::BLOCK;
use crate::journal::{self, MAX_FILE};
use crate::medium::{Folder, Medium, Which};
use crate::refusal::io_error;
use ironroot_platform::{Change, CounterError, Durability, Entropy, RecordKey, Records, Storage, StorageError};
use std::collections::BTreeMap;
use std::io;

/// A file is made this long, and gets at least this long before it is compacted. Bytes.
pub const SMALLEST: usize = 64 << 10;
/// A file is compacted when it is longer than this many times what is in it.
pub const WASTE: usize = 4;
/// Of a place that wears out, one part in so many is kept.
const KEPT: usize = 16;

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
    pub(crate) medium: M,
    pub(crate) access: Access,
    pub(crate) entropy: Box<dyn Entropy>,
    pub(crate) relaxed: bool,
    pub(crate) place: Place,
    pub(crate) shape: Shape,
    /// The state's counter, if it has one.
    pub(crate) guard: Option<Guard>,
    /// The sequence number of a frame behind the end that was not acknowledged because the counter could not be reached. The
    /// counter may have taken the number nevertheless; so the state goes on in a new file, behind this number.
    pub(crate) withdrawn: Option<u64>,
    /// Somebody else advances the counter: nothing is committed any more.
    pub(crate) overtaken: Option<StorageError>,
    /// The records as they were verified, until they are first asked for.
    pub(crate) records: Option<Records>,
    /// The records' sizes in a checkpoint, and their sum.
    pub(crate) sizes: BTreeMap<RecordKey, usize>,
    pub(crate) live: usize,
    /// Something that was never acknowledged lies behind the end, and must go before the next frame is written.
    pub(crate) dirty: bool,
    /// The file was replaced, and a power cut may still bring back the old one.
    pub(crate) folder_dirty: bool,
    /// Do not try to compact again before the journal is this long.
    pub(crate) compact_at: usize,
}

impl<M: Medium> FileStore<M> {
    /// The number of the last commit; it never goes back in the life of a state, compactions included (they count too). What
    /// a monotonic counter is compared with.
    #[must_use]
    pub const fn sequence(&self) -> u64 {
        self.place.sequence
    }

    /// Where the state lies.
    #[must_use]
    pub const fn medium(&self) -> &M {
        &self.medium
    }

    /// How many files the state has had: one more at each compaction.
    #[must_use]
    pub const fn generation(&self) -> u64 {
        self.place.generation
    }

    /// What has happened to the state beside commits, oldest first: seconds of the UNIX epoch, and words.
    #[must_use]
    pub fn history(&self) -> Vec<(u64, String)> {
        self.shape.history().0
    }

    /// Forgets the second key, which whoever opened the state gave: an open state goes on without it. It cannot be sealed
    /// under other keys after that.
    pub fn forget_second_key(&mut self) {
        self.access.forget_second();
    }

    fn failed(&self, doing: &str, error: &io::Error) -> StorageError {
        io_error(doing, &self.medium.name(), error)
    }

    /// Makes what was read and the name of its file survive a power cut.
    pub(crate) fn settle(&mut self) -> io::Result<()> {
        self.medium.sync(Which::Current)?;
        self.medium.sync_folder()?;
        self.folder_dirty = false;
        Ok(())
    }

    /// Raises the counter to a state that is durable.
    pub(crate) fn catch_up(&mut self) -> Result<(), StorageError> {
        if self.guard.as_ref().is_none_or(|guard| guard.reached() >= self.place.sequence) {
            return Ok(());
        }
        if self.relaxed {
            // A counter that is ahead of what a power cut leaves would make the state an old copy.
            self.settle().map_err(|error| self.failed("making the state durable", &error))?;
        }
        let Some(guard) = &mut self.guard else {
            return Ok(());
        };
        guard.catch_up(self.place.sequence).map_err(|error| guard.failed(&self.medium.name(), &error))
    }

    /// Finishes what an earlier failure left to do.
    pub(crate) fn recover(&mut self) -> Result<(), StorageError> {
        if let Some(overtaken) = &self.overtaken {
            return Err(overtaken.clone());
        }
        if self.withdrawn.is_some() {
            self.compact()?;
        }
        if self.dirty
            && let Err(error) = self.cut()
        {
            // A new file has nothing behind its end. The old one must not come back when the power goes.
            let failed = self.failed("cutting off an unfinished change", &error);
            self.compact().map_err(|_| failed)?;
            self.settle().map_err(|error| self.failed("making the compacted state durable", &error))?;
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
        self.entropy.fill(&mut random).map_err(|error| no_entropy(&self.medium.name(), error))?;
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
        let end = self.place.end.saturating_add(frame.len());
        if end > self.place.length {
            self.place.length = end.saturating_add(room);
        }
        self.count_up(sequence, frame.len())?;
        self.place.end = end;
        self.place.sequence = sequence;
        self.place.chain = tag;
        self.count(changes);
        Ok(())
    }

    /// Advances the counter for a frame that is durable behind the end, if it is advanced with every commit. If that
    /// fails, the frame is withdrawn.
    fn count_up(&mut self, sequence: u64, size: usize) -> Result<(), StorageError> {
        let Some(guard) = self.guard.as_mut().filter(|guard| guard.policy == Policy::EveryCommit) else {
            return Ok(());
        };
        let Err(error) = guard.catch_up(sequence) else {
            return Ok(());
        };
        let failure = guard.failed(&self.medium.name(), &error);
        if let CounterError::Ahead(_) = error {
            self.overtaken = Some(failure.clone());
            self.take_back(size);
        } else {
            // The counter may have it. If it has and the frame were only wiped, the state would be an old copy from now on; so
            // the frame stays until a file that is ahead of it has taken its place. What cannot be done now is tried again
            // before anything else.
            self.withdrawn = Some(sequence);
            let _ = self.compact();
        }
        Err(failure)
    }

    /// Keeps the sizes up to date.
    fn count(&mut self, changes: &[Change]) {
        self.records = None;
        for change in changes {
            let (old, new) = match change {
                Change::Put(key, value) => {
                    let size = value.len().saturating_add(body::PUT_OVERHEAD);
                    (self.sizes.insert(*key, size).unwrap_or(0), size)
                }
                Change::Delete(key) => (self.sizes.remove(key).unwrap_or(0), 0),
            };
            self.live = self.live.saturating_sub(old).saturating_add(new);
        }
    }

    /// Whether a commit would make the journal much longer than what is in it.
    fn is_wasteful(&self, changes: &[Change]) -> bool {
        let size = body::length(changes).and_then(frame::blocks).map_or(0, |blocks| blocks.saturating_mul(BLOCK));
        let after = self.place.end.saturating_add(size);
        let bytes = |bound: u64| usize::try_from(bound).unwrap_or(usize::MAX);
        let bound = self.medium.capacity().map_or(usize::MAX, bytes);
        match self.medium.fresh_capacity().map(bytes) {
            None => after > SMALLEST.max(self.live.saturating_mul(WASTE)).max(self.compact_at).min(bound),
            Some(fresh) => after > bound && self.would_help(changes, size, fresh),
        }
    }

    /// Whether a new file would have room for a commit, on a medium that wears out. A part is kept for commits that do not make
    /// the state larger: a state that fills the place must not be written anew with each of them.
    fn would_help(&self, changes: &[Change], size: usize, fresh: usize) -> bool {
        let larger = changes.iter().fold(self.live, |sum, change| match change {
            Change::Put(key, value) => {
                let new = value.len().saturating_add(body::PUT_OVERHEAD);
                sum.saturating_sub(self.size_of(*key)).saturating_add(new)
            }
            Change::Delete(key) => sum.saturating_sub(self.size_of(*key)),
        }) > self.live;
        let kept = if larger { fresh / KEPT } else { 0 };
        let checkpoint = frame::blocks(self.live).map_or(usize::MAX, |blocks| blocks.saturating_mul(BLOCK));
        BLOCK.saturating_add(checkpoint).saturating_add(size).saturating_add(kept) <= fresh
    }

    fn size_of(&self, key: RecordKey) -> usize {
        self.sizes.get(&key).copied().unwrap_or(0)
    }

    /// Writes the state anew into another file, and puts that in the place of the first. Whatever fails or is cut off, one
    /// of the two is the state.
    fn compact(&mut self) -> Result<(), StorageError> {
        let records = self.current()?;
        self.write_anew(&records)
    }

    /// Makes the next file go on behind a number that the counter has reached.
    pub(crate) fn go_on_behind(&mut self, sequence: u64) {
        self.withdrawn = Some(sequence);
    }

    /// Writes the state with these records into a new file.
    pub(crate) fn write_anew(&mut self, records: &Records) -> Result<(), StorageError> {
        let last = self.withdrawn.unwrap_or(self.place.sequence).max(self.place.sequence);
        let numbers = (self.place.generation.wrapping_add(1), last.wrapping_add(1));
        let entropy = self.entropy.as_mut();
        self.place = checkpoint::write(&mut self.medium, &mut self.access, entropy, &self.shape, records, numbers)?;
        self.folder_dirty = true;
        // A new file has nothing behind its end.
        (self.dirty, self.withdrawn, self.compact_at) = (false, None, 0);
        Ok(())
    }

    /// What follows a compaction.
    fn compacted(&mut self) -> Result<(), StorageError> {
        self.recover()?;
        if self.guard.as_ref().is_some_and(|guard| guard.policy == Policy::EveryCommit) {
            // The commit that follows advances it.
            return Ok(());
        }
        match self.catch_up() {
            // What cannot be reached now is tried again at the next compaction.
            Err(StorageError::Refused(text)) => {
                let overtaken = StorageError::Refused(text);
                self.overtaken = Some(overtaken.clone());
                Err(overtaken)
            }
            _ => Ok(()),
        }
    }

    /// The records, read from the file up to the last frame that was acknowledged.
    pub(crate) fn current(&mut self) -> Result<Records, StorageError> {
        if let Some(records) = self.records.take() {
            return Ok(records);
        }
        let file = read_file(&mut self.medium)?;
        let end = if self.withdrawn.is_some() || self.dirty { self.place.end } else { file.len() };
        let file = file.get(..end).unwrap_or(&file);
        let name = self.medium.name();
        let journal = journal::read(file, &mut self.access).map_err(|refusal| refusal.into_error(&name))?;
        if (journal.end, journal.sequence, journal.chain) != (self.place.end, self.place.sequence, self.place.chain) {
            return Err(StorageError::Refused(format!(
                "{name}: somebody else changed the state while it was open; stop the TPM and restore a backup of the folder"
            )));
        }
        Ok(journal.records)
    }
}

pub fn read_file(medium: &mut impl Medium) -> Result<Vec<u8>, StorageError> {
    let read = medium.read(MAX_FILE.saturating_add(1));
    read.map_err(|error| io_error("reading the state", &medium.name(), &error))
}

impl<M: Medium> Storage for FileStore<M> {
    fn load(&mut self) -> Result<Records, StorageError> {
        if let Some(records) = self.records.take() {
            return Ok(records);
        }
        self.recover()?;
        self.current()
    }

    fn commit(&mut self, changes: &[Change]) -> Result<(), StorageError> {
        if changes.is_empty() {
            return Ok(());
        }
        self.recover()?;
        if self.is_wasteful(changes) {
            match self.compact() {
                Ok(()) => self.compacted()?,
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

    /// A state that is put to rest in order leaves no window to older copies.
    fn rest(&mut self) {
        if self.withdrawn.is_none() && self.overtaken.is_none() && !self.dirty {
            // Nobody is left to be told; the next opening catches up.
            let _ = self.catch_up();
        }
    }
}

impl<M: Medium> Drop for FileStore<M> {
    fn drop(&mut self) {
        self.rest();
    }
}
