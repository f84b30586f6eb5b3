//! `TPM2_Sign` and `TPM2_VerifySignature` through bytes, beside libtpms and OpenSSL.

use crate::common::{TestTpm, password};
use crate::outside::*;
use crate::peer::Both;
use crate::templates::{keys::*, *};
use ironroot_crypto::hash::digest;
use ironroot_wire::*;

const KEY: TpmiDhObject = TpmiDhObject(0x8000_0000);
const SHA256: TpmiAlgHash = TpmiAlgHash::Sha256;
const MESSAGE: &[u8] = b"a message that does not start like one of a TPM";

fn sign(hash: TpmiAlgHash, in_scheme: Option<TpmtSigScheme>) -> Sign {
    let digest = Tpm2bDigest::from_slice(&digest(hash, &[MESSAGE])).unwrap();
    Sign { key_handle: KEY, digest, in_scheme, validation: no_ticket() }
}

fn verify(hash: TpmiAlgHash, signature: TpmtSignature) -> VerifySignature {
    let digest = Tpm2bDigest::from_slice(&digest(hash, &[MESSAGE])).unwrap();
    VerifySignature { key_handle: KEY, digest, signature }
}

fn auth() -> [TpmsAuthCommand; 1] {
    [password(b"")]
}

fn both_with(public: TpmtPublic, private: TpmtSensitive) -> Both {
    let mut both = Both::started();
    both.same(&load_external(public, Some(private), NULL), &[]).unwrap();
    both
}

#[test]
fn pkcs1_signatures_are_libtpms_and_good_for_openssl() {
    let mut both = both_with(with_rsa_scheme(rsa_public(), None), rsa_private());
    for hash in [TpmiAlgHash::Sha1, SHA256, TpmiAlgHash::Sha384, TpmiAlgHash::Sha512] {
        let signed = both.same(&sign(hash, Some(TpmtSigScheme::Rsassa(hash))), &auth()).unwrap();
        assert!(verifies(&rsa_public(), MESSAGE, &signed.signature));
        assert_eq!(both.same(&verify(hash, signed.signature), &[]).unwrap().validation.hmac.len(), 0);
    }
    let sha3 = TpmiAlgHash::Sha3_256;
    let signed = both.ours.run_auth(&sign(sha3, Some(TpmtSigScheme::Rsassa(sha3)))).unwrap();
    assert!(verifies(&rsa_public(), MESSAGE, &signed.signature));
}

#[test]
fn random_signatures_are_good_for_libtpms_and_openssl() {
    let keys = [
        (with_rsa_scheme(rsa_public(), None), rsa_private(), TpmtSigScheme::Rsapss as fn(TpmiAlgHash) -> _),
        (with_ecc_scheme(ec_public(), None), ec_private(), TpmtSigScheme::Ecdsa),
    ];
    for (public, private, scheme) in keys {
        let mut both = both_with(public.clone(), private);
        for hash in [TpmiAlgHash::Sha1, SHA256, TpmiAlgHash::Sha384, TpmiAlgHash::Sha512] {
            let (ours, theirs) = both.both(&sign(hash, Some(scheme(hash))), &auth());
            let (ours, theirs) = (ours.unwrap().signature, theirs.unwrap().signature);
            assert_ne!(ours, theirs);
            assert!(verifies(&public, MESSAGE, &ours));
            for signature in [ours, theirs] {
                both.same(&verify(hash, signature), &[]).unwrap();
            }
        }
    }
}

#[test]
fn hmac_signatures_are_libtpms() {
    let (public, private) = hmac_pair(b"a key");
    let mut both = both_with(public, private);
    let signed = both.same(&sign(SHA256, None), &auth()).unwrap();
    both.same(&verify(SHA256, signed.signature.clone()), &[]).unwrap();
    let TpmtSignature::Hmac(mac) = signed.signature else { panic!() };
    let mut wrong = mac.digest().to_vec();
    wrong[31] ^= 1;
    let wrong = TpmtSignature::Hmac(TpmtHa::new(SHA256, &wrong).unwrap());
    assert_eq!(both.same(&verify(SHA256, wrong), &[]), Err(TpmRc::SIGNATURE.parameter(2)));
}

/// The scheme of the key, or the caller's, or neither.
#[test]
fn the_scheme_of_the_key_goes_before_the_callers() {
    let sha1 = TpmiAlgHash::Sha1;
    let mut both = both_with(rsa_public(), rsa_private());
    let own = both.same(&sign(SHA256, None), &auth()).unwrap();
    assert_eq!(both.same(&sign(SHA256, Some(TpmtSigScheme::Rsassa(SHA256))), &auth()).unwrap(), own);
    for other in [TpmtSigScheme::Rsassa(sha1), TpmtSigScheme::Rsapss(SHA256), TpmtSigScheme::Ecdsa(SHA256)] {
        assert_eq!(both.same(&sign(SHA256, Some(other)), &auth()), Err(TpmRc::SCHEME.parameter(2)));
    }
    let mut both = both_with(with_ecc_scheme(ec_public(), None), ec_private());
    assert_eq!(both.same(&sign(SHA256, None), &auth()), Err(TpmRc::SCHEME.parameter(2)));
    for other in [TpmtSigScheme::Rsassa(SHA256), TpmtSigScheme::Hmac(SHA256)] {
        assert_eq!(both.same(&sign(SHA256, Some(other)), &auth()), Err(TpmRc::SCHEME.parameter(2)));
    }
}

#[test]
fn errors_of_sign() {
    let mut both = both_with(rsa_public(), rsa_private());
    let mut command = sign(SHA256, None);
    command.digest = Tpm2bDigest::from_slice(&[1; 31]).unwrap();
    assert_eq!(both.same(&command, &auth()), Err(TpmRc::SIZE.parameter(1)));
    // A ticket that is there is checked, even if the key does not need it.
    let mut command = sign(SHA256, None);
    command.validation.digest = Tpm2bDigest::from_slice(&[1; 64]).unwrap();
    assert_eq!(both.same(&command, &auth()), Err(TpmRc::TICKET.parameter(3)));
    let mut both = both_with(with_rsa_scheme(with(rsa_public(), PLAIN | A::DECRYPT), None), rsa_private());
    assert_eq!(both.same(&sign(SHA256, Some(TpmtSigScheme::Rsassa(SHA256))), &auth()), Err(TpmRc::KEY.handle(1)));
    let (public, private) = aes_pair(&[1; 16]);
    let mut both = both_with(with(public, PLAIN | SIGN | A::DECRYPT), private);
    assert_eq!(both.same(&sign(SHA256, Some(TpmtSigScheme::Hmac(SHA256))), &auth()), Err(TpmRc::KEY.handle(1)));
    let mut both = both_with(with(ec_public(), PLAIN | SIGN | A::X509_SIGN), ec_private());
    assert_eq!(both.same(&sign(SHA256, None), &auth()), Err(TpmRc::ATTRIBUTES.handle(1)));
    let mut ours = TestTpm::started();
    ours.run(&load_external(rsa_public(), None, OWNER)).unwrap();
    assert_eq!(ours.run_auth(&sign(SHA256, None)), Err(TpmRc::AUTH_UNAVAILABLE));
}

#[test]
fn a_restricted_key_signs_what_the_tpm_has_hashed_and_nothing_else() {
    let mut tpm = TestTpm::started();
    for template in [rsassa(OWN | A::RESTRICTED), ecdsa(OWN | A::RESTRICTED)] {
        let made = tpm.run_auth(&create_primary(ENDORSEMENT, template)).unwrap();
        let key_handle = TpmiDhObject(made.object_handle.0);
        let mut attempt = |data: &[u8], hash_alg: TpmiAlgHash, hierarchy: u32| {
            let data = Tpm2bMaxBuffer::from_slice(data).unwrap();
            let hashed = tpm.run(&Hash { data, hash_alg, hierarchy: TpmiRhHierarchy(hierarchy) }).unwrap();
            let command = Sign { key_handle, digest: hashed.out_hash, in_scheme: None, validation: hashed.validation };
            (tpm.run_auth(&command), command)
        };
        let refused = Err(TpmRc::TICKET.parameter(3));
        let (signed, command) = attempt(MESSAGE, SHA256, OWNER);
        assert!(verifies(&made.out_public.0, MESSAGE, &signed.unwrap().signature));
        assert_eq!(attempt(b"\xFFTCG\x80\x17", SHA256, OWNER).0, refused);
        assert_eq!(attempt(MESSAGE, SHA256, NULL).0, refused);
        assert_eq!(attempt(MESSAGE, TpmiAlgHash::Sha3_256, OWNER).0, refused, "another hash of the same size");
        let other = Tpm2bDigest::from_slice(&[1; 32]).unwrap();
        assert_eq!(tpm.run_auth(&Sign { digest: other, ..command.clone() }), refused);
        assert_eq!(tpm.run_auth(&Sign { validation: no_ticket(), ..command.clone() }), refused);
        let mut moved = command.clone();
        moved.validation.hierarchy = TpmiRhHierarchy(PLATFORM);
        assert_eq!(tpm.run_auth(&moved), refused);
        // The ticket ends with the proof of its hierarchy.
        tpm.power_cycle();
        let made = tpm.run_auth(&create_primary(ENDORSEMENT, made.out_public.0.clone())).unwrap();
        let again = Sign { key_handle: TpmiDhObject(made.object_handle.0), ..command };
        assert!(tpm.run_auth(&again).is_ok());
        tpm.run_with(&Clear { auth_handle: TpmiRhClear(0x4000_000A) }, &auth()).unwrap();
        let made = tpm.run_auth(&create_primary(ENDORSEMENT, made.out_public.0.clone())).unwrap();
        let again = Sign { key_handle: TpmiDhObject(made.object_handle.0), ..again };
        assert_eq!(tpm.run_auth(&again), refused);
    }
}

#[test]
fn a_verified_ticket_depends_on_hierarchy_and_name() {
    let mut tpm = TestTpm::started();
    let signed = {
        let mut both = both_with(rsa_public(), rsa_private());
        both.same(&sign(SHA256, None), &auth()).unwrap().signature
    };
    let mut nameless = rsa_public();
    nameless.name_alg = None;
    for (public, hierarchy, ticket) in [
        (rsa_public(), OWNER, true),
        (rsa_public(), ENDORSEMENT, true),
        (rsa_public(), NULL, false),
        (nameless, OWNER, false),
    ] {
        let key_handle = TpmiDhObject(tpm.run(&load_external(public, None, hierarchy)).unwrap().object_handle.0);
        let validation = tpm.run(&VerifySignature { key_handle, ..verify(SHA256, signed.clone()) }).unwrap().validation;
        assert_eq!(validation.hmac.len(), if ticket { 64 } else { 0 });
        assert_eq!(validation.hierarchy.0, if ticket { hierarchy } else { NULL });
    }
}

#[test]
fn errors_of_verify_signature() {
    let mut both = both_with(rsa_public(), rsa_private());
    let TpmtSignature::Rsassa(good) = both.same(&sign(SHA256, None), &auth()).unwrap().signature else { panic!() };
    let bad = Err(TpmRc::SIGNATURE.parameter(2));
    let mut flipped = good.sig.to_vec();
    flipped[200] ^= 1;
    for sig in [flipped, good.sig[1..].to_vec(), vec![0; 256], vec![0xFF; 256], Vec::new()] {
        let sig = Tpm2bPublicKeyRsa::from_slice(&sig).unwrap();
        let wrong = TpmtSignature::Rsassa(TpmsSignatureRsa { sig, ..good.clone() });
        assert_eq!(both.ours.run(&verify(SHA256, wrong.clone())), bad);
        assert!(both.theirs.run(&verify(SHA256, wrong), &[]).is_err());
    }
    let pss = TpmtSignature::Rsapss(good.clone());
    assert_eq!(both.ours.run(&verify(SHA256, pss)), bad);
    let longer = verify(TpmiAlgHash::Sha384, TpmtSignature::Rsassa(good.clone()));
    assert_eq!(both.ours.run(&longer), bad);
    let half = || Tpm2bEccParameter::from_slice(&[1; 32]).unwrap();
    let ecdsa = TpmtSignature::Ecdsa(TpmsSignatureEcc { hash: SHA256, signature_r: half(), signature_s: half() });
    assert_eq!(both.same(&verify(SHA256, ecdsa.clone()), &[]), Err(TpmRc::SCHEME.parameter(2)));
    let mac = || TpmtSignature::Hmac(TpmtHa::new(SHA256, &[1; 32]).unwrap());
    assert_eq!(both.same(&verify(SHA256, mac()), &[]), Err(TpmRc::SCHEME.parameter(2)));

    let mut both = both_with(ec_public(), ec_private());
    assert_eq!(both.same(&verify(SHA256, ecdsa), &[]), bad);
    let zero = Tpm2bEccParameter::from_slice(&[0; 32]).unwrap();
    let zeros = TpmsSignatureEcc { hash: SHA256, signature_r: zero.clone(), signature_s: zero };
    assert_eq!(both.same(&verify(SHA256, TpmtSignature::Ecdsa(zeros)), &[]), bad);

    let mut both = both_with(with_rsa_scheme(with(rsa_public(), PLAIN | A::DECRYPT), None), rsa_private());
    assert_eq!(both.same(&verify(SHA256, TpmtSignature::Rsassa(good)), &[]), Err(TpmRc::ATTRIBUTES.handle(1)));
    let mut ours = TestTpm::started();
    ours.run(&load_external(hmac_pair(b"a key").0, None, OWNER)).unwrap();
    assert_eq!(ours.run(&verify(SHA256, mac())), Err(TpmRc::HANDLE.parameter(2)));
}
