//! A running TPM moves to another process: what it had in memory goes on there, and nothing but that is taken.

use crate::common::{TestTpm, password};
use crate::in_process::Shared;
use ironroot_client::{Auth, ParameterCipher, SessionOptions, templates};
use ironroot_tpm::VolatileError;
use ironroot_wire::*;

fn sha256(pcr: u32) -> TpmlPcrSelection {
    TpmlPcrSelection::new(vec![TpmsPcrSelection { hash: TpmiAlgHash::Sha256, pcr_select: TpmsPcrSelect::of(&[pcr]) }])
}

fn pcr(tpm: &mut TestTpm, pcr: u32) -> (u32, Vec<u8>) {
    let read = tpm.run(&PcrRead { pcr_selection_in: sha256(pcr) }).unwrap();
    (read.pcr_update_counter, read.pcr_values[0].to_vec())
}

fn extend(tpm: &mut TestTpm, pcr: u32) {
    let digest = TpmtHa::new(TpmiAlgHash::Sha256, &[0xAB; 32]).unwrap();
    tpm.run_auth(&PcrExtend { pcr_handle: Some(TpmiDhPcr(pcr)), digests: TpmlDigestValues::new(vec![digest]) })
        .unwrap();
}

fn change_auth(handle: TpmHandle, auth: &[u8]) -> HierarchyChangeAuth {
    HierarchyChangeAuth { auth_handle: TpmiRhHierarchyAuth(handle.0), new_auth: Tpm2bAuth::from_slice(auth).unwrap() }
}

fn hash_start() -> HashSequenceStart {
    HashSequenceStart { auth: Tpm2bAuth::from_slice(b"seq").unwrap(), hash_alg: Some(TpmiAlgHash::Sha384) }
}

/// Saves, loses the process, opens the store again and restores.
fn move_to_another_process(tpm: &mut TestTpm) {
    let blob = tpm.tpm.save_volatile();
    tpm.reopen();
    tpm.now += 1_000_000;
    tpm.tpm.restore_volatile(tpm.now, &blob).unwrap();
}

#[test]
fn objects_and_sessions_go_on() {
    let shared = Shared::started();
    let mut client = shared.client();
    let ecc = client.create_primary(TpmHandle::OWNER, &templates::srk_p256(), b"parent").unwrap();
    let rsa = client.create_primary(TpmHandle::NULL, &templates::signing_key(templates::KeyType::RSA_2048, false), b"");
    let rsa = rsa.unwrap();
    client.flush(ecc.handle).unwrap();
    let ecc = client.create_primary(TpmHandle::OWNER, &templates::srk_p256(), b"parent").unwrap();
    let options = SessionOptions::hmac().cipher(ParameterCipher::Xor).salted(ecc.handle, &ecc.public);
    let mut session = client.start_session(&options).unwrap().encrypting();
    let mut other = client.start_session(&SessionOptions::policy()).unwrap();
    client.run_with(&GetRandom { bytes_requested: 8 }, &mut [Auth::Session(&mut session)]).unwrap();
    client.policy_auth_value(&mut other).unwrap();
    let policy = client.policy_digest(&other).unwrap();

    move_to_another_process(&mut shared.tpm());

    // Same handles, same names, same secrets; the session's nonces go on, and so does its encryption.
    for key in [&ecc, &rsa] {
        let read = ReadPublic { object_handle: TpmiDhObject(key.handle.0) };
        let answer = client.run_with(&read, &mut [Auth::Session(&mut session)]).unwrap();
        assert_eq!(answer.name, key.name);
    }
    assert_eq!(client.policy_digest(&other).unwrap(), policy);
    let sealed = client.create(ecc.handle, &templates::sealed(), b"", b"what was sealed").unwrap();
    let loaded = client.load(ecc.handle, &sealed.private, &sealed.public).unwrap();
    let data =
        client.run_with(&Unseal { item_handle: TpmiDhObject(loaded.handle.0) }, &mut [Auth::Session(&mut session)]);
    assert_eq!(&*data.unwrap().out_data, b"what was sealed");
    let scheme = Some(TpmtSigScheme::Rsassa(TpmiAlgHash::Sha256));
    let digest = Tpm2bDigest::from_slice(&[7; 32]).unwrap();
    let signature = client.sign(rsa.handle, &digest, scheme, None, &mut [Auth::Session(&mut session)]).unwrap();
    client.verify_signature(rsa.handle, &digest, &signature).unwrap();
}

#[test]
fn pcr_sequences_contexts_and_hierarchies_go_on() {
    let mut tpm = TestTpm::started();
    extend(&mut tpm, 5);
    extend(&mut tpm, 16);
    tpm.run_auth(&change_auth(TpmHandle::PLATFORM, b"platform")).unwrap();
    let disable = HierarchyControl {
        auth_handle: TpmiRhBaseHierarchy(TpmHandle::ENDORSEMENT.0),
        enable: TpmiRhEnables(TpmHandle::ENDORSEMENT.0),
        state: TpmiYesNo(false),
    };
    tpm.run_auth(&disable).unwrap();
    let sequence = tpm.run(&hash_start()).unwrap().sequence_handle;
    let update =
        |bytes: &[u8]| SequenceUpdate { sequence_handle: sequence, buffer: Tpm2bMaxBuffer::from_slice(bytes).unwrap() };
    tpm.run_with(&update(b"first "), &[password(b"seq")]).unwrap();
    let start = StartAuthSession {
        tpm_key: None,
        bind: None,
        nonce_caller: Tpm2bNonce::from_slice(&[1; 16]).unwrap(),
        encrypted_salt: Tpm2bEncryptedSecret::default(),
        session_type: TpmSe::Hmac,
        symmetric: None,
        auth_hash: TpmiAlgHash::Sha256,
    };
    let session = tpm.run(&start).unwrap().session_handle;
    let saved = tpm.run(&ContextSave { save_handle: TpmiDhContext(session.0) }).unwrap().context;
    let before = (pcr(&mut tpm, 5), pcr(&mut tpm, 16), pcr(&mut tpm, 17));
    let time = tpm.run(&ReadClock {}).unwrap().current_time;

    move_to_another_process(&mut tpm);

    assert_eq!((pcr(&mut tpm, 5), pcr(&mut tpm, 16), pcr(&mut tpm, 17)), before);
    let later = tpm.run(&ReadClock {}).unwrap().current_time;
    assert_eq!(later.clock_info.reset_count, time.clock_info.reset_count);
    assert!(later.time > time.time && later.time < time.time + 1000, "{} to {}", time.time, later.time);
    assert!(later.clock_info.clock > time.clock_info.clock);
    assert_eq!(tpm.startup(TpmSu::Clear), Err(TpmRc::INITIALIZE));
    assert_eq!(tpm.run_auth(&change_auth(TpmHandle::PLATFORM, b"")), Err(TpmRc::BAD_AUTH.session(1)));
    tpm.run_with(&change_auth(TpmHandle::PLATFORM, b""), &[password(b"platform")]).unwrap();
    assert_eq!(tpm.run_auth(&change_auth(TpmHandle::ENDORSEMENT, b"")), Err(TpmRc::HIERARCHY.handle(1)));
    tpm.run(&ContextLoad { context: saved.clone() }).unwrap();
    assert!(tpm.run(&ContextLoad { context: saved }).is_err(), "a saved session loads once");
    tpm.run_with(&update(b"second"), &[password(b"seq")]).unwrap();
    let complete = SequenceComplete {
        sequence_handle: sequence,
        buffer: Tpm2bMaxBuffer::default(),
        hierarchy: TpmiRhHierarchy(TpmHandle::NULL.0),
    };
    let digest = tpm.run_with(&complete, &[password(b"seq")]).unwrap().result;
    assert_eq!(*digest, *ironroot_crypto::hash::digest(TpmiAlgHash::Sha384, &[b"first second"]));
}

#[test]
fn an_h_crtm_sequence_goes_on_before_startup() {
    let value = |moved: bool| {
        let mut tpm = TestTpm::manufactured();
        tpm.tpm.hash_start();
        tpm.tpm.hash_data(b"first ");
        if moved {
            move_to_another_process(&mut tpm);
        }
        tpm.tpm.hash_data(b"second");
        tpm.tpm.hash_end();
        if moved {
            move_to_another_process(&mut tpm);
        }
        tpm.startup(TpmSu::Clear).unwrap();
        pcr(&mut tpm, 0)
    };
    assert_eq!(value(true), value(false));
}

#[test]
fn what_is_cut_or_changed_is_refused_and_harms_nothing() {
    let mut tpm = TestTpm::started();
    extend(&mut tpm, 5);
    tpm.run(&hash_start()).unwrap();
    let blob = tpm.tpm.save_volatile().to_vec();
    tpm.reopen();
    for length in 0..blob.len() {
        assert!(tpm.tpm.restore_volatile(0, &blob[..length]).is_err(), "cut to {length}");
    }
    for at in 0..blob.len() {
        let mut changed = blob.clone();
        changed[at] ^= 1 << (at % 8);
        assert!(tpm.tpm.restore_volatile(0, &changed).is_err(), "byte {at}");
    }
    let mut longer = blob.clone();
    longer.push(0);
    assert_eq!(tpm.tpm.restore_volatile(0, &longer), Err(VolatileError::Foreign));
    assert_eq!(tpm.tpm.restore_volatile(0, b"something else"), Err(VolatileError::Unknown));
    assert_eq!(tpm.tpm.restore_volatile(0, b"IRVS\x06"), Err(VolatileError::Version(6)));
    // It is as it was after power-on, and the right blob still works.
    assert_eq!(tpm.run(&GetRandom { bytes_requested: 1 }), Err(TpmRc::INITIALIZE));
    tpm.tpm.restore_volatile(tpm.now, &blob).unwrap();
    assert_ne!(pcr(&mut tpm, 5).1, [0; 32]);
    assert_eq!(tpm.tpm.restore_volatile(tpm.now, &blob), Err(VolatileError::Started));
}

#[test]
fn the_state_of_another_tpm_or_another_time_is_refused() {
    let mut tpm = TestTpm::started();
    let old = tpm.tpm.save_volatile();
    // After a change of the permanent data the older state would contradict it.
    tpm.now += 10;
    tpm.run_auth(&change_auth(TpmHandle::OWNER, b"owner")).unwrap();
    let newer = tpm.tpm.save_volatile();
    tpm.reopen();
    assert_eq!(tpm.tpm.restore_volatile(0, &old), Err(VolatileError::Stale));
    let mut other = TestTpm::started();
    other.reopen();
    // The test's entropy makes TPMs with equal proofs; one that was cleared has others.
    other.startup(TpmSu::Clear).unwrap();
    other.run_auth(&Clear { auth_handle: TpmiRhClear(TpmHandle::LOCKOUT.0) }).unwrap();
    other.reopen();
    assert_eq!(other.tpm.restore_volatile(0, &newer), Err(VolatileError::Foreign));
    // A start ends the power cycle that the state belongs to.
    tpm.startup(TpmSu::Clear).unwrap();
    tpm.reopen();
    assert_eq!(tpm.tpm.restore_volatile(0, &newer), Err(VolatileError::Foreign));
}
