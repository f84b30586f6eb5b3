//! A counter in a file of another folder, best on another disk.
//!
//! Two slots of one block each, written in turn, so that a write that is cut off leaves the other. A slot has a plain
//! checksum, by which half a write shows, and a MAC under a key that only the state's owner knows, so that nobody else can
//! write a number. What it cannot notice is an old copy of itself; docs/state-format.md has the bytes.

use crate::header::{BLOCK, Fields};
use crate::keys::{finish, keyed};
use crate::medium::open_regular;
use ironroot_platform::{CountedState, CounterError, CounterKind, MonotonicCounter};
use sha2::{Digest, Sha256};
use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use subtle::ConstantTimeEq;

const MAGIC: &[u8; 8] = b"IRCOUNT\0";
const VERSION: u16 = 1;
/// What a slot's MAC covers.
const MACED: usize = 40;
const SUMMED: usize = 480;

/// A folder with counters, one file for each state.
#[derive(Debug)]
pub struct FileCounter {
    folder: PathBuf,
    /// Only reads, and leaves the file to whoever holds it.
    observes: bool,
    /// The file of the state that was asked for last, held as long as the counter.
    open: Option<([u8; 16], File)>,
}

/// What a slot holds.
enum Slot {
    Number(u64),
    /// Half a write, or damage.
    Broken,
    /// Written whole, but not by the state's owner.
    Forged,
}

impl FileCounter {
    /// The counters in a folder, which must exist when one is registered.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), observes: false, open: None }
    }

    /// The same, to be looked at while somebody else counts with them.
    #[must_use]
    pub fn observing(folder: &Path) -> Self {
        Self { observes: true, ..Self::new(folder) }
    }

    fn path(&self, id: &[u8; 16]) -> PathBuf {
        let name: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
        self.folder.join(name + ".counter")
    }

    fn unreachable(&self, state: &CountedState, doing: &str, error: &io::Error) -> CounterError {
        CounterError::Unreachable(format!("{}: {doing} failed: {error}", self.path(&state.id).display()))
    }

    /// The open and locked file.
    fn file(&mut self, state: &CountedState) -> Result<&File, CounterError> {
        if self.open.as_ref().is_none_or(|(id, _)| *id != state.id) {
            let path = self.path(&state.id);
            let opened = open_regular(OpenOptions::new().read(true).write(!self.observes), &path);
            let file = opened.map_err(|error| match error.kind() {
                io::ErrorKind::NotFound => CounterError::Missing(format!("{}: {error}", path.display())),
                _ => self.unreachable(state, "opening the counter", &error),
            })?;
            self.hold(state, file)?;
        }
        match &self.open {
            Some((_, file)) => Ok(file),
            None => Err(CounterError::Unreachable(format!("{}: not open", self.folder.display()))),
        }
    }

    /// Locks a file and keeps it.
    fn hold(&mut self, state: &CountedState, file: File) -> Result<(), CounterError> {
        let locked = if self.observes { Ok(()) } else { file.try_lock() };
        match locked {
            Ok(()) => {
                self.open = Some((state.id, file));
                Ok(())
            }
            Err(TryLockError::WouldBlock) => Err(CounterError::Refused(format!(
                "{}: another process counts with it: a copy of this state is in use",
                self.path(&state.id).display()
            ))),
            Err(TryLockError::Error(error)) => Err(self.unreachable(state, "locking the counter", &error)),
        }
    }

    /// Both slots.
    fn slots(&mut self, state: &CountedState) -> Result<[Slot; 2], CounterError> {
        let mut slots = [[0; BLOCK]; 2];
        let mut offset = 0;
        for slot in &mut slots {
            let read = self.file(state)?.read_exact_at(slot, offset);
            match read {
                Ok(()) => offset = offset.saturating_add(BLOCK as u64),
                // A file that is too short is damaged.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => break,
                Err(error) => return Err(self.unreachable(state, "reading the counter", &error)),
            }
        }
        Ok(slots.map(|slot| read_slot(&slot, state)))
    }

    /// The number, and the slot that does not hold it.
    fn number(&mut self, state: &CountedState) -> Result<(u64, usize), CounterError> {
        let refused = |counter: &Self, why: &str| {
            Err(CounterError::Refused(format!("{}: {why}", counter.path(&state.id).display())))
        };
        match self.slots(state)? {
            [Slot::Forged, _] | [_, Slot::Forged] => refused(self, "the counter is another state's, or forged"),
            [Slot::Broken, Slot::Broken] => refused(self, "the counter is damaged"),
            [Slot::Number(first), Slot::Number(second)] if second > first => Ok((second, 0)),
            [Slot::Number(first), _] => Ok((first, 1)),
            [Slot::Broken, Slot::Number(second)] => Ok((second, 0)),
        }
    }
}

impl MonotonicCounter for FileCounter {
    fn kind(&self) -> CounterKind {
        CounterKind::File
    }

    fn place(&self) -> String {
        self.folder.display().to_string()
    }

    fn register(&mut self, state: &CountedState) -> Result<(), CounterError> {
        let path = self.path(&state.id);
        let file =
            OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path).map_err(|error| {
                match error.kind() {
                    io::ErrorKind::AlreadyExists => CounterError::Refused(format!("{}: {error}", path.display())),
                    _ => self.unreachable(state, "making the counter", &error),
                }
            })?;
        let slot = write_slot(state, 0);
        file.write_all_at(&[slot, slot].concat(), 0)
            .and_then(|()| file.sync_all())
            .and_then(|()| File::open(&self.folder)?.sync_all())
            .map_err(|error| self.unreachable(state, "making the counter", &error))?;
        self.hold(state, file)
    }

    fn read(&mut self, state: &CountedState) -> Result<u64, CounterError> {
        Ok(self.number(state)?.0)
    }

    fn advance(&mut self, state: &CountedState, to: u64) -> Result<(), CounterError> {
        let (number, slot) = self.number(state)?;
        if number >= to {
            return Err(CounterError::Ahead(number));
        }
        let offset = (slot as u64).saturating_mul(BLOCK as u64);
        let file = self.file(state)?;
        file.write_all_at(&write_slot(state, to), offset)
            .and_then(|()| file.sync_data())
            .map_err(|error| self.unreachable(state, "advancing the counter", &error))
    }
}

fn mac(state: &CountedState, maced: &[u8]) -> [u8; 32] {
    let key = zeroize::Zeroizing::new(finish(keyed(&state.secret), &[b"ironroot/counter/v1/file"]));
    finish(keyed(&key), &[maced])
}

fn write_slot(state: &CountedState, number: u64) -> [u8; BLOCK] {
    let mut slot = Vec::with_capacity(BLOCK);
    slot.extend_from_slice(MAGIC);
    slot.extend_from_slice(&VERSION.to_be_bytes());
    slot.extend_from_slice(&[0; 6]);
    slot.extend_from_slice(&state.id);
    slot.extend_from_slice(&number.to_be_bytes());
    let mac = mac(state, &slot);
    slot.extend_from_slice(&mac);
    slot.resize(SUMMED, 0);
    let sum = Sha256::digest(&slot);
    slot.extend_from_slice(&sum);
    slot.try_into().unwrap_or([0; BLOCK])
}

fn read_slot(slot: &[u8; BLOCK], state: &CountedState) -> Slot {
    let (summed, sum) = slot.split_at_checked(SUMMED).unwrap_or_default();
    let intact = *Sha256::digest(summed) == *sum;
    if !intact {
        return Slot::Broken;
    }
    let (maced, rest) = summed.split_at_checked(MACED).unwrap_or_default();
    let mut fields = Fields(maced);
    let _ = (fields.take::<16>(), fields.take::<16>());
    let number = u64::from_be_bytes(fields.take());
    let found = Fields(rest).take::<32>();
    // Magic, version and name are under the MAC, and this release writes one form only.
    let authentic = bool::from(mac(state, maced).ct_eq(&found)) && *slot == write_slot(state, number);
    if authentic { Slot::Number(number) } else { Slot::Forged }
}

#[cfg(test)]
mod tests;
