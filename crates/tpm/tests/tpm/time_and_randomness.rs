//! The clock's commands, the generator's, and `TPM2_TestParms`, through bytes.

use crate::common::{TestTpm, encode, password, rc};
use crate::templates::*;
use ironroot_wire::*;

fn clock(tpm: &mut TestTpm) -> u64 {
    tpm.run(&ReadClock {}).unwrap().current_time.clock_info.clock
}

/// How far Clock goes while the platform's clock goes a million milliseconds.
fn in_a_million(tpm: &mut TestTpm) -> u64 {
    let before = clock(tpm);
    tpm.now += 1_000_000 - 1;
    clock(tpm) - before
}

fn adjust(tpm: &mut TestTpm, rate_adjust: TpmClockAdjust) {
    tpm.run_auth(&ClockRateAdjust { auth: TpmiRhProvision(OWNER), rate_adjust }).unwrap();
}

#[test]
fn the_rate_of_clock_follows_its_adjustments() {
    let mut tpm = TestTpm::started();
    assert_eq!(in_a_million(&mut tpm), 1_000_000);
    adjust(&mut tpm, TpmClockAdjust::CoarseFaster);
    let faster = in_a_million(&mut tpm);
    assert_eq!(faster, 1_010_000, "one per cent");
    adjust(&mut tpm, TpmClockAdjust::CoarseSlower);
    adjust(&mut tpm, TpmClockAdjust::FineSlower);
    let slower = in_a_million(&mut tpm);
    assert!((999_800..1_000_000).contains(&slower), "a little: {slower}");
    adjust(&mut tpm, TpmClockAdjust::NoChange);
    assert_eq!(in_a_million(&mut tpm), slower);
}

#[test]
fn what_is_stirred_in_changes_what_comes_out() {
    let (mut left, mut right) = (TestTpm::started(), TestTpm::started());
    let bytes = |tpm: &mut TestTpm| tpm.run(&GetRandom { bytes_requested: 32 }).unwrap().random_bytes;
    assert_eq!(bytes(&mut left), bytes(&mut right), "the tests' entropy is the same");
    left.run(&StirRandom { in_data: Tpm2bSensitiveData::from_slice(b"more").unwrap() }).unwrap();
    right.run(&StirRandom { in_data: Tpm2bSensitiveData::from_slice(b"else").unwrap() }).unwrap();
    let (left, right) = (bytes(&mut left), bytes(&mut right));
    assert_ne!(left, right);
    assert_eq!((left.len(), right.len()), (32, 32));
}

#[test]
fn parameters_of_every_type_are_tested() {
    let mut tpm = TestTpm::started();
    for public in [ecc_srk(), rsa_srk(), ecdsa(OWN), rsassa(OWN), keyedhash(OWN | SIGN, hmac_sha256()), symcipher(OWN)]
    {
        tpm.run(&TestParms { parameters: public.parms() }).unwrap();
    }
}

#[test]
fn what_is_malformed_is_refused() {
    let mut tpm = TestTpm::started();
    // TPM_CLOCK_ADJUST goes from -3 to 3.
    let mut command = encode(
        &ClockRateAdjust { auth: TpmiRhProvision(OWNER), rate_adjust: TpmClockAdjust::NoChange },
        &[password(b"")],
    );
    *command.last_mut().unwrap() = 4;
    assert_eq!(rc(&tpm.raw(&command)), TpmRc::VALUE.parameter(1));
    let mut command = encode(&Shutdown { shutdown_type: TpmSu::Clear }, &[]);
    *command.last_mut().unwrap() = 2;
    assert_eq!(rc(&tpm.raw(&command)), TpmRc::VALUE.parameter(1));
}
