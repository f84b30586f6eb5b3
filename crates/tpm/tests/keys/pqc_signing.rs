//! The signing and verification commands of v185 through bytes, with post-quantum and classical keys. The TPM signs with
//! AWS-LC; RustCrypto and OpenSSL check.

use crate::common::{TestTpm, decode, encode, password};
use crate::outside::*;
use crate::policies;
use crate::templates::{keys::*, pq::*, *};
use ironroot_crypto::{digest, hmac};
use ironroot_wire::*;

const SHA256: TpmiAlgHash = TpmiAlgHash::Sha256;
const MESSAGE: &[u8] = b"a message that does not start like one of a TPM";
const CONTEXT: &[u8] = b"context";

fn ctx(context: &[u8]) -> Tpm2bSignatureCtx {
    Tpm2bSignatureCtx::from_slice(context).unwrap()
}

/// A primary key.
fn made(tpm: &mut TestTpm, public: TpmtPublic) -> (TpmiDhObject, TpmtPublic) {
    let made = tpm.run_auth(&create_primary(OWNER, public)).unwrap();
    (TpmiDhObject(made.object_handle.0), made.out_public.0)
}

fn sign_start(key: TpmiDhObject, context: &[u8]) -> SignSequenceStart {
    SignSequenceStart { key_handle: key, auth: Tpm2bAuth::default(), context: ctx(context) }
}

fn verify_start(key: TpmiDhObject, context: &[u8]) -> VerifySequenceStart {
    let hint = Tpm2bSignatureHint::default();
    VerifySequenceStart { key_handle: key, auth: Tpm2bAuth::default(), hint, context: ctx(context) }
}

fn update(tpm: &mut TestTpm, sequence: TpmiDhObject, part: &[u8]) {
    let buffer = Tpm2bMaxBuffer::from_slice(part).unwrap();
    tpm.run_auth(&SequenceUpdate { sequence_handle: sequence, buffer }).unwrap();
}

fn sign_complete(sequence: TpmiDhObject, key: TpmiDhObject, rest: &[u8]) -> SignSequenceComplete {
    let buffer = Tpm2bMaxBuffer::from_slice(rest).unwrap();
    SignSequenceComplete { sequence_handle: sequence, key_handle: key, buffer }
}

fn verify_complete(sequence: TpmiDhObject, key: TpmiDhObject, signature: &TpmtSignature) -> VerifySequenceComplete {
    VerifySequenceComplete { sequence_handle: sequence, key_handle: key, signature: signature.clone() }
}

fn signed(tpm: &mut TestTpm, key: TpmiDhObject, context: &[u8], parts: &[&[u8]]) -> TpmtSignature {
    let sequence = tpm.run(&sign_start(key, context)).unwrap().sequence_handle;
    let (last, first) = parts.split_last().unwrap();
    first.iter().for_each(|part| update(tpm, sequence, part));
    let signature = tpm.run_auth(&sign_complete(sequence, key, last)).unwrap().signature;
    // The sequence is gone.
    assert!(tpm.run_auth(&sign_complete(sequence, key, b"")).is_err());
    signature
}

fn verified(
    tpm: &mut TestTpm,
    key: TpmiDhObject,
    context: &[u8],
    parts: &[&[u8]],
    signature: &TpmtSignature,
) -> Result<TpmtTkVerified, TpmRc> {
    let sequence = tpm.run(&verify_start(key, context)).unwrap().sequence_handle;
    parts.iter().for_each(|part| update(tpm, sequence, part));
    let result = tpm.run_auth(&verify_complete(sequence, key, signature)).map(|response| response.validation);
    if result.is_err() {
        tpm.run(&FlushContext { flush_handle: TpmiDhContext(sequence.0) }).unwrap();
    }
    result
}

fn sign_digest(key: TpmiDhObject, context: &[u8], digest: &[u8], validation: TpmtTkHashcheck) -> SignDigest {
    SignDigest { key_handle: key, context: ctx(context), digest: Tpm2bDigest::from_slice(digest).unwrap(), validation }
}

fn verify_digest(key: TpmiDhObject, context: &[u8], digest: &[u8], signature: &TpmtSignature) -> VerifyDigestSignature {
    VerifyDigestSignature {
        key_handle: key,
        context: ctx(context),
        digest: Tpm2bDigest::from_slice(digest).unwrap(),
        signature: signature.clone(),
    }
}

fn flush(tpm: &mut TestTpm, key: TpmiDhObject) {
    tpm.run(&FlushContext { flush_handle: TpmiDhContext(key.0) }).unwrap();
}

/// Changes one bit of a signature.
fn damaged(signature: &TpmtSignature) -> TpmtSignature {
    let mut bytes = signature.to_bytes();
    let last = bytes.len() - 1;
    bytes[last - 900.min(last / 2)] ^= 1;
    TpmtSignature::from_bytes(&bytes).unwrap()
}

#[test]
fn ml_dsa_signs_and_verifies_messages_in_parts() {
    let mut tpm = TestTpm::started();
    let long = [0x5a; 900];
    let whole = [MESSAGE, &long, &long].concat();
    for set in DSA_SETS {
        for template in [mldsa(OWN, set, false), hash_mldsa(OWN, set, TpmiAlgHash::Sha512)] {
            let (key, public) = made(&mut tpm, template);
            for context in [&b""[..], CONTEXT, &[7; 255]] {
                let signature = signed(&mut tpm, key, context, &[MESSAGE, &long, &long]);
                assert!(other_library_verifies(&public, context, &whole, &signature));
                let ticket = verified(&mut tpm, key, context, &[MESSAGE, &[0x5a; 1000], &[0x5a; 800]], &signature);
                assert_eq!(ticket.unwrap().metadata, TpmuTkVerifiedMeta::MessageVerified);
                let wrong = verified(&mut tpm, key, context, &[MESSAGE], &signature);
                assert_eq!(wrong, Err(TpmRc::SIGNATURE.parameter(1)));
                let wrong = verified(&mut tpm, key, b"another", &[&whole[..1000], &whole[1000..]], &signature);
                assert_eq!(wrong, Err(TpmRc::SIGNATURE.parameter(1)));
            }
            let nothing = signed(&mut tpm, key, b"", &[b""]);
            assert!(other_library_verifies(&public, b"", b"", &nothing));
            flush(&mut tpm, key);
        }
    }
}

#[test]
fn classical_keys_sign_and_verify_messages_in_parts() {
    let mut tpm = TestTpm::started();
    for template in [ecdsa(OWN), rsassa(OWN)] {
        let (key, public) = made(&mut tpm, template);
        let signature = signed(&mut tpm, key, b"", &[&MESSAGE[..10], &MESSAGE[10..]]);
        assert!(verifies(&public, MESSAGE, &signature));
        verified(&mut tpm, key, b"", &[&MESSAGE[..20], &MESSAGE[20..]], &signature).unwrap();
        let wrong = verified(&mut tpm, key, b"", &[b"another"], &signature);
        assert_eq!(wrong, Err(TpmRc::SIGNATURE.parameter(1)));
        flush(&mut tpm, key);
    }
    // An HMAC is of the message, not of its digest.
    let (public, private) = hmac_pair(&[5; 32]);
    let key = tpm.run(&load_external(public, Some(private), NULL)).unwrap().object_handle;
    let key = TpmiDhObject(key.0);
    let signature = signed(&mut tpm, key, b"", &[&MESSAGE[..10], &MESSAGE[10..]]);
    let TpmtSignature::Hmac(found) = &signature else { panic!("{signature:?}") };
    assert_eq!(*found.digest(), *hmac(SHA256, &[5; 32], &[MESSAGE]));
    let ticket = verified(&mut tpm, key, b"", &[MESSAGE], &signature).unwrap();
    assert!(ticket.hmac.is_empty(), "a key of the NULL hierarchy gives a NULL ticket");
    let wrong = verified(&mut tpm, key, b"", &[b"another"], &signature);
    assert_eq!(wrong, Err(TpmRc::SIGNATURE.parameter(1)));
}

#[test]
fn digests_are_signed_and_verified() {
    let mut tpm = TestTpm::started();
    for (template, hash, context) in [
        (ecdsa(OWN), SHA256, &b""[..]),
        (rsassa(OWN), SHA256, b""),
        (hash_mldsa(OWN, TpmiMldsaParms::MlDsa44, TpmiAlgHash::Sha384), TpmiAlgHash::Sha384, CONTEXT),
        (hash_mldsa(OWN, TpmiMldsaParms::MlDsa87, TpmiAlgHash::Sha3_512), TpmiAlgHash::Sha3_512, b""),
    ] {
        let (key, public) = made(&mut tpm, template);
        let digest = digest(hash, &[MESSAGE]);
        let signature = tpm.run_auth(&sign_digest(key, context, &digest, no_ticket())).unwrap().signature;
        if matches!(public.kind, PublicKind::HashMldsa(..)) {
            assert!(other_library_verifies(&public, context, MESSAGE, &signature));
        } else {
            assert!(verifies(&public, MESSAGE, &signature));
        }
        let ticket = tpm.run(&verify_digest(key, context, &digest, &signature)).unwrap().validation;
        assert_eq!(ticket.metadata, TpmuTkVerifiedMeta::DigestVerified(TpmAlgId(hash.value())));
        // The same signature by way of the message.
        verified(&mut tpm, key, context, &[MESSAGE], &signature).unwrap();
        let condition = "the signature is wrong";
        let command = verify_digest(key, context, &digest, &damaged(&signature));
        tpm.row(condition, &command, TpmRc::SIGNATURE.parameter(3));
        let wrong = tpm.run_auth(&sign_digest(key, context, &digest[1..], no_ticket()));
        assert_eq!(wrong.err(), Some(TpmRc::SIZE.parameter(2)));
        let wrong = tpm.run(&verify_digest(key, context, &digest[1..], &signature));
        assert_eq!(wrong.err(), Some(TpmRc::SIZE.parameter(2)));
        flush(&mut tpm, key);
    }
}

#[test]
fn an_external_mu_is_signed_if_the_key_allows_it() {
    let mut tpm = TestTpm::started();
    let (key, public) = made(&mut tpm, mldsa(OWN, TpmiMldsaParms::MlDsa65, true));
    let mu = mu(&public, CONTEXT, MESSAGE);
    let signature = tpm.run_auth(&sign_digest(key, b"", &mu, no_ticket())).unwrap().signature;
    assert!(other_library_verifies(&public, CONTEXT, MESSAGE, &signature));
    let ticket = tpm.run(&verify_digest(key, b"", &mu, &signature)).unwrap().validation;
    assert_eq!(ticket.metadata, TpmuTkVerifiedMeta::DigestVerified(TpmAlgId::SHAKE256_512));
    verified(&mut tpm, key, CONTEXT, &[MESSAGE], &signature).unwrap();
    // The context is in the mu already; the mu has 64 bytes.
    let wrong = tpm.run_auth(&sign_digest(key, CONTEXT, &mu, no_ticket()));
    assert_eq!(wrong.err(), Some(TpmRc::SIZE.parameter(1)));
    let wrong = tpm.run(&verify_digest(key, CONTEXT, &mu, &signature));
    assert_eq!(wrong.err(), Some(TpmRc::SIZE.parameter(1)));
    let wrong = tpm.run_auth(&sign_digest(key, b"", &mu[1..], no_ticket()));
    assert_eq!(wrong.err(), Some(TpmRc::SIZE.parameter(2)));

    let (other, _) = made(&mut tpm, mldsa(OWN, TpmiMldsaParms::MlDsa65, false));
    let wrong = tpm.run_auth(&sign_digest(other, b"", &mu, no_ticket()));
    assert_eq!(wrong.err(), Some(TpmRc::EXT_MU.handle(1)));
    let wrong = tpm.run(&verify_digest(other, b"", &mu, &signature));
    assert_eq!(wrong.err(), Some(TpmRc::EXT_MU.handle(1)));
    // Restricted keys never: the TPM has no ticket for a mu.
    let (restricted, _) = made(&mut tpm, mldsa(OWN | A::RESTRICTED, TpmiMldsaParms::MlDsa65, true));
    let wrong = tpm.run_auth(&sign_digest(restricted, b"", &mu, no_ticket()));
    assert_eq!(wrong.err(), Some(TpmRc::TICKET.parameter(3)));
}

#[test]
fn restricted_keys_sign_what_is_not_the_tpms_own() {
    let mut tpm = TestTpm::started();
    let own = [&TPM_GENERATED_VALUE.to_be_bytes()[..], b"and more"].concat();
    for template in [
        ecdsa(OWN | A::RESTRICTED),
        mldsa(OWN | A::RESTRICTED, TpmiMldsaParms::MlDsa44, false),
        hash_mldsa(OWN | A::RESTRICTED, TpmiMldsaParms::MlDsa44, SHA256),
    ] {
        let (key, public) = made(&mut tpm, template);
        signed(&mut tpm, key, b"", &[&MESSAGE[..1], &MESSAGE[1..]]);
        signed(&mut tpm, key, b"", &[b"\xff"]);
        // However it is split.
        for cut in 0..5 {
            let sequence = tpm.run(&sign_start(key, b"")).unwrap().sequence_handle;
            update(&mut tpm, sequence, &own[..cut]);
            let condition = "a restricted key and a message that starts with TPM_GENERATED_VALUE";
            tpm.row(condition, &sign_complete(sequence, key, &own[cut..]), TpmRc::VALUE.parameter(1));
            tpm.run(&FlushContext { flush_handle: TpmiDhContext(sequence.0) }).unwrap();
        }
        if !matches!(public.kind, PublicKind::Mldsa(..)) {
            let hashed = digest(SHA256, &[MESSAGE]);
            let wrong = tpm.run_auth(&sign_digest(key, b"", &hashed, no_ticket()));
            assert_eq!(wrong.err(), Some(TpmRc::TICKET.parameter(3)));
            let hash = Hash {
                data: Tpm2bMaxBuffer::from_slice(MESSAGE).unwrap(),
                hash_alg: SHA256,
                hierarchy: TpmiRhHierarchy(OWNER),
            };
            let ticket = tpm.run(&hash).unwrap().validation;
            let other = digest(SHA256, &[b"another"]);
            let wrong = tpm.run_auth(&sign_digest(key, b"", &other, ticket.clone()));
            assert_eq!(wrong.err(), Some(TpmRc::TICKET.parameter(3)));
            tpm.run_auth(&sign_digest(key, b"", &hashed, ticket)).unwrap();
        }
        flush(&mut tpm, key);
    }
    // Restricted HMAC keys sign digests, and there is no ticket.
    let (hmac_key, _) = made(&mut tpm, keyedhash(OWN | SIGN | A::RESTRICTED, hmac_sha256()));
    assert_eq!(tpm.run(&sign_start(hmac_key, b"")).err(), Some(TpmRc::ATTRIBUTES.handle(1)));
}

#[test]
fn keys_that_cannot_sign_are_refused() {
    let mut tpm = TestTpm::started();
    let (kem, _) = made(&mut tpm, mlkem_plain(TpmiMlkemParms::MlKem512));
    let hashed = digest(SHA256, &[MESSAGE]);
    tpm.row("a key that does not sign", &sign_start(kem, b""), TpmRc::KEY.handle(1));
    tpm.row("a key that does not sign", &verify_start(kem, b""), TpmRc::KEY.handle(1));
    assert_eq!(tpm.run_auth(&sign_digest(kem, b"", &hashed, no_ticket())).err(), Some(TpmRc::KEY.handle(1)));

    let (open, _) = made(&mut tpm, ecc(OWN | SIGN, None, None));
    tpm.row("a key without a scheme", &sign_start(open, b""), TpmRc::SCHEME.handle(1));
    tpm.row("a key without a scheme", &verify_start(open, b""), TpmRc::SCHEME.handle(1));
    assert_eq!(tpm.run_auth(&sign_digest(open, b"", &hashed, no_ticket())).err(), Some(TpmRc::SCHEME.handle(1)));

    let (hmac_key, _) = made(&mut tpm, keyedhash(OWN | SIGN, hmac_sha256()));
    let wrong = tpm.run_auth(&sign_digest(hmac_key, b"", &hashed, no_ticket()));
    assert_eq!(wrong.err(), Some(TpmRc::SCHEME.handle(1)), "an HMAC is of a message");

    for template in [ecdsa(OWN | A::X509_SIGN), mldsa(OWN | A::X509_SIGN, TpmiMldsaParms::MlDsa44, true)] {
        let (key, _) = made(&mut tpm, template);
        let sequence = tpm.run(&sign_start(key, b"")).unwrap().sequence_handle;
        tpm.row("a key with x509sign", &sign_complete(sequence, key, b""), TpmRc::ATTRIBUTES.handle(2));
        let wrong = tpm.run_auth(&sign_digest(key, b"", &hashed, no_ticket()));
        assert_eq!(wrong.err(), Some(TpmRc::ATTRIBUTES.handle(1)));
    }
}

#[test]
fn contexts_and_hints_are_for_the_schemes_that_have_them() {
    let mut tpm = TestTpm::started();
    let (key, _) = made(&mut tpm, ecdsa(OWN));
    assert_eq!(tpm.run(&sign_start(key, b"x")).err(), Some(TpmRc::SIZE.parameter(2)));
    assert_eq!(tpm.run(&verify_start(key, b"x")).err(), Some(TpmRc::SIZE.parameter(3)));
    let hashed = digest(SHA256, &[MESSAGE]);
    let wrong = tpm.run_auth(&sign_digest(key, b"x", &hashed, no_ticket()));
    assert_eq!(wrong.err(), Some(TpmRc::SIZE.parameter(1)));
    let mut hinted = verify_start(key, b"");
    hinted.hint = Tpm2bSignatureHint::from_slice(b"x").unwrap();
    assert_eq!(tpm.run(&hinted).err(), Some(TpmRc::SIZE.parameter(2)));
}

#[test]
fn a_sequence_ends_as_it_began() {
    let mut tpm = TestTpm::started();
    let (key, public) = made(&mut tpm, mldsa(OWN, TpmiMldsaParms::MlDsa44, false));
    let (other, _) = made(&mut tpm, mldsa(OWN, TpmiMldsaParms::MlDsa44, true));
    let signature = signed(&mut tpm, key, b"", &[MESSAGE]);

    let signing = tpm.run(&sign_start(key, b"")).unwrap().sequence_handle;
    let condition = "another key than the sequence was started with";
    tpm.row(condition, &sign_complete(signing, other, MESSAGE), TpmRc::SIGN_CONTEXT_KEY.handle(2));
    let verifying = tpm.run(&verify_start(key, b"")).unwrap().sequence_handle;
    tpm.row(condition, &verify_complete(verifying, other, &signature), TpmRc::SIGN_CONTEXT_KEY.handle(2));

    // Not one as the other, and not as a hash.
    assert_eq!(tpm.run_auth(&sign_complete(verifying, key, b"")).err(), Some(TpmRc::MODE.handle(1)));
    assert_eq!(tpm.run_auth(&verify_complete(signing, key, &signature)).err(), Some(TpmRc::MODE.handle(1)));
    for sequence in [signing, verifying] {
        let hierarchy = TpmiRhHierarchy(NULL);
        let complete = SequenceComplete { sequence_handle: sequence, buffer: Tpm2bMaxBuffer::default(), hierarchy };
        assert_eq!(tpm.run_auth(&complete).err(), Some(TpmRc::MODE.handle(1)));
    }
    // What was refused has changed nothing.
    let again = tpm.run_auth(&sign_complete(signing, key, MESSAGE)).unwrap().signature;
    assert!(other_library_verifies(&public, b"", MESSAGE, &again));
    update(&mut tpm, verifying, MESSAGE);
    tpm.row(
        "the signature is wrong",
        &verify_complete(verifying, key, &damaged(&again)),
        TpmRc::SIGNATURE.parameter(1),
    );
    tpm.run_auth(&verify_complete(verifying, key, &again)).unwrap();
    // Another scheme's signature.
    let (ec, _) = made(&mut tpm, ecdsa(OWN));
    let ec_signature = signed(&mut tpm, ec, b"", &[MESSAGE]);
    let wrong = verified(&mut tpm, key, b"", &[MESSAGE], &ec_signature);
    assert_eq!(wrong, Err(TpmRc::SCHEME.parameter(1)));
    let hashed = digest(SHA256, &[MESSAGE]);
    tpm.row("another scheme than the key's", &verify_digest(ec, b"", &hashed, &again), TpmRc::SCHEME.parameter(3));
}

#[test]
fn sequences_survive_being_saved() {
    let mut tpm = TestTpm::started();
    for template in [
        mldsa(OWN, TpmiMldsaParms::MlDsa44, false),
        hash_mldsa(OWN, TpmiMldsaParms::MlDsa44, SHA256),
        ecdsa(OWN),
        keyedhash(OWN | SIGN, hmac_sha256()),
    ] {
        let (key, _) = made(&mut tpm, template);
        let moved = |tpm: &mut TestTpm, sequence: TpmiDhObject| {
            let context = tpm.run(&ContextSave { save_handle: TpmiDhContext(sequence.0) }).unwrap().context;
            tpm.run(&FlushContext { flush_handle: TpmiDhContext(sequence.0) }).unwrap();
            TpmiDhObject(tpm.run(&ContextLoad { context }).unwrap().loaded_handle.0)
        };
        let mut sequence = tpm.run(&sign_start(key, b"")).unwrap().sequence_handle;
        for part in [&MESSAGE[..2], &MESSAGE[2..20]] {
            update(&mut tpm, sequence, part);
            sequence = moved(&mut tpm, sequence);
        }
        let signature = tpm.run_auth(&sign_complete(sequence, key, &MESSAGE[20..])).unwrap().signature;
        let mut sequence = tpm.run(&verify_start(key, b"")).unwrap().sequence_handle;
        for part in [&MESSAGE[..2], &MESSAGE[2..]] {
            update(&mut tpm, sequence, part);
            sequence = moved(&mut tpm, sequence);
        }
        let ticket = tpm.run_auth(&verify_complete(sequence, key, &signature)).unwrap().validation;
        assert_eq!(ticket, verified(&mut tpm, key, b"", &[MESSAGE], &signature).unwrap());
        flush(&mut tpm, key);
    }
}

#[test]
fn the_key_authorizes_the_signature_and_not_its_start() {
    let mut tpm = TestTpm::started();
    let mut command = create_primary(OWNER, mldsa(OWN, TpmiMldsaParms::MlDsa44, false));
    command.in_sensitive = secret(b"key", b"");
    let key = TpmiDhObject(tpm.run_auth(&command).unwrap().object_handle.0);
    let mut start = sign_start(key, b"");
    start.auth = Tpm2bAuth::from_slice(b"sequence").unwrap();
    let sequence = tpm.run(&start).unwrap().sequence_handle;
    let complete = sign_complete(sequence, key, MESSAGE);
    let with = |sequence: &[u8], key: &[u8]| [password(sequence), password(key)];
    assert_eq!(tpm.run_with(&complete, &with(b"wrong", b"key")).err(), Some(TpmRc::BAD_AUTH.session(1)));
    assert_eq!(tpm.run_with(&complete, &with(b"sequence", b"wrong")).err(), Some(TpmRc::AUTH_FAIL.session(2)));
    tpm.run_with(&complete, &with(b"sequence", b"key")).unwrap();
}

#[test]
fn tickets_of_every_kind_authorize_policies() {
    let mut tpm = TestTpm::started();
    let approved = [0; 32];
    for template in [mldsa(OWN, TpmiMldsaParms::MlDsa44, false), ecdsa(OWN)] {
        let (key, _) = made(&mut tpm, template);
        let name = tpm.run(&ReadPublic { object_handle: key }).unwrap().name;
        let to_be_signed = [&approved[..], b"ref"].concat();
        let signature = signed(&mut tpm, key, b"", &[&to_be_signed]);
        let ticket = verified(&mut tpm, key, b"", &[&to_be_signed], &signature).unwrap();
        let session = policies::start(&mut tpm, TpmSe::Policy, SHA256).handle;
        let authorize = |check_ticket, policy_ref: &[u8]| PolicyAuthorize {
            policy_session: session,
            approved_policy: Tpm2bDigest::from_slice(&approved).unwrap(),
            policy_ref: Tpm2bNonce::from_slice(policy_ref).unwrap(),
            key_sign: name.clone(),
            check_ticket,
        };
        let wrong = tpm.run(&authorize(ticket.clone(), b"other"));
        assert_eq!(wrong.err(), Some(TpmRc::POLICY));
        let renamed = TpmtTkVerified { metadata: TpmuTkVerifiedMeta::Verified, ..ticket.clone() };
        assert_eq!(tpm.run(&authorize(renamed, b"ref")).err(), Some(TpmRc::POLICY));
        tpm.run(&authorize(ticket, b"ref")).unwrap();
        tpm.run(&FlushContext { flush_handle: TpmiDhContext(session.0) }).unwrap();
        flush(&mut tpm, key);
    }
    // A digest's ticket names its hash.
    let (key, _) = made(&mut tpm, ecdsa(OWN));
    let name = tpm.run(&ReadPublic { object_handle: key }).unwrap().name;
    let hashed = digest(SHA256, &[&approved, b""]);
    let signature = tpm.run_auth(&sign_digest(key, b"", &hashed, no_ticket())).unwrap().signature;
    let check_ticket = tpm.run(&verify_digest(key, b"", &hashed, &signature)).unwrap().validation;
    let session = policies::start(&mut tpm, TpmSe::Policy, SHA256).handle;
    let authorize = PolicyAuthorize {
        policy_session: session,
        approved_policy: Tpm2bDigest::from_slice(&approved).unwrap(),
        policy_ref: Tpm2bNonce::default(),
        key_sign: name,
        check_ticket,
    };
    tpm.run(&authorize).unwrap();
}

#[test]
fn damaged_commands_are_refused_without_harm() {
    let mut tpm = TestTpm::started();
    let (key, _) = made(&mut tpm, mldsa(OWN, TpmiMldsaParms::MlDsa44, true));
    let bytes = encode(&sign_digest(key, b"", &[1; 64], no_ticket()), &[password(b"")]);
    for cut in 10..bytes.len() {
        let mut short = bytes[..cut].to_vec();
        short[2..6].copy_from_slice(&u32::try_from(cut).unwrap().to_be_bytes());
        let response = tpm.raw(&short);
        assert!(decode::<SignDigest>(&response).is_err());
    }
}
