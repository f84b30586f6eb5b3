//! The numbers, in one file that never forgets one.
//!
//! A header, then two blocks for each state, written in turn: a write that is cut off leaves the other. A change counts when
//! [`Ledger::settle`] has returned, which may make many of them durable at once. docs/witness.md has the bytes.

use crate::WitnessError;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

/// What disks write whole or not at all. Bytes.
const BLOCK: usize = 512;
const SUMMED: usize = 480;
/// Two blocks a state.
const PLACE: usize = 2 * BLOCK;
const HEADER: &[u8; 8] = b"IRWLDG\x00\x01";
const SLOT: &[u8; 8] = b"IRWSLT\x00\x01";
/// A ledger has no more states than this; 128 MiB.
pub const MOST: usize = 1 << 17;

/// Where a ledger lies: a file, or what stands for one in tests.
pub trait Disk {
    /// Everything.
    ///
    /// # Errors
    /// The operating system's.
    fn read(&mut self) -> io::Result<Vec<u8>>;
    /// Writes at a place; what lies behind the end grows.
    ///
    /// # Errors
    /// The operating system's. Some of it may have been written.
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()>;
    /// Returns when what was written survives a power cut.
    ///
    /// # Errors
    /// The operating system's. What was written before may be lost then, whatever a later call says.
    fn sync(&mut self) -> io::Result<()>;
}

impl Disk for File {
    fn read(&mut self) -> io::Result<Vec<u8>> {
        let length = usize::try_from(self.metadata()?.len()).unwrap_or(usize::MAX);
        let most = MOST.saturating_mul(PLACE).saturating_add(BLOCK);
        if length > most {
            return Err(io::Error::other(format!("it is {length} bytes long, and a ledger has at most {most}")));
        }
        let mut bytes = vec![0; length];
        self.read_exact_at(&mut bytes, 0)?;
        Ok(bytes)
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.write_all_at(bytes, offset)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }
}

/// What is known of a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// The number.
    pub number: u64,
    /// The key that its requests are signed with.
    pub device: [u8; 32],
    /// The nonce of the request that made the number what it is.
    pub nonce: [u8; 32],
    /// Under which enrolment it was registered.
    pub enrolment: [u8; 16],
    /// When the number last changed, in seconds of the UNIX epoch by the clock of the witness; for people.
    pub changed: u64,
}

/// An entry and where it is.
struct Placed {
    entry: Entry,
    index: usize,
    /// Which of its two blocks is written next.
    next: usize,
}

/// The numbers.
pub struct Ledger<D> {
    disk: D,
    states: HashMap<[u8; 16], Placed>,
    /// Places that are taken, whole or damaged.
    places: usize,
    damaged: usize,
}

/// What a block holds.
enum Slot {
    Empty,
    Broken,
    Good([u8; 16], Entry),
}

impl Ledger<File> {
    /// Opens the ledger of a witness, or makes one, and holds it against other processes.
    ///
    /// # Errors
    /// The file, what is wrong with it, and the next step.
    pub fn open_file(path: &Path, witness: &[u8; 32], make: bool) -> Result<Self, WitnessError> {
        let failed = |error: &dyn std::fmt::Display| WitnessError::during(path.display(), error);
        let mut options = OpenOptions::new();
        options.read(true).write(true).mode(0o600);
        if make {
            options.create_new(true);
        }
        let mut file = options.open(path).map_err(|error| failed(&error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(failed(&"another process keeps this witness; stop it, or take another folder"));
            }
            Err(TryLockError::Error(error)) => return Err(failed(&error)),
        }
        if make {
            Disk::write_at(&mut file, 0, &header(witness))
                .and_then(|()| file.sync_all())
                .map_err(|error| failed(&error))?;
        }
        Self::open(file, witness).map_err(|error| failed(&error))
    }

    /// Looks at a ledger while a witness keeps it.
    ///
    /// # Errors
    /// As [`Self::open_file`].
    pub fn look(path: &Path, witness: &[u8; 32]) -> Result<Self, WitnessError> {
        let failed = |error: &dyn std::fmt::Display| WitnessError::during(path.display(), error);
        let file = File::open(path).map_err(|error| failed(&error))?;
        Self::open(file, witness).map_err(|error| failed(&error))
    }
}

impl<D: Disk> Ledger<D> {
    /// An empty ledger on an empty disk.
    ///
    /// # Errors
    /// The disk's.
    pub fn create(mut disk: D, witness: &[u8; 32]) -> Result<Self, WitnessError> {
        disk.write_at(0, &header(witness))
            .and_then(|()| disk.sync())
            .map_err(|error| WitnessError::during("making the ledger", error))?;
        Self::open(disk, witness)
    }

    /// Reads a ledger. What is damaged is counted and left alone: a state whose number is lost is one that the witness does
    /// not know, and its TPM says so.
    ///
    /// # Errors
    /// It is no ledger, or another witness's.
    pub fn open(mut disk: D, witness: &[u8; 32]) -> Result<Self, WitnessError> {
        let bytes = disk.read().map_err(|error| WitnessError::during("reading the ledger", error))?;
        let (first, rest) = bytes.split_at_checked(BLOCK).unwrap_or_default();
        if *first != header(witness) {
            return Err(WitnessError::new(
                "this is not the ledger of this witness (or its first block is damaged); put the right one back, with the \
                 key that belongs to it",
            ));
        }
        let mut ledger = Self { disk, states: HashMap::new(), places: 0, damaged: 0 };
        let pieces = rest.len().div_ceil(PLACE);
        for (index, place) in rest.chunks(PLACE).enumerate() {
            let (one, two) = place.split_at_checked(BLOCK).unwrap_or((place, &[]));
            let newest = match (read_slot(one), read_slot(two)) {
                // The remains of a registration that was cut off before its first block was written; or of nothing.
                (Slot::Empty, Slot::Empty) => continue,
                (Slot::Good(name, one), Slot::Good(other, two)) if name == other => {
                    Some(if two.number > one.number { (name, two, 0) } else { (name, one, 1) })
                }
                (Slot::Good(name, one), Slot::Empty | Slot::Broken) => Some((name, one, 1)),
                (Slot::Empty | Slot::Broken, Slot::Good(name, two)) => Some((name, two, 0)),
                _ => None,
            };
            // A registration that was cut off was never acknowledged: its place, the last, is free.
            if newest.is_none() && index.saturating_add(1) == pieces && place.len() < PLACE {
                continue;
            }
            ledger.places = index.saturating_add(1);
            match newest {
                Some((name, entry, next)) if !ledger.states.contains_key(&name) => {
                    ledger.states.insert(name, Placed { entry, index, next });
                }
                _ => ledger.damaged = ledger.damaged.saturating_add(1),
            }
        }
        Ok(ledger)
    }

    /// What is known of a state.
    #[must_use]
    pub fn find(&self, name: &[u8; 16]) -> Option<&Entry> {
        self.states.get(name).map(|placed| &placed.entry)
    }

    /// All states.
    pub fn entries(&self) -> impl Iterator<Item = (&[u8; 16], &Entry)> {
        self.states.iter().map(|(name, placed)| (name, &placed.entry))
    }

    /// How many states were registered under an enrolment.
    #[must_use]
    pub fn registered(&self, enrolment: &[u8; 16]) -> usize {
        self.states.values().filter(|placed| placed.entry.enrolment == *enrolment).count()
    }

    /// Whether there is room for another state.
    #[must_use]
    pub const fn has_room(&self) -> bool {
        self.places < MOST
    }

    /// How many places hold something that cannot be read.
    #[must_use]
    pub const fn damaged(&self) -> usize {
        self.damaged
    }

    /// The disk again.
    pub fn into_disk(self) -> D {
        self.disk
    }

    /// Begins to count for a state that is not known. It is registered when [`Self::settle`] returns.
    ///
    /// # Errors
    /// The disk's; the ledger is then as it was.
    pub fn register(&mut self, name: &[u8; 16], entry: Entry) -> io::Result<()> {
        let slot = write_slot(name, &entry);
        self.disk.write_at(offset(self.places, 0), &[slot, slot].concat())?;
        self.states.insert(*name, Placed { entry, index: self.places, next: 0 });
        self.places = self.places.saturating_add(1);
        Ok(())
    }

    /// Raises a number. It is raised when [`Self::settle`] returns; until then, no other change of the same state may be
    /// made, or a power cut could lose both.
    ///
    /// # Errors
    /// The disk's, or the state is not known, or its number is not lower.
    pub fn advance(&mut self, name: &[u8; 16], number: u64, nonce: [u8; 32], now: u64) -> io::Result<()> {
        let Some(placed) = self.states.get_mut(name).filter(|placed| placed.entry.number < number) else {
            return Err(io::Error::other("a number goes up, never down"));
        };
        let entry = Entry { number, nonce, changed: now, ..placed.entry };
        self.disk.write_at(offset(placed.index, placed.next), &write_slot(name, &entry))?;
        placed.entry = entry;
        placed.next = usize::from(placed.next == 0);
        Ok(())
    }

    /// Returns when every change so far survives a power cut.
    ///
    /// # Errors
    /// The disk's. What it holds is not known after that; whoever keeps the ledger has to open it anew.
    pub fn settle(&mut self) -> io::Result<()> {
        self.disk.sync()
    }
}

fn offset(index: usize, slot: usize) -> u64 {
    let place = index.saturating_mul(PLACE).saturating_add(slot.saturating_mul(BLOCK));
    place.saturating_add(BLOCK) as u64
}

/// A block: the parts, zeros, and the hash of both.
fn block(parts: &[&[u8]]) -> [u8; BLOCK] {
    let mut bytes = parts.concat();
    bytes.resize(SUMMED, 0);
    let sum = Sha256::digest(&bytes);
    bytes.extend_from_slice(&sum);
    bytes.try_into().unwrap_or([0; BLOCK])
}

fn header(witness: &[u8; 32]) -> [u8; BLOCK] {
    block(&[HEADER, &[0; 8], witness])
}

fn write_slot(name: &[u8; 16], entry: &Entry) -> [u8; BLOCK] {
    let Entry { number, device, nonce, enrolment, changed } = entry;
    block(&[SLOT, &number.to_be_bytes(), name, device, nonce, enrolment, &changed.to_be_bytes()])
}

fn read_slot(bytes: &[u8]) -> Slot {
    if bytes.iter().all(|byte| *byte == 0) {
        return Slot::Empty;
    }
    let parsed = || {
        let (magic, rest) = bytes.split_first_chunk::<8>()?;
        let (number, rest) = rest.split_first_chunk()?;
        let (name, rest) = rest.split_first_chunk()?;
        let (device, rest) = rest.split_first_chunk()?;
        let (nonce, rest) = rest.split_first_chunk()?;
        let (enrolment, rest) = rest.split_first_chunk()?;
        let (changed, _) = rest.split_first_chunk()?;
        let entry = Entry {
            number: u64::from_be_bytes(*number),
            device: *device,
            nonce: *nonce,
            enrolment: *enrolment,
            changed: u64::from_be_bytes(*changed),
        };
        // One form: checksum, zeros and all.
        (magic == SLOT && write_slot(name, &entry) == *bytes).then_some(Slot::Good(*name, entry))
    };
    parsed().unwrap_or(Slot::Broken)
}

#[cfg(test)]
mod tests;
