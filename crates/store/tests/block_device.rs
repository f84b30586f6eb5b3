//! The state on a block device, for which a plain file stands here; `IRONROOT_BLOCK_DEVICE` names a real one, which is
//! overwritten.
#![allow(clippy::arithmetic_side_effects, clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod common;

use common::*;
use ironroot_platform::memory::TestEntropy;
use ironroot_platform::{Records, Storage, StorageError};
use ironroot_store::FileStore;
use ironroot_store::block_device::{BlockDevice, DeviceFile};
use std::path::{Path, PathBuf};

const LENGTH: usize = 4096 + 2 * (256 << 10);

fn device(folder: &TestFolder) -> PathBuf {
    let path = std::env::var_os("IRONROOT_BLOCK_DEVICE").map_or_else(|| folder.0.join("device"), PathBuf::from);
    std::fs::OpenOptions::new().create(true).truncate(false).write(true).open(&path).unwrap();
    use std::os::unix::fs::FileExt;
    let made = std::fs::OpenOptions::new().create(true).truncate(false).write(true).open(&path).unwrap();
    made.write_all_at(&vec![0; LENGTH], 0).unwrap();
    path
}

fn medium(path: &Path) -> std::io::Result<BlockDevice<DeviceFile>> {
    BlockDevice::new(DeviceFile::open(path)?)
}

fn open(path: &Path) -> Result<FileStore<BlockDevice<DeviceFile>>, StorageError> {
    FileStore::open_on(medium(path).unwrap(), &KEY, POWER, Box::new(TestEntropy::new(2)))
}

fn create(path: &Path) -> FileStore<BlockDevice<DeviceFile>> {
    FileStore::create_on(medium(path).unwrap(), &KEY, POWER, Box::new(TestEntropy::new(1))).unwrap()
}

#[test]
fn a_device_keeps_everything_through_compactions_until_it_is_full() {
    let folder = TestFolder::new("device");
    let path = device(&folder);
    let mut store = create(&path);
    let (mut random, mut records) = (TestEntropy::new(5), Records::new());
    for _ in 0..300 {
        let changes = random_commit(&mut random);
        store.commit(&changes).unwrap();
        apply(&mut records, &changes);
    }
    assert!(store.generation() > 2, "it was compacted");
    drop(store);
    let mut store = open(&path).unwrap();
    assert_eq!(store.load().unwrap(), records);
    let mut full = false;
    for n in 0..400 {
        let changes = [put(1000 + n, &[n as u8; 3000])];
        match store.commit(&changes) {
            Ok(()) => apply(&mut records, &changes),
            Err(StorageError::Full(_)) => full = true,
            Err(other) => panic!("{other}"),
        }
    }
    if std::env::var_os("IRONROOT_BLOCK_DEVICE").is_none() {
        assert!(full, "a device has an end");
    }
    assert_eq!(store.load().unwrap(), records);
    drop(store);
    assert_eq!(open(&path).unwrap().load().unwrap(), records);
}

#[test]
fn what_is_not_ours_is_left_alone() {
    if std::env::var_os("IRONROOT_BLOCK_DEVICE").is_some() {
        return;
    }
    let folder = TestFolder::new("foreign-device");
    let path = device(&folder);
    let store = create(&path);
    assert_eq!(DeviceFile::open(&path).unwrap_err().kind(), std::io::ErrorKind::ResourceBusy);
    drop(store);
    assert!(medium(&path).is_ok());
    std::fs::write(&path, vec![0xEB; LENGTH]).unwrap();
    assert_eq!(medium(&path).err().unwrap().kind(), std::io::ErrorKind::InvalidData);
    std::fs::write(&path, [0; 9000]).unwrap();
    assert_eq!(medium(&path).err().unwrap().kind(), std::io::ErrorKind::StorageFull);
}
