//! Sessions of every kind against a real TPM: swtpm, or the one that `IRONROOT_TEST_TCTI` names.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::{Arc, Mutex};

use ironroot_client::{
    Auth, ClientError, Loaded, ParameterCipher, Session, SessionOptions, Tpm, Transport, pcr_selection,
    templates::{self, KeyType},
    testing::TestTpm,
    wire::*,
};

const CIPHERS: [ParameterCipher; 3] = [ParameterCipher::Aes128Cfb, ParameterCipher::Aes256Cfb, ParameterCipher::Xor];
const HASHES: [TpmiAlgHash; 3] = [TpmiAlgHash::Sha256, TpmiAlgHash::Sha384, TpmiAlgHash::Sha512];

fn tpm() -> (TestTpm, Tpm) {
    let server = TestTpm::start().unwrap();
    let tpm = server.connect().unwrap();
    (server, tpm)
}

fn storage_key(tpm: &mut Tpm, template: &TpmtPublic) -> Loaded {
    tpm.create_primary(TpmHandle::OWNER, template, b"srk auth").unwrap()
}

/// Creates, loads and opens a sealed object, so that secrets travel in both directions under the session.
fn seal_and_unseal(tpm: &mut Tpm, parent: &Loaded, session: &mut Session) {
    let create = Create {
        parent_handle: TpmiDhObject(parent.handle.0),
        in_sensitive: Tpm2b(TpmsSensitiveCreate {
            user_auth: Tpm2bAuth::from_slice(b"object auth").unwrap(),
            data: Tpm2bSensitiveData::from_slice(b"something secret").unwrap(),
        }),
        in_public: Tpm2b(templates::sealed()),
        outside_info: Tpm2bData::default(),
        creation_pcr: TpmlPcrSelection::default(),
    };
    let created = tpm.run_with(&create, &mut [Auth::Session(session)]).unwrap();
    let load = Load {
        parent_handle: TpmiDhObject(parent.handle.0),
        in_private: created.out_private,
        in_public: created.out_public,
    };
    let object = TpmHandle(tpm.run_with(&load, &mut [Auth::Session(session)]).unwrap().object_handle.0);
    tpm.set_auth(object, b"object auth");
    let data = tpm.unseal(object, &mut [Auth::Session(session)]).unwrap();
    assert_eq!(**data, *b"something secret");
    tpm.flush(object).unwrap();
}

#[test]
fn hmac_sessions_of_every_hash_and_cipher() {
    let (_server, mut tpm) = tpm();
    let srk = storage_key(&mut tpm, &templates::srk_p256());
    for hash in HASHES {
        for cipher in CIPHERS {
            let options = SessionOptions::hmac().hash(hash).cipher(cipher).salted(srk.handle, &srk.public);
            let mut session = tpm.start_session(&options).unwrap().encrypting();
            seal_and_unseal(&mut tpm, &srk, &mut session);
            seal_and_unseal(&mut tpm, &srk, &mut session);
            tpm.end_session(session).unwrap();
        }
    }
}

#[test]
fn sessions_salted_with_rsa_and_with_every_curve() {
    let (_server, mut tpm) = tpm();
    let p384 = TpmtPublic {
        kind: match templates::srk_p256().kind {
            PublicKind::Ecc(parms, point) => {
                PublicKind::Ecc(TpmsEccParms { curve_id: TpmEccCurve::NistP384, ..parms }, point)
            }
            other => panic!("not an ECC key: {other:?}"),
        },
        ..templates::srk_p256()
    };
    // A name algorithm other than the session's hash, whose size the salt takes.
    let sha384 = TpmtPublic { name_alg: Some(TpmiAlgHash::Sha384), ..templates::srk_rsa2048() };
    for template in [templates::srk_rsa2048(), templates::srk_p256(), p384, sha384, templates::ek_rsa2048()] {
        let key = tpm.create_primary(TpmHandle::ENDORSEMENT, &template, b"srk auth").unwrap();
        let options = SessionOptions::hmac().salted(key.handle, &key.public);
        let mut session = tpm.start_session(&options).unwrap().encrypting();
        tpm.run_with(&GetRandom { bytes_requested: 16 }, &mut [Auth::Session(&mut session)]).unwrap();
        if template.object_attributes.contains(TpmaObject::USER_WITH_AUTH) {
            seal_and_unseal(&mut tpm, &key, &mut session);
        }
        tpm.end_session(session).unwrap();
        tpm.flush(key.handle).unwrap();
    }
}

#[test]
fn bound_sessions_with_and_without_salt() {
    let (_server, mut tpm) = tpm();
    let srk = storage_key(&mut tpm, &templates::srk_p256());
    for options in [
        SessionOptions::hmac().bound(srk.handle),
        SessionOptions::hmac().bound(srk.handle).salted(srk.handle, &srk.public),
        SessionOptions::hmac().bound(TpmHandle::OWNER),
        SessionOptions::hmac().bound(TpmHandle::OWNER).cipher(ParameterCipher::Xor),
    ] {
        let mut session = tpm.start_session(&options).unwrap().encrypting();
        // The parent is the entity of the binding, the sealed object is another one.
        seal_and_unseal(&mut tpm, &srk, &mut session);
        tpm.end_session(session).unwrap();
    }
}

#[test]
fn unbound_and_unsalted_sessions_authorize() {
    let (_server, mut tpm) = tpm();
    let srk = storage_key(&mut tpm, &templates::srk_p256());
    let mut session = tpm.start_session(&SessionOptions::hmac().cipher(ParameterCipher::None)).unwrap().encrypting();
    seal_and_unseal(&mut tpm, &srk, &mut session);
    tpm.set_auth(srk.handle, b"wrong");
    let read = Load {
        parent_handle: TpmiDhObject(srk.handle.0),
        in_private: Tpm2bPrivate::default(),
        in_public: Tpm2b(srk.public.clone()),
    };
    let error = tpm.run_with(&read, &mut [Auth::Session(&mut session)]).unwrap_err();
    assert!(error.is(TpmRc::BAD_AUTH), "{error}");
    // A refused command leaves the session as it was.
    tpm.set_auth(srk.handle, b"srk auth");
    seal_and_unseal(&mut tpm, &srk, &mut session);
}

#[test]
fn encryption_by_a_second_session() {
    let (_server, mut tpm) = tpm();
    let srk = storage_key(&mut tpm, &templates::srk_rsa2048());
    let mut authorizing = tpm.start_session(&SessionOptions::hmac()).unwrap();
    let salted = SessionOptions::hmac().salted(srk.handle, &srk.public);
    let mut into = tpm.start_session(&salted).unwrap().encrypting_commands();
    let mut out = tpm.start_session(&salted).unwrap().encrypting_responses();
    for _ in 0..2 {
        let create = Create {
            parent_handle: TpmiDhObject(srk.handle.0),
            in_sensitive: Tpm2b(TpmsSensitiveCreate {
                user_auth: Tpm2bAuth::default(),
                data: Tpm2bSensitiveData::from_slice(b"data").unwrap(),
            }),
            in_public: Tpm2b(templates::sealed()),
            outside_info: Tpm2bData::default(),
            creation_pcr: TpmlPcrSelection::default(),
        };
        let sessions = &mut [Auth::Session(&mut authorizing), Auth::Session(&mut into), Auth::Session(&mut out)];
        let created = tpm.run_with(&create, sessions).unwrap();
        let object = tpm.load(srk.handle, &created.out_private, &created.out_public.0).unwrap();
        assert_eq!(**tpm.unseal(object.handle, &mut [Auth::Known, Auth::Session(&mut out)]).unwrap(), *b"data");
        tpm.flush(object.handle).unwrap();
    }
}

#[test]
fn two_sessions_cannot_encrypt_the_same_parameter() {
    let (_server, mut tpm) = tpm();
    let mut one = tpm.start_session(&SessionOptions::hmac()).unwrap().encrypting();
    let mut two = tpm.start_session(&SessionOptions::hmac()).unwrap().encrypting();
    let sessions = &mut [Auth::Session(&mut one), Auth::Session(&mut two)];
    let error = tpm.run_with(&GetRandom { bytes_requested: 8 }, sessions).unwrap_err();
    assert!(matches!(error, ClientError::Usage(_)), "{error}");
}

#[test]
fn sessions_end_when_they_should() {
    let (_server, mut tpm) = tpm();
    let options = SessionOptions::hmac();
    let mut session = tpm.start_session(&options).unwrap().encrypting_responses().single_use();
    tpm.run_with(&GetRandom { bytes_requested: 8 }, &mut [Auth::Session(&mut session)]).unwrap();
    let error = tpm.run_with(&GetRandom { bytes_requested: 8 }, &mut [Auth::Session(&mut session)]).unwrap_err();
    assert!(matches!(error, ClientError::Usage(_)), "{error}");
    tpm.end_session(session).unwrap();
    assert!(tpm.handles(TpmHandle::HMAC_SESSION_FIRST).unwrap().is_empty());
}

#[test]
fn a_companion_session_goes_with_every_command() {
    let (_server, mut tpm) = tpm();
    let srk = storage_key(&mut tpm, &templates::srk_p256());
    let session = tpm.start_session(&SessionOptions::hmac().salted(srk.handle, &srk.public)).unwrap().encrypting();
    let first = session.nonce_tpm().to_vec();
    tpm.set_companion(Some(session));
    let created = tpm.create(srk.handle, &templates::signing_key(KeyType::P256, false), b"pw", b"").unwrap();
    let key = tpm.load(srk.handle, &created.private, &created.public).unwrap();
    tpm.get_random(20).unwrap();
    tpm.set_auth(key.handle, b"pw");
    let before = tpm.set_companion(None).unwrap();
    let nonce = before.nonce_tpm().to_vec();
    tpm.set_companion(Some(before));
    tpm.sign(key.handle, &[3; 32], Some(TpmtSigScheme::Ecdsa(TpmiAlgHash::Sha256)), None, &mut []).unwrap();
    tpm.flush(key.handle).unwrap();
    let session = tpm.set_companion(None).unwrap();
    assert_ne!(session.nonce_tpm(), nonce, "the helper's command went without the companion");
    assert_ne!(session.nonce_tpm(), first);
    tpm.end_session(session).unwrap();
}

#[test]
fn policies_with_auth_value_password_and_pcrs() {
    let (_server, mut tpm) = tpm();
    let srk = storage_key(&mut tpm, &templates::srk_p256());
    let pcrs = pcr_selection(TpmiAlgHash::Sha256, &[16]);
    type Step = fn(&mut Tpm, &mut Session, &TpmlPcrSelection);
    let proofs: [Step; 3] = [
        |tpm, session, _| tpm.policy_auth_value(session).unwrap(),
        |tpm, session, _| tpm.policy_password(session).unwrap(),
        |tpm, session, pcrs| tpm.policy_pcr(session, pcrs).unwrap(),
    ];
    for salted in [false, true] {
        for proof in proofs {
            let mut trial = tpm.start_session(&SessionOptions::trial()).unwrap();
            proof(&mut tpm, &mut trial, &pcrs);
            tpm.policy_command_code(&trial, &Unseal::INFO).unwrap();
            let auth_policy = tpm.policy_digest(&trial).unwrap();
            tpm.end_session(trial).unwrap();

            let attributes = TpmaObject::FIXED_TPM | TpmaObject::FIXED_PARENT;
            let template = TpmtPublic { auth_policy, object_attributes: attributes, ..templates::sealed() };
            let created = tpm.create(srk.handle, &template, b"object auth", b"under a policy").unwrap();
            let object = tpm.load(srk.handle, &created.private, &created.public).unwrap();
            tpm.set_auth(object.handle, b"object auth");

            let options = SessionOptions::policy();
            let options = if salted { options.salted(srk.handle, &srk.public) } else { options };
            let mut session = tpm.start_session(&options).unwrap().encrypting_responses();
            // Twice, because a policy that has been used starts over.
            for _ in 0..2 {
                proof(&mut tpm, &mut session, &pcrs);
                tpm.policy_command_code(&session, &Unseal::INFO).unwrap();
                let data = tpm.unseal(object.handle, &mut [Auth::Session(&mut session)]).unwrap();
                assert_eq!(**data, *b"under a policy");
            }
            let error = tpm.unseal(object.handle, &mut [Auth::Session(&mut session)]).unwrap_err();
            assert!(error.is(TpmRc::POLICY_FAIL), "{error}");
            tpm.end_session(session).unwrap();
            tpm.flush(object.handle).unwrap();
        }
    }
}

#[test]
fn a_pcr_that_changed_closes_the_seal() {
    let (_server, mut tpm) = tpm();
    let srk = storage_key(&mut tpm, &templates::srk_p256());
    let pcrs = pcr_selection(TpmiAlgHash::Sha256, &[16]);
    let trial = tpm.start_session(&SessionOptions::trial()).unwrap();
    tpm.policy_pcr(&trial, &pcrs).unwrap();
    let auth_policy = tpm.policy_digest(&trial).unwrap();
    let attributes = TpmaObject::FIXED_TPM | TpmaObject::FIXED_PARENT;
    let template = TpmtPublic { auth_policy, object_attributes: attributes, ..templates::sealed() };
    let created = tpm.create(srk.handle, &template, b"", b"sealed to a state").unwrap();
    let object = tpm.load(srk.handle, &created.private, &created.public).unwrap();
    tpm.pcr_extend(16, TpmiAlgHash::Sha256, &[1; 32]).unwrap();
    let mut session = tpm.start_session(&SessionOptions::policy()).unwrap();
    tpm.policy_pcr(&session, &pcrs).unwrap();
    let error = tpm.unseal(object.handle, &mut [Auth::Session(&mut session)]).unwrap_err();
    assert!(error.is(TpmRc::POLICY_FAIL), "{error}");
}

#[test]
fn policy_or_takes_either_branch() {
    let (_server, mut tpm) = tpm();
    let session = tpm.start_session(&SessionOptions::trial()).unwrap();
    tpm.policy_command_code(&session, &Unseal::INFO).unwrap();
    let one = tpm.policy_digest(&session).unwrap();
    let mut session = session;
    tpm.policy_restart(&mut session).unwrap();
    tpm.policy_command_code(&session, &Sign::INFO).unwrap();
    let two = tpm.policy_digest(&session).unwrap();
    tpm.policy_or(&session, &[one.clone(), two.clone()]).unwrap();
    assert_ne!(tpm.policy_digest(&session).unwrap(), two);
}

#[test]
fn auth_values_that_a_command_changes_count_in_its_response() {
    let (_server, mut tpm) = tpm();
    let srk = storage_key(&mut tpm, &templates::srk_p256());
    for options in [
        SessionOptions::hmac(),
        SessionOptions::hmac().bound(TpmHandle::OWNER),
        SessionOptions::hmac().bound(TpmHandle::OWNER).salted(srk.handle, &srk.public),
    ] {
        let mut session = tpm.start_session(&options).unwrap().encrypting();
        for auth in [&b"first"[..], b"second\0\0", b""] {
            let command = HierarchyChangeAuth {
                auth_handle: TpmiRhHierarchyAuth(TpmHandle::OWNER.0),
                new_auth: Tpm2bAuth::from_slice(auth).unwrap(),
            };
            tpm.run_with(&command, &mut [Auth::Session(&mut session)]).unwrap();
            let key = tpm.create_primary(TpmHandle::OWNER, &templates::srk_p256(), b"").unwrap();
            tpm.flush(key.handle).unwrap();
        }
        tpm.end_session(session).unwrap();
    }
}

#[test]
fn nv_names_change_with_the_first_write() {
    let (_server, mut tpm) = tpm();
    let index = TpmHandle(0x0180_0F02);
    let _ = tpm.nv_undefine(TpmHandle::OWNER, index); // Left by an earlier run on a shared TPM.
    let public = TpmsNvPublic {
        nv_index: TpmiRhNvIndex(index.0),
        name_alg: TpmiAlgHash::Sha256,
        attributes: TpmaNv::AUTHREAD | TpmaNv::AUTHWRITE | TpmaNv::NO_DA,
        auth_policy: Tpm2bDigest::default(),
        data_size: 64,
    };
    tpm.nv_define(TpmHandle::OWNER, &public, b"nv auth").unwrap();
    let session = tpm.start_session(&SessionOptions::hmac()).unwrap().encrypting();
    tpm.set_companion(Some(session));
    tpm.nv_write(index, index, &[1; 64]).unwrap();
    tpm.nv_write(index, index, &[2; 64]).unwrap();
    assert_eq!(tpm.nv_read(index, index).unwrap(), [2; 64]);
    let session = tpm.set_companion(None).unwrap();
    tpm.end_session(session).unwrap();
    tpm.nv_undefine(TpmHandle::OWNER, index).unwrap();
}

/// A line between client and TPM that keeps what passes, and can change responses.
struct Tapped {
    inner: Box<dyn Transport>,
    seen: Arc<Mutex<Vec<Vec<u8>>>>,
    change: Arc<Mutex<Option<usize>>>,
}

impl Transport for Tapped {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, ClientError> {
        let mut response = self.inner.transmit(command)?;
        let mut seen = self.seen.lock().unwrap();
        seen.push(command.to_vec());
        seen.push(response.clone());
        if let Some(from_end) = *self.change.lock().unwrap() {
            let at = response.len() - from_end;
            response[at] ^= 1;
        }
        Ok(response)
    }
    fn endpoint(&self) -> String {
        "a tapped line".into()
    }
}

type Seen = Arc<Mutex<Vec<Vec<u8>>>>;
type Change = Arc<Mutex<Option<usize>>>;

fn tapped() -> (TestTpm, Tpm, Seen, Change) {
    let (server, tpm) = tpm();
    drop(tpm);
    let inner = server.tcti().connect(ironroot_client::Timeouts::default()).unwrap();
    let (seen, change) = (Arc::default(), Arc::default());
    let tpm = Tpm::new(Tapped { inner, seen: Arc::clone(&seen), change: Arc::clone(&change) });
    (server, tpm, seen, change)
}

#[test]
fn secrets_do_not_appear_on_the_line() {
    let (_server, mut tpm, seen, _) = tapped();
    let srk = storage_key(&mut tpm, &templates::srk_p256());
    let has = |what: &[u8]| seen.lock().unwrap().iter().any(|bytes| bytes.windows(what.len()).any(|part| part == what));
    assert!(has(b"srk auth"), "the tap does not see what is in the clear");
    for cipher in CIPHERS {
        let options = SessionOptions::hmac().cipher(cipher).salted(srk.handle, &srk.public);
        let mut session = tpm.start_session(&options).unwrap().encrypting();
        seal_and_unseal(&mut tpm, &srk, &mut session);
        tpm.end_session(session).unwrap();
        assert!(!has(b"something secret") && !has(b"object auth"), "{cipher:?}");
    }
}

#[test]
fn responses_that_were_changed_on_the_line_are_refused() {
    let (_server, mut tpm, _, change) = tapped();
    let srk = storage_key(&mut tpm, &templates::srk_p256());
    // From the end: within the HMAC, the attributes, the TPM's nonce, and the random bytes.
    for from_end in [1, 33, 35, 36, 60, 75] {
        let options = SessionOptions::hmac().salted(srk.handle, &srk.public);
        let mut session = tpm.start_session(&options).unwrap().encrypting_responses();
        *change.lock().unwrap() = Some(from_end);
        let command = GetRandom { bytes_requested: 32 };
        let error = tpm.run_with(&command, &mut [Auth::Session(&mut session)]).unwrap_err();
        *change.lock().unwrap() = None;
        assert!(
            matches!(error, ClientError::ResponseHmac { .. } | ClientError::Protocol { .. }),
            "byte {from_end} from the end: {error}"
        );
        tpm.end_session(session).unwrap();
    }
}

#[test]
fn audit_digests_agree_with_the_tpm() {
    let (server, mut tpm) = tpm();
    let key = tpm.create_primary(TpmHandle::ENDORSEMENT, &templates::signing_key(KeyType::P256, true), b"").unwrap();
    let mut session = tpm.start_session(&SessionOptions::hmac()).unwrap().auditing().encrypting_responses();
    for bytes_requested in [8, 16, 32] {
        tpm.run_with(&GetRandom { bytes_requested }, &mut [Auth::Session(&mut session)]).unwrap();
    }
    let expected = session.audit_digest().unwrap().to_vec();
    // TPM2_GetSessionAuditDigest, as bytes: it is not in the table yet.
    let password = [&[0x40, 0, 0, 9, 0, 0, 0, 0, 0][..]; 2].concat();
    let mut body = 0x0000_014Du32.to_be_bytes().to_vec();
    body.extend_from_slice(&TpmHandle::ENDORSEMENT.0.to_be_bytes());
    body.extend_from_slice(&key.handle.0.to_be_bytes());
    body.extend_from_slice(&session.handle().0.to_be_bytes());
    body.extend_from_slice(&(password.len() as u32).to_be_bytes());
    body.extend_from_slice(&password);
    body.extend_from_slice(&[0, 0, 0, 0x10]);
    let mut command = 0x8002u16.to_be_bytes().to_vec();
    command.extend_from_slice(&(body.len() as u32 + 6).to_be_bytes());
    command.extend_from_slice(&body);
    let mut response = tpm.transmit(&command).unwrap();
    while response[6..10] == [0, 0, 9, 0x22] {
        response = tpm.transmit(&command).unwrap(); // TPM_RC_RETRY
    }
    if !server.is_own_swtpm() && response[6..10] == TpmRc::COMMAND_CODE.0.to_be_bytes() {
        println!("this TPM has no TPM2_GetSessionAuditDigest: only the sessions' HMACs were checked");
        return;
    }
    assert_eq!(response[6..10], [0; 4], "{response:02x?}");
    assert!(response.windows(expected.len()).any(|part| part == expected), "the TPM's audit digest is another");
}
