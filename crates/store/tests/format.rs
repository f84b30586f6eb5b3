//! The format against an independent reader, and files of earlier releases.
#![allow(clippy::arithmetic_side_effects, clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod common;

use common::*;
use ironroot_platform::{RecordKey, Records, Storage, memory::TestEntropy};
use ironroot_store::FileStore;
use std::path::Path;
use std::process::Command;

/// The file that release 0.1 wrote, and what is in it. Never regenerate it: it is what devices in the field have.
const V1: &[u8] = include_bytes!("data/state-v1");

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

#[test]
fn a_second_reader_finds_the_same_records() {
    let folder = TestFolder::new("python");
    let mut store = FileStore::create(&folder.0, &KEY, POWER).unwrap();
    let mut random = TestEntropy::new(21);
    let mut records = Records::new();
    for _ in 0..70 {
        let changes = random_commit(&mut random);
        store.commit(&changes).unwrap();
        apply(&mut records, &changes);
    }
    assert!(store.generation() > 1);
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let output = Command::new("python3")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/state_format.py"))
        .arg(folder.0.join("state"))
        .arg(hex(&KEY))
        .output()
        .expect("python3 is needed for this test: apt-get install python3");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let expected: String = records.iter().map(|(key, value)| format!("{:016x} {}\n", key.0, hex(value))).collect();
    assert_eq!(String::from_utf8_lossy(&output.stdout), expected);
}
