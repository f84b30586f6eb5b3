//! Audit of commands and of sessions (Part 1, clauses 17 and 32; Part 3, 18.5, 18.6 and 21), beside libtpms.

use crate::common::{TestTpm, password};
use crate::in_process::Shared;
use crate::peer::Both;
use crate::templates;
use ironroot_client::{Auth, SessionOptions};
use ironroot_crypto::hash::digest as hash;
use ironroot_wire::*;

const OWNER: u32 = TpmHandle::OWNER.0;
const ENDORSEMENT: u32 = TpmHandle::ENDORSEMENT.0;
const SHA256: TpmiAlgHash = TpmiAlgHash::Sha256;
const GET_RANDOM: TpmCc = TpmCc(0x017B);
const SHUTDOWN: TpmCc = TpmCc(0x0145);
const SET_STATUS: TpmCc = TpmCc(0x0140);
const UNKNOWN: TpmCc = TpmCc(0x7777);

fn status(audit_alg: Option<TpmiAlgHash>, set: &[TpmCc], clear: &[TpmCc]) -> SetCommandCodeAuditStatus {
    SetCommandCodeAuditStatus {
        auth: TpmiRhProvision(OWNER),
        audit_alg,
        set_list: TpmlCc::new(set.to_vec()),
        clear_list: TpmlCc::new(clear.to_vec()),
    }
}

fn get_digest(sign_handle: Option<TpmiDhObject>) -> GetCommandAuditDigest {
    GetCommandAuditDigest {
        privacy_handle: TpmiRhEndorsement(ENDORSEMENT),
        sign_handle,
        qualifying_data: Tpm2bData::default(),
        in_scheme: None,
    }
}

fn info(attest: &Tpm2bAttest) -> TpmsCommandAuditInfo {
    match TpmsAttest::unmarshal(&mut Reader::new(attest, &Rules::ALL)).unwrap().attested {
        TpmuAttest::CommandAudit(info) => info,
        other => panic!("{other:?}"),
    }
}

fn session_info(attest: &Tpm2bAttest) -> TpmsSessionAuditInfo {
    match TpmsAttest::unmarshal(&mut Reader::new(attest, &Rules::ALL)).unwrap().attested {
        TpmuAttest::SessionAudit(info) => info,
        other => panic!("{other:?}"),
    }
}

/// The audit as the TPM tells it without a signature, so that the log goes on.
fn audit(tpm: &mut TestTpm) -> TpmsCommandAuditInfo {
    info(&tpm.run_auth(&get_digest(None)).unwrap().audit_info)
}

fn audited(capability: TpmsCapabilityData) -> Vec<TpmCc> {
    match capability {
        TpmsCapabilityData::AuditCommands(list) => list.to_vec(),
        other => panic!("{other:?}"),
    }
}

fn listed(property: u32, property_count: u32) -> GetCapability {
    GetCapability { capability: TpmCap::AuditCommands, property, property_count }
}

fn counter(property: TpmPt) -> GetCapability {
    GetCapability { capability: TpmCap::TpmProperties, property: property.0, property_count: 1 }
}

fn key(attributes: TpmaObject) -> TpmtPublic {
    templates::ecdsa(
        attributes
            | TpmaObject::USER_WITH_AUTH
            | TpmaObject::SENSITIVE_DATA_ORIGIN
            | TpmaObject::FIXED_TPM
            | TpmaObject::FIXED_PARENT,
    )
}

fn signing_key(tpm: &mut TestTpm) -> TpmiDhObject {
    let created = tpm.run_auth(&templates::create_primary(ENDORSEMENT, key(TpmaObject::SIGN_ENCRYPT))).unwrap();
    TpmiDhObject(created.object_handle.0)
}

/// cpHash of a command without names beyond those of its handles, and rpHash of an empty response.
fn entry<C: Command>(command: &C, names: &[&[u8]], response: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let mut parameters = Vec::new();
    command.marshal_parameters(&mut parameters);
    let code = C::INFO.code.to_bytes();
    let mut parts: Vec<&[u8]> = vec![&code];
    parts.extend_from_slice(names);
    parts.push(&parameters);
    (hash(SHA256, &parts).to_vec(), hash(SHA256, &[&[0; 4], &code, response]).to_vec())
}

fn extended(old: &[u8], (cp_hash, rp_hash): &(Vec<u8>, Vec<u8>)) -> Vec<u8> {
    hash(SHA256, &[old, cp_hash, rp_hash]).to_vec()
}

#[test]
fn the_log_is_the_hash_of_commands_and_responses() {
    let mut tpm = TestTpm::started();
    assert_eq!(audit(&mut tpm).audit_digest.len(), 0);
    tpm.run_auth(&status(Some(SHA256), &[], &[])).unwrap();
    let empty = audit(&mut tpm);
    assert_eq!((empty.audit_counter, empty.digest_alg, empty.audit_digest.len()), (0, TpmAlgId::SHA256, 0));
    assert_eq!(*empty.command_digest, *hash(SHA256, &[&SET_STATUS.to_bytes()]));

    let set = status(None, &[GET_RANDOM], &[]);
    tpm.run_auth(&set).unwrap();
    let log = extended(&[0; 32], &entry(&set, &[&OWNER.to_be_bytes()], &[]));
    let first = audit(&mut tpm);
    assert_eq!((first.audit_counter, &*first.audit_digest), (1, log.as_slice()));
    assert_eq!(*first.command_digest, *hash(SHA256, &[&SET_STATUS.to_bytes(), &GET_RANDOM.to_bytes()]));

    let random = GetRandom { bytes_requested: 4 };
    let bytes = tpm.run(&random).unwrap().random_bytes.to_bytes();
    let log = extended(&log, &entry(&random, &[], &bytes));
    // What fails, and what is not in the list, is not in the log.
    assert_eq!(tpm.run(&status(None, &[], &[])), Err(TpmRc::AUTH_MISSING));
    tpm.run(&ReadClock {}).unwrap();
    assert_eq!(*audit(&mut tpm).audit_digest, *log);
    assert_eq!(audit(&mut tpm).audit_counter, 1, "one log");
}

#[test]
fn a_signature_ends_the_log_and_the_next_command_begins_another() {
    let mut tpm = TestTpm::started();
    let key = signing_key(&mut tpm);
    tpm.run_auth(&status(None, &[GET_RANDOM], &[])).unwrap();
    let signed = tpm.run_auth(&get_digest(Some(key))).unwrap();
    assert_eq!(info(&signed.audit_info).audit_counter, 1);
    assert!(signed.signature.is_some());
    let ended = audit(&mut tpm);
    assert_eq!((ended.audit_counter, ended.audit_digest.len()), (1, 0));
    tpm.run(&GetRandom { bytes_requested: 4 }).unwrap();
    assert_eq!(audit(&mut tpm).audit_counter, 2);
    let mut property = |property| match tpm.run(&counter(property)).unwrap().capability_data {
        TpmsCapabilityData::TpmProperties(list) => list[0].value,
        other => panic!("{other:?}"),
    };
    assert_eq!((property(TpmPt::AUDIT_COUNTER_0), property(TpmPt::AUDIT_COUNTER_1)), (0, 2));
    // TPM2_Clear sets the counter back.
    tpm.run_auth(&Clear { auth_handle: TpmiRhClear(TpmHandle::LOCKOUT.0) }).unwrap();
    assert_eq!(audit(&mut tpm).audit_counter, 0);
}

#[test]
fn an_audited_audit_is_in_the_next_log() {
    let mut tpm = TestTpm::started();
    let key = signing_key(&mut tpm);
    tpm.run_auth(&status(None, &[TpmCc(0x0133)], &[])).unwrap();
    tpm.run_auth(&get_digest(Some(key))).unwrap();
    let next = audit(&mut tpm);
    assert_eq!((next.audit_counter, next.audit_digest.len()), (2, 64), "the signing began a second log");
}

#[test]
fn lists_are_edited_as_libtpms_does() {
    let mut tpms = Both::started();
    let edit = |tpms: &mut Both, command: SetCommandCodeAuditStatus| {
        tpms.same(&command, &[password(b"")]).unwrap();
        audited(tpms.same(&listed(0, 100), &[]).unwrap().capability_data)
    };
    assert_eq!(edit(&mut tpms, status(None, &[GET_RANDOM, SHUTDOWN, UNKNOWN], &[])), [SET_STATUS, GET_RANDOM]);
    assert_eq!(
        edit(&mut tpms, status(None, &[TpmCc(0x0144)], &[SET_STATUS, UNKNOWN])).len(),
        3,
        "Startup may be audited"
    );
    assert_eq!(
        edit(&mut tpms, status(None, &[TpmCc(0x0153)], &[TpmCc(0x0153), GET_RANDOM])).len(),
        2,
        "set, then clear"
    );
    for (property, count) in [(SET_STATUS.0, 1), (SET_STATUS.0 + 1, 100), (0x1000, 1), (0, 0)] {
        tpms.same(&listed(property, count), &[]).unwrap();
    }
    let refused = tpms.same(&status(Some(SHA256), &[GET_RANDOM], &[]), &[password(b"")]);
    assert_eq!(refused, Err(TpmRc::VALUE.parameter(1)), "the hash and the list at the same time");
    // The hash that it has already is no change.
    tpms.same(&status(Some(TpmiAlgHash::Sha512), &[GET_RANDOM], &[]), &[password(b"")]).unwrap();
    let infos = |tpms: &mut Both| {
        let (ours, theirs) = tpms.both(&get_digest(None), &[password(b""), password(b"")]);
        (info(&ours.unwrap().audit_info), info(&theirs.unwrap().audit_info))
    };
    let (ours, theirs) = infos(&mut tpms);
    assert_eq!(ours, theirs);
    assert_eq!(ours.audit_digest.len(), 64);
    tpms.same(&status(Some(SHA256), &[], &[]), &[password(b"")]).unwrap();
    let (ours, theirs) = infos(&mut tpms);
    assert_eq!(ours, theirs);
    assert_eq!((ours.audit_digest.len(), ours.audit_counter), (0, 1));
    tpms.same(&status(None, &[], &[]), &[password(b"")]).unwrap();
    let (ours, theirs) = infos(&mut tpms);
    assert_eq!(ours, theirs);
    assert_eq!(ours.audit_counter, 2);
    tpms.same(&counter(TpmPt::AUDIT_COUNTER_1), &[]).unwrap();
}

#[test]
fn the_log_survives_resume_and_restart_and_the_list_everything() {
    let mut tpm = TestTpm::started();
    tpm.run_auth(&status(None, &[TpmCc(0x0144)], &[])).unwrap();
    let before = audit(&mut tpm);
    tpm.run(&Shutdown { shutdown_type: TpmSu::State }).unwrap();
    tpm.reopen();
    tpm.startup(TpmSu::State).unwrap();
    let resumed = audit(&mut tpm);
    assert_eq!(resumed.audit_counter, 1, "the same log");
    assert_ne!(resumed.audit_digest, before.audit_digest, "TPM2_Startup is in it");
    tpm.run(&Shutdown { shutdown_type: TpmSu::State }).unwrap();
    tpm.reopen();
    tpm.startup(TpmSu::Clear).unwrap();
    assert_eq!(audit(&mut tpm).audit_counter, 1);
    tpm.power_cycle();
    let reset = audit(&mut tpm);
    assert_eq!(reset.audit_counter, 2, "a reset has lost the log");
    assert_eq!(reset.command_digest, before.command_digest);
}

#[test]
fn an_audited_command_after_shutdown_undoes_it() {
    let mut tpm = TestTpm::started();
    tpm.run_auth(&status(None, &[GET_RANDOM], &[])).unwrap();
    tpm.run(&Shutdown { shutdown_type: TpmSu::State }).unwrap();
    tpm.run(&GetRandom { bytes_requested: 1 }).unwrap();
    tpm.reopen();
    assert_eq!(tpm.startup(TpmSu::State), Err(TpmRc::VALUE.parameter(1)));
    tpm.startup(TpmSu::Clear).unwrap();
}

#[test]
fn the_log_moves_with_a_running_tpm() {
    let mut tpm = TestTpm::started();
    tpm.run_auth(&status(None, &[], &[])).unwrap();
    let before = audit(&mut tpm);
    let blob = tpm.tpm.save_volatile();
    tpm.reopen();
    tpm.tpm.restore_volatile(tpm.now, &blob).unwrap();
    assert_eq!(audit(&mut tpm), before);
}

#[test]
fn keys_that_do_not_sign_and_other_schemes_are_refused() {
    let mut tpm = TestTpm::started();
    let parent = tpm.run_auth(&templates::create_primary(OWNER, templates::ecc_srk())).unwrap();
    let parent = Some(TpmiDhObject(parent.object_handle.0));
    let signer = Some(signing_key(&mut tpm));
    let other = Some(TpmtSigScheme::Ecdsa(TpmiAlgHash::Sha512));
    tpm.row("a key that does not sign", &get_digest(parent), TpmRc::KEY.handle(2));
    let command = GetCommandAuditDigest { in_scheme: other.clone(), ..get_digest(signer) };
    tpm.row("another scheme than the key's", &command, TpmRc::SCHEME.parameter(2));

    let session = hmac_session(&mut tpm);
    let get = |sign_handle, in_scheme| GetSessionAuditDigest {
        privacy_admin_handle: TpmiRhEndorsement(ENDORSEMENT),
        sign_handle,
        session_handle: session,
        qualifying_data: Tpm2bData::default(),
        in_scheme,
    };
    tpm.row("the session is not an audit session", &get(None, None), TpmRc::TYPE.handle(3));
    let shared = Shared::started();
    let mut client = shared.client();
    let mut session = client.start_session(&SessionOptions::hmac()).unwrap().auditing();
    client.run_with(&GetRandom { bytes_requested: 8 }, &mut [Auth::Session(&mut session)]).unwrap();
    let mut tpm = shared.tpm();
    let parent = tpm.run_auth(&templates::create_primary(OWNER, templates::ecc_srk())).unwrap();
    let parent = Some(TpmiDhObject(parent.object_handle.0));
    let signer = Some(signing_key(&mut tpm));
    let get = |sign_handle, in_scheme| GetSessionAuditDigest {
        privacy_admin_handle: TpmiRhEndorsement(ENDORSEMENT),
        sign_handle,
        session_handle: TpmiShHmac(session.handle().0),
        qualifying_data: Tpm2bData::default(),
        in_scheme,
    };
    tpm.row("a key that does not sign", &get(parent, None), TpmRc::KEY.handle(2));
    tpm.row("another scheme than the key's", &get(signer, other), TpmRc::SCHEME.parameter(2));
    assert!(tpm.run_auth(&get(signer, None)).unwrap().signature.is_some());
}

fn hmac_session(tpm: &mut TestTpm) -> TpmiShHmac {
    let started = tpm
        .run(&StartAuthSession {
            tpm_key: None,
            bind: None,
            nonce_caller: Tpm2bNonce::from_slice(&[0xA5; 16]).unwrap(),
            encrypted_salt: Tpm2bEncryptedSecret::default(),
            session_type: TpmSe::Hmac,
            symmetric: None,
            auth_hash: SHA256,
        })
        .unwrap();
    TpmiShHmac(started.session_handle.0)
}

#[test]
fn a_session_tells_what_it_has_audited_and_whether_alone() {
    let shared = Shared::started();
    let mut client = shared.client();
    let mut session = client.start_session(&SessionOptions::hmac()).unwrap().auditing();
    for _ in 0..2 {
        client.run_with(&GetRandom { bytes_requested: 8 }, &mut [Auth::Session(&mut session)]).unwrap();
    }
    let get = GetSessionAuditDigest {
        privacy_admin_handle: TpmiRhEndorsement(ENDORSEMENT),
        sign_handle: None,
        session_handle: TpmiShHmac(session.handle().0),
        qualifying_data: Tpm2bData::from_slice(b"nonce").unwrap(),
        in_scheme: None,
    };
    let told = session_info(&shared.tpm().run_auth(&get).unwrap().audit_info);
    assert_eq!(Some(&*told.session_digest), session.audit_digest(), "as the client counts");
    assert!(told.exclusive_session.0, "before this command");
    let told = session_info(&shared.tpm().run_auth(&get).unwrap().audit_info);
    assert_eq!(Some(&*told.session_digest), session.audit_digest());
    assert!(!told.exclusive_session.0, "another command came");
}
