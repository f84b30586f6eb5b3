//! Authenticated countdown timers (Part 1, clause 40; Part 3, clause 33).

use crate::common::{TestTpm, password, policy};
use crate::policies::{self, PLATFORM, bytes, start};
use ironroot_wire::*;

const ACT_0: u32 = 0x4000_0110;
const SIGNALED: TpmaAct = TpmaAct::SIGNALED;
const BOTH: TpmaAct = TpmaAct(3);

fn set(act: u32, start_timeout: u32) -> ActSetTimeout {
    ActSetTimeout { act_handle: TpmiRhAct(act), start_timeout }
}

fn list(tpm: &mut TestTpm, property: u32) -> Vec<TpmsActData> {
    let command = GetCapability { capability: TpmCap::Act, property, property_count: 100 };
    match tpm.run(&command).unwrap().capability_data {
        TpmsCapabilityData::ActData(list) => list.to_vec(),
        other => panic!("{other:?}"),
    }
}

/// Timeout and attributes of the first timer.
fn state(tpm: &mut TestTpm) -> (u32, TpmaAct) {
    let timer = list(tpm, ACT_0)[0].clone();
    assert_eq!(timer.handle, TpmHandle(ACT_0));
    (timer.timeout, timer.attributes)
}

fn suspend(tpm: &mut TestTpm) {
    tpm.run(&Shutdown { shutdown_type: TpmSu::State }).unwrap();
    tpm.reopen();
}

#[test]
fn a_timer_counts_down_and_signals() {
    let mut tpm = TestTpm::started();
    assert_eq!(state(&mut tpm), (0, TpmaAct::NONE));
    assert_eq!(tpm.tpm.next_timer(), None);
    tpm.run_auth(&set(ACT_0, 10)).unwrap();
    assert_eq!(state(&mut tpm), (10, TpmaAct::NONE));
    tpm.now += 4000;
    assert_eq!(state(&mut tpm), (6, TpmaAct::NONE));
    assert!(tpm.tpm.next_timer().is_some_and(|left| left <= 6000));
    assert!(tpm.tpm.signaled_timers(tpm.now).is_empty());
    tpm.now += 6000;
    assert_eq!(tpm.tpm.signaled_timers(tpm.now), [TpmHandle(ACT_0)], "without a command");
    assert!(tpm.tpm.signaled_timers(tpm.now).is_empty(), "told once");
    assert_eq!(state(&mut tpm), (0, SIGNALED));
    // Once signaled it stays so until it is set.
    tpm.now += 60_000;
    assert_eq!(state(&mut tpm), (0, SIGNALED));
    tpm.run_auth(&set(ACT_0, 5)).unwrap();
    assert_eq!(state(&mut tpm), (5, TpmaAct::NONE));
}

#[test]
fn the_four_states_of_setting() {
    let mut tpm = TestTpm::started();
    tpm.run_auth(&set(ACT_0, 0)).unwrap();
    assert_eq!(state(&mut tpm), (0, TpmaAct::NONE), "zero to zero changes nothing");
    tpm.run_auth(&set(ACT_0, 30)).unwrap();
    tpm.run_auth(&set(ACT_0, 20)).unwrap();
    assert_eq!(state(&mut tpm), (20, TpmaAct::NONE), "it may also become less");
    tpm.run_auth(&set(ACT_0, 0)).unwrap();
    assert_eq!(state(&mut tpm), (0, SIGNALED), "running to zero signals");
    assert_eq!(tpm.tpm.signaled_timers(tpm.now), [TpmHandle(ACT_0)]);
    tpm.run_auth(&set(ACT_0, 0)).unwrap();
    assert_eq!(state(&mut tpm), (0, SIGNALED), "zero to zero leaves the signal");
    tpm.run_auth(&set(ACT_0, u32::MAX)).unwrap();
    assert_eq!(state(&mut tpm), (0, TpmaAct::NONE), "the signal taken back, nothing counts");
    tpm.run_auth(&set(ACT_0, u32::MAX)).unwrap();
    assert_eq!(state(&mut tpm), (u32::MAX, TpmaAct::NONE), "without a signal it is a timeout");
}

#[test]
fn timers_survive_resume_and_nothing_else() {
    let mut tpm = TestTpm::started();
    tpm.run_auth(&set(ACT_0, 100)).unwrap();
    tpm.run_auth(&set(ACT_0 + 1, 7)).unwrap();
    tpm.run_auth(&set(ACT_0 + 1, 0)).unwrap();
    suspend(&mut tpm);
    tpm.now += 1_000_000;
    tpm.tpm.power_on(tpm.now);
    tpm.startup(TpmSu::State).unwrap();
    assert_eq!(state(&mut tpm), (100, TpmaAct::NONE), "without power it does not count");
    assert_eq!(list(&mut tpm, ACT_0 + 1)[0].attributes, BOTH, "the signal is kept, and that it came before");
    // Nobody has set it since: half of it is saved.
    suspend(&mut tpm);
    tpm.tpm.power_on(tpm.now);
    tpm.startup(TpmSu::State).unwrap();
    assert_eq!(state(&mut tpm).0, 50);
    tpm.run_auth(&set(ACT_0 + 1, 9)).unwrap();
    assert_eq!(list(&mut tpm, ACT_0 + 1)[0].attributes, TpmaAct::NONE, "setting takes both back");
    // A timer set after the shutdown undoes it.
    tpm.run(&Shutdown { shutdown_type: TpmSu::State }).unwrap();
    tpm.run_auth(&set(ACT_0, 1)).unwrap();
    tpm.reopen();
    assert_eq!(tpm.startup(TpmSu::State), Err(TpmRc::VALUE.parameter(1)));
    tpm.startup(TpmSu::Clear).unwrap();
    assert_eq!(state(&mut tpm), (0, TpmaAct::NONE));
    tpm.run_auth(&set(ACT_0, 100)).unwrap();
    suspend(&mut tpm);
    tpm.startup(TpmSu::Clear).unwrap();
    assert_eq!(state(&mut tpm), (0, TpmaAct::NONE), "a Restart stops it without a signal");
    assert!(tpm.tpm.signaled_timers(tpm.now).is_empty());
}

#[test]
fn a_running_timer_moves_with_a_running_tpm() {
    let mut tpm = TestTpm::started();
    tpm.run_auth(&set(ACT_0, 100)).unwrap();
    let blob = tpm.tpm.save_volatile();
    tpm.reopen();
    tpm.tpm.restore_volatile(tpm.now, &blob).unwrap();
    assert_eq!(state(&mut tpm).0, 100);
}

#[test]
fn the_platform_and_the_timer_s_policy_authorize() {
    let mut tpm = TestTpm::started();
    let auth = HierarchyChangeAuth { auth_handle: TpmiRhHierarchyAuth(PLATFORM), new_auth: bytes(b"firmware") };
    tpm.run_auth(&auth).unwrap();
    assert_eq!(tpm.run_auth(&set(ACT_0, 1)), Err(TpmRc::BAD_AUTH.session(1)));
    tpm.run_with(&set(ACT_0, 1), &[password(b"firmware")]).unwrap();
    // PolicyCommandCode(ACT_SetTimeout).
    let trial = start(&mut tpm, TpmSe::Trial, TpmiAlgHash::Sha256).handle;
    let assertion = |policy_session| PolicyCommandCode { policy_session, code: TpmCc(0x198) };
    tpm.run(&assertion(trial)).unwrap();
    let digest = policies::digest_of(&mut tpm, trial);
    let set_policy = |act| SetPrimaryPolicy {
        auth_handle: TpmiRhHierarchyPolicy(act),
        auth_policy: digest.clone(),
        hash_alg: Some(TpmiAlgHash::Sha256),
    };
    let session = start(&mut tpm, TpmSe::Policy, TpmiAlgHash::Sha256).handle;
    assert_eq!(tpm.run_with(&set(ACT_0, 2), &[policy(session.0)]), Err(TpmRc::AUTH_UNAVAILABLE.session(1)));
    tpm.run_with(&set_policy(ACT_0), &[password(b"firmware")]).unwrap();
    let told =
        tpm.run(&GetCapability { capability: TpmCap::AuthPolicies, property: ACT_0, property_count: 1 }).unwrap();
    match told.capability_data {
        TpmsCapabilityData::AuthPolicies(list) => assert_eq!(list[0].policy_hash.as_ref().unwrap().digest(), &*digest),
        other => panic!("{other:?}"),
    }
    tpm.run(&assertion(session)).unwrap();
    tpm.run_with(&set(ACT_0, 2), &[policy(session.0)]).unwrap();
    // Without the platform hierarchy its auth value is no use, the policy is.
    let off = HierarchyControl {
        auth_handle: TpmiRhBaseHierarchy(PLATFORM),
        enable: TpmiRhEnables(PLATFORM),
        state: TpmiYesNo(false),
    };
    tpm.run_with(&off, &[password(b"firmware")]).unwrap();
    let refused = tpm.run_with(&set(ACT_0, 3), &[password(b"firmware")]);
    assert_eq!(refused, Err(TpmRc::AUTH_UNAVAILABLE.session(1)));
    tpm.run(&assertion(session)).unwrap();
    tpm.run_with(&set(ACT_0, 3), &[policy(session.0)]).unwrap();
    assert_eq!(state(&mut tpm).0, 3);
    tpm.power_cycle();
    let told =
        tpm.run(&GetCapability { capability: TpmCap::AuthPolicies, property: ACT_0, property_count: 1 }).unwrap();
    match told.capability_data {
        TpmsCapabilityData::AuthPolicies(list) => assert_eq!(list[0].policy_hash, None, "a Reset has taken the policy"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn timers_that_do_not_exist() {
    let mut tpm = TestTpm::started();
    assert_eq!(list(&mut tpm, 0x4000_0000).len(), 2);
    assert!(list(&mut tpm, ACT_0 + 2).is_empty());
    assert_eq!(tpm.run_auth(&set(ACT_0 + 2, 1)), Err(TpmRc::VALUE.handle(1)));
    assert_eq!(tpm.run_auth(&set(ACT_0 - 1, 1)), Err(TpmRc::VALUE.handle(1)));
    let policy = SetPrimaryPolicy {
        auth_handle: TpmiRhHierarchyPolicy(ACT_0 + 2),
        auth_policy: Tpm2bDigest::default(),
        hash_alg: None,
    };
    assert_eq!(tpm.run_auth(&policy), Err(TpmRc::VALUE.handle(1)));
    let act = GetCapability { capability: TpmCap::Act, property: 0x8000_0000, property_count: 1 };
    assert_eq!(tpm.run(&act), Err(TpmRc::VALUE.parameter(2)));
}
