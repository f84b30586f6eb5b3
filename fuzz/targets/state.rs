//! State files are hostile input: whatever stands in one, opening it gives exactly a state that was committed, or a
//! refusal that leaves the file as it is.
#![no_main]

use ironroot_platform::memory::TestEntropy;
use ironroot_platform::{Change, RecordKey, Records, Storage};
use ironroot_store::simulated::SimulatedDisk;
use ironroot_store::{FileStore, Options};
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

const KEY: [u8; 32] = [0x42; 32];

/// A real state file and the states that were committed on the way to it.
struct Sample {
    file: Vec<u8>,
    states: Vec<Records>,
}

static SAMPLE: LazyLock<Sample> = LazyLock::new(|| {
    let disk = SimulatedDisk::new();
    let mut store = FileStore::create_on(disk.clone(), &KEY, Options::default(), Box::new(TestEntropy::new(1)))
        .expect("an empty disk takes a new state");
    let mut states = vec![Records::new()];
    let mut records = Records::new();
    for step in 0..6_u8 {
        let key = RecordKey(u64::from(step % 4));
        let value = vec![step; usize::from(step) * 37];
        records.insert(key, value.clone().into());
        store.commit(&[Change::Put(key, value.into())]).expect("the disk is large enough");
        states.push(records.clone());
    }
    drop(store);
    Sample { file: disk.state().expect("there is a state"), states }
});

/// Opens a disk with this state file; the records, if it is not refused.
fn open(file: &[u8]) -> Option<Records> {
    let disk = SimulatedDisk::with_state(file);
    match FileStore::open_on(disk.clone(), &KEY, Options::default(), Box::new(TestEntropy::new(2))) {
        Ok(mut store) => Some(store.load().expect("an opened state loads")),
        Err(_) => {
            assert_eq!(disk.state().as_deref(), Some(file), "a refused file was changed");
            None
        }
    }
}

/// Edits as the input says: four bytes each, an operation, a place and a value.
fn edit(file: &mut Vec<u8>, edits: &[u8]) {
    for step in edits.chunks_exact(4) {
        let (operation, value) = (step[0], step[3]);
        let place = usize::from(u16::from_be_bytes([step[1], step[2]])) % (file.len() + 1);
        match operation % 6 {
            0 if place < file.len() => file[place] ^= value,
            1 => file.truncate(place),
            2 => file.insert(place, value),
            3 if place < file.len() => drop(file.remove(place)),
            // Repeats a part: a frame put twice, an old one behind a new one.
            4 => {
                let part = file[place..file.len().min(place + usize::from(value) * 4)].to_vec();
                file.extend(part);
            }
            5 => file.resize(file.len() + usize::from(value), 0),
            _ => {}
        }
    }
}

fuzz_target!(|input: &[u8]| {
    let Some((mode, rest)) = input.split_first() else { return };
    if mode % 2 == 0 {
        // Bytes from nowhere: nobody has the key, so nothing can be accepted.
        assert!(open(rest).is_none(), "a forged state was accepted");
    } else {
        let mut file = SAMPLE.file.clone();
        edit(&mut file, rest);
        if let Some(records) = open(&file) {
            assert!(SAMPLE.states.contains(&records), "a state that was never committed");
        }
    }
});
