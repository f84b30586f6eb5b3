//! The format against an independent reader, and files of earlier releases.
#![allow(clippy::arithmetic_side_effects, clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod common;

use common::*;
use ironroot_platform::{RecordKey, Records, Storage, memory::TestEntropy};
use ironroot_store::{Access, Cost, CounterChange, FileCounter, FileStore, KeyChange, NewCounter, Policy, SecondKey};
use std::path::Path;
use std::process::Command;
use zeroize::Zeroizing;

/// The file that release 0.1 wrote, and what is in it. Never regenerate it: it is what devices in the field have.
const V1: &[u8] = include_bytes!("data/state-v1");

/// The first file with version 2.
const V2: &[u8] = include_bytes!("data/state-v2");

fn v1_records() -> Records {
    let mut records = Records::new();
    apply(&mut records, &[put(1, b"one"), put(0x0100_0000_0000_0002, &[2; 700]), put(3, b"")]);
    records
}

#[test]
fn the_state_of_version_1_opens_for_ever() {
    let folder = TestFolder::new("v1");
    std::fs::write(folder.0.join("state"), V1).unwrap();
    let mut store = FileStore::open(&folder.0, &KEY, POWER).unwrap();
    assert_eq!(store.load().unwrap(), v1_records());
    assert_eq!((store.sequence(), store.generation()), (5, 1));
    store.commit(&[put(4, b"goes on")]).unwrap();
    assert_eq!(FileStore::load(&mut store).unwrap().len(), 4);
}

#[test]
fn the_state_of_version_2_opens_for_ever() {
    let folder = TestFolder::new("v2");
    std::fs::write(folder.0.join("state"), V2).unwrap();
    let mut store = FileStore::open(&folder.0, &KEY, POWER).unwrap();
    assert_eq!(store.load().unwrap(), v1_records());
    assert_eq!((store.sequence(), store.generation()), (5, 1));
}

/// How the file was made; `cargo test -p ironroot-store -- --ignored write_sample` for the next version's.
#[test]
#[ignore = "writes test data for a new format version"]
fn write_sample() {
    let folder = TestFolder::new("sample");
    let mut store = FileStore::create(&folder.0, &KEY, POWER).unwrap();
    store.commit(&[put(1, b"first"), put(9, b"goes away")]).unwrap();
    store.commit(&[put(1, b"one")]).unwrap();
    store.commit(&[put(0x0100_0000_0000_0002, &[2; 700]), put(3, b"")]).unwrap();
    store.commit(&[ironroot_platform::Change::Delete(RecordKey(9))]).unwrap();
    let mut file = std::fs::read(folder.0.join("state")).unwrap();
    // The zeros at the end are not worth keeping.
    file.truncate(8192);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/data/state-v{}", ironroot_store::VERSION));
    assert!(!path.exists(), "released test data is never overwritten");
    std::fs::write(path, file).unwrap();
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What the second reader prints.
fn second_reader(arguments: &[&str]) -> String {
    let output = Command::new("python3")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/state_format.py"))
        .args(arguments)
        .output()
        .expect("python3 is needed for this test: apt-get install python3");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_second_reader_finds_the_same_records() {
    for second in [None, Some(SecondKey::Key(Zeroizing::new([0x77; 32])))] {
        let folder = TestFolder::new(if second.is_none() { "python" } else { "python-key" });
        let counters = folder.0.join("counters");
        std::fs::create_dir(&counters).unwrap();
        let place = counters.to_str().unwrap();
        let counter = NewCounter {
            counter: Box::new(FileCounter::new(&counters)),
            place: place.into(),
            policy: Policy::EveryCommit,
        };
        let access = || Access::new(&KEY).with_second(second.clone()).with_instance("one");
        let mut store = FileStore::create_counted(&folder.0, access(), POWER, counter).unwrap();
        let mut random = TestEntropy::new(21);
        let mut records = Records::new();
        for _ in 0..70 {
            let changes = random_commit(&mut random);
            store.commit(&changes).unwrap();
            apply(&mut records, &changes);
        }
        assert!(store.generation() > 1);
        let sequence = store.sequence();
        drop(store);
        let state = folder.0.join("state");
        let (state, key, with) = (state.to_str().unwrap(), hex(&KEY), format!("key={}", "77".repeat(32)));
        let expected: String = records.iter().map(|(key, value)| format!("{:016x} {}\n", key.0, hex(value))).collect();
        assert_eq!(second_reader(&[state, &key, &with]), expected);
        // The store's own records, and with them the counter's file.
        let own = second_reader(&["--own", state, &key, &with]);
        let own = |n: u64| own.lines().find_map(|line| line.strip_prefix(&format!("{n:016x} "))).unwrap().to_owned();
        assert_eq!(own(2), hex(place.as_bytes()));
        let file = std::fs::read_dir(&counters).unwrap().next().unwrap().unwrap().path();
        let name = file.file_stem().unwrap().to_str().unwrap();
        assert_eq!(second_reader(&["--counter", file.to_str().unwrap(), name, &own(1)]), format!("{sequence}\n"));
    }
}

/// The file that the release before the one with counters and second keys would have had to refuse.
#[test]
fn version_1_becomes_version_2_and_keeps_its_numbers() {
    let folder = TestFolder::new("v1-to-v2");
    std::fs::write(folder.0.join("state"), V1).unwrap();
    let mut store = FileStore::open(&folder.0, &KEY, POWER).unwrap();
    let mut records = v1_records();
    let version = || u16::from_be_bytes(std::fs::read(folder.0.join("state")).unwrap()[8..10].try_into().unwrap());
    for n in 0..200 {
        let changes = [put(4, &[n; 900])];
        store.commit(&changes).unwrap();
        apply(&mut records, &changes);
        assert_eq!(version(), if store.generation() == 1 { 1 } else { 2 });
    }
    assert!(store.generation() > 1 && store.sequence() > 205);
    drop(store);
    assert_eq!(FileStore::open(&folder.0, &KEY, POWER).unwrap().load().unwrap(), records);
    // At once, with a new key.
    std::fs::write(folder.0.join("state"), V1).unwrap();
    let second = || SecondKey::Key(Zeroizing::new([1; 32]));
    let sequence = FileStore::rekey(&folder.0, &KEY, KeyChange::Set(second(), Cost::RECOMMENDED), CounterChange::Keep);
    assert_eq!((sequence, version()), (Ok(6), 2));
    let access = Access::new(&KEY).with_second(Some(second()));
    assert_eq!(FileStore::open(&folder.0, access, POWER).unwrap().load().unwrap(), v1_records());
}
