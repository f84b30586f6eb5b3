//! A disk that records what is done to it: every write, new length, flush, rename and flush of the folder, in order.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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

#[derive(Default)]
struct Disk {
    files: Vec<Vec<u8>>,
    names: Names,
    trace: Vec<Op>,
}

/// A disk as programs see it, and what they did to it. Clones are handles of the same disk.
#[derive(Clone, Default)]
pub struct TraceDisk(Arc<Mutex<Disk>>);

impl TraceDisk {
    /// A disk whose state has these contents; an empty disk if there are none.
    #[must_use]
    pub fn with(state: Option<Vec<u8>>) -> Self {
        let names = Names { current: state.as_ref().map(|_| 0), next: None };
        Self(Arc::new(Mutex::new(Disk { files: state.into_iter().collect(), names, trace: Vec::new() })))
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
        let id = disk.id(Which::Current)?;
        let file = disk.file(id)?;
        Ok(file.get(..size(limit)).unwrap_or(file).to_vec())
    }

    fn create_next(&mut self) -> io::Result<()> {
        let mut disk = self.lock();
        let id = disk.files.len();
        disk.files.push(Vec::new());
        disk.rename(Op::Create(id));
        Ok(())
    }

    fn write_at(&mut self, which: Which, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut disk = self.lock();
        let id = disk.id(which)?;
        write(disk.file(id)?, size(offset), bytes);
        disk.trace.push(Op::Write(id, size(offset), bytes.into()));
        Ok(())
    }

    fn set_len(&mut self, which: Which, length: u64) -> io::Result<()> {
        let mut disk = self.lock();
        let id = disk.id(which)?;
        disk.file(id)?.resize(size(length), 0);
        disk.trace.push(Op::SetLen(id, size(length)));
        Ok(())
    }

    fn sync(&mut self, which: Which) -> io::Result<()> {
        let mut disk = self.lock();
        let id = disk.id(which)?;
        disk.trace.push(Op::Sync(id));
        Ok(())
    }

    fn install(&mut self) -> io::Result<()> {
        let mut disk = self.lock();
        disk.id(Which::Next)?;
        disk.rename(Op::Install);
        Ok(())
    }

    fn sync_folder(&mut self) -> io::Result<()> {
        self.lock().rename(Op::SyncNames);
        Ok(())
    }

    fn discard_next(&mut self) {
        self.lock().rename(Op::Discard);
    }
}
