//! Certificates and certification requests, as a stranger sends them to the service: DER, PEM, key information, chains, the
//! endorsement certificate as it lies in NV. Nothing that was edited is ever believed.
//!
//! The first byte of an input chooses what it is.
#![no_main]

use ironroot_attest::{
    parse_public, verify_ek_certificate,
    x509::{CertificationRequest, EvidenceCertificate, PublicKey, TrustStore},
};
use ironroot_crypto_host::HOST;
use libfuzzer_sys::fuzz_target;

/// 2026-01-01, seconds of the UNIX epoch.
const NOW: u64 = 1_767_225_600;

fn certificate(der: &[u8]) {
    let Ok(certificate) = EvidenceCertificate::from_der(der) else { return };
    assert_eq!(certificate.der(), der);
    let _ = (certificate.validity_at(NOW), certificate.subject().to_string(), certificate.extensions().len());
    if let Ok(key) = PublicKey::from_spki(certificate.public_key_info())
        && let Ok(info) = key.to_spki()
    {
        assert_eq!(PublicKey::from_spki(&info).as_ref(), Ok(&key), "a key changes on its way");
    }
    // Nobody is trusted.
    let supplied = [certificate.clone()];
    assert!(TrustStore::new().verify(&HOST, &certificate, &supplied, NOW).is_err(), "trusted without a root");
    // Itself as the root.
    let mut trust = TrustStore::new();
    trust.add_root(certificate.clone());
    let _ = trust.verify(&HOST, &certificate, &supplied, NOW);
}

/// A public area, its size in front, and a certificate in whatever wrapping.
fn endorsement(bytes: &[u8]) {
    let Some((size, rest)) = bytes.split_first_chunk::<2>() else { return };
    let (public, certificate) = rest.split_at(usize::from(u16::from_be_bytes(*size)).min(rest.len()));
    if let Ok(public) = parse_public(public) {
        let verdict = verify_ek_certificate(&HOST, certificate, &public, &TrustStore::new(), &[], NOW);
        assert!(verdict.is_err(), "trusted without a root");
    }
}

fn request(der: &[u8]) {
    if let Ok(request) = CertificationRequest::from_der(der) {
        let _ = (request.verify(&HOST), request.subject().to_string());
    }
}

fuzz_target!(|input: &[u8]| {
    let Some((kind, bytes)) = input.split_first() else { return };
    match kind % 4 {
        0 => certificate(bytes),
        1 => request(bytes),
        2 => endorsement(bytes),
        _ => {
            if let Ok(text) = std::str::from_utf8(bytes) {
                let _ = EvidenceCertificate::from_pem(text);
            }
        }
    }
});
