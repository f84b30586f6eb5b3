//! The checks that every command passes through (Part 3, clause 5; error_rows.txt, section 0).

use crate::common::{TestTpm, encode, frame, password, policy, rc, rows};
use crate::outside::{self, load_external};
use crate::policies::{self, bytes, pcrs, start};
use crate::templates::{keys::*, *};
use ironroot_wire::*;

/// A row of section 0.
#[track_caller]
fn holds(condition: &str, wanted: TpmRc, got: TpmRc) {
    rows::holds(0, condition, wanted, Some(got));
}

#[track_caller]
fn row<C: Command>(tpm: &mut TestTpm, condition: &str, command: &C, sessions: &[TpmsAuthCommand], wanted: TpmRc) {
    let got = rc(&tpm.raw(&encode(command, sessions)));
    holds(condition, wanted, got);
}

fn random() -> GetRandom {
    GetRandom { bytes_requested: 8 }
}

const INDEX: u32 = 0x0150_0001;

fn define(tpm: &mut TestTpm, attributes: TpmaNv, auth: &[u8], auth_policy: Tpm2bDigest) {
    let command = NvDefineSpace {
        auth_handle: TpmiRhProvision(OWNER),
        auth: bytes(auth),
        public_info: Tpm2b(TpmsNvPublic {
            nv_index: TpmiRhNvIndex(INDEX),
            name_alg: TpmiAlgHash::Sha256,
            attributes,
            auth_policy,
            data_size: 8,
        }),
    };
    tpm.run_auth(&command).unwrap();
}

fn read_as(auth_handle: u32) -> NvRead {
    NvRead { auth_handle: TpmiRhNvAuth(auth_handle), nv_index: TpmiRhNvIndex(INDEX), size: 1, offset: 0 }
}

fn write_as(auth_handle: u32) -> NvWrite {
    let data = bytes(&[1; 8]);
    NvWrite { auth_handle: TpmiRhNvAuth(auth_handle), nv_index: TpmiRhNvIndex(INDEX), data, offset: 0 }
}

fn read_public(handle: u32) -> ReadPublic {
    ReadPublic { object_handle: TpmiDhObject(handle) }
}

fn disable(tpm: &mut TestTpm, enable: u32) {
    let auth_handle = TpmiRhBaseHierarchy(PLATFORM);
    tpm.run_auth(&HierarchyControl { auth_handle, enable: TpmiRhEnables(enable), state: TpmiYesNo(false) }).unwrap();
}

#[test]
fn headers_and_modes() {
    let mut tpm = TestTpm::manufactured();
    row(&mut tpm, "before TPM2_Startup, another command", &random(), &[], TpmRc::INITIALIZE);
    tpm.startup(TpmSu::Clear).unwrap();
    let good = encode(&random(), &[]);
    let mut tag = good.clone();
    tag[1] = 0xC4;
    holds("the tag is neither TPM_ST_SESSIONS nor TPM_ST_NO_SESSIONS", TpmRc::BAD_TAG, rc(&tpm.raw(&tag)));
    let mut size = good.clone();
    size[5] += 1;
    holds("commandSize is not the number of bytes that came", TpmRc::COMMAND_SIZE, rc(&tpm.raw(&size)));
    let unknown = frame(TpmSt::NoSessions, 0x1FF, &[]);
    holds("the command is not implemented", TpmRc::COMMAND_CODE, rc(&tpm.raw(&unknown)));
    let short = frame(TpmSt::NoSessions, 0x17B, &[0]);
    holds("the parameters end too early", TpmRc::INSUFFICIENT.parameter(1), rc(&tpm.raw(&short)));
    let long = frame(TpmSt::NoSessions, 0x17B, &[0, 8, 0]);
    holds("bytes behind the last parameter", TpmRc::SIZE, rc(&tpm.raw(&long)));
}

#[test]
fn handles() {
    let mut tpm = TestTpm::started();
    let got = rc(&tpm.raw(&frame(TpmSt::NoSessions, 0x173, &OWNER.to_be_bytes())));
    holds("a handle is not of the type that the command takes", TpmRc::VALUE.handle(1), got);
    row(&mut tpm, "a transient object is not loaded", &read_public(0x8000_0000), &[], TpmRc::REFERENCE_H0);
    let key = tpm.run_auth(&create_primary(OWNER, ecdsa(OWN))).unwrap().object_handle.0;
    let certify = Certify {
        object_handle: TpmiDhObject(key),
        sign_handle: Some(TpmiDhObject(0x8000_0009)),
        qualifying_data: Tpm2bData::default(),
        in_scheme: None,
    };
    let both = [password(b""), password(b"")];
    row(&mut tpm, "the second handle's transient object is not loaded", &certify, &both, TpmRc::REFERENCE_H1);
    row(&mut tpm, "a persistent object does not exist", &read_public(0x8100_0001), &[], TpmRc::HANDLE.handle(1));
    row(&mut tpm, "an NV Index does not exist", &read_as(OWNER), &[password(b"")], TpmRc::HANDLE.handle(2));
    let digest = PolicyGetDigest { policy_session: TpmiShPolicy(0x0300_0000) };
    row(&mut tpm, "a session in the handle area is not loaded", &digest, &[], TpmRc::REFERENCE_H0);
    let reset = PcrReset { pcr_handle: TpmiDhPcr(24) };
    row(&mut tpm, "a PCR that does not exist", &reset, &[password(b"")], TpmRc::VALUE.handle(1));
}

#[test]
fn disabled_hierarchies() {
    let mut tpm = TestTpm::started();
    for (hierarchy, persistent) in [(OWNER, 0x8100_0001), (ENDORSEMENT, 0x8100_0002)] {
        let key = tpm.run_auth(&create_primary(hierarchy, ecdsa(OWN))).unwrap().object_handle.0;
        let command = EvictControl {
            auth: TpmiRhProvision(OWNER),
            object_handle: TpmiDhObject(key),
            persistent_handle: TpmiDhPersistent(persistent),
        };
        tpm.run_auth(&command).unwrap();
    }
    define(&mut tpm, TpmaNv::OWNERREAD | TpmaNv::OWNERWRITE, b"", Tpm2bDigest::default());
    disable(&mut tpm, ENDORSEMENT);
    let condition = "the endorsement hierarchy of a persistent object is disabled";
    row(&mut tpm, condition, &read_public(0x8100_0002), &[], TpmRc::HANDLE.handle(1));
    disable(&mut tpm, OWNER);
    let condition = "the hierarchy of a persistent object is disabled";
    row(&mut tpm, condition, &read_public(0x8100_0001), &[], TpmRc::HANDLE.handle(1));
    let public = NvReadPublic { nv_index: TpmiRhNvIndex(INDEX) };
    row(&mut tpm, "the hierarchy of an NV Index is disabled", &public, &[], TpmRc::HANDLE.handle(1));
    let create = create_primary(OWNER, ecdsa(OWN));
    row(&mut tpm, "a primary seed of a disabled hierarchy", &create, &[password(b"")], TpmRc::HIERARCHY.handle(1));
}

#[test]
fn locked_indices() {
    let mut tpm = TestTpm::started();
    let attributes = TpmaNv::OWNERREAD | TpmaNv::OWNERWRITE | TpmaNv::READ_STCLEAR | TpmaNv::WRITE_STCLEAR;
    define(&mut tpm, attributes, b"", Tpm2bDigest::default());
    tpm.run_auth(&write_as(OWNER)).unwrap();
    let (auth_handle, nv_index) = (TpmiRhNvAuth(OWNER), TpmiRhNvIndex(INDEX));
    tpm.run_auth(&NvWriteLock { auth_handle, nv_index }).unwrap();
    tpm.run_auth(&NvReadLock { auth_handle, nv_index }).unwrap();
    let owner = [password(b"")];
    row(&mut tpm, "an NV Index to be written is locked for writing", &write_as(OWNER), &owner, TpmRc::NV_LOCKED);
    row(&mut tpm, "an NV Index to be read is locked for reading", &read_as(OWNER), &owner, TpmRc::NV_LOCKED);
}

/// HierarchyChangeAuth with an area of our own.
fn with_area(handle: u32, size: u32, area: &[u8]) -> Vec<u8> {
    let body = [&handle.to_be_bytes()[..], &size.to_be_bytes(), area, &[0, 0]].concat();
    frame(TpmSt::Sessions, 0x129, &body)
}

fn area(sessions: &[TpmsAuthCommand]) -> Vec<u8> {
    sessions.iter().flat_map(|session| session.to_bytes()).collect()
}

fn attributed(handle: u32, attributes: TpmaSession) -> TpmsAuthCommand {
    TpmsAuthCommand {
        session_handle: TpmiShAuthSession(handle),
        nonce: bytes(&[1; 16]),
        session_attributes: attributes | TpmaSession::CONTINUE_SESSION,
        hmac: bytes(&[2; 32]),
    }
}

#[test]
fn session_areas() {
    let mut tpm = TestTpm::started();
    let mut hmac = || {
        let command = StartAuthSession {
            symmetric: Some(TpmtSymDef::Xor(TpmiAlgHash::Sha256)),
            ..policies::start_command(TpmSe::Hmac, TpmiAlgHash::Sha256)
        };
        tpm.run(&command).unwrap().session_handle.0
    };
    let (first, second) = (hmac(), hmac());
    let none = TpmaSession(0);
    let pw = || password(b"");
    let mut check = |condition: &str, bytes: &[u8], wanted: TpmRc| holds(condition, wanted, rc(&tpm.raw(bytes)));
    let save = ContextSave { save_handle: TpmiDhContext(first) };
    check("sessions for a command that takes none", &encode(&save, &[pw()]), TpmRc::AUTH_CONTEXT);
    let change = HierarchyChangeAuth { auth_handle: TpmiRhHierarchyAuth(OWNER), new_auth: Tpm2bAuth::default() };
    check("no sessions for a command that needs them", &encode(&change, &[]), TpmRc::AUTH_MISSING);
    let one = area(&[pw()]);
    check("authorizationSize is smaller than a session can be", &with_area(OWNER, 8, &one[..8]), TpmRc::AUTHSIZE);
    let larger = "authorizationSize is larger than what is left of the command";
    check(larger, &with_area(OWNER, 100, &one), TpmRc::AUTHSIZE);
    let four = area(&[pw(), attributed(first, TpmaSession::DECRYPT), attributed(second, TpmaSession::AUDIT), pw()]);
    check("more bytes than three sessions", &with_area(OWNER, four.len() as u32, &four), TpmRc::AUTHSIZE);
    let kind = "a session's handle is neither of an HMAC or policy session nor TPM_RS_PW";
    check(kind, &encode(&change, &[attributed(OWNER, none)]), TpmRc::HANDLE.session(1));
    let far = 0x0200_0030;
    check("the first session is not loaded", &encode(&change, &[attributed(far, none)]), TpmRc::REFERENCE_S0);
    let two = encode(&change, &[pw(), attributed(far, none)]);
    check("the second session is not loaded", &two, TpmRc::REFERENCE_S1);
    for (condition, attribute) in [
        ("two sessions for audit", TpmaSession::AUDIT),
        ("two sessions decrypt", TpmaSession::DECRYPT),
        ("two sessions encrypt", TpmaSession::ENCRYPT),
    ] {
        let stir = StirRandom { in_data: bytes(b"x") };
        let sessions = [attributed(first, attribute), attributed(second, attribute)];
        let bytes =
            if attribute == TpmaSession::DECRYPT { encode(&stir, &sessions) } else { encode(&random(), &sessions) };
        check(condition, &bytes, TpmRc::ATTRIBUTES.session(2));
    }
    let idle = encode(&random(), &[attributed(first, none)]);
    let condition = "a session that neither authorizes nor decrypts, encrypts or audits";
    check(condition, &idle, TpmRc::ATTRIBUTES.session(1));
    let decrypts = encode(&random(), &[attributed(first, TpmaSession::DECRYPT)]);
    let condition = "a session decrypts a first parameter that cannot be encrypted";
    check(condition, &decrypts, TpmRc::ATTRIBUTES.session(1));
    let certify = Certify {
        object_handle: TpmiDhObject(0x8000_0000),
        sign_handle: None,
        qualifying_data: Tpm2bData::default(),
        in_scheme: None,
    };
    tpm.run_auth(&create_primary(OWNER, ecdsa(OWN))).unwrap();
    let got = rc(&tpm.raw(&encode(&certify, &[password(b"")])));
    holds("fewer sessions than handles that need authorization", TpmRc::AUTH_MISSING, got);
}

fn unseal(handle: u32) -> Unseal {
    Unseal { item_handle: TpmiDhObject(handle) }
}

fn sealed_with(tpm: &mut TestTpm, attributes: A, auth_policy: &[u8]) -> u32 {
    let mut public = keyedhash(attributes, None);
    public.auth_policy = bytes(auth_policy);
    let mut command = create_primary(OWNER, public);
    command.in_sensitive = secret(b"auth", b"secret");
    tpm.run_auth(&command).unwrap().object_handle.0
}

const SEALED: A = A(A::FIXED_TPM.0 | A::FIXED_PARENT.0 | A::USER_WITH_AUTH.0);

#[test]
fn auth_values() {
    let mut tpm = TestTpm::started();
    let wrong = [password(b"wrong")];
    let sign = |key: u32| Sign {
        key_handle: TpmiDhObject(key),
        digest: bytes(&[7; 32]),
        in_scheme: None,
        validation: outside::no_ticket(),
    };
    let public_only = tpm.run(&load_external(ec_public(), None, OWNER)).unwrap().object_handle.0;
    let condition = "the sensitive area of the object is not loaded";
    row(&mut tpm, condition, &sign(public_only), &[password(b"")], TpmRc::AUTH_UNAVAILABLE);
    let item = sealed_with(&mut tpm, SEALED, b"");
    let condition = "a password that is wrong, for an object with dictionary attack protection";
    row(&mut tpm, condition, &unseal(item), &wrong, TpmRc::AUTH_FAIL.session(1));
    let hmac = start(&mut tpm, TpmSe::Hmac, TpmiAlgHash::Sha256).handle.0;
    let by_hmac = [attributed(hmac, TpmaSession(0))];
    let condition = "an HMAC that is wrong, for an object with dictionary attack protection";
    row(&mut tpm, condition, &unseal(item), &by_hmac, TpmRc::AUTH_FAIL.session(1));
    let free = sealed_with(&mut tpm, SEALED | A::NO_DA, b"");
    let condition = "a password that is wrong, for an entity without dictionary attack protection";
    row(&mut tpm, condition, &unseal(free), &wrong, TpmRc::BAD_AUTH.session(1));
    let condition = "an HMAC that is wrong, for an entity without dictionary attack protection";
    row(&mut tpm, condition, &unseal(free), &by_hmac, TpmRc::BAD_AUTH.session(1));
    let strict = sealed_with(&mut tpm, SEALED.without(A::USER_WITH_AUTH), &[7; 32]);
    let condition = "the USER role of an object without userWithAuth, without a policy session";
    row(&mut tpm, condition, &unseal(strict), &[password(b"auth")], TpmRc::POLICY_FAIL.session(1));
    while tpm.run_with(&unseal(item), &wrong) != Err(TpmRc::LOCKOUT) {}
    let condition = "the authorization value of a protected object while the TPM is in lockout";
    row(&mut tpm, condition, &unseal(item), &[password(b"auth")], TpmRc::LOCKOUT);
}

#[test]
fn roles() {
    let mut tpm = TestTpm::started();
    let attributes = MOBILE | A::ADMIN_WITH_POLICY;
    let parent = tpm.run_auth(&create_primary(OWNER, ecc_srk())).unwrap().object_handle.0;
    let mut public = ecdsa(attributes);
    public.auth_policy = bytes(&[7; 32]);
    let made = tpm.run_auth(&create(parent, public, b"", b"")).unwrap();
    let load = Load { parent_handle: TpmiDhObject(parent), in_private: made.out_private, in_public: made.out_public };
    let object = tpm.run_auth(&load).unwrap().object_handle.0;
    let duplicate = Duplicate {
        object_handle: TpmiDhObject(object),
        new_parent_handle: None,
        encryption_key_in: Tpm2bData::default(),
        symmetric_alg: None,
    };
    let pw = [password(b"")];
    let session = start(&mut tpm, TpmSe::Policy, TpmiAlgHash::Sha256).handle.0;
    row(&mut tpm, "the DUP role without a policy session", &duplicate, &pw, TpmRc::AUTH_TYPE.session(1));
    let change = ObjectChangeAuth {
        object_handle: TpmiDhObject(object),
        parent_handle: TpmiDhObject(parent),
        new_auth: Tpm2bAuth::default(),
    };
    let condition = "the ADMIN role of an object with adminWithPolicy without a policy session";
    row(&mut tpm, condition, &change, &pw, TpmRc::AUTH_TYPE.session(1));
    let condition = "the ADMIN role with a policy that does not name the command";
    row(&mut tpm, condition, &change, &[policy(session)], TpmRc::POLICY_FAIL.session(1));
    define(&mut tpm, TpmaNv::OWNERREAD | TpmaNv::OWNERWRITE, b"", Tpm2bDigest::default());
    let change = NvChangeAuth { nv_index: TpmiRhNvIndex(INDEX), new_auth: Tpm2bAuth::default() };
    let condition = "the ADMIN role of an NV Index without a policy session";
    row(&mut tpm, condition, &change, &pw, TpmRc::AUTH_TYPE.session(1));
}

#[test]
fn what_may_authorize_an_index() {
    let own = [password(b"pin")];
    let mut tpm = TestTpm::started();
    define(&mut tpm, TpmaNv::OWNERWRITE | TpmaNv::AUTHREAD, b"pin", bytes(&[7; 32]));
    let unavailable = TpmRc::AUTH_UNAVAILABLE;
    let condition = "the authorization value writes an NV Index without TPMA_NV_AUTHWRITE";
    row(&mut tpm, condition, &write_as(INDEX), &own, unavailable);
    let session = start(&mut tpm, TpmSe::Policy, TpmiAlgHash::Sha256).handle.0;
    let condition = "a policy writes an NV Index without TPMA_NV_POLICYWRITE";
    row(&mut tpm, condition, &write_as(INDEX), &[policy(session)], unavailable);
    let condition = "a policy reads an NV Index without TPMA_NV_POLICYREAD";
    row(&mut tpm, condition, &read_as(INDEX), &[policy(session)], unavailable);
    let condition = "an NV Index that is authorized by its own value and was never written";
    row(&mut tpm, condition, &read_as(INDEX), &[password(b"wrong")], TpmRc::NV_UNINITIALIZED);
    let other = NvRead { nv_index: TpmiRhNvIndex(INDEX + 1), ..read_as(INDEX) };
    let command = NvDefineSpace {
        auth_handle: TpmiRhProvision(OWNER),
        auth: Tpm2bAuth::default(),
        public_info: Tpm2b(TpmsNvPublic {
            nv_index: TpmiRhNvIndex(INDEX + 1),
            name_alg: TpmiAlgHash::Sha256,
            attributes: TpmaNv::AUTHREAD | TpmaNv::OWNERWRITE,
            auth_policy: Tpm2bDigest::default(),
            data_size: 8,
        }),
    };
    tpm.run_auth(&command).unwrap();
    tpm.run_auth(&write_as(OWNER)).unwrap();
    row(&mut tpm, "an NV Index authorizes the access to another one", &other, &own, TpmRc::NV_AUTHORIZATION);

    let mut tpm = TestTpm::started();
    define(&mut tpm, TpmaNv::OWNERWRITE | TpmaNv::OWNERREAD, b"pin", Tpm2bDigest::default());
    tpm.run_auth(&write_as(OWNER)).unwrap();
    let condition = "the authorization value reads an NV Index without TPMA_NV_AUTHREAD";
    row(&mut tpm, condition, &read_as(INDEX), &own, unavailable);
}

/// A sealed object whose policy is what `assertions` make of a session, and such a session.
fn under_policy(tpm: &mut TestTpm, assertions: &dyn Fn(&mut TestTpm, TpmiShPolicy)) -> (u32, u32) {
    let trial = start(tpm, TpmSe::Trial, TpmiAlgHash::Sha256).handle;
    assertions(tpm, trial);
    let digest = tpm.run(&PolicyGetDigest { policy_session: trial }).unwrap().policy_digest;
    tpm.run(&FlushContext { flush_handle: TpmiDhContext(trial.0) }).unwrap();
    let item = sealed_with(tpm, SEALED, &digest);
    let session = start(tpm, TpmSe::Policy, TpmiAlgHash::Sha256).handle;
    assertions(tpm, session);
    (item, session.0)
}

#[test]
fn policies() {
    let mut tpm = TestTpm::started();
    let mut refused = |condition: &str, assertions: &dyn Fn(&mut TestTpm, TpmiShPolicy), wanted: TpmRc| {
        let (item, session) = under_policy(&mut tpm, assertions);
        if condition.starts_with("the PCR") {
            let digests = TpmlDigestValues::new(vec![TpmtHa::new(TpmiAlgHash::Sha256, &[1; 32]).unwrap()]);
            tpm.run_auth(&PcrExtend { pcr_handle: Some(TpmiDhPcr(0)), digests }).unwrap();
        }
        tpm.now += 2_000;
        row(&mut tpm, condition, &unseal(item), &[policy(session)], wanted);
        for handle in [item, session] {
            tpm.run(&FlushContext { flush_handle: TpmiDhContext(handle) }).unwrap();
        }
    };
    let cp = |tpm: &mut TestTpm, policy_session| {
        tpm.run(&PolicyCpHash { policy_session, cp_hash_a: bytes(&[1; 32]) }).unwrap();
    };
    refused("another command's parameters than the policy's cpHash", &cp, TpmRc::POLICY_FAIL.session(1));
    let code = |tpm: &mut TestTpm, policy_session| {
        tpm.run(&PolicyCommandCode { policy_session, code: TpmCc(0x153) }).unwrap();
    };
    refused("another command than the policy's", &code, TpmRc::POLICY_CC.session(1));
    let pcr = |tpm: &mut TestTpm, policy_session| {
        let pcrs = pcrs(TpmiAlgHash::Sha256, &[16]);
        tpm.run(&PolicyPcr { policy_session, pcr_digest: Tpm2bDigest::default(), pcrs }).unwrap();
    };
    refused("the PCR have changed since TPM2_PolicyPCR", &pcr, TpmRc::PCR_CHANGED);
    let locality = |tpm: &mut TestTpm, policy_session| {
        tpm.run(&PolicyLocality { policy_session, locality: TpmaLocality(0b1000) }).unwrap();
    };
    refused("another locality than the policy's", &locality, TpmRc::LOCALITY);
    let expiring = |tpm: &mut TestTpm, policy_session| {
        let command = PolicySecret {
            auth_handle: TpmiDhEntity(OWNER),
            policy_session,
            nonce_tpm: Tpm2bNonce::default(),
            cp_hash_a: Tpm2bDigest::default(),
            policy_ref: Tpm2bNonce::default(),
            expiration: (tpm.now / 1000 + 1) as i32,
        };
        tpm.run_auth(&command).unwrap();
    };
    refused("the policy session has expired", &expiring, TpmRc::EXPIRED.session(1));
    let value = |tpm: &mut TestTpm, policy_session| {
        tpm.run(&PolicyAuthValue { policy_session }).unwrap();
    };
    let condition = "a policy that needs the authorization value, without an HMAC";
    refused(condition, &value, TpmRc::AUTH_FAIL.session(1));
}

#[test]
fn policy_digests_and_templates() {
    let mut tpm = TestTpm::started();
    let item = sealed_with(&mut tpm, SEALED, &[7; 32]);
    let session = start(&mut tpm, TpmSe::Policy, TpmiAlgHash::Sha256).handle;
    let condition = "the policy digest is not the entity's authPolicy";
    row(&mut tpm, condition, &unseal(item), &[policy(session.0)], TpmRc::POLICY_FAIL.session(1));
    // The owner allows one template.
    let template = |tpm: &mut TestTpm, policy_session| {
        tpm.run(&PolicyTemplate { policy_session, template_hash: bytes(&[1; 32]) }).unwrap();
    };
    let trial = start(&mut tpm, TpmSe::Trial, TpmiAlgHash::Sha256).handle;
    template(&mut tpm, trial);
    let auth_policy = tpm.run(&PolicyGetDigest { policy_session: trial }).unwrap().policy_digest;
    let auth_handle = TpmiRhHierarchyPolicy(OWNER);
    tpm.run_auth(&SetPrimaryPolicy { auth_handle, auth_policy, hash_alg: Some(TpmiAlgHash::Sha256) }).unwrap();
    template(&mut tpm, session);
    let create = create_primary(OWNER, ecdsa(OWN));
    let condition = "another template than the policy's";
    row(&mut tpm, condition, &create, &[policy(session.0)], TpmRc::POLICY_FAIL.session(1));
}
