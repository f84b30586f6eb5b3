//! What the tests share: a model of the records, random commits, stores on simulated disks.
#![allow(dead_code, clippy::arithmetic_side_effects, clippy::panic, clippy::unwrap_used)]

use ironroot_platform::memory::TestEntropy;
use ironroot_platform::{Change, Durability, RecordKey, Records, Storage, StorageError};
use ironroot_store::simulated::SimulatedDisk;
use ironroot_store::{FileStore, Options};
use std::path::PathBuf;
use zeroize::Zeroizing;

pub const KEY: [u8; 32] = [0x5a; 32];
pub const POWER: Options = Options { durability: Durability::Power };
pub const PROCESS: Options = Options { durability: Durability::Process };

pub fn put(key: u64, value: &[u8]) -> Change {
    Change::Put(RecordKey(key), Zeroizing::new(value.to_vec()))
}

pub fn apply(records: &mut Records, changes: &[Change]) {
    for change in changes {
        match change {
            Change::Put(key, value) => drop(records.insert(*key, value.clone())),
            Change::Delete(key) => drop(records.remove(key)),
        }
    }
}

/// One to four changes of a dozen records, mostly small, some of several blocks.
pub fn random_commit(random: &mut TestEntropy) -> Vec<Change> {
    (0..1 + random.next_word() % 4)
        .map(|_| {
            let key = random.next_word() % 12;
            let size = match random.next_word() % 8 {
                0 => return Change::Delete(RecordKey(key)),
                1 => random.next_word() % 5000,
                2 => 0,
                _ => random.next_word() % 200,
            };
            let fill = random.next_word() as u8;
            put(key, &vec![fill; size as usize])
        })
        .collect()
}

/// Commits to a store with these records until something fails: what was acknowledged, and that with the commit that failed.
pub fn commit_until_failure(
    store: &mut impl Storage,
    mut records: Records,
    commits: usize,
    mut next: impl FnMut() -> Vec<Change>,
) -> (Records, Records) {
    for _ in 0..commits {
        let changes = next();
        let mut after = records.clone();
        apply(&mut after, &changes);
        if store.commit(&changes).is_err() {
            return (records, after);
        }
        records = after;
    }
    (records.clone(), records)
}

/// Commits to an empty store in a place that fails now and then: after each failure, and `repair`, it holds what was acknowledged.
/// Returns that, and how many failed. `fault` is the one that was asked for.
pub fn commit_despite_failures(
    store: &mut impl Storage,
    fault: u64,
    commits: usize,
    mut next: impl FnMut() -> Vec<Change>,
    repair: impl Fn(),
) -> (Records, u32) {
    let (mut records, mut failures) = (Records::new(), 0);
    for _ in 0..commits {
        let changes = next();
        let mut after = records.clone();
        apply(&mut after, &changes);
        match store.commit(&changes) {
            Ok(()) => records = after,
            Err(StorageError::Refused(text)) => panic!("{text}"),
            Err(_) => {
                failures += 1;
                repair();
                assert!(store.load().unwrap() == records, "fault {fault}: a failed commit was half done");
            }
        }
    }
    (records, failures)
}

pub fn create(disk: &SimulatedDisk, options: Options) -> FileStore<SimulatedDisk> {
    FileStore::create_on(disk.clone(), &KEY, options, Box::new(TestEntropy::new(1))).unwrap()
}

pub fn open(disk: &SimulatedDisk, options: Options) -> Result<FileStore<SimulatedDisk>, StorageError> {
    FileStore::open_on(disk.clone(), &KEY, options, Box::new(TestEntropy::new(2)))
}

/// What a store on this disk loads.
pub fn contents(disk: &SimulatedDisk) -> Result<Records, StorageError> {
    open(disk, POWER)?.load()
}

/// A folder of a real file system that goes with the value.
pub struct TestFolder(pub PathBuf);

impl TestFolder {
    pub fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("ironroot-store-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for TestFolder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
