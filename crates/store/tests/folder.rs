//! The store on a real file system: who may open it, what an error says, what lies in the file.
#![allow(clippy::arithmetic_side_effects, clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod common;

use common::*;
use ironroot_platform::{Durability, Records, Storage, StorageError, memory::TestEntropy};
use ironroot_store::FileStore;
use std::fs;
use std::os::unix::fs::PermissionsExt;

fn error(result: Result<FileStore, StorageError>) -> String {
    result.map(|_| ()).expect_err("accepted").to_string()
}

#[test]
fn a_random_workload_survives_reopening_after_each_commit() {
    let folder = TestFolder::new("workload");
    let mut random = TestEntropy::new(11);
    let mut records = Records::new();
    let mut store = FileStore::create(&folder.0, &KEY, POWER).unwrap();
    let mut sequence = store.sequence();
    for _ in 0..400 {
        let changes = random_commit(&mut random);
        store.commit(&changes).unwrap();
        apply(&mut records, &changes);
        assert!(store.sequence() > sequence);
        sequence = store.sequence();
        drop(store);
        store = FileStore::open(&folder.0, &KEY, POWER).unwrap();
        assert_eq!(store.sequence(), sequence);
        assert_eq!(store.load().unwrap(), records);
        assert_eq!(store.load().unwrap(), records);
    }
    assert!(store.generation() > 3, "it was compacted");
    let length = fs::metadata(folder.0.join("state")).unwrap().len();
    assert!(length <= 200_000, "bounded space, not {length}");
    assert_eq!(store.durability(), Durability::Power);
}

#[test]
fn nothing_readable_lies_in_the_folder() {
    let folder = TestFolder::new("grep");
    let mut store = FileStore::create(&folder.0, &KEY, POWER).unwrap();
    for n in 0..200 {
        store.commit(&[put(n % 7, b"TheOwnerAuthValueIsSwordfish, and this is a private key")]).unwrap();
    }
    for file in fs::read_dir(&folder.0).unwrap() {
        let bytes = fs::read(file.unwrap().path()).unwrap();
        for secret in [b"Swordfish".as_slice(), b"private key", &KEY[..8]] {
            assert!(!bytes.windows(secret.len()).any(|window| window == secret));
        }
    }
}

#[test]
fn one_opener_at_a_time() {
    let folder = TestFolder::new("lock");
    let store = FileStore::create(&folder.0, &KEY, POWER).unwrap();
    for result in [FileStore::open(&folder.0, &KEY, POWER), FileStore::open_or_create(&folder.0, &KEY, POWER)] {
        let text = error(result);
        assert!(text.contains(&format!("process {} has this state open", std::process::id())), "{text}");
    }
    drop(store);
    drop(FileStore::open(&folder.0, &KEY, POWER).unwrap());
}

#[test]
fn missing_existing_and_unusable_places_say_what_to_do() {
    let folder = TestFolder::new("places");
    let text = error(FileStore::open(&folder.0.join("none"), &KEY, POWER));
    assert!(text.contains("none") && text.contains("No such file"), "{text}");
    let text = error(FileStore::open(&folder.0, &KEY, POWER));
    assert!(text.contains("/state: reading the state failed") && text.contains("make a TPM in it first"), "{text}");
    assert!(!folder.0.join("state").exists());

    let deep = folder.0.join("a/b");
    drop(FileStore::open_or_create(&deep, &KEY, POWER).unwrap());
    drop(FileStore::open_or_create(&deep, &KEY, POWER).unwrap());
    assert!(error(FileStore::create(&deep, &KEY, POWER)).contains("there is a state here already"));
    let mode = |path: &str| fs::metadata(deep.join(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("."), mode("state"), mode("lock")), (0o700, 0o600, 0o600));

    fs::write(folder.0.join("file"), "x").unwrap();
    assert!(error(FileStore::open(&folder.0.join("file"), &KEY, POWER)).contains("name a folder"));
    fs::remove_file(deep.join("state")).unwrap();
    fs::create_dir(deep.join("state")).unwrap();
    assert!(error(FileStore::open(&deep, &KEY, POWER)).contains("not a regular file"));
    // A pipe would keep whoever opens it waiting for ever.
    fs::remove_dir(deep.join("state")).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(deep.join("state")).status().unwrap().success());
    assert!(error(FileStore::open(&deep, &KEY, POWER)).contains("not a regular file"));
    let looked = ironroot_store::inspect(&deep, &mut ironroot_store::Access::new(&KEY));
    assert!(looked.unwrap_err().to_string().contains("not a regular file"));
    // A folder in which nobody can make a file, not even root.
    let text = error(FileStore::open(std::path::Path::new("/sys/kernel"), &KEY, POWER));
    assert!(text.contains("/sys/kernel/lock: locking the state failed"), "{text}");
}

#[test]
fn damage_leaves_the_file_alone_and_names_it() {
    let folder = TestFolder::new("damage");
    let mut store = FileStore::create(&folder.0, &KEY, POWER).unwrap();
    store.commit(&[put(1, &[7; 3000])]).unwrap();
    drop(store);
    let path = folder.0.join("state");
    let good = fs::read(&path).unwrap();
    let mut random = TestEntropy::new(5);
    for _ in 0..200 {
        let mut bad = good.clone();
        bad[random.next_word() as usize % 4608] ^= 1 << (random.next_word() % 8);
        fs::write(&path, &bad).unwrap();
        let text = error(FileStore::open(&folder.0, &KEY, POWER));
        assert!(text.starts_with(&path.display().to_string()) && text.contains("damaged at byte"), "{text}");
        assert!(text.contains("restore a backup"), "{text}");
        assert_eq!(fs::read(&path).unwrap(), bad);
    }
    fs::write(&path, &good).unwrap();
    assert!(error(FileStore::open(&folder.0, &[1; 32], POWER)).contains("sealed under another key"));
    assert_eq!(FileStore::open(&folder.0, &KEY, POWER).unwrap().load().unwrap().len(), 1);
}

#[test]
fn what_a_cut_compaction_leaves_is_no_obstacle() {
    let folder = TestFolder::new("leftover");
    let mut store = FileStore::create(&folder.0, &KEY, POWER).unwrap();
    store.commit(&[put(1, b"kept")]).unwrap();
    drop(store);
    let whole = fs::read(folder.0.join("state")).unwrap();
    for leftover in [&b""[..], b"junk", &whole[..1000], &whole] {
        fs::write(folder.0.join("state.new"), leftover).unwrap();
        let mut store = FileStore::open(&folder.0, &KEY, POWER).unwrap();
        assert_eq!(store.load().unwrap().len(), 1);
        for n in 0..150 {
            store.commit(&[put(1, &[n; 40])]).unwrap();
        }
        assert!(!folder.0.join("state.new").exists(), "the compaction took its place");
        assert_eq!(store.load().unwrap().len(), 1);
    }
}

#[test]
fn a_change_beneath_an_open_store_is_noticed() {
    let folder = TestFolder::new("beneath");
    let mut store = FileStore::create(&folder.0, &KEY, POWER).unwrap();
    let old = fs::read(folder.0.join("state")).unwrap();
    store.commit(&[put(1, b"one")]).unwrap();
    fs::write(folder.0.join("state"), &old).unwrap();
    let text = store.load().expect_err("accepted").to_string();
    assert!(text.contains("somebody else changed the state"), "{text}");
}

#[test]
fn too_large_a_change_is_refused_and_harmless() {
    let folder = TestFolder::new("large");
    let mut store = FileStore::create(&folder.0, &KEY, PROCESS).unwrap();
    assert!(matches!(store.commit(&[put(1, &vec![1; 17 << 20])]), Err(StorageError::Full(_))));
    store.commit(&[put(1, &vec![1; 15 << 20])]).unwrap();
    assert_eq!(store.load().unwrap().len(), 1);
    assert_eq!(store.durability(), Durability::Process);
}
