//! A NOR flash in memory that is as strict as the worst of them, and that loses power when a test says so.
//!
//! It refuses what is not aligned, and to program a unit twice between two erasings. During a power cut, what was being erased
//! or programmed becomes weak: at each later start it may read as before, as it was to be, or as some of both, and not as it did at the
//! start before, until it is erased. A weak unit may be programmed again with the very bytes that it was to get, and with no others.

use embedded_storage::nor_flash::{ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash};
use ironroot_platform::memory::TestEntropy;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What goes wrong with an erasing or a programming.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlashFault {
    /// It fails in its middle, and the next ones work.
    Error,
    /// It and all later ones fail.
    Broken,
    /// The power goes in its middle; see [`SimulatedFlash::after_power_cut`].
    PowerCut,
}

/// Why the simulated flash refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlashError {
    /// Not a whole number of units, or not at the beginning of one.
    NotAligned,
    /// Behind the end.
    OutOfBounds,
    /// A unit is programmed twice.
    NotErased(usize),
    /// A test wants it so.
    Fault,
}

impl NorFlashError for FlashError {
    fn kind(&self) -> NorFlashErrorKind {
        match self {
            Self::NotAligned => NorFlashErrorKind::NotAligned,
            Self::OutOfBounds => NorFlashErrorKind::OutOfBounds,
            Self::NotErased(_) | Self::Fault => NorFlashErrorKind::Other,
        }
    }
}

/// What a unit has gone through since it was erased.
#[derive(Clone, Default, PartialEq, Eq)]
enum Unit {
    #[default]
    Erased,
    Programmed,
    /// The power went while these bytes became those, before anything was to be seen or after.
    Weak {
        was: Vec<u8>,
        wanted: Vec<u8>,
        begun: bool,
    },
}

#[derive(Clone, Default)]
struct Cells {
    bytes: Vec<u8>,
    /// For each unit that is programmed at a time.
    units: Vec<Unit>,
    /// How often each sector was erased.
    erases: Vec<u64>,
    operations: u64,
    programmed: u64,
    fault: Option<(u64, FlashFault)>,
    /// What decides what a weak unit reads as.
    luck: u64,
}

/// A flash that is read, programmed and erased in these units of bytes. Clones are handles of the same flash.
#[derive(Clone)]
pub struct SimulatedFlash<const READ: usize, const WRITE: usize, const ERASE: usize>(Arc<Mutex<Cells>>);

impl<const READ: usize, const WRITE: usize, const ERASE: usize> SimulatedFlash<READ, WRITE, ERASE> {
    /// A flash of so many sectors as it comes from its factory.
    #[must_use]
    pub fn new(sectors: usize) -> Self {
        let length = sectors.saturating_mul(ERASE);
        let units = vec![Unit::Erased; length.checked_div(WRITE).unwrap_or_default()];
        let cells = Cells { bytes: vec![0xFF; length], units, erases: vec![0; sectors], ..Cells::default() };
        Self(Arc::new(Mutex::new(cells)))
    }

    /// Erasings and programmings that were tried.
    #[must_use]
    pub fn operations(&self) -> u64 {
        self.lock().operations
    }

    /// Bytes that were programmed.
    #[must_use]
    pub fn programmed(&self) -> u64 {
        self.lock().programmed
    }

    /// How often each sector was erased.
    #[must_use]
    pub fn erases(&self) -> Vec<u64> {
        self.lock().erases.clone()
    }

    /// Lets the `n`-th operation from now (1 is the next) go wrong.
    pub fn fail_nth(&self, n: u64, fault: FlashFault) {
        let mut cells = self.lock();
        cells.fault = Some((cells.operations.saturating_add(n), fault));
    }

    /// Nothing goes wrong any more.
    pub fn repair(&self) {
        self.lock().fault = None;
    }

    /// All bytes as they read now.
    #[must_use]
    pub fn image(&self) -> Vec<u8> {
        self.lock().bytes.clone()
    }

    /// Somebody, or time, changes bytes.
    pub fn corrupt(&self, at: usize, with: impl FnOnce(&mut u8)) {
        if let Some(byte) = self.lock().bytes.get_mut(at) {
            with(byte);
        }
    }

    /// Another flash with the same contents.
    #[must_use]
    pub fn copy(&self) -> Self {
        Self(Arc::new(Mutex::new(self.lock().clone())))
    }

    /// The flash as the next start finds it after the power was cut. `luck` decides what weak units read as.
    #[must_use]
    pub fn after_power_cut(&self, luck: u64) -> Self {
        let mut cells = self.lock().clone();
        cells.fault = None;
        cells.luck = luck;
        cells.settle::<WRITE>();
        Self(Arc::new(Mutex::new(cells)))
    }

    fn lock(&self) -> MutexGuard<'_, Cells> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Cells {
    /// Whether an operation works (nothing), or how it goes wrong.
    fn operation(&mut self) -> Option<FlashFault> {
        self.operations = self.operations.saturating_add(1);
        let (at, fault) = self.fault?;
        let later = self.operations > at && fault != FlashFault::Error;
        (self.operations == at || later).then_some(fault)
    }

    /// Whether an operation that goes wrong does something nevertheless.
    fn tears(&self) -> bool {
        self.fault.is_some_and(|(at, _)| at == self.operations)
    }

    fn unit<const WRITE: usize>(&mut self, index: usize) -> Option<(&mut [u8], &mut Unit)> {
        let start = index.checked_mul(WRITE)?;
        Some((self.bytes.get_mut(start..start.checked_add(WRITE)?)?, self.units.get_mut(index)?))
    }

    /// Makes units weak that were to get these bytes.
    fn weaken<const WRITE: usize>(&mut self, first: usize, wanted: &[u8]) {
        // Many flashes program all bits of a sector before they erase it.
        let begun = self.operations % 4 != 3;
        let is_programmed_first = wanted.iter().all(|byte| *byte == 0xFF) && self.operations & 1 == 0;
        for (index, wanted) in (first..).zip(wanted.chunks(WRITE)) {
            if let Some((bytes, unit)) = self.unit::<WRITE>(index) {
                let was = match unit {
                    _ if is_programmed_first => vec![0; wanted.len()],
                    Unit::Weak { was, .. } => was.clone(),
                    _ => bytes.to_vec(),
                };
                *unit = Unit::Weak { was, wanted: wanted.to_vec(), begun };
            }
        }
        self.luck = self.luck.wrapping_add(self.operations);
        self.settle::<WRITE>();
    }

    /// Gives weak units a value, each row of them in one of several ways: beginnings, ends, mixtures, all.
    fn settle<const WRITE: usize>(&mut self) {
        let mut luck = TestEntropy::new(self.luck);
        let weak: Vec<usize> = (0..self.units.len()).filter(|unit| self.is_weak(*unit)).collect();
        for row in weak.chunk_by(|one, next| one.saturating_add(1) == *next) {
            let (way, turn) = (luck.next_word() % 4, luck.next_word().checked_rem(row.len() as u64).unwrap_or(0));
            let mut is_seen = false;
            for (seen, unit) in (0..).zip(row) {
                let lot = luck.next_word();
                let mask = |at: usize| match way {
                    0 => 0xFF,
                    1 if seen == turn => (lot >> (at % 8)) as u8,
                    1 => {
                        if seen < turn {
                            0xFF
                        } else {
                            0
                        }
                    }
                    2 => {
                        if lot & 1 == 0 {
                            0xFF
                        } else {
                            0
                        }
                    }
                    _ => lot.rotate_left((at % 64) as u32) as u8,
                };
                is_seen |= self.show::<WRITE>(*unit, mask);
            }
            if !is_seen {
                // What was to be seen once does not become invisible.
                for unit in row {
                    self.show::<WRITE>(*unit, |_| 0xFF);
                }
            }
        }
    }

    fn is_weak(&self, unit: usize) -> bool {
        matches!(self.units.get(unit), Some(Unit::Weak { begun: true, .. }))
    }

    /// Lets a weak unit read as it was but for these bits; says whether that is to be seen.
    fn show<const WRITE: usize>(&mut self, unit: usize, mask: impl Fn(usize) -> u8) -> bool {
        let mut is_seen = false;
        if let Some((bytes, Unit::Weak { was, wanted, .. })) = self.unit::<WRITE>(unit) {
            for (at, ((byte, was), wanted)) in bytes.iter_mut().zip(was.iter()).zip(wanted.iter()).enumerate() {
                *byte = was & !mask(at) | wanted & mask(at);
                is_seen |= *byte != *was;
            }
        }
        is_seen
    }
}

impl<const READ: usize, const WRITE: usize, const ERASE: usize> ErrorType for SimulatedFlash<READ, WRITE, ERASE> {
    type Error = FlashError;
}

fn range(length: usize, offset: u32, size: usize, unit: usize) -> Result<std::ops::Range<usize>, FlashError> {
    let offset = offset as usize;
    let end = offset.checked_add(size).filter(|end| *end <= length).ok_or(FlashError::OutOfBounds)?;
    if offset.is_multiple_of(unit) && size.is_multiple_of(unit) { Ok(offset..end) } else { Err(FlashError::NotAligned) }
}

impl<const READ: usize, const WRITE: usize, const ERASE: usize> ReadNorFlash for SimulatedFlash<READ, WRITE, ERASE> {
    const READ_SIZE: usize = READ;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), FlashError> {
        let cells = self.lock();
        let range = range(cells.bytes.len(), offset, bytes.len(), READ)?;
        bytes.copy_from_slice(cells.bytes.get(range).ok_or(FlashError::OutOfBounds)?);
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.lock().bytes.len()
    }
}

impl<const READ: usize, const WRITE: usize, const ERASE: usize> NorFlash for SimulatedFlash<READ, WRITE, ERASE> {
    const WRITE_SIZE: usize = WRITE;
    const ERASE_SIZE: usize = ERASE;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), FlashError> {
        let mut cells = self.lock();
        let size = (to as usize).checked_sub(from as usize).ok_or(FlashError::OutOfBounds)?;
        let whole = range(cells.bytes.len(), from, size, ERASE)?;
        for start in whole.step_by(ERASE) {
            let fault = cells.operation();
            if fault.is_some() && !cells.tears() {
                return Err(FlashError::Fault);
            }
            if let Some(count) = start.checked_div(ERASE).and_then(|sector| cells.erases.get_mut(sector)) {
                *count = count.saturating_add(1);
            }
            let first = start.checked_div(WRITE).unwrap_or_default();
            if fault.is_some() {
                cells.weaken::<WRITE>(first, &vec![0xFF; ERASE]);
                return Err(FlashError::Fault);
            }
            for index in first..first.saturating_add(ERASE.checked_div(WRITE).unwrap_or_default()) {
                if let Some((bytes, unit)) = cells.unit::<WRITE>(index) {
                    bytes.fill(0xFF);
                    *unit = Unit::Erased;
                }
            }
        }
        Ok(())
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), FlashError> {
        let mut cells = self.lock();
        let range = range(cells.bytes.len(), offset, bytes.len(), WRITE)?;
        let first = range.start.checked_div(WRITE).unwrap_or_default();
        for (index, wanted) in (first..).zip(bytes.chunks(WRITE)) {
            let allowed = match cells.units.get(index) {
                Some(Unit::Erased) => true,
                Some(Unit::Weak { wanted: before, .. }) => before == wanted,
                _ => false,
            };
            if !allowed {
                return Err(FlashError::NotErased(index.saturating_mul(WRITE)));
            }
        }
        let fault = cells.operation();
        if fault.is_some() {
            if cells.tears() {
                cells.weaken::<WRITE>(first, bytes);
            }
            return Err(FlashError::Fault);
        }
        cells.programmed = cells.programmed.saturating_add(bytes.len() as u64);
        for (index, wanted) in (first..).zip(bytes.chunks(WRITE)) {
            if let Some((bytes, unit)) = cells.unit::<WRITE>(index) {
                bytes.copy_from_slice(wanted);
                *unit = Unit::Programmed;
            }
        }
        Ok(())
    }
}
