//! Dictionary-attack protection (Part 1, 16.8) under power cuts, failing storage and clocks that jump.
use crate::common::{TestTpm, password, seeds};
use ironroot_platform::memory::{Fault, Faults, FaultyStorage, TestEntropy};
use ironroot_tpm::{Profile, Tpm};
use ironroot_wire::*;

const INDEX: u32 = 0x0180_0001;
const MAX_TRIES: u32 = 5;
const RECOVERY: u32 = 100;
const LOCKOUT_RECOVERY: u32 = 50;

fn tpm() -> TestTpm {
    let mut tpm = TestTpm::started();
    prepare(&mut tpm);
    tpm
}

/// An index under protection with the auth value "right", and parameters that are soon over.
fn prepare(tpm: &mut TestTpm) {
    parameters(tpm, RECOVERY, LOCKOUT_RECOVERY);
    let define = NvDefineSpace {
        auth_handle: TpmiRhProvision(TpmHandle::OWNER.0),
        auth: Tpm2bAuth::from_slice(b"right").unwrap(),
        public_info: Tpm2b(TpmsNvPublic {
            nv_index: TpmiRhNvIndex(INDEX),
            name_alg: TpmiAlgHash::Sha256,
            attributes: TpmaNv::AUTHREAD | TpmaNv::AUTHWRITE,
            auth_policy: Tpm2bDigest::default(),
            data_size: 8,
        }),
    };
    tpm.run_auth(&define).unwrap();
    let write = NvWrite {
        auth_handle: TpmiRhNvAuth(INDEX),
        nv_index: TpmiRhNvIndex(INDEX),
        data: Tpm2bMaxNvBuffer::from_slice(&[7; 8]).unwrap(),
        offset: 0,
    };
    tpm.run_with(&write, &[password(b"right")]).unwrap();
    shutdown(tpm, TpmSu::Clear);
    cycle(tpm);
    assert_eq!(counter(tpm), 0);
}

/// Power is lost and comes again now, whatever time the platform's clock shows.
fn cycle(tpm: &mut TestTpm) {
    tpm.reopen();
    tpm.tpm.power_on(tpm.now);
    tpm.startup(TpmSu::Clear).unwrap();
}

fn parameters(tpm: &mut TestTpm, recovery: u32, lockout_recovery: u32) {
    let command = DictionaryAttackParameters {
        lock_handle: TpmiRhLockout(TpmHandle::LOCKOUT.0),
        new_max_tries: MAX_TRIES,
        new_recovery_time: recovery,
        lockout_recovery,
    };
    tpm.run_auth(&command).unwrap();
}

fn shutdown(tpm: &mut TestTpm, how: TpmSu) {
    tpm.run(&Shutdown { shutdown_type: how }).unwrap();
}

fn guess(tpm: &mut TestTpm, auth: &[u8]) -> Result<(), TpmRc> {
    let read = NvRead { auth_handle: TpmiRhNvAuth(INDEX), nv_index: TpmiRhNvIndex(INDEX), size: 8, offset: 0 };
    tpm.run_with(&read, &[password(auth)]).map(|_| ())
}

fn guess_lockout(tpm: &mut TestTpm, auth: &[u8]) -> Result<(), TpmRc> {
    let reset = DictionaryAttackLockReset { lock_handle: TpmiRhLockout(TpmHandle::LOCKOUT.0) };
    tpm.run_with(&reset, &[password(auth)]).map(|_| ())
}

fn is_wrong(result: Result<(), TpmRc>) -> bool {
    result.is_err_and(|rc| rc.base() == TpmRc::AUTH_FAIL)
}

fn property(tpm: &mut TestTpm, property: TpmPt) -> u32 {
    let command = GetCapability { capability: TpmCap::TpmProperties, property: property.0, property_count: 1 };
    let TpmsCapabilityData::TpmProperties(list) = tpm.run(&command).unwrap().capability_data else { panic!() };
    list[0].value
}

fn counter(tpm: &mut TestTpm) -> u32 {
    property(tpm, TpmPt::LOCKOUT_COUNTER)
}

/// Time passes until the next command sees so many milliseconds more than the last.
fn pass(tpm: &mut TestTpm, milliseconds: u64) {
    tpm.now += milliseconds - 1;
}

/// An attacker tries until lockout says that it is over; how often an answer came, or was cut off.
fn attack(tpm: &mut TestTpm, mut attempt: impl FnMut(&mut TestTpm) -> Result<(), TpmRc>) -> u32 {
    for tries in 0..1000 {
        match attempt(tpm) {
            Err(TpmRc::LOCKOUT) => return tries,
            result => assert!(result.is_err(), "the attacker guessed wrong"),
        }
    }
    panic!("a thousand tries and no lockout")
}

#[test]
fn cutting_the_power_after_each_answer_wins_nothing() {
    let mut tpm = tpm();
    let tries = attack(&mut tpm, |tpm| {
        let result = guess(tpm, b"wrong");
        if is_wrong(result) {
            cycle(tpm);
        }
        result
    });
    assert!(tries <= MAX_TRIES, "{tries}");
    assert_eq!(counter(&mut tpm), MAX_TRIES);
    assert_eq!(guess(&mut tpm, b"right"), Err(TpmRc::LOCKOUT));
    // Nor does an orderly restart.
    shutdown(&mut tpm, TpmSu::Clear);
    cycle(&mut tpm);
    assert_eq!(guess(&mut tpm, b"right"), Err(TpmRc::LOCKOUT));
}

/// A TPM whose storage the attacker can make fail: what is written when a guess is wrong never gets there.
fn with_faults() -> (TestTpm, Faults) {
    let mut tpm = tpm();
    let faults = Faults::default();
    reopen(&mut tpm, &faults);
    (tpm, faults)
}

fn reopen(tpm: &mut TestTpm, faults: &Faults) {
    faults.none();
    let storage = FaultyStorage::new(tpm.storage.clone(), faults.clone());
    let entropy = Box::new(TestEntropy::new(tpm.now));
    tpm.tpm = Tpm::open(Box::new(storage), entropy, &ironroot_crypto_host::HOST, Profile::HOST, seeds()).unwrap();
    tpm.tpm.power_on(tpm.now);
    tpm.startup(TpmSu::Clear).unwrap();
}

#[test]
fn cutting_the_power_before_the_failure_is_written_wins_nothing() {
    let (mut tpm, faults) = with_faults();
    let tries = attack(&mut tpm, |tpm| {
        // The power goes at the second write of the attempt: the first says that there is one, the second that it failed.
        faults.fail_nth(2, Fault::Io);
        let result = guess(tpm, b"wrong");
        if result != Err(TpmRc::LOCKOUT) {
            reopen(tpm, &faults);
        }
        result
    });
    assert!(tries <= MAX_TRIES, "{tries}");
    assert_eq!(guess(&mut tpm, b"right"), Err(TpmRc::LOCKOUT));
}

#[test]
fn storage_that_fails_throughout_lets_nobody_guess() {
    let (mut tpm, faults) = with_faults();
    faults.fail_every(Fault::Io);
    // Right and wrong look the same: neither is looked at.
    assert_eq!(guess(&mut tpm, b"right"), Err(TpmRc::NV_UNAVAILABLE));
    assert_eq!(guess(&mut tpm, b"wrong"), Err(TpmRc::NV_UNAVAILABLE));
    assert_eq!(guess_lockout(&mut tpm, b""), Err(TpmRc::NV_UNAVAILABLE));
    assert_eq!(guess_lockout(&mut tpm, b"wrong"), Err(TpmRc::NV_UNAVAILABLE));
    reopen(&mut tpm, &faults);
    assert_eq!(counter(&mut tpm), 0, "nothing was tried");
    guess(&mut tpm, b"right").unwrap();
    guess_lockout(&mut tpm, b"").unwrap();
}

#[test]
fn an_orderly_shutdown_does_not_hide_an_attempt_after_it() {
    let (mut tpm, faults) = with_faults();
    let tries = attack(&mut tpm, |tpm| {
        shutdown(tpm, TpmSu::State);
        faults.fail_nth(2, Fault::Io);
        let result = guess(tpm, b"wrong");
        if result != Err(TpmRc::LOCKOUT) {
            reopen(tpm, &faults);
        }
        result
    });
    assert!(tries <= MAX_TRIES, "{tries}");
}

#[test]
fn lockout_auth_cannot_be_tried_twice_by_cutting_the_power() {
    for second_write in [1, 2, 3] {
        let (mut tpm, faults) = with_faults();
        faults.fail_nth(second_write, Fault::Io);
        let result = guess_lockout(&mut tpm, b"wrong");
        assert!(result.is_err());
        reopen(&mut tpm, &faults);
        // Cut before it was closed, it was not looked at either.
        let looked_at = result != Err(TpmRc::NV_UNAVAILABLE) || second_write > 1;
        let expected = if looked_at { Err(TpmRc::LOCKOUT) } else { Ok(()) };
        assert_eq!(guess_lockout(&mut tpm, b""), expected, "cut at write {second_write}");
    }
}

#[test]
fn what_ends_in_order_or_used_nothing_costs_nothing() {
    let mut tpm = tpm();
    for _ in 0..20 {
        guess(&mut tpm, b"right").unwrap();
        shutdown(&mut tpm, TpmSu::Clear);
        cycle(&mut tpm);
    }
    // Power cuts in cycles in which nothing under protection was used.
    for _ in 0..20 {
        tpm.run(&GetRandom { bytes_requested: 8 }).unwrap();
        cycle(&mut tpm);
    }
    assert_eq!(counter(&mut tpm), 0);
    // One in a cycle in which something was (Part 1, 16.8.6): it could have been a guess.
    guess(&mut tpm, b"right").unwrap();
    cycle(&mut tpm);
    assert_eq!(counter(&mut tpm), 1);
    cycle(&mut tpm);
    assert_eq!(counter(&mut tpm), 1);
}

#[test]
fn the_use_is_written_once_in_a_power_cycle() {
    let (mut tpm, faults) = with_faults();
    let before = faults.tried();
    for _ in 0..10 {
        guess(&mut tpm, b"right").unwrap();
    }
    assert_eq!(faults.tried() - before, 1);
}

#[test]
fn a_failure_is_forgiven_after_exactly_the_recovery_time_without_another() {
    let interval = u64::from(RECOVERY) * 1000;
    let mut tpm = tpm();
    assert!(is_wrong(guess(&mut tpm, b"wrong")));
    pass(&mut tpm, interval - 1);
    assert_eq!(counter(&mut tpm), 1, "one millisecond is missing");
    assert_eq!(counter(&mut tpm), 0);

    // Each failure starts the interval anew (Part 1, 16.8.2).
    assert!(is_wrong(guess(&mut tpm, b"wrong")));
    pass(&mut tpm, interval - 10);
    assert!(is_wrong(guess(&mut tpm, b"wrong")));
    pass(&mut tpm, 100);
    assert_eq!(counter(&mut tpm), 2);
    pass(&mut tpm, interval - 100);
    assert_eq!(counter(&mut tpm), 1);
    // And they are forgiven one by one, however long nobody asks.
    pass(&mut tpm, interval * 10);
    assert_eq!(counter(&mut tpm), 0);
}

#[test]
fn lockout_ends_with_the_first_failure_that_is_forgiven() {
    let mut tpm = tpm();
    for _ in 0..MAX_TRIES {
        assert!(is_wrong(guess(&mut tpm, b"wrong")));
    }
    assert_eq!(guess(&mut tpm, b"right"), Err(TpmRc::LOCKOUT));
    pass(&mut tpm, u64::from(RECOVERY) * 1000 - 1);
    guess(&mut tpm, b"right").unwrap();
    assert!(is_wrong(guess(&mut tpm, b"wrong")));
    assert_eq!(guess(&mut tpm, b"right"), Err(TpmRc::LOCKOUT), "one more try, no more");
}

#[test]
fn time_without_power_or_of_a_clock_that_goes_back_forgives_nothing() {
    let interval = u64::from(RECOVERY) * 1000;
    let mut tpm = tpm();
    assert!(is_wrong(guess(&mut tpm, b"wrong")));
    shutdown(&mut tpm, TpmSu::Clear);
    for _ in 0..5 {
        // Nearly the interval, then no power: it starts anew.
        pass(&mut tpm, interval - 100);
        tpm.run(&GetRandom { bytes_requested: 1 }).unwrap();
        cycle(&mut tpm);
    }
    assert_eq!(counter(&mut tpm), 1);
    // A platform whose clock goes back: Time stands still until it is where it was.
    tpm.now -= 50_000;
    assert_eq!(counter(&mut tpm), 1);
    pass(&mut tpm, interval - 1000);
    assert_eq!(counter(&mut tpm), 1, "only half of the interval has passed");
    pass(&mut tpm, 60_000);
    assert_eq!(counter(&mut tpm), 0);
    // TPM2_ClockSet moves Clock, not Time.
    assert!(is_wrong(guess(&mut tpm, b"wrong")));
    let clock = tpm.run(&ReadClock {}).unwrap().current_time.clock_info.clock;
    let set = ClockSet { auth: TpmiRhProvision(TpmHandle::OWNER.0), new_time: clock + 100 * interval };
    tpm.run_auth(&set).unwrap();
    assert_eq!(counter(&mut tpm), 1);
}

#[test]
fn lockout_auth_works_again_after_exactly_its_recovery() {
    let interval = u64::from(LOCKOUT_RECOVERY) * 1000;
    let mut tpm = tpm();
    assert!(is_wrong(guess_lockout(&mut tpm, b"wrong")));
    pass(&mut tpm, interval - 1);
    assert_eq!(guess_lockout(&mut tpm, b""), Err(TpmRc::LOCKOUT), "one millisecond is missing");
    assert_eq!(guess_lockout(&mut tpm, b""), Ok(()));
    // The time counts while the power is on.
    assert!(is_wrong(guess_lockout(&mut tpm, b"wrong")));
    pass(&mut tpm, interval - 100);
    tpm.run(&GetRandom { bytes_requested: 1 }).unwrap();
    shutdown(&mut tpm, TpmSu::Clear);
    cycle(&mut tpm);
    pass(&mut tpm, 200);
    assert_eq!(guess_lockout(&mut tpm, b""), Err(TpmRc::LOCKOUT));
    pass(&mut tpm, interval);
    assert_eq!(guess_lockout(&mut tpm, b""), Ok(()));
}

#[test]
fn without_a_recovery_lockout_auth_works_again_after_a_start_up() {
    let mut tpm = tpm();
    parameters(&mut tpm, RECOVERY, 0);
    assert!(is_wrong(guess_lockout(&mut tpm, b"wrong")));
    pass(&mut tpm, 1_000_000_000);
    assert_eq!(guess_lockout(&mut tpm, b""), Err(TpmRc::LOCKOUT));
    cycle(&mut tpm);
    assert_eq!(guess_lockout(&mut tpm, b""), Ok(()));
}

#[test]
fn without_protection_failures_do_not_count_and_power_cuts_neither() {
    let mut tpm = tpm();
    parameters(&mut tpm, 0, LOCKOUT_RECOVERY);
    for _ in 0..3 * MAX_TRIES {
        assert!(is_wrong(guess(&mut tpm, b"wrong")));
        cycle(&mut tpm);
    }
    guess(&mut tpm, b"right").unwrap();
    assert_eq!(counter(&mut tpm), 0);
}
