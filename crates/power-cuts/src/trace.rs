//! A disk that records what is done to it: every write, new length, flush, rename and flush of the folder, in order. It
//! fails when it is told to.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use embedded_storage::nor_flash::{
    ErrorType, NorFlash, NorFlashErrorKind, ReadNorFlash, check_erase, check_read, check_write,
};
use ironroot_platform::{CountedState, CounterError, CounterKind, MonotonicCounter};
use ironroot_store::block_device::Blocks;
use ironroot_store::medium::{Medium, Which};

/// One operation. Files are numbered in the order in which they were made.
#[derive(Debug, Clone)]
pub enum Op {
    /// A new, empty file takes the name of the successor.
    Create(usize),
    /// Bytes of a file, which grows if need be.
    Write(usize, usize, Arc<[u8]>),
    /// Erased bytes of a flash are programmed.
    Program(usize, usize, Arc<[u8]>),
    /// Sectors of a flash are erased.
    Erase(usize, usize, usize),
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
    /// A counter begins to count for a state of this name, or is raised to this number.
    Count([u8; 16], u64),
    /// The counter cannot go back behind that any more.
    Counted,
}

/// The numbers of a monotonic counter, by the names of the states.
pub type Counters = BTreeMap<[u8; 16], u64>;

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
    /// What the counter has reached, which is kept elsewhere and has its power cut at the same moment.
    counters: Counters,
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

    /// The same beside a counter.
    #[must_use]
    pub fn beside(state: Option<Vec<u8>>, counters: Counters) -> Self {
        let disk = Self::with(state);
        disk.lock().counters = counters;
        disk
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

/// As a flash: the same, with what flash refuses. What was done is durable when the call returns.
impl ErrorType for TraceDisk {
    type Error = NorFlashErrorKind;
}

fn refused<T>(_: T) -> NorFlashErrorKind {
    NorFlashErrorKind::Other
}

impl ReadNorFlash for TraceDisk {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), NorFlashErrorKind> {
        check_read(self, offset, bytes.len())?;
        Blocks::read_at(self, offset.into(), bytes).map_err(refused)
    }

    fn capacity(&self) -> usize {
        self.lock().files.first().map_or(0, Vec::len)
    }
}

impl TraceDisk {
    /// Erases or programs, all of it or, if that fails, half.
    fn change(&self, name: &'static str, offset: usize, bytes: Arc<[u8]>) -> Result<(), NorFlashErrorKind> {
        let mut disk = self.lock();
        let outcome = disk.call(name);
        let half: Arc<[u8]> =
            if outcome.is_ok() { bytes } else { bytes.get(..bytes.len() / 8 * 4).unwrap_or_default().into() };
        write(disk.file(0).map_err(refused)?, offset, &half);
        let op = if name == "erase" { Op::Erase(0, offset, half.len()) } else { Op::Program(0, offset, half) };
        disk.trace.extend([op, Op::Sync(0)]);
        outcome.map_err(refused)
    }
}

impl NorFlash for TraceDisk {
    const WRITE_SIZE: usize = 4;
    const ERASE_SIZE: usize = 4096;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), NorFlashErrorKind> {
        check_erase(self, from, to)?;
        for sector in (from..to).step_by(Self::ERASE_SIZE) {
            self.change("erase", sector as usize, vec![0xFF; Self::ERASE_SIZE].into())?;
        }
        Ok(())
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), NorFlashErrorKind> {
        check_write(self, offset, bytes.len())?;
        let place = offset as usize..(offset as usize).saturating_add(bytes.len());
        let is_erased = self
            .lock()
            .files
            .first()
            .and_then(|all| all.get(place))
            .is_some_and(|all| all.iter().all(|byte| *byte == 0xFF));
        if !is_erased {
            return Err(NorFlashErrorKind::Other);
        }
        self.change("program", offset as usize, bytes.into())
    }
}

/// The counter beside a disk.
pub struct TraceCounter {
    /// The disk, which takes everything down.
    pub disk: TraceDisk,
    /// Known to be bad: it says that it counts, and does not.
    pub idle: bool,
}

impl TraceCounter {
    fn count(&self, id: [u8; 16], number: u64) -> Result<(), CounterError> {
        if self.idle && number > 0 {
            return Ok(());
        }
        let mut disk = self.disk.lock();
        let outcome = disk.call("count");
        // An answer that does not come says nothing about what happened.
        if outcome.is_ok() || disk.calls.is_multiple_of(2) {
            disk.counters.insert(id, number);
            disk.trace.extend([Op::Count(id, number), Op::Counted]);
        }
        outcome.map_err(|error| CounterError::Unreachable(error.to_string()))
    }
}

impl MonotonicCounter for TraceCounter {
    fn kind(&self) -> CounterKind {
        CounterKind::Hardware
    }

    fn place(&self) -> String {
        "recorded/counter".into()
    }

    fn register(&mut self, state: &CountedState) -> Result<(), CounterError> {
        if self.disk.lock().counters.contains_key(&state.id) {
            return Err(CounterError::Refused("it counts for this state already".into()));
        }
        self.count(state.id, 0)
    }

    fn read(&mut self, state: &CountedState) -> Result<u64, CounterError> {
        let number = self.disk.lock().counters.get(&state.id).copied();
        number.ok_or_else(|| CounterError::Missing("it does not count for this state".into()))
    }

    fn advance(&mut self, state: &CountedState, to: u64) -> Result<(), CounterError> {
        let number = self.read(state)?;
        if number >= to { Err(CounterError::Ahead(number)) } else { self.count(state.id, to) }
    }
}
