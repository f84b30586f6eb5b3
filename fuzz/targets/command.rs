//! Commands: whatever bytes arrive, at whatever locality and after whatever came before, the answer is a well-formed
//! response, and what the TPM has stored opens again.
//!
//! An input is a chain of steps: a control byte, a length of two bytes, the command. The control byte's low three bits
//! are the locality; bit 7 switches the power off and on before the command; bit 6 sends the command's size field as it
//! is, where otherwise it is put right (almost every input would end there). Bit 5 of the first one gives the TPM RSA.
#![no_main]

use ironroot_crypto_host::HOST;
use ironroot_platform::memory::{MemoryStorage, TestEntropy};
use ironroot_tpm::{Profile, Tpm};
use ironroot_wire::{Rules, TpmEccCurve};
use libfuzzer_sys::{fuzz_mutator, fuzz_target};

mod prelude;

use prelude::{seeds, steps};

/// More commands than this in one input only make it slow.
const STEPS: usize = 24;
/// The bit of the first control byte that asks for a TPM with RSA.
pub const RSA: u8 = 0x20;
const FAILURE: u32 = 0x101;

/// The host's profile with quick keys: every fresh TPM tests its algorithms before it uses them, and there is a fresh one
/// for each input. The provider is the host's for the same reason.
const WITH_RSA: Profile = Profile {
    rules: Rules {
        rsa_key_bits: ironroot_wire::rules::KeySizes::of(&[1024]),
        curves: 1 << TpmEccCurve::NistP256.value(),
        ..Profile::HOST.rules
    },
    ..Profile::HOST
};

/// Without RSA, whose tests take most of the time.
const QUICK: Profile = Profile {
    rules: Rules {
        algorithms: Profile::HOST.rules.algorithms.without(1).without(0x14).without(0x15).without(0x16).without(0x17),
        ..WITH_RSA.rules
    },
    ..WITH_RSA
};

/// One command; the response has to be well-formed. Returns the response code.
fn execute(tpm: &mut Tpm, locality: u8, now: u64, command: &[u8]) -> u32 {
    let response = tpm.execute(locality, now, command);
    assert!(
        (10..=ironroot_wire::limits::MAX_COMMAND_SIZE).contains(&response.len()),
        "a response of {} bytes",
        response.len()
    );
    let word = |at: usize| u32::from_be_bytes(response[at..at + 4].try_into().expect("four bytes"));
    let tag = u16::from_be_bytes([response[0], response[1]]);
    let code = word(6);
    assert_eq!(word(2) as usize, response.len(), "the response's size field");
    assert!(matches!(tag, 0x8001 | 0x8002 | 0x00c4), "the response's tag {tag:#x}");
    assert!(code == 0 || response.len() == 10, "an error response of {} bytes", response.len());
    assert_ne!(code, FAILURE, "the TPM went into failure mode");
    code
}

fuzz_target!(|input: &[u8]| {
    let profile = if input.first().is_some_and(|control| control & RSA != 0) { WITH_RSA } else { QUICK };
    let storage = MemoryStorage::new();
    let mut tpm = Tpm::manufacture(Box::new(storage.clone()), Box::new(TestEntropy::new(7)), &HOST, profile, seeds())
        .expect("an empty store takes a TPM");
    let mut now = 0;
    for command in prelude::commands() {
        now += 1;
        assert_eq!(execute(&mut tpm, 0, now, &command), 0, "the prelude's command {command:02x?}");
    }

    for steps::Step { control, mut command } in steps::parse(input, STEPS) {
        now += u64::from(control);
        if control & 0x80 != 0 {
            tpm.power_on(now);
        }
        if control & 0x40 == 0 && command.len() >= 6 {
            let size = u32::try_from(command.len()).expect("short");
            command[2..6].copy_from_slice(&size.to_be_bytes());
        }
        execute(&mut tpm, (control & 7).min(4), now, &command);
    }

    drop(tpm);
    let again = Tpm::open(Box::new(storage), Box::new(TestEntropy::new(8)), &HOST, profile, seeds());
    assert!(again.is_ok(), "what the TPM stored does not open: {:?}", again.err());
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| { steps::mutate(data, size, max_size, seed) });
