//! Certificates from a CA in the TPM, and approvals of policies, at their edges.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{Folder, shared};
use ironroot_client::{templates::KeyType, testing::TestTpm, wire::TpmHandle};
use ironroot_keys::{
    Approval, AuthPolicy, CertificateUse, Conditions, Issuance, KeyFile, Lifetime, Pcrs, PolicyStep, TpmKey,
    VerifyingKey, Wanted, approvable, certify, csr, issue, request, seal, self_signed, unseal,
};

#[test]
fn no_certificate_outlasts_its_cas() {
    let (server, folder) = (TestTpm::start().unwrap(), Folder::new());
    let tpm = shared(&server);
    let (ca, _) = TpmKey::generate(&tpm, TpmHandle::OWNER, KeyType::P256, b"").unwrap();
    let (leaf, _) = TpmKey::generate(&tpm, TpmHandle::OWNER, KeyType::P256, b"").unwrap();
    let root = self_signed(&ca, "CN=CA", &[], CertificateUse::Authority, 10).unwrap();
    let wanted = csr(&leaf, "CN=dev1", &[]).unwrap().to_pem().unwrap();
    folder.write("ca.pem", &root);
    let end = |name: &str| folder.openssl(&format!("x509 -in {name} -noout -enddate"));
    for (days, as_the_ca) in [(3, false), (9, false), (11, true), (36_500, true)] {
        folder.write("leaf.pem", issue(&ca, &root, &wanted, CertificateUse::Client, days).unwrap());
        assert_eq!(end("leaf.pem") == end("ca.pem"), as_the_ca, "{days} days");
        folder.openssl("verify -x509_strict -CAfile ca.pem leaf.pem");
    }
    // Where the caller names the dates they are kept, or nothing is issued.
    let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let certify = |days: u64| {
        let lifetime = Lifetime { not_before: now - 60, not_after: now + days * 86_400 };
        certify(&ca, &wanted, &Issuance { ca_certificate: Some(&root), lifetime, serial: None, hash: None })
    };
    assert!(certify(9).is_ok());
    assert!(certify(11).unwrap_err().to_string().contains("longer than the CA's"));
}

#[test]
fn a_ca_issues_nothing_that_a_request_may_not_ask_for() {
    let server = TestTpm::start().unwrap();
    let tpm = shared(&server);
    let (ca, _) = TpmKey::generate(&tpm, TpmHandle::OWNER, KeyType::P256, b"").unwrap();
    let (leaf, _) = TpmKey::generate(&tpm, TpmHandle::OWNER, KeyType::P256, b"").unwrap();
    let root = self_signed(&ca, "CN=CA", &[], CertificateUse::Authority, 10).unwrap();
    let lifetime = Lifetime::starting(std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs(), 60);
    let how = Issuance { ca_certificate: Some(&root), lifetime, serial: Some(7), hash: None };
    for (wanted, reason) in [
        (Wanted { subject: "CN=x", ca: true, ..Wanted::default() }, "is a CA's"),
        (Wanted { subject: "CN=x", key_usage: &["keyCertSign"], ..Wanted::default() }, "only a CA's key"),
        (Wanted { subject: "CN=x", key_usage: &["cRLSign"], ..Wanted::default() }, "only a CA's key"),
    ] {
        let asked = request(&leaf, &wanted).unwrap().to_pem().unwrap();
        let error = certify(&ca, &asked, &how).unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }
}

#[test]
fn an_approval_that_the_tpm_refuses_does_not_hide_the_next_one() {
    let (server, folder) = (TestTpm::start().unwrap(), Folder::new());
    let tpm = shared(&server);
    folder.openssl("ecparam -name prime256v1 -genkey -noout -out signer.key");
    folder.openssl("pkey -in signer.key -pubout -out signer.pem");
    let signer = VerifyingKey::from_pem(&folder.read("signer.pem")).unwrap();
    let sealed = seal(&tpm, b"data", Conditions { signer: Some(&signer), ..Conditions::default() }).unwrap();
    let pcrs: Pcrs = "sha256:0,7".parse().unwrap();
    folder.write("policy", approvable(&tpm, &pcrs).unwrap());
    folder.openssl("dgst -sha256 -sign signer.key -out signature policy");
    let signature = std::fs::read(folder.path("signature")).unwrap();
    let mut file = KeyFile::from_pem(&sealed).unwrap();
    file.approve(&tpm, Approval { pcrs: &pcrs, signature: &signature }, None).unwrap();
    let good = file.auth_policy.first().unwrap().clone();
    // A command that no TPM has: what TPM2_PolicyCommandCode refuses.
    let mut strange = AuthPolicy { name: None, steps: good.steps.clone() };
    strange.steps.insert(0, PolicyStep { code: 0x16C, body: vec![0x7f, 0xff, 0xff, 0xff] });
    file.auth_policy = vec![strange.clone(), good];
    assert_eq!(unseal(&tpm, &file.to_pem().unwrap(), b"", None).unwrap().as_slice(), b"data");
    file.auth_policy = vec![strange];
    assert!(unseal(&tpm, &file.to_pem().unwrap(), b"", None).is_err());
}
