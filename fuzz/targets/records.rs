//! Records that the store hands out are believed only after they were looked at: whatever stands in them, the TPM opens
//! or refuses, and an opened one answers commands without a panic.
//!
//! The store authenticates its file, so this is the second line: a bug in another release, or a key that leaked. An
//! input is a list of edits, five bytes each, of the records of a real TPM: record, operation, place (two), value.
#![no_main]

use ironroot_crypto::PORTABLE;
use ironroot_platform::memory::{MemoryStorage, TestEntropy, VolatileStorage};
use ironroot_platform::{RecordKey, Records};
use ironroot_tpm::{Profile, Tpm};
use ironroot_wire::{Rules, TpmEccCurve};
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

mod prelude;

use prelude::seeds;

/// The host's profile without RSA and the large curves, which every fresh TPM would test before their first use.
const PROFILE: Profile = Profile {
    rules: Rules {
        algorithms: Profile::HOST.rules.algorithms.without(1).without(0x14).without(0x15).without(0x16).without(0x17),
        curves: 1 << TpmEccCurve::NistP256.value(),
        ..Profile::HOST.rules
    },
    ..Profile::HOST
};

/// What a TPM with a persistent key and NV indices has stored.
static RECORDS: LazyLock<Records> = LazyLock::new(|| {
    let storage = MemoryStorage::new();
    let entropy = Box::new(TestEntropy::new(7));
    let mut tpm = Tpm::manufacture(Box::new(storage.clone()), entropy, &PORTABLE, PROFILE, seeds())
        .expect("an empty store takes a TPM");
    for (now, command) in prelude::commands().iter().enumerate() {
        let response = tpm.execute(0, now as u64, command);
        assert_eq!(response[6..10], [0; 4], "the prelude's command {command:02x?}");
    }
    storage.records()
});

fn edit(records: &mut Records, edits: &[u8]) {
    for step in edits.chunks_exact(5) {
        let Some(&key) = records.keys().nth(usize::from(step[0]) % records.len().max(1)) else { return };
        let mut bytes = records.get(&key).map(|record| record.to_vec()).unwrap_or_default();
        let place = usize::from(u16::from_be_bytes([step[2], step[3]])) % (bytes.len() + 1);
        let value = step[4];
        match step[1] % 7 {
            0 if place < bytes.len() => bytes[place] ^= value,
            1 if place < bytes.len() => bytes[place] = value,
            2 => bytes.truncate(place),
            3 => bytes.insert(place, value),
            4 if place < bytes.len() => drop(bytes.remove(place)),
            5 => {
                records.remove(&key);
                continue;
            }
            // The record turns up under another key.
            6 => {
                records.insert(RecordKey(key.0 ^ u64::from(value) << (place % 64)), bytes.into());
                continue;
            }
            _ => {}
        }
        records.insert(key, bytes.into());
    }
}

fuzz_target!(|input: &[u8]| {
    let mut records = RECORDS.clone();
    edit(&mut records, input);
    let storage = Box::new(VolatileStorage::new(records));
    let opened = Tpm::open(storage, Box::new(TestEntropy::new(8)), &PORTABLE, PROFILE, seeds());
    let Ok(mut tpm) = opened else { return };
    for (now, command) in prelude::commands().iter().chain(&prelude::questions()).enumerate() {
        let response = tpm.execute(0, now as u64, command);
        assert!((10..=4096).contains(&response.len()), "a response of {} bytes", response.len());
    }
});
