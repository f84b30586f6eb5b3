//! The classes of the published defects of other TPMs' stores, each as a test that names it.
#![allow(clippy::arithmetic_side_effects, clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod common;

use common::*;
use ironroot_platform::{Storage, StorageError};
use ironroot_store::{FileStore, simulated::SimulatedDisk};
use sha2::{Digest, Sha256};
use std::fs;
use std::os::unix::fs::symlink;

/// Links in the state's folder were followed, so that whoever could write there chose which file was overwritten.
#[test]
fn cve_2020_28407_links_in_the_folder_are_not_followed() {
    for name in ["lock", "state", "state.new"] {
        let folder = TestFolder::new(&format!("link-{}", name.replace('.', "-")));
        let victim = folder.0.with_extension("victim");
        fs::write(&victim, b"precious").unwrap();
        let mut store = FileStore::create(&folder.0, &KEY, POWER).unwrap();
        store.commit(&[put(1, b"one")]).unwrap();
        drop(store);
        let place = folder.0.join(name);
        let _ = fs::remove_file(&place);
        symlink(&victim, &place).unwrap();
        match FileStore::open(&folder.0, &KEY, POWER) {
            // The successor's name is taken from the link when the state is compacted.
            Ok(mut store) => {
                assert_eq!(name, "state.new");
                let before = store.generation();
                (0..400).for_each(|n| store.commit(&[put(1, &[n as u8; 700])]).unwrap());
                assert!(store.generation() > before, "it was compacted");
            }
            Err(error) => {
                assert!(name != "state.new", "{error}");
                assert!(error.to_string().contains("symbolic link"), "{error}");
            }
        }
        assert_eq!(fs::read(&victim).unwrap(), b"precious", "{name}");
        fs::remove_file(&victim).unwrap();
    }
}

/// Sizes and offsets of the file's header were believed, and what lay behind the file was read and written.
#[test]
fn swtpm_1170_1172_1173_1174_and_cve_2022_23645_sizes_in_the_file_are_not_believed() {
    let disk = SimulatedDisk::new();
    let mut store = create(&disk, POWER);
    store.commit(&[put(1, b"one"), put(2, &[2; 900])]).unwrap();
    store.commit(&[put(1, b"two")]).unwrap();
    drop(store);
    let whole = disk.state().unwrap();
    let mut refused = 0;
    // Every word of the header and of the first frames, as everything that breaks arithmetic on sizes.
    for place in (0..3 * 512).step_by(4) {
        for word in [0, 1, 0x7FFF_FFFF, 0x8000_0000, u32::MAX - 511, u32::MAX] {
            let mut file = whole.clone();
            file[place..place + 4].copy_from_slice(&word.to_be_bytes());
            if place < 480 {
                // The header's checksum has no secret: a forger has a right one.
                let sum = Sha256::digest(&file[..480]);
                file[480..512].copy_from_slice(&sum);
            }
            if file == whole {
                continue;
            }
            let disk = SimulatedDisk::with_state(&file);
            let Err(StorageError::Refused(_)) = open(&disk, POWER).map(drop) else {
                panic!("accepted: {word:#x} at {place}");
            };
            assert_eq!(disk.state().unwrap(), file, "a refused file was changed");
            refused += 1;
        }
    }
    assert!(refused > 2_000, "{refused}");
}
