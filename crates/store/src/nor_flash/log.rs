//! The slots of an area: the blocks of a state file in the order in which they were written.
//!
//! A slot is a block (512 bytes), a kind, three zero bytes, a number (4 bytes), and the first 8 bytes of SHA-256(area ‖ number of the
//! area ‖ erasings of the area, 8 bytes each ‖ the slot's index (4 bytes) ‖ all before the check). What an area held before it was
//! erased fits nowhere.
//!
//! | kind | means | number | block |
//! |---|---|---|---|
//! | 1 | this is a block of the file | which | the block |
//! | 2 | blocks are zero | the first | how many (4 bytes) |
//! | 3 | a process begins to write; all before stands | 0 | |
//! | 4 | the same, but of the slots from this number on those without a mark do not count | which | |
//!
//! Where the power went, a slot may read as whole today and as torn tomorrow. So whoever opens the state and finds that its last slot has
//! no mark decides for good before anybody is told: what is whole is programmed again, and a slot of kind 3 follows; what is torn is
//! struck out by a slot of kind 4. What comes next into a slot in which an earlier process may have begun to program without anything
//! to be seen of it must be the same bytes. Therefore each of the three has a place of its own behind the last slot that can be seen:
//! the copy two behind it, kind 3 three, kind 4 four; and what else is written begins five behind it.

use super::chip::{Chip, Found, TAG, check, damaged};
use super::{RESERVE, full};
use crate::header::{BLOCK, Fields, is_zero};
use embedded_storage::nor_flash::NorFlash;
use std::io;

/// What tells one life of an area from all others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Id {
    pub area: usize,
    pub number: u64,
    pub erases: u64,
}

const DATA: u8 = 1;
const ZEROS: u8 = 2;
const KEEP: u8 = 3;
const STRIKE: u8 = 4;
/// How far behind the last slot that an earlier process left these are, and the first of this process's own.
const COPY_AT: u32 = 2;
const KEEP_AT: u32 = 3;
const STRIKE_AT: u32 = 4;
const OWN_AT: u32 = 5;
/// How often what is in doubt is tried to be programmed again.
const TRIES: usize = 3;
const SLOT: usize = BLOCK + TAG;
const CHECK: usize = 8;

/// The slots of one area.
pub struct Log {
    id: Id,
    /// Which slot holds a block. Of a slot whose programming failed nobody knows; it is taken to hold it.
    places: Vec<Option<u32>>,
    /// The first slot that was never programmed, as far as one can see.
    next: u32,
    /// An earlier process stopped at `next`.
    inherited: bool,
    /// The last slot was not finished: it may read otherwise the next time.
    unfinished: bool,
    /// The slot behind the last that was finished.
    behind_finished: u32,
    /// Good slots that were not finished, and what was where before each.
    doubtful: Vec<(u32, Vec<Option<u32>>)>,
}

impl Log {
    /// That of an area that was just erased.
    pub fn empty<F: NorFlash>(chip: &Chip<F>, id: Id) -> Self {
        let places = vec![None; chip.slots() as usize];
        Self { id, places, next: 0, inherited: false, unfinished: false, behind_finished: 0, doubtful: Vec::new() }
    }

    /// What an earlier process left in an area.
    pub fn read<F: NorFlash>(chip: &mut Chip<F>, id: Id) -> io::Result<Self> {
        let mut log = Self { inherited: true, ..Self::empty(chip, id) };
        for slot in 0..chip.slots() {
            let at = chip.slot(id.area, slot);
            let Found::Bytes { bytes, done } = chip.read(at, SLOT)? else { continue };
            log.next = slot.saturating_add(1);
            log.unfinished = !done;
            match log.open(slot, &bytes) {
                Some((KEEP, _)) if done => log.doubtful.clear(),
                Some((KEEP, _)) => {}
                Some((STRIKE, first)) => log.strike(first),
                Some((kind, block)) => {
                    if done {
                        log.doubtful.clear();
                    } else {
                        log.doubtful.push((slot, log.places.clone()));
                    }
                    if !log.apply(kind, block, slot, &bytes) {
                        return Err(damaged("a block", at));
                    }
                }
                None if done => return Err(damaged("a block", at)),
                None => {}
            }
            if done {
                log.behind_finished = log.next;
            }
        }
        Ok(log)
    }

    /// Of the slots from `first` on, those that were not finished do not count.
    fn strike(&mut self, first: u32) {
        if let Some((_, before)) = self.doubtful.drain(..).find(|(slot, _)| *slot >= first) {
            self.places = before;
        }
    }

    pub const fn id(&self) -> Id {
        self.id
    }

    /// How many slots can still be programmed.
    pub fn free<F: NorFlash>(&self, chip: &Chip<F>) -> u32 {
        chip.slots().saturating_sub(self.next).saturating_sub(if self.inherited { OWN_AT } else { 0 })
    }

    /// The blocks of the file, up to the last that is not zero.
    pub fn blocks(&self) -> u32 {
        let last = self.places.iter().rposition(Option::is_some);
        last.map_or(0, |last| u32::try_from(last).unwrap_or(u32::MAX).saturating_add(1))
    }

    fn tag(&self, slot: u32, kind: u8, block: u32, data: &[u8]) -> [u8; TAG] {
        let mut tag = Vec::with_capacity(TAG);
        tag.extend_from_slice(&[kind, 0, 0, 0]);
        tag.extend_from_slice(&block.to_be_bytes());
        let (area, number) = ((self.id.area as u64).to_be_bytes(), self.id.number.to_be_bytes());
        let check = check(&[&area, &number, &self.id.erases.to_be_bytes(), &slot.to_be_bytes(), data, &tag]);
        tag.extend_from_slice(check.get(..CHECK).unwrap_or_default());
        tag.try_into().unwrap_or_default()
    }

    /// Kind and block of a slot whose check is right.
    fn open(&self, slot: u32, bytes: &[u8]) -> Option<(u8, u32)> {
        let (data, tag) = bytes.split_at_checked(BLOCK)?;
        let mut fields = Fields(tag);
        let [kind, ..] = fields.take::<4>();
        let block = u32::from_be_bytes(fields.take());
        (tag == self.tag(slot, kind, block, data)).then_some((kind, block))
    }

    /// Takes up a slot; false if it says what nobody writes.
    fn apply(&mut self, kind: u8, block: u32, slot: u32, data: &[u8]) -> bool {
        let from = block as usize;
        match kind {
            DATA => match self.places.get_mut(from) {
                Some(place) => *place = Some(slot),
                None => return false,
            },
            ZEROS => {
                let count = u32::from_be_bytes(Fields(data).take()) as usize;
                let Some(places) = self.places.get_mut(from..from.saturating_add(count)) else { return false };
                places.fill(None);
            }
            _ => return false,
        }
        true
    }

    /// Programs the next slot.
    fn program<F: NorFlash>(&mut self, chip: &mut Chip<F>, kind: u8, block: u32, data: &[u8]) -> io::Result<()> {
        if self.inherited {
            self.begin(chip)?;
        }
        let slot = self.next;
        if slot >= chip.slots() {
            return Err(full());
        }
        self.next = slot.saturating_add(1);
        if kind == DATA {
            // Said before it is tried.
            self.apply(kind, block, slot, data);
        }
        self.program_slot(chip, slot, kind, block, data)?;
        if kind == ZEROS {
            self.apply(kind, block, slot, data);
        }
        Ok(())
    }

    fn program_slot<F: NorFlash>(
        &self,
        chip: &mut Chip<F>,
        slot: u32,
        kind: u8,
        number: u32,
        data: &[u8],
    ) -> io::Result<()> {
        let tag = self.tag(slot, kind, number, data);
        chip.program(chip.slot(self.id.area, slot), &[data, &tag].concat())
    }

    /// Goes on behind an earlier process, when what that left in doubt is decided.
    fn begin<F: NorFlash>(&mut self, chip: &mut Chip<F>) -> io::Result<()> {
        // The last slot that can be seen, or what one time was taken for it.
        let last = self.next.saturating_sub(1);
        self.next = last.saturating_add(OWN_AT);
        let blank = [0xFF; BLOCK];
        if self.unfinished && self.doubtful.is_empty() {
            self.program_slot(chip, last.saturating_add(STRIKE_AT), STRIKE, self.behind_finished, &blank)?;
        } else {
            if let Some((slot, _)) = self.doubtful.last().filter(|_| self.unfinished) {
                let at = chip.slot(self.id.area, *slot);
                let Found::Bytes { bytes, .. } = chip.read(at, SLOT)? else { return Err(damaged("a block", at)) };
                let (kind, block) = self.open(*slot, &bytes).ok_or_else(|| damaged("a block", at))?;
                let (data, copy) = (bytes.get(..BLOCK).unwrap_or_default(), last.saturating_add(COPY_AT));
                self.program_slot(chip, copy, kind, block, data)?;
                self.apply(kind, block, copy, data);
            }
            self.program_slot(chip, last.saturating_add(KEEP_AT), KEEP, 0, &blank)?;
        }
        self.doubtful.clear();
        (self.inherited, self.unfinished) = (false, false);
        Ok(())
    }

    /// Writes blocks; zeros where zeros are cost nothing.
    pub fn write<F: NorFlash>(&mut self, chip: &mut Chip<F>, first: u32, bytes: &[u8]) -> io::Result<()> {
        let blocks = || (first..).zip(bytes.chunks(BLOCK));
        let needed = blocks().filter(|(_, data)| !is_zero(data)).count();
        let free = self.free(chip);
        if needed > 0 && needed > free.saturating_sub(RESERVE) as usize {
            return Err(full());
        }
        for (block, data) in blocks() {
            if !is_zero(data) {
                self.program(chip, DATA, block, data)?;
            } else if self.places.get(block as usize).is_some_and(Option::is_some) {
                let zeros = blocks().skip_while(|(at, _)| *at < block).take_while(|(_, data)| is_zero(data));
                self.zero(chip, block, u32::try_from(zeros.count()).unwrap_or(u32::MAX))?;
            }
        }
        Ok(())
    }

    /// Makes zeros of what is from a block on.
    pub fn clear_from<F: NorFlash>(&mut self, chip: &mut Chip<F>, first: u32) -> io::Result<()> {
        let end = self.blocks();
        if end > first { self.zero(chip, first, end.saturating_sub(first)) } else { Ok(()) }
    }

    fn zero<F: NorFlash>(&mut self, chip: &mut Chip<F>, block: u32, count: u32) -> io::Result<()> {
        let most = u32::try_from(self.places.len()).unwrap_or(u32::MAX).saturating_sub(block);
        let mut data = [0xFF; BLOCK];
        if let Some(field) = data.first_chunk_mut() {
            *field = count.min(most).to_be_bytes();
        }
        self.program(chip, ZEROS, block, &data)
    }

    /// Settles what may fade in or out: nobody may be told what is there before. False if there is no room for it.
    pub fn confirm<F: NorFlash>(&mut self, chip: &mut Chip<F>) -> io::Result<bool> {
        let mut result = Ok(true);
        for _ in 0..TRIES {
            if !self.unfinished {
                return Ok(true);
            }
            if self.free(chip) == 0 {
                return Ok(false);
            }
            result = self.begin(chip).map(|()| true);
        }
        result
    }

    /// The file up to its last block that is not zero.
    pub fn contents<F: NorFlash>(&self, chip: &mut Chip<F>) -> io::Result<Vec<u8>> {
        let blocks = self.blocks() as usize;
        let mut file = Vec::with_capacity(blocks.saturating_mul(BLOCK));
        for place in self.places.iter().take(blocks) {
            let end = file.len().saturating_add(BLOCK);
            if let Some(slot) = place
                && let Found::Bytes { bytes, .. } = chip.read(chip.slot(self.id.area, *slot), SLOT)?
            {
                file.extend_from_slice(bytes.get(..BLOCK).unwrap_or_default());
            }
            file.resize(end, 0);
        }
        Ok(file)
    }
}
