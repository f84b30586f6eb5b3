//! The flash itself: where things are, and what is programmed with a check and a mark behind it.

use crate::header::BLOCK;
use embedded_storage::nor_flash::{NorFlash, NorFlashError, ReadNorFlash};
use sha2::{Digest, Sha256};
use std::io;

/// The contents of a cell, with their check.
pub const CELL: usize = 64;
/// How many cells an area has.
pub const CELLS: u32 = 6;
/// What follows the block in a slot: kind, number, check.
pub const TAG: usize = 16;
/// What is programmed behind what is whole.
const MARK: &[u8; 4] = b"DONE";
/// An erased byte.
const BLANK: u8 = 0xFF;

/// What was found in a place for a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// Nothing.
    Blank,
    /// Something, and whether it was finished.
    Bytes {
        /// With its check.
        bytes: Vec<u8>,
        /// The mark is there.
        done: bool,
    },
}

/// A flash and how it is divided.
pub struct Chip<F> {
    flash: F,
    /// The length of an area in bytes, whole sectors.
    area: u32,
    /// What is programmed at a time.
    granule: u32,
}

fn failed(doing: &str, offset: u32, error: &impl NorFlashError) -> io::Error {
    io::Error::other(format!("{doing} the flash at {offset:#x}: {error:?}"))
}

/// Something that was whole is not.
pub fn damaged(what: &str, offset: u32) -> io::Error {
    let text =
        format!("{what} at {offset:#x} of the flash went bad; nothing was changed; restore a backup of the state");
    io::Error::new(io::ErrorKind::InvalidData, text)
}

/// The first 16 bytes of the SHA-256 of parts.
pub fn check(parts: &[&[u8]]) -> [u8; 16] {
    let mut hash = Sha256::new();
    parts.iter().for_each(|part| hash.update(part));
    let hash: [u8; 32] = hash.finalize().into();
    hash.first_chunk().copied().unwrap_or_default()
}

impl<F: NorFlash> Chip<F> {
    pub fn new(flash: F) -> io::Result<Self> {
        let fits =
            F::WRITE_SIZE > 0 && F::READ_SIZE > 0 && F::WRITE_SIZE <= BLOCK && BLOCK.is_multiple_of(F::WRITE_SIZE);
        if !fits || !F::WRITE_SIZE.is_multiple_of(F::READ_SIZE) || !F::ERASE_SIZE.is_multiple_of(F::WRITE_SIZE) {
            let text = "this flash is programmed in units that do not divide 512 bytes, read in others than it is programmed \
                        in, or erased in others";
            return Err(io::Error::new(io::ErrorKind::Unsupported, text));
        }
        let half = flash.capacity() / 2;
        let length = half.checked_rem(F::ERASE_SIZE).map_or(0, |rest| half.saturating_sub(rest));
        let area = u32::try_from(length).map_err(|_| io::Error::from(io::ErrorKind::Unsupported))?;
        Ok(Self { flash, area, granule: u32::try_from(F::WRITE_SIZE).unwrap_or(1) })
    }

    pub fn into_inner(self) -> F {
        self.flash
    }

    pub const fn area(&self) -> u32 {
        self.area
    }

    pub const fn granule(&self) -> u32 {
        self.granule
    }

    /// What so many bytes take when they are programmed.
    fn padded(&self, bytes: usize) -> u32 {
        u32::try_from(bytes).unwrap_or(u32::MAX).next_multiple_of(self.granule)
    }

    /// The size of a record with its mark.
    fn sealed(&self, bytes: usize) -> u32 {
        self.padded(bytes).saturating_add(self.padded(MARK.len()))
    }

    fn start(&self, area: usize) -> u32 {
        if area == 0 { 0 } else { self.area }
    }

    fn head(&self) -> u32 {
        self.sealed(CELL).saturating_mul(CELLS)
    }

    /// How many slots an area has.
    pub fn slots(&self) -> u32 {
        self.area.saturating_sub(self.head()).checked_div(self.sealed(BLOCK.saturating_add(TAG))).unwrap_or(0)
    }

    /// Where a cell of an area is.
    pub fn cell(&self, area: usize, index: u32) -> u32 {
        self.start(area).saturating_add(self.sealed(CELL).saturating_mul(index))
    }

    /// Where a slot of an area is.
    pub fn slot(&self, area: usize, index: u32) -> u32 {
        let size = self.sealed(BLOCK.saturating_add(TAG));
        self.start(area).saturating_add(self.head()).saturating_add(size.saturating_mul(index))
    }

    pub fn erase_area(&mut self, area: usize) -> io::Result<()> {
        let start = self.start(area);
        self.flash.erase(start, start.saturating_add(self.area)).map_err(|error| failed("erasing", start, &error))
    }

    /// Programs a record, and its mark when the record is there.
    pub fn program(&mut self, at: u32, bytes: &[u8]) -> io::Result<()> {
        let (body, mark) = (self.padded(bytes.len()), self.padded(MARK.len()));
        self.program_padded(at, bytes, body)?;
        self.program_padded(at.saturating_add(body), MARK, mark)
    }

    fn program_padded(&mut self, at: u32, bytes: &[u8], size: u32) -> io::Result<()> {
        let mut padded = bytes.to_vec();
        padded.resize(size as usize, BLANK);
        self.flash.write(at, &padded).map_err(|error| failed("programming", at, &error))
    }

    /// Reads a record of so many bytes.
    pub fn read(&mut self, at: u32, bytes: usize) -> io::Result<Found> {
        let mut found = vec![0; self.sealed(bytes) as usize];
        ReadNorFlash::read(&mut self.flash, at, &mut found).map_err(|error| failed("reading", at, &error))?;
        if found.iter().all(|byte| *byte == BLANK) {
            return Ok(Found::Blank);
        }
        let mark = found.split_off(self.padded(bytes) as usize);
        found.truncate(bytes);
        Ok(Found::Bytes { bytes: found, done: mark.starts_with(MARK) })
    }
}
