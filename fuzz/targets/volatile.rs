//! State blobs of a running TPM: the tag keeps strangers out, so this is the second line. Whatever stands in the record
//! under a right tag, the TPM takes it or stays as it was after power-on, and answers commands without a panic.
//!
//! An input whose first byte is 0 is a blob from nowhere, which nobody may accept; any other byte is followed by edits of a
//! real record.
#![no_main]

use ironroot_crypto_host::HOST;
use ironroot_platform::memory::{MemoryStorage, TestEntropy, VolatileStorage};
use ironroot_platform::{Records, Storage};
use ironroot_tpm::{Profile, Tpm};
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;
use zeroize::Zeroizing;

mod prelude;

use prelude::{edits, seeds};

/// A running TPM's non-volatile records, and the record inside its blob: keys, sessions, an index, a sequence.
static SAMPLE: LazyLock<(Records, Zeroizing<Vec<u8>>)> = LazyLock::new(|| {
    let storage = MemoryStorage::new();
    let entropy = Box::new(TestEntropy::new(7));
    let mut tpm = Tpm::manufacture(Box::new(storage.clone()), entropy, &HOST, Profile::HOST, seeds())
        .expect("an empty store takes a TPM");
    for (now, command) in prelude::commands().iter().enumerate() {
        let response = tpm.execute(0, now as u64, command);
        assert_eq!(response[6..10], [0; 4], "the prelude's command {command:02x?}");
    }
    let record = tpm.volatile_record(&tpm.save_volatile()).expect("a blob of this TPM");
    (storage.records(), record)
});

fuzz_target!(|input: &[u8]| {
    let Some((&kind, rest)) = input.split_first() else { return };
    let mut storage = VolatileStorage::new(SAMPLE.0.clone());
    let before = storage.load().expect("memory can be read");
    let mut tpm = Tpm::open(Box::new(storage), Box::new(TestEntropy::new(8)), &HOST, Profile::HOST, seeds())
        .expect("these records are whole");
    assert_eq!(before, SAMPLE.0);
    let blob = if kind == 0 {
        assert!(tpm.restore_volatile(0, rest).is_err(), "a forged blob was accepted");
        return;
    } else {
        let mut record = SAMPLE.1.to_vec();
        edits::apply(&mut record, rest);
        tpm.volatile_blob(&record)
    };
    // Taken or refused: from here on, it is a TPM like any other.
    let taken = tpm.restore_volatile(1_000, &blob).is_ok();
    let commands = prelude::commands();
    let first = if taken { &commands[1..] } else { &commands[..] };
    for (now, command) in first.iter().chain(&prelude::questions()).enumerate() {
        let response = tpm.execute(0, 2_000 + now as u64, command);
        assert!((10..=8192).contains(&response.len()), "a response of {} bytes", response.len());
    }
    if taken {
        let again = tpm.save_volatile();
        assert!(tpm.volatile_record(&again).is_some());
    }
});
