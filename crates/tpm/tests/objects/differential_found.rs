//! What the differential runner (`cargo xtask differential`) has found, one test a defect.

use crate::common::{self, TestTpm, decode, encode, password};
use crate::templates::{keys::*, *};
use ironroot_crypto::{digest, hmac, xor_obfuscate};
use ironroot_wire::*;

const NONCE: [u8; 16] = [7; 16];

fn start(kind: TpmSe, symmetric: Option<TpmtSymDef>, auth_hash: TpmiAlgHash) -> StartAuthSession {
    StartAuthSession {
        tpm_key: None,
        bind: None,
        nonce_caller: Tpm2bNonce::from_slice(&NONCE).unwrap(),
        encrypted_salt: Tpm2bEncryptedSecret::default(),
        session_type: kind,
        symmetric,
        auth_hash,
    }
}

fn sequence(tpm: &mut TestTpm) -> TpmiDhObject {
    let start = HashSequenceStart { auth: Tpm2bAuth::default(), hash_alg: Some(TpmiAlgHash::Sha256) };
    tpm.run(&start).unwrap().sequence_handle
}

/// Part 1, 18.2: the hash is the one that is associated with the session.
#[test]
fn xor_obfuscation_took_the_hash_beside_the_algorithm() {
    let (mut tpm, alg) = (TestTpm::started(), TpmiAlgHash::Sha384);
    let session = tpm.run(&start(TpmSe::Hmac, Some(TpmtSymDef::Xor(TpmiAlgHash::Sha1)), alg)).unwrap();
    let message = b"in the clear".to_vec();
    let mut hidden = message.clone();
    xor_obfuscate(alg, &[], &NONCE, &session.nonce_tpm, &mut hidden).unwrap();
    let command = Hash {
        data: Tpm2bMaxBuffer::from_slice(&hidden).unwrap(),
        hash_alg: TpmiAlgHash::Sha256,
        hierarchy: TpmiRhHierarchy(NULL),
    };
    let mut parameters = Vec::new();
    command.marshal_parameters(&mut parameters);
    let cp_hash = digest(alg, &[&Hash::INFO.code.0.to_be_bytes(), &parameters]);
    let attributes = TpmaSession::DECRYPT | TpmaSession::CONTINUE_SESSION;
    let auth = TpmsAuthCommand {
        session_handle: session.session_handle,
        nonce: Tpm2bNonce::from_slice(&NONCE).unwrap(),
        session_attributes: attributes,
        hmac: Tpm2bAuth::from_slice(&hmac(alg, &[], &[&cp_hash, &NONCE, &session.nonce_tpm, &[attributes.0]])).unwrap(),
    };
    let response = tpm.raw(&encode(&command, &[auth]));
    let (response, _) = decode::<Hash>(&response).unwrap();
    assert_eq!(response.out_hash.as_slice(), &digest(TpmiAlgHash::Sha256, &[&message])[..]);
}

fn update_counter(tpm: &mut TestTpm) -> u32 {
    tpm.run(&PcrRead { pcr_selection_in: TpmlPcrSelection::default() }).unwrap().pcr_update_counter
}

/// Part 3, 22.1: once for each bank that an extending command changes, but once only for a reset.
#[test]
fn the_pcr_update_counter_did_not_count_banks() {
    let mut tpm = TestTpm::started();
    let banks = tpm.tpm.profile().pcr_allocation.iter().count() as u32;
    assert!(banks > 1);
    let before = update_counter(&mut tpm);
    let event = PcrEvent { pcr_handle: Some(TpmiDhPcr(7)), event_data: Tpm2bEvent::from_slice(b"event").unwrap() };
    tpm.run_auth(&event).unwrap();
    assert_eq!(update_counter(&mut tpm), before + banks);
    let of = |alg: TpmiAlgHash| TpmtHa::new(alg, &vec![1; alg.digest_size()]).unwrap();
    let digests = TpmlDigestValues::new(vec![of(TpmiAlgHash::Sha256), of(TpmiAlgHash::Sha384)]);
    tpm.run_auth(&PcrExtend { pcr_handle: Some(TpmiDhPcr(7)), digests: digests.clone() }).unwrap();
    assert_eq!(update_counter(&mut tpm), before + banks + 2);
    // The debug PCR is not counted at all.
    tpm.run_auth(&PcrExtend { pcr_handle: Some(TpmiDhPcr(16)), digests }).unwrap();
    tpm.run_auth(&PcrReset { pcr_handle: TpmiDhPcr(16) }).unwrap();
    assert_eq!(update_counter(&mut tpm), before + banks + 2);
}

#[test]
fn create_under_a_sequence_did_not_name_the_handle() {
    let mut tpm = TestTpm::started();
    let sequence = sequence(&mut tpm);
    assert_eq!(tpm.run_auth(&create(sequence.0, sealed(), b"", b"x")).unwrap_err(), TpmRc::TYPE.handle(1));
}

#[test]
fn a_sequence_could_not_be_told_from_an_object_of_another_type_when_made_persistent() {
    let mut tpm = TestTpm::started();
    let command = EvictControl {
        auth: TpmiRhProvision(OWNER),
        object_handle: sequence(&mut tpm),
        persistent_handle: TpmiDhPersistent(0x8100_0001),
    };
    assert_eq!(tpm.run_auth(&command).unwrap_err(), TpmRc::ATTRIBUTES.handle(2));
}

#[test]
fn an_object_without_a_name_was_everybodys_child() {
    let mut tpm = TestTpm::started();
    let parent = tpm.run_auth(&create_primary(OWNER, ecc_srk())).unwrap().object_handle;
    let nameless = LoadExternal {
        in_private: Tpm2bOption(Some(ec_private())),
        in_public: Tpm2b(TpmtPublicPlus(TpmtPublic { name_alg: None, ..ec_public() })),
        hierarchy: TpmiRhHierarchy(NULL),
    };
    let object = tpm.run(&nameless).unwrap().object_handle;
    let command = ObjectChangeAuth {
        object_handle: TpmiDhObject(object.0),
        parent_handle: TpmiDhObject(parent.0),
        new_auth: Tpm2bAuth::default(),
    };
    assert_eq!(tpm.run_auth(&command).unwrap_err(), TpmRc::TYPE.handle(2));
}

/// Part 3, 11.1: TPM_RC_VALUE if the salt is not a point on the curve of the key.
#[test]
fn a_salt_that_is_no_point_was_no_bad_value() {
    let mut tpm = TestTpm::started();
    let key = tpm.run_auth(&create_primary(OWNER, ecc_srk())).unwrap().object_handle;
    for salt in [ec_point(&[1; 32], &[2; 32]).to_bytes(), vec![0], vec![]] {
        let command = StartAuthSession {
            tpm_key: Some(TpmiDhObject(key.0)),
            encrypted_salt: Tpm2bEncryptedSecret::from_slice(&salt).unwrap(),
            ..start(TpmSe::Hmac, None, TpmiAlgHash::Sha256)
        };
        assert_eq!(tpm.run(&command).unwrap_err(), TpmRc::VALUE.parameter(2), "{salt:?}");
    }
}

/// A trial session that is to encrypt and cannot: both are wrong, and libtpms names the second.
#[test]
fn a_trial_session_that_encrypts_is_refused_as_by_libtpms() {
    let mut tpm = TestTpm::started();
    let trial = tpm.run(&start(TpmSe::Trial, None, TpmiAlgHash::Sha256)).unwrap();
    let random = GetRandom { bytes_requested: 8 };
    for (attributes, expected) in [(TpmaSession::ENCRYPT, TpmRc::SYMMETRIC), (TpmaSession::AUDIT, TpmRc::ATTRIBUTES)] {
        let auth =
            TpmsAuthCommand { session_handle: trial.session_handle, session_attributes: attributes, ..password(b"") };
        assert_eq!(tpm.run_with(&random, &[auth]).unwrap_err(), expected.session(1));
    }
}

/// Part 1, 14.7.3.
#[test]
fn a_policy_session_for_a_pcr_without_a_policy_was_unavailable() {
    let mut tpm = TestTpm::started();
    let session = tpm.run(&start(TpmSe::Policy, None, TpmiAlgHash::Sha256)).unwrap();
    let command = PcrReset { pcr_handle: TpmiDhPcr(16) };
    let answer = tpm.run_with(&command, &[common::policy(session.session_handle.0)]);
    assert_eq!(answer.unwrap_err(), TpmRc::POLICY_FAIL.session(1));
}

#[test]
fn load_under_a_sequence_did_not_name_the_handle() {
    let mut tpm = TestTpm::started();
    let sequence = sequence(&mut tpm);
    let in_private = Tpm2bPrivate::from_slice(&[1; 40]).unwrap();
    let command = Load { parent_handle: sequence, in_private, in_public: Tpm2b(sealed()) };
    assert_eq!(tpm.run_auth(&command).unwrap_err(), TpmRc::TYPE.handle(1));
}

fn clock(tpm: &mut TestTpm) -> TpmsClockInfo {
    tpm.run(&ReadClock {}).unwrap().current_time.clock_info
}

/// Part 1, 33.3.2 and 33.3.3: after a power cut Clock may repeat itself until it has passed the update interval, and an
/// orderly shutdown before that does not change it.
#[test]
fn clock_was_safe_after_a_power_cut() {
    let mut tpm = TestTpm::started();
    assert!(clock(&mut tpm).safe.0, "a new TPM has nothing to repeat");
    tpm.run(&Shutdown { shutdown_type: TpmSu::Clear }).unwrap();
    tpm.power_cycle();
    assert!(clock(&mut tpm).safe.0, "after an orderly shutdown");
    tpm.power_cycle();
    assert!(!clock(&mut tpm).safe.0, "after a power cut");
    let auth = HierarchyChangeAuth { auth_handle: TpmiRhHierarchyAuth(OWNER), new_auth: Tpm2bAuth::default() };
    tpm.run_auth(&auth).unwrap();
    assert!(!clock(&mut tpm).safe.0, "Clock was recorded, but before the interval was over");
    tpm.run(&Shutdown { shutdown_type: TpmSu::State }).unwrap();
    tpm.power_cycle();
    assert!(!clock(&mut tpm).safe.0, "it was not safe when the TPM was shut down");
    tpm.now += 1 << 22;
    assert!(clock(&mut tpm).safe.0, "later than it has ever been");
}

/// Part 3, 30.2.1: saved sessions are asked for with TPM_HT_SAVED_SESSION and named with TPM_HT_HMAC_SESSION.
#[test]
fn saved_sessions_were_in_no_list() {
    let mut tpm = TestTpm::started();
    let handles: Vec<u32> =
        (0..3).map(|_| tpm.run(&start(TpmSe::Policy, None, TpmiAlgHash::Sha256)).unwrap().session_handle.0).collect();
    for handle in &handles[1..] {
        tpm.run(&ContextSave { save_handle: TpmiDhContext(*handle) }).unwrap();
    }
    let mut ask = |property, property_count| {
        let answer = tpm.run(&GetCapability { capability: TpmCap::Handles, property, property_count }).unwrap();
        let TpmsCapabilityData::Handles(list) = answer.capability_data else { panic!("{answer:?}") };
        (answer.more_data.0, list.iter().map(|handle| handle.0).collect::<Vec<_>>())
    };
    assert_eq!(ask(0x0200_0000, 8), (false, vec![handles[0]]));
    assert_eq!(ask(0x0300_0000, 8), (false, vec![0x0200_0001, 0x0200_0002]));
    assert_eq!(ask(0x0300_0002, 8), (false, vec![0x0200_0002]));
    assert_eq!(ask(0x0300_0000, 1), (true, vec![0x0200_0001]));
}

/// TCG Algorithm Registry, 5.2.
#[test]
fn curves_had_no_default_key_derivation() {
    let mut tpm = TestTpm::started();
    for (curve_id, hash) in [
        (TpmEccCurve::NistP256, TpmiAlgHash::Sha256),
        (TpmEccCurve::NistP384, TpmiAlgHash::Sha384),
        (TpmEccCurve::NistP521, TpmiAlgHash::Sha512),
    ] {
        let detail = tpm.run(&EccParameters { curve_id }).unwrap().parameters;
        assert_eq!((detail.kdf, detail.sign), (Some(TpmtKdfScheme::Kdf1Sp800_56a(hash)), None));
    }
}

/// Part 3, 11.1.1: a session that is bound to what is protected is itself, whatever it is used for.
#[test]
fn sessions_bound_to_lockout_were_tried_without_end() {
    let mut tpm = TestTpm::started();
    let bound = StartAuthSession {
        bind: Some(TpmiDhEntity(TpmHandle::LOCKOUT.0)),
        ..start(TpmSe::Hmac, None, TpmiAlgHash::Sha256)
    };
    let session = tpm.run(&bound).unwrap();
    let audit = TpmsAuthCommand {
        session_handle: session.session_handle,
        nonce: Tpm2bNonce::from_slice(&NONCE).unwrap(),
        session_attributes: TpmaSession::AUDIT | TpmaSession::CONTINUE_SESSION,
        hmac: Tpm2bAuth::from_slice(&[0; 32]).unwrap(),
    };
    let random = GetRandom { bytes_requested: 8 };
    assert_eq!(tpm.run_with(&random, std::slice::from_ref(&audit)), Err(TpmRc::AUTH_FAIL.session(1)));
    assert_eq!(tpm.run_with(&random, &[audit]), Err(TpmRc::LOCKOUT));
    assert!(tpm.run(&random).is_ok());
}

/// Part 3, 11.1.1: a key that is not asymmetric is the wrong key, whatever the salt.
#[test]
fn salts_for_symmetric_keys_had_the_wrong_value() {
    let mut tpm = TestTpm::started();
    let (public, private) = hmac_pair(b"key");
    let load = LoadExternal {
        in_private: Tpm2bOption(Some(private)),
        in_public: Tpm2b(TpmtPublicPlus(public)),
        hierarchy: TpmiRhHierarchy(NULL),
    };
    let key = tpm.run(&load).unwrap().object_handle;
    let salted =
        StartAuthSession { tpm_key: Some(TpmiDhObject(key.0)), ..start(TpmSe::Hmac, None, TpmiAlgHash::Sha256) };
    assert_eq!(tpm.run(&salted), Err(TpmRc::KEY.handle(1)));
}

/// Part 3, 22.5.1 and 30.2.1: an allocation waits for the next _TPM_Init, and a second one overwrites it.
#[test]
fn the_next_allocation_of_pcr_was_reported_as_the_current_one() {
    let mut tpm = TestTpm::started();
    fn of(tpm: &mut TestTpm, bank: TpmiAlgHash) -> TpmsPcrSelect {
        let ask = GetCapability { capability: TpmCap::Pcrs, property: 0, property_count: 1 };
        let TpmsCapabilityData::AssignedPcr(list) = tpm.run(&ask).unwrap().capability_data else { panic!() };
        list.iter().find(|selection| selection.hash == bank).unwrap().pcr_select
    }
    let allocate = |hash| {
        let none = TpmsPcrSelection { hash, pcr_select: TpmsPcrSelect::default() };
        PcrAllocate { auth_handle: TpmiRhPlatform(0x4000_000C), pcr_allocation: TpmlPcrSelection::new(vec![none]) }
    };
    let (one, two) = (TpmiAlgHash::Sha384, TpmiAlgHash::Sha512);
    assert!(!of(&mut tpm, one).is_empty() && !of(&mut tpm, two).is_empty());
    tpm.run_auth(&allocate(one)).unwrap();
    assert!(!of(&mut tpm, one).is_empty());
    tpm.run_auth(&allocate(two)).unwrap();
    tpm.power_cycle();
    assert!(!of(&mut tpm, one).is_empty() && of(&mut tpm, two).is_empty());
}

/// Part 1, 15.6.4: in the command that starts an audit sequence the session has not yet become exclusive.
#[test]
fn a_session_that_had_audited_nothing_was_exclusive() {
    let mut tpm = TestTpm::started();
    let session = tpm.run(&start(TpmSe::Hmac, None, TpmiAlgHash::Sha256)).unwrap().session_handle;
    let audit = |exclusive| TpmsAuthCommand {
        session_handle: session,
        nonce: Tpm2bNonce::default(),
        session_attributes: TpmaSession::AUDIT | TpmaSession::CONTINUE_SESSION | exclusive,
        hmac: Tpm2bAuth::default(),
    };
    let random = GetRandom { bytes_requested: 8 };
    assert_eq!(tpm.run_with(&random, &[audit(TpmaSession::AUDIT_EXCLUSIVE)]), Err(TpmRc::EXCLUSIVE));
    let start_over = TpmaSession::AUDIT_EXCLUSIVE | TpmaSession::AUDIT_RESET;
    assert_eq!(tpm.run_with(&random, &[audit(start_over)]), Err(TpmRc::EXCLUSIVE));
    tpm.run_with(&random, &[audit(TpmaSession(0))]).unwrap();
    tpm.run_with(&random, &[audit(TpmaSession::AUDIT_EXCLUSIVE)]).unwrap();
}

/// Part 2, 13.6: the bound of dataSize is part of the structure.
#[test]
fn the_size_of_an_index_was_looked_at_late() {
    let mut tpm = TestTpm::started();
    let define = NvDefineSpace {
        auth_handle: TpmiRhProvision(OWNER),
        auth: Tpm2bAuth::from_slice(&[1; 33]).unwrap(),
        public_info: Tpm2b(TpmsNvPublic {
            nv_index: TpmiRhNvIndex(0x0150_0001),
            name_alg: TpmiAlgHash::Sha256,
            attributes: TpmaNv::OWNERREAD | TpmaNv::OWNERWRITE,
            auth_policy: Tpm2bDigest::default(),
            data_size: u16::MAX,
        }),
    };
    assert_eq!(tpm.run_auth(&define), Err(TpmRc::SIZE.parameter(2)));
}

/// libtpms and the Reference Code keep orderly indices in memory that starts with zeros.
#[test]
fn what_a_first_write_left_of_an_orderly_index_was_ones() {
    let mut tpm = TestTpm::started();
    for (number, attributes, rest) in [(1, TpmaNv(0), 0xFF), (2, TpmaNv::ORDERLY, 0)] {
        let index = TpmiRhNvIndex(0x0150_0000 + number);
        let define = NvDefineSpace {
            auth_handle: TpmiRhProvision(OWNER),
            auth: Tpm2bAuth::default(),
            public_info: Tpm2b(TpmsNvPublic {
                nv_index: index,
                name_alg: TpmiAlgHash::Sha256,
                attributes: TpmaNv::OWNERREAD | TpmaNv::OWNERWRITE | attributes,
                auth_policy: Tpm2bDigest::default(),
                data_size: 8,
            }),
        };
        tpm.run_auth(&define).unwrap();
        let auth_handle = TpmiRhNvAuth(OWNER);
        let data = Tpm2bMaxNvBuffer::from_slice(&[7]).unwrap();
        tpm.run_auth(&NvWrite { auth_handle, nv_index: index, data, offset: 3 }).unwrap();
        let read = tpm.run_auth(&NvRead { auth_handle, nv_index: index, size: 8, offset: 0 }).unwrap();
        assert_eq!(read.data.as_slice(), &[rest, rest, rest, 7, rest, rest, rest, rest]);
    }
}
