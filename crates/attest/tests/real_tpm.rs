//! Evidence from a TPM that is not ours: names, templates, certificates, and credentials that it must be able to open.
#![allow(missing_docs, clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test")]

mod peer;

use std::time::SystemTime;

use ironroot_attest::{
    EkCertificateError, EkTemplate, EkTemplateError, IdentityKeyError, IdentityKeyPolicy, Quirk, Requirement,
    make_credential, object_name, parse_public, verify_ek_certificate,
    x509::{ChainError, EvidenceCertificate, TrustStore},
};
use ironroot_crypto::{Drbg, portable::PORTABLE};
use ironroot_wire::{PublicKind, TpmaObject, TpmtPublic, Wire};
use peer::Swtpm;

fn now() -> u64 {
    SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs()
}

fn trust(tpm: &Swtpm) -> TrustStore {
    let [root, issuer] = tpm.authorities().map(|pem| EvidenceCertificate::from_pem(&pem).unwrap().remove(0));
    let mut trust = TrustStore::new();
    trust.add_root(root);
    trust.add_intermediate(issuer);
    trust
}

/// An attestation key for credentials: `ik.ctx`, its public area and its name as the TPM computed it.
fn create_ik(tpm: &Swtpm) -> (TpmtPublic, Vec<u8>) {
    tpm.run("tpm2_createprimary", &["-C", "o", "-G", "ecc", "-c", "primary.ctx"]);
    let attributes = "fixedtpm|fixedparent|sensitivedataorigin|userwithauth|sign";
    let create = ["-C", "primary.ctx", "-G", "ecc256:ecdsa-sha256", "-a", attributes, "-u", "ik.pub", "-r", "ik.prv"];
    tpm.run("tpm2_create", &create);
    tpm.run("tpm2_load", &["-C", "primary.ctx", "-u", "ik.pub", "-r", "ik.prv", "-c", "ik.ctx", "-n", "ik.name"]);
    (parse_public(&tpm.read("ik.pub")).unwrap(), tpm.read("ik.name"))
}

/// Makes credentials for the key in `ek.ctx` and lets the TPM open them.
fn check_activation(tpm: &Swtpm, ek: &TpmtPublic, ik_name: &[u8], by_policy: bool) {
    let mut random = Drbg::new(&[7; 32], b"nonce", b"test");
    for size in [1, 16, 32] {
        let credential: Vec<u8> = (0..size).collect();
        let made = make_credential(&PORTABLE, &mut random, ek, ik_name, &credential).unwrap();
        let opened = tpm.activate(&made.blob.to_bytes(), &made.secret.to_bytes(), by_policy);
        assert_eq!(opened.as_deref(), Some(&credential[..]), "{size} bytes");
    }
    let mut other_name = ik_name.to_vec();
    *other_name.last_mut().unwrap() ^= 1;
    let made = make_credential(&PORTABLE, &mut random, ek, &other_name, &[5; 32]).unwrap();
    assert_eq!(tpm.activate(&made.blob.to_bytes(), &made.secret.to_bytes(), by_policy), None);
    let too_long = vec![1; ek.name_alg.unwrap().digest_size() + 1];
    assert!(make_credential(&PORTABLE, &mut random, ek, ik_name, &too_long).is_err());
}

#[test]
fn low_range_keys_follow_their_templates_and_open_our_credentials() {
    let tpm = Swtpm::start();
    let (ik, ik_name) = create_ik(&tpm);
    assert_eq!(object_name(&ik), ik_name);
    assert_eq!(IdentityKeyPolicy::tls().check(&ik), Ok(()));
    for (algorithm, template) in [("rsa", EkTemplate::L1), ("ecc", EkTemplate::L2)] {
        tpm.run("tpm2_createek", &["-c", "ek.ctx", "-G", algorithm, "-u", "ek.pub"]);
        let ek = parse_public(&tpm.read("ek.pub")).unwrap();
        assert_eq!(EkTemplate::of(&ek), Ok(template));
        check_activation(&tpm, &ek, &ik_name, true);
    }
}

#[test]
fn high_range_keys_and_their_certificates_are_accepted() {
    let tpm = Swtpm::start();
    let (_, ik_name) = create_ik(&tpm);
    let trust = trust(&tpm);
    // swtpm_setup made both: RSA-2048 in the low range and P-384 in the high range.
    for (handle, index, template, by_policy) in
        [("0x81010001", "0x01c00002", EkTemplate::L1, true), ("0x81010016", "0x01c00016", EkTemplate::H3, false)]
    {
        tpm.run("tpm2_readpublic", &["-c", handle, "-o", "ek.pub", "-t", "ek.ctx"]);
        tpm.run("tpm2_nvread", &[index, "-o", "ek.crt"]);
        let ek = parse_public(&tpm.read("ek.pub")).unwrap();
        assert_eq!(EkTemplate::of(&ek), Ok(template));
        let certificate = tpm.read("ek.crt");
        let verdict = verify_ek_certificate(&PORTABLE, &certificate, &ek, &trust, &[], now()).unwrap();
        assert_eq!(verdict.manufacturer.as_deref(), Some("id:00001014"));
        assert_eq!(verdict.model.as_deref(), Some("swtpm"));
        assert_eq!(verdict.path.len(), 2);
        check_activation(&tpm, &ek, &ik_name, by_policy);
    }
}

#[test]
fn larger_rsa_keys_open_our_credentials() {
    let tpm = Swtpm::start();
    let (_, ik_name) = create_ik(&tpm);
    tpm.write("policy", EkTemplate::H6.policy());
    let attributes = "fixedtpm|fixedparent|sensitivedataorigin|userwithauth|adminwithpolicy|restricted|decrypt";
    let create =
        ["-C", "e", "-g", "sha384", "-G", "rsa3072:aes256cfb", "-a", attributes, "-L", "policy", "-c", "ek.ctx"];
    tpm.run("tpm2_createprimary", &create);
    tpm.run("tpm2_readpublic", &["-c", "ek.ctx", "-o", "ek.pub"]);
    let ek = parse_public(&tpm.read("ek.pub")).unwrap();
    assert_eq!(EkTemplate::of(&ek), Ok(EkTemplate::H6));
    check_activation(&tpm, &ek, &ik_name, false);
}

#[test]
fn forged_evidence_is_refused() {
    let tpm = Swtpm::start();
    let trust = trust(&tpm);
    tpm.run("tpm2_readpublic", &["-c", "0x81010001", "-o", "ek.pub"]);
    tpm.run("tpm2_nvread", &["0x01c00002", "-o", "rsa.crt"]);
    tpm.run("tpm2_nvread", &["0x01c00016", "-o", "ecc.crt"]);
    let ek = parse_public(&tpm.read("ek.pub")).unwrap();
    let (certificate, other) = (tpm.read("rsa.crt"), tpm.read("ecc.crt"));
    let verify = |certificate: &[u8], trust: &TrustStore, now| {
        verify_ek_certificate(&PORTABLE, certificate, &ek, trust, &[], now)
    };

    assert_eq!(verify(&other, &trust, now()).unwrap_err(), EkCertificateError::OtherKey);
    assert_eq!(verify(&certificate, &TrustStore::new(), now()).unwrap_err().code(), "ek_certificate_untrusted");
    assert_eq!(verify(&certificate, &trust, 0).unwrap_err().code(), "ek_certificate_not_yet_valid");
    // swtpm's certificates never expire; those of its CA do not either.
    assert!(verify(&certificate, &trust, now() + 60 * 365 * 86_400).is_ok());

    // A CA of the same names, but other keys.
    let foreign = self::trust(&Swtpm::start());
    assert!(matches!(
        verify(&certificate, &foreign, now()).unwrap_err(),
        EkCertificateError::Chain(ChainError::UnknownIssuer(_) | ChainError::Signature(..))
    ));

    // Every single bit counts: the certificate is refused, whatever changed, and nothing panics.
    for position in (0..certificate.len()).step_by(7) {
        let mut forged = certificate.clone();
        forged[position] ^= 0x10;
        assert!(verify(&forged, &trust, now()).is_err(), "byte {position}");
    }
    for length in 0..certificate.len() {
        assert!(verify(&certificate[..length], &trust, now()).is_err(), "{length} bytes");
    }

    // What NV indices put around a certificate is not the certificate.
    let padded = [&certificate[..], &[0xff; 40]].concat();
    assert!(verify(&padded, &trust, now()).unwrap().quirks.contains(&Quirk::TrailingPadding));
    let size = u16::try_from(certificate.len()).unwrap().to_be_bytes();
    let headed = [&[0x10, 0x01, 0x00][..], &size, &certificate].concat();
    assert!(verify(&headed, &trust, now()).unwrap().quirks.contains(&Quirk::NvHeader));
    assert!(verify(&[&certificate[..], b"junk"].concat(), &trust, now()).is_err());
}

#[test]
fn every_deviation_from_a_template_is_seen() {
    let tpm = Swtpm::start();
    tpm.run("tpm2_createek", &["-c", "ek.ctx", "-G", "rsa", "-u", "ek.pub"]);
    let ek = parse_public(&tpm.read("ek.pub")).unwrap();
    let with = |change: &dyn Fn(&mut TpmtPublic)| {
        let mut changed = ek.clone();
        change(&mut changed);
        EkTemplate::of(&changed)
    };
    for bit in [1, 4, 5, 7, 10, 16, 17, 18] {
        let result = with(&|ek| ek.object_attributes = TpmaObject(ek.object_attributes.0 ^ (1 << bit)));
        assert!(matches!(result, Err(EkTemplateError::Attributes { .. })), "bit {bit}");
    }
    // userWithAuth is the high range's, which has another policy.
    let result = with(&|ek| ek.object_attributes = ek.object_attributes.with(TpmaObject::USER_WITH_AUTH));
    assert_eq!(result, Err(EkTemplateError::Policy));
    assert_eq!(with(&|ek| ek.name_alg = Some(ironroot_wire::TpmiAlgHash::Sha384)), Err(EkTemplateError::NameAlgorithm));
    assert_eq!(with(&|ek| ek.auth_policy = Default::default()), Err(EkTemplateError::Policy));
    let rsa = |change: &dyn Fn(&mut ironroot_wire::TpmsRsaParms)| {
        with(&|ek| {
            if let PublicKind::Rsa(parms, _) = &mut ek.kind {
                change(parms);
            }
        })
    };
    assert_eq!(rsa(&|parms| parms.symmetric = None), Err(EkTemplateError::Symmetric));
    assert_eq!(rsa(&|parms| parms.exponent = 3), Err(EkTemplateError::Scheme));
    let oaep = ironroot_wire::TpmtRsaScheme::Oaep(ironroot_wire::TpmiAlgHash::Sha256);
    assert_eq!(rsa(&|parms| parms.scheme = Some(oaep.clone())), Err(EkTemplateError::Scheme));
    assert_eq!(
        rsa(&|parms| parms.key_bits = ironroot_wire::TpmiRsaKeyBits::new(1024)),
        Err(EkTemplateError::Algorithm)
    );
}

#[test]
fn every_rule_for_identity_keys_is_kept() {
    let tpm = Swtpm::start();
    let (ik, _) = create_ik(&tpm);
    let flip = |attribute: TpmaObject| {
        let mut changed = ik.clone();
        changed.object_attributes = TpmaObject(ik.object_attributes.0 ^ attribute.0);
        changed
    };
    let tls = IdentityKeyPolicy::tls();
    for (attribute, error) in [
        (TpmaObject::FIXED_TPM, IdentityKeyError::NotFixedTpm),
        (TpmaObject::FIXED_PARENT, IdentityKeyError::NotFixedParent),
        (TpmaObject::SENSITIVE_DATA_ORIGIN, IdentityKeyError::NotGeneratedInTpm),
        (TpmaObject::DECRYPT, IdentityKeyError::CanDecrypt),
        (TpmaObject::SIGN_ENCRYPT, IdentityKeyError::CannotSign),
        (TpmaObject::X509_SIGN, IdentityKeyError::SignsCertificates),
        (TpmaObject::RESTRICTED, IdentityKeyError::Restricted),
    ] {
        assert_eq!(tls.check(&flip(attribute)), Err(error));
    }
    let strict = IdentityKeyPolicy {
        user_with_auth: Requirement::Clear,
        admin_with_policy: Requirement::Set,
        auth_policy: Some(vec![1; 32]),
        ..IdentityKeyPolicy::tls()
    };
    assert_eq!(strict.check(&ik), Err(IdentityKeyError::UserWithAuth));
    assert_eq!(strict.check(&flip(TpmaObject::USER_WITH_AUTH)), Err(IdentityKeyError::AdminWithPolicy));
    let both = TpmaObject::USER_WITH_AUTH.with(TpmaObject::ADMIN_WITH_POLICY);
    assert_eq!(strict.check(&flip(both)), Err(IdentityKeyError::Policy));
    let with = |change: &dyn Fn(&mut IdentityKeyPolicy)| {
        let mut policy = IdentityKeyPolicy::tls();
        change(&mut policy);
        policy.check(&ik)
    };
    assert_eq!(with(&|policy| policy.curves.clear()), Err(IdentityKeyError::Size));
    assert_eq!(
        with(&|policy| policy.hashes = vec![ironroot_wire::TpmiAlgHash::Sha384]),
        Err(IdentityKeyError::NameAlgorithm)
    );
    let mut open = ik.clone();
    if let PublicKind::Ecc(parms, _) = &mut open.kind {
        parms.scheme = None;
    }
    assert_eq!(tls.check(&open), Ok(()));
    assert_eq!(IdentityKeyPolicy { open_scheme: false, ..tls }.check(&open), Err(IdentityKeyError::Scheme));
}
