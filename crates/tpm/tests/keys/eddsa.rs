//! Signatures of EdDSA and HashEdDSA through bytes. OpenSSL judges and makes those of messages; RFC 8032's own vectors and the
//! other library judge those of hashes.

use crate::common::{TestTpm, password};
use crate::curves::*;
use crate::outside::{self, load_external, no_ticket};
use crate::policies;
use crate::templates::{keys::*, *};
use ironroot_crypto::{
    EdwardsProvider as _, PORTABLE, digest,
    ecc::eddsa::{Domain, prehash},
};
use ironroot_wire::*;

const SHA256: TpmiAlgHash = TpmiAlgHash::Sha256;
const MESSAGE: &[u8] = b"a message that does not start like one of a TPM";
const VECTORS: &str = include_str!("../../../crypto/vectors/eddsa.txt");

fn made(tpm: &mut TestTpm, hierarchy: u32, public: TpmtPublic) -> (TpmiDhObject, TpmtPublic) {
    let made = tpm.run_auth(&create_primary(hierarchy, public)).unwrap();
    (TpmiDhObject(made.object_handle.0), made.out_public.0)
}

fn load(tpm: &mut TestTpm, public: TpmtPublic, private: Option<TpmtSensitive>) -> TpmiDhObject {
    TpmiDhObject(tpm.run(&load_external(public, private, NULL)).unwrap().object_handle.0)
}

fn flush(tpm: &mut TestTpm, handle: TpmiDhObject) {
    tpm.run(&FlushContext { flush_handle: TpmiDhContext(handle.0) }).unwrap();
}

fn ctx(context: &[u8]) -> Tpm2bSignatureCtx {
    Tpm2bSignatureCtx::from_slice(context).unwrap()
}

fn sign_start(key: TpmiDhObject, context: &[u8]) -> SignSequenceStart {
    SignSequenceStart { key_handle: key, auth: Tpm2bAuth::default(), context: ctx(context) }
}

fn verify_start(key: TpmiDhObject, hint: &[u8], context: &[u8]) -> VerifySequenceStart {
    let hint = Tpm2bSignatureHint::from_slice(hint).unwrap();
    VerifySequenceStart { key_handle: key, auth: Tpm2bAuth::default(), hint, context: ctx(context) }
}

fn update(tpm: &mut TestTpm, sequence: TpmiDhObject, part: &[u8]) {
    let buffer = Tpm2bMaxBuffer::from_slice(part).unwrap();
    tpm.run_auth(&SequenceUpdate { sequence_handle: sequence, buffer }).unwrap();
}

fn sign_complete(sequence: TpmiDhObject, key: TpmiDhObject, message: &[u8]) -> SignSequenceComplete {
    let buffer = Tpm2bMaxBuffer::from_slice(message).unwrap();
    SignSequenceComplete { sequence_handle: sequence, key_handle: key, buffer }
}

fn signed(tpm: &mut TestTpm, key: TpmiDhObject, message: &[u8]) -> TpmtSignature {
    let sequence = tpm.run(&sign_start(key, b"")).unwrap().sequence_handle;
    tpm.run_auth(&sign_complete(sequence, key, message)).unwrap().signature
}

fn verified(
    tpm: &mut TestTpm,
    key: TpmiDhObject,
    hint: &[u8],
    parts: &[&[u8]],
    signature: &TpmtSignature,
) -> Result<TpmtTkVerified, TpmRc> {
    let sequence = tpm.run(&verify_start(key, hint, b"")).unwrap().sequence_handle;
    parts.iter().for_each(|part| update(tpm, sequence, part));
    let complete = VerifySequenceComplete { sequence_handle: sequence, key_handle: key, signature: signature.clone() };
    let result = tpm.run_auth(&complete).map(|response| response.validation);
    if result.is_err() {
        flush(tpm, sequence);
    }
    result
}

fn sign_digest(key: TpmiDhObject, digest: &[u8], validation: TpmtTkHashcheck) -> SignDigest {
    let digest = Tpm2bDigest::from_slice(digest).unwrap();
    SignDigest { key_handle: key, context: ctx(b""), digest, validation }
}

fn verify_digest(key: TpmiDhObject, digest: &[u8], signature: &TpmtSignature) -> VerifyDigestSignature {
    VerifyDigestSignature {
        key_handle: key,
        context: ctx(b""),
        digest: Tpm2bDigest::from_slice(digest).unwrap(),
        signature: signature.clone(),
    }
}

/// The bytes of a signature.
fn raw(signature: &TpmtSignature) -> Vec<u8> {
    match signature {
        TpmtSignature::Eddsa(bytes) | TpmtSignature::HashEddsa(bytes) => bytes.to_vec(),
        _ => panic!("{signature:?}"),
    }
}

fn hint(signature: &TpmtSignature) -> Vec<u8> {
    let raw = raw(signature);
    raw[..raw.len() / 2].to_vec()
}

fn with_bytes(signature: &TpmtSignature, bytes: &[u8]) -> TpmtSignature {
    let bytes = Tpm2bSignatureEddsa::from_slice(bytes).unwrap();
    match signature {
        TpmtSignature::Eddsa(_) => TpmtSignature::Eddsa(bytes),
        _ => TpmtSignature::HashEddsa(bytes),
    }
}

/// The same with one bit changed.
fn damaged(signature: &TpmtSignature, at: usize) -> TpmtSignature {
    let mut bytes = raw(signature);
    bytes[at] ^= 1;
    with_bytes(signature, &bytes)
}

/// Whether the portable library takes a signature of a message's hash.
fn other_library_verifies(public: &TpmtPublic, message: &[u8], signature: &TpmtSignature) -> bool {
    let PublicKind::Ecc(parms, _) = &public.kind else { panic!("{public:?}") };
    let (curve, hash) = (parms.curve_id, prehash(parms.curve_id, message).unwrap());
    PORTABLE.eddsa_verify(curve, &coordinate(public), Domain::PREHASHED, &hash, &raw(signature)).is_ok()
}

fn verifies(public: &TpmtPublic, message: &[u8], signature: &TpmtSignature) -> bool {
    match signature {
        TpmtSignature::Eddsa(bytes) => openssl_verifies(public, message, bytes),
        _ => other_library_verifies(public, message, signature),
    }
}

#[test]
fn the_vectors_of_rfc_8032_hold_through_bytes() {
    let mut tpm = TestTpm::started();
    let mut count = 0;
    for row in VECTORS.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let [instance, private_key, point, message, context, signature] = row.split(' ').collect::<Vec<_>>()[..] else {
            panic!("{row}")
        };
        // The TPM gives EdDSA no context.
        if context != "-" {
            continue;
        }
        let curve = if instance.starts_with("ed448") { TpmEccCurve::Curve448 } else { TpmEccCurve::Curve25519 };
        let message = if message == "-" { vec![] } else { bytes(message) };
        let hashed = instance.ends_with("ph");
        let template = if hashed { hash_eddsa(curve, PLAIN) } else { eddsa(curve, PLAIN) };
        let public = at(&bytes(point), &[], template);
        let key = load(&mut tpm, public, Some(private(&bytes(private_key))));
        let found = signed(&mut tpm, key, &message);
        assert_eq!(raw(&found), bytes(signature), "{row}");
        let hint = if hashed { vec![] } else { hint(&found) };
        verified(&mut tpm, key, &hint, &[&message], &found).unwrap();
        if hashed {
            let digest = prehash(curve, &message).unwrap();
            let found = tpm.run_auth(&sign_digest(key, &digest, no_ticket())).unwrap().signature;
            assert_eq!(raw(&found), bytes(signature), "{row}");
            tpm.run(&verify_digest(key, &digest, &found)).unwrap();
        }
        flush(&mut tpm, key);
        count += 1;
    }
    assert_eq!(count, 15);
}

#[test]
fn messages_are_signed_as_a_whole_and_verified_in_parts() {
    let mut tpm = TestTpm::started();
    let long = [0x5a; 1024];
    for curve in CURVES {
        let (key, public) = made(&mut tpm, OWNER, eddsa(curve, OWN));
        for message in [&b"1"[..], MESSAGE, &long] {
            let signature = signed(&mut tpm, key, message);
            assert!(matches!(signature, TpmtSignature::Eddsa(_)));
            assert!(openssl_verifies(&public, message, &raw(&signature)));
            let (first, rest) = message.split_at(message.len() / 3);
            let ticket = verified(&mut tpm, key, &hint(&signature), &[first, rest], &signature).unwrap();
            assert_eq!(ticket.metadata, TpmuTkVerifiedMeta::MessageVerified);
        }
        let signature = signed(&mut tpm, key, MESSAGE);
        let (hint, size) = (hint(&signature), ed_size(curve));
        let wrong = Some(TpmRc::SIGNATURE.parameter(1));
        let other = verified(&mut tpm, key, &hint, &[b"another message"], &signature).err();
        assert_eq!(other, wrong);
        for changed in [damaged(&signature, size), damaged(&signature, 0), with_bytes(&signature, &hint)] {
            assert_eq!(verified(&mut tpm, key, &hint, &[MESSAGE], &changed).err(), wrong);
        }
        let empty = with_bytes(&signature, &[]);
        assert_eq!(verified(&mut tpm, key, &hint, &[MESSAGE], &empty).err(), wrong);
        // A signature that is good, and a hint that is not its R.
        let mut another = hint.clone();
        another[3] ^= 1;
        assert_eq!(verified(&mut tpm, key, &another, &[MESSAGE], &signature).err(), wrong);
        let scheme = TpmtSignature::HashEddsa(Tpm2bSignatureEddsa::from_slice(&raw(&signature)).unwrap());
        assert_eq!(verified(&mut tpm, key, &hint, &[MESSAGE], &scheme).err(), Some(TpmRc::SCHEME.parameter(1)));
        for size in [0, size - 1, size + 1] {
            let refused = tpm.run(&verify_start(key, &vec![1; size], b"")).err();
            assert_eq!(refused, Some(TpmRc::SIZE.parameter(2)), "a hint that is not as long as R");
        }
        // Signatures from outside, and with the public area alone.
        let (outside, _) = outside_key(eddsa(curve, PLAIN), &vec![5; size]);
        let alone = load(&mut tpm, outside.clone(), None);
        let signature = TpmtSignature::Eddsa(
            Tpm2bSignatureEddsa::from_slice(&openssl_signs(&outside, &vec![5; size], &long)).unwrap(),
        );
        verified(&mut tpm, alone, &self::hint(&signature), &[&long], &signature).unwrap();
        let sequence = tpm.run(&sign_start(alone, b"")).unwrap().sequence_handle;
        let refused = tpm.run_auth(&sign_complete(sequence, alone, MESSAGE)).err();
        assert_eq!(refused, Some(TpmRc::AUTH_UNAVAILABLE));
        [sequence, alone, key].into_iter().for_each(|handle| flush(&mut tpm, handle));
    }
}

#[test]
fn a_begun_message_cannot_be_signed_any_more() {
    let mut tpm = TestTpm::started();
    let condition = "a scheme that needs the whole message, and a sequence with some of it";
    let refused = TpmRc::ONE_SHOT_SIGNATURE.handle(1);
    for curve in CURVES {
        let (key, _) = made(&mut tpm, OWNER, eddsa(curve, OWN));
        for part in [MESSAGE, b""] {
            let sequence = tpm.run(&sign_start(key, b"")).unwrap().sequence_handle;
            update(&mut tpm, sequence, part);
            tpm.row(condition, &sign_complete(sequence, key, MESSAGE), refused);
            tpm.row(condition, &sign_complete(sequence, key, b""), refused);
            // Not after it was saved and loaded again, either.
            let saved = tpm.run(&ContextSave { save_handle: TpmiDhContext(sequence.0) }).unwrap().context;
            flush(&mut tpm, sequence);
            let sequence = TpmiDhObject(tpm.run(&ContextLoad { context: saved }).unwrap().loaded_handle.0);
            tpm.row(condition, &sign_complete(sequence, key, MESSAGE), refused);
            flush(&mut tpm, sequence);
        }
        flush(&mut tpm, key);
    }
}

#[test]
fn sequences_go_on_after_they_were_saved() {
    let mut tpm = TestTpm::started();
    let reload = |tpm: &mut TestTpm, sequence: TpmiDhObject| {
        let saved = tpm.run(&ContextSave { save_handle: TpmiDhContext(sequence.0) }).unwrap().context;
        flush(tpm, sequence);
        TpmiDhObject(tpm.run(&ContextLoad { context: saved }).unwrap().loaded_handle.0)
    };
    for curve in CURVES {
        for template in [eddsa(curve, OWN), hash_eddsa(curve, OWN)] {
            let hashed = template == hash_eddsa(curve, OWN);
            let (key, public) = made(&mut tpm, OWNER, template);
            let sequence = tpm.run(&sign_start(key, b"")).unwrap().sequence_handle;
            let rest = if hashed {
                update(&mut tpm, sequence, &MESSAGE[..9]);
                &MESSAGE[9..]
            } else {
                MESSAGE
            };
            let sequence = reload(&mut tpm, sequence);
            let signature = tpm.run_auth(&sign_complete(sequence, key, rest)).unwrap().signature;
            assert!(verifies(&public, MESSAGE, &signature));

            let hint = if hashed { vec![] } else { hint(&signature) };
            let sequence = tpm.run(&verify_start(key, &hint, b"")).unwrap().sequence_handle;
            update(&mut tpm, sequence, &MESSAGE[..9]);
            let sequence = reload(&mut tpm, sequence);
            update(&mut tpm, sequence, &MESSAGE[9..]);
            let complete = VerifySequenceComplete { sequence_handle: sequence, key_handle: key, signature };
            tpm.run_auth(&complete).unwrap();
            flush(&mut tpm, key);
        }
    }
}

#[test]
fn hashes_are_signed_by_hash_eddsa() {
    let mut tpm = TestTpm::started();
    for curve in CURVES {
        let (key, public) = made(&mut tpm, OWNER, hash_eddsa(curve, OWN));
        let sequence = tpm.run(&sign_start(key, b"")).unwrap().sequence_handle;
        update(&mut tpm, sequence, &MESSAGE[..5]);
        let in_parts = tpm.run_auth(&sign_complete(sequence, key, &MESSAGE[5..])).unwrap().signature;
        assert!(matches!(in_parts, TpmtSignature::HashEddsa(_)));
        assert!(other_library_verifies(&public, MESSAGE, &in_parts));
        verified(&mut tpm, key, b"", &[&MESSAGE[..7], &MESSAGE[7..]], &in_parts).unwrap();

        let hash = prehash(curve, MESSAGE).unwrap();
        let signature = tpm.run_auth(&sign_digest(key, &hash, no_ticket())).unwrap().signature;
        assert_eq!(signature, in_parts);
        let ticket = tpm.run(&verify_digest(key, &hash, &signature)).unwrap().validation;
        let alg = if curve == TpmEccCurve::Curve25519 { TpmAlgId::SHA512 } else { TpmAlgId::SHAKE256_512 };
        assert_eq!(ticket.metadata, TpmuTkVerifiedMeta::DigestVerified(alg));

        let wrong = Some(TpmRc::SIGNATURE.parameter(3));
        assert_eq!(tpm.run(&verify_digest(key, &[1; 64], &signature)).err(), wrong);
        for changed in [damaged(&signature, 0), damaged(&signature, ed_size(curve)), with_bytes(&signature, b"")] {
            assert_eq!(tpm.run(&verify_digest(key, &hash, &changed)).err(), wrong);
        }
        let short = Some(TpmRc::SIZE.parameter(2));
        assert_eq!(tpm.run_auth(&sign_digest(key, &hash[1..], no_ticket())).err(), short);
        assert_eq!(tpm.run(&verify_digest(key, &hash[1..], &signature)).err(), short);
        let pure = TpmtSignature::Eddsa(Tpm2bSignatureEddsa::from_slice(&raw(&signature)).unwrap());
        assert_eq!(tpm.run(&verify_digest(key, &hash, &pure)).err(), Some(TpmRc::SCHEME.parameter(3)));
        assert_eq!(
            tpm.run(&verify_start(key, &[1; 32], b"")).err(),
            Some(TpmRc::SIZE.parameter(2)),
            "a hint is for PureEdDSA"
        );
        flush(&mut tpm, key);

        // PureEdDSA signs no digest.
        let (key, _) = made(&mut tpm, OWNER, eddsa(curve, OWN));
        let scheme = Some(TpmRc::SCHEME.handle(1));
        assert_eq!(tpm.run_auth(&sign_digest(key, &hash, no_ticket())).err(), scheme);
        assert_eq!(tpm.run(&verify_digest(key, &hash, &signature)).err(), scheme);
        flush(&mut tpm, key);
    }
}

#[test]
fn no_context_and_no_deprecated_command() {
    let mut tpm = TestTpm::started();
    for curve in CURVES {
        for template in [eddsa(curve, OWN), hash_eddsa(curve, OWN)] {
            let (key, _) = made(&mut tpm, OWNER, template.clone());
            assert_eq!(tpm.run(&sign_start(key, b"context")).err(), Some(TpmRc::SIZE.parameter(2)));
            let signature = signed(&mut tpm, key, MESSAGE);
            let hint = if template == eddsa(curve, OWN) { hint(&signature) } else { vec![] };
            let refused = tpm.run(&verify_start(key, &hint, b"context")).err();
            assert_eq!(refused, Some(TpmRc::SIZE.parameter(3)));
            if hint.is_empty() {
                let sign = SignDigest { context: ctx(b"context"), ..sign_digest(key, &[1; 64], no_ticket()) };
                assert_eq!(tpm.run_auth(&sign).err(), Some(TpmRc::SIZE.parameter(1)));
            }
            for size in [32, 64] {
                let digest = Tpm2bDigest::from_slice(&vec![1; size]).unwrap();
                let sign = Sign { key_handle: key, digest: digest.clone(), in_scheme: None, validation: no_ticket() };
                assert_eq!(tpm.run_auth(&sign).err(), Some(TpmRc::SCHEME.parameter(2)));
                let verify = VerifySignature { key_handle: key, digest, signature: signature.clone() };
                assert_eq!(tpm.run(&verify).err(), Some(TpmRc::SCHEME.parameter(2)));
            }
            flush(&mut tpm, key);
        }
    }
    // A key without a scheme is given none of these.
    let open = load(&mut tpm, outside::with_ecc_scheme(ec_public(), None), Some(ec_private()));
    for scheme in [TpmtSigScheme::Eddsa(()), TpmtSigScheme::HashEddsa(())] {
        let digest = Tpm2bDigest::from_slice(&[1; 64]).unwrap();
        let sign = Sign { key_handle: open, digest, in_scheme: Some(scheme), validation: no_ticket() };
        assert_eq!(tpm.run_auth(&sign).err(), Some(TpmRc::SCHEME.parameter(2)));
    }
}

#[test]
fn restricted_keys_sign_what_is_not_the_tpm_s_own() {
    let mut tpm = TestTpm::started();
    for curve in CURVES {
        for template in [eddsa(curve, OWN | A::RESTRICTED), hash_eddsa(curve, OWN | A::RESTRICTED)] {
            let (key, public) = made(&mut tpm, OWNER, template.clone());
            let signature = signed(&mut tpm, key, MESSAGE);
            assert!(verifies(&public, MESSAGE, &signature));
            let own = [&TPM_GENERATED_VALUE.to_be_bytes()[..], b"and more"].concat();
            let sequence = tpm.run(&sign_start(key, b"")).unwrap().sequence_handle;
            let condition = "a restricted key and a message that starts with TPM_GENERATED_VALUE";
            tpm.row(condition, &sign_complete(sequence, key, &own), TpmRc::VALUE.parameter(1));
            [sequence, key].into_iter().for_each(|handle| flush(&mut tpm, handle));
        }
        let (key, public) = made(&mut tpm, OWNER, hash_eddsa(curve, OWN | A::RESTRICTED));
        let hash = Hash {
            data: Tpm2bMaxBuffer::from_slice(MESSAGE).unwrap(),
            hash_alg: TpmiAlgHash::Sha512,
            hierarchy: TpmiRhHierarchy(OWNER),
        };
        let hashed = tpm.run(&hash).unwrap();
        let refused = Some(TpmRc::TICKET.parameter(3));
        assert_eq!(tpm.run_auth(&sign_digest(key, &hashed.out_hash, no_ticket())).err(), refused);
        let sign = sign_digest(key, &hashed.out_hash, hashed.validation);
        if curve == TpmEccCurve::Curve25519 {
            let signature = tpm.run_auth(&sign).unwrap().signature;
            assert!(other_library_verifies(&public, MESSAGE, &signature));
        } else {
            // This TPM hashes nothing with SHAKE256, so there are no tickets for Ed448ph.
            assert_eq!(tpm.run_auth(&sign).err(), refused);
        }
        flush(&mut tpm, key);
    }
}

#[test]
fn attestations_are_signed_with_eddsa() {
    let mut tpm = TestTpm::started();
    for curve in CURVES {
        for template in [eddsa(curve, OWN | A::RESTRICTED), hash_eddsa(curve, OWN | A::RESTRICTED)] {
            let scheme = if template == eddsa(curve, OWN | A::RESTRICTED) {
                TpmtSigScheme::Eddsa(())
            } else {
                TpmtSigScheme::HashEddsa(())
            };
            let (key, public) = made(&mut tpm, ENDORSEMENT, template);
            let nonce = Tpm2bData::from_slice(b"qualifying data").unwrap();
            let selection = TpmsPcrSelection { hash: SHA256, pcr_select: TpmsPcrSelect::of(&[0, 16]) };
            let quote = |in_scheme| Quote {
                sign_handle: Some(key),
                qualifying_data: nonce.clone(),
                in_scheme,
                pcr_select: TpmlPcrSelection::new(vec![selection]),
            };
            for in_scheme in [None, Some(scheme.clone())] {
                let quoted = tpm.run_auth(&quote(in_scheme)).unwrap();
                assert!(verifies(&public, &quoted.quoted, &quoted.signature.unwrap()));
                let TpmuAttest::Quote(info) = TpmsAttest::from_bytes(&quoted.quoted).unwrap().attested else {
                    panic!()
                };
                // Neither scheme names a hash: it is that of the key's name.
                assert_eq!(*info.pcr_digest, *digest(SHA256, &[&[0; 64]]));
            }
            let refused = tpm.run_auth(&quote(Some(TpmtSigScheme::Ecdsa(SHA256)))).err();
            assert_eq!(refused, Some(TpmRc::SCHEME.parameter(2)));
            let certify =
                Certify { object_handle: key, sign_handle: Some(key), qualifying_data: nonce.clone(), in_scheme: None };
            let certified = tpm.run_auth(&certify).unwrap();
            assert!(verifies(&public, &certified.certify_info, &certified.signature.unwrap()));
            let time = GetTime {
                privacy_admin_handle: TpmiRhEndorsement(ENDORSEMENT),
                sign_handle: Some(key),
                qualifying_data: nonce,
                in_scheme: None,
            };
            let time = tpm.run_auth(&time).unwrap();
            assert!(verifies(&public, &time.time_info, &time.signature.unwrap()));
            flush(&mut tpm, key);
        }
    }
}

#[test]
fn signatures_from_outside_authorize_policies() {
    let mut tpm = TestTpm::started();
    for curve in CURVES {
        let secret = vec![3; ed_size(curve)];
        let (public, _) = outside_key(eddsa(curve, PLAIN), &secret);
        let key = load(&mut tpm, public.clone(), None);
        let session = policies::start(&mut tpm, TpmSe::Policy, SHA256).handle;
        // Expiration 0; no nonce, no cpHash, no policyRef.
        let message = 0_i32.to_be_bytes();
        let authorize = |bytes: &[u8]| PolicySigned {
            auth_object: key,
            policy_session: session,
            nonce_tpm: Tpm2bNonce::default(),
            cp_hash_a: Tpm2bDigest::default(),
            policy_ref: Tpm2bNonce::default(),
            expiration: 0,
            auth: TpmtSignature::Eddsa(Tpm2bSignatureEddsa::from_slice(bytes).unwrap()),
        };
        let signature = openssl_signs(&public, &secret, &message);
        let refused = Some(TpmRc::POLICY_FAIL.parameter(5));
        for wrong in [&signature[1..], &[], &openssl_signs(&public, &secret, b"another")] {
            assert_eq!(tpm.run_with(&authorize(wrong), &[]).err(), refused);
        }
        tpm.run_with(&authorize(&signature), &[]).unwrap();
        flush(&mut tpm, TpmiDhObject(session.0));
        flush(&mut tpm, key);
    }
}

#[test]
fn only_the_key_of_the_sequence_completes_it() {
    let mut tpm = TestTpm::started();
    let (one, _) = made(&mut tpm, OWNER, eddsa(TpmEccCurve::Curve25519, OWN));
    let (other, _) = made(&mut tpm, OWNER, hash_eddsa(TpmEccCurve::Curve25519, OWN));
    let sequence = tpm.run(&sign_start(one, b"")).unwrap().sequence_handle;
    let complete = sign_complete(sequence, other, MESSAGE);
    let condition = "another key than the sequence was started with";
    let sessions = [password(b""), password(b"")];
    tpm.row_with(condition, &complete, &sessions, TpmRc::SIGN_CONTEXT_KEY.handle(2));
}
