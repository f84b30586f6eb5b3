//! Backups: what comes back, and what is refused for which reason.
#![allow(clippy::arithmetic_side_effects, clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod common;

use common::*;
use ironroot_platform::{Records, Storage, StorageError};
use ironroot_store::{Access, Cost, CounterChange, FileStore, KeyChange, SecondKey, backup_label};
use std::path::Path;
use std::process::Command;
use zeroize::Zeroizing;

const COST: Cost = Cost { memory: 64, passes: 1, lanes: 1 };

fn words(text: &str) -> SecondKey {
    SecondKey::Passphrase(Zeroizing::new(text.as_bytes().to_vec()))
}

fn key(fill: u8) -> SecondKey {
    SecondKey::Key(Zeroizing::new([fill; 32]))
}

/// A state of a few records, and a backup of it.
fn sample(folder: &TestFolder, second: &SecondKey) -> (Vec<u8>, Records) {
    let mut store = FileStore::create(&folder.0.join("tpm"), &KEY, POWER).unwrap();
    let mut records = Records::new();
    for n in 0..5 {
        let changes = [put(n, &[n as u8; 100]), put(7, b"a private key that nobody reads")];
        store.commit(&changes).unwrap();
        apply(&mut records, &changes);
    }
    drop(store);
    let (backup, report) = FileStore::export(&folder.0.join("tpm"), &KEY, second, COST, "machine-id").unwrap();
    assert_eq!((report.sequence, report.records), (6, records.len()));
    (backup, records)
}

fn import(folder: &Path, access: Access, backup: &[u8], second: &SecondKey) -> Result<Records, String> {
    let _ = std::fs::remove_dir_all(folder);
    match FileStore::import(folder, access, backup, second, None) {
        Ok(_) => {}
        Err(StorageError::Refused(text)) => {
            assert!(!folder.exists(), "a refused import leaves nothing behind");
            return Err(text);
        }
        Err(other) => panic!("{other}"),
    }
    let mut store = FileStore::open(folder, &KEY, POWER).unwrap();
    assert!(store.sequence() > 6, "numbers go on");
    assert!(store.history().last().unwrap().1.contains("imported from a backup of sequence number 6"));
    Ok(store.load().unwrap())
}

#[test]
fn what_was_exported_comes_back() {
    for second in [words("right"), key(3)] {
        let folder = TestFolder::new("backup");
        let (backup, records) = sample(&folder, &second);
        assert_eq!(backup_label(&backup).unwrap(), "machine-id");
        assert!(!backup.windows(8).any(|window| window == b"private "));
        assert_eq!(import(&folder.0.join("again"), Access::new(&KEY), &backup, &second).unwrap(), records);
        // Never over a state.
        let over = FileStore::import(&folder.0.join("tpm"), Access::new(&KEY), &backup, &second, None);
        assert!(over.unwrap_err().to_string().contains("there is a state here already"));
    }
}

#[test]
fn the_history_goes_along() {
    let folder = TestFolder::new("backup-history");
    sample(&folder, &key(3));
    let tpm = folder.0.join("tpm");
    FileStore::rekey(&tpm, &KEY, KeyChange::Keep, CounterChange::Keep).unwrap();
    let (backup, _) = FileStore::export(&tpm, &KEY, &key(3), COST, "").unwrap();
    let again = folder.0.join("again");
    FileStore::import(&again, Access::new(&KEY), &backup, &key(3), None).unwrap();
    let history = FileStore::open(&again, &KEY, POWER).unwrap().history();
    let events: Vec<_> = history.iter().map(|(_, what)| what.split(' ').next().unwrap()).collect();
    assert_eq!(events, ["sealed", "imported"]);
}

#[test]
fn every_wrong_key_bit_and_length_is_refused_with_the_reason() {
    let folder = TestFolder::new("backup-wrong");
    let right = words("right");
    let (backup, _) = sample(&folder, &right);
    let to = folder.0.join("to");
    let refused = |access, backup: &[u8], second: &SecondKey, expected: &str| {
        let text = import(&to, access, backup, second).unwrap_err();
        assert!(text.contains(expected), "{text} does not say {expected}");
    };
    let access = || Access::new(&KEY);
    refused(access(), &backup, &words("wrong"), "not the one that it was sealed under");
    refused(access(), &backup, &key(3), "sealed under the device value and a passphrase, and something else was given");
    refused(Access::new(&[9; 32]), &backup, &right, "made on another device");
    refused(access().with_instance("vm1"), &backup, &right, "belongs to the instance without a name");
    refused(access(), b"", &right, "not a backup");
    refused(access(), &[0; 4000], &right, "not a backup");
    for byte in 0..backup.len() {
        let mut wrong = backup.clone();
        wrong[byte] ^= 1 << (byte % 8);
        refused(access(), &wrong, &right, if byte < 8 { "not a backup" } else { "damaged" });
    }
    for length in 0..backup.len() {
        refused(access(), &backup[..length], &right, if length < 128 { "not a backup" } else { "damaged" });
    }
    let mut newer = backup.clone();
    newer[9] = 2;
    let body = newer.len() - 32;
    use sha2::Digest;
    let sum = sha2::Sha256::digest(&newer[..body]);
    newer[body..].copy_from_slice(&sum);
    refused(access(), &newer, &right, "format version 2");
}

#[test]
fn a_second_reader_reads_a_backup() {
    let folder = TestFolder::new("backup-python");
    let (backup, records) = sample(&folder, &key(0x77));
    let path = folder.0.join("backup");
    std::fs::write(&path, backup).unwrap();
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let output = Command::new("python3")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/state_format.py"))
        .arg("--backup")
        .arg(path)
        .args([hex(&KEY), format!("key={}", "77".repeat(32))])
        .output()
        .expect("python3 is needed for this test: apt-get install python3");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let expected: String = records.iter().map(|(key, value)| format!("{:016x} {}\n", key.0, hex(value))).collect();
    assert_eq!(String::from_utf8_lossy(&output.stdout), format!("label machine-id\n{expected}"));
}
