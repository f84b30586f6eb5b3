//! The cells at the beginning of an area: that it was erased and how often, and, twice, that it is the state.
//!
//! | offset | size | field |
//! |---|---|---|
//! | 0 | 8 | `IRFLASH` and a zero byte |
//! | 8 | 2 | format version: 1 |
//! | 10 | 1 | kind: 1 erased, 2 installed |
//! | 11 | 1 | area: 0 or 1 |
//! | 12 | 4 | length of an area |
//! | 16 | 4 | what is programmed at a time |
//! | 20 | 8 | how often area 0 was erased |
//! | 28 | 8 | how often area 1 was erased |
//! | 36 | 8 | number: the area with the largest that is installed is the state |
//! | 44 | 4 | zero |
//! | 48 | 16 | SHA-256 of bytes 0 to 47, the first half |

use super::chip::{CELL, CELLS, Chip, Found, check, damaged};
use super::log::Id;
use crate::header::Fields;
use embedded_storage::nor_flash::NorFlash;
use std::io;

const MAGIC: &[u8; 8] = b"IRFLASH\0";
const VERSION: u16 = 1;
const CHECKED: usize = 48;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Erased = 1,
    Installed = 2,
}

/// What a cell says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cell {
    kind: Kind,
    area: usize,
    erases: [u64; 2],
    pub number: u64,
}

impl Cell {
    fn new(kind: Kind, id: Id, erases: [u64; 2]) -> Self {
        Self { kind, area: id.area, erases, number: id.number }
    }

    pub fn own_erases(&self) -> u64 {
        self.erases.get(self.area).copied().unwrap_or_default()
    }

    fn write<F: NorFlash>(&self, chip: &Chip<F>) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(CELL);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&VERSION.to_be_bytes());
        bytes.extend_from_slice(&[self.kind as u8, u8::from(self.area != 0)]);
        bytes.extend_from_slice(&chip.area().to_be_bytes());
        bytes.extend_from_slice(&chip.granule().to_be_bytes());
        self.erases.iter().for_each(|count| bytes.extend_from_slice(&count.to_be_bytes()));
        bytes.extend_from_slice(&self.number.to_be_bytes());
        bytes.resize(CHECKED, 0);
        let check = check(&[&bytes]);
        bytes.extend_from_slice(&check);
        bytes
    }

    /// A cell of this area of this flash, or nothing.
    fn read<F: NorFlash>(chip: &Chip<F>, area: usize, bytes: &[u8]) -> Option<Self> {
        let mut fields = Fields(bytes);
        let _ = fields.take::<10>();
        let [kind, _] = fields.take::<2>();
        let _ = fields.take::<8>();
        let erases = [u64::from_be_bytes(fields.take()), u64::from_be_bytes(fields.take())];
        let number = u64::from_be_bytes(fields.take());
        let kind = if kind == Kind::Erased as u8 { Kind::Erased } else { Kind::Installed };
        let cell = Self { kind, area, erases, number };
        // One form only: what is not written so was not written by us.
        (cell.write(chip) == bytes).then_some(cell)
    }
}

/// All cells of an area.
pub struct Cells {
    /// The first that can be read of each kind.
    erased: Option<Cell>,
    installed: Option<Cell>,
    blank: bool,
    /// Somebody began to install it.
    touched: bool,
}

impl Cells {
    pub fn read<F: NorFlash>(chip: &mut Chip<F>, area: usize) -> io::Result<Self> {
        let mut cells = Self { erased: None, installed: None, blank: true, touched: false };
        for index in 0..CELLS {
            let Found::Bytes { bytes, .. } = chip.read(chip.cell(area, index), CELL)? else { continue };
            cells.blank = false;
            cells.touched |= index > 0;
            match Cell::read(chip, area, &bytes) {
                Some(cell) if cell.kind == Kind::Erased => cells.erased = cells.erased.or(Some(cell)),
                Some(cell) => cells.installed = cells.installed.or(Some(cell)),
                None => {}
            }
        }
        Ok(cells)
    }

    /// The cell that says that this area is a state.
    pub const fn installed(&self) -> Option<&Cell> {
        self.installed.as_ref()
    }

    /// Whether there is something that none of us wrote.
    pub const fn is_foreign(&self) -> bool {
        !self.blank && self.erased.is_none() && self.installed.is_none()
    }

    /// Whether somebody began to install it and did not get far enough.
    pub const fn is_half_installed(&self) -> bool {
        self.touched && self.installed.is_none()
    }

    /// The newest counts that this area knows.
    fn known(&self) -> Option<[u64; 2]> {
        self.erased.or(self.installed).map(|cell| cell.erases)
    }

    /// Writes the first cell of an area that was erased.
    pub fn begin<F: NorFlash>(chip: &mut Chip<F>, id: Id, erases: [u64; 2]) -> io::Result<()> {
        let cell = Cell::new(Kind::Erased, id, erases).write(chip);
        chip.program(chip.cell(id.area, 0), &cell)
    }

    /// Makes an area the state; twice, so that one of them may go bad.
    pub fn install<F: NorFlash>(chip: &mut Chip<F>, id: Id, erases: [u64; 2]) -> io::Result<()> {
        let cell = Cell::new(Kind::Installed, id, erases).write(chip);
        chip.program(chip.cell(id.area, 1), &cell)?;
        chip.program(chip.cell(id.area, 2), &cell)
    }

    /// Says it again if the power may have gone while it was said, so that it does not fade.
    pub fn confirm<F: NorFlash>(chip: &mut Chip<F>, area: usize) -> io::Result<()> {
        let (mut cell, mut free) = (None, Vec::new());
        for index in 1..CELLS {
            let at = chip.cell(area, index);
            match chip.read(at, CELL)? {
                Found::Blank => free.push(at),
                Found::Bytes { bytes, done } => match (Cell::read(chip, area, &bytes), done) {
                    (Some(_), true) => return Ok(()),
                    (Some(found), false) => cell = Some(found),
                    (None, _) => {}
                },
            }
        }
        let cell = cell.ok_or_else(|| damaged("what says that this is the state", chip.cell(area, 0)))?.write(chip);
        let mut result = Ok(());
        for at in free {
            result = chip.program(at, &cell);
            if result.is_ok() {
                break;
            }
        }
        result
    }
}

/// How often each area was erased, by what either of them knows. One without a cell was being erased when the power went.
pub fn erases(cells: &[Cells; 2]) -> [u64; 2] {
    let [first, second] = cells;
    let most = |index: usize| {
        let of = |cells: &Cells| cells.known().and_then(|counts| counts.get(index).copied()).unwrap_or_default();
        of(first).max(of(second))
    };
    let lost = |cells: &Cells| u64::from(!cells.blank && cells.known().is_none());
    [most(0).saturating_add(lost(first)), most(1).saturating_add(lost(second))]
}
