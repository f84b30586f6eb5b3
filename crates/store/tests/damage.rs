//! Every flipped bit, every length, every frame taken out, doubled or moved: refused with the reason, or exactly a
//! prefix of what was committed.
#![allow(clippy::arithmetic_side_effects, clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod common;

use common::*;
use ironroot_platform::{Records, Storage, StorageError, memory::TestEntropy};
use ironroot_store::simulated::SimulatedDisk;

/// A state after a dozen commits: the file, the end of each frame, the records after each.
fn sample() -> (Vec<u8>, Vec<usize>, Vec<Records>) {
    let disk = SimulatedDisk::new();
    let mut store = create(&disk, POWER);
    let mut records = Records::new();
    let mut states = vec![records.clone()];
    let mut random = TestEntropy::new(7);
    for _ in 0..12 {
        let changes = random_commit(&mut random);
        store.commit(&changes).unwrap();
        apply(&mut records, &changes);
        states.push(records.clone());
    }
    let file = disk.state().unwrap();
    let mut ends = vec![1024];
    for _ in 0..12 {
        let at = *ends.last().unwrap();
        let blocks = u32::from_be_bytes(file[at + 12..at + 16].try_into().unwrap());
        ends.push(at + blocks as usize * 512);
    }
    (file, ends, states)
}

fn refused(file: &[u8], words: &str) -> String {
    let disk = SimulatedDisk::with_state(file);
    let Err(StorageError::Refused(text)) = open(&disk, POWER).map(|_| ()) else {
        panic!("accepted: {words}");
    };
    assert!(text.contains(words), "{text} does not say {words}");
    assert_eq!(disk.state().unwrap(), file, "the file was touched");
    assert_eq!(disk.operations(), 0, "something was written");
    text
}

#[test]
fn every_bit_of_the_used_part_and_some_of_the_rest() {
    let (mut file, ends, _) = sample();
    let end = *ends.last().unwrap();
    assert!(end * 8 > 1000 && end < file.len());
    for position in (0..end).chain((end..file.len()).step_by(13)) {
        let bits = if position < end { 0..8 } else { 0..1 };
        for bit in bits {
            file[position] ^= 1 << ((bit + position) % 8);
            let text = refused(&file, "damaged at byte");
            let at: usize = text.split("byte ").nth(1).unwrap().split(':').next().unwrap().parse().unwrap();
            // The place named is the frame that holds the bit (or, for a sequence number ahead of it, its block).
            let frame = ends.iter().copied().take_while(|end| *end <= position).last().unwrap_or(0);
            if position >= 1024 {
                assert_eq!(at, if position < end { frame } else { position / 512 * 512 });
            }
            file[position] ^= 1 << ((bit + position) % 8);
        }
    }
}

#[test]
fn every_length_is_a_prefix_or_refused() {
    let (file, ends, states) = sample();
    for length in (0..ends[12] + 1024).chain((ends[12]..file.len()).step_by(97)) {
        let cut = &file[..length];
        let disk = SimulatedDisk::with_state(cut);
        if length < ends[0] {
            refused(cut, if length < 8 { "not an Ironroot state" } else { "damaged at byte" });
            continue;
        }
        let whole = ends.iter().filter(|end| **end <= length).count() - 1;
        let mut store = open(&disk, POWER).unwrap();
        assert_eq!(store.load().unwrap(), states[whole], "length {length}");
        assert_eq!(disk.state().unwrap(), cut, "reading changed the file");
        if length % 97 == 0 {
            // And it goes on from there.
            let mut records = states[whole].clone();
            let changes = [put(99, b"after the cut")];
            store.commit(&changes).unwrap();
            apply(&mut records, &changes);
            assert_eq!(contents(&disk).unwrap(), records);
        }
    }
}

#[test]
fn frames_cannot_be_removed_doubled_or_moved() {
    let (file, ends, _) = sample();
    let frame = |n: usize| &file[ends[n]..ends[n + 1]];
    let (head, tail) = (&file[..ends[3]], &file[ends[4]..]);
    refused(&[head, tail].concat(), "frame 6 stands where frame 5 belongs");
    refused(&[head, frame(3), frame(3), tail].concat(), "stands where");
    refused(&[head, frame(4), frame(3), &file[ends[5]..]].concat(), "stands where");
    refused(&[head, &vec![0; frame(3).len()], tail].concat(), "frame 5 is missing");
    refused(&[&file[..512], &file[ends[0]..]].concat(), "stands where");
    let mut padded = file.clone();
    padded.extend_from_slice(b"more");
    padded.resize(file.len() + 512, 0);
    refused(&padded, "there is something where nothing was written");
}

#[test]
fn frames_of_another_history_do_not_fit() {
    // Two files with the same identifier and key that went different ways: a copy that was used on.
    let (file, ends, _) = sample();
    let at = *ends.last().unwrap();
    let grow = |value: &[u8]| {
        let disk = SimulatedDisk::with_state(&file);
        let mut store = open(&disk, POWER).unwrap();
        store.commit(&[put(1, value)]).unwrap();
        store.commit(&[put(2, value)]).unwrap();
        disk.state().unwrap()
    };
    let (a, b) = (grow(b"aa"), grow(b"bb"));
    let mixed = [&a[..at + 512], &b[at + 512..]].concat();
    refused(&mixed, "does not authenticate");
    // The same commit sealed twice has two ciphertexts: the nonce did not repeat for another plaintext.
    assert_ne!(a[at + 64..at + 512], b[at + 64..at + 512]);
}

#[test]
fn other_files_other_keys_and_later_formats_are_told_apart() {
    let (file, ..) = sample();
    refused(&[], "not an Ironroot state");
    refused(&[0; 4096], "not an Ironroot state");
    refused(&[0xaa; 4096], "not an Ironroot state");
    refused("SQLite format 3\0".repeat(100).as_bytes(), "not an Ironroot state");
    let disk = SimulatedDisk::with_state(&file);
    let other = ironroot_store::FileStore::open_on(disk.clone(), &[1; 32], POWER, Box::new(TestEntropy::new(1)));
    let Err(StorageError::Refused(text)) = other.map(|_| ()) else { panic!("accepted another key") };
    assert!(text.contains("another key") && text.contains("product secret"), "{text}");
    assert_eq!(disk.operations(), 0);

    let mut newer = file;
    newer[9] = 3;
    refused(&newer, "damaged at byte 0");
    use sha2::Digest;
    let sum = sha2::Sha256::digest(&newer[..480]);
    newer[480..512].copy_from_slice(&sum);
    refused(&newer, "format version 3");
}

#[test]
fn random_bytes_never_panic() {
    let (file, ends, _) = sample();
    let mut random = TestEntropy::new(3);
    for _ in 0..20_000 {
        let mut hostile = file.clone();
        for _ in 0..1 + random.next_word() % 4 {
            let at = random.next_word() as usize % (ends[12] + 1024);
            let length = random.next_word() as usize % 600;
            let byte = random.next_word();
            hostile[at..].iter_mut().take(length).for_each(|b| *b = if byte & 1 == 0 { 0 } else { (byte >> 8) as u8 });
        }
        hostile.truncate(random.next_word() as usize % (file.len() + 1));
        // Whatever it says, it must not panic.
        let _ = open(&SimulatedDisk::with_state(&hostile), POWER).map(|_| ());
    }
}
