//! A disk in memory that fails, fills up and loses power when a test says so.
//!
//! It keeps what programs see apart from what would survive a power cut: writes and new lengths become durable with a
//! sync of the file, an installed file with a sync of the folder. [`SimulatedDisk::after_power_cut`] gives a disk on
//! which, of everything that was not durable, each block and each name was lucky or not, by lot.

use crate::medium::{Medium, Which};
use ironroot_platform::memory::TestEntropy;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What a disk writes whole or not at all, in bytes.
const BLOCK: usize = 512;

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DiskFault {
    /// One operation fails; if it is a write, half of its blocks or all of them are written nevertheless.
    Error,
    /// This and all later operations fail.
    Broken,
    /// The power goes during the operation. What programs see afterwards does not matter; see
    /// [`SimulatedDisk::after_power_cut`].
    PowerCut,
}

/// A file as programs see it, and as it would be after a power cut if no block were lucky.
#[derive(Clone, Default)]
struct Contents {
    now: Vec<u8>,
    durable: Vec<u8>,
}

/// Which file has which name, by index.
#[derive(Clone, Copy, Default)]
struct Names {
    current: Option<usize>,
    next: Option<usize>,
}

#[derive(Clone, Default)]
struct Disk {
    files: Vec<Contents>,
    names: Names,
    durable_names: Names,
    operations: u64,
    fault: Option<(u64, DiskFault)>,
    capacity: Option<usize>,
}

/// A disk with one state. Clones are handles of the same disk.
#[derive(Clone, Default)]
pub struct SimulatedDisk(Arc<Mutex<Disk>>);

impl SimulatedDisk {
    /// An empty disk.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A disk whose state file has these contents, durably.
    #[must_use]
    pub fn with_state(contents: &[u8]) -> Self {
        let names = Names { current: Some(0), next: None };
        let file = Contents { now: contents.to_vec(), durable: contents.to_vec() };
        Self(Arc::new(Mutex::new(Disk { files: vec![file], names, durable_names: names, ..Disk::default() })))
    }

    /// The state file as programs see it.
    #[must_use]
    pub fn state(&self) -> Option<Vec<u8>> {
        let disk = self.lock();
        Some(disk.files.get(disk.names.current?)?.now.clone())
    }

    /// How many operations that change something were tried.
    #[must_use]
    pub fn operations(&self) -> u64 {
        self.lock().operations
    }

    /// Lets the `n`-th operation from now (1 is the next) go wrong.
    pub fn fail_nth(&self, n: u64, fault: DiskFault) {
        let mut disk = self.lock();
        disk.fault = Some((disk.operations.saturating_add(n), fault));
    }

    /// Nothing goes wrong any more.
    pub fn repair(&self) {
        self.lock().fault = None;
    }

    /// Bounds the space that all files take together, in bytes.
    pub fn set_capacity(&self, capacity: Option<usize>) {
        self.lock().capacity = capacity;
    }

    /// The disk as the next start finds it after the power was cut now. `luck` decides what of the rest was written.
    #[must_use]
    pub fn after_power_cut(&self, luck: u64) -> Self {
        let disk = self.lock();
        let mut luck = TestEntropy::new(luck);
        let files = disk.files.iter().map(|file| survivor(file, &mut luck)).collect();
        let names = if luck.next_word() & 1 == 0 { disk.names } else { disk.durable_names };
        Self(Arc::new(Mutex::new(Disk { files, names, durable_names: names, ..Disk::default() })))
    }

    fn lock(&self) -> MutexGuard<'_, Disk> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A file of which each block is the old or the new one.
fn survivor(file: &Contents, luck: &mut TestEntropy) -> Contents {
    let length = if luck.next_word() & 1 == 0 { file.now.len() } else { file.durable.len() };
    let mut bytes = Vec::with_capacity(length);
    while bytes.len() < length {
        let place = bytes.len()..bytes.len().saturating_add(BLOCK).min(length);
        let from = if luck.next_word() & 1 == 0 { &file.now } else { &file.durable };
        let block = from.get(place.start..place.end.min(from.len())).unwrap_or_default();
        bytes.extend_from_slice(block);
        bytes.resize(place.end, 0);
    }
    Contents { now: bytes.clone(), durable: bytes }
}

impl Disk {
    /// Counts an operation. `Ok(true)` if it works, `Ok(false)` if it happens and the power goes with it.
    fn operation(&mut self) -> Result<bool, io::Error> {
        self.operations = self.operations.saturating_add(1);
        match self.fault {
            Some((at, DiskFault::Error)) if self.operations == at => Err(io::Error::other("simulated error")),
            Some((at, DiskFault::Broken)) if self.operations >= at => Err(io::Error::other("simulated broken disk")),
            Some((at, DiskFault::PowerCut)) if self.operations == at => Ok(false),
            Some((at, DiskFault::PowerCut)) if self.operations > at => Err(no_power()),
            _ => Ok(true),
        }
    }

    fn file(&mut self, which: Which) -> io::Result<&mut Contents> {
        let index = match which {
            Which::Current => self.names.current,
            Which::Next => self.names.next,
        };
        index.and_then(|index| self.files.get_mut(index)).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// What can still be written into `which`: up to which length.
    fn limit(&self, which: Which) -> usize {
        let Some(capacity) = self.capacity else {
            return usize::MAX;
        };
        let other = match which {
            Which::Current => self.names.next,
            Which::Next => self.names.current,
        };
        capacity.saturating_sub(other.and_then(|index| self.files.get(index)).map_or(0, |file| file.now.len()))
    }
}

fn no_power() -> io::Error {
    io::Error::other("simulated power cut")
}

/// The end of an operation during which the power may have gone.
fn finish(powered: bool) -> io::Result<()> {
    if powered { Ok(()) } else { Err(no_power()) }
}

fn write(file: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    let end = offset.saturating_add(bytes.len());
    if file.len() < end {
        file.resize(end, 0);
    }
    file.iter_mut().skip(offset).zip(bytes).for_each(|(to, from)| *to = *from);
}

impl Medium for SimulatedDisk {
    fn name(&self) -> String {
        "simulated/state".into()
    }

    fn exists(&mut self) -> io::Result<bool> {
        Ok(self.lock().names.current.is_some())
    }

    fn read(&mut self, limit: u64) -> io::Result<Vec<u8>> {
        let mut bytes = self.state().ok_or(io::ErrorKind::NotFound)?;
        bytes.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(bytes)
    }

    fn create_next(&mut self) -> io::Result<()> {
        let mut disk = self.lock();
        let powered = disk.operation()?;
        disk.files.push(Contents::default());
        disk.names.next = disk.files.len().checked_sub(1);
        finish(powered)
    }

    fn write_at(&mut self, which: Which, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut disk = self.lock();
        let offset = usize::try_from(offset).unwrap_or(usize::MAX);
        let powered = match disk.operation() {
            Ok(powered) => powered,
            Err(error) => {
                let powered = !matches!(disk.fault, Some((_, DiskFault::PowerCut)));
                if powered {
                    // All of it or the first half: an error says nothing about what happened.
                    let blocks = bytes.len() / BLOCK;
                    let part = if disk.operations & 1 == 0 { blocks } else { blocks / 2 };
                    let part = bytes.get(..part.saturating_mul(BLOCK)).unwrap_or(bytes);
                    write(&mut disk.file(which)?.now, offset, part);
                }
                return Err(error);
            }
        };
        let limit = disk.limit(which);
        let file = disk.file(which)?;
        let end = offset.saturating_add(bytes.len());
        if end > limit && end > file.now.len() {
            let fits = bytes.get(..limit.saturating_sub(offset)).unwrap_or(bytes);
            write(&mut file.now, offset, fits);
            return Err(io::ErrorKind::StorageFull.into());
        }
        write(&mut file.now, offset, bytes);
        finish(powered)
    }

    fn set_len(&mut self, which: Which, length: u64) -> io::Result<()> {
        let mut disk = self.lock();
        let powered = disk.operation()?;
        disk.file(which)?.now.resize(usize::try_from(length).unwrap_or(usize::MAX), 0);
        finish(powered)
    }

    fn sync(&mut self, which: Which) -> io::Result<()> {
        let mut disk = self.lock();
        let powered = disk.operation()?;
        let file = disk.file(which)?;
        if powered {
            file.durable.clone_from(&file.now);
        }
        finish(powered)
    }

    fn install(&mut self) -> io::Result<()> {
        let mut disk = self.lock();
        let powered = disk.operation()?;
        let next = disk.names.next.take().ok_or(io::ErrorKind::NotFound)?;
        disk.names.current = Some(next);
        finish(powered)
    }

    fn sync_folder(&mut self) -> io::Result<()> {
        let mut disk = self.lock();
        let powered = disk.operation()?;
        if powered {
            disk.durable_names = disk.names;
        }
        finish(powered)
    }

    fn discard_next(&mut self) {
        self.lock().names.next = None;
    }
}
