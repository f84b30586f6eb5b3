//! What must be refused, with the reason, and the file untouched: old copies, other devices, other keys, every bit of every byte
//! of a small state, every length. Prints a table of reasons.
#![allow(clippy::arithmetic_side_effects, clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod common;

use common::*;
use ironroot_platform::{Storage, StorageError};
use ironroot_store::{Access, Cost, FileCounter, FileStore, NewCounter, Policy, SecondKey, inspect};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use zeroize::Zeroizing;

/// Cheap to guess, for tests.
const COST: Cost = Cost { memory: 64, passes: 1, lanes: 1 };

fn key(fill: u8) -> SecondKey {
    SecondKey::Key(Zeroizing::new([fill; 32]))
}

fn words(text: &str) -> SecondKey {
    SecondKey::Passphrase(Zeroizing::new(text.as_bytes().to_vec()))
}

/// A state in a folder and its counter in another, the file cut to a block behind its last frame, and all of its earlier
/// copies.
struct Sample {
    folder: TestFolder,
    file: Vec<u8>,
    end: usize,
    copies: Vec<Vec<u8>>,
}

impl Sample {
    fn new(name: &str, access: impl Fn() -> Access) -> Self {
        let folder = TestFolder::new(name);
        let (tpm, counters) = (folder.0.join("tpm"), folder.0.join("counters"));
        fs::create_dir(&counters).unwrap();
        let counter = NewCounter {
            counter: Box::new(FileCounter::new(&counters)),
            place: counters.to_str().unwrap().into(),
            policy: Policy::EveryCommit,
        };
        let mut store = FileStore::create_counted(&tpm, access(), POWER, counter).unwrap();
        let mut copies = Vec::new();
        for n in 0..3 {
            copies.push(fs::read(tpm.join("state")).unwrap());
            store.commit(&[put(n, &[n as u8 + 1; 300])]).unwrap();
        }
        drop(store);
        let report = inspect(&tpm, &mut access()).unwrap();
        let end = usize::try_from(report.contents.unwrap().end).unwrap();
        let mut file = fs::read(tpm.join("state")).unwrap();
        file.truncate(end + 512);
        fs::write(tpm.join("state"), &file).unwrap();
        Self { folder, file, end, copies }
    }

    fn tpm(&self) -> PathBuf {
        self.folder.0.join("tpm")
    }

    /// Puts `file` in the state's place. It must be refused, by whoever looks and whoever opens, for the same reason; nothing
    /// may be written. Returns the reason, and the byte that is named.
    fn refused(&self, file: &[u8], access: impl Fn() -> Access) -> (&'static str, Option<u64>) {
        let path = self.tpm().join("state");
        fs::write(&path, file).unwrap();
        let before = Sha256::digest(file);
        let damage = inspect(&self.tpm(), &mut access()).unwrap().contents.map(|_| ()).expect_err("accepted");
        match FileStore::open(&self.tpm(), access(), POWER).map(|_| ()) {
            Err(StorageError::Refused(text)) => assert!(text.ends_with(&damage.text), "{text} is not {}", damage.text),
            other => panic!("{}: {other:?}", damage.text),
        }
        assert!(damage.text.contains("nothing was changed"), "{}", damage.text);
        assert_eq!(Sha256::digest(fs::read(&path).unwrap()), before, "the file was touched");
        let names = fs::read_dir(self.tpm()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.collect();
        names.sort();
        assert_eq!(names, ["lock", "state"], "something was left behind");
        (damage.code, damage.offset)
    }

    /// The state and its counter are as good as ever.
    fn still_opens(&self, access: impl Fn() -> Access) {
        fs::write(self.tpm().join("state"), &self.file).unwrap();
        assert_eq!(FileStore::open(&self.tpm(), access(), POWER).unwrap().load().unwrap().len(), 3);
    }
}

/// How often each reason was given.
#[derive(Default)]
struct Table(BTreeMap<(&'static str, &'static str), usize>);

impl Table {
    fn count(&mut self, what: &'static str, reason: &'static str) {
        *self.0.entry((what, reason)).or_default() += 1;
    }

    fn print(&self) {
        self.0.iter().for_each(|((what, reason), number)| println!("{what:28} {reason:22} {number:7}"));
    }

    fn total(&self, what: &str) -> usize {
        self.0.iter().filter(|((found, _), _)| *found == what).map(|(_, number)| number).sum()
    }
}

fn plain() -> Access {
    Access::new(&KEY)
}

#[test]
fn every_bit_of_every_byte() {
    let sample = Sample::new("refused-bits", plain);
    let mut table = Table::default();
    let mut file = sample.file.clone();
    let on_disk = fs::OpenOptions::new().write(true).open(sample.tpm().join("state")).unwrap();
    for position in 0..file.len() {
        for bit in 0..8 {
            file[position] ^= 1 << bit;
            // Whoever looks, for each bit; whoever opens, for one of each byte (on a disk in memory, damage.rs has them all).
            let (reason, at) = if bit == position % 8 {
                sample.refused(&file, plain)
            } else {
                on_disk.write_all_at(&file[position..=position], position as u64).unwrap();
                let damage = inspect(&sample.tpm(), &mut plain()).unwrap().contents.map(|_| ()).expect_err("accepted");
                (damage.code, damage.offset)
            };
            assert_eq!(reason, "damaged", "byte {position}, bit {bit}");
            // The place is the part that the bit is in.
            let at = usize::try_from(at.unwrap()).unwrap();
            assert!(at <= position && (position < 512) == (at == 0), "byte {position}: said {at}");
            table.count("one wrong bit", reason);
            file[position] ^= 1 << bit;
        }
        on_disk.write_all_at(&file[position..=position], position as u64).unwrap();
    }
    assert_eq!(fs::read(sample.tpm().join("state")).unwrap(), sample.file);
    table.print();
    assert_eq!(table.total("one wrong bit"), (sample.end + 512) * 8);
    sample.still_opens(plain);
}

#[test]
fn every_length() {
    let sample = Sample::new("refused-lengths", plain);
    let mut table = Table::default();
    for length in 0..sample.end {
        let (reason, _) = sample.refused(&sample.file[..length], plain);
        // From the end of the checkpoint on, what is left is a whole older state: the counter knows better.
        // The size of the first frame, in blocks, stands in its header.
        let blocks = u32::from_be_bytes(sample.file[524..528].try_into().unwrap());
        let checkpoint = 512 + blocks as usize * 512;
        let expected = match length {
            0..8 => "not-a-state",
            _ if length < checkpoint => "damaged",
            _ => "rollback",
        };
        assert_eq!(reason, expected, "{length} bytes");
        table.count("cut short", reason);
    }
    table.print();
    sample.still_opens(plain);
    // Without the zeros at the end nothing is missing.
    for length in sample.end..sample.file.len() {
        fs::write(sample.tpm().join("state"), &sample.file[..length]).unwrap();
        assert_eq!(FileStore::open(&sample.tpm(), plain(), POWER).unwrap().load().unwrap().len(), 3);
    }
}

#[test]
fn old_copies_other_devices_other_keys_and_counters() {
    let mut table = Table::default();
    let sample = Sample::new("refused-plain", plain);
    for copy in &sample.copies {
        table.count("old copy", sample.refused(copy, plain).0);
    }
    table.count("foreign device", sample.refused(&sample.file, || Access::new(&[1; 32])).0);
    table.count("superfluous key", sample.refused(&sample.file, || plain().with_second(Some(key(1)))).0);
    table.count("another instance", sample.refused(&sample.file, || plain().with_instance("vm1")).0);
    let mut newer = sample.file.clone();
    newer[9] = 3;
    let sum = Sha256::digest(&newer[..480]);
    newer[480..512].copy_from_slice(&sum);
    table.count("newer format", sample.refused(&newer, plain).0);
    let header: Vec<u8> = b"SQLite format 3\0".repeat(100);
    table.count("another file", sample.refused(&header, plain).0);
    // Another state of the same device: it is not the one that this counter's place counts for.
    let other = Sample::new("refused-other", plain);
    let foreign = sample.refused(&[&sample.file[..512], &other.file[512..]].concat(), plain).0;
    table.count("two states mixed", foreign);
    sample.still_opens(plain);

    for (name, right, wrong, kind) in
        [("refused-key", key(7), key(8), words("right")), ("refused-words", words("right"), words("wrong"), key(7))]
    {
        let with = |second: &SecondKey| {
            let second = second.clone();
            move || plain().with_second(Some(second.clone())).with_cost(COST)
        };
        let sample = Sample::new(name, with(&right));
        table.count("wrong key or passphrase", sample.refused(&sample.file, with(&wrong)).0);
        table.count("key of another kind", sample.refused(&sample.file, with(&kind)).0);
        table.count("no key", sample.refused(&sample.file, plain).0);
        let foreign = || Access::new(&[1; 32]).with_second(Some(right.clone())).with_cost(COST);
        table.count("foreign device, right key", sample.refused(&sample.file, foreign).0);
        sample.still_opens(with(&right));
    }
    table.print();
    let reasons: Vec<_> = table.0.into_iter().map(|((what, reason), number)| (what, reason, number)).collect();
    assert_eq!(
        reasons,
        [
            ("another file", "not-a-state", 1),
            ("another instance", "wrong-instance", 1),
            ("foreign device", "wrong-device", 1),
            ("foreign device, right key", "wrong-device", 2),
            ("key of another kind", "wrong-kind-of-key", 2),
            ("newer format", "newer-format", 1),
            ("no key", "key-missing", 2),
            ("old copy", "rollback", 3),
            ("superfluous key", "key-not-expected", 1),
            ("two states mixed", "damaged", 1),
            ("wrong key or passphrase", "wrong-key", 2),
        ]
    );
}
