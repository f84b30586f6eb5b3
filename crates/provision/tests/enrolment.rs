//! Enrolment over real sockets and a real database: what must work, works; whoever lies is refused with the right word.
#![allow(missing_docs, clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test")]

mod support;

use std::{str::FromStr as _, thread};

use der::{Encode as _, asn1::SetOfVec};
use ironroot_attest::x509::{EvidenceCertificate, PublicKey, TrustStore};
use ironroot_crypto::portable::PORTABLE;
use ironroot_provision::{
    agent::{EnrolmentRequest, HttpClient, Step, enroll},
    authority::Lifetime,
    protocol::{CertificateRequest, EnrolmentParameters, to_base64},
};
use ironroot_wire::{PublicKind, TpmaObject, TpmtPublic, Wire as _};
use support::{Factory, SoftwareTpm, TestClock, YEAR, code, config, now, start};
use x509_cert::{
    attr::Attribute,
    ext::pkix::{ExtendedKeyUsage, KeyUsage, SubjectAltName, name::GeneralName},
    name::Name,
    request::{CertReqInfo, ExtensionReq, Version},
};

fn certificate_of(pem: &str) -> EvidenceCertificate {
    EvidenceCertificate::from_pem(pem).unwrap().remove(0)
}

#[test]
fn a_device_gets_a_certificate_for_its_key() {
    let (folder, factory) = (tempfile::tempdir().unwrap(), Factory::new("maker"));
    let (service, client) = start(config(folder.path(), &factory));
    let mut tpm = factory.make_tpm(1);
    let mut steps = Vec::new();
    let request = EnrolmentRequest { subject: "CN=pump-0001,O=Acme".into(), ..EnrolmentRequest::default() };
    let enrolled = enroll(&mut tpm, &client, &request, &mut |step, _| steps.push(step)).unwrap();
    assert_eq!(
        steps,
        [Step::Keys, Step::Evidence, Step::Request, Step::Challenge, Step::Activation, Step::Certificate]
    );

    let certificate = certificate_of(&enrolled.certificate);
    assert_eq!(certificate.subject(), &Name::from_str("CN=pump-0001,O=Acme").unwrap());
    let key = PublicKey::from_spki(certificate.public_key_info()).unwrap();
    assert_eq!(key, PublicKey::from_public(&tpm.ik).unwrap());
    assert_eq!(enrolled.chain, service.authority_pem());
    let mut trust = TrustStore::new();
    trust.add_root(certificate_of(&enrolled.chain));
    trust.verify(&PORTABLE, &certificate, &[], now()).unwrap();
    let (critical, usage) = certificate.extension::<KeyUsage>().unwrap().unwrap();
    assert!(critical && usage.digital_signature() && !usage.key_cert_sign());
    let (_, purposes) = certificate.extension::<ExtendedKeyUsage>().unwrap().unwrap();
    assert_eq!(purposes.0, [ironroot_provision::profile::CLIENT_AUTH]);
}

#[test]
fn a_retry_gets_the_same_certificate() {
    let (folder, factory) = (tempfile::tempdir().unwrap(), Factory::new("maker"));
    let clock = TestClock::new();
    let mut service_config = config(folder.path(), &factory);
    clock.install(&mut service_config);
    let (service, client) = start(service_config.clone());
    let mut tpm = factory.make_tpm(2);
    let parameters = tpm.parameters("CN=pump-0002");
    let answer = tpm.answer(&client, &parameters);
    let first = client.certificate(&answer).unwrap();
    assert_eq!(client.certificate(&answer).unwrap(), first, "the same answer again");

    // A device that lost its memory signs its request anew: other bytes, the same enrolment.
    clock.advance(60);
    let again = tpm.parameters("CN=pump-0002");
    assert_ne!(again.csr, parameters.csr);
    let answer = tpm.answer(&client, &again);
    assert_eq!(client.certificate(&answer).unwrap(), first);

    // A ticket outlives a restart of the service, and so does the authority.
    let answer = tpm.answer(&client, &again);
    let authority = service.authority_pem().to_owned();
    service.stop();
    let (service, client) = start(service_config);
    assert_eq!(service.authority_pem(), authority);
    assert_eq!(client.certificate(&answer).unwrap(), first);

    // Close to its end the certificate is renewed, under another serial number, and again only once.
    clock.advance(YEAR - 20 * 24 * 60 * 60);
    let answer = tpm.answer(&client, &again);
    let renewed = client.certificate(&answer).unwrap();
    assert_ne!(renewed.serial, first.serial);
    assert!(renewed.not_after > first.not_after);
    assert_eq!(client.certificate(&answer).unwrap(), renewed);
}

#[test]
fn concurrent_tries_on_two_nodes_give_one_certificate() {
    let (folder, factory) = (tempfile::tempdir().unwrap(), Factory::new("maker"));
    // They start at the same time, on an empty folder: one of them makes what is missing.
    let ((first, one), (second, two)) = thread::scope(|scope| {
        let other = scope.spawn(|| start(config(folder.path(), &factory)));
        (start(config(folder.path(), &factory)), other.join().unwrap())
    });
    assert_eq!(first.authority_pem(), second.authority_pem());
    let mut tpm = factory.make_tpm(3);
    let parameters = tpm.parameters("CN=pump-0003");
    let answers: Vec<CertificateRequest> = (0..8).map(|_| tpm.answer(&one, &parameters)).collect();
    let serials: Vec<String> = thread::scope(|scope| {
        let handles: Vec<_> = answers
            .iter()
            .enumerate()
            .flat_map(|(index, answer)| [(index, answer), (index + 1, answer)])
            .map(|(index, answer)| {
                let client: &HttpClient = if index % 2 == 0 { &one } else { &two };
                scope.spawn(move || client.certificate(answer).unwrap().serial)
            })
            .collect();
        handles.into_iter().map(|handle| handle.join().unwrap()).collect()
    });
    assert_eq!(serials.len(), 16);
    assert!(serials.iter().all(|serial| *serial == serials[0]), "{serials:?}");
}

#[test]
fn a_subject_belongs_to_one_device() {
    let (folder, factory) = (tempfile::tempdir().unwrap(), Factory::new("maker"));
    let (_service, client) = start(config(folder.path(), &factory));
    let (mut one, mut two) = (factory.make_tpm(4), factory.make_tpm(5));
    let mine = one.parameters("CN=mine");
    let theirs = two.parameters("CN=mine");
    // Both are challenged while nobody has the name: the answer decides.
    let (first, second) = (one.answer(&client, &mine), two.answer(&client, &theirs));
    client.certificate(&first).unwrap();
    assert_eq!(code(client.certificate(&second)), "subject_taken");
    assert_eq!(code(client.challenge(&theirs)), "subject_taken");
    let renamed = one.parameters("CN=other");
    assert_eq!(code(client.challenge(&renamed)), "subject_changed");
    // A new identity key of the same device is the same device.
    one.renew_ik();
    let renewed = one.parameters("CN=mine");
    let answer = one.answer(&client, &renewed);
    client.certificate(&answer).unwrap();
}

/// Every check, each with a request that breaks only it.
#[test]
fn forged_requests_are_refused_each_with_its_word() {
    let (folder, factory) = (tempfile::tempdir().unwrap(), Factory::new("maker"));
    let (_service, client) = start(config(folder.path(), &factory));
    let stranger = Factory::new("maker");
    let mut tpm = factory.make_tpm(6);
    let mut other = factory.make_tpm(7);
    let genuine = tpm.parameters("CN=pump");
    client.challenge(&genuine).unwrap();

    let with = |change: &mut dyn FnMut(&mut EnrolmentParameters)| {
        let mut forged = genuine.clone();
        change(&mut forged);
        code(client.challenge(&forged))
    };
    let others = other.parameters("CN=pump");

    // The key in the request is not the one that the TPM shall prove.
    assert_eq!(with(&mut |p| p.csr = others.csr.clone()), "csr_other_key");
    assert_eq!(with(&mut |p| p.ik_public = others.ik_public.clone()), "csr_other_key");
    // The request is for the identity key, but another key signed it.
    assert_eq!(with(&mut |p| p.csr = to_base64(&csr_signed_by(&tpm, &mut other))), "csr_signature");
    // The endorsement certificate is for another key, of another maker, expired, or not yet valid.
    assert_eq!(with(&mut |p| p.ek_certificate = others.ek_certificate.clone()), "ek_certificate_other_key");
    assert_eq!(with(&mut |p| p.ek_public = others.ek_public.clone()), "ek_certificate_other_key");
    let certificate = |factory: &Factory, from, to| {
        to_base64(&factory.certify(&tpm.ek, Lifetime { not_before: from, not_after: to }))
    };
    let foreign = certificate(&stranger, now() - 60, now() + YEAR);
    assert_eq!(with(&mut |p| p.ek_certificate = foreign.clone()), "ek_certificate_untrusted");
    // Bringing the stranger's root along does not help.
    let root = to_base64(stranger.authority.certificate().der());
    assert_eq!(
        with(&mut |p| {
            p.ek_certificate = foreign.clone();
            p.ek_chain = vec![root.clone()];
        }),
        "ek_certificate_untrusted"
    );
    let expired = certificate(&factory, now() - YEAR, now() - 60);
    assert_eq!(with(&mut |p| p.ek_certificate = expired.clone()), "ek_certificate_expired");
    let early = certificate(&factory, now() + 3600, now() + YEAR);
    assert_eq!(with(&mut |p| p.ek_certificate = early.clone()), "ek_certificate_not_yet_valid");
    // Certificates for other purposes: a certificate for TLS, and the CA's own.
    let name = Name::from_str("CN=x").unwrap();
    let serial = ironroot_provision::authority::random_serial().unwrap();
    let key = PublicKey::from_public(&tpm.ek).unwrap();
    let tls = factory.authority.issue_server(&key, &name, vec![], &serial, Lifetime::starting(now(), YEAR)).unwrap();
    assert_eq!(with(&mut |p| p.ek_certificate = to_base64(&tls)), "ek_certificate_key_usage");
    // The endorsement key is a key of the TPM, but no endorsement key.
    let mut unrestricted = tpm.ek.clone();
    unrestricted.object_attributes = unrestricted.object_attributes.without(TpmaObject::RESTRICTED);
    assert_eq!(with(&mut |p| p.ek_public = to_base64(&unrestricted.to_bytes())), "ek_template");
    assert_eq!(with(&mut |p| p.profile = Some("root".into())), "unknown_profile");
}

/// A request for the key of `subject`, signed by the key of `signer`.
fn csr_signed_by(subject: &SoftwareTpm, signer: &mut SoftwareTpm) -> Vec<u8> {
    let info = CertReqInfo {
        version: Version::V1,
        subject: Name::from_str("CN=pump").unwrap(),
        public_key: PublicKey::from_public(&subject.ik).unwrap().to_spki().unwrap(),
        attributes: SetOfVec::default(),
    };
    signer.sign_info(&info.to_der().unwrap())
}

#[test]
fn identity_keys_that_could_leave_the_tpm_are_refused() {
    let (folder, factory) = (tempfile::tempdir().unwrap(), Factory::new("maker"));
    let (_service, client) = start(config(folder.path(), &factory));
    let mut tpm = factory.make_tpm(8);
    let genuine = tpm.ik.clone();
    let mut refused = |change: &dyn Fn(&mut TpmtPublic)| {
        tpm.ik = genuine.clone();
        change(&mut tpm.ik);
        let parameters = tpm.parameters("CN=pump");
        code(client.challenge(&parameters))
    };
    for (attribute, word) in [
        (TpmaObject::FIXED_TPM, "ik_not_fixed_tpm"),
        (TpmaObject::FIXED_PARENT, "ik_not_fixed_parent"),
        (TpmaObject::SENSITIVE_DATA_ORIGIN, "ik_not_generated_in_tpm"),
        (TpmaObject::SIGN_ENCRYPT, "ik_cannot_sign"),
    ] {
        assert_eq!(refused(&|ik| ik.object_attributes = ik.object_attributes.without(attribute)), word);
    }
    for (attribute, word) in [
        (TpmaObject::DECRYPT, "ik_can_decrypt"),
        (TpmaObject::RESTRICTED, "ik_restricted"),
        (TpmaObject::X509_SIGN, "ik_signs_certificates"),
    ] {
        assert_eq!(refused(&|ik| ik.object_attributes = ik.object_attributes.with(attribute)), word);
    }
    assert_eq!(refused(&|ik| ik.name_alg = Some(ironroot_wire::TpmiAlgHash::Sha1)), "ik_name_algorithm");
    let scheme = |ik: &mut TpmtPublic, scheme| {
        if let PublicKind::Ecc(parms, _) = &mut ik.kind {
            parms.scheme = Some(scheme);
        }
    };
    let sha1 = ironroot_wire::TpmtEccScheme::Ecdsa(ironroot_wire::TpmiAlgHash::Sha1);
    assert_eq!(refused(&|ik| scheme(ik, sha1.clone())), "ik_scheme");
    let ecdh = ironroot_wire::TpmtEccScheme::Ecdh(ironroot_wire::TpmiAlgHash::Sha256);
    assert_eq!(refused(&|ik| scheme(ik, ecdh.clone())), "ik_scheme");
}

/// A public area that lies about a key outside the TPM passes every check of form: the TPM is what stops it.
#[test]
fn a_key_that_is_not_in_the_tpm_gets_no_ticket() {
    let (folder, factory) = (tempfile::tempdir().unwrap(), Factory::new("maker"));
    let (_service, client) = start(config(folder.path(), &factory));
    let mut tpm = factory.make_tpm(9);
    let mut outside = SoftwareTpm::new(10);
    let mut parameters = outside.parameters("CN=pump");
    parameters.ek_public = to_base64(&tpm.ek.to_bytes());
    parameters.ek_certificate = to_base64(&tpm.ek_certificate);
    let challenge = client.challenge(&parameters).unwrap();
    let open = |tpm: &mut SoftwareTpm| {
        let bytes = |text| ironroot_provision::protocol::from_base64(text).unwrap();
        let (blob, secret) = (bytes(&challenge.credential_blob), bytes(&challenge.secret));
        ironroot_provision::agent::DeviceTpm::activate(tpm, &blob, &secret)
    };
    assert!(open(&mut tpm).is_err(), "the TPM has no key of that name");
    assert!(open(&mut outside).is_err(), "the key's owner has not the endorsement key");
}

#[test]
fn tickets_work_for_their_parameters_and_time_only() {
    let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let factory = Factory::new("maker");
    let clock = TestClock::new();
    let mut service_config = config(folder.path(), &factory);
    clock.install(&mut service_config);
    let (_service, client) = start(service_config);
    let (_other_service, other_client) = start(config(elsewhere.path(), &factory));
    let mut tpm = factory.make_tpm(11);
    let parameters = tpm.parameters("CN=pump");
    let genuine = tpm.answer(&client, &parameters);
    let with = |change: &mut dyn FnMut(&mut CertificateRequest)| {
        let mut forged = genuine.clone();
        change(&mut forged);
        code(client.certificate(&forged))
    };

    // Replayed for another request of the same device, another key of it, another device, another profile.
    let resigned = tpm.parameters("CN=pump");
    assert_eq!(with(&mut |r| r.parameters = resigned.clone()), "ticket_wrong");
    let renamed = tpm.parameters("CN=admin");
    assert_eq!(with(&mut |r| r.parameters = renamed.clone()), "ticket_wrong");
    tpm.renew_ik();
    let other_key = tpm.parameters("CN=pump");
    assert_eq!(with(&mut |r| r.parameters = other_key.clone()), "ticket_wrong");
    let other_device = factory.make_tpm(12).parameters("CN=pump");
    assert_eq!(with(&mut |r| r.parameters = other_device.clone()), "ticket_wrong");
    let root = to_base64(factory.authority.certificate().der());
    assert_eq!(with(&mut |r| r.parameters.ek_chain = vec![root.clone()]), "ticket_wrong");
    // Another time of issue, no ticket, a guess, not base64, another service's.
    assert_eq!(with(&mut |r| r.issued_at += 1), "ticket_wrong");
    assert_eq!(with(&mut |r| r.ticket = String::new()), "ticket_wrong");
    assert_eq!(with(&mut |r| r.ticket = to_base64(&[0; 32])), "ticket_wrong");
    assert_eq!(with(&mut |r| r.ticket = "?".into()), "ticket_wrong");
    assert_eq!(code(other_client.certificate(&genuine)), "ticket_wrong");
    // Too late, and still too late when asked again.
    clock.advance(301);
    assert_eq!(with(&mut |_| {}), "ticket_expired");
    assert_eq!(with(&mut |r| r.issued_at += 301), "ticket_wrong");
}

#[test]
fn subjects_and_extensions_are_the_profiles_business() {
    let (folder, factory) = (tempfile::tempdir().unwrap(), Factory::new("maker"));
    let (_service, client) = start(config(folder.path(), &factory));
    let mut tpm = factory.make_tpm(13);
    for (subject, word) in [
        ("", "subject_empty"),
        ("O=Acme", "subject_common_name"),
        ("CN=a,CN=b", "subject_common_name"),
        ("CN=a,UID=root", "subject_attribute"),
        ("CN=line\\0Abreak", "subject_value"),
    ] {
        let parameters = tpm.parameters(subject);
        assert_eq!(code(client.challenge(&parameters)), word, "{subject:?}");
    }
    let name = GeneralName::DnsName(der::asn1::Ia5String::new("bank.example").unwrap());
    let extension = x509_cert::ext::Extension {
        extn_id: <SubjectAltName as der::oid::AssociatedOid>::OID,
        critical: false,
        extn_value: der::asn1::OctetString::new(SubjectAltName(vec![name]).to_der().unwrap()).unwrap(),
    };
    let info = CertReqInfo {
        version: Version::V1,
        subject: Name::from_str("CN=pump").unwrap(),
        public_key: PublicKey::from_public(&tpm.ik).unwrap().to_spki().unwrap(),
        attributes: SetOfVec::try_from(vec![Attribute::try_from(ExtensionReq(vec![extension])).unwrap()]).unwrap(),
    };
    let mut parameters = tpm.parameters("CN=pump");
    parameters.csr = to_base64(&tpm.sign_info(&info.to_der().unwrap()));
    assert_eq!(code(client.challenge(&parameters)), "subject_alternative_name");
}
