//! The ledger under power cuts, damage, and other people's files.
#![allow(clippy::unwrap_used, clippy::arithmetic_side_effects, clippy::indexing_slicing)]

use super::*;

const WITNESS: [u8; 32] = [0x77; 32];

/// A disk that remembers what was done to it.
#[derive(Clone, Default)]
struct Memory {
    durable: Vec<u8>,
    now: Vec<u8>,
    trace: Vec<Step>,
}

#[derive(Clone)]
enum Step {
    Write(u64, Vec<u8>),
    Sync,
}

fn write(to: &mut Vec<u8>, offset: u64, bytes: &[u8]) {
    let begin = usize::try_from(offset).unwrap();
    if to.len() < begin + bytes.len() {
        to.resize(begin + bytes.len(), 0);
    }
    to[begin..begin + bytes.len()].copy_from_slice(bytes);
}

impl Disk for Memory {
    fn read(&mut self) -> io::Result<Vec<u8>> {
        Ok(self.now.clone())
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        write(&mut self.now, offset, bytes);
        self.trace.push(Step::Write(offset, bytes.to_vec()));
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        self.durable.clone_from(&self.now);
        self.trace.push(Step::Sync);
        Ok(())
    }
}

fn entry(device: u8) -> Entry {
    Entry { number: 0, device: [device; 32], nonce: [device; 32], enrolment: [9; 16], changed: 5 }
}

fn open(bytes: Vec<u8>) -> Result<Ledger<Memory>, WitnessError> {
    Ledger::open(Memory { now: bytes, ..Memory::default() }, &WITNESS)
}

/// Three states, advanced in rounds of one to three, with what was acknowledged after each step of the disk.
fn history() -> (Vec<Step>, Vec<HashMap<[u8; 16], u64>>) {
    let mut ledger = Ledger::create(Memory::default(), &WITNESS).unwrap();
    let mut acknowledged = HashMap::new();
    let mut at = vec![acknowledged.clone(); ledger.disk.trace.len()];
    for round in 0..24_u64 {
        let mut pending = acknowledged.clone();
        for state in 0..3_u8 {
            let name = [state; 16];
            if ledger.find(&name).is_none() {
                if round == u64::from(state) * 3 {
                    ledger.register(&name, entry(state)).unwrap();
                    pending.insert(name, 0);
                }
            } else if (round + u64::from(state)) % 3 != 0 {
                let number = ledger.find(&name).unwrap().number + 1 + round % 2;
                ledger.advance(&name, number, [7; 32], round).unwrap();
                pending.insert(name, number);
            }
        }
        at.resize(ledger.disk.trace.len(), acknowledged.clone());
        ledger.settle().unwrap();
        acknowledged = pending;
        at.resize(ledger.disk.trace.len(), acknowledged.clone());
    }
    (ledger.into_disk().trace, at)
}

/// After a cut at any step, with any choice of the blocks that were not flushed, no number is below what was acknowledged.
#[test]
fn no_power_cut_turns_a_number_back() {
    let (trace, acknowledged) = history();
    let mut tried = 0;
    for cut in 1..=trace.len() {
        let mut durable = Vec::new();
        let mut unflushed: Vec<(u64, Vec<u8>)> = Vec::new();
        for step in &trace[..cut] {
            match step {
                Step::Write(offset, bytes) => {
                    let blocks = bytes.chunks(BLOCK).enumerate();
                    unflushed.extend(blocks.map(|(n, part)| (offset + (n * BLOCK) as u64, part.to_vec())));
                }
                Step::Sync => unflushed.drain(..).for_each(|(offset, bytes)| write(&mut durable, offset, &bytes)),
            }
        }
        if durable.is_empty() {
            continue;
        }
        assert!(unflushed.len() <= 8, "{}", unflushed.len());
        for choice in 0..1_u32 << unflushed.len() {
            let mut disk = durable.clone();
            for (place, (offset, bytes)) in unflushed.iter().enumerate() {
                if choice >> place & 1 == 1 {
                    write(&mut disk, *offset, bytes);
                }
            }
            let ledger = open(disk).unwrap();
            for (name, number) in &acknowledged[cut - 1] {
                let found = ledger.find(name).map(|entry| entry.number);
                assert!(found.is_some_and(|found| found >= *number), "cut {cut}: {found:?}, acknowledged {number}");
            }
            assert_eq!(ledger.damaged(), 0);
            tried += 1;
        }
    }
    assert!(tried > 150, "{tried}");
}

#[test]
fn a_number_goes_up_only() {
    let mut ledger = Ledger::create(Memory::default(), &WITNESS).unwrap();
    ledger.register(&[1; 16], entry(1)).unwrap();
    ledger.advance(&[1; 16], 5, [0; 32], 0).unwrap();
    for number in [0, 4, 5] {
        assert!(ledger.advance(&[1; 16], number, [0; 32], 0).is_err());
    }
    assert!(ledger.advance(&[2; 16], 1, [0; 32], 0).is_err());
    assert_eq!(ledger.find(&[1; 16]).unwrap().number, 5);
}

/// Whichever byte is damaged, a state keeps its number, falls back by one change, or is gone; it never gets another one.
#[test]
fn damage_is_seen() {
    let mut ledger = Ledger::create(Memory::default(), &WITNESS).unwrap();
    ledger.register(&[1; 16], entry(1)).unwrap();
    ledger.register(&[2; 16], entry(2)).unwrap();
    for number in 1..4 {
        ledger.advance(&[1; 16], number, [3; 32], number).unwrap();
    }
    let good = ledger.into_disk().now;
    assert_eq!(good.len(), BLOCK + 2 * PLACE);
    for at in 0..good.len() {
        let mut bytes = good.clone();
        bytes[at] ^= 0x10;
        match open(bytes) {
            Err(error) => assert!(at < BLOCK, "{at}: {error}"),
            Ok(ledger) => {
                assert!(at >= BLOCK);
                let numbers = [1, 2].map(|name| ledger.find(&[name; 16]).map(|entry| entry.number));
                assert!([[Some(3), Some(0)], [Some(2), Some(0)]].contains(&numbers), "{at}: {numbers:?}");
            }
        }
    }
    // Both blocks of one state: it is gone, and counted.
    let mut bytes = good.clone();
    bytes[BLOCK + 20] ^= 1;
    bytes[2 * BLOCK + 20] ^= 1;
    let ledger = open(bytes).unwrap();
    assert_eq!((ledger.damaged(), ledger.find(&[1; 16]).is_none()), (1, true));
    // Another witness's, an empty one, one that is too short.
    assert!(Ledger::open(Memory { now: good.clone(), ..Memory::default() }, &[1; 32]).is_err());
    assert!(open(Vec::new()).is_err());
    assert!(open(good[..100].to_vec()).is_err());
}

/// The last place may be a registration that was cut off; the next one takes it over.
#[test]
fn a_registration_that_was_cut_off_is_not_there() {
    let mut ledger = Ledger::create(Memory::default(), &WITNESS).unwrap();
    ledger.register(&[1; 16], entry(1)).unwrap();
    ledger.register(&[2; 16], entry(2)).unwrap();
    let good = ledger.into_disk().now;
    for length in BLOCK + PLACE..BLOCK + PLACE + BLOCK {
        let mut ledger = open(good[..length].to_vec()).unwrap();
        assert!(ledger.find(&[2; 16]).is_none());
        ledger.register(&[3; 16], entry(3)).unwrap();
        let again = open(ledger.into_disk().now).unwrap();
        assert_eq!((again.entries().count(), again.damaged()), (2, 0), "{length}");
    }
}

#[test]
fn a_file_is_held() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger");
    let ledger = Ledger::open_file(&path, &WITNESS, true).unwrap();
    let Err(error) = Ledger::open_file(&path, &WITNESS, false) else { panic!("opened twice") };
    assert!(error.to_string().contains("another process keeps this witness"), "{error}");
    assert!(Ledger::look(&path, &WITNESS).is_ok());
    assert!(Ledger::open_file(&path, &WITNESS, true).is_err());
    drop(ledger);
    assert!(Ledger::open_file(&path, &WITNESS, false).is_ok());
}
