//! A real file system that is full, or read-only. It takes root to make one, so these run by hand and in the
//! whole-system tests:
//!
//! ```text
//! mount -t tmpfs -o size=300k none /mnt && IRONROOT_SMALL_DISK=/mnt cargo test -p ironroot-store --test small_disk -- --ignored full
//! mount -o remount,ro /mnt && IRONROOT_SMALL_DISK=/mnt cargo test -p ironroot-store --test small_disk -- --ignored read_only
//! ```
#![allow(clippy::arithmetic_side_effects, clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod common;

use common::*;
use ironroot_platform::{RecordKey, Records, Storage, StorageError};
use ironroot_store::FileStore;
use std::path::PathBuf;

fn folder() -> PathBuf {
    PathBuf::from(std::env::var("IRONROOT_SMALL_DISK").expect("set IRONROOT_SMALL_DISK")).join("tpm")
}

#[test]
#[ignore = "needs a file system of a few hundred KiB; see above"]
fn full() {
    let folder = folder();
    let _ = std::fs::remove_dir_all(&folder);
    let mut store = FileStore::create(&folder, &KEY, POWER).unwrap();
    let mut records = Records::new();
    let ballast = folder.join("ballast");
    // Somebody else fills the disk to the last byte.
    let mut size = 1 << 20;
    while size > 0 {
        use std::io::Write;
        let mut file = std::fs::OpenOptions::new().create(true).append(true).open(&ballast).unwrap();
        while file.write_all(&vec![1; size]).and_then(|()| file.sync_all()).is_ok() {}
        size /= 2;
    }
    let mut full = 0;
    let mut said = String::new();
    for n in 0..600_u64 {
        let changes = [put(n % 300, &vec![n as u8; 1500])];
        match store.commit(&changes) {
            Ok(()) => apply(&mut records, &changes),
            Err(StorageError::Full(text)) => {
                full += 1;
                said = text;
            }
            Err(other) => panic!("{other}"),
        }
    }
    println!("{} records, {full} commits refused: {said}", records.len());
    assert!(full > 0 && said.contains("free some space"));
    assert_eq!(store.load().unwrap(), records);
    drop(store);
    let mut store = FileStore::open(&folder, &KEY, POWER).unwrap();
    assert_eq!(store.load().unwrap(), records);
    std::fs::remove_file(&ballast).unwrap();
    for n in 0..20_u64 {
        let changes = [put(1000 + n, &[n as u8; 500]), ironroot_platform::Change::Delete(RecordKey(n))];
        store.commit(&changes).unwrap();
        apply(&mut records, &changes);
    }
    drop(store);
    assert_eq!(FileStore::open(&folder, &KEY, POWER).unwrap().load().unwrap(), records);
}

#[test]
#[ignore = "needs a read-only file system; see above"]
fn read_only() {
    for result in [FileStore::open(&folder(), &KEY, POWER), FileStore::create(&folder().join("new"), &KEY, POWER)] {
        let text = result.map(|_| ()).expect_err("opened").to_string();
        println!("{text}");
        assert!(text.contains("make the file system writable or use another folder"), "{text}");
    }
}
