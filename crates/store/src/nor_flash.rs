//! A state on NOR flash, which is erased by sectors, programmed once in between, and worn out by that.
//!
//! ```text
//! 0        area 0: cells, slots        half        area 1: cells, slots
//! ```
//! One area is the state, the other its successor or nothing. An area is erased whole, and then only programmed, from its
//! beginning to its end: a few cells (`nor_flash/cells.rs`) say which area this is, how often each was erased, and that it is
//! the state; slots (`nor_flash/log.rs`) hold the blocks of the state file, one behind the other. A block that is overwritten gets
//! another slot, and the last one counts. Blocks of zeros take no room, so that a commit costs one slot for each of its blocks
//! and no erasing; an area is erased when the other is full, and not before ([`Medium::fresh_capacity`]).
//!
//! What is programmed in one go has a check and, in a step of its own, a mark behind it. So what a power cut tore (a wrong check, no
//! mark) is told apart from what went bad later (a wrong check behind a mark), and what a cut may have left weak (a good check, no mark) is
//! programmed again elsewhere before anybody builds on it. An area that was not erased by this process is not trusted to be blank:
//! it is erased before it is used, and slots are passed over where an earlier process stopped. docs/state-format.md has the bytes.

mod cells;
mod chip;
mod log;

use crate::header::BLOCK;
use crate::medium::{Medium, Which};
use cells::Cells;
use chip::Chip;
use embedded_storage::nor_flash::NorFlash;
use log::{Id, Log};
use std::io;

/// An area and what is in it.
struct Area {
    index: usize,
    log: Log,
}

/// A NOR flash with one state, as a [`Medium`].
pub struct FlashMedium<F: NorFlash + Send> {
    name: String,
    chip: Chip<F>,
    /// How often each area was erased.
    erases: [u64; 2],
    current: Option<Area>,
    next: Option<Area>,
    /// An area that must not count, and may.
    unsettled: Option<usize>,
    /// Nothing of what an earlier process left is in doubt.
    confirmed: bool,
}

/// How worn a flash is, and how full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wear {
    /// How often the sectors of each area were erased. A power cut between erasing and counting may be left out.
    pub erases: [u64; 2],
    /// How many slots an area has: as many blocks of 512 bytes can be written between two erasings.
    pub slots: u32,
    /// How many of the current one's are free.
    pub free: u32,
}

/// Slots that commits leave alone: to take back what failed, to come up after a cut.
const RESERVE: u32 = 12;
/// An area has at least so many slots.
const FEWEST: u32 = 28;

fn full() -> io::Error {
    io::ErrorKind::StorageFull.into()
}

fn not_found() -> io::Error {
    io::ErrorKind::NotFound.into()
}

impl<F: NorFlash + Send> FlashMedium<F> {
    /// Looks for a state on a flash, or on the part of one that `flash` stands for. Changes nothing.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidData`] if it holds something else or something in it went bad;
    /// [`io::ErrorKind::Unsupported`] if its granularity is beyond what this format has; [`io::ErrorKind::StorageFull`] if it
    /// is too small for anything; the driver's.
    pub fn new(flash: F, name: &str) -> io::Result<Self> {
        let mut chip = Chip::new(flash)?;
        if chip.slots() < FEWEST {
            return Err(full());
        }
        let cells = [Cells::read(&mut chip, 0)?, Cells::read(&mut chip, 1)?];
        let installed = cells.iter().enumerate().filter_map(|(index, cells)| Some((index, cells.installed()?)));
        let found = installed.max_by_key(|(_, cell)| cell.number).map(|(index, cell)| (index, *cell));
        if found.is_none() && cells.iter().all(Cells::is_foreign) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "the flash holds something that is not an Ironroot state; erase it to give it up",
            ));
        }
        let current = match found {
            Some((index, cell)) => {
                let id = Id { area: index, number: cell.number, erases: cell.own_erases() };
                Some(Area { index, log: Log::read(&mut chip, id)? })
            }
            None => None,
        };
        // A new file was being installed, and was not: what is there of that may fade in as well as out.
        let other = current.as_ref().map(|area: &Area| area.index ^ 1);
        let unsettled = other.filter(|other| cells.get(*other).is_some_and(Cells::is_half_installed));
        let (name, erases) = (name.into(), cells::erases(&cells));
        Ok(Self { name, chip, erases, current, next: None, unsettled, confirmed: false })
    }

    /// How worn the flash is.
    pub fn wear(&self) -> Wear {
        let slots = self.chip.slots();
        let free = self.current.as_ref().map_or(slots, |area| area.log.free(&self.chip));
        Wear { erases: self.erases, slots, free }
    }

    /// The flash.
    pub fn into_inner(self) -> F {
        self.chip.into_inner()
    }

    /// Makes sure that an area whose installation failed does not count.
    fn settle(&mut self) -> io::Result<()> {
        if let Some(index) = self.unsettled {
            let number = self.current.as_ref().map_or(1, |area| area.log.id().number.saturating_add(1));
            self.erase(index, number)?;
            self.unsettled = None;
        }
        Ok(())
    }

    /// Erases an area and says so in its first cell.
    fn erase(&mut self, index: usize, number: u64) -> io::Result<Id> {
        // Counted before it is tried: what fails wears, too.
        let count = self.erases.get_mut(index).ok_or_else(not_found)?;
        *count = count.saturating_add(1);
        let id = Id { area: index, number, erases: *count };
        self.chip.erase_area(index)?;
        Cells::begin(&mut self.chip, id, self.erases)?;
        Ok(id)
    }

    /// Programs again what an earlier process left in doubt, before anything is built on it.
    fn confirm(&mut self) -> io::Result<()> {
        self.settle()?;
        if let Some(area) = self.current.as_mut().filter(|_| !self.confirmed) {
            Cells::confirm(&mut self.chip, area.index)?;
            if !area.log.confirm(&mut self.chip)? {
                self.move_on()?;
            }
            self.confirmed = true;
        }
        Ok(())
    }

    /// Moves the file as it was read into the other area, when there is no room left to settle what is in doubt.
    fn move_on(&mut self) -> io::Result<()> {
        let Some(area) = &self.current else { return Ok(()) };
        let file = area.log.contents(&mut self.chip)?;
        let id = self.erase(area.index ^ 1, area.log.id().number.saturating_add(1))?;
        let mut log = Log::empty(&self.chip, id);
        log.write(&mut self.chip, 0, &file)?;
        self.next = Some(Area { index: id.area, log });
        self.install()
    }

    fn log(&mut self, which: Which) -> io::Result<(&mut Log, &mut Chip<F>)> {
        let area = match which {
            Which::Current => &mut self.current,
            Which::Next => &mut self.next,
        };
        Ok((&mut area.as_mut().ok_or_else(not_found)?.log, &mut self.chip))
    }
}

impl<F: NorFlash + Send> Medium for FlashMedium<F> {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn exists(&mut self) -> io::Result<bool> {
        Ok(self.current.is_some())
    }

    fn capacity(&self) -> Option<u64> {
        let slots = match &self.current {
            Some(area) => area.log.blocks().saturating_add(area.log.free(&self.chip).saturating_sub(RESERVE)),
            None => self.chip.slots().saturating_sub(RESERVE),
        };
        Some(u64::from(slots).saturating_mul(BLOCK as u64))
    }

    fn fresh_capacity(&self) -> Option<u64> {
        Some(u64::from(self.chip.slots().saturating_sub(RESERVE)).saturating_mul(BLOCK as u64))
    }

    fn read(&mut self, limit: u64) -> io::Result<Vec<u8>> {
        let (log, chip) = self.log(Which::Current)?;
        let mut bytes = log.contents(chip)?;
        bytes.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(bytes)
    }

    fn create_next(&mut self) -> io::Result<()> {
        self.next = None;
        // The area that goes holds what counts if what took its place should fade.
        self.confirm()?;
        let (index, number) = match &self.current {
            Some(area) => (area.index ^ 1, area.log.id().number.saturating_add(1)),
            None => (0, 1),
        };
        let id = self.erase(index, number)?;
        self.next = Some(Area { index, log: Log::empty(&self.chip, id) });
        Ok(())
    }

    fn write_at(&mut self, which: Which, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.confirm()?;
        let (log, chip) = self.log(which)?;
        let first = block(offset, bytes.len())?;
        log.write(chip, first, bytes)
    }

    fn set_len(&mut self, which: Which, length: u64) -> io::Result<()> {
        self.confirm()?;
        let (log, chip) = self.log(which)?;
        let first = block(length, 0)?;
        log.clear_from(chip, first)
    }

    /// What was programmed is there; only what an earlier process left in doubt is programmed again.
    fn sync(&mut self, _: Which) -> io::Result<()> {
        self.confirm()
    }

    fn install(&mut self) -> io::Result<()> {
        let area = self.next.take().ok_or_else(not_found)?;
        self.unsettled = Some(area.index);
        Cells::install(&mut self.chip, area.log.id(), self.erases)?;
        self.unsettled = None;
        self.confirmed = true;
        self.current = Some(area);
        Ok(())
    }

    fn sync_folder(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn discard_next(&mut self) {
        self.next = None;
    }
}

/// The number of the block at a place; the store writes whole ones only.
fn block(offset: u64, length: usize) -> io::Result<u32> {
    let whole = offset.is_multiple_of(BLOCK as u64) && length.is_multiple_of(BLOCK);
    let number = u32::try_from(offset.div_euclid(BLOCK as u64)).ok().filter(|_| whole);
    number.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "only whole blocks of 512 bytes are written"))
}
