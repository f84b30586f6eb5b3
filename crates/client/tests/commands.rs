//! The helpers against a real TPM: swtpm, or the one that `IRONROOT_TEST_TCTI` names.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use ironroot_client::{
    Auth, ClientError, SessionOptions, Tcti, Tpm, object_name, pcr_selection,
    templates::{self, KeyType},
    testing::TestTpm,
    wire::*,
};

fn tpm() -> (TestTpm, Tpm) {
    let server = TestTpm::start().unwrap();
    let tpm = server.connect().unwrap();
    (server, tpm)
}

#[test]
fn random_bytes_of_any_length() {
    let (_server, mut tpm) = tpm();
    for count in [0, 1, 32, 64, 65, 300] {
        assert_eq!(tpm.get_random(count).unwrap().len(), count);
    }
    assert_ne!(tpm.get_random(32).unwrap(), tpm.get_random(32).unwrap());
}

#[test]
fn capabilities_are_read() {
    let (_server, mut tpm) = tpm();
    assert_eq!(tpm.property(TpmPt::FAMILY_INDICATOR).unwrap(), Some(0x322E_3000));
    let (data, _) = tpm.get_capability(TpmCap::Algs, 0, 100).unwrap();
    let TpmsCapabilityData::Algorithms(algorithms) = data else { panic!("not algorithms: {data:?}") };
    assert!(algorithms.iter().any(|entry| entry.alg == TpmAlgId::SHA256));
    let (data, _) = tpm.get_capability(TpmCap::Commands, 0x11F, 300).unwrap();
    let TpmsCapabilityData::Commands(commands) = data else { panic!("not commands: {data:?}") };
    assert!(commands.len() > 50);
    let (data, _) = tpm.get_capability(TpmCap::Pcrs, 0, 10).unwrap();
    assert!(matches!(data, TpmsCapabilityData::AssignedPcr(_)));
    let curves = tpm.ecc_curves().unwrap();
    assert!(curves.contains(&TpmEccCurve::NistP256.value()), "{curves:x?}");
}

#[test]
fn endorsement_and_storage_keys_follow_tcgs_templates() {
    let (_server, mut tpm) = tpm();
    for template in [templates::ek_rsa2048(), templates::ek_p256()] {
        let ek = tpm.create_primary(TpmHandle::ENDORSEMENT, &template, b"").unwrap();
        assert_eq!(ek.name, object_name(&ek.public));
        let read = tpm.read_public(ek.handle).unwrap();
        assert_eq!(read, ek);
        // The same template gives the same key: that is what makes it an identity.
        let again = tpm.create_primary(TpmHandle::ENDORSEMENT, &template, b"").unwrap();
        assert_eq!(again.name, ek.name);
        tpm.flush(again.handle).unwrap();
        tpm.flush(ek.handle).unwrap();
    }
    for template in [templates::srk_rsa2048(), templates::srk_p256()] {
        let srk = tpm.create_primary(TpmHandle::OWNER, &template, b"").unwrap();
        tpm.flush(srk.handle).unwrap();
    }
}

#[test]
fn policy_a_is_policy_secret_of_endorsement() {
    let (_server, mut tpm) = tpm();
    let session = tpm.start_session(&SessionOptions::trial()).unwrap();
    tpm.policy_secret(&session, TpmHandle::ENDORSEMENT, &mut []).unwrap();
    assert_eq!(tpm.policy_digest(&session).unwrap().as_slice(), templates::EK_POLICY_A);
    tpm.end_session(session).unwrap();
}

#[test]
fn keys_of_every_kind_are_created_loaded_and_sign() {
    let (_server, mut tpm) = tpm();
    let srk = tpm.create_primary(TpmHandle::OWNER, &templates::srk_p256(), b"").unwrap();
    for key_type in [KeyType::RSA_2048, KeyType::P256, KeyType::P384] {
        let hash = key_type.hash();
        let created = tpm.create(srk.handle, &templates::signing_key(key_type, false), b"password", b"").unwrap();
        let key = tpm.load(srk.handle, &created.private, &created.public).unwrap();
        let digest = vec![7; hash.digest_size()];
        let schemes = match key_type {
            KeyType::Rsa(_) => vec![TpmtSigScheme::Rsassa(hash), TpmtSigScheme::Rsapss(hash)],
            KeyType::Ecc(_) => vec![TpmtSigScheme::Ecdsa(hash)],
        };
        for scheme in schemes {
            let auth = &mut [Auth::Password(b"password")];
            let signature = tpm.sign(key.handle, &digest, Some(scheme), None, auth).unwrap();
            tpm.verify_signature(key.handle, &digest, &signature).unwrap();
            let mut other = digest.clone();
            other[0] ^= 1;
            let error = tpm.verify_signature(key.handle, &other, &signature).unwrap_err();
            assert!(error.is(TpmRc::SIGNATURE), "{error}");
        }
        tpm.set_auth(key.handle, b"password");
        tpm.sign(key.handle, &digest, None, None, &mut []).map_or_else(
            |error| assert!(error.is(TpmRc::SCHEME), "{error}"),
            |signature| panic!("a key without a scheme signed without one: {signature:?}"),
        );
        tpm.flush(key.handle).unwrap();
    }
}

#[test]
fn a_wrong_password_is_told_with_the_session_it_came_in() {
    let (_server, mut tpm) = tpm();
    let srk = tpm.create_primary(TpmHandle::OWNER, &templates::srk_p256(), b"right").unwrap();
    tpm.set_auth(srk.handle, b"wrong");
    let error = tpm.create(srk.handle, &templates::signing_key(KeyType::P256, false), b"", b"").unwrap_err();
    assert!(error.is(TpmRc::BAD_AUTH), "{error}");
    let text = error.to_string();
    assert!(text.contains("TPM2_Create") && text.contains("TPM_RC_BAD_AUTH (session 1)"), "{text}");
}

#[test]
fn restricted_keys_sign_with_a_ticket() {
    let (_server, mut tpm) = tpm();
    let key = tpm.create_primary(TpmHandle::OWNER, &templates::signing_key(KeyType::P256, true), b"").unwrap();
    let mut digest = Tpm2bDigest::default();
    // Short, full to the brim of one command, and long: the last two ways of hashing.
    for message in [&b"a message"[..], &[1; 1024], &[2; 5000]] {
        let ticket;
        (digest, ticket) = tpm.hash(message, TpmiAlgHash::Sha256, TpmHandle::OWNER).unwrap();
        assert_eq!(*digest, *ironroot_crypto::digest(TpmiAlgHash::Sha256, &[message]));
        let signature = tpm.sign(key.handle, &digest, None, Some(ticket), &mut []).unwrap();
        tpm.verify_signature(key.handle, &digest, &signature).unwrap();
    }
    let error = tpm.sign(key.handle, &digest, None, None, &mut []).unwrap_err();
    assert!(error.is(TpmRc::TICKET), "{error}");
}

#[test]
fn data_is_sealed_and_unsealed() {
    let (_server, mut tpm) = tpm();
    let srk = tpm.create_primary(TpmHandle::OWNER, &templates::srk_p256(), b"").unwrap();
    let created = tpm.create(srk.handle, &templates::sealed(), b"pin", b"the secret").unwrap();
    let object = tpm.load(srk.handle, &created.private, &created.public).unwrap();
    assert_eq!(**tpm.unseal(object.handle, &mut [Auth::Password(b"pin")]).unwrap(), *b"the secret");
    assert!(tpm.unseal(object.handle, &mut [Auth::Password(b"nip")]).unwrap_err().is(TpmRc::AUTH_FAIL));
}

#[test]
fn persistent_keys_stay() {
    let (_server, mut tpm) = tpm();
    let at = TpmHandle(0x8100_0F01);
    if tpm.read_public(at).is_ok() {
        tpm.evict_control(TpmHandle::OWNER, at, at).unwrap();
    }
    let srk = tpm.create_primary(TpmHandle::OWNER, &templates::srk_p256(), b"").unwrap();
    tpm.evict_control(TpmHandle::OWNER, srk.handle, at).unwrap();
    tpm.flush(srk.handle).unwrap();
    assert_eq!(tpm.read_public(at).unwrap().name, srk.name);
    assert!(tpm.handles(TpmHandle::PERSISTENT_FIRST).unwrap().contains(&at));
    tpm.evict_control(TpmHandle::OWNER, at, at).unwrap();
    assert!(tpm.read_public(at).is_err());
}

#[test]
fn nv_indices_hold_more_than_one_command_carries() {
    let (_server, mut tpm) = tpm();
    let index = TpmHandle(0x0180_0F01);
    let _ = tpm.nv_undefine(TpmHandle::OWNER, index); // Left by an earlier run on a shared TPM.
    let attributes = TpmaNv::OWNERWRITE | TpmaNv::OWNERREAD | TpmaNv::AUTHREAD | TpmaNv::AUTHWRITE | TpmaNv::NO_DA;
    let public = TpmsNvPublic {
        nv_index: TpmiRhNvIndex(index.0),
        name_alg: TpmiAlgHash::Sha256,
        attributes,
        auth_policy: Tpm2bDigest::default(),
        data_size: 1500,
    };
    tpm.nv_define(TpmHandle::OWNER, &public, b"nv").unwrap();
    let data: Vec<u8> = (0..1500u32).map(|n| (n * 7 % 251) as u8).collect();
    tpm.nv_write(TpmHandle::OWNER, index, &data).unwrap();
    assert_eq!(tpm.nv_read(TpmHandle::OWNER, index).unwrap(), data);
    assert_eq!(tpm.nv_read(index, index).unwrap(), data);
    assert!(tpm.nv_read_public(index).unwrap().attributes.contains(TpmaNv::WRITTEN));
    tpm.nv_undefine(TpmHandle::OWNER, index).unwrap();
}

#[test]
fn pcrs_are_read_and_extended() {
    let (_server, mut tpm) = tpm();
    let all: Vec<u32> = (0..24).collect();
    let before = tpm.pcr_read(TpmiAlgHash::Sha256, &all).unwrap();
    assert_eq!(before.iter().map(|value| value.pcr).collect::<Vec<_>>(), all);
    tpm.pcr_extend(16, TpmiAlgHash::Sha256, &[9; 32]).unwrap();
    let after = tpm.pcr_read(TpmiAlgHash::Sha256, &all).unwrap();
    let changed: Vec<u32> = before.iter().zip(&after).filter(|(old, new)| old != new).map(|(old, _)| old.pcr).collect();
    assert_eq!(changed, [16]);
    let expected = ironroot_crypto::digest(TpmiAlgHash::Sha256, &[&before[16].digest, &[9; 32]]);
    assert_eq!(*after[16].digest, *expected);
}

#[test]
fn quotes_are_over_what_was_asked() {
    let (_server, mut tpm) = tpm();
    let ak = tpm.create_primary(TpmHandle::ENDORSEMENT, &templates::signing_key(KeyType::P256, true), b"").unwrap();
    let pcrs = pcr_selection(TpmiAlgHash::Sha256, &[0, 7, 16]);
    let quoted = tpm.quote(ak.handle, b"nonce", None, &pcrs).unwrap();
    let digest = ironroot_crypto::digest(TpmiAlgHash::Sha256, &[&quoted.attest]);
    tpm.verify_signature(ak.handle, &digest, &quoted.signature).unwrap();
}

#[test]
fn credentials_are_made_and_activated() {
    let (_server, mut tpm) = tpm();
    for template in [templates::ek_rsa2048(), templates::ek_p256()] {
        let ek = tpm.create_primary(TpmHandle::ENDORSEMENT, &template, b"").unwrap();
        let ak =
            tpm.create_primary(TpmHandle::ENDORSEMENT, &templates::signing_key(KeyType::P256, true), b"ak").unwrap();
        let (blob, secret) = tpm.make_credential(ek.handle, b"credential", &ak.name).unwrap();
        let credential = tpm.activate_credential(ak.handle, ek.handle, &blob, &secret).unwrap();
        assert_eq!(**credential, *b"credential");
        let (blob, secret) = tpm.make_credential(ek.handle, b"credential", &ek.name).unwrap();
        assert!(tpm.activate_credential(ak.handle, ek.handle, &blob, &secret).is_err());
        tpm.flush(ak.handle).unwrap();
        tpm.flush(ek.handle).unwrap();
        assert!(tpm.handles(TpmHandle::POLICY_SESSION_FIRST).unwrap().is_empty(), "a session was left behind");
    }
}

#[test]
fn tcp_power_and_locality() {
    let server = TestTpm::start_tcp().unwrap();
    let mut tpm = server.connect().unwrap();
    tpm.get_random(8).unwrap();
    tpm.transport().set_locality(0).unwrap();
    tpm.shutdown(TpmSu::Clear).unwrap();
    tpm.transport().power_cycle().unwrap();
    tpm.startup(TpmSu::Clear).unwrap();
    tpm.get_random(8).unwrap();
}

#[test]
fn a_missing_tpm_is_told_with_the_next_step() {
    let error = Tpm::connect(&Tcti::parse("swtpm:path=/nonexistent/tpm.sock").unwrap()).err().unwrap().to_string();
    assert!(error.contains("/nonexistent/tpm.sock") && error.contains("ironroot up"), "{error}");
    let error = Tpm::connect(&Tcti::parse("mssim:host=127.0.0.1,port=9").unwrap()).err().unwrap().to_string();
    assert_eq!(error, "connection refused on 127.0.0.1:9: is the TPM running? start one with `ironroot up`");
    let error = Tpm::connect(&Tcti::parse("device:/dev/no-such-tpm").unwrap()).err().unwrap().to_string();
    assert!(error.contains("/dev/no-such-tpm"), "{error}");
}

#[test]
fn a_tpm_that_dies_is_told() {
    let mut server = TestTpm::start().unwrap();
    if !server.is_own_swtpm() {
        return; // Nobody else's TPM is killed.
    }
    let mut tpm = server.connect().unwrap();
    server.kill();
    let error = tpm.get_random(8).unwrap_err();
    assert!(matches!(error, ClientError::Io { .. }), "{error}");
    assert!(matches!(tpm.get_random(8).unwrap_err(), ClientError::Connect { .. }));
}
