//! PCR, capabilities, hierarchies, clock and contexts, through bytes.

use crate::common::{TestTpm, password};
use ironroot_wire::*;

fn property(tpm: &mut TestTpm, property: TpmPt) -> u32 {
    let answer =
        tpm.run(&GetCapability { capability: TpmCap::TpmProperties, property: property.0, property_count: 1 }).unwrap();
    match answer.capability_data {
        TpmsCapabilityData::TpmProperties(list) => {
            assert_eq!(list[0].property, property);
            list[0].value
        }
        other => panic!("{other:?}"),
    }
}

fn read_pcr(tpm: &mut TestTpm, pcr: u32) -> Vec<u8> {
    let selection = TpmlPcrSelection::new(vec![TpmsPcrSelection {
        hash: TpmiAlgHash::Sha256,
        pcr_select: TpmsPcrSelect::of(&[pcr]),
    }]);
    tpm.run(&PcrRead { pcr_selection_in: selection }).unwrap().pcr_values[0].to_vec()
}

fn extend(tpm: &mut TestTpm, pcr: u32) -> Result<PcrExtendResponse, TpmRc> {
    let digest = TpmtHa::new(TpmiAlgHash::Sha256, &[0xAB; 32]).unwrap();
    tpm.run_auth(&PcrExtend { pcr_handle: Some(TpmiDhPcr(pcr)), digests: TpmlDigestValues::new(vec![digest]) })
}

#[test]
fn properties_start_with_the_family_and_end_the_group() {
    let mut tpm = TestTpm::started();
    assert_eq!(property(&mut tpm, TpmPt::FAMILY_INDICATOR), 0x322E_3000);
    let all =
        tpm.run(&GetCapability { capability: TpmCap::TpmProperties, property: 0x100, property_count: 1000 }).unwrap();
    assert!(!all.more_data.0);
    let none =
        tpm.run(&GetCapability { capability: TpmCap::TpmProperties, property: 0x1FF, property_count: 8 }).unwrap();
    assert_eq!(none.capability_data, TpmsCapabilityData::TpmProperties(TpmlTaggedTpmProperty::default()));
    let first = tpm.run(&GetCapability { capability: TpmCap::Commands, property: 0, property_count: 1 }).unwrap();
    assert!(first.more_data.0);
}

#[test]
fn pcr_extend_is_the_hash_of_old_value_and_digest() {
    let mut tpm = TestTpm::started();
    extend(&mut tpm, 5).unwrap();
    // SHA-256 of 32 zero bytes and 32 bytes 0xAB, computed with an independent program.
    let hex: String = read_pcr(&mut tpm, 5).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, "debb3e7acfff6dd18d501042273629f0b79cb206bb8c24f59f62ddb80849403b");
    assert_eq!(read_pcr(&mut tpm, 17), [0xFF; 32]);
}

#[test]
fn localities_guard_the_pcr_of_dynamic_measurement() {
    let mut tpm = TestTpm::started();
    assert_eq!(extend(&mut tpm, 17), Err(TpmRc::LOCALITY));
    assert_eq!(tpm.run_auth(&PcrReset { pcr_handle: TpmiDhPcr(0) }), Err(TpmRc::LOCALITY));
    extend(&mut tpm, 23).unwrap();
    tpm.run_auth(&PcrReset { pcr_handle: TpmiDhPcr(23) }).unwrap();
    assert_eq!(read_pcr(&mut tpm, 23), [0; 32]);
    tpm.locality = 4;
    tpm.run_auth(&PcrReset { pcr_handle: TpmiDhPcr(17) }).unwrap();
    assert_eq!(read_pcr(&mut tpm, 17), [0; 32]);
}

#[test]
fn pcr_survive_resume_but_not_reset() {
    let mut tpm = TestTpm::started();
    extend(&mut tpm, 1).unwrap();
    let value = read_pcr(&mut tpm, 1);
    tpm.run(&Shutdown { shutdown_type: TpmSu::State }).unwrap();
    tpm.reopen();
    tpm.startup(TpmSu::State).unwrap();
    assert_eq!(read_pcr(&mut tpm, 1), value);
    tpm.power_cycle();
    assert_eq!(read_pcr(&mut tpm, 1), [0; 32]);
}

#[test]
fn hierarchy_auth_is_asked_for_and_survives_power_cycles() {
    let mut tpm = TestTpm::started();
    let owner = TpmiRhHierarchyAuth(TpmHandle::OWNER.0);
    let change =
        |auth: &[u8]| HierarchyChangeAuth { auth_handle: owner, new_auth: Tpm2bAuth::from_slice(auth).unwrap() };
    tpm.run_auth(&change(b"secret\0\0")).unwrap();
    tpm.power_cycle();
    assert_eq!(tpm.run_auth(&change(b"")), Err(TpmRc::BAD_AUTH.session(1)));
    assert_eq!(tpm.run_with(&change(b"x"), &[password(b"wrong")]), Err(TpmRc::BAD_AUTH.session(1)));
    tpm.run_with(&change(b""), &[password(b"secret")]).unwrap();
    assert_eq!(tpm.run(&change(b"x")), Err(TpmRc::AUTH_MISSING));
}

#[test]
fn lockout_auth_fails_once_and_is_locked() {
    let mut tpm = TestTpm::started();
    let reset = DictionaryAttackLockReset { lock_handle: TpmiRhLockout(TpmHandle::LOCKOUT.0) };
    tpm.run_auth(&reset).unwrap();
    assert_eq!(tpm.run_with(&reset, &[password(b"wrong")]), Err(TpmRc::AUTH_FAIL.session(1)));
    assert_eq!(tpm.run_auth(&reset), Err(TpmRc::LOCKOUT));
    tpm.power_cycle();
    assert_eq!(tpm.run_auth(&reset), Err(TpmRc::LOCKOUT), "the failure is durable");
    tpm.now += 86_400_001;
    tpm.run_auth(&reset).unwrap();
}

#[test]
fn clear_needs_permission_and_is_counted() {
    let mut tpm = TestTpm::started();
    let control = |disable| ClearControl { auth: TpmiRhClear(TpmHandle::LOCKOUT.0), disable: TpmiYesNo(disable) };
    let clear = Clear { auth_handle: TpmiRhClear(TpmHandle::LOCKOUT.0) };
    tpm.run_auth(&control(true)).unwrap();
    assert_eq!(tpm.run_auth(&clear), Err(TpmRc::DISABLED));
    assert_eq!(tpm.run_auth(&control(false)), Err(TpmRc::AUTH_FAIL));
    tpm.run_auth(&ClearControl { auth: TpmiRhClear(TpmHandle::PLATFORM.0), disable: TpmiYesNo(false) }).unwrap();
    tpm.run_auth(&clear).unwrap();
    assert_eq!(tpm.run(&ReadClock {}).unwrap().current_time.clock_info.reset_count, 0);
}

#[test]
fn clock_goes_forward_only() {
    let mut tpm = TestTpm::started();
    let set = |new_time| ClockSet { auth: TpmiRhProvision(TpmHandle::OWNER.0), new_time };
    tpm.run_auth(&set(1_000_000)).unwrap();
    assert_eq!(tpm.run_auth(&set(5)), Err(TpmRc::VALUE.parameter(1)));
    assert!(tpm.run(&ReadClock {}).unwrap().current_time.clock_info.clock >= 1_000_000);
    tpm.power_cycle();
    assert!(tpm.run(&ReadClock {}).unwrap().current_time.clock_info.clock >= 1_000_000);
}

#[test]
fn a_session_context_loads_once() {
    let mut tpm = TestTpm::started();
    let start = StartAuthSession {
        tpm_key: None,
        bind: None,
        nonce_caller: Tpm2bNonce::from_slice(&[1; 16]).unwrap(),
        encrypted_salt: Default::default(),
        session_type: TpmSe::Policy,
        symmetric: None,
        auth_hash: TpmiAlgHash::Sha256,
    };
    let handle = tpm.run(&start).unwrap().session_handle;
    let save = ContextSave { save_handle: TpmiDhContext(handle.0) };
    let context = tpm.run(&save).unwrap().context;
    assert_eq!(tpm.run(&save).unwrap_err(), TpmRc::REFERENCE_H0);
    let mut damaged = context.clone();
    damaged.sequence += 1;
    assert_eq!(tpm.run(&ContextLoad { context: damaged }).unwrap_err(), TpmRc::INTEGRITY.parameter(1));
    assert_eq!(tpm.run(&ContextLoad { context: context.clone() }).unwrap().loaded_handle.0, handle.0);
    assert_eq!(tpm.run(&ContextLoad { context }).unwrap_err(), TpmRc::HANDLE.parameter(1));
    tpm.run(&FlushContext { flush_handle: TpmiDhContext(handle.0) }).unwrap();
    assert_eq!(tpm.run(&FlushContext { flush_handle: TpmiDhContext(handle.0) }), Err(TpmRc::HANDLE.parameter(1)));
}
