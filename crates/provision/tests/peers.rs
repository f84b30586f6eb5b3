//! With other people's programs: Debian's swtpm as the device, tpm2-tools as its agent, OpenSSL as the judge.
#![allow(missing_docs, clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test")]

#[path = "../../attest/tests/peer/mod.rs"]
mod peer;
mod support;

use std::{fs, path::Path, process::Command, str::FromStr as _, sync::Arc};

use der::{
    Any, Decode as _, Encode as _, Sequence,
    asn1::{BitString, SetOfVec},
};
use ironroot_attest::{
    parse_public,
    x509::{EvidenceCertificate, PublicKey, TrustStore, oids},
};
use ironroot_client::{Tcti, Tpm, templates::KeyType, wire::TpmHandle};
use ironroot_keys::SharedTpm;
use ironroot_provision::{
    ServiceConfig,
    agent::{
        DeviceTpm, EnrolError, EnrolmentRequest, Step, enroll,
        tpm::{EndorsementKey, TpmDevice, TpmDeviceError, persistent_identity_key, store_ek_certificate},
    },
    authority::Lifetime,
};
use peer::Swtpm;
use spki::AlgorithmIdentifierOwned;
use support::{Factory, YEAR, config, now, provider, start};
use x509_cert::{
    name::Name,
    request::{CertReqInfo, Version},
};
use zeroize::Zeroizing;

/// swtpm, driven with tpm2-tools.
struct ToolsTpm<'a> {
    tpm: &'a Swtpm,
    ek_handle: &'static str,
    ek_index: &'static str,
    by_policy: bool,
    key: &'static str,
}

impl DeviceTpm for ToolsTpm<'_> {
    type Error = std::convert::Infallible;

    fn ek_public(&mut self) -> Result<Vec<u8>, Self::Error> {
        self.tpm.run("tpm2_readpublic", &["-c", self.ek_handle, "-o", "ek.pub", "-t", "ek.ctx"]);
        Ok(self.tpm.read("ek.pub"))
    }

    fn ek_certificate(&mut self) -> Result<Vec<u8>, Self::Error> {
        self.tpm.run("tpm2_nvread", &[self.ek_index, "-o", "ek.crt"]);
        Ok(self.tpm.read("ek.crt"))
    }

    fn ik_public(&mut self) -> Result<Vec<u8>, Self::Error> {
        self.tpm.run("tpm2_createprimary", &["-C", "o", "-G", "ecc", "-c", "primary.ctx"]);
        let attributes = "fixedtpm|fixedparent|sensitivedataorigin|userwithauth|sign";
        let create = ["-C", "primary.ctx", "-G", self.key, "-a", attributes, "-u", "ik.pub", "-r", "ik.prv"];
        self.tpm.run("tpm2_create", &create);
        self.tpm.run("tpm2_load", &["-C", "primary.ctx", "-u", "ik.pub", "-r", "ik.prv", "-c", "ik.ctx"]);
        Ok(self.tpm.read("ik.pub"))
    }

    fn csr(&mut self, subject: &str) -> Result<Vec<u8>, Self::Error> {
        #[derive(Sequence)]
        struct Request {
            info: Any,
            algorithm: AlgorithmIdentifierOwned,
            signature: BitString,
        }
        let key = PublicKey::from_public(&parse_public(&self.tpm.read("ik.pub")).unwrap()).unwrap();
        let info = CertReqInfo {
            version: Version::V1,
            subject: Name::from_str(subject).unwrap(),
            public_key: key.to_spki().unwrap(),
            attributes: SetOfVec::default(),
        };
        let info = info.to_der().unwrap();
        self.tpm.write("info", &info);
        self.tpm.run("tpm2_sign", &["-c", "ik.ctx", "-g", "sha256", "-f", "plain", "-o", "signature", "info"]);
        let algorithm = match key {
            PublicKey::Rsa { .. } => {
                let null = Some(Any::encode_from(&der::asn1::Null).unwrap());
                AlgorithmIdentifierOwned { oid: oids::SHA256_WITH_RSA, parameters: null }
            }
            PublicKey::Ecc { .. } => AlgorithmIdentifierOwned { oid: oids::ECDSA_WITH_SHA256, parameters: None },
        };
        let signature = BitString::from_bytes(&self.tpm.read("signature")).unwrap();
        Ok(Request { info: Any::from_der(&info).unwrap(), algorithm, signature }.to_der().unwrap())
    }

    fn activate(&mut self, blob: &[u8], secret: &[u8]) -> Result<Zeroizing<Vec<u8>>, Self::Error> {
        Ok(Zeroizing::new(self.tpm.activate(blob, secret, self.by_policy).expect("the TPM opens the credential")))
    }
}

fn openssl(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("openssl").args(arguments).current_dir(folder).output().expect("apt install openssl");
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "openssl {arguments:?}: {text}");
    text
}

#[test]
fn another_makers_tpm_enrols_and_openssl_accepts_the_certificate() {
    let tpm = Swtpm::start();
    let mut trust = TrustStore::new();
    let [root, issuer] = tpm.authorities();
    trust.add_root(EvidenceCertificate::from_pem(&root).unwrap().remove(0));
    let issuer = EvidenceCertificate::from_pem(&issuer).unwrap().remove(0).der().to_vec();
    let folder = tempfile::tempdir().unwrap();
    let (service, client) = start(ServiceConfig::new(folder.path().join("state"), provider(), trust));
    fs::write(folder.path().join("ca.pem"), service.authority_pem()).unwrap();

    for (ek_handle, ek_index, by_policy, key) in [
        ("0x81010001", "0x01c00002", true, "rsa2048:rsassa-sha256:null"),
        ("0x81010016", "0x01c00016", false, "ecc256:ecdsa-sha256"),
    ] {
        let mut device = ToolsTpm { tpm: &tpm, ek_handle, ek_index, by_policy, key };
        let subject = format!("CN=swtpm-{ek_index},O=Peers");
        // The TPM brings its intermediate along; the service trusts the root alone.
        let request = EnrolmentRequest { subject, ek_chain: vec![issuer.clone()], ..EnrolmentRequest::default() };
        let enrolled = enroll(&mut device, &client, &request, &mut |_, _| {}).unwrap();
        fs::write(folder.path().join("device.pem"), &enrolled.certificate).unwrap();
        let verified = openssl(
            folder.path(),
            &["verify", "-x509_strict", "-purpose", "sslclient", "-CAfile", "ca.pem", "device.pem"],
        );
        assert!(verified.contains("device.pem: OK"), "{verified}");
        let text = openssl(folder.path(), &["x509", "-in", "device.pem", "-noout", "-serial", "-subject"]);
        assert!(text.to_lowercase().contains(&enrolled.serial), "{text}");
        assert!(text.contains(ek_index), "{text}");
    }
}

/// The agent that devices use, with a TPM of another maker: keys that stay, certificates of both makers.
#[test]
fn the_agent_enrols_keys_that_persist() {
    let swtpm = Swtpm::start();
    let factory = Factory::new("second maker");
    let mut trust = factory.trust();
    for certificate in swtpm.authorities() {
        trust.add_root(EvidenceCertificate::from_pem(&certificate).unwrap().remove(0));
    }
    let folder = tempfile::tempdir().unwrap();
    let (_service, client) = start(ServiceConfig::new(folder.path().to_owned(), provider(), trust));
    let tpm = SharedTpm::new(Tpm::connect(&Tcti::parse(swtpm.tcti()).unwrap()).unwrap());
    let handle = TpmHandle(0x8102_0000);

    // Its own maker's certificate, for the RSA key that swtpm_setup made persistent.
    let key = Arc::new(persistent_identity_key(&tpm, handle, KeyType::P256).unwrap());
    let request = EnrolmentRequest { subject: "CN=agent-1".into(), ..EnrolmentRequest::default() };
    let mut device = TpmDevice::new(&tpm, EndorsementKey::Rsa2048, key).unwrap();
    assert_eq!(device.endorsement_key().handle, EndorsementKey::Rsa2048.persistent_handle());
    let first = enroll(&mut device, &client, &request, &mut |_, _| {}).unwrap();
    drop(device);

    // After a restart of the agent it is the same key, and a retry gets the same certificate.
    let key = Arc::new(persistent_identity_key(&tpm, handle, KeyType::P256).unwrap());
    let mut device = TpmDevice::new(&tpm, EndorsementKey::Rsa2048, Arc::clone(&key)).unwrap();
    let again = enroll(&mut device, &client, &request, &mut |_, _| {}).unwrap();
    assert_eq!(again.certificate, first.certificate);
    drop(device);

    // The P-256 endorsement key has no certificate yet; then ours, in NV.
    let mut device = TpmDevice::new(&tpm, EndorsementKey::P256, Arc::clone(&key)).unwrap();
    let request = EnrolmentRequest { subject: "CN=agent-2".into(), ..EnrolmentRequest::default() };
    let error = enroll(&mut device, &client, &request, &mut |_, _| {}).unwrap_err();
    assert!(matches!(error, EnrolError::Tpm(Step::Evidence, TpmDeviceError::NoCertificate(0x01c0_000a))), "{error}");
    let certificate = factory.certify(&device.endorsement_key().public, Lifetime::starting(now(), YEAR));
    for _ in 0..2 {
        store_ek_certificate(&mut tpm.lock().unwrap(), EndorsementKey::P256, &certificate).unwrap();
    }
    enroll(&mut device, &client, &request, &mut |_, _| {}).unwrap();
    drop(device);

    // A handle that holds something else is left alone.
    let occupied = EndorsementKey::Rsa2048.persistent_handle();
    let error = persistent_identity_key(&tpm, occupied, KeyType::P256).unwrap_err();
    assert!(matches!(error, TpmDeviceError::Occupied { handle: 0x8101_0001, .. }), "{error}");
    drop(key);
    let left = tpm.lock().unwrap().handles(TpmHandle::TRANSIENT_FIRST).unwrap();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn openssl_accepts_our_endorsement_certificates() {
    let factory = Factory::new("Test EK CA");
    let folder = tempfile::tempdir().unwrap();
    let tpm = factory.make_tpm(1);
    fs::write(folder.path().join("ca.pem"), factory.authority.certificate_pem().unwrap()).unwrap();
    fs::write(folder.path().join("ek.der"), &tpm.ek_certificate).unwrap();
    openssl(folder.path(), &["x509", "-inform", "DER", "-in", "ek.der", "-out", "ek.pem"]);
    let verified = openssl(folder.path(), &["verify", "-x509_strict", "-CAfile", "ca.pem", "ek.pem"]);
    assert!(verified.contains("ek.pem: OK"), "{verified}");
    let text = openssl(folder.path(), &["x509", "-in", "ek.pem", "-noout", "-text"]);
    for expected in
        ["2.23.133.8.1", "2.23.133.2.1", "id:49524E00", "Key Agreement", "X509v3 Subject Alternative Name: critical"]
    {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    // OpenSSL reads the CA's key file, and agrees on the public key.
    let state = folder.path().join("state");
    start(config(&state, &factory)).0.stop();
    let key = openssl(&state, &["ec", "-in", "ca.key", "-pubout"]);
    let certified = openssl(&state, &["x509", "-in", "ca.pem", "-noout", "-pubkey"]);
    assert!(key.contains(certified.trim()), "{key}{certified}");
}
