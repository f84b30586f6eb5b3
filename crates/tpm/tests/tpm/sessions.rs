//! Sessions and authorization (Part 3, 5.5 and 5.6), as a client sees them that was tested against other TPMs.

use crate::common::{TestTpm, password, policy, rc};
use crate::in_process::{Shared, refused};
use ironroot_client::{Auth, ClientError, ParameterCipher, Session, SessionOptions, Tpm as Client, templates};
use ironroot_wire::*;

const OWNER: TpmHandle = TpmHandle::OWNER;
const INDEX: u32 = 0x0180_0001;

fn change_auth(handle: TpmHandle, auth: &[u8]) -> HierarchyChangeAuth {
    HierarchyChangeAuth { auth_handle: TpmiRhHierarchyAuth(handle.0), new_auth: Tpm2bAuth::from_slice(auth).unwrap() }
}

fn index(attributes: TpmaNv, auth_policy: &[u8]) -> TpmsNvPublic {
    TpmsNvPublic {
        nv_index: TpmiRhNvIndex(INDEX),
        name_alg: TpmiAlgHash::Sha256,
        attributes,
        auth_policy: Tpm2bDigest::from_slice(auth_policy).unwrap(),
        data_size: 8,
    }
}

fn write(data: &[u8]) -> NvWrite {
    NvWrite {
        auth_handle: TpmiRhNvAuth(INDEX),
        nv_index: TpmiRhNvIndex(INDEX),
        data: Tpm2bMaxNvBuffer::from_slice(data).unwrap(),
        offset: 0,
    }
}

fn read() -> NvRead {
    NvRead { auth_handle: TpmiRhNvAuth(INDEX), nv_index: TpmiRhNvIndex(INDEX), size: 8, offset: 0 }
}

const AUTH_ACCESS: TpmaNv = TpmaNv::AUTHREAD.with(TpmaNv::AUTHWRITE).with(TpmaNv::OWNERREAD).with(TpmaNv::OWNERWRITE);

/// Authorizes with a session, in both directions encrypted, a command that carries a secret and one that returns one.
fn exchange(client: &mut Client, session: &mut Session) {
    let written = client.run_with(&write(b"a secret"), &mut [Auth::Session(session)]);
    written.unwrap_or_else(|error| panic!("{session:?}: {error}"));
    let data = client.run_with(&read(), &mut [Auth::Session(session)]).unwrap().data;
    assert_eq!(&*data, b"a secret");
    client.run_with(&change_auth(OWNER, b"owner"), &mut [Auth::Session(session)]).unwrap();
    let random = client.run_with(&GetRandom { bytes_requested: 16 }, &mut [Auth::Session(session)]).unwrap();
    assert_eq!(random.random_bytes.len(), 16);
}

#[test]
fn every_kind_of_hmac_session_authorizes_and_encrypts() {
    let shared = Shared::started();
    let mut client = shared.client();
    client.hierarchy_change_auth(OWNER, b"owner").unwrap();
    client.nv_define(OWNER, &index(AUTH_ACCESS, b""), b"index").unwrap();
    let ecc = client.create_primary(OWNER, &templates::srk_p256(), b"").unwrap();
    let rsa = client.create_primary(OWNER, &templates::srk_rsa2048(), b"").unwrap();
    for hash in [TpmiAlgHash::Sha1, TpmiAlgHash::Sha256, TpmiAlgHash::Sha384, TpmiAlgHash::Sha512] {
        for cipher in [ParameterCipher::Xor, ParameterCipher::Aes128Cfb, ParameterCipher::Aes256Cfb] {
            let plain = SessionOptions::hmac().hash(hash).cipher(cipher);
            let all = [
                plain.clone(),
                plain.clone().bound(OWNER),
                plain.clone().bound(TpmHandle(INDEX)),
                plain.clone().salted(ecc.handle, &ecc.public),
                plain.clone().salted(rsa.handle, &rsa.public),
                plain.salted(ecc.handle, &ecc.public).bound(OWNER),
            ];
            for options in all {
                let mut session = client.start_session(&options).unwrap().encrypting();
                exchange(&mut client, &mut session);
                client.end_session(session).unwrap();
            }
        }
    }
}

#[test]
fn what_is_encrypted_is_not_on_the_wire() {
    let shared = Shared::started();
    let mut client = shared.client();
    client.nv_define(OWNER, &index(AUTH_ACCESS, b""), b"index").unwrap();
    let find = |bytes: &[u8]| bytes.windows(8).any(|window| window == b"a secret");
    client.run_with(&write(b"a secret"), &mut [Auth::Known]).unwrap();
    assert!(find(&shared.last_command()));
    let ecc = client.create_primary(OWNER, &templates::srk_p256(), b"").unwrap();
    let options = SessionOptions::hmac().salted(ecc.handle, &ecc.public);
    let mut session = client.start_session(&options).unwrap().encrypting();
    client.run_with(&write(b"a secret"), &mut [Auth::Session(&mut session)]).unwrap();
    assert!(!find(&shared.last_command()));
    // A separate session for encryption beside the one that authorizes.
    client.run_with(&write(b"a secret"), &mut [Auth::Known, Auth::Session(&mut session)]).unwrap();
    assert!(!find(&shared.last_command()));
    let mut plain = client.start_session(&SessionOptions::hmac()).unwrap();
    let auths = &mut [Auth::Session(&mut plain), Auth::Session(&mut session)];
    assert_eq!(&*client.run_with(&read(), auths).unwrap().data, b"a secret");
}

#[test]
fn a_session_ends_when_it_is_not_to_continue() {
    let shared = Shared::started();
    let mut client = shared.client();
    let mut session = client.start_session(&SessionOptions::hmac()).unwrap().single_use();
    client.run_with(&change_auth(OWNER, b""), &mut [Auth::Session(&mut session)]).unwrap();
    let handle = TpmiDhContext(session.handle().0);
    assert_eq!(refused(client.run(&FlushContext { flush_handle: handle })), TpmRc::HANDLE.parameter(1));
}

#[test]
fn a_wrong_auth_value_is_named_by_its_session() {
    let shared = Shared::started();
    let mut client = shared.client();
    client.hierarchy_change_auth(OWNER, b"owner").unwrap();
    client.set_auth(OWNER, b"wrong");
    let mut session = client.start_session(&SessionOptions::hmac()).unwrap();
    let command = change_auth(OWNER, b"");
    assert_eq!(refused(client.run_with(&command, &mut [Auth::Session(&mut session)])), TpmRc::BAD_AUTH.session(1));
    assert_eq!(refused(client.run(&command)), TpmRc::BAD_AUTH.session(1));
    client.set_auth(OWNER, b"owner");
    // The nonce did not roll: the session can be used on.
    client.run_with(&command, &mut [Auth::Session(&mut session)]).unwrap();
    // A bad HMAC of a session that only encrypts is that session's.
    let options = SessionOptions::hmac().bound(OWNER);
    client.set_auth(OWNER, b"not the owner's");
    let mut bound = client.start_session(&options).unwrap().encrypting_commands();
    client.set_auth(OWNER, b"");
    let auths = &mut [Auth::Known, Auth::Session(&mut bound)];
    assert_eq!(refused(client.run_with(&command, auths)), TpmRc::BAD_AUTH.session(2));
}

#[test]
fn a_command_cannot_be_sent_twice() {
    let shared = Shared::started();
    let mut client = shared.client();
    let mut session = client.start_session(&SessionOptions::hmac()).unwrap();
    client.run_with(&change_auth(OWNER, b""), &mut [Auth::Session(&mut session)]).unwrap();
    let replay = shared.last_command();
    assert_eq!(rc(&shared.tpm().raw(&replay)), TpmRc::BAD_AUTH.session(1));
    client.run_with(&change_auth(OWNER, b""), &mut [Auth::Session(&mut session)]).unwrap();
}

#[test]
fn every_bit_of_an_authorized_command_counts() {
    let shared = Shared::started();
    let mut client = shared.client();
    client.nv_define(OWNER, &index(AUTH_ACCESS | TpmaNv::NO_DA, b""), b"index").unwrap();
    let ecc = client.create_primary(OWNER, &templates::srk_p256(), b"").unwrap();
    let options = SessionOptions::hmac().salted(ecc.handle, &ecc.public);
    let mut session = client.start_session(&options).unwrap().encrypting();
    client.run_with(&write(b"12345678"), &mut [Auth::Session(&mut session)]).unwrap();
    // The next command, prepared by the client but changed on its way, one bit in each byte.
    let blob = shared.tpm().tpm.save_volatile();
    client.run_with(&write(b"abcdefgh"), &mut [Auth::Session(&mut session)]).unwrap();
    let command = shared.last_command();
    let mut tpm = shared.tpm();
    tpm.reopen();
    tpm.tpm.restore_volatile(0, &blob).unwrap();
    for at in 0..command.len() {
        let mut changed = command.clone();
        changed[at] ^= 1 << (at % 8);
        assert_ne!(rc(&tpm.raw(&changed)), TpmRc::SUCCESS, "byte {at}");
    }
    assert_eq!(rc(&tpm.raw(&command)), TpmRc::SUCCESS);
}

#[test]
fn an_audit_session_is_exclusive_until_another_command_comes() {
    let shared = Shared::started();
    let mut client = shared.client();
    let mut session = client.start_session(&SessionOptions::hmac()).unwrap().auditing();
    let random = GetRandom { bytes_requested: 8 };
    client.run_with(&random, &mut [Auth::Session(&mut session)]).unwrap();
    session.set_attributes(session.attributes() | TpmaSession::AUDIT_EXCLUSIVE);
    client.run_with(&random, &mut [Auth::Session(&mut session)]).unwrap();
    client.run(&random).unwrap();
    assert_eq!(refused(client.run_with(&random, &mut [Auth::Session(&mut session)])), TpmRc::EXCLUSIVE);
    // Starting the audit anew makes it exclusive again.
    session.set_attributes(session.attributes().without(TpmaSession::AUDIT_EXCLUSIVE) | TpmaSession::AUDIT_RESET);
    client.run_with(&random, &mut [Auth::Session(&mut session)]).unwrap();
    session.set_attributes(TpmaSession::CONTINUE_SESSION | TpmaSession::AUDIT | TpmaSession::AUDIT_EXCLUSIVE);
    client.run_with(&random, &mut [Auth::Session(&mut session)]).unwrap();
}

/// An index without protection against guessing keeps the count at zero; another one counts, up to lockout.
#[test]
fn guessing_leads_to_lockout() {
    let mut tpm = TestTpm::started();
    let define = |attributes| NvDefineSpace {
        auth_handle: TpmiRhProvision(OWNER.0),
        auth: Tpm2bAuth::from_slice(b"index").unwrap(),
        public_info: Tpm2b(index(attributes, b"")),
    };
    let undefine = NvUndefineSpace { auth_handle: TpmiRhProvision(OWNER.0), nv_index: TpmiRhNvIndex(INDEX) };
    let parameters = DictionaryAttackParameters {
        lock_handle: TpmiRhLockout(TpmHandle::LOCKOUT.0),
        new_max_tries: 3,
        new_recovery_time: 10,
        lockout_recovery: 100,
    };
    tpm.run_auth(&parameters).unwrap();
    tpm.run_auth(&define(AUTH_ACCESS | TpmaNv::NO_DA)).unwrap();
    for _ in 0..5 {
        assert_eq!(tpm.run_with(&write(b""), &[password(b"guess")]), Err(TpmRc::BAD_AUTH.session(1)));
    }
    tpm.run_auth(&undefine).unwrap();
    tpm.run_auth(&define(AUTH_ACCESS)).unwrap();
    for _ in 0..3 {
        assert_eq!(tpm.run_with(&write(b""), &[password(b"guess")]), Err(TpmRc::AUTH_FAIL.session(1)));
    }
    assert_eq!(tpm.run_with(&write(b""), &[password(b"index")]), Err(TpmRc::LOCKOUT));
    // Lockout survives a power cycle, and one failure is forgiven after the recovery time.
    tpm.power_cycle();
    assert_eq!(tpm.run_with(&write(b""), &[password(b"index")]), Err(TpmRc::LOCKOUT));
    tpm.now += 10_000;
    tpm.run_with(&write(b""), &[password(b"index")]).unwrap();
    assert_eq!(tpm.run_with(&write(b""), &[password(b"guess")]), Err(TpmRc::AUTH_FAIL.session(1)));
    assert_eq!(tpm.run_with(&write(b""), &[password(b"index")]), Err(TpmRc::LOCKOUT));
    // What is not protected stays usable, and the lockout authorization ends it.
    let reset = DictionaryAttackLockReset { lock_handle: TpmiRhLockout(TpmHandle::LOCKOUT.0) };
    assert_eq!(tpm.run_with(&reset, &[password(b"guess")]), Err(TpmRc::AUTH_FAIL.session(1)));
    assert_eq!(tpm.run_auth(&reset), Err(TpmRc::LOCKOUT));
    tpm.now += 100_000;
    tpm.run_auth(&reset).unwrap();
    tpm.run_with(&write(b""), &[password(b"index")]).unwrap();
}

fn key_with_policy(client: &mut Client, attributes: TpmaObject, digest: &Tpm2bDigest) -> TpmHandle {
    let template = TpmtPublic {
        object_attributes: attributes,
        auth_policy: digest.clone(),
        ..templates::signing_key(templates::KeyType::P256, false)
    };
    client.create_primary(OWNER, &template, b"key").unwrap().handle
}

fn sign(client: &mut Client, key: TpmHandle, auth: Auth<'_>) -> Result<TpmtSignature, ClientError> {
    let digest = Tpm2bDigest::from_slice(&[7; 32]).unwrap();
    client.sign(key, &digest, Some(TpmtSigScheme::Ecdsa(TpmiAlgHash::Sha256)), None, &mut [auth])
}

#[test]
fn policies_ask_for_the_auth_value_or_not() {
    let shared = Shared::started();
    let mut client = shared.client();
    let only_policy = templates::SIGNING_ATTRIBUTES.without(TpmaObject::USER_WITH_AUTH);
    let code = Sign::INFO;
    let mut trial = client.start_session(&SessionOptions::trial()).unwrap();
    client.policy_command_code(&trial, &code).unwrap();
    let plain = client.policy_digest(&trial).unwrap();
    client.policy_auth_value(&mut trial).unwrap();
    let with_auth = client.policy_digest(&trial).unwrap();

    let key = key_with_policy(&mut client, only_policy, &plain);
    assert_eq!(refused(sign(&mut client, key, Auth::Known)), TpmRc::POLICY_FAIL.session(1));
    let mut session = client.start_session(&SessionOptions::policy()).unwrap();
    assert_eq!(refused(sign(&mut client, key, Auth::Session(&mut session))), TpmRc::POLICY_FAIL.session(1));
    client.policy_command_code(&session, &code).unwrap();
    sign(&mut client, key, Auth::Session(&mut session)).unwrap();
    // A policy is used up by the command that it authorized.
    assert_eq!(refused(sign(&mut client, key, Auth::Session(&mut session))), TpmRc::POLICY_FAIL.session(1));
    client.policy_command_code(&session, &Unseal::INFO).unwrap();
    assert_eq!(refused(sign(&mut client, key, Auth::Session(&mut session))), TpmRc::POLICY_CC.session(1));

    let key = key_with_policy(&mut client, only_policy, &with_auth);
    for password in [false, true] {
        for options in [SessionOptions::policy(), SessionOptions::policy().bound(OWNER)] {
            let mut session = client.start_session(&options).unwrap();
            client.policy_command_code(&session, &code).unwrap();
            if password {
                client.policy_password(&mut session).unwrap();
            } else {
                client.policy_auth_value(&mut session).unwrap();
            }
            client.set_auth(key, b"guess");
            assert_eq!(refused(sign(&mut client, key, Auth::Session(&mut session))), TpmRc::AUTH_FAIL.session(1));
            client.set_auth(key, b"key");
            sign(&mut client, key, Auth::Session(&mut session)).unwrap();
            client.end_session(session).unwrap();
        }
    }
}

#[test]
fn policies_are_limited_to_pcr_localities_and_time() {
    let mut tpm = TestTpm::started();
    let start = |kind| StartAuthSession {
        tpm_key: None,
        bind: None,
        nonce_caller: Tpm2bNonce::from_slice(&[1; 16]).unwrap(),
        encrypted_salt: Tpm2bEncryptedSecret::default(),
        session_type: kind,
        symmetric: None,
        auth_hash: TpmiAlgHash::Sha256,
    };
    let session = TpmiShPolicy(tpm.run(&start(TpmSe::Policy)).unwrap().session_handle.0);
    let pcrs = TpmlPcrSelection::new(vec![TpmsPcrSelection {
        hash: TpmiAlgHash::Sha256,
        pcr_select: TpmsPcrSelect::of(&[5]),
    }]);
    let build = |tpm: &mut TestTpm| {
        tpm.run(&PolicyRestart { session_handle: session }).unwrap();
        let pcr = PolicyPcr { policy_session: session, pcr_digest: Tpm2bDigest::default(), pcrs: pcrs.clone() };
        tpm.run(&pcr).unwrap();
        tpm.run(&PolicyLocality { policy_session: session, locality: TpmaLocality(0b0010) }).unwrap();
        tpm.run(&PolicyGetDigest { policy_session: session }).unwrap().policy_digest
    };
    let digest = build(&mut tpm);
    let owner_policy = SetPrimaryPolicy {
        auth_handle: TpmiRhHierarchyPolicy(OWNER.0),
        auth_policy: digest,
        hash_alg: Some(TpmiAlgHash::Sha256),
    };
    tpm.run_auth(&owner_policy).unwrap();
    let use_it = |tpm: &mut TestTpm| tpm.run_with(&change_auth(OWNER, b""), &[policy(session.0)]);
    assert_eq!(use_it(&mut tpm), Err(TpmRc::LOCALITY));
    tpm.locality = 1;
    use_it(&mut tpm).unwrap();
    build(&mut tpm);
    let event = TpmtHa::new(TpmiAlgHash::Sha256, &[1; 32]).unwrap();
    let extend =
        |pcr| PcrExtend { pcr_handle: Some(TpmiDhPcr(pcr)), digests: TpmlDigestValues::new(vec![event.clone()]) };
    tpm.run_auth(&extend(16)).unwrap();
    tpm.run_auth(&extend(6)).unwrap();
    assert_eq!(use_it(&mut tpm), Err(TpmRc::PCR_CHANGED));
    build(&mut tpm);
    use_it(&mut tpm).unwrap();
    build(&mut tpm);
    tpm.run_auth(&extend(5)).unwrap();
    build(&mut tpm);
    assert_eq!(use_it(&mut tpm), Err(TpmRc::POLICY_FAIL.session(1)));

    // An authorization that expires.
    tpm.run(&PolicyRestart { session_handle: session }).unwrap();
    let secret = PolicySecret {
        auth_handle: TpmiDhEntity(TpmHandle::ENDORSEMENT.0),
        policy_session: session,
        nonce_tpm: Tpm2bNonce::default(),
        cp_hash_a: Tpm2bDigest::default(),
        policy_ref: Tpm2bNonce::default(),
        expiration: 5,
    };
    tpm.run_auth(&secret).unwrap();
    let auth_policy = tpm.run(&PolicyGetDigest { policy_session: session }).unwrap().policy_digest;
    tpm.run_auth(&SetPrimaryPolicy { auth_policy, ..owner_policy }).unwrap();
    tpm.now += 4_000;
    use_it(&mut tpm).unwrap();
    tpm.run_auth(&secret).unwrap();
    tpm.now += 6_000;
    assert_eq!(use_it(&mut tpm), Err(TpmRc::EXPIRED.session(1)));
}

#[test]
fn a_session_bound_to_a_protected_entity_is_protected() {
    let shared = Shared::started();
    let mut client = shared.client();
    client.nv_define(OWNER, &index(AUTH_ACCESS, b""), b"index").unwrap();
    client.run(&write(b"")).unwrap();
    client.set_auth(TpmHandle(INDEX), b"guess");
    let mut session = client.start_session(&SessionOptions::hmac().bound(TpmHandle(INDEX))).unwrap();
    // The session key shows whether the guess was right, although the owner's auth value is not protected.
    let command = change_auth(OWNER, b"");
    assert_eq!(refused(client.run_with(&command, &mut [Auth::Session(&mut session)])), TpmRc::AUTH_FAIL.session(1));
    let count = client.property(TpmPt::LOCKOUT_COUNTER).unwrap();
    assert_eq!(count, Some(1));
}
