//! The counter's file: it counts, survives a torn write, and believes nobody else.
#![allow(clippy::arithmetic_side_effects, clippy::indexing_slicing)]

use super::*;
use std::fs;

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("ironroot-counter-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn state(id: u8) -> CountedState {
    CountedState { id: [id; 16], secret: zeroize::Zeroizing::new([id ^ 0x5a; 32]) }
}

#[test]
fn counts_and_never_goes_back() {
    let folder = Folder::new("counts");
    let mut counter = FileCounter::new(&folder.0);
    assert!(matches!(counter.read(&state(1)), Err(CounterError::Missing(_))));
    counter.register(&state(1)).unwrap();
    assert!(matches!(counter.register(&state(1)), Err(CounterError::Refused(_))));
    assert_eq!(counter.read(&state(1)), Ok(0));
    for number in [1, 2, 3, 10, 1 << 40] {
        counter.advance(&state(1), number).unwrap();
        assert_eq!(counter.advance(&state(1), number), Err(CounterError::Ahead(number)));
        assert_eq!(counter.advance(&state(1), number - 1), Err(CounterError::Ahead(number)));
        // Another reader, while this one does not hold the file.
        drop(counter);
        counter = FileCounter::new(&folder.0);
        assert_eq!(counter.read(&state(1)), Ok(number));
    }
    let path = counter.path(&state(1).id);
    assert_eq!(fs::metadata(path).unwrap().len(), 1024);
    let mut other = FileCounter::new(&folder.0);
    assert!(matches!(other.read(&state(1)), Err(CounterError::Refused(text)) if text.contains("in use")));
    other.register(&state(2)).unwrap();
    assert_eq!(other.read(&state(2)), Ok(0));
}

#[test]
fn a_torn_write_leaves_the_number_before_it() {
    let folder = Folder::new("torn");
    let mut counter = FileCounter::new(&folder.0);
    counter.register(&state(1)).unwrap();
    let path = counter.path(&state(1).id);
    let mut before = fs::read(&path).unwrap();
    for number in 1..6 {
        counter.advance(&state(1), number).unwrap();
        let after = fs::read(&path).unwrap();
        // Every length of the write that was cut off.
        let slot = if before[..512] == after[..512] { 512 } else { 0 };
        for length in 0..512 {
            let mut torn = before.clone();
            torn[slot..slot + length].copy_from_slice(&after[slot..slot + length]);
            fs::write(&path, &torn).unwrap();
            let found = counter.read(&state(1)).unwrap();
            assert!(found == number - 1 || torn == after && found == number, "{number}, {length} bytes: {found}");
        }
        fs::write(&path, &after).unwrap();
        assert_eq!(counter.read(&state(1)), Ok(number));
        before = after;
    }
}

#[test]
fn nobody_else_can_write_it() {
    let folder = Folder::new("forged");
    let mut counter = FileCounter::new(&folder.0);
    counter.register(&state(1)).unwrap();
    counter.advance(&state(1), 7).unwrap();
    let path = counter.path(&state(1).id);
    let good = fs::read(&path).unwrap();
    let refused = |bytes: &[u8], counter: &mut FileCounter| {
        fs::write(&path, bytes).unwrap();
        assert!(matches!(counter.read(&state(1)), Err(CounterError::Refused(_))), "{}", bytes.len());
        assert!(matches!(counter.advance(&state(1), 100), Err(CounterError::Refused(_))));
        assert_eq!(fs::read(&path).unwrap(), bytes, "the file was touched");
    };
    // Any one bit wrong with a checksum that somebody made good again, in each slot.
    for byte in 0..SUMMED {
        let slot = byte % 2 * BLOCK;
        let mut forged = good.clone();
        forged[slot + byte] ^= 1 << (byte / 2 % 8);
        let sum = Sha256::digest(&forged[slot..slot + SUMMED]);
        forged[slot + SUMMED..slot + BLOCK].copy_from_slice(&sum);
        refused(&forged, &mut counter);
    }
    // Another state's, both slots damaged, cut short, empty.
    let other = [write_slot(&state(2), 9), write_slot(&state(2), 9)].concat();
    refused(&other, &mut counter);
    refused(&[0; 1024], &mut counter);
    refused(&good.iter().map(|byte| byte ^ 1).collect::<Vec<_>>(), &mut counter);
    refused(&good[..511], &mut counter);
    refused(&[], &mut counter);
    // One damaged slot is what a cut-off write leaves.
    for byte in 0..BLOCK {
        let mut damaged = good.clone();
        damaged[byte] ^= 1 << (byte % 8);
        fs::write(&path, &damaged).unwrap();
        assert!(matches!(counter.read(&state(1)), Ok(0 | 7)));
    }
}

#[test]
fn links_and_pipes_are_no_counters() {
    let folder = Folder::new("links");
    let mut counter = FileCounter::new(&folder.0);
    counter.register(&state(1)).unwrap();
    let path = counter.path(&state(1).id);
    fs::rename(&path, folder.0.join("elsewhere")).unwrap();
    std::os::unix::fs::symlink(folder.0.join("elsewhere"), &path).unwrap();
    assert!(matches!(FileCounter::new(&folder.0).read(&state(1)), Err(CounterError::Unreachable(_))));
    fs::remove_file(&path).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    for mut counter in [FileCounter::new(&folder.0), FileCounter::observing(&folder.0)] {
        assert!(matches!(counter.read(&state(1)), Err(CounterError::Unreachable(_))));
    }
}
