//! Seeds, Read-Only mode, physical presence, authorization of PCR, algorithm sets, settable capabilities and attached
//! components (Part 3, 22.6, 22.7, 24.4, 24.5, 24.9, 26, 30.4 and 32).

use crate::common::{self, TestTpm, password, policy};
use crate::peer::Both;
use crate::policies::{self, ENDORSEMENT, OWNER, PLATFORM, bytes, digest_of, start};
use crate::templates::{self, create_primary, ecc_srk};
use ironroot_wire::*;

const SHA256: TpmiAlgHash = TpmiAlgHash::Sha256;

fn primary(tpm: &mut TestTpm, hierarchy: u32) -> CreatePrimaryResponse {
    tpm.run_auth(&create_primary(hierarchy, ecc_srk())).unwrap()
}

fn persist(tpm: &mut TestTpm, auth: u32, object: TpmHandle, persistent: u32) {
    let command = EvictControl {
        auth: TpmiRhProvision(auth),
        object_handle: TpmiDhObject(object.0),
        persistent_handle: TpmiDhPersistent(persistent),
    };
    tpm.run_auth(&command).unwrap();
}

fn read_public(tpm: &mut TestTpm, handle: u32) -> Result<(), TpmRc> {
    tpm.run(&ReadPublic { object_handle: TpmiDhObject(handle) }).map(|_| ())
}

fn change_pps() -> ChangePps {
    ChangePps { auth_handle: TpmiRhPlatform(PLATFORM) }
}

fn change_eps() -> ChangeEps {
    ChangeEps { auth_handle: TpmiRhPlatform(PLATFORM) }
}

fn property(tpm: &mut TestTpm, property: TpmPt) -> u32 {
    let command = GetCapability { capability: TpmCap::TpmProperties, property: property.0, property_count: 1 };
    match tpm.run(&command).unwrap().capability_data {
        TpmsCapabilityData::TpmProperties(list) => list[0].value,
        other => panic!("{other:?}"),
    }
}

fn save(tpm: &mut TestTpm, handle: TpmHandle) -> TpmsContext {
    tpm.run(&ContextSave { save_handle: TpmiDhContext(handle.0) }).unwrap().context
}

#[test]
fn a_new_platform_seed_makes_new_keys_and_ends_the_old_ones() {
    let mut tpm = TestTpm::started();
    let old = primary(&mut tpm, PLATFORM);
    let owners = primary(&mut tpm, OWNER);
    persist(&mut tpm, PLATFORM, old.object_handle, 0x8180_0001);
    let context = save(&mut tpm, old.object_handle);
    let set = SetPrimaryPolicy {
        auth_handle: TpmiRhHierarchyPolicy(PLATFORM),
        auth_policy: bytes(&[7; 32]),
        hash_alg: Some(SHA256),
    };
    tpm.run_auth(&set).unwrap();
    tpm.run_auth(&set_policy(20, &[7; 32])).unwrap();
    tpm.run_auth(&change_pps()).unwrap();
    assert_eq!(read_public(&mut tpm, old.object_handle.0), Err(TpmRc::REFERENCE_H0));
    assert_eq!(read_public(&mut tpm, 0x8180_0001), Err(TpmRc::HANDLE.handle(1)));
    assert!(tpm.run(&ContextLoad { context }).is_err());
    read_public(&mut tpm, owners.object_handle.0).unwrap();
    assert_ne!(primary(&mut tpm, PLATFORM).name, old.name);
    assert_eq!(primary(&mut tpm, OWNER).name, owners.name);
    // Neither the platform nor the PCR have a policy any more.
    let command = GetCapability { capability: TpmCap::AuthPolicies, property: PLATFORM, property_count: 1 };
    match tpm.run(&command).unwrap().capability_data {
        TpmsCapabilityData::AuthPolicies(list) => assert_eq!(list[0].policy_hash, None),
        other => panic!("{other:?}"),
    }
    extend(&mut tpm, 2, 20).unwrap();
    let new = primary(&mut tpm, PLATFORM).name;
    tpm.power_cycle();
    assert_eq!(primary(&mut tpm, PLATFORM).name, new, "the new seed stays");
    assert_eq!(tpm.run(&change_pps()), Err(TpmRc::AUTH_MISSING));
}

#[test]
fn a_new_endorsement_seed_is_the_tpm_s_own() {
    let mut tpm = TestTpm::started();
    let old = primary(&mut tpm, ENDORSEMENT);
    persist(&mut tpm, OWNER, old.object_handle, 0x8101_0001);
    let context = save(&mut tpm, old.object_handle);
    let generated = TpmaPermanent::TPM_GENERATED_EPS.0;
    assert_eq!(property(&mut tpm, TpmPt::PERMANENT) & generated, 0, "the trust anchor's");
    let auth = HierarchyChangeAuth { auth_handle: TpmiRhHierarchyAuth(ENDORSEMENT), new_auth: bytes(b"privacy") };
    tpm.run_auth(&auth).unwrap();
    let off = HierarchyControl {
        auth_handle: TpmiRhBaseHierarchy(PLATFORM),
        enable: TpmiRhEnables(ENDORSEMENT),
        state: TpmiYesNo(false),
    };
    tpm.run_auth(&off).unwrap();
    tpm.run_auth(&change_eps()).unwrap();
    assert!(tpm.run(&ContextLoad { context }).is_err());
    assert_eq!(read_public(&mut tpm, 0x8101_0001), Err(TpmRc::HANDLE.handle(1)));
    // Enabled again, and without an auth value.
    let new = primary(&mut tpm, ENDORSEMENT).name;
    assert_ne!(new, old.name);
    let permanent = property(&mut tpm, TpmPt::PERMANENT);
    assert_eq!(permanent & (generated | TpmaPermanent::ENDORSEMENT_AUTH_SET.0), generated);
    tpm.power_cycle();
    assert_eq!(primary(&mut tpm, ENDORSEMENT).name, new);
}

#[test]
fn an_object_of_the_old_endorsement_seed_cannot_be_loaded() {
    let mut tpm = TestTpm::started();
    let parent = primary(&mut tpm, ENDORSEMENT).object_handle;
    let child = tpm.run_auth(&templates::create(parent.0, templates::sealed(), b"", b"secret")).unwrap();
    tpm.run_auth(&change_eps()).unwrap();
    let parent = primary(&mut tpm, ENDORSEMENT).object_handle;
    let load =
        Load { parent_handle: TpmiDhObject(parent.0), in_private: child.out_private, in_public: child.out_public };
    assert_eq!(tpm.run_auth(&load), Err(TpmRc::INTEGRITY.parameter(1)));
}

fn read_only(state: bool) -> ReadOnlyControl {
    ReadOnlyControl { auth_handle: TpmiRhPlatform(PLATFORM), state: TpmiYesNo(state) }
}

fn define(index: u32, attributes: TpmaNv) -> NvDefineSpace {
    NvDefineSpace {
        auth_handle: TpmiRhProvision(OWNER),
        auth: Tpm2bAuth::default(),
        public_info: Tpm2b(TpmsNvPublic {
            nv_index: TpmiRhNvIndex(index),
            name_alg: SHA256,
            attributes: attributes | TpmaNv::AUTHREAD | TpmaNv::AUTHWRITE | TpmaNv::NO_DA,
            auth_policy: Tpm2bDigest::default(),
            data_size: 8,
        }),
    }
}

fn write(index: u32) -> NvWrite {
    NvWrite { auth_handle: TpmiRhNvAuth(index), nv_index: TpmiRhNvIndex(index), data: bytes(&[1; 8]), offset: 0 }
}

#[test]
fn read_only_mode_lets_nothing_become_or_change() {
    const CODE: u32 = 0x1A0;
    const LASTING: u32 = 0x0180_0001;
    const PASSING: u32 = 0x0180_0002;
    let mut tpm = TestTpm::started();
    tpm.run_auth(&define(LASTING, TpmaNv::NONE)).unwrap();
    tpm.run_auth(&define(PASSING, TpmaNv::ORDERLY | TpmaNv::CLEAR_STCLEAR)).unwrap();
    let parent = primary(&mut tpm, OWNER);
    // Only the platform may, with its auth value.
    assert_eq!(tpm.run_with(&read_only(true), &[password(b"wrong")]), Err(TpmRc::BAD_AUTH.session(1)));
    let by_owner = ReadOnlyControl { auth_handle: TpmiRhPlatform(OWNER), ..read_only(true) };
    assert_eq!(tpm.run_auth(&by_owner), Err(TpmRc::VALUE.handle(1)));
    tpm.run_auth(&read_only(true)).unwrap();
    let set = TpmaStartupClear::READ_ONLY.0;
    assert_eq!(property(&mut tpm, TpmPt::STARTUP_CLEAR) & set, set);
    let holds = |condition, got: Result<(), TpmRc>| common::rows::holds(CODE, condition, TpmRc::READ_ONLY, got.err());
    let created = tpm.run_auth(&create_primary(OWNER, ecc_srk())).map(|_| ());
    holds("in read-only mode, a new object", created);
    // Before any authorization is looked at.
    let defined = tpm.run_with(&define(0x0180_0003, TpmaNv::NONE), &[password(b"wrong")]).map(|_| ());
    holds("in read-only mode, a new NV Index", defined);
    holds("in read-only mode, a change of an NV Index", tpm.run_auth(&write(LASTING)).map(|_| ()));
    tpm.run_auth(&write(PASSING)).unwrap();
    let refused = |result: Result<(), TpmRc>| assert_eq!(result, Err(TpmRc::READ_ONLY));
    refused(tpm.run_auth(&change_pps()).map(|_| ()));
    refused(tpm.run_auth(&change_eps()).map(|_| ()));
    refused(tpm.run_auth(&Clear { auth_handle: TpmiRhClear(PLATFORM) }).map(|_| ()));
    refused(tpm.run_auth(&set_value(20, b"x")).map(|_| ()));
    refused(tpm.run_auth(&set_policy(20, &[7; 32])).map(|_| ()));
    refused(tpm.run_auth(&set_capability(OWNER, 6)).map(|_| ()));
    refused(tpm.run_auth(&templates::create(parent.object_handle.0, templates::sealed(), b"", b"x")).map(|_| ()));
    read_public(&mut tpm, parent.object_handle.0).unwrap();
    tpm.run(&GetRandom { bytes_requested: 4 }).unwrap();
    extend(&mut tpm, 0, 5).unwrap();
    // It survives a Resume and ends with a Restart.
    tpm.run(&Shutdown { shutdown_type: TpmSu::State }).unwrap();
    tpm.reopen();
    tpm.startup(TpmSu::State).unwrap();
    refused(tpm.run_auth(&create_primary(OWNER, ecc_srk())).map(|_| ()));
    tpm.run_auth(&read_only(false)).unwrap();
    tpm.run_auth(&create_primary(OWNER, ecc_srk())).unwrap();
    tpm.run_auth(&read_only(true)).unwrap();
    tpm.run(&Shutdown { shutdown_type: TpmSu::State }).unwrap();
    tpm.reopen();
    tpm.startup(TpmSu::Clear).unwrap();
    tpm.run_auth(&create_primary(OWNER, ecc_srk())).unwrap();
}

fn pp(set: &[u32], clear: &[u32]) -> PpCommands {
    let list = |codes: &[u32]| TpmlCc::new(codes.iter().copied().map(TpmCc).collect());
    PpCommands { auth: TpmiRhPlatform(PLATFORM), set_list: list(set), clear_list: list(clear) }
}

fn pp_list(tpm: &mut TestTpm) -> Vec<u32> {
    let command = GetCapability { capability: TpmCap::PpCommands, property: 0, property_count: 100 };
    match tpm.run(&command).unwrap().capability_data {
        TpmsCapabilityData::PpCommands(list) => list.iter().map(|code| code.0).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn commands_that_need_physical_presence() {
    const PP: u32 = 0x12D;
    const CLEAR: u32 = 0x126;
    const CLEAR_CONTROL: u32 = 0x127;
    let mut tpm = TestTpm::started();
    let needs_presence = "the command needs physical presence, which is not asserted";
    let refused = tpm.run_auth(&pp(&[CLEAR], &[]));
    common::rows::holds(0, needs_presence, TpmRc::PP.session(1), refused.err());
    tpm.tpm.set_physical_presence(true);
    // GetRandom cannot be gated, and PP_Commands is always.
    tpm.run_auth(&pp(&[CLEAR, CLEAR_CONTROL, 0x17B], &[PP, CLEAR_CONTROL])).unwrap();
    assert_eq!(pp_list(&mut tpm), [CLEAR, PP]);
    tpm.tpm.set_physical_presence(false);
    tpm.power_cycle();
    assert_eq!(pp_list(&mut tpm), [CLEAR, PP], "for good");
    let clear = |auth: TpmHandle| Clear { auth_handle: TpmiRhClear(auth.0) };
    assert_eq!(tpm.run_with(&clear(TpmHandle::PLATFORM), &[password(b"wrong")]), Err(TpmRc::PP.session(1)));
    tpm.run_auth(&clear(TpmHandle::LOCKOUT)).unwrap();
    tpm.tpm.set_physical_presence(true);
    tpm.run_auth(&clear(TpmHandle::PLATFORM)).unwrap();
    tpm.run_auth(&pp(&[], &[CLEAR])).unwrap();
    assert_eq!(pp_list(&mut tpm), [PP]);
}

#[test]
fn libtpms_wants_physical_presence_too() {
    let mut tpms = Both::started();
    assert_eq!(tpms.same(&pp(&[0x126], &[]), &[password(b"")]), Err(TpmRc::PP.session(1)));
    for property in [0, 0x12D, 0x12E] {
        let command = GetCapability { capability: TpmCap::PpCommands, property, property_count: 10 };
        tpms.same(&command, &[]).unwrap();
    }
}

fn set_policy(pcr: u32, digest: &[u8]) -> PcrSetAuthPolicy {
    PcrSetAuthPolicy {
        auth_handle: TpmiRhPlatform(PLATFORM),
        auth_policy: bytes(digest),
        hash_alg: Some(SHA256),
        pcr_num: TpmiDhPcr(pcr),
    }
}

fn set_value(pcr: u32, auth: &[u8]) -> PcrSetAuthValue {
    PcrSetAuthValue { pcr_handle: TpmiDhPcr(pcr), auth: bytes(auth) }
}

fn event(pcr: u32) -> PcrEvent {
    PcrEvent { pcr_handle: Some(TpmiDhPcr(pcr)), event_data: bytes(b"event") }
}

fn extend(tpm: &mut TestTpm, locality: u8, pcr: u32) -> Result<(), TpmRc> {
    tpm.locality = locality;
    let result = tpm.run_auth(&event(pcr)).map(|_| ());
    tpm.locality = 0;
    result
}

#[test]
fn pcr_20_to_22_share_a_policy_and_an_auth_value_as_in_libtpms() {
    let mut tpms = Both::started();
    let nothing = [password(b"")];
    for pcr in 0..24 {
        let allowed = (20..=22).contains(&pcr);
        assert_eq!(tpms.same_code(&set_policy(pcr, &[7; 31]), &nothing).0, Err(TpmRc::SIZE.parameter(1)));
        let no_policy = PcrSetAuthPolicy { hash_alg: None, ..set_policy(pcr, &[]) };
        assert_eq!(tpms.same_code(&no_policy, &nothing).0.is_ok(), allowed);
        assert_eq!(tpms.same_code(&set_value(pcr, b""), &nothing).0.is_ok(), allowed);
    }
    tpms.same(&set_value(20, b"secret\0"), &nothing).unwrap();
    assert_eq!(tpms.same(&set_value(21, b"x"), &nothing), Err(TpmRc::BAD_AUTH.session(1)), "a group");
    assert_eq!(tpms.same_code(&event(22), &nothing).0, Err(TpmRc::BAD_AUTH.session(1)));
    tpms.same(&set_value(22, b"secret"), &[password(b"secret")]).unwrap();
    // With a policy only a policy session will do.
    tpms.same(&set_policy(21, &[7; 32]), &nothing).unwrap();
    assert_eq!(tpms.same_code(&event(20), &[password(b"secret")]).0, Err(TpmRc::AUTH_TYPE.session(1)));
    let session = policies::start_both(&mut tpms, TpmSe::Policy, SHA256).0.handle;
    assert_eq!(tpms.same_code(&event(20), &[policy(session.0)]).0, Err(TpmRc::POLICY_FAIL.session(1)));
    let properties = GetCapability { capability: TpmCap::PcrProperties, property: 0x13, property_count: 2 };
    tpms.same(&properties, &[]).unwrap();
    let row = "a PCR that has no authorization value";
    tpms.ours.row(row, &set_value(0, b""), TpmRc::VALUE);
    tpms.ours.row("a PCR that has no policy", &set_policy(23, &[7; 32]), TpmRc::VALUE.parameter(3));
    let row = "the policy is not as long as the digest of its hash";
    tpms.ours.row(row, &set_policy(20, &[7; 31]), TpmRc::SIZE.parameter(1));
}

#[test]
fn a_policy_extends_its_pcr_and_the_value_goes_with_a_start() {
    let mut tpm = TestTpm::started();
    let trial = start(&mut tpm, TpmSe::Trial, SHA256).handle;
    let assertion = |policy_session| PolicyCommandCode { policy_session, code: TpmCc(0x13C) };
    tpm.run(&assertion(trial)).unwrap();
    let digest = digest_of(&mut tpm, trial);
    tpm.run_auth(&set_policy(20, &digest)).unwrap();
    tpm.power_cycle();
    assert_eq!(extend(&mut tpm, 2, 22), Err(TpmRc::AUTH_TYPE.session(1)), "the policy is for good");
    let session = start(&mut tpm, TpmSe::Policy, SHA256).handle;
    tpm.run(&assertion(session)).unwrap();
    tpm.locality = 2;
    tpm.run_with(&event(22), &[policy(session.0)]).unwrap();
    tpm.locality = 0;
    tpm.run_auth(&PcrSetAuthPolicy { hash_alg: None, ..set_policy(20, &[]) }).unwrap();
    tpm.run_auth(&set_value(20, b"pcr")).unwrap();
    tpm.run(&Shutdown { shutdown_type: TpmSu::State }).unwrap();
    tpm.reopen();
    tpm.startup(TpmSu::State).unwrap();
    assert_eq!(extend(&mut tpm, 2, 20), Err(TpmRc::BAD_AUTH.session(1)), "kept by a Resume");
    tpm.run_auth(&Clear { auth_handle: TpmiRhClear(PLATFORM) }).unwrap();
    extend(&mut tpm, 2, 20).unwrap();
    tpm.run_auth(&set_value(20, b"pcr")).unwrap();
    tpm.power_cycle();
    extend(&mut tpm, 2, 20).unwrap();
}

#[test]
fn there_is_one_set_of_algorithms() {
    let mut tpm = TestTpm::started();
    let set = |algorithm_set| SetAlgorithmSet { auth_handle: TpmiRhPlatform(PLATFORM), algorithm_set };
    tpm.run_auth(&set(0)).unwrap();
    assert_eq!(tpm.run_auth(&set(1)), Err(TpmRc::VALUE.parameter(1)));
    assert_eq!(property(&mut tpm, TpmPt::ALGORITHM_SET), 0);
}

fn set_capability(auth: u32, capability: u32) -> SetCapability {
    let data = TpmsSetCapabilityData { set_capability: capability, data: RestOf(Vec::new()) };
    SetCapability { auth_handle: Some(TpmiRhHierarchyAuth(auth)), set_capability_data: Tpm2bSetCapabilityData(data) }
}

#[test]
fn no_other_capability_can_be_set() {
    let mut tpm = TestTpm::started();
    for auth in [OWNER, ENDORSEMENT, PLATFORM, TpmHandle::LOCKOUT.0] {
        assert_eq!(tpm.run_auth(&set_capability(auth, 6)), Err(TpmRc::VALUE.parameter(1)));
    }
    let nobody = SetCapability { auth_handle: None, ..set_capability(OWNER, 0x100) };
    assert_eq!(tpm.run_auth(&nobody), Err(TpmRc::VALUE.parameter(1)));
    assert_eq!(tpm.run_with(&set_capability(OWNER, 6), &[password(b"x")]), Err(TpmRc::BAD_AUTH.session(1)));
    assert_eq!(tpm.run_auth(&set_capability(0x4000_0009, 6)), Err(TpmRc::VALUE.handle(1)));
}

/// The platform switches commands off, for good, and on again.
#[test]
fn the_platform_switches_commands_off() {
    const CREATE_PRIMARY: u32 = 0x131;
    let mut tpm = TestTpm::started();
    let disable = |auth: u32, codes: &[u32]| {
        let list = TpmlCc::new(codes.iter().map(|&code| TpmCc(code)).collect());
        let data = TpmsSetCapabilityData { set_capability: 0x8180_0000, data: RestOf(list.to_bytes()) };
        SetCapability { set_capability_data: Tpm2bSetCapabilityData(data), ..set_capability(auth, 0) }
    };
    let get = GetCapability { capability: TpmCap::DisabledCommands, property: 0, property_count: 10 };
    let listed = |tpm: &mut TestTpm| match tpm.run(&get).unwrap().capability_data {
        TpmsCapabilityData::DisabledCommands(list) => list.iter().map(|code| code.0).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    assert_eq!(tpm.run_auth(&disable(OWNER, &[CREATE_PRIMARY])), Err(TpmRc::AUTH_TYPE));
    for code in [0x144, 0x145, 0x143, 0x17A, 0x17C, 0x19F, 0x7FF] {
        assert_eq!(tpm.run_auth(&disable(PLATFORM, &[code])), Err(TpmRc::VALUE.parameter(1)), "{code:#x}");
    }
    let mut longer = disable(PLATFORM, &[CREATE_PRIMARY]);
    longer.set_capability_data.0.data.0.push(0);
    assert_eq!(tpm.run_auth(&longer), Err(TpmRc::SIZE.parameter(1)));
    assert!(listed(&mut tpm).is_empty());
    let template = create_primary(OWNER, ecc_srk());
    tpm.run_auth(&template).unwrap();
    tpm.run_auth(&disable(PLATFORM, &[0x15D, CREATE_PRIMARY, CREATE_PRIMARY])).unwrap();
    assert_eq!(listed(&mut tpm), [CREATE_PRIMARY, 0x15D]);
    assert_eq!(tpm.run_auth(&template).err(), Some(TpmRc::DISABLED));
    tpm.power_cycle();
    assert_eq!(tpm.run_auth(&template).err(), Some(TpmRc::DISABLED));
    tpm.run_auth(&disable(PLATFORM, &[])).unwrap();
    tpm.run_auth(&template).unwrap();
}

#[test]
fn there_are_no_attached_components() {
    let mut tpm = TestTpm::started();
    let get = AcGetCapability { ac: TpmiRhAc(0x9000_0000), capability: TpmAt(1), count: 10 };
    assert_eq!(tpm.run(&get), Err(TpmRc::VALUE.handle(1)));
    let object = primary(&mut tpm, OWNER).object_handle;
    let send = AcSend {
        send_object: TpmiDhObject(object.0),
        auth_handle: TpmiRhNvAuth(OWNER),
        ac: TpmiRhAc(0x9000_0000),
        ac_data_in: Tpm2bMaxBuffer::default(),
    };
    assert_eq!(tpm.run_auth(&send), Err(TpmRc::VALUE.handle(3)));
}
