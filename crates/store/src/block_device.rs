//! A state on a raw block device, or any other place of fixed size that knows no names: two areas, and two blocks that say
//! which of them is the state.
//!
//! ```text
//! 0        selector        512      selector        4096     area 0        …     area 1
//! ```
//! A selector is `IRBLOCKS`, a version (2 bytes: 1), an area (2 bytes), a number (8 bytes), zeros, and in its last 32 bytes the
//! SHA-256 of what is before. The one with the larger number counts; they are written by turns, so that one is always whole.
//! It holds no secret and protects nothing: what it points to is a state file, which says by itself whether it is one.

use crate::header::{Fields, is_zero};
use crate::medium::{Medium, Which};
use sha2::{Digest, Sha256};
use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// What a device writes whole or not at all, in bytes.
const BLOCK: usize = 512;
/// Where the areas begin.
const AREAS: u64 = 4096;
/// What fills an area with zeros at a time.
const ZEROS: &[u8] = &[0; 4096];
/// No area is smaller.
const SMALLEST_AREA: u64 = 16 << 10;
const MAGIC: &[u8; 8] = b"IRBLOCKS";
const VERSION: u16 = 1;
/// The part of a selector that its checksum covers.
const SUMMED: usize = BLOCK - 32;

/// A device. What [`Medium`] says of durability is said of it, too: whole blocks of 512 bytes, and nothing is certain before
/// [`Blocks::flush`] has returned.
pub trait Blocks: Send {
    /// The device's name, for messages.
    fn name(&self) -> String;
    /// Its length in bytes.
    ///
    /// # Errors
    /// The operating system's.
    fn length(&mut self) -> io::Result<u64>;
    /// Reads at a place.
    ///
    /// # Errors
    /// The operating system's.
    fn read_at(&mut self, offset: u64, bytes: &mut [u8]) -> io::Result<()>;
    /// Writes whole blocks at a place.
    ///
    /// # Errors
    /// The operating system's; some of the blocks may be written.
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()>;
    /// Returns when what was written survives a power cut.
    ///
    /// # Errors
    /// The operating system's.
    fn flush(&mut self) -> io::Result<()>;
}

/// A device of the operating system, or a file that stands for one, held by this process alone.
#[derive(Debug)]
pub struct DeviceFile {
    name: String,
    file: File,
}

impl DeviceFile {
    /// Takes hold of a device.
    ///
    /// # Errors
    /// The operating system's; [`io::ErrorKind::ResourceBusy`] if another process holds it.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { name: path.display().to_string(), file }),
            Err(TryLockError::Error(error)) => Err(error),
            Err(TryLockError::WouldBlock) => Err(io::ErrorKind::ResourceBusy.into()),
        }
    }
}

impl Blocks for DeviceFile {
    fn name(&self) -> String {
        self.name.clone()
    }
    fn length(&mut self) -> io::Result<u64> {
        // The metadata of a device says nothing of its size.
        io::Seek::seek(&mut self.file, io::SeekFrom::End(0))
    }
    fn read_at(&mut self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(bytes, offset)
    }
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all_at(bytes, offset)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }
}

/// What a selector says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Selected {
    number: u64,
    area: Area,
}

/// One of the two areas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Area {
    First,
    Second,
}

impl Area {
    const fn other(self) -> Self {
        match self {
            Self::First => Self::Second,
            Self::Second => Self::First,
        }
    }
}

/// A device with one state, as a [`Medium`].
pub struct BlockDevice<B: Blocks> {
    blocks: B,
    /// The length of an area.
    length: u64,
    current: Option<Selected>,
    next: Option<Area>,
    /// From here on each area is known to be zero.
    zero_from: [u64; 2],
    /// A selector was written that must not count, and may be on the device.
    unsettled: bool,
}

impl<B: Blocks> BlockDevice<B> {
    /// Looks for a state on a device.
    ///
    /// # Errors
    /// The device's; [`io::ErrorKind::InvalidData`] if it holds something else, [`io::ErrorKind::StorageFull`] if it is too
    /// small for anything.
    pub fn new(mut blocks: B) -> io::Result<Self> {
        let half = blocks.length()?.saturating_sub(AREAS) / 2;
        let length = half.saturating_sub(half % AREAS);
        if length < SMALLEST_AREA {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let current = read_selectors(&mut blocks)?;
        Ok(Self { blocks, length, current, next: None, zero_from: [length; 2], unsettled: false })
    }

    /// The device.
    pub fn into_inner(self) -> B {
        self.blocks
    }

    fn area(&self, which: Which) -> io::Result<Area> {
        match which {
            Which::Current => self.current.map(|current| current.area),
            Which::Next => self.next,
        }
        .ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    const fn start(&self, area: Area) -> u64 {
        match area {
            Area::First => AREAS,
            Area::Second => AREAS.saturating_add(self.length),
        }
    }

    const fn zero_from(&mut self, area: Area) -> &mut u64 {
        let [first, second] = &mut self.zero_from;
        match area {
            Area::First => first,
            Area::Second => second,
        }
    }

    /// Fills an area with zeros from a place on, where it is not zero: reading wears nothing out.
    fn clear(&mut self, area: Area, from: u64) -> io::Result<()> {
        let (start, end) = (self.start(area), *self.zero_from(area));
        let mut at = from;
        while at < end {
            let count = usize::try_from(end.saturating_sub(at)).unwrap_or(usize::MAX).min(ZEROS.len());
            let (place, zeros) = (start.saturating_add(at), ZEROS.get(..count).unwrap_or(ZEROS));
            let mut found = zeros.to_vec();
            self.blocks.read_at(place, &mut found)?;
            if found != zeros {
                self.blocks.write_at(place, zeros)?;
            }
            at = at.saturating_add(count as u64);
        }
        *self.zero_from(area) = end.min(from);
        Ok(())
    }

    /// Makes sure that a selector whose writing failed does not count.
    fn settle(&mut self) -> io::Result<()> {
        if self.unsettled {
            let number = self.current.map_or(0, |current| current.number);
            self.blocks.write_at(place(number.wrapping_add(1)), &[0; BLOCK])?;
            self.blocks.flush()?;
            self.unsettled = false;
        }
        Ok(())
    }
}

/// Where the selector with this number stands.
const fn place(number: u64) -> u64 {
    if number & 1 == 0 { 0 } else { BLOCK as u64 }
}

fn write_selector(selected: Selected) -> Vec<u8> {
    let mut block = Vec::with_capacity(BLOCK);
    block.extend_from_slice(MAGIC);
    block.extend_from_slice(&VERSION.to_be_bytes());
    block.extend_from_slice(&(selected.area as u16).to_be_bytes());
    block.extend_from_slice(&selected.number.to_be_bytes());
    block.resize(SUMMED, 0);
    let sum = Sha256::digest(&block);
    block.extend_from_slice(&sum);
    block
}

fn read_selector(block: &[u8; BLOCK]) -> Option<Selected> {
    let (summed, sum) = block.split_at_checked(SUMMED)?;
    let mut fields = Fields(summed);
    if *Sha256::digest(summed) != *sum || fields.take::<8>() != *MAGIC || u16::from_be_bytes(fields.take()) != VERSION {
        return None;
    }
    let area = match u16::from_be_bytes(fields.take()) {
        0 => Area::First,
        1 => Area::Second,
        _ => return None,
    };
    Some(Selected { number: u64::from_be_bytes(fields.take()), area })
}

fn read_selectors(blocks: &mut impl Blocks) -> io::Result<Option<Selected>> {
    let (mut first, mut second) = ([0; BLOCK], [0; BLOCK]);
    blocks.read_at(0, &mut first)?;
    blocks.read_at(BLOCK as u64, &mut second)?;
    let found = [read_selector(&first), read_selector(&second)];
    match found.into_iter().flatten().max_by_key(|selected| selected.number) {
        Some(selected) => Ok(Some(selected)),
        None if is_zero(&first) && is_zero(&second) => Ok(None),
        None => Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "the device holds something that is not an Ironroot state; fill its first 1024 bytes with zeros to give it up",
        )),
    }
}

fn full() -> io::Error {
    io::ErrorKind::StorageFull.into()
}

impl<B: Blocks> Medium for BlockDevice<B> {
    fn name(&self) -> String {
        self.blocks.name()
    }

    fn exists(&mut self) -> io::Result<bool> {
        Ok(self.current.is_some())
    }

    fn capacity(&self) -> Option<u64> {
        Some(self.length)
    }

    fn read(&mut self, limit: u64) -> io::Result<Vec<u8>> {
        let start = self.start(self.area(Which::Current)?);
        let mut bytes = vec![0; usize::try_from(self.length.min(limit)).map_err(|_| full())?];
        self.blocks.read_at(start, &mut bytes)?;
        Ok(bytes)
    }

    fn create_next(&mut self) -> io::Result<()> {
        self.settle()?;
        let area = self.current.map_or(Area::First, |current| current.area.other());
        self.clear(area, 0)?;
        self.next = Some(area);
        Ok(())
    }

    fn write_at(&mut self, which: Which, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.settle()?;
        let area = self.area(which)?;
        let end = offset.saturating_add(bytes.len() as u64);
        if end > self.length {
            return Err(full());
        }
        // Said before it is tried: after a failure nobody knows how much was written.
        let zero_from = self.zero_from(area);
        *zero_from = end.max(*zero_from);
        let start = self.start(area);
        self.blocks.write_at(start.saturating_add(offset), bytes)
    }

    fn set_len(&mut self, which: Which, length: u64) -> io::Result<()> {
        self.settle()?;
        let area = self.area(which)?;
        if length > self.length {
            return Err(full());
        }
        // The area keeps its length, and what is behind the end is zero.
        self.clear(area, length)
    }

    fn sync(&mut self, _: Which) -> io::Result<()> {
        self.blocks.flush()
    }

    fn install(&mut self) -> io::Result<()> {
        let area = self.next.ok_or(io::ErrorKind::NotFound)?;
        let number = self.current.map_or(0, |current| current.number).wrapping_add(1);
        let selected = Selected { number, area };
        self.unsettled = true;
        self.blocks.write_at(place(number), &write_selector(selected))?;
        self.unsettled = false;
        self.current = Some(selected);
        self.next = None;
        Ok(())
    }

    fn sync_folder(&mut self) -> io::Result<()> {
        self.blocks.flush()
    }

    fn discard_next(&mut self) {
        self.next = None;
    }
}
