//! `TPM2_CertifyX509` through bytes: OpenSSL judges the certificates, libtpms the errors.

use crate::common::{TestTpm, password};
use crate::curves::{self, CURVES, eddsa, hash_eddsa};
use crate::outside::{integer, is_good_certificate, load_external};
use crate::peer::Both;
use crate::templates::{keys::*, *};
use ironroot_crypto::hash::digest;
use ironroot_wire::*;

const ISSUER: &str = "300f310d300b06035504030c0474657374";
const VALIDITY: &str = "301e170d3235303130313030303030305a170d3439303130313030303030305a";
/// digitalSignature and keyCertSign; a CA.
const USAGE: &str = "300e0603551d0f0101ff040403020284";
const CA: &str = "300f0603551d130101ff040530030101ff";

/// A DER value.
fn value(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let body = parts.concat();
    let length = match body.len() {
        small @ 0..0x80 => vec![small as u8],
        medium @ 0x80..0x100 => vec![0x81, medium as u8],
        large => vec![0x82, (large >> 8) as u8, large as u8],
    };
    [vec![tag], length, body].concat()
}

/// The contents of a DER value.
fn contents(der: &[u8]) -> &[u8] {
    match der[1] {
        0x81 => &der[3..],
        0x82 => &der[4..],
        _ => &der[2..],
    }
}

/// The first element of these.
fn first(elements: &[u8]) -> (&[u8], &[u8]) {
    let after = contents(elements);
    let head = elements.len() - after.len();
    let length = match elements[1] {
        0x81 => usize::from(elements[2]),
        0x82 => usize::from(u16::from_be_bytes([elements[2], elements[3]])),
        short => usize::from(short),
    };
    elements.split_at(head + length)
}

fn extensions(list: &[Vec<u8>]) -> Vec<u8> {
    value(0xA3, &[&value(0x30, &[&list.concat()])])
}

/// tcg-tpmaObject with these attributes.
fn tpma_object(attributes: TpmaObject) -> Vec<u8> {
    let bits = value(3, &[&[0], &attributes.0.to_be_bytes()]);
    value(0x30, &[&oid(), &value(4, &[&bits])])
}

/// 2.23.133.10.1.1.1.
fn oid() -> Vec<u8> {
    bytes("06076781050a010101")
}

fn partial(algorithm: Option<&[u8]>, extensions: &[u8]) -> Vec<u8> {
    let parts: Vec<&[u8]> = algorithm.into_iter().collect();
    value(0x30, &[&parts.concat(), &bytes(ISSUER), &bytes(VALIDITY), &bytes(ISSUER), extensions])
}

fn usual() -> Vec<u8> {
    partial(None, &extensions(&[bytes(USAGE), bytes(CA)]))
}

fn certify(key: TpmHandle, signer: TpmHandle, partial_certificate: &[u8]) -> CertifyX509 {
    CertifyX509 {
        object_handle: TpmiDhObject(key.0),
        sign_handle: TpmiDhObject(signer.0),
        reserved: Tpm2bData::default(),
        in_scheme: None,
        partial_certificate: Tpm2bMaxBuffer::from_slice(partial_certificate).unwrap(),
    }
}

fn auth() -> [TpmsAuthCommand; 2] {
    [password(b""), password(b"")]
}

/// The whole certificate, put together as Part 3 says. The algorithm is the third of the added elements.
fn assembled(partial: &[u8], response: &CertifyX509Response) -> Vec<u8> {
    let added = contents(&response.added_to_certificate);
    let (version, rest) = first(added);
    let (serial, rest) = first(rest);
    let (algorithm, key) = first(rest);
    let brought = contents(partial);
    let (issuer, rest) = first(brought);
    let (validity, rest) = first(rest);
    let (subject, extensions) = first(rest);
    let tbs = value(0x30, &[version, serial, algorithm, issuer, validity, subject, key, extensions]);
    let (hash, signature) = match &response.signature {
        TpmtSignature::Rsassa(signed) | TpmtSignature::Rsapss(signed) => (signed.hash, signed.sig.to_vec()),
        TpmtSignature::Ecdsa(signed) => {
            (signed.hash, value(0x30, &[&integer(&signed.signature_r), &integer(&signed.signature_s)]))
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(response.tbs_digest[..], digest(hash, &[&tbs])[..], "tbsDigest");
    value(0x30, &[&tbs, algorithm, &value(3, &[&[0], &signature])])
}

fn made(tpm: &mut TestTpm, template: TpmtPublic) -> TpmHandle {
    tpm.run_auth(&create_primary(OWNER, template)).unwrap().object_handle
}

#[test]
fn openssl_accepts_what_the_tpm_completes() {
    let mut tpm = TestTpm::started();
    for template in
        [ecdsa(OWN), rsassa(OWN), rsa(OWN | A::SIGN_ENCRYPT, None, Some(TpmtRsaScheme::Rsapss(TpmiAlgHash::Sha256)))]
    {
        let key = made(&mut tpm, template.clone());
        let partial = partial(None, &extensions(&[bytes(USAGE), bytes(CA), tpma_object(template.object_attributes)]));
        let response = tpm.run_with(&certify(key, key, &partial), &auth()).unwrap();
        let certificate = assembled(&partial, &response);
        assert!(is_good_certificate(&certificate), "{template:?}");
        // The serial number is another one each time.
        let again = tpm.run_with(&certify(key, key, &partial), &auth()).unwrap();
        assert_ne!(again.tbs_digest, response.tbs_digest);
        tpm.run(&FlushContext { flush_handle: TpmiDhContext(key.0) }).unwrap();
    }
}

#[test]
fn the_callers_algorithm_is_used_as_it_is() {
    let mut tpm = TestTpm::started();
    let key = made(&mut tpm, ecdsa(OWN));
    let algorithm = bytes("300a06082a8648ce3d040302");
    let partial = partial(Some(&algorithm), &extensions(&[bytes(USAGE), bytes(CA)]));
    let response = tpm.run_with(&certify(key, key, &partial), &auth()).unwrap();
    let added = contents(&response.added_to_certificate);
    let (_, rest) = first(first(added).1);
    assert_eq!(first(rest).1.len(), 0, "nothing but version, serial number and key");
}

#[test]
fn errors() {
    let mut tpm = TestTpm::started();
    let key = made(&mut tpm, ecdsa(OWN));
    let storage = made(&mut tpm, ecc(OWN | STORAGE, aes128(), None));
    let refused = |tpm: &mut TestTpm, command: &CertifyX509, rc: TpmRc| {
        assert_eq!(tpm.run_with(command, &auth()).err(), Some(rc), "{command:?}");
    };
    let good = certify(key, key, &usual());
    refused(
        &mut tpm,
        &CertifyX509 { reserved: Tpm2bData::from_slice(&[1]).unwrap(), ..good.clone() },
        TpmRc::SIZE.parameter(1),
    );
    tpm.row("signHandle does not sign", &certify(key, storage, &usual()), TpmRc::KEY.handle(2));
    let other = Some(TpmtSigScheme::Ecdsa(TpmiAlgHash::Sha384));
    refused(&mut tpm, &CertifyX509 { in_scheme: other, ..good.clone() }, TpmRc::SCHEME.parameter(2));
    // No certificate says ECDSA with SM3, unless the caller has a name for it.
    let any = made(&mut tpm, ecc(OWN | SIGN, None, None));
    let sm3 =
        CertifyX509 { in_scheme: Some(TpmtSigScheme::Ecdsa(TpmiAlgHash::Sm3_256)), ..certify(key, any, &usual()) };
    let row = "no algorithm in the partial certificate, and none known for the scheme";
    tpm.row(row, &sm3, TpmRc::SCHEME.parameter(2));
    // A storage key signs nothing.
    let row = "the Key Usage extension does not fit the object";
    tpm.row(row, &certify(storage, key, &usual()), TpmRc::ATTRIBUTES.handle(1));
    // TPMA_OBJECT of another object.
    let wrong = partial(None, &extensions(&[bytes(USAGE), tpma_object(OWN)]));
    let row = "the TPMA_OBJECT extension is not that of the object";
    tpm.row(row, &certify(key, key, &wrong), TpmRc::ATTRIBUTES.handle(1));
    for bad in [
        Vec::new(),
        vec![0x30, 0],
        vec![0x30, 0x80],
        bytes(ISSUER),
        partial(None, &extensions(&[bytes(CA)])),
        partial(None, &[]),
        usual()[1..].to_vec(),
        usual()[..usual().len() - 1].to_vec(),
        [usual(), vec![0]].concat(),
    ] {
        refused(&mut tpm, &certify(key, key, &bad), TpmRc::VALUE.parameter(3));
    }
    // Whatever one byte is changed to, there is an answer; where the certificate is made, the change was in its names.
    let whole = usual();
    for at in 0..whole.len() {
        for bit in 0..8 {
            let mut changed = whole.clone();
            changed[at] ^= 1 << bit;
            let result = tpm.run_with(&certify(key, key, &changed), &auth());
            assert!(!matches!(result, Err(TpmRc::FAILURE)), "byte {at}");
        }
    }
}

#[test]
fn a_scheme_that_x509_does_not_name_needs_the_callers_algorithm() {
    let mut tpm = TestTpm::started();
    let sm3 = ecc(OWN | A::SIGN_ENCRYPT, None, Some(TpmtEccScheme::Ecdsa(TpmiAlgHash::Sm3_256)));
    let key = made(&mut tpm, sm3);
    let row = "no algorithm in the partial certificate, and none known for the scheme";
    tpm.row_with(row, &certify(key, key, &usual()), &auth(), TpmRc::SCHEME.parameter(2));
    let named = partial(Some(&bytes("300a06082a8648ce3d040302")), &extensions(&[bytes(USAGE), bytes(CA)]));
    tpm.run_with(&certify(key, key, &named), &auth()).unwrap();
}

#[test]
fn keys_of_eddsa_are_certified_and_certify_nothing() {
    let mut tpm = TestTpm::started();
    let signer = made(&mut tpm, ecdsa(OWN));
    for curve in CURVES {
        for template in [eddsa(curve, OWN), hash_eddsa(curve, OWN)] {
            let created = tpm.run_auth(&create_primary(OWNER, template)).unwrap();
            let (key, public) = (created.object_handle, created.out_public.0);
            let response = tpm.run_with(&certify(key, signer, &usual()), &auth()).unwrap();
            // The SubjectPublicKeyInfo of RFC 8410 is the last of what is added.
            assert!(response.added_to_certificate.ends_with(&curves::spki(&public)), "{public:?}");
            // There is no digest that was signed and could be returned.
            let refused = tpm.run_with(&certify(key, key, &usual()), &auth()).err();
            assert_eq!(refused, Some(TpmRc::SCHEME.parameter(2)));
            tpm.run(&FlushContext { flush_handle: TpmiDhContext(key.0) }).unwrap();
        }
    }
}

#[test]
fn each_usage_wants_its_attributes() {
    let mut tpm = TestTpm::started();
    let sign = made(&mut tpm, ecdsa(OWN));
    let parent = made(&mut tpm, ecc(OWN | STORAGE, aes128(), None));
    // Bits of KeyUsage, the highest first: what a signing key may say, and what a parent.
    for (bit, signer, storage) in [
        (15, true, false),
        (14, true, true),
        (13, false, true),
        (12, false, true),
        (11, false, true),
        (10, true, false),
        (9, true, false),
        (8, false, true),
        (7, false, true),
    ] {
        let flags = (1_u16 << bit).to_be_bytes();
        let usage = value(0x30, &[&bytes("0603551d0f"), &value(4, &[&value(3, &[&[7], &flags])])]);
        let certificate = partial(None, &extensions(&[usage]));
        for (object, good) in [(sign, signer), (parent, storage)] {
            let result = tpm.run_with(&certify(object, sign, &certificate), &auth()).map(|_| ());
            let expected = if good { Ok(()) } else { Err(TpmRc::ATTRIBUTES.handle(1)) };
            assert_eq!(result, expected, "bit {bit}");
        }
    }
}

#[test]
fn an_object_without_its_sensitive_area_is_not_certified() {
    let mut tpm = TestTpm::started();
    let key = made(&mut tpm, ecdsa(OWN));
    let public = tpm.run(&load_external(ec_public(), None, OWNER)).unwrap().object_handle;
    tpm.row("objectHandle has no sensitive area", &certify(public, key, &usual()), TpmRc::AUTH_UNAVAILABLE);
}

#[test]
fn errors_are_those_of_libtpms() {
    let mut both = Both::started();
    let template = create_primary(OWNER, ecdsa(OWN));
    let ours = both.ours.run_auth(&template).unwrap().object_handle;
    let theirs = both.theirs.run(&template, &[password(b"")]).unwrap().object_handle;
    assert_eq!(ours, theirs);
    let good = certify(ours, ours, &usual());
    let (ours_made, theirs_made) = both.same_code(&good, &auth());
    for response in [ours_made.unwrap(), theirs_made.unwrap()] {
        assert!(is_good_certificate(&assembled(&usual(), &response)));
    }
    let nothing = Tpm2bData::from_slice(&[1]).unwrap();
    let _ = both.same_code(&CertifyX509 { reserved: nothing, ..good.clone() }, &auth());
    let other = Some(TpmtSigScheme::Ecdsa(TpmiAlgHash::Sha384));
    let _ = both.same_code(&CertifyX509 { in_scheme: other, ..good }, &auth());
    // libtpms has the numbers of the handles exchanged: objectHandle is the first.
    let wrong = certify(ours, ours, &partial(None, &extensions(&[bytes(USAGE), tpma_object(OWN)])));
    let (ours_refused, theirs_refused) = both.both(&wrong, &auth());
    assert_eq!(ours_refused.err(), Some(TpmRc::ATTRIBUTES.handle(1)));
    assert_eq!(theirs_refused.err(), Some(TpmRc::ATTRIBUTES.handle(2)));
    for bad in [partial(None, &extensions(&[bytes(CA)])), bytes(ISSUER)] {
        let _ = both.same_code(&certify(ours, ours, &bad), &auth());
    }
}
