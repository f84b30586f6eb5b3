//! A store that fails: the command says so and changes nothing, neither in the store nor in memory.

use std::collections::BTreeSet;

use crate::common::{TestTpm, encode, password, rc, rows};
use ironroot_platform::memory::Fault;
use ironroot_wire::*;

const INDEX: u32 = 0x0180_0001;
const KEY: u32 = 0x8100_0001;
const OWNER: u32 = TpmHandle::OWNER.0;

fn define(nt: TpmNt, attributes: TpmaNv) -> NvDefineSpace {
    let access = TpmaNv::OWNERREAD | TpmaNv::OWNERWRITE | TpmaNv::AUTHREAD | TpmaNv::AUTHWRITE;
    let size = if nt == TpmNt::Extend { 32 } else { 8 };
    NvDefineSpace {
        auth_handle: TpmiRhProvision(OWNER),
        auth: Tpm2bAuth::default(),
        public_info: Tpm2b(TpmsNvPublic {
            nv_index: TpmiRhNvIndex(INDEX),
            name_alg: TpmiAlgHash::Sha256,
            attributes: (access | attributes).with_nt(nt),
            auth_policy: Tpm2bDigest::default(),
            data_size: size,
        }),
    }
}

fn primary() -> CreatePrimary {
    CreatePrimary {
        primary_handle: TpmiRhHierarchy(OWNER),
        in_sensitive: Tpm2b(TpmsSensitiveCreate { user_auth: Default::default(), data: Default::default() }),
        in_public: Tpm2b(ironroot_client::templates::srk_p256()),
        outside_info: Tpm2bData::default(),
        creation_pcr: TpmlPcrSelection::default(),
    }
}

fn evict(object: u32) -> EvictControl {
    EvictControl {
        auth: TpmiRhProvision(OWNER),
        object_handle: TpmiDhObject(object),
        persistent_handle: TpmiDhPersistent(KEY),
    }
}

fn write() -> NvWrite {
    NvWrite {
        auth_handle: TpmiRhNvAuth(INDEX),
        nv_index: TpmiRhNvIndex(INDEX),
        data: Tpm2bMaxNvBuffer::from_slice(b"contents").unwrap(),
        offset: 0,
    }
}

fn with_passwords<C: Command>(command: &C) -> Vec<u8> {
    encode(command, &vec![password(b""); C::INFO.authorized_handles()])
}

struct Case {
    name: &'static str,
    prepare: fn(&mut TestTpm),
    command: Vec<u8>,
}

fn case<C: Command>(prepare: fn(&mut TestTpm), command: C) -> Case {
    Case { name: C::INFO.name, prepare, command: with_passwords(&command) }
}

fn nv_cases() -> Vec<Case> {
    let (auth_handle, nv_index) = (TpmiRhNvAuth(INDEX), TpmiRhNvIndex(INDEX));
    let data = Tpm2bMaxNvBuffer::from_slice(b"more").unwrap();
    let ordinary = |tpm: &mut TestTpm| {
        tpm.run_auth(&define(TpmNt::Ordinary, TpmaNv::WRITE_STCLEAR | TpmaNv::READ_STCLEAR)).unwrap();
        tpm.run_auth(&write()).unwrap();
    };
    vec![
        case(|_| {}, define(TpmNt::Ordinary, TpmaNv::NONE)),
        case(ordinary, NvUndefineSpace { auth_handle: TpmiRhProvision(OWNER), nv_index }),
        case(ordinary, NvWrite { data: data.clone(), ..write() }),
        case(ordinary, NvWriteLock { auth_handle, nv_index }),
        case(ordinary, NvReadLock { auth_handle, nv_index }),
        case(
            |tpm| {
                tpm.run_auth(&define(TpmNt::Counter, TpmaNv::NONE)).unwrap();
            },
            NvIncrement { auth_handle, nv_index },
        ),
        // The first value of an orderly counter, which is otherwise kept in memory.
        case(
            |tpm| {
                tpm.run_auth(&define(TpmNt::Counter, TpmaNv::ORDERLY)).unwrap();
            },
            NvIncrement { auth_handle, nv_index },
        ),
        case(
            |tpm| {
                tpm.run_auth(&define(TpmNt::Bits, TpmaNv::NONE)).unwrap();
            },
            NvSetBits { auth_handle, nv_index, bits: 6 },
        ),
        case(
            |tpm| {
                tpm.run_auth(&define(TpmNt::Extend, TpmaNv::NONE)).unwrap();
            },
            NvExtend { auth_handle, nv_index, data },
        ),
    ]
}

fn hierarchy_cases() -> Vec<Case> {
    let banks = vec![TpmsPcrSelection { hash: TpmiAlgHash::Sha1, pcr_select: TpmsPcrSelect([0xFF; 3]) }];
    vec![
        case(
            |tpm| {
                tpm.run_auth(&primary()).unwrap();
            },
            HierarchyChangeAuth {
                auth_handle: TpmiRhHierarchyAuth(OWNER),
                new_auth: Tpm2bAuth::from_slice(b"new").unwrap(),
            },
        ),
        case(
            |_| {},
            SetPrimaryPolicy {
                auth_handle: TpmiRhHierarchyPolicy(OWNER),
                auth_policy: Tpm2bDigest::from_slice(&[1; 32]).unwrap(),
                hash_alg: Some(TpmiAlgHash::Sha256),
            },
        ),
        case(|_| {}, ClearControl { auth: TpmiRhClear(TpmHandle::LOCKOUT.0), disable: TpmiYesNo(true) }),
        case(
            |tpm| {
                let handle = tpm.run_auth(&primary()).unwrap().object_handle;
                tpm.run_auth(&evict(handle.0)).unwrap();
                tpm.run_auth(&define(TpmNt::Ordinary, TpmaNv::NONE)).unwrap();
            },
            Clear { auth_handle: TpmiRhClear(TpmHandle::LOCKOUT.0) },
        ),
        case(
            |tpm| {
                tpm.run_auth(&primary()).unwrap();
            },
            evict(0x8000_0000),
        ),
        case(
            |tpm| {
                let handle = tpm.run_auth(&primary()).unwrap().object_handle;
                tpm.run_auth(&evict(handle.0)).unwrap();
            },
            evict(KEY),
        ),
        case(
            |_| {},
            DictionaryAttackParameters {
                lock_handle: TpmiRhLockout(TpmHandle::LOCKOUT.0),
                new_max_tries: 5,
                new_recovery_time: 6,
                lockout_recovery: 7,
            },
        ),
        case(|_| {}, DictionaryAttackLockReset { lock_handle: TpmiRhLockout(TpmHandle::LOCKOUT.0) }),
        case(|_| {}, ClockSet { auth: TpmiRhProvision(OWNER), new_time: 1_000_000_000 }),
        case(
            |_| {},
            PcrAllocate {
                auth_handle: TpmiRhPlatform(TpmHandle::PLATFORM.0),
                pcr_allocation: TpmlPcrSelection::new(banks),
            },
        ),
        case(|_| {}, ChangePps { auth_handle: TpmiRhPlatform(TpmHandle::PLATFORM.0) }),
        case(|_| {}, ChangeEps { auth_handle: TpmiRhPlatform(TpmHandle::PLATFORM.0) }),
        case(
            |_| {},
            SetCommandCodeAuditStatus {
                auth: TpmiRhProvision(OWNER),
                audit_alg: None,
                set_list: TpmlCc::new(vec![TpmCc(0x017B)]),
                clear_list: TpmlCc::default(),
            },
        ),
        case(
            |_| {},
            PcrSetAuthPolicy {
                auth_handle: TpmiRhPlatform(TpmHandle::PLATFORM.0),
                auth_policy: Tpm2bDigest::from_slice(&[1; 32]).unwrap(),
                hash_alg: Some(TpmiAlgHash::Sha256),
                pcr_num: TpmiDhPcr(20),
            },
        ),
        case(
            |tpm| tpm.tpm.set_physical_presence(true),
            PpCommands {
                auth: TpmiRhPlatform(TpmHandle::PLATFORM.0),
                set_list: TpmlCc::new(vec![TpmCc(0x0126)]),
                clear_list: TpmlCc::default(),
            },
        ),
        case(|_| {}, Shutdown { shutdown_type: TpmSu::State }),
        case(
            |tpm| {
                tpm.run(&Shutdown { shutdown_type: TpmSu::State }).unwrap();
            },
            primary(),
        ),
    ]
}

#[test]
fn a_failed_commit_changes_nothing() {
    for case in nv_cases().into_iter().chain(hierarchy_cases()) {
        let name = case.name;
        for (fault, code) in [(Fault::Io, TpmRc::NV_UNAVAILABLE), (Fault::Full, TpmRc::NV_SPACE)] {
            let (mut tpm, faults) = TestTpm::faulty();
            (case.prepare)(&mut tpm);
            let state = |tpm: &TestTpm| (tpm.storage.records(), tpm.tpm.save_volatile());
            let before = state(&tpm);
            faults.fail_nth(1, fault);
            // Without time passing, all that could differ is what the command did.
            assert_eq!(rc(&tpm.tpm.execute(0, tpm.now, &case.command)), code, "{name}");
            assert!(state(&tpm) == before, "{name} left something behind");
            // What is staged is gone, too: the same command does its work now.
            assert_eq!(rc(&tpm.raw(&case.command)), TpmRc::SUCCESS, "{name}");
            assert!(state(&tpm).0 != before.0, "{name} stores nothing: the test is void");
        }
    }
}

/// Every command that may write NV is above, or writes none in this implementation.
#[test]
fn every_command_that_writes_nv_is_tested() {
    let tested: BTreeSet<&str> = nv_cases().iter().chain(&hierarchy_cases()).map(|case| case.name).collect();
    let elsewhere = [
        // Tested below.
        "Startup",
        // They need a policy session; they stage as NvWriteLock and NvUndefineSpace do.
        "NvChangeAuth",
        "NvUndefineSpaceSpecial",
        // They stage as NvWriteLock and NvDefineSpace do.
        "NvGlobalWriteLock",
        "NvDefineSpace2",
        // There is nothing that they could change.
        "SetAlgorithmSet",
        "SetCapability",
        // They change volatile state only.
        "GetCommandAuditDigest",
        "HierarchyControl",
        "PcrExtend",
        "PcrEvent",
        "PcrReset",
        "EventSequenceComplete",
        "SelfTest",
        "IncrementalSelfTest",
        "StirRandom",
        "ContextSave",
        "ContextLoad",
    ];
    for info in ironroot_tpm::implemented_commands() {
        if info.attributes.contains(CommandAttributes::NV) && !elsewhere.contains(&info.name) {
            assert!(tested.contains(info.name), "{} may write NV and is not tested", info.name);
        }
    }
}

#[test]
fn a_tpm_whose_start_could_not_be_recorded_has_not_started() {
    let (mut tpm, faults) = TestTpm::faulty();
    tpm.run(&Shutdown { shutdown_type: TpmSu::State }).unwrap();
    tpm.tpm.power_on(tpm.now);
    let before = tpm.storage.records();
    faults.fail_nth(1, Fault::Io);
    rows::holds(0, "storage takes no more bytes", TpmRc::NV_UNAVAILABLE, tpm.startup(TpmSu::State).err());
    assert!(tpm.storage.records() == before);
    assert_eq!(tpm.run(&GetRandom { bytes_requested: 1 }), Err(TpmRc::INITIALIZE));
    assert_eq!(tpm.startup(TpmSu::State), Ok(()));
}

#[test]
fn a_store_that_fails_makes_no_guess_free() {
    let (mut tpm, faults) = TestTpm::faulty();
    let mut index = define(TpmNt::Ordinary, TpmaNv::NONE);
    index.auth = Tpm2bAuth::from_slice(b"index").unwrap();
    tpm.run_auth(&index).unwrap();
    tpm.run_with(&write(), &[password(b"index")]).unwrap();
    let read = NvRead { auth_handle: TpmiRhNvAuth(INDEX), nv_index: TpmiRhNvIndex(INDEX), size: 1, offset: 0 };
    faults.fail_every(Fault::Io);
    assert_eq!(tpm.run_with(&read, &[password(b"guess")]), Err(TpmRc::NV_UNAVAILABLE));
    // From now on right and wrong look the same, until the failure is recorded.
    assert_eq!(tpm.run_with(&read, &[password(b"index")]), Err(TpmRc::NV_UNAVAILABLE));
    assert_eq!(tpm.run_with(&read, &[password(b"guess")]), Err(TpmRc::NV_UNAVAILABLE));
    // What is not under protection goes on.
    assert_eq!(tpm.run(&GetRandom { bytes_requested: 1 }).unwrap().random_bytes.len(), 1);
    faults.none();
    tpm.run_with(&read, &[password(b"index")]).unwrap();
    let counter =
        GetCapability { capability: TpmCap::TpmProperties, property: TpmPt::LOCKOUT_COUNTER.0, property_count: 1 };
    let TpmsCapabilityData::TpmProperties(list) = tpm.run(&counter).unwrap().capability_data else {
        panic!("properties")
    };
    assert_eq!(list[0].value, 1);
}

#[test]
fn a_clock_that_cannot_be_recorded_stops_nobody() {
    let (mut tpm, faults) = TestTpm::faulty();
    faults.fail_every(Fault::Io);
    let safe = |tpm: &mut TestTpm| tpm.run(&ReadClock {}).unwrap().current_time.clock_info.safe.0;
    assert!(safe(&mut tpm));
    tpm.now += 1 << 23;
    assert_eq!(tpm.run(&GetRandom { bytes_requested: 1 }).unwrap().random_bytes.len(), 1);
    // Part 1, 34.7.2.2.
    assert!(!safe(&mut tpm), "this Clock may come twice");
    let tried = faults.tried();
    faults.none();
    assert!(safe(&mut tpm));
    assert_eq!(faults.tried(), tried + 1, "recorded as soon as that is possible, before it is told");
    tpm.run(&GetRandom { bytes_requested: 1 }).unwrap();
    assert_eq!(faults.tried(), tried + 1);
}

#[test]
fn a_store_that_fails_makes_no_pin_free() {
    let (mut tpm, faults) = TestTpm::faulty();
    let mut index = define(TpmNt::PinFail, TpmaNv::NO_DA);
    let attributes = &mut index.public_info.0.attributes;
    *attributes = attributes.without(TpmaNv::AUTHWRITE);
    index.auth = Tpm2bAuth::from_slice(b"pin").unwrap();
    tpm.run_auth(&index).unwrap();
    let limit = NvWrite {
        auth_handle: TpmiRhNvAuth(OWNER),
        data: Tpm2bMaxNvBuffer::from_slice(&[0, 0, 0, 0, 0, 0, 0, 3]).unwrap(),
        ..write()
    };
    tpm.run_auth(&limit).unwrap();
    let read = |auth| NvRead { auth_handle: TpmiRhNvAuth(auth), nv_index: TpmiRhNvIndex(INDEX), size: 8, offset: 0 };
    assert_eq!(tpm.run_with(&read(INDEX), &[password(b"bad")]), Err(TpmRc::BAD_AUTH.session(1)));
    tpm.run_with(&read(INDEX), &[password(b"pin")]).unwrap();
    faults.fail_every(Fault::Io);
    for guess in [&b"bad"[..], b"pin", b"bad"] {
        assert_eq!(tpm.run_with(&read(INDEX), &[password(guess)]), Err(TpmRc::NV_UNAVAILABLE));
    }
    faults.none();
    // None of them was looked at.
    assert_eq!(tpm.run_with(&read(INDEX), &[password(b"bad")]), Err(TpmRc::BAD_AUTH.session(1)));
    assert_eq!(tpm.run_auth(&read(OWNER)).unwrap().data.as_slice(), [0, 0, 0, 1, 0, 0, 0, 3]);
    // Each of these is counted before it is looked at; where the right one cannot be forgiven, it counts like a wrong one.
    faults.fail_nth(2, Fault::Io);
    assert_eq!(tpm.run_with(&read(INDEX), &[password(b"pin")]), Err(TpmRc::NV_UNAVAILABLE));
    assert_eq!(tpm.run_auth(&read(OWNER)).unwrap().data.as_slice(), [0, 0, 0, 2, 0, 0, 0, 3]);
    tpm.run_with(&read(INDEX), &[password(b"pin")]).unwrap();
    assert_eq!(tpm.run_auth(&read(OWNER)).unwrap().data.as_slice(), [0, 0, 0, 0, 0, 0, 0, 3]);
}

/// Whoever cuts the power as soon as it is clear that a PIN was right or wrong has spent a try (Part 1, 34.2.8.2).
#[test]
fn a_power_cut_makes_no_pin_free() {
    for pin in [&b"bad"[..], b"pin"] {
        let (mut tpm, faults) = TestTpm::faulty();
        let mut index = define(TpmNt::PinFail, TpmaNv::NO_DA);
        index.auth = Tpm2bAuth::from_slice(b"pin").unwrap();
        let attributes = &mut index.public_info.0.attributes;
        *attributes = attributes.without(TpmaNv::AUTHWRITE);
        tpm.run_auth(&index).unwrap();
        let contents = Tpm2bMaxNvBuffer::from_slice(&[0, 0, 0, 0, 0, 0, 0, 3]).unwrap();
        tpm.run_auth(&NvWrite { auth_handle: TpmiRhNvAuth(OWNER), data: contents, ..write() }).unwrap();
        let read =
            |auth| NvRead { auth_handle: TpmiRhNvAuth(auth), nv_index: TpmiRhNvIndex(INDEX), size: 8, offset: 0 };
        // The power goes before anything is written after the first commit: with the PIN looked at, and nothing answered.
        faults.fail_nth(2, Fault::Io);
        let _ = tpm.run_with(&read(INDEX), &[password(pin)]);
        faults.none();
        tpm.reopen();
        tpm.startup(TpmSu::Clear).unwrap();
        assert_eq!(tpm.run_auth(&read(OWNER)).unwrap().data.as_slice(), [0, 0, 0, 1, 0, 0, 0, 3]);
    }
}
