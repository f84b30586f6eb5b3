//! Stores that lose data when the power is cut, each by a mistake that is easily made. They are here to be caught: a proof
//! that finds nothing wrong with them proves nothing.

use std::io;

use ironroot_platform::{Change, Durability, RecordKey, Records, Storage, StorageError};
use ironroot_store::medium::{Medium, Which};
use ironroot_wire::{Reader, Rules, Wire};
use zeroize::Zeroizing;

use crate::trace::TraceDisk;

/// A disk that says that it has flushed, and has not.
pub struct NeverFlushes(pub TraceDisk);

impl Medium for NeverFlushes {
    fn name(&self) -> String {
        self.0.name()
    }
    fn exists(&mut self) -> io::Result<bool> {
        self.0.exists()
    }
    fn read(&mut self, limit: u64) -> io::Result<Vec<u8>> {
        self.0.read(limit)
    }
    fn create_next(&mut self) -> io::Result<()> {
        self.0.create_next()
    }
    fn write_at(&mut self, which: Which, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.0.write_at(which, offset, bytes)
    }
    fn set_len(&mut self, which: Which, length: u64) -> io::Result<()> {
        self.0.set_len(which, length)
    }
    fn sync(&mut self, which: Which) -> io::Result<()> {
        // A new file is flushed, so that it is only commits that are lost.
        if which == Which::Next { self.0.sync(which) } else { Ok(()) }
    }
    fn install(&mut self) -> io::Result<()> {
        self.0.install()
    }
    fn sync_folder(&mut self) -> io::Result<()> {
        self.0.sync_folder()
    }
    fn discard_next(&mut self) {
        self.0.discard_next();
    }
}

/// How [`Whole`] writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Over what is there, as the specification's reference code does.
    InPlace,
    /// Into another file, which then gets the name.
    Rename,
}

/// A store that writes all records at each commit.
pub struct Whole {
    disk: TraceDisk,
    way: Way,
    records: Records,
}

fn io_error(error: io::Error) -> StorageError {
    StorageError::Io(error.to_string())
}

fn damaged(what: &str) -> StorageError {
    StorageError::Refused(what.into())
}

fn put(key: RecordKey, value: &[u8], out: &mut Vec<u8>) {
    key.0.marshal(out);
    (value.len() as u32).marshal(out);
    out.extend_from_slice(value);
}

fn take(reader: &mut Reader<'_>) -> Option<(RecordKey, Zeroizing<Vec<u8>>)> {
    let key = u64::unmarshal(reader).ok()?;
    let size = u32::unmarshal(reader).ok()?;
    let value = reader.take(size as usize).ok()?;
    Some((RecordKey(key), Zeroizing::new(value.to_vec())))
}

impl Whole {
    /// An empty store.
    pub fn create(disk: TraceDisk, way: Way) -> Result<Self, StorageError> {
        let mut this = Self { disk, way, records: Records::new() };
        this.write(Way::Rename).and_then(|()| this.disk.sync(Which::Current)).map_err(io_error)?;
        this.disk.sync_folder().map_err(io_error)?;
        Ok(this)
    }

    /// The store on a disk.
    pub fn open(mut disk: TraceDisk, way: Way) -> Result<Self, StorageError> {
        let bytes = disk.read(u64::MAX).map_err(io_error)?;
        let mut reader = Reader::new(&bytes, &Rules::ALL);
        let count = u32::unmarshal(&mut reader).map_err(|_| damaged("there is nothing in the file"))?;
        let records: Option<Records> = (0..count).map(|_| take(&mut reader)).collect();
        Ok(Self { disk, way, records: records.ok_or_else(|| damaged("the file ends inside a record"))? })
    }

    fn write(&mut self, way: Way) -> io::Result<()> {
        let mut bytes = (self.records.len() as u32).to_bytes();
        self.records.iter().for_each(|(key, value)| put(*key, value, &mut bytes));
        match way {
            Way::InPlace => {
                self.disk.write_at(Which::Current, 0, &bytes)?;
                self.disk.sync(Which::Current)
            }
            Way::Rename => {
                self.disk.create_next()?;
                self.disk.write_at(Which::Next, 0, &bytes)?;
                self.disk.install()
            }
        }
    }
}

impl Storage for Whole {
    fn load(&mut self) -> Result<Records, StorageError> {
        Ok(self.records.clone())
    }

    fn commit(&mut self, changes: &[Change]) -> Result<(), StorageError> {
        apply(&mut self.records, changes);
        self.write(self.way).map_err(io_error)
    }

    fn durability(&self) -> Durability {
        Durability::Power
    }
}

fn apply(records: &mut Records, changes: &[Change]) {
    for change in changes {
        match change {
            Change::Put(key, value) => drop(records.insert(*key, value.clone())),
            Change::Delete(key) => drop(records.remove(key)),
        }
    }
}

/// The blocks of [`Unchained`].
const BLOCK: usize = 512;

/// A journal of frames, each with a checksum. A frame that does not check is passed over, and what stands behind it is
/// not: nothing says that they belong together.
pub struct Unchained {
    disk: TraceDisk,
    end: u64,
    records: Records,
}

impl Unchained {
    /// An empty store.
    pub fn create(mut disk: TraceDisk) -> Result<Self, StorageError> {
        disk.create_next().and_then(|()| disk.install()).and_then(|()| disk.sync_folder()).map_err(io_error)?;
        Ok(Self { disk, end: 0, records: Records::new() })
    }

    /// The store on a disk.
    pub fn open(mut disk: TraceDisk) -> Result<Self, StorageError> {
        let bytes = disk.read(u64::MAX).map_err(io_error)?;
        let (mut records, mut at) = (Records::new(), 0);
        while at < bytes.len() {
            let rest = bytes.get(at..).unwrap_or_default();
            let blocks = match frame(rest) {
                Some((blocks, changes)) => {
                    apply(&mut records, &changes);
                    blocks
                }
                None => 1,
            };
            at = at.saturating_add(blocks.saturating_mul(BLOCK));
        }
        Ok(Self { disk, end: bytes.len().next_multiple_of(BLOCK) as u64, records })
    }
}

fn sum(bytes: &[u8]) -> u32 {
    bytes.iter().fold(1, |sum: u32, byte| sum.wrapping_mul(16_777_619) ^ u32::from(*byte))
}

/// The number of blocks, the checksum, the size, and the changes.
fn frame(bytes: &[u8]) -> Option<(usize, Vec<Change>)> {
    let mut reader = Reader::new(bytes, &Rules::ALL);
    let blocks = u32::unmarshal(&mut reader).ok().filter(|blocks| *blocks > 0)? as usize;
    let wanted = u32::unmarshal(&mut reader).ok()?;
    let rest = bytes.get(8..blocks.checked_mul(BLOCK)?)?;
    if sum(rest) != wanted {
        return None;
    }
    let mut reader = Reader::new(rest, &Rules::ALL);
    let count = u32::unmarshal(&mut reader).ok()?;
    let change = |_| {
        let kind = u8::unmarshal(&mut reader).ok()?;
        let (key, value) = take(&mut reader)?;
        Some(if kind == 1 { Change::Put(key, value) } else { Change::Delete(key) })
    };
    Some((blocks, (0..count).map(change).collect::<Option<_>>()?))
}

impl Storage for Unchained {
    fn load(&mut self) -> Result<Records, StorageError> {
        Ok(self.records.clone())
    }

    fn commit(&mut self, changes: &[Change]) -> Result<(), StorageError> {
        apply(&mut self.records, changes);
        let mut body = (changes.len() as u32).to_bytes();
        for change in changes {
            let (kind, key, value): (u8, _, &[u8]) = match change {
                Change::Put(key, value) => (1, *key, value),
                Change::Delete(key) => (2, *key, &[]),
            };
            body.push(kind);
            put(key, value, &mut body);
        }
        let blocks = body.len().saturating_add(8).div_ceil(BLOCK);
        body.resize(blocks.saturating_mul(BLOCK).saturating_sub(8), 0);
        let mut bytes = (blocks as u32).to_bytes();
        sum(&body).marshal(&mut bytes);
        bytes.extend_from_slice(&body);
        self.disk.write_at(Which::Current, self.end, &bytes).map_err(io_error)?;
        self.end = self.end.saturating_add(bytes.len() as u64);
        Ok(())
    }

    fn durability(&self) -> Durability {
        Durability::Process
    }
}

/// A TPM that forgets to stage a record: now and then a commit lacks one of its changes. The store is as good as ever; it keeps what it
/// is given, so that this shows in what the TPM answers and nowhere else.
pub struct Forgets {
    /// The store.
    pub store: Box<dyn Storage>,
    /// How many commits there were.
    pub seen: usize,
}

/// Of so many commits, one lacks a change.
const FORGETFUL: usize = 5;

impl Storage for Forgets {
    fn load(&mut self) -> Result<Records, StorageError> {
        self.store.load()
    }

    fn commit(&mut self, changes: &[Change]) -> Result<(), StorageError> {
        self.seen = self.seen.wrapping_add(1);
        if !self.seen.is_multiple_of(FORGETFUL) {
            return self.store.commit(changes);
        }
        let forgotten = (self.seen / FORGETFUL) % changes.len().max(1);
        let kept = changes.iter().enumerate().filter(|(at, _)| *at != forgotten).map(|(_, change)| change.clone());
        self.store.commit(&kept.collect::<Vec<_>>())
    }

    fn durability(&self) -> Durability {
        self.store.durability()
    }
}
