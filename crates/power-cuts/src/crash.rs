//! What a disk may hold after the power was cut.
//!
//! Of what was flushed, all is there. Of the rest, each 512-byte block of each write and each new length is there or is
//! not, in any combination: caches write back in the order that they like, and a write that was under way is a write whose
//! blocks are there in part. Names change in order, as on file systems with a journal, and a file that grows may end at any
//! byte. A block is written whole or not at all, which is what docs/state-format.md asks of a disk.
//!
//! Of a flash, what was being programmed or erased may hold anything, and all before it is there.

use std::sync::Arc;

use ironroot_platform::memory::TestEntropy;

use crate::trace::{Counters, Names, Op, write};

/// What a disk writes whole or not at all, in bytes.
const BLOCK: usize = 512;
/// With so many parts or fewer, every combination is tried.
const EXHAUSTIVE: usize = 6;
/// How many combinations of more parts are tried, chosen by lot.
const SAMPLES: u64 = 24;
/// How many beginnings of a longer row of parts are tried.
const BEGINNINGS: usize = 12;
/// In how many ways the cells of a flash are torn.
const TORN_CELLS: u32 = 4;
/// At how many bytes the end of a growing file is tried.
const ENDS: u64 = 4;

/// A part of an operation that is done whole or not at all.
#[derive(Clone)]
enum Part {
    Block(usize, Arc<[u8]>, usize),
    Length(usize),
    /// Bytes of a flash that are programmed (or, if they are all ones, erased).
    Cells(usize, Arc<[u8]>),
}

/// A file: what is durable, and what is not yet.
#[derive(Clone, Default)]
struct File {
    durable: Vec<u8>,
    /// The length that programs see.
    length: usize,
    pending: Vec<Part>,
}

/// A disk between two operations.
#[derive(Clone, Default)]
pub struct Disk {
    files: Vec<File>,
    names: Names,
    pending_names: Vec<Op>,
    counters: Counters,
    counting: Option<([u8; 16], u64)>,
}

/// What a cut leaves: the state file, and the counter beside it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Left {
    /// The state file, if there is one.
    pub state: Option<Vec<u8>>,
    /// What the counter has reached.
    pub counters: Counters,
}

/// How a disk that was found differs from what was asked of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// Everything that was asked is there, or nothing that was not flushed.
    Whole,
    /// The beginning of what was not flushed is there.
    Torn,
    /// Later parts are there, and earlier ones are not.
    Reordered,
}

impl Disk {
    /// A disk with a durable state, or without one.
    #[must_use]
    pub fn with(left: Left) -> Self {
        let Left { state, counters } = left;
        let names = Names { current: state.as_ref().map(|_| 0), next: None };
        let file = |durable: Vec<u8>| File { length: durable.len(), durable, pending: Vec::new() };
        Self { files: state.into_iter().map(file).collect(), names, counters, ..Self::default() }
    }

    /// Moves past an operation.
    pub fn apply(&mut self, op: &Op) {
        match op {
            Op::Create(id) => {
                self.files.resize(self.files.len().max(id.saturating_add(1)), File::default());
                self.pending_names.push(op.clone());
            }
            Op::Write(id, offset, bytes) => self.file(*id, |file| file.write(*offset, bytes)),
            Op::Program(id, offset, bytes) => {
                self.file(*id, |file| file.pending.push(Part::Cells(*offset, Arc::clone(bytes))));
            }
            Op::Erase(id, offset, size) => {
                self.file(*id, |file| file.pending.push(Part::Cells(*offset, vec![0xFF; *size].into())));
            }
            Op::SetLen(id, length) => self.file(*id, |file| {
                file.length = *length;
                file.pending.push(Part::Length(*length));
            }),
            Op::Sync(id) => self.file(*id, File::sync),
            Op::Count(id, number) => self.counting = Some((*id, *number)),
            Op::Counted => self.counters.extend(self.counting.take()),
            Op::Install | Op::Discard => self.pending_names.push(op.clone()),
            Op::SyncNames => {
                for op in std::mem::take(&mut self.pending_names) {
                    self.names.apply(&op);
                }
            }
        }
    }

    fn file(&mut self, id: usize, action: impl FnOnce(&mut File)) {
        if let Some(file) = self.files.get_mut(id) {
            action(file);
        }
    }

    /// What the counter has reached for certain.
    #[must_use]
    pub const fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Calls `found` with what is left on every disk that is tried, until it fails.
    ///
    /// # Errors
    /// The first of `found`.
    pub fn after_cut<E>(
        &self,
        luck: &mut TestEntropy,
        mut found: impl FnMut(Left, How) -> Result<(), E>,
    ) -> Result<(), E> {
        let counted = self.counting.map(|counting| {
            let mut counters = self.counters.clone();
            counters.extend([counting]);
            counters
        });
        let mut found = |state: Option<Vec<u8>>, how| {
            if let Some(counters) = &counted {
                found(Left { state: state.clone(), counters: counters.clone() }, how)?;
            }
            found(Left { state, counters: self.counters.clone() }, how)
        };
        let mut names = self.names;
        let mut tried = Vec::new();
        for done in 0..=self.pending_names.len() {
            if let Some(op) = done.checked_sub(1).and_then(|last| self.pending_names.get(last)) {
                names.apply(op);
            }
            if tried.contains(&names.current) {
                continue;
            }
            tried.push(names.current);
            match names.current.and_then(|id| self.files.get(id)) {
                Some(file) => file.after_cut(luck, &mut |bytes, how| found(Some(bytes), how))?,
                None => found(None, How::Whole)?,
            }
        }
        Ok(())
    }
}

impl File {
    fn write(&mut self, offset: usize, bytes: &Arc<[u8]>) {
        let end = offset.saturating_add(bytes.len());
        if end > self.length {
            self.length = end;
            self.pending.push(Part::Length(end));
        }
        // The first block may begin in the middle of one of the disk's.
        let mut at = 0;
        while at < bytes.len() {
            let place = offset.saturating_add(at);
            let room = BLOCK.saturating_sub(place % BLOCK);
            self.pending.push(Part::Block(place, Arc::clone(bytes), at));
            at = at.saturating_add(room);
        }
    }

    fn sync(&mut self) {
        self.durable = self.with(|_| true);
        self.pending.clear();
    }

    /// The file with those parts that `is_there` says. Parts of one block come in their order, so that each block has any
    /// of the contents that it was ever given.
    fn with(&self, is_there: impl Fn(usize) -> bool) -> Vec<u8> {
        let mut bytes = self.durable.clone();
        for (index, part) in self.pending.iter().enumerate().filter(|(index, _)| is_there(*index)) {
            let _ = index;
            match part {
                Part::Length(length) => bytes.resize(*length, 0),
                Part::Cells(place, cells) => write(&mut bytes, *place, cells),
                Part::Block(place, all, at) => {
                    let room = BLOCK.saturating_sub(place % BLOCK);
                    let end = at.saturating_add(room).min(all.len());
                    write(&mut bytes, *place, all.get(*at..end).unwrap_or_default());
                }
            }
        }
        bytes
    }

    fn after_cut<E>(
        &self,
        luck: &mut TestEntropy,
        found: &mut impl FnMut(Vec<u8>, How) -> Result<(), E>,
    ) -> Result<(), E> {
        if let [Part::Cells(place, cells)] = self.pending.as_slice() {
            return self.torn_cells(*place, cells, luck, found);
        }
        let parts = self.pending.len();
        if parts <= EXHAUSTIVE {
            for set in 0..1_u32 << parts {
                found(self.with(|index| set >> index & 1 == 1), how(set, parts))?;
            }
        } else {
            found(self.with(|_| false), How::Whole)?;
            found(self.with(|_| true), How::Whole)?;
            for step in 1..=BEGINNINGS {
                let count = parts.saturating_mul(step) / (BEGINNINGS + 1);
                found(self.with(|index| index < count), How::Torn)?;
                found(self.with(|index| index >= count), How::Reordered)?;
            }
            for _ in 0..SAMPLES {
                let mut lot = luck.clone();
                luck.next_word();
                let chosen: Vec<bool> = (0..parts).map(|_| lot.next_word() & 1 == 0).collect();
                found(self.with(|index| chosen.get(index) == Some(&true)), How::Reordered)?;
            }
        }
        self.ends(luck, found)
    }

    /// A flash on which bytes were being programmed, or erased.
    fn torn_cells<E>(
        &self,
        place: usize,
        cells: &[u8],
        luck: &mut TestEntropy,
        found: &mut impl FnMut(Vec<u8>, How) -> Result<(), E>,
    ) -> Result<(), E> {
        found(self.with(|_| false), How::Whole)?;
        found(self.with(|_| true), How::Whole)?;
        let is_erased = cells.iter().all(|byte| *byte == 0xFF);
        for kind in 0..TORN_CELLS {
            let mut bytes = self.durable.clone();
            let Some(torn) = bytes.get_mut(place..place.saturating_add(cells.len())) else { return Ok(()) };
            let turn = usize::try_from(luck.next_word()).unwrap_or_default() % cells.len().max(1);
            for (at, (byte, wanted)) in torn.iter_mut().zip(cells).enumerate() {
                let lot = luck.next_word() as u8;
                *byte = match kind % 4 {
                    // From the beginning, up to some of the bits of a byte.
                    0 if at < turn => *wanted,
                    0 if at == turn => *byte & !lot | wanted & lot,
                    0 => *byte,
                    // From the end.
                    1 if at >= turn => *wanted,
                    1 => *byte,
                    // Some bits everywhere.
                    2 => *byte & !lot | wanted & lot,
                    // A sector is programmed whole before it is erased.
                    _ if is_erased => lot & if turn & 1 == 0 { 0 } else { 0xFF },
                    _ if lot & 1 == 0 => *wanted,
                    _ => *byte,
                };
            }
            found(bytes, How::Torn)?;
        }
        Ok(())
    }

    /// A growing file that ends anywhere in what is new.
    fn ends<E>(&self, luck: &mut TestEntropy, found: &mut impl FnMut(Vec<u8>, How) -> Result<(), E>) -> Result<(), E> {
        let new = self.length.saturating_sub(self.durable.len());
        if new == 0 || self.pending.is_empty() {
            return Ok(());
        }
        for _ in 0..ENDS {
            let at = usize::try_from(luck.next_word()).unwrap_or_default() % new;
            let mut bytes = self.with(|_| true);
            bytes.truncate(self.durable.len().saturating_add(at));
            found(bytes, How::Torn)?;
        }
        Ok(())
    }
}

fn how(set: u32, parts: usize) -> How {
    let all = (1_u32 << parts).wrapping_sub(1);
    if set == 0 || set == all {
        How::Whole
    } else if set & set.wrapping_add(1) == 0 {
        How::Torn
    } else {
        How::Reordered
    }
}
