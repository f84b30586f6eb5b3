//! Endorsement certificates (TCG EK Credential Profile for TPM Family 2.0): genuine, in time, and for this very key.
//!
//! Certificates in the field bend the profile. What is harmless is accepted and named in the verdict ([`Quirk`]); what
//! touches trust (path, signature, validity, critical extensions, key) is never bent.

use core::fmt;

use der::oid::ObjectIdentifier;
use ironroot_crypto::Provider;
use ironroot_wire::TpmtPublic;
use x509_cert::{
    ext::pkix::{BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAltName, name::GeneralName},
    name::Name,
};

use crate::x509::{ChainError, EvidenceCertificate, KeyError, MalformedError, PublicKey, TrustStore, oids};

/// Critical extensions that are processed here, or that the profile defines as information.
const KNOWN_EXTENSIONS: [ObjectIdentifier; 6] = [
    oids::BASIC_CONSTRAINTS,
    oids::KEY_USAGE,
    oids::EXTENDED_KEY_USAGE,
    oids::SUBJECT_ALT_NAME,
    oids::CERTIFICATE_POLICIES,
    oids::SUBJECT_DIRECTORY_ATTRIBUTES,
];

/// Why an endorsement certificate was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EkCertificateError {
    /// The bytes are not a certificate.
    Malformed(MalformedError),
    /// The certified key is not usable.
    Key(KeyError),
    /// The certificate is for another key.
    OtherKey,
    /// The certificate is for a CA.
    IsCa,
    /// The key usage does not allow encrypting to the key.
    KeyUsage,
    /// The extended key usage names other uses, but not `tcg-kp-EKCertificate`.
    ExtendedKeyUsage,
    /// A critical extension is not understood.
    CriticalExtension(ObjectIdentifier),
    /// No valid path to a trusted root.
    Chain(ChainError),
}

impl EkCertificateError {
    /// A word for machines.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "malformed_ek_certificate",
            Self::Key(_) => "ek_certificate_key",
            Self::OtherKey => "ek_certificate_other_key",
            Self::IsCa => "ek_certificate_is_ca",
            Self::KeyUsage => "ek_certificate_key_usage",
            Self::ExtendedKeyUsage => "ek_certificate_extended_key_usage",
            Self::CriticalExtension(_) => "ek_certificate_critical_extension",
            Self::Chain(ChainError::Expired(_)) => "ek_certificate_expired",
            Self::Chain(ChainError::NotYetValid(_)) => "ek_certificate_not_yet_valid",
            Self::Chain(_) => "ek_certificate_untrusted",
        }
    }
}

impl fmt::Display for EkCertificateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(error) => write!(f, "the EK certificate is malformed: {error}"),
            Self::Key(error) => write!(f, "the key in the EK certificate is not usable: {error}"),
            Self::OtherKey => f.write_str("the EK certificate is for another key than the EK public area"),
            Self::IsCa => f.write_str("the EK certificate is a CA's"),
            Self::KeyUsage => f.write_str("the key usage of the EK certificate does not allow encryption"),
            Self::ExtendedKeyUsage => f.write_str("the EK certificate is for other purposes (extended key usage)"),
            Self::CriticalExtension(oid) => write!(f, "the EK certificate has the unknown critical extension {oid}"),
            Self::Chain(error) => write!(f, "the EK certificate is not trusted: {error}"),
        }
    }
}

impl std::error::Error for EkCertificateError {}

impl From<MalformedError> for EkCertificateError {
    fn from(error: MalformedError) -> Self {
        Self::Malformed(error)
    }
}

/// A deviation that was accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quirk {
    /// Zero or erased bytes behind the certificate, as some NV indices have them.
    TrailingPadding,
    /// The `10 01 00` header and a size before the certificate, as some NV indices have them.
    NvHeader,
    /// The subject is empty (the profile allows it if the alternative name is critical).
    EmptySubject,
    /// No alternative name with the manufacturer's attributes.
    NoTpmAttributes,
    /// No extended key usage.
    NoExtendedKeyUsage,
    /// No key usage.
    NoKeyUsage,
}

impl Quirk {
    /// A word for machines.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::TrailingPadding => "trailing_padding",
            Self::NvHeader => "nv_header",
            Self::EmptySubject => "empty_subject",
            Self::NoTpmAttributes => "no_tpm_attributes",
            Self::NoExtendedKeyUsage => "no_extended_key_usage",
            Self::NoKeyUsage => "no_key_usage",
        }
    }
}

/// What a genuine endorsement certificate says.
#[derive(Debug, Clone)]
pub struct EkVerdict {
    /// The certificate, without what surrounded it.
    pub certificate: EvidenceCertificate,
    /// `tcg-at-tpmManufacturer`, such as `id:49424D00`.
    pub manufacturer: Option<String>,
    /// `tcg-at-tpmModel`.
    pub model: Option<String>,
    /// `tcg-at-tpmVersion`, such as `id:00010000`.
    pub version: Option<String>,
    /// The subjects of the issuers, nearest first, root last.
    pub path: Vec<String>,
    /// What was accepted although the profile says otherwise.
    pub quirks: Vec<Quirk>,
}

/// Checks an endorsement certificate, as it was read from NV, against the endorsement key's public area and the trusted
/// roots, at `now` (seconds of the UNIX epoch).
///
/// # Errors
/// [`EkCertificateError`].
pub fn verify_ek_certificate(
    provider: &dyn Provider,
    bytes: &[u8],
    ek: &TpmtPublic,
    trust: &TrustStore,
    supplied: &[EvidenceCertificate],
    now: u64,
) -> Result<EkVerdict, EkCertificateError> {
    let mut quirks = Vec::new();
    let certificate = EvidenceCertificate::from_der(unwrap_nv(bytes, &mut quirks))?;
    let certified = PublicKey::from_spki(certificate.public_key_info()).map_err(EkCertificateError::Key)?;
    if certified != PublicKey::from_public(ek).map_err(EkCertificateError::Key)? {
        return Err(EkCertificateError::OtherKey);
    }
    check_extensions(&certificate, &certified, &mut quirks)?;
    let path = trust.verify(provider, &certificate, supplied, now).map_err(EkCertificateError::Chain)?;
    if certificate.subject().is_empty() {
        quirks.push(Quirk::EmptySubject);
    }
    let [manufacturer, model, version] = tpm_attributes(&certificate)?;
    if manufacturer.is_none() {
        quirks.push(Quirk::NoTpmAttributes);
    }
    Ok(EkVerdict { certificate, manufacturer, model, version, path, quirks })
}

fn check_extensions(
    certificate: &EvidenceCertificate,
    key: &PublicKey,
    quirks: &mut Vec<Quirk>,
) -> Result<(), EkCertificateError> {
    if let Some(oid) = certificate.unknown_critical(&KNOWN_EXTENSIONS) {
        return Err(EkCertificateError::CriticalExtension(oid));
    }
    if certificate.extension::<BasicConstraints>()?.is_some_and(|(_, constraints)| constraints.ca) {
        return Err(EkCertificateError::IsCa);
    }
    match certificate.extension::<KeyUsage>()? {
        None => quirks.push(Quirk::NoKeyUsage),
        Some((_, usage)) => {
            let usable = match key {
                PublicKey::Rsa { .. } => usage.key_encipherment(),
                PublicKey::Ecc { .. } => usage.key_agreement() || usage.key_encipherment(),
            };
            if !usable || usage.key_cert_sign() {
                return Err(EkCertificateError::KeyUsage);
            }
        }
    }
    match certificate.extension::<ExtendedKeyUsage>()? {
        None => quirks.push(Quirk::NoExtendedKeyUsage),
        Some((_, purposes)) => {
            let accepted = [oids::TCG_KP_EK_CERTIFICATE, oids::ANY_EXTENDED_KEY_USAGE];
            if !purposes.0.iter().any(|purpose| accepted.contains(purpose)) {
                return Err(EkCertificateError::ExtendedKeyUsage);
            }
        }
    }
    Ok(())
}

/// The certificate in the contents of an NV index: without the header that some platforms write before it (TCG PC
/// Client Implementation, 7.4.5), and without the padding behind it.
fn unwrap_nv<'a>(bytes: &'a [u8], quirks: &mut Vec<Quirk>) -> &'a [u8] {
    let bytes = match bytes {
        [0x10, 0x01, 0x00, _, _, rest @ ..] if rest.first() == Some(&0x30) => {
            quirks.push(Quirk::NvHeader);
            rest
        }
        _ => bytes,
    };
    match der_length(bytes).and_then(|length| bytes.split_at_checked(length)) {
        Some((certificate, padding))
            if !padding.is_empty()
                && (padding.iter().all(|byte| *byte == 0) || padding.iter().all(|byte| *byte == 0xff)) =>
        {
            quirks.push(Quirk::TrailingPadding);
            certificate
        }
        _ => bytes,
    }
}

/// The length of the SEQUENCE at the start, header included, for the lengths that certificates have.
fn der_length(bytes: &[u8]) -> Option<usize> {
    match bytes {
        [0x30, short @ 0..=0x7f, ..] => Some(usize::from(*short).saturating_add(2)),
        [0x30, 0x81, length, ..] => Some(usize::from(*length).saturating_add(3)),
        [0x30, 0x82, high, low, ..] => Some(usize::from(u16::from_be_bytes([*high, *low])).saturating_add(4)),
        _ => None,
    }
}

/// Manufacturer, model and version from the directory name in the subject's alternative name, or from the subject.
fn tpm_attributes(certificate: &EvidenceCertificate) -> Result<[Option<String>; 3], EkCertificateError> {
    let alternative = certificate.extension::<SubjectAltName>()?;
    let names = alternative.as_ref().map_or(&[][..], |(_, names)| names.0.as_slice());
    let directory = names.iter().filter_map(|name| match name {
        GeneralName::DirectoryName(name) => Some(name),
        _ => None,
    });
    let names: Vec<&Name> = directory.chain([certificate.subject()]).collect();
    Ok([oids::TCG_AT_TPM_MANUFACTURER, oids::TCG_AT_TPM_MODEL, oids::TCG_AT_TPM_VERSION].map(|oid| {
        let attribute = names.iter().flat_map(|name| name.iter()).find(|attribute| attribute.oid == oid)?;
        let text = core::str::from_utf8(attribute.value.value()).ok()?;
        Some(text.chars().filter(|c| !c.is_control()).take(64).collect())
    }))
}
