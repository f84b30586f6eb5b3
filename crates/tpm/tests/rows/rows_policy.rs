//! The error conditions that Part 3 names for the commands of clause 23 (error_rows.txt).

use crate::common::{TestTpm, password, policy};
use crate::outside::load_external;
use crate::policies::{PolicySession, bytes, name, null_verified, pcrs, start};
use crate::templates::{OWNER, keys};
use ironroot_wire::*;

const SHA256: TpmiAlgHash = TpmiAlgHash::Sha256;
const INDEX: u32 = 0x0150_0001;

fn session(tpm: &mut TestTpm) -> TpmiShPolicy {
    start(tpm, TpmSe::Policy, SHA256).handle
}

fn digest(byte: u8) -> Tpm2bDigest {
    bytes(&[byte; 32])
}

/// A session that already has a cpHash.
fn limited(tpm: &mut TestTpm) -> TpmiShPolicy {
    let policy_session = session(tpm);
    tpm.run(&PolicyCpHash { policy_session, cp_hash_a: digest(1) }).unwrap();
    policy_session
}

fn secret(started: &PolicySession, nonce: &[u8], cp_hash: Tpm2bDigest, expiration: i32) -> PolicySecret {
    PolicySecret {
        auth_handle: TpmiDhEntity(OWNER),
        policy_session: started.handle,
        nonce_tpm: bytes(nonce),
        cp_hash_a: cp_hash,
        policy_ref: Tpm2bNonce::default(),
        expiration,
    }
}

#[test]
fn policy_signed() {
    let mut tpm = TestTpm::started();
    tpm.now += 10_000;
    let auth_object = TpmiDhObject(tpm.run(&load_external(keys::ec_public(), None, OWNER)).unwrap().object_handle.0);
    let started = start(&mut tpm, TpmSe::Policy, SHA256);
    let nothing: Tpm2bEccParameter = bytes(&[1; 32]);
    let command = PolicySigned {
        auth_object,
        policy_session: started.handle,
        nonce_tpm: Tpm2bNonce::default(),
        cp_hash_a: Tpm2bDigest::default(),
        policy_ref: Tpm2bNonce::default(),
        expiration: 0,
        auth: TpmtSignature::Ecdsa(TpmsSignatureEcc {
            hash: SHA256,
            signature_r: nothing.clone(),
            signature_s: nothing,
        }),
    };
    tpm.row("the signature is wrong", &command, TpmRc::POLICY_FAIL.parameter(5));
    let nonce = PolicySigned { nonce_tpm: bytes(&[1; 16]), ..command.clone() };
    tpm.row("another session's nonce", &nonce, TpmRc::VALUE.parameter(1));
    let short = PolicySigned { cp_hash_a: bytes(&[1; 31]), ..command.clone() };
    tpm.row("a cpHash that is not as long as the policy digest", &short, TpmRc::SIZE.parameter(2));
    let past = PolicySigned { expiration: 1, ..command.clone() };
    tpm.row("the expiration has passed", &past, TpmRc::EXPIRED.parameter(4));
    let policy_session = limited(&mut tpm);
    let other = PolicySigned { policy_session, cp_hash_a: digest(2), ..command };
    tpm.row("another cpHash than the session has", &other, TpmRc::CPHASH.parameter(2));
}

#[test]
fn policy_secret_and_ticket() {
    let mut tpm = TestTpm::started();
    tpm.now += 10_000;
    let started = start(&mut tpm, TpmSe::Policy, SHA256);
    let none = Tpm2bDigest::default;
    tpm.row("another session's nonce", &secret(&started, &[1; 16], none(), 0), TpmRc::VALUE.parameter(1));
    let short: Tpm2bDigest = bytes(&[1; 31]);
    let size = "a cpHash that is not as long as the policy digest";
    tpm.row(size, &secret(&started, &[], short.clone(), 0), TpmRc::SIZE.parameter(2));
    tpm.row("the expiration has passed", &secret(&started, &[], none(), 1), TpmRc::EXPIRED.parameter(4));
    let handle = limited(&mut tpm);
    let bound = PolicySession { handle, nonce_tpm: Tpm2bNonce::default() };
    let other = "another cpHash than the session has";
    tpm.row(other, &secret(&bound, &[], digest(2), 0), TpmRc::CPHASH.parameter(2));

    // The owner's policy is that of a session that says nothing about the authorization value.
    let trial = start(&mut tpm, TpmSe::Trial, SHA256).handle;
    let code = |policy_session| PolicyCommandCode { policy_session, code: PolicySecret::INFO.code };
    tpm.run(&code(trial)).unwrap();
    let auth_policy = tpm.run(&PolicyGetDigest { policy_session: trial }).unwrap().policy_digest;
    let auth_handle = TpmiRhHierarchyPolicy(OWNER);
    tpm.run_auth(&SetPrimaryPolicy { auth_handle, auth_policy, hash_alg: Some(SHA256) }).unwrap();
    let by = session(&mut tpm);
    tpm.run(&code(by)).unwrap();
    let without = "a policy session that needs no authorization value";
    tpm.row_with(without, &secret(&started, &[], none(), 0), &[policy(by.0)], TpmRc::MODE.session(1));

    let granted = tpm.run_auth(&secret(&started, &started.nonce_tpm, none(), -20)).unwrap();
    let ticket = PolicyTicket {
        policy_session: started.handle,
        timeout: granted.timeout,
        cp_hash_a: none(),
        policy_ref: Tpm2bNonce::default(),
        auth_name: bytes(&OWNER.to_be_bytes()),
        ticket: granted.policy_ticket,
    };
    tpm.run(&ticket).unwrap();
    let wrong = PolicyTicket { policy_ref: bytes(b"other"), ..ticket.clone() };
    tpm.row("the ticket does not fit", &wrong, TpmRc::TICKET.parameter(5));
    tpm.row(size, &PolicyTicket { cp_hash_a: short, ..ticket.clone() }, TpmRc::SIZE.parameter(2));
    let elsewhere = PolicyTicket { policy_session: bound.handle, cp_hash_a: digest(2), ..ticket.clone() };
    tpm.row(other, &elsewhere, TpmRc::CPHASH.parameter(2));
    tpm.now += 30_000;
    tpm.row("the ticket's time has passed", &ticket, TpmRc::EXPIRED.parameter(1));
}

#[test]
fn assertions_about_digests() {
    let mut tpm = TestTpm::started();
    let policy_session = session(&mut tpm);
    let or = PolicyOr { policy_session, p_hash_list: TpmlDigest::new(vec![digest(1), digest(2)]) };
    tpm.row("the policy digest is not in the list", &or, TpmRc::VALUE.parameter(1));
    let bank = pcrs(SHA256, &[16]);
    let pcr = PolicyPcr { policy_session, pcr_digest: digest(1), pcrs: bank.clone() };
    tpm.row("the PCR have other values", &pcr, TpmRc::VALUE.parameter(1));
    let any = PolicyPcr { pcr_digest: Tpm2bDigest::default(), ..pcr };
    tpm.run(&any).unwrap();
    let digests = TpmlDigestValues::new(vec![TpmtHa::new(SHA256, &[1; 32]).unwrap()]);
    tpm.run_auth(&PcrExtend { pcr_handle: Some(TpmiDhPcr(0)), digests }).unwrap();
    tpm.row("PCR have changed since the first TPM2_PolicyPCR", &any, TpmRc::PCR_CHANGED);

    let policy_session = session(&mut tpm);
    let authorize = |approved: Tpm2bDigest, key_sign: &[u8]| PolicyAuthorize {
        policy_session,
        approved_policy: approved,
        policy_ref: Tpm2bNonce::default(),
        key_sign: bytes(key_sign),
        check_ticket: null_verified(),
    };
    let zero = || digest(0);
    let key = name(SHA256, 7);
    tpm.row("keySign does not start with a hash", &authorize(zero(), &[0, 1, 7]), TpmRc::HASH.parameter(3));
    tpm.row("keySign is not as long as its hash says", &authorize(zero(), &key[..33]), TpmRc::SIZE.parameter(3));
    tpm.row("approvedPolicy is not the policy digest", &authorize(digest(1), &key), TpmRc::VALUE.parameter(1));
    tpm.row("the ticket is not valid", &authorize(zero(), &key), TpmRc::POLICY);
}

#[test]
fn localities() {
    let mut tpm = TestTpm::started();
    let policy_session = session(&mut tpm);
    let locality = |locality| PolicyLocality { policy_session, locality: TpmaLocality(locality) };
    let range = TpmRc::RANGE.parameter(1);
    tpm.run(&locality(0b00001)).unwrap();
    tpm.row("no locality is left", &locality(0b00010), range);
    tpm.row("an extended locality behind another one", &locality(32), range);
    tpm.run(&PolicyRestart { session_handle: policy_session }).unwrap();
    tpm.run(&locality(32)).unwrap();
    tpm.row("an extended locality behind another one", &locality(33), range);
    tpm.row("a plain locality behind an extended one", &locality(1), range);
}

#[test]
fn assertions_about_commands() {
    let mut tpm = TestTpm::started();
    let policy_session = session(&mut tpm);
    let code = |code| PolicyCommandCode { policy_session, code: TpmCc(code) };
    tpm.row("a command that is not implemented", &code(0x1FF), TpmRc::POLICY_CC.parameter(1));
    tpm.run(&code(0x153)).unwrap();
    tpm.row("another command than before", &code(0x157), TpmRc::VALUE.parameter(1));
    let missing = PolicyPassword { policy_session: TpmiShPolicy(0x0300_0009) };
    assert_eq!(tpm.run(&missing), Err(TpmRc::REFERENCE_H0));
    let written = |written| PolicyNvWritten { policy_session, written_set: TpmiYesNo(written) };
    tpm.run(&written(true)).unwrap();
    tpm.row("the other state than before", &written(false), TpmRc::VALUE.parameter(1));
}

#[test]
fn assertions_that_exclude_each_other() {
    let mut tpm = TestTpm::started();
    let short: Tpm2bDigest = bytes(&[1; 31]);
    let fresh = session(&mut tpm);
    let bound = limited(&mut tpm);
    let cp = |policy_session, cp_hash_a| PolicyCpHash { policy_session, cp_hash_a };
    let by_name = |policy_session, name_hash| PolicyNameHash { policy_session, name_hash };
    let template = |policy_session, template_hash| PolicyTemplate { policy_session, template_hash };
    let size = TpmRc::SIZE.parameter(1);
    tpm.row("a cpHash that is not as long as the policy digest", &cp(fresh, short.clone()), size);
    tpm.row("a nameHash that is not as long as the policy digest", &by_name(fresh, short.clone()), size);
    tpm.row("a templateHash that is not as long as the policy digest", &template(fresh, short), size);
    tpm.row("another cpHash than before", &cp(bound, digest(2)), TpmRc::CPHASH);
    let set = "a cpHash or nameHash is set";
    tpm.row(set, &by_name(bound, digest(1)), TpmRc::CPHASH);
    tpm.row(set, &template(bound, digest(1)), TpmRc::CPHASH);
    let select = PolicyDuplicationSelect {
        policy_session: bound,
        object_name: name(SHA256, 1),
        new_parent_name: name(SHA256, 2),
        include_object: TpmiYesNo(true),
    };
    tpm.row(set, &select, TpmRc::CPHASH);
    tpm.run(&template(fresh, digest(1))).unwrap();
    tpm.row("another template than before", &template(fresh, digest(2)), TpmRc::VALUE.parameter(1));
}

fn operand(at: u16, bytes_of: &[u8]) -> (Tpm2bOperand, u16) {
    (bytes(bytes_of), at)
}

#[test]
fn comparisons() {
    let mut tpm = TestTpm::started();
    let policy_session = session(&mut tpm);
    let timer = |(operand_b, offset), operation| PolicyCounterTimer { policy_session, operand_b, offset, operation };
    tpm.row("the comparison fails", &timer(operand(0, &[0xFF; 8]), TpmEo::Eq), TpmRc::POLICY);
    let (range, value) = (TpmRc::RANGE, TpmRc::VALUE.parameter(2));
    tpm.row("offset and size go beyond TPMS_TIME_INFO", &timer(operand(20, &[0; 8]), TpmEo::Eq), range);
    tpm.row("the offset alone goes beyond TPMS_TIME_INFO", &timer(operand(26, &[0; 1]), TpmEo::Eq), value);

    let attributes = TpmaNv::OWNERREAD | TpmaNv::OWNERWRITE | TpmaNv::READ_STCLEAR;
    define(&mut tpm, attributes, 8);
    let nv = |(operand_b, offset), operation| PolicyNv {
        auth_handle: TpmiRhNvAuth(OWNER),
        nv_index: TpmiRhNvIndex(INDEX),
        policy_session,
        operand_b,
        offset,
        operation,
    };
    let equal = || nv(operand(0, &[1; 8]), TpmEo::Eq);
    tpm.row("the Index was never written", &equal(), TpmRc::NV_UNINITIALIZED);
    write(&mut tpm, &[2; 8]);
    tpm.row("the comparison fails", &equal(), TpmRc::POLICY);
    tpm.row("offset and size go beyond the Index", &nv(operand(1, &[1; 8]), TpmEo::Eq), TpmRc::NV_RANGE);
    let beyond = nv(operand(9, &[1; 1]), TpmEo::Eq);
    tpm.row("the offset alone goes beyond the Index", &beyond, TpmRc::VALUE.parameter(2));
    let lock = NvReadLock { auth_handle: TpmiRhNvAuth(OWNER), nv_index: TpmiRhNvIndex(INDEX) };
    tpm.run_auth(&lock).unwrap();
    tpm.row("the Index is locked for reading", &equal(), TpmRc::NV_LOCKED);
}

fn define(tpm: &mut TestTpm, attributes: TpmaNv, data_size: u16) {
    let command = NvDefineSpace {
        auth_handle: TpmiRhProvision(OWNER),
        auth: Tpm2bAuth::default(),
        public_info: Tpm2b(TpmsNvPublic {
            nv_index: TpmiRhNvIndex(INDEX),
            name_alg: SHA256,
            attributes,
            auth_policy: Tpm2bDigest::default(),
            data_size,
        }),
    };
    tpm.run_auth(&command).unwrap();
}

fn write(tpm: &mut TestTpm, data: &[u8]) {
    let command =
        NvWrite { auth_handle: TpmiRhNvAuth(OWNER), nv_index: TpmiRhNvIndex(INDEX), data: bytes(data), offset: 0 };
    tpm.run_with(&command, &[password(b"")]).unwrap();
}

#[test]
fn policy_authorize_nv() {
    let attributes = TpmaNv::OWNERREAD | TpmaNv::OWNERWRITE | TpmaNv::READ_STCLEAR;
    let auth_handle = TpmiRhNvAuth(OWNER);
    let nv_index = TpmiRhNvIndex(INDEX);
    let rows = |size: u16, data: &[u8], condition: &str, rc: TpmRc| {
        let mut tpm = TestTpm::started();
        let policy_session = session(&mut tpm);
        define(&mut tpm, attributes, size);
        if !data.is_empty() {
            write(&mut tpm, data);
        }
        if rc == TpmRc::NV_LOCKED {
            tpm.run_auth(&NvReadLock { auth_handle, nv_index }).unwrap();
        }
        tpm.row(condition, &PolicyAuthorizeNv { auth_handle, nv_index, policy_session }, rc);
    };
    let policy_of = |hash: u16, size: usize| [&hash.to_be_bytes()[..], &vec![1; size]].concat();
    rows(34, &[], "the Index was never written", TpmRc::NV_UNINITIALIZED);
    rows(34, &policy_of(0xB, 32), "the Index is locked for reading", TpmRc::NV_LOCKED);
    rows(8, &policy_of(0xB, 6), "the Index is too small for a TPMT_HA", TpmRc::INSUFFICIENT);
    rows(34, &policy_of(0x1, 32), "the Index does not start with a hash", TpmRc::HASH);
    rows(50, &policy_of(0xC, 48), "the Index has another hash than the session", TpmRc::HASH);
    rows(34, &policy_of(0xB, 32), "the Index has another policy", TpmRc::VALUE);
}
