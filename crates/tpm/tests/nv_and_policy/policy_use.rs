//! What a policy session authorizes and what not, and PIN indices: beside libtpms.

use crate::common::{self, TestTpm, password, policy};
use crate::peer::Both;
use crate::policies::*;
use crate::templates;
use ironroot_crypto::{Hmac, hash::digest as hash};
use ironroot_wire::*;

const SHA256: TpmiAlgHash = TpmiAlgHash::Sha256;
const INDEX: u32 = 0x0150_0001;

fn define(attributes: TpmaNv, auth_policy: &[u8], data_size: u16) -> NvDefineSpace {
    NvDefineSpace {
        auth_handle: TpmiRhProvision(OWNER),
        auth: bytes(b"pin"),
        public_info: Tpm2b(TpmsNvPublic {
            nv_index: TpmiRhNvIndex(INDEX),
            name_alg: SHA256,
            attributes,
            auth_policy: bytes(auth_policy),
            data_size,
        }),
    }
}

fn write(data: &[u8]) -> NvWrite {
    NvWrite { auth_handle: TpmiRhNvAuth(INDEX), nv_index: TpmiRhNvIndex(INDEX), data: bytes(data), offset: 0 }
}

fn read(size: u16) -> NvRead {
    NvRead { auth_handle: TpmiRhNvAuth(INDEX), nv_index: TpmiRhNvIndex(INDEX), size, offset: 0 }
}

fn change_auth() -> NvChangeAuth {
    NvChangeAuth { nv_index: TpmiRhNvIndex(INDEX), new_auth: bytes(b"new") }
}

fn undefine() -> NvUndefineSpace {
    NvUndefineSpace { auth_handle: TpmiRhProvision(OWNER), nv_index: TpmiRhNvIndex(INDEX) }
}

fn command_code<C: Command>(policy_session: TpmiShPolicy) -> PolicyCommandCode {
    PolicyCommandCode { policy_session, code: C::INFO.code }
}

/// The policy that assertions lead to, computed in a trial session.
fn policy_of(tpms: &mut Both, assertions: impl FnOnce(&mut Both, TpmiShPolicy)) -> Tpm2bDigest {
    let (trial, _) = start_both(tpms, TpmSe::Trial, SHA256);
    assertions(tpms, trial.handle);
    let policy = digest(tpms, trial.handle);
    tpms.same(&flush(trial.handle), &[]).unwrap();
    policy
}

/// An index that only its policy opens, written once by nobody, and a session.
fn index_with(tpms: &mut Both, policy: &[u8]) -> TpmiShPolicy {
    let attributes = TpmaNv::POLICYREAD | TpmaNv::POLICYWRITE | TpmaNv::NO_DA;
    tpms.same(&define(attributes, policy, 8), &[password(b"")]).unwrap();
    start_both(tpms, TpmSe::Policy, SHA256).0.handle
}

/// A policy session as authorization.
fn by(session: TpmiShPolicy) -> [TpmsAuthCommand; 1] {
    [policy(session.0)]
}

/// Sends a command with sessions to both; the responses' session parts differ, so only code and success are compared.
#[track_caller]
fn outcome<C: Command + core::fmt::Debug>(
    tpms: &mut Both,
    command: &C,
    sessions: &[TpmsAuthCommand],
) -> Result<(), TpmRc> {
    tpms.same_code(command, sessions).0.map(|_| ())
}

#[test]
fn a_policy_is_for_its_digest_and_its_hash() {
    let mut tpms = Both::started();
    let policy = policy_of(&mut tpms, |tpms, s| {
        tpms.same(&PolicyLocality { policy_session: s, locality: TpmaLocality(1) }, &[]).unwrap();
    });
    let s = index_with(&mut tpms, &policy);
    assert_eq!(outcome(&mut tpms, &write(b"x"), &by(s)), Err(TpmRc::POLICY_FAIL.session(1)));
    let assertion = PolicyLocality { policy_session: s, locality: TpmaLocality(1) };
    tpms.same(&assertion, &[]).unwrap();
    assert_eq!(outcome(&mut tpms, &write(b"x"), &by(s)), Ok(()));
    // The session starts over.
    assert_eq!(*digest(&mut tpms, s), [0; 32]);
    assert_eq!(outcome(&mut tpms, &write(b"x"), &by(s)), Err(TpmRc::POLICY_FAIL.session(1)));
    tpms.same(&assertion, &[]).unwrap();
    // Neither a trial nor a password opens it.
    let (trial, _) = start_both(&mut tpms, TpmSe::Trial, SHA256);
    tpms.same(&PolicyLocality { policy_session: trial.handle, locality: TpmaLocality(1) }, &[]).unwrap();
    let refused = tpms.ours.run_with(&write(b"x"), &by(trial.handle));
    assert_eq!(refused, Err(TpmRc::ATTRIBUTES.session(1)));
    assert_eq!(outcome(&mut tpms, &write(b"x"), &[password(b"pin")]), Err(TpmRc::AUTH_UNAVAILABLE));
    assert_eq!(outcome(&mut tpms, &read(1), &[password(b"pin")]), Err(TpmRc::AUTH_UNAVAILABLE));
    let (other, _) = start_both(&mut tpms, TpmSe::Policy, TpmiAlgHash::Sha512);
    assert_eq!(outcome(&mut tpms, &write(b"x"), &by(other.handle)), Err(TpmRc::POLICY_FAIL.session(1)));
    // The owner has no policy.
    assert_eq!(outcome(&mut tpms, &undefine(), &by(s)), Err(TpmRc::AUTH_UNAVAILABLE));
}

#[test]
fn policies_for_reading_do_not_write() {
    let mut tpms = Both::started();
    let policy = [7; 32];
    for (attributes, writes) in
        [(TpmaNv::POLICYREAD | TpmaNv::OWNERWRITE, false), (TpmaNv::POLICYWRITE | TpmaNv::OWNERREAD, true)]
    {
        tpms.same(&define(attributes, &policy, 8), &[password(b"")]).unwrap();
        let (session, _) = start_both(&mut tpms, TpmSe::Policy, SHA256);
        let (allowed, not) = (Err(TpmRc::POLICY_FAIL.session(1)), Err(TpmRc::AUTH_UNAVAILABLE));
        let s = session.handle;
        assert_eq!(outcome(&mut tpms, &write(b"x"), &by(s)), if writes { allowed } else { not });
        assert_eq!(outcome(&mut tpms, &read(1), &by(s)), if writes { not } else { allowed });
        tpms.same(&undefine(), &[password(b"")]).unwrap();
    }
}

#[test]
fn the_admin_role_needs_its_command_code() {
    let mut tpms = Both::started();
    let assert_code = |tpms: &mut Both, s| {
        tpms.same(&command_code::<NvChangeAuth>(s), &[]).unwrap();
    };
    let policy = policy_of(&mut tpms, assert_code);
    let s = index_with(&mut tpms, &policy);
    assert_eq!(outcome(&mut tpms, &change_auth(), &[password(b"pin")]), Err(TpmRc::AUTH_TYPE));
    assert_eq!(outcome(&mut tpms, &change_auth(), &by(s)), Err(TpmRc::POLICY_FAIL.session(1)));
    assert_code(&mut tpms, s);
    assert_eq!(outcome(&mut tpms, &write(b"x"), &by(s)), Err(TpmRc::POLICY_CC.session(1)));
    let long = NvChangeAuth { nv_index: TpmiRhNvIndex(INDEX), new_auth: bytes(&[1; 33]) };
    assert_eq!(outcome(&mut tpms, &long, &by(s)), Err(TpmRc::SIZE.parameter(1)));
    assert_eq!(outcome(&mut tpms, &change_auth(), &by(s)), Ok(()));
}

#[test]
fn a_new_auth_value_replaces_the_old_one() {
    let mut tpms = Both::started();
    let assert_code = |tpms: &mut Both, s| {
        tpms.same(&command_code::<NvChangeAuth>(s), &[]).unwrap();
    };
    let policy = policy_of(&mut tpms, assert_code);
    let attributes = TpmaNv::AUTHREAD | TpmaNv::AUTHWRITE | TpmaNv::NO_DA;
    tpms.same(&define(attributes, &policy, 8), &[password(b"")]).unwrap();
    let (session, _) = start_both(&mut tpms, TpmSe::Policy, SHA256);
    assert_code(&mut tpms, session.handle);
    outcome(&mut tpms, &change_auth(), &by(session.handle)).unwrap();
    assert_eq!(outcome(&mut tpms, &write(b"x"), &[password(b"pin")]), Err(TpmRc::BAD_AUTH.session(1)));
    assert_eq!(outcome(&mut tpms, &write(b"x"), &[password(b"new")]), Ok(()));
    tpms.ours.power_cycle();
    assert!(tpms.ours.run_with(&read(1), &[password(b"new")]).is_ok());
}

#[test]
fn nv_written_makes_an_index_that_is_written_once() {
    let mut tpms = Both::started();
    let not_written = |tpms: &mut Both, policy_session| {
        tpms.same(&PolicyNvWritten { policy_session, written_set: TpmiYesNo(false) }, &[]).unwrap();
    };
    let policy = policy_of(&mut tpms, not_written);
    let s = index_with(&mut tpms, &policy);
    not_written(&mut tpms, s);
    assert_eq!(outcome(&mut tpms, &write(b"once"), &by(s)), Ok(()));
    not_written(&mut tpms, s);
    assert_eq!(outcome(&mut tpms, &write(b"twice"), &by(s)), Err(TpmRc::POLICY_FAIL.session(1)));
    // As the policy of something that is not an index, it opens nothing.
    let set =
        SetPrimaryPolicy { auth_handle: TpmiRhHierarchyPolicy(OWNER), auth_policy: policy, hash_alg: Some(SHA256) };
    tpms.same(&set, &[password(b"")]).unwrap();
    assert_eq!(outcome(&mut tpms, &undefine(), &by(s)), Err(TpmRc::POLICY_FAIL.session(1)));
}

#[test]
fn a_password_or_an_hmac_proves_the_auth_value() {
    let mut tpms = Both::started();
    let needs_auth = |tpms: &mut Both, policy_session| {
        tpms.same(&PolicyPassword { policy_session }, &[]).unwrap();
    };
    let policy = policy_of(&mut tpms, needs_auth);
    let s = index_with(&mut tpms, &policy);
    for (given, expected) in [
        (b"".as_slice(), Err(TpmRc::BAD_AUTH.session(1))),
        (b"nip", Err(TpmRc::BAD_AUTH.session(1))),
        (b"pin\0\0", Ok(())),
    ] {
        needs_auth(&mut tpms, s);
        let mut session = by(s);
        session[0].hmac = bytes(given);
        assert_eq!(outcome(&mut tpms, &write(b"x"), &session), expected, "{given:?}");
        tpms.same(&PolicyRestart { session_handle: s }, &[]).unwrap();
    }
    // PolicyAuthValue has the same digest and wants an HMAC instead.
    let (ours, theirs) = start_both(&mut tpms, TpmSe::Policy, SHA256);
    tpms.same(&PolicyAuthValue { policy_session: ours.handle }, &[]).unwrap();
    let mut session = by(ours.handle);
    session[0].hmac = bytes(b"pin");
    assert_eq!(outcome(&mut tpms, &read(1), &session), Err(TpmRc::BAD_AUTH.session(1)));
    let name = tpms.same(&NvReadPublic { nv_index: TpmiRhNvIndex(INDEX) }, &[]).unwrap().nv_name;
    let command = read(1);
    let hmac = |nonce: &[u8]| {
        let parameters = [0, 1, 0, 0];
        let cp_hash = hash(SHA256, &[&NvRead::INFO.code.0.to_be_bytes(), &name, &name, &parameters]);
        let mut hmac = Hmac::new(SHA256, b"pin");
        for part in [&*cp_hash, nonce, &[TpmaSession::CONTINUE_SESSION.0]] {
            hmac.update(part);
        }
        let mut session = common::policy(ours.handle.0);
        session.hmac = bytes(&hmac.finish());
        [session]
    };
    tpms.theirs.run(&command, &hmac(&theirs.nonce_tpm)).unwrap();
    tpms.ours.run_with(&command, &hmac(&ours.nonce_tpm)).unwrap();
    // The nonce is a new one, so the HMAC is worth nothing now.
    tpms.same(&PolicyAuthValue { policy_session: ours.handle }, &[]).unwrap();
    assert_eq!(tpms.ours.run_with(&command, &hmac(&ours.nonce_tpm)), Err(TpmRc::BAD_AUTH.session(1)));
}

#[test]
fn a_policy_can_be_for_one_command_with_its_parameters() {
    let mut tpms = Both::started();
    // The policy must not depend on the name, which depends on the policy: the owner approves, and binds itself.
    let owner_policy = |tpms: &mut Both, cp_hash: &[u8]| {
        let cp_hash: Tpm2bDigest = bytes(cp_hash);
        policy_of(tpms, |tpms, policy_session| {
            tpms.same(&PolicyCpHash { policy_session, cp_hash_a: cp_hash }, &[]).unwrap();
        })
    };
    let command = define(TpmaNv::OWNERREAD | TpmaNv::OWNERWRITE, b"", 8);
    let mut parameters = Vec::new();
    command.marshal_parameters(&mut parameters);
    let cp_hash = hash(SHA256, &[&NvDefineSpace::INFO.code.0.to_be_bytes(), &OWNER.to_be_bytes(), &parameters]);
    let auth_policy = owner_policy(&mut tpms, &cp_hash);
    let set = SetPrimaryPolicy { auth_handle: TpmiRhHierarchyPolicy(OWNER), auth_policy, hash_alg: Some(SHA256) };
    tpms.same(&set, &[password(b"")]).unwrap();
    let (session, _) = start_both(&mut tpms, TpmSe::Policy, SHA256);
    let policy_session = session.handle;
    let bind = PolicyCpHash { policy_session, cp_hash_a: bytes(&cp_hash) };
    tpms.same(&bind, &[]).unwrap();
    let other = define(TpmaNv::OWNERREAD | TpmaNv::OWNERWRITE, b"", 9);
    let refused = Err(TpmRc::POLICY_FAIL.session(1));
    assert_eq!(outcome(&mut tpms, &other, &by(policy_session)), refused);
    assert_eq!(outcome(&mut tpms, &command, &by(policy_session)), Ok(()));
    // The names of the handles, whatever the command.
    let name_hash: Tpm2bDigest = bytes(&hash(SHA256, &[&OWNER.to_be_bytes()]));
    let auth_policy = policy_of(&mut tpms, |tpms, policy_session| {
        tpms.same(&PolicyNameHash { policy_session, name_hash: name_hash.clone() }, &[]).unwrap();
    });
    tpms.same(&SetPrimaryPolicy { auth_policy, ..set.clone() }, &[password(b"")]).unwrap();
    tpms.same(&PolicyNameHash { policy_session, name_hash: name_hash.clone() }, &[]).unwrap();
    assert_eq!(outcome(&mut tpms, &undefine(), &by(policy_session)), refused, "two handles");
    assert_eq!(outcome(&mut tpms, &command, &by(policy_session)), Err(TpmRc::NV_DEFINED));
    tpms.same(&undefine(), &[password(b"")]).unwrap();
    assert_eq!(outcome(&mut tpms, &command, &by(policy_session)), Ok(()));
}

#[test]
fn a_policy_can_be_for_one_template() {
    let mut tpms = Both::started();
    let public = templates::ecc_srk();
    let template_hash: Tpm2bDigest = bytes(&hash(SHA256, &[&public.to_bytes()]));
    let assertion = |policy_session| PolicyTemplate { policy_session, template_hash: template_hash.clone() };
    let auth_policy = policy_of(&mut tpms, |tpms, s| {
        tpms.same(&assertion(s), &[]).unwrap();
    });
    let set = SetPrimaryPolicy { auth_handle: TpmiRhHierarchyPolicy(OWNER), auth_policy, hash_alg: Some(SHA256) };
    tpms.same(&set, &[password(b"")]).unwrap();
    let (session, _) = start_both(&mut tpms, TpmSe::Policy, SHA256);
    let s = session.handle;
    tpms.same(&assertion(s), &[]).unwrap();
    let mut other = public.clone();
    other.object_attributes = other.object_attributes.without(TpmaObject::NO_DA);
    let refused = Err(TpmRc::POLICY_FAIL.session(1));
    let create = |public| templates::create_primary(OWNER, public);
    assert_eq!(outcome(&mut tpms, &create(other), &by(s)), refused);
    assert_eq!(outcome(&mut tpms, &define(TpmaNv::OWNERREAD | TpmaNv::OWNERWRITE, b"", 8), &by(s)), refused);
    assert_eq!(outcome(&mut tpms, &create(public), &by(s)), Ok(()));
}

#[test]
fn pcr_and_locality_must_still_be_right() {
    let mut tpms = Both::started();
    let check = |tpms: &mut Both, policy_session| {
        let pcrs = pcrs(SHA256, &[7]);
        tpms.same(&PolicyPcr { policy_session, pcr_digest: Tpm2bDigest::default(), pcrs }, &[]).unwrap();
        tpms.same(&PolicyLocality { policy_session, locality: TpmaLocality(0b01001) }, &[]).unwrap();
    };
    let policy = policy_of(&mut tpms, check);
    let s = index_with(&mut tpms, &policy);
    check(&mut tpms, s);
    assert_eq!(outcome(&mut tpms, &write(b"x"), &by(s)), Ok(()));
    check(&mut tpms, s);
    let extend = PcrExtend {
        pcr_handle: Some(TpmiDhPcr(5)),
        digests: TpmlDigestValues::new(vec![TpmtHa::new(SHA256, &[1; 32]).unwrap()]),
    };
    tpms.same(&extend, &[password(b"")]).unwrap();
    assert_eq!(outcome(&mut tpms, &write(b"x"), &by(s)), Err(TpmRc::PCR_CHANGED));
    tpms.same(&PolicyRestart { session_handle: s }, &[]).unwrap();
    check(&mut tpms, s);
    for locality in [1, 2, 4, 32, 0b01001] {
        tpms.ours.locality = locality;
        assert_eq!(tpms.ours.run_with(&write(b"x"), &by(s)).err(), Some(TpmRc::LOCALITY), "{locality}");
    }
    tpms.ours.locality = 3;
    assert!(tpms.ours.run_with(&write(b"x"), &by(s)).is_ok());
}

#[test]
fn a_policy_session_expires_and_its_time_starts_anew_with_its_nonce() {
    let mut tpm = TestTpm::started();
    let assertion = |session: &PolicySession, nonce: &[u8]| PolicySecret {
        auth_handle: TpmiDhEntity(OWNER),
        policy_session: session.handle,
        nonce_tpm: bytes(nonce),
        cp_hash_a: Tpm2bDigest::default(),
        policy_ref: Tpm2bNonce::default(),
        expiration: 5,
    };
    let trial = start(&mut tpm, TpmSe::Trial, SHA256);
    tpm.run_auth(&assertion(&trial, b"")).unwrap();
    let policy = digest_of(&mut tpm, trial.handle);
    tpm.run_auth(&define(TpmaNv::POLICYREAD | TpmaNv::POLICYWRITE | TpmaNv::NO_DA, &policy, 8)).unwrap();
    tpm.now += 60_000;
    let session = start(&mut tpm, TpmSe::Policy, SHA256);
    tpm.run_auth(&assertion(&session, &session.nonce_tpm)).unwrap();
    // A longer time does not replace a shorter one.
    tpm.now += 5_000;
    assert_eq!(tpm.run_with(&write(b"x"), &by(session.handle)), Err(TpmRc::EXPIRED.session(1)));
    let session = start(&mut tpm, TpmSe::Policy, SHA256);
    tpm.run_auth(&assertion(&session, &session.nonce_tpm)).unwrap();
    tpm.now += 4_000;
    let encoded = common::encode(&write(b"x"), &by(session.handle));
    let response = tpm.raw(&encoded);
    let (_, sessions) = common::decode::<NvWrite>(&response).unwrap();
    let nonce = &sessions[2..18];
    assert_ne!(nonce, &*session.nonce_tpm);
    tpm.now += 2_000;
    tpm.run_auth(&assertion(&session, nonce)).unwrap();
    tpm.now += 2_000;
    tpm.run_with(&write(b"x"), &by(session.handle)).unwrap();
}

#[test]
fn branches_and_secrets_combine() {
    let mut tpms = Both::started();
    let left = policy_of(&mut tpms, |tpms, s| {
        tpms.same(&command_code::<NvWrite>(s), &[]).unwrap();
    });
    let right = policy_of(&mut tpms, |tpms, s| {
        tpms.same(&command_code::<NvRead>(s), &[]).unwrap();
    });
    let or =
        |policy_session| PolicyOr { policy_session, p_hash_list: TpmlDigest::new(vec![left.clone(), right.clone()]) };
    let policy = policy_of(&mut tpms, |tpms, s| {
        tpms.same(&or(s), &[]).unwrap();
    });
    let s = index_with(&mut tpms, &policy);
    for code_first in [true, false] {
        tpms.same(&PolicyRestart { session_handle: s }, &[]).unwrap();
        if code_first {
            tpms.same(&command_code::<NvWrite>(s), &[]).unwrap();
        } else {
            tpms.same(&command_code::<NvRead>(s), &[]).unwrap();
        }
        tpms.same(&or(s), &[]).unwrap();
        if code_first {
            assert_eq!(outcome(&mut tpms, &read(1), &by(s)), Err(TpmRc::POLICY_CC.session(1)));
            assert_eq!(outcome(&mut tpms, &write(b"x"), &by(s)), Ok(()));
        } else {
            assert_eq!(outcome(&mut tpms, &write(b"x"), &by(s)), Err(TpmRc::POLICY_CC.session(1)));
            assert_eq!(outcome(&mut tpms, &read(1), &by(s)), Ok(()));
        }
    }
}

#[test]
fn policy_secret_wants_a_secret_from_a_policy_session_too() {
    let mut tpms = Both::started();
    let code = |tpms: &mut Both, s| {
        tpms.same(&command_code::<PolicySecret>(s), &[]).unwrap();
    };
    let policy = policy_of(&mut tpms, code);
    let approving = index_with(&mut tpms, &policy);
    code(&mut tpms, approving);
    let (session, _) = start_both(&mut tpms, TpmSe::Policy, SHA256);
    let command = PolicySecret {
        auth_handle: TpmiDhEntity(INDEX),
        policy_session: session.handle,
        nonce_tpm: Tpm2bNonce::default(),
        cp_hash_a: Tpm2bDigest::default(),
        policy_ref: Tpm2bNonce::default(),
        expiration: 0,
    };
    assert_eq!(outcome(&mut tpms, &command, &by(approving)), Err(TpmRc::MODE.session(1)));
    tpms.same(&undefine(), &[password(b"")]).unwrap();
    let with_password = |tpms: &mut Both, s| {
        tpms.same(&command_code::<PolicySecret>(s), &[]).unwrap();
        tpms.same(&PolicyPassword { policy_session: s }, &[]).unwrap();
    };
    let policy = policy_of(&mut tpms, with_password);
    let approving = index_with(&mut tpms, &policy);
    with_password(&mut tpms, approving);
    let mut authorization = by(approving);
    authorization[0].hmac = bytes(b"pin");
    assert_eq!(outcome(&mut tpms, &command, &authorization), Ok(()));
    assert_ne!(*digest(&mut tpms, session.handle), [0; 32]);
}

const PIN: TpmaNv = TpmaNv::OWNERWRITE.with(TpmaNv::OWNERREAD).with(TpmaNv::AUTHREAD).with(TpmaNv::NO_DA);

fn set_pin(tpms: &mut Both, count: u32, limit: u32) {
    let data = [count.to_be_bytes(), limit.to_be_bytes()].concat();
    let write = NvWrite { auth_handle: TpmiRhNvAuth(OWNER), ..write(&data) };
    tpms.same(&write, &[password(b"")]).unwrap();
}

#[track_caller]
fn pin_count(tpms: &mut Both) -> u32 {
    let read = NvRead { auth_handle: TpmiRhNvAuth(OWNER), ..read(8) };
    let data = tpms.same(&read, &[password(b"")]).unwrap().data;
    u32::from_be_bytes(data[..4].try_into().unwrap())
}

fn use_pin(tpms: &mut Both, pin: &[u8], expiration: i32) -> Result<PolicySecretResponse, TpmRc> {
    let (session, _) = start_both(tpms, TpmSe::Policy, SHA256);
    let command = PolicySecret {
        auth_handle: TpmiDhEntity(INDEX),
        policy_session: session.handle,
        nonce_tpm: Tpm2bNonce::default(),
        cp_hash_a: Tpm2bDigest::default(),
        policy_ref: Tpm2bNonce::default(),
        expiration,
    };
    let (ours, _) = tpms.same_code(&command, &[password(pin)]);
    tpms.same(&flush(session.handle), &[]).unwrap();
    ours
}

#[test]
fn a_pin_pass_index_counts_its_uses() {
    let mut tpms = Both::started();
    tpms.same(&define(PIN.with_nt(TpmNt::PinPass), b"", 8), &[password(b"")]).unwrap();
    assert_eq!(use_pin(&mut tpms, b"pin", 0).unwrap_err(), TpmRc::AUTH_UNAVAILABLE, "the limit is not written");
    set_pin(&mut tpms, 0, 3);
    for count in 1..=3 {
        assert_eq!(use_pin(&mut tpms, b"nip", 0).unwrap_err(), TpmRc::BAD_AUTH.session(1));
        // There is no ticket, with which the use would not be counted.
        let response = use_pin(&mut tpms, b"pin", -1_000_000).unwrap();
        assert!(response.policy_ticket.digest.is_empty() && response.timeout.is_empty());
        assert_eq!(pin_count(&mut tpms), count);
    }
    assert_eq!(use_pin(&mut tpms, b"pin", 0).unwrap_err(), TpmRc::AUTH_UNAVAILABLE);
    assert_eq!(outcome(&mut tpms, &read(8), &[password(b"pin")]), Err(TpmRc::AUTH_UNAVAILABLE));
    set_pin(&mut tpms, 1, 3);
    assert_eq!(outcome(&mut tpms, &read(8), &[password(b"pin")]), Ok(()));
    assert_eq!(pin_count(&mut tpms), 2, "reading with the PIN is a use, too");
    // A use counts even if the command then fails, and at once.
    assert_eq!(outcome(&mut tpms, &read(9), &[password(b"pin")]), Err(TpmRc::NV_RANGE));
    assert_eq!(pin_count(&mut tpms), 3);
    tpms.ours.power_cycle();
    assert_eq!(tpms.ours.run_with(&read(8), &[password(b"pin")]), Err(TpmRc::AUTH_UNAVAILABLE));
}

#[test]
fn a_pin_fail_index_counts_mistakes_and_forgets_them_after_a_success() {
    let mut tpms = Both::started();
    tpms.same(&define(PIN.with_nt(TpmNt::PinFail), b"", 8), &[password(b"")]).unwrap();
    assert_eq!(use_pin(&mut tpms, b"pin", 0).unwrap_err(), TpmRc::AUTH_UNAVAILABLE);
    set_pin(&mut tpms, 0, 2);
    assert_eq!(use_pin(&mut tpms, b"nip", 0).unwrap_err(), TpmRc::BAD_AUTH.session(1));
    assert_eq!(pin_count(&mut tpms), 1);
    use_pin(&mut tpms, b"pin", 0).unwrap();
    assert_eq!(pin_count(&mut tpms), 0);
    for _ in 0..2 {
        assert_eq!(use_pin(&mut tpms, b"nip", 0).unwrap_err(), TpmRc::BAD_AUTH.session(1));
    }
    assert_eq!(use_pin(&mut tpms, b"pin", 0).unwrap_err(), TpmRc::AUTH_UNAVAILABLE);
    assert_eq!(pin_count(&mut tpms), 2);
    // A power cut gives no more tries.
    tpms.ours.power_cycle();
    assert_eq!(tpms.ours.run_with(&read(8), &[password(b"pin")]), Err(TpmRc::AUTH_UNAVAILABLE));
    set_pin(&mut tpms, 0, 2);
    assert_eq!(outcome(&mut tpms, &read(8), &[password(b"pin")]), Ok(()));
}

#[test]
fn the_pin_that_may_not_read_is_still_a_secret() {
    let mut tpms = Both::started();
    let attributes = PIN.without(TpmaNv::AUTHREAD).with_nt(TpmNt::PinPass);
    tpms.same(&define(attributes, b"", 8), &[password(b"")]).unwrap();
    set_pin(&mut tpms, 0, 9);
    use_pin(&mut tpms, b"pin", 0).unwrap();
    // Part 3, 5.6 demands TPMA_NV_AUTHREAD of a PIN index as of any other; libtpms lets the PIN read.
    assert_eq!(tpms.ours.run_with(&read(8), &[password(b"pin")]), Err(TpmRc::AUTH_UNAVAILABLE));
}

#[test]
fn a_pin_does_not_bind_sessions() {
    let mut tpms = Both::started();
    tpms.same(&define(PIN.with_nt(TpmNt::PinPass), b"", 8), &[password(b"")]).unwrap();
    set_pin(&mut tpms, 0, 9);
    let bind = StartAuthSession { bind: Some(TpmiDhEntity(INDEX)), ..start_command(TpmSe::Hmac, SHA256) };
    assert_eq!(outcome(&mut tpms, &bind, &[]), Err(TpmRc::HANDLE.handle(2)));
}
