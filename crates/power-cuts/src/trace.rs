//! A disk that records what is done to it: every write, new length, flush, rename and flush of the folder, in order. It
//! fails when it is told to.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ironroot_store::block_device::Blocks;
use ironroot_store::medium::{Medium, Which};

/// One operation. Files are numbered in the order in which they were made.
#[derive(Debug, Clone)]
pub enum Op {
    /// A new, empty file takes the name of the successor.
    Create(usize),
    /// Bytes of a file, which grows if need be.
    Write(usize, usize, Arc<[u8]>),
    /// A file gets this length; what is new is zero.
    SetLen(usize, usize),
    /// What was done to the contents of a file so far is durable when this is done.
    Sync(usize),
    /// The successor takes the state's name.
    Install,
    /// The name of the successor is gone.
    Discard,
    /// What was done to names so far is durable when this is done.
    SyncNames,
}

/// Which file has which name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Names {
    /// The state.
    pub current: Option<usize>,
    /// Its successor.
    pub next: Option<usize>,
}

impl Names {
    /// Does what an operation on names does; the others do nothing.
    pub fn apply(&mut self, op: &Op) {
        match op {
            Op::Create(file) => self.next = Some(*file),
            Op::Install => self.current = self.next.take(),
            Op::Discard => self.next = None,
            _ => {}
        }
    }
}

/// What goes wrong with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// One call fails (EIO). A write is done in part nevertheless.
    Error,
    /// This call and all later ones fail.
    Broken,
    /// One call finds the disk full (ENOSPC); of a write, a part has found room.
    Full,
    /// This call and all later ones find it full.
    StaysFull,
    /// The disk has become read-only (EROFS): only reading works.
    ReadOnly,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Error, Self::Broken, Self::Full, Self::StaysFull, Self::ReadOnly];

    /// Whether it is over after one call.
    #[must_use]
    pub const fn is_once(self) -> bool {
        matches!(self, Self::Error | Self::Full)
    }

    fn error(self) -> io::Error {
        match self {
            Self::Error | Self::Broken => io::Error::other("simulated EIO"),
            Self::Full | Self::StaysFull => io::ErrorKind::StorageFull.into(),
            Self::ReadOnly => io::ErrorKind::ReadOnlyFilesystem.into(),
        }
    }
}

/// How often each call has met each fault.
pub type Met = BTreeMap<(&'static str, Fault), u64>;

#[derive(Default)]
struct Disk {
    files: Vec<Vec<u8>>,
    names: Names,
    trace: Vec<Op>,
    calls: u64,
    /// From which call on what goes wrong.
    fault: Option<(u64, Fault)>,
    met: Met,
}

/// A disk as programs see it, and what they did to it. Clones are handles of the same disk.
#[derive(Clone, Default)]
pub struct TraceDisk(Arc<Mutex<Disk>>);

impl TraceDisk {
    /// A disk whose state has these contents; an empty disk if there are none.
    #[must_use]
    pub fn with(state: Option<Vec<u8>>) -> Self {
        let names = Names { current: state.as_ref().map(|_| 0), next: None };
        Self(Arc::new(Mutex::new(Disk { files: state.into_iter().collect(), names, ..Disk::default() })))
    }

    /// How many operations there have been.
    #[must_use]
    pub fn position(&self) -> usize {
        self.lock().trace.len()
    }

    /// The operations so far.
    #[must_use]
    pub fn trace(&self) -> Vec<Op> {
        self.lock().trace.clone()
    }

    /// Lets the `n`-th call from now (1 is the next) go wrong.
    pub fn fail_nth(&self, n: u64, fault: Fault) {
        let mut disk = self.lock();
        disk.fault = Some((disk.calls.saturating_add(n), fault));
    }

    /// Nothing goes wrong any more.
    pub fn repair(&self) {
        self.lock().fault = None;
    }

    /// Whether a call has met the fault.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        let disk = self.lock();
        disk.fault.is_some_and(|(at, _)| disk.calls >= at)
    }

    /// Which calls have met which faults.
    #[must_use]
    pub fn met(&self) -> Met {
        self.lock().met.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Disk> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Disk {
    fn id(&self, which: Which) -> io::Result<usize> {
        match which {
            Which::Current => self.names.current,
            Which::Next => self.names.next,
        }
        .ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn file(&mut self, id: usize) -> io::Result<&mut Vec<u8>> {
        self.files.get_mut(id).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// Counts a call, which fails if it is its turn.
    fn call(&mut self, name: &'static str) -> io::Result<()> {
        self.calls = self.calls.saturating_add(1);
        match self.fault {
            Some((at, fault)) if self.calls == at || self.calls > at && !fault.is_once() => {
                if name == "read" && !matches!(fault, Fault::Error | Fault::Broken) {
                    return Ok(());
                }
                let count = self.met.entry((name, fault)).or_default();
                *count = count.saturating_add(1);
                Err(fault.error())
            }
            _ => Ok(()),
        }
    }

    fn rename(&mut self, op: Op) {
        self.names.apply(&op);
        self.trace.push(op);
    }
}

/// Puts bytes into a file, which grows if need be.
pub fn write(file: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    let end = offset.saturating_add(bytes.len());
    if file.len() < end {
        file.resize(end, 0);
    }
    if let Some(place) = file.get_mut(offset..end) {
        place.copy_from_slice(bytes);
    }
}

fn size(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

impl Medium for TraceDisk {
    fn name(&self) -> String {
        "recorded/state".into()
    }

    fn exists(&mut self) -> io::Result<bool> {
        Ok(self.lock().names.current.is_some())
    }

    fn read(&mut self, limit: u64) -> io::Result<Vec<u8>> {
        let mut disk = self.lock();
        disk.call("read")?;
        let id = disk.id(Which::Current)?;
        let file = disk.file(id)?;
        Ok(file.get(..size(limit)).unwrap_or(file).to_vec())
    }

    fn create_next(&mut self) -> io::Result<()> {
        let mut disk = self.lock();
        disk.call("create")?;
        let id = disk.files.len();
        disk.files.push(Vec::new());
        disk.rename(Op::Create(id));
        Ok(())
    }

    fn write_at(&mut self, which: Which, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut disk = self.lock();
        let id = disk.id(which)?;
        let outcome = disk.call("write");
        let read_only = matches!(disk.fault, Some((_, Fault::ReadOnly)));
        let done = match &outcome {
            Ok(()) => bytes,
            Err(_) if read_only => return outcome,
            // A short write: an error says nothing about how much of it was done.
            Err(_) => bytes.get(..bytes.len() / 1024 * 512).unwrap_or(bytes),
        };
        write(disk.file(id)?, size(offset), done);
        disk.trace.push(Op::Write(id, size(offset), done.into()));
        outcome
    }

    fn set_len(&mut self, which: Which, length: u64) -> io::Result<()> {
        let mut disk = self.lock();
        disk.call("set_len")?;
        let id = disk.id(which)?;
        disk.file(id)?.resize(size(length), 0);
        disk.trace.push(Op::SetLen(id, size(length)));
        Ok(())
    }

    fn sync(&mut self, which: Which) -> io::Result<()> {
        let mut disk = self.lock();
        disk.call("sync")?;
        let id = disk.id(which)?;
        disk.trace.push(Op::Sync(id));
        Ok(())
    }

    fn install(&mut self) -> io::Result<()> {
        let mut disk = self.lock();
        disk.call("rename")?;
        disk.id(Which::Next)?;
        disk.rename(Op::Install);
        Ok(())
    }

    fn sync_folder(&mut self) -> io::Result<()> {
        let mut disk = self.lock();
        disk.call("sync folder")?;
        disk.rename(Op::SyncNames);
        Ok(())
    }

    fn discard_next(&mut self) {
        self.lock().rename(Op::Discard);
    }
}

/// As a device: what it holds is its first file, whose length does not change.
impl Blocks for TraceDisk {
    fn name(&self) -> String {
        "recorded/device".into()
    }

    fn length(&mut self) -> io::Result<u64> {
        Ok(self.lock().file(0)?.len() as u64)
    }

    fn read_at(&mut self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        let mut disk = self.lock();
        disk.call("read")?;
        let end = size(offset).saturating_add(bytes.len());
        let found = disk.file(0)?.get(size(offset)..end).ok_or(io::ErrorKind::UnexpectedEof)?;
        bytes.copy_from_slice(found);
        Ok(())
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if !offset.is_multiple_of(512) || !bytes.len().is_multiple_of(512) {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        Medium::write_at(self, Which::Current, offset, bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Medium::sync(self, Which::Current)
    }
}
