//! Backups are hostile input: whatever stands in one, importing it makes exactly the state that was exported, or is refused
//! and makes none. What is sealed with the right keys, but by another writer, is taken or refused; and what was taken opens,
//! and goes through another backup unchanged.
#![no_main]

use chacha20poly1305::aead::{AeadInOut, KeyInit};
use chacha20poly1305::{Tag, XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac};
use ironroot_platform::{Change, RecordKey, Records, Storage};
use ironroot_store::{Access, Cost, FileStore, Options, SecondKey, backup_label};
use libfuzzer_sys::fuzz_target;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use zeroize::Zeroizing;

const DEVICE: [u8; 32] = [0x42; 32];
const KEY: [u8; 32] = [0x17; 32];
const LABEL: &str = "mac:eth0";
/// A backup's head without its label.
const HEAD: usize = 128;

fn second() -> SecondKey {
    SecondKey::Key(Zeroizing::new(KEY))
}

/// A folder in memory, if this machine has one.
static SCRATCH: LazyLock<tempfile::TempDir> = LazyLock::new(|| {
    let memory = Path::new("/dev/shm");
    let place = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
    tempfile::tempdir_in(place).expect("a folder for states")
});

/// A folder that is not there.
fn fresh(name: &str) -> PathBuf {
    let folder = SCRATCH.path().join(name);
    let _ = std::fs::remove_dir_all(&folder);
    folder
}

/// A real backup, and what is in it.
struct Sample {
    backup: Vec<u8>,
    records: Records,
}

static SAMPLE: LazyLock<Sample> = LazyLock::new(|| {
    let folder = fresh("sample");
    let mut store = FileStore::create(&folder, &DEVICE, Options::default()).expect("an empty folder takes a state");
    for step in 0..5_u8 {
        let value = vec![step; usize::from(step) * 61];
        store.commit(&[Change::Put(RecordKey(u64::from(step)), value.into())]).expect("there is room");
    }
    let records = store.load().expect("an open state loads");
    drop(store);
    Sample { backup: export(&folder), records }
});

fn export(folder: &Path) -> Vec<u8> {
    let access = Access::new(&DEVICE);
    FileStore::export(folder, access, &second(), Cost::RECOMMENDED, LABEL).expect("a state that opens is exported").0
}

/// What importing it makes; nothing if it is refused.
fn import(backup: &[u8]) -> Option<(PathBuf, Records)> {
    let folder = fresh("imported");
    if FileStore::import(&folder, Access::new(&DEVICE), backup, &second(), None).is_err() {
        assert!(!folder.join("state").exists(), "a refused backup left a state");
        return None;
    }
    let mut store = FileStore::open(&folder, &DEVICE, Options::default()).expect("what was imported opens");
    let records = store.load().expect("an opened state loads");
    Some((folder, records))
}

fn mac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes any key");
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}

/// HKDF for one block, as the page has it.
fn hkdf(salt: &[u8], secret: &[u8], info: &str) -> [u8; 32] {
    mac(&mac(salt, &[secret]), &[info.as_bytes(), &[1]])
}

/// A backup with these contents, sealed with the right keys, as docs/state-format.md describes it.
fn sealed(contents: &[u8], salt: u8) -> Vec<u8> {
    let salt = [salt; 32];
    let mut head = b"IRBACKUP\x00\x01".to_vec();
    head.extend([0; 4]);
    head.extend(u16::try_from(LABEL.len()).expect("a short label").to_be_bytes());
    // Under a key: no argon2id.
    head.extend([1, 0, 0, 0]);
    head.extend([0; 12]);
    head.extend(salt);
    head.extend([9; 24]);
    let padded = contents.len().div_ceil(512) * 512;
    head.extend((padded as u64).to_be_bytes());
    let check = mac(&hkdf(&salt, &DEVICE, "ironroot/backup/v1/device check"), &[&head]);
    head.extend(check);
    head.extend(LABEL.as_bytes());
    let key = hkdf(&salt, &[DEVICE, KEY].concat(), "ironroot/backup/v1/with key");
    let mut body = contents.to_vec();
    body.resize(padded, 0);
    let cipher = XChaCha20Poly1305::new(&key.into());
    let tag: Tag =
        cipher.encrypt_inout_detached(&XNonce::from([9; 24]), &head, body.as_mut_slice().into()).expect("sealing");
    let mut backup = [&head[..], &body, &tag[..]].concat();
    sum(&mut backup, false);
    backup
}

/// Puts the right checksum behind, in the place of the old one if there is one.
fn sum(backup: &mut Vec<u8>, replace: bool) {
    if replace {
        backup.truncate(backup.len().saturating_sub(32));
    }
    let sum = Sha256::digest(&backup);
    backup.extend_from_slice(&sum);
}

/// Contents as the input says: records, the store's own, deletions, ends; or just bytes.
fn contents(mut input: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    while let Some(([kind, key, length, fill], rest)) = input.split_first_chunk::<4>() {
        input = rest;
        let key_bytes = u64::from(*key % 8).to_be_bytes();
        match kind % 6 {
            // A well-formed record, or one of the store's own: the sequence number, the instance, the history.
            kind @ (1 | 3) => {
                let value = match (kind, key % 8) {
                    (3, 4) if fill % 2 == 0 => vec![0, 0, 0, 0, 0, 0, *length, *fill],
                    (3, 5) if fill % 2 == 0 => Vec::new(),
                    _ => vec![*fill; usize::from(*length)],
                };
                out.push(kind);
                out.extend(key_bytes);
                out.extend(u32::try_from(value.len()).expect("a short value").to_be_bytes());
                out.extend(value);
            }
            2 => {
                out.push(2);
                out.extend(key_bytes);
            }
            0 => out.extend(vec![0; usize::from(*length)]),
            _ => out.extend([*kind, *key, *length, *fill]),
        }
    }
    out
}

/// Edits as the input says: four bytes each, an operation, a place and a value.
fn edit(file: &mut Vec<u8>, edits: &[u8]) {
    for step in edits.chunks_exact(4) {
        let (operation, value) = (step[0], step[3]);
        let place = usize::from(u16::from_be_bytes([step[1], step[2]])) % (file.len() + 1);
        match operation % 5 {
            0 if place < file.len() => file[place] ^= value,
            1 => file.truncate(place),
            2 => file.insert(place, value),
            3 => file.resize(file.len() + usize::from(value), 0),
            // The head is where the decisions are made.
            4 if !file.is_empty() => {
                let at = place % HEAD.min(file.len());
                file[at] = value;
            }
            _ => {}
        }
    }
}

fuzz_target!(|input: &[u8]| {
    let Some((mode, rest)) = input.split_first() else { return };
    match mode % 4 {
        0 => {
            let _ = backup_label(rest);
            assert!(import(rest).is_none(), "a forged backup was accepted");
        }
        1 | 2 => {
            let mut backup = SAMPLE.backup.clone();
            edit(&mut backup, rest);
            if mode % 4 == 2 {
                sum(&mut backup, true);
            }
            let _ = backup_label(&backup);
            if let Some((_, records)) = import(&backup) {
                assert!(records == SAMPLE.records, "another state than the one that was exported");
                assert!(backup == SAMPLE.backup, "a changed backup was accepted");
            }
        }
        _ => {
            let backup = sealed(&contents(rest), *mode);
            if let Some((folder, records)) = import(&backup) {
                let again = export(&folder);
                let (_, same) = import(&again).expect("what was exported is imported");
                assert!(same == records, "a backup changes what it holds");
            }
        }
    }
});
