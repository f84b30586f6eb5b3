//! Attestation through bytes; OpenSSL checks the signatures.

use crate::common::{TestTpm, password};
use crate::outside::*;
use crate::peer::Both;
use crate::templates::{keys::*, *};
use ironroot_crypto::hash::digest;
use ironroot_wire::*;

const SHA256: TpmiAlgHash = TpmiAlgHash::Sha256;
const INDEX: TpmiRhNvIndex = TpmiRhNvIndex(0x0180_0001);

fn auth() -> [TpmsAuthCommand; 1] {
    [password(b"")]
}

fn nonce() -> Tpm2bData {
    Tpm2bData::from_slice(b"qualifying data").unwrap()
}

/// A restricted signing key in a hierarchy.
fn attestation_key(tpm: &mut TestTpm, hierarchy: u32) -> CreatePrimaryResponse {
    tpm.run_auth(&create_primary(hierarchy, ecdsa(OWN | A::RESTRICTED))).unwrap()
}

fn handle(made: &CreatePrimaryResponse) -> Option<TpmiDhObject> {
    Some(TpmiDhObject(made.object_handle.0))
}

fn opened(tpm: &mut TestTpm, key: &CreatePrimaryResponse, info: &[u8], signature: Option<TpmtSignature>) -> TpmsAttest {
    assert!(verifies(&key.out_public.0, info, &signature.unwrap()));
    let attest = TpmsAttest::from_bytes(info).unwrap();
    let public = tpm.run(&ReadPublic { object_handle: handle(key).unwrap() }).unwrap();
    assert_eq!(attest.qualified_signer, public.qualified_name);
    assert_eq!(attest.extra_data, nonce());
    attest
}

fn quote(sign_handle: Option<TpmiDhObject>, in_scheme: Option<TpmtSigScheme>, pcrs: &[u32]) -> Quote {
    let selection = TpmsPcrSelection { hash: SHA256, pcr_select: TpmsPcrSelect::of(pcrs) };
    Quote { sign_handle, qualifying_data: nonce(), in_scheme, pcr_select: TpmlPcrSelection::new(vec![selection]) }
}

fn certify(object: Option<TpmiDhObject>, sign_handle: Option<TpmiDhObject>) -> Certify {
    Certify { object_handle: object.unwrap(), sign_handle, qualifying_data: nonce(), in_scheme: None }
}

fn get_time(sign_handle: Option<TpmiDhObject>) -> GetTime {
    let privacy_admin_handle = TpmiRhEndorsement(ENDORSEMENT);
    GetTime { privacy_admin_handle, sign_handle, qualifying_data: nonce(), in_scheme: None }
}

#[test]
fn a_quote_covers_the_selected_pcr() {
    let mut tpm = TestTpm::started();
    let key = attestation_key(&mut tpm, ENDORSEMENT);
    let event = Tpm2bEvent::from_slice(b"event").unwrap();
    tpm.run_auth(&PcrEvent { pcr_handle: Some(TpmiDhPcr(16)), event_data: event }).unwrap();
    let made = tpm.run_auth(&quote(handle(&key), None, &[7, 16])).unwrap();
    let attest = opened(&mut tpm, &key, &made.quoted, made.signature);
    let TpmuAttest::Quote(info) = attest.attested else { panic!() };
    let selection =
        TpmlPcrSelection::new(vec![TpmsPcrSelection { hash: SHA256, pcr_select: TpmsPcrSelect::of(&[7, 16]) }]);
    let values = tpm.run(&PcrRead { pcr_selection_in: selection.clone() }).unwrap().pcr_values;
    assert_eq!(values.len(), 2);
    assert_eq!(info.pcr_digest.as_slice(), &digest(SHA256, &[&values[0], &values[1]])[..]);
    assert_eq!(info.pcr_select, selection);
    // Nothing selected is the digest of nothing; banks that are not allocated are left out.
    let none = Quote { pcr_select: TpmlPcrSelection::default(), ..quote(handle(&key), None, &[]) };
    let made = tpm.run_auth(&none).unwrap();
    let TpmuAttest::Quote(info) = opened(&mut tpm, &key, &made.quoted, made.signature).attested else { panic!() };
    assert_eq!(info.pcr_digest.as_slice(), &digest(SHA256, &[])[..]);
    let mut unallocated = quote(handle(&key), None, &[]);
    let sha1 = TpmsPcrSelection { hash: TpmiAlgHash::Sha1, pcr_select: TpmsPcrSelect::of(&[0]) };
    unallocated.pcr_select = TpmlPcrSelection::new(vec![sha1]);
    let made = tpm.run_auth(&unallocated).unwrap();
    let TpmuAttest::Quote(info) = opened(&mut tpm, &key, &made.quoted, made.signature).attested else { panic!() };
    assert!(info.pcr_select[0].pcr_select.is_empty());
}

#[test]
fn a_quote_is_libtpms_but_for_the_clock() {
    let mut both = Both::started();
    let key = with_rsa_scheme(rsa_public(), None);
    both.same(&load_external(key.clone(), Some(rsa_private()), NULL), &[]).unwrap();
    for scheme in [TpmtSigScheme::Rsassa(SHA256), TpmtSigScheme::Rsapss(TpmiAlgHash::Sha384)] {
        let (ours, theirs) = both.both(&quote(Some(TpmiDhObject(0x8000_0000)), Some(scheme), &[0, 1, 23]), &auth());
        let (ours, theirs) = (ours.unwrap(), theirs.unwrap());
        assert!(verifies(&key, &ours.quoted, &ours.signature.unwrap()));
        let [ours, theirs] = [ours.quoted, theirs.quoted].map(|quoted| TpmsAttest::from_bytes(&quoted).unwrap());
        assert_eq!(ours.attested, theirs.attested);
        assert_eq!((ours.qualified_signer, ours.extra_data), (theirs.qualified_signer, theirs.extra_data));
    }
}

#[test]
fn certify_names_the_object() {
    let mut tpm = TestTpm::started();
    let key = attestation_key(&mut tpm, ENDORSEMENT);
    let object = tpm.run_auth(&create_primary(OWNER, ecc_srk())).unwrap();
    let made = tpm.run_auth(&certify(handle(&object), handle(&key))).unwrap();
    let TpmuAttest::Certify(info) = opened(&mut tpm, &key, &made.certify_info, made.signature).attested else {
        panic!()
    };
    let public = tpm.run(&ReadPublic { object_handle: handle(&object).unwrap() }).unwrap();
    assert_eq!((info.name, info.qualified_name), (public.name, public.qualified_name));
    // Half an object cannot be certified, and a key cannot certify without the authorization of the object.
    let half = tpm.run(&load_external(ec_public(), None, OWNER)).unwrap();
    let command = certify(Some(TpmiDhObject(half.object_handle.0)), handle(&key));
    assert_eq!(tpm.run_auth(&command), Err(TpmRc::AUTH_UNAVAILABLE));
    let command = certify(handle(&object), handle(&key));
    assert_eq!(tpm.run_with(&command, &[password(b"no"), password(b"")]), Err(TpmRc::BAD_AUTH.session(1)));
}

#[test]
fn certify_creation_needs_the_ticket() {
    let mut tpm = TestTpm::started();
    let key = attestation_key(&mut tpm, ENDORSEMENT);
    for hierarchy in [OWNER, NULL] {
        let object = tpm.run_auth(&create_primary(hierarchy, ecc_srk())).unwrap();
        let good = CertifyCreation {
            sign_handle: handle(&key),
            object_handle: handle(&object).unwrap(),
            qualifying_data: nonce(),
            creation_hash: object.creation_hash.clone(),
            in_scheme: None,
            creation_ticket: object.creation_ticket.clone(),
        };
        let made = tpm.run_auth(&good).unwrap();
        let TpmuAttest::Creation(info) = opened(&mut tpm, &key, &made.certify_info, made.signature).attested else {
            panic!()
        };
        assert_eq!((&info.object_name, &info.creation_hash), (&object.name, &object.creation_hash));
        let creation = object.creation_data.0.to_bytes();
        assert_eq!(object.creation_hash.as_slice(), &digest(SHA256, &[&creation])[..]);

        let refused = Err(TpmRc::TICKET.parameter(4));
        let mut other = good.clone();
        other.creation_hash = Tpm2bDigest::from_slice(&[1; 32]).unwrap();
        assert_eq!(tpm.run_auth(&other), refused);
        let mut other = good.clone();
        other.creation_ticket.hierarchy = TpmiRhHierarchy(PLATFORM);
        assert_eq!(tpm.run_auth(&other), refused);
        let mut other = good.clone();
        other.creation_ticket.digest = Tpm2bDigest::default();
        assert_eq!(tpm.run_auth(&other), refused);
        let other = CertifyCreation { object_handle: handle(&key).unwrap(), ..good.clone() };
        assert_eq!(tpm.run_auth(&other), refused);
    }
}

/// Part 3, 18.1 and 18.7.
#[test]
fn keys_of_the_owner_do_not_tell_what_would_link_them() {
    let mut tpm = TestTpm::started();
    tpm.power_cycle();
    let mut masked = Vec::new();
    for hierarchy in [ENDORSEMENT, PLATFORM, OWNER, NULL] {
        let key = attestation_key(&mut tpm, hierarchy);
        let made = tpm.run_auth(&get_time(handle(&key))).unwrap();
        let attest = opened(&mut tpm, &key, &made.time_info, made.signature);
        let TpmuAttest::Time(info) = attest.attested else { panic!() };
        let read = tpm.run(&ReadClock {}).unwrap().current_time;
        assert_eq!(info.time.clock_info.reset_count, read.clock_info.reset_count);
        assert!(info.time.clock_info.reset_count > 0 && info.time.time < read.time);
        assert_eq!(attest.clock_info.clock, info.time.clock_info.clock, "Clock itself is not hidden");
        let outer = (attest.clock_info.reset_count, attest.clock_info.restart_count, attest.firmware_version);
        let inner = (info.time.clock_info.reset_count, info.time.clock_info.restart_count, info.firmware_version);
        let clear = matches!(hierarchy, ENDORSEMENT | PLATFORM);
        assert_eq!(outer == inner, clear);
        if !clear {
            masked.push(outer);
            let again = tpm.run_auth(&get_time(handle(&key))).unwrap();
            let again = TpmsAttest::from_bytes(&again.time_info).unwrap();
            assert_eq!(
                (again.clock_info.reset_count, again.firmware_version),
                (outer.0, outer.2),
                "the same each time"
            );
        }
    }
    assert_ne!(masked[0].0, masked[1].0);
    assert_ne!(masked[0].2, masked[1].2);
}

#[test]
fn nobody_signs_for_the_null_handle() {
    let mut tpm = TestTpm::started();
    let object = tpm.run_auth(&create_primary(OWNER, ecc_srk())).unwrap();
    let info = [
        tpm.run_auth(&certify(handle(&object), None)).map(|made| (made.certify_info, made.signature)).unwrap(),
        tpm.run_auth(&get_time(None)).map(|made| (made.time_info, made.signature)).unwrap(),
        tpm.run_auth(&quote(None, Some(TpmtSigScheme::Ecdsa(SHA256)), &[0]))
            .map(|made| (made.quoted, made.signature))
            .unwrap(),
    ];
    for (info, signature) in info {
        assert_eq!(signature, None);
        let attest = TpmsAttest::from_bytes(&info).unwrap();
        assert_eq!(attest.qualified_signer.as_slice(), NULL.to_be_bytes());
        assert_eq!(attest.extra_data, nonce());
    }
    assert_eq!(tpm.run_auth(&quote(None, None, &[0])), Err(TpmRc::SCHEME.parameter(2)), "no hash for the PCR");
}

#[test]
fn errors_of_the_signing_key_and_its_scheme() {
    let mut tpm = TestTpm::started();
    let object = tpm.run_auth(&create_primary(OWNER, ecc_srk())).unwrap();
    let key = attestation_key(&mut tpm, ENDORSEMENT);
    let bad = handle(&object);
    assert_eq!(tpm.run_auth(&certify(bad, bad)), Err(TpmRc::KEY.handle(2)));
    assert_eq!(tpm.run_auth(&quote(bad, None, &[0])), Err(TpmRc::KEY.handle(1)));
    assert_eq!(tpm.run_auth(&get_time(bad)), Err(TpmRc::KEY.handle(2)));
    let sequence = tpm.run(&HashSequenceStart { auth: Tpm2bAuth::default(), hash_alg: Some(SHA256) }).unwrap();
    assert_eq!(tpm.run_auth(&quote(Some(sequence.sequence_handle), None, &[0])), Err(TpmRc::KEY.handle(1)));
    let cipher = tpm.run_auth(&create_primary(OWNER, symcipher(OWN | SIGN))).unwrap();
    assert_eq!(tpm.run_auth(&quote(handle(&cipher), None, &[0])), Err(TpmRc::KEY.handle(1)));
    for scheme in [TpmtSigScheme::Ecdsa(TpmiAlgHash::Sha384), TpmtSigScheme::Rsassa(SHA256)] {
        assert_eq!(tpm.run_auth(&quote(handle(&key), Some(scheme), &[0])), Err(TpmRc::SCHEME.parameter(2)));
    }
    assert!(tpm.run_auth(&quote(handle(&key), Some(TpmtSigScheme::Ecdsa(SHA256)), &[0])).is_ok());
    let free = tpm.run_auth(&create_primary(OWNER, ecc(OWN | SIGN, None, None))).unwrap();
    assert_eq!(tpm.run_auth(&quote(handle(&free), None, &[0])), Err(TpmRc::SCHEME.parameter(2)));
    assert_eq!(
        tpm.run_auth(&quote(handle(&free), Some(TpmtSigScheme::Rsassa(SHA256)), &[0])),
        Err(TpmRc::SCHEME.parameter(2))
    );
    // An x509sign key signs structures of the TPM, though nothing else.
    let certifier = tpm.run_auth(&create_primary(OWNER, ecdsa(OWN | A::X509_SIGN))).unwrap();
    assert!(tpm.run_auth(&quote(handle(&certifier), None, &[0])).is_ok());
}

#[test]
fn an_hmac_key_attests_too() {
    let mut tpm = TestTpm::started();
    let (public, private) = hmac_pair(b"a key");
    let key = tpm.run(&load_external(public, Some(private), NULL)).unwrap();
    let made = tpm.run_auth(&quote(Some(TpmiDhObject(key.object_handle.0)), None, &[0])).unwrap();
    let Some(TpmtSignature::Hmac(mac)) = made.signature else { panic!() };
    let attested = digest(SHA256, &[&made.quoted]);
    assert_eq!(mac.digest(), &ironroot_crypto::hmac(SHA256, b"a key", &[&attested])[..]);
}

fn nv_certify(sign_handle: Option<TpmiDhObject>, size: u16, offset: u16) -> NvCertify {
    NvCertify {
        sign_handle,
        auth_handle: TpmiRhNvAuth(INDEX.0),
        nv_index: INDEX,
        qualifying_data: nonce(),
        in_scheme: None,
        size,
        offset,
    }
}

fn define(tpm: &mut TestTpm, data_size: u16) {
    let attributes = TpmaNv::AUTHREAD | TpmaNv::AUTHWRITE | TpmaNv::OWNERREAD | TpmaNv::READ_STCLEAR;
    let public =
        TpmsNvPublic { nv_index: INDEX, name_alg: SHA256, attributes, auth_policy: Tpm2bDigest::default(), data_size };
    let command =
        NvDefineSpace { auth_handle: TpmiRhProvision(OWNER), auth: Tpm2bAuth::default(), public_info: Tpm2b(public) };
    tpm.run_auth(&command).unwrap();
}

fn write(tpm: &mut TestTpm, data: &[u8], offset: u16) {
    let data = Tpm2bMaxNvBuffer::from_slice(data).unwrap();
    tpm.run_auth(&NvWrite { auth_handle: TpmiRhNvAuth(INDEX.0), nv_index: INDEX, data, offset }).unwrap();
}

#[test]
fn nv_contents_are_certified_in_parts_or_by_their_digest() {
    let mut tpm = TestTpm::started();
    let key = attestation_key(&mut tpm, ENDORSEMENT);
    define(&mut tpm, 100);
    assert_eq!(tpm.run_auth(&nv_certify(handle(&key), 0, 0)), Err(TpmRc::NV_UNINITIALIZED));
    let contents: Vec<u8> = (0..100).collect();
    write(&mut tpm, &contents, 0);
    let index_name = tpm.run(&NvReadPublic { nv_index: INDEX }).unwrap().nv_name;
    for (size, offset) in [(100, 0), (10, 90), (1, 0), (0, 1), (0, 100)] {
        let made = tpm.run_auth(&nv_certify(handle(&key), size, offset)).unwrap();
        let TpmuAttest::Nv(info) = opened(&mut tpm, &key, &made.certify_info, made.signature).attested else {
            panic!()
        };
        assert_eq!((&info.index_name, info.offset), (&index_name, offset));
        assert_eq!(info.nv_contents.as_slice(), &contents[usize::from(offset)..][..usize::from(size)]);
    }
    let made = tpm.run_auth(&nv_certify(handle(&key), 0, 0)).unwrap();
    let attest = opened(&mut tpm, &key, &made.certify_info, made.signature);
    assert_eq!(attest.attested.tag(), TpmSt::AttestNvDigest);
    let TpmuAttest::NvDigest(info) = attest.attested else { panic!() };
    assert_eq!((info.index_name, info.nv_digest.as_slice()), (index_name, &digest(SHA256, &[&contents])[..]));

    for (size, offset) in [(101, 0), (1, 100), (0, 101), (u16::MAX, u16::MAX)] {
        let rc = tpm.run_auth(&nv_certify(handle(&key), size, offset)).unwrap_err().base();
        assert!([TpmRc::NV_RANGE, TpmRc::VALUE].contains(&rc), "{size} {offset}: {rc}");
    }
    assert_eq!(tpm.run_auth(&nv_certify(handle(&key), 101, 0)), Err(TpmRc::NV_RANGE));
    assert_eq!(tpm.run_auth(&nv_certify(None, 0, 0)), Err(TpmRc::SCHEME.parameter(2)));
    let scheme = Some(TpmtSigScheme::Rsassa(TpmiAlgHash::Sha384));
    let made = tpm.run_auth(&NvCertify { in_scheme: scheme, ..nv_certify(None, 0, 0) }).unwrap();
    assert_eq!(made.signature, None);
    let TpmuAttest::NvDigest(info) = TpmsAttest::from_bytes(&made.certify_info).unwrap().attested else { panic!() };
    assert_eq!(info.nv_digest.len(), 48);
    // Reading must be allowed.
    let mut command = nv_certify(handle(&key), 1, 0);
    command.auth_handle = TpmiRhNvAuth(PLATFORM);
    assert_eq!(tpm.run_auth(&command), Err(TpmRc::NV_AUTHORIZATION));
    command.auth_handle = TpmiRhNvAuth(OWNER);
    assert!(tpm.run_auth(&command).is_ok());
    tpm.run_auth(&NvReadLock { auth_handle: TpmiRhNvAuth(INDEX.0), nv_index: INDEX }).unwrap();
    assert_eq!(tpm.run_auth(&command), Err(TpmRc::NV_LOCKED));
}

/// The most that `TPM2_NV_Read` returns can be certified, too.
#[test]
fn large_nv_contents_are_certified() {
    let mut tpm = TestTpm::started();
    let key = attestation_key(&mut tpm, ENDORSEMENT);
    define(&mut tpm, 2048);
    write(&mut tpm, &[1; 1024], 0);
    write(&mut tpm, &[2; 1024], 1024);
    let made = tpm.run_auth(&nv_certify(handle(&key), 1024, 1000)).unwrap();
    let TpmuAttest::Nv(info) = opened(&mut tpm, &key, &made.certify_info, made.signature).attested else { panic!() };
    assert_eq!(info.nv_contents.len(), 1024);
    assert_eq!(tpm.run_auth(&nv_certify(handle(&key), 1025, 0)), Err(TpmRc::VALUE.parameter(3)));
    let made = tpm.run_auth(&nv_certify(handle(&key), 0, 0)).unwrap();
    let TpmuAttest::NvDigest(info) = opened(&mut tpm, &key, &made.certify_info, made.signature).attested else {
        panic!()
    };
    assert_eq!(info.nv_digest.as_slice(), &digest(SHA256, &[&[1; 1024], &[2; 1024]])[..]);
}

/// Where libtpms refuses, we refuse with its code.
#[test]
fn error_codes_are_libtpms() {
    let mut both = Both::started();
    let second = Some(TpmiDhObject(0x8000_0001));
    let object = TpmiDhObject(0x8000_0000);
    let first = Some(object);
    let (ours, theirs) = both.both(&create_primary(OWNER, ecc_srk()), &auth());
    assert!(ours.is_ok() && theirs.is_ok());
    both.same(&load_external(ec_public(), Some(ec_private()), NULL), &[]).unwrap();
    let two = [password(b""), password(b"")];
    let ecdsa = Some(TpmtSigScheme::Ecdsa(SHA256));
    let other = Some(TpmtSigScheme::Ecdsa(TpmiAlgHash::Sha384));
    let rsa = Some(TpmtSigScheme::Rsassa(SHA256));
    for (key, scheme) in [(first, None), (first, ecdsa.clone()), (second, other), (second, rsa), (second, ecdsa)] {
        let (quoted, _) = both.same_code(&quote(key, scheme.clone(), &[0]), &auth());
        let certified = Certify { in_scheme: scheme.clone(), ..certify(first, key) };
        let (certified, _) = both.same_code(&certified, &two);
        let timed = GetTime { in_scheme: scheme.clone(), ..get_time(key) };
        let (timed, _) = both.same_code(&timed, &two);
        let created = CertifyCreation {
            sign_handle: key,
            object_handle: object,
            qualifying_data: nonce(),
            creation_hash: Tpm2bDigest::default(),
            in_scheme: scheme,
            creation_ticket: TpmtTkCreation {
                tag: TpmSt::Creation,
                hierarchy: TpmiRhHierarchy(OWNER),
                digest: Tpm2bDigest::default(),
            },
        };
        let (created, _) = both.same_code(&created, &auth());
        assert!(created.is_err());
        assert!(quoted.is_ok() == certified.is_ok() && quoted.is_ok() == timed.is_ok());
    }
    both.same_code(&certify(first, None), &two).0.unwrap();
    both.same_code(&certify(first, second), &[password(b""), password(b"wrong")]).0.unwrap_err();
    both.same_code(&get_time(None), &two).0.unwrap();
}

#[test]
fn certified_nv_contents_are_libtpms() {
    let mut both = Both::started();
    let key = with_rsa_scheme(rsa_public(), None);
    both.same(&load_external(key.clone(), Some(rsa_private()), NULL), &[]).unwrap();
    let attributes = TpmaNv::AUTHREAD | TpmaNv::AUTHWRITE;
    let public = TpmsNvPublic {
        nv_index: INDEX,
        name_alg: SHA256,
        attributes,
        auth_policy: Tpm2bDigest::default(),
        data_size: 64,
    };
    let auth_handle = TpmiRhProvision(OWNER);
    let define = NvDefineSpace { auth_handle, auth: Tpm2bAuth::default(), public_info: Tpm2b(public) };
    both.same(&define, &auth()).unwrap();
    let signer = Some(TpmiDhObject(0x8000_0000));
    let in_scheme = || Some(TpmtSigScheme::Rsassa(SHA256));
    let two = [password(b""), password(b"")];
    let unwritten = NvCertify { in_scheme: in_scheme(), ..nv_certify(signer, 1, 0) };
    assert_eq!(both.same(&unwritten, &two), Err(TpmRc::NV_UNINITIALIZED));
    let data = Tpm2bMaxNvBuffer::from_slice(&(0..64).collect::<Vec<u8>>()).unwrap();
    both.same(&NvWrite { auth_handle: TpmiRhNvAuth(INDEX.0), nv_index: INDEX, data, offset: 0 }, &auth()).unwrap();
    for (size, offset) in [(64, 0), (1, 63), (0, 0), (0, 7), (64, 1), (65, 0)] {
        let command = NvCertify { in_scheme: in_scheme(), ..nv_certify(signer, size, offset) };
        let (ours, theirs) = both.same_code(&command, &two);
        let (Ok(ours), Ok(theirs)) = (ours, theirs) else { continue };
        assert!(verifies(&key, &ours.certify_info, &ours.signature.unwrap()));
        let [ours, theirs] =
            [ours.certify_info, theirs.certify_info].map(|info| TpmsAttest::from_bytes(&info).unwrap());
        assert_eq!(ours.attested, theirs.attested);
    }
}
