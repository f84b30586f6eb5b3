//! X.509 certificates (RFC 5280) signed by a key in a TPM: self-signed ones, and those that a local CA issues.

use std::{str::FromStr, time::SystemTime};

use der::{
    Decode as _, DecodePem as _, Encode, EncodePem as _,
    asn1::{Ia5String, ObjectIdentifier},
    pem::{LineEnding, PemLabel},
};
use ironroot_attest::x509::issuance::{
    Content, Lifetime, SerialNumber, Signed, authority_key_identifier, extension, key_identifier,
    subject_key_identifier,
};
use ironroot_client::wire::{TpmiAlgHash, TpmtSigScheme};
use spki::SubjectPublicKeyInfoOwned;
use x509_cert::{
    Certificate,
    ext::{
        Extension,
        pkix::{BasicConstraints, ExtendedKeyUsage, KeyUsage, KeyUsages, SubjectAltName, name::GeneralName},
    },
    name::Name,
    request::CertReqInfo,
};

use crate::{KeyError, TpmKey, algorithms, csr::scheme, verify::VerifyingKey, wanted::Asked};

const SERVER_AUTH: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.1");
const CLIENT_AUTH: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.2");

/// What the certified key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CertificateUse {
    /// Clients and servers of TLS.
    #[default]
    Both,
    /// Clients.
    Client,
    /// Servers.
    Server,
    /// A CA that issues to end entities.
    Authority,
}

/// A request as it comes: its content's bytes are what is signed.
struct Request(Signed);

impl<'a> der::Decode<'a> for Request {
    type Error = der::Error;
    fn decode<R: der::Reader<'a>>(reader: &mut R) -> der::Result<Self> {
        Signed::decode(reader).map(Self)
    }
}

impl PemLabel for Request {
    const PEM_LABEL: &'static str = "CERTIFICATE REQUEST";
}

/// A certificate for this key by this key, as PEM: `subject` as RFC 4514 writes names, DNS names, and for how many days.
///
/// # Errors
/// [`KeyError::Encoding`] for a name that cannot be understood; what the TPM may answer.
pub fn self_signed(
    key: &TpmKey,
    subject: &str,
    dns_names: &[&str],
    usage: CertificateUse,
    days: u32,
) -> Result<String, KeyError> {
    let subject = Name::from_str(subject).map_err(KeyError::encoding("the subject's name"))?;
    let public_key = algorithms::spki(key.public())?;
    let names = dns_names
        .iter()
        .map(|name| Ia5String::new(name).map(GeneralName::DnsName))
        .collect::<Result<Vec<_>, _>>()
        .map_err(KeyError::encoding("a DNS name"))?;
    let extensions =
        extensions(&public_key, None, usage, subject.is_empty(), names).map_err(KeyError::encoding("an extension"))?;
    let lifetime = Lifetime::starting(now(), u64::from(days) * 86_400);
    let says = Says { issuer: &subject, subject: subject.clone(), public_key, extensions, lifetime, serial: None };
    sign(key, &scheme(key, None)?, says)
}

/// A certificate that a CA issues for a request (PEM), as PEM: subject, key and alternative names are the request's, whose own
/// signature is verified. `ca_certificate` (PEM) has to be a CA's, valid now, and for `ca_key`. It ends with the CA's own
/// certificate at the latest: nobody accepts it for longer.
///
/// # Errors
/// [`KeyError::Certificate`] with what is wrong with the request or the CA's certificate; what the TPM may answer.
pub fn issue(
    ca_key: &TpmKey,
    ca_certificate: &str,
    request: &str,
    usage: CertificateUse,
    days: u32,
) -> Result<String, KeyError> {
    if usage == CertificateUse::Authority {
        return Err(refuse("a CA here issues to end entities only: make another CA with a certificate of its own"));
    }
    let ca = authority(ca_key, ca_certificate)?;
    let (info, asked) = requested(request)?;
    let issuer_key = algorithms::spki(ca_key.public())?;
    let extensions = extensions(&info.public_key, Some(&issuer_key), usage, info.subject.is_empty(), asked.names)
        .map_err(KeyError::encoding("an extension"))?;
    let mut lifetime = Lifetime::starting(now(), u64::from(days) * 86_400);
    lifetime.not_after = lifetime.not_after.min(end(&ca));
    let issuer = ca.tbs_certificate().subject();
    let says = Says { issuer, subject: info.subject, public_key: info.public_key, extensions, lifetime, serial: None };
    sign(ca_key, &scheme(ca_key, None)?, says)
}

/// How [`certify`] certifies a request.
#[derive(Debug, Clone, Copy)]
pub struct Issuance<'a> {
    /// The CA's certificate (PEM); without one, the request has to be the key's own, and the certificate is self-signed.
    pub ca_certificate: Option<&'a str>,
    /// From when to when.
    pub lifetime: Lifetime,
    /// The serial number; a random one if `None`.
    pub serial: Option<u64>,
    /// The hash of the signature; the one that suits the key if `None`.
    pub hash: Option<TpmiAlgHash>,
}

/// A certificate as a request (PEM) asks for it, with its key usage and purposes, as PEM. Only a self-signed one can be a CA's, and a CA's
/// are the only ones that sign certificates.
///
/// # Errors
/// [`KeyError::Certificate`] with what is wrong with the request, the CA's certificate or the lifetime; what the TPM may answer.
pub fn certify(key: &TpmKey, request: &str, how: &Issuance<'_>) -> Result<String, KeyError> {
    let (info, asked) = requested(request)?;
    let ca = how.ca_certificate.map(|pem| authority(key, pem)).transpose()?;
    let issuer_key = algorithms::spki(key.public())?;
    let issuer = match &ca {
        Some(_) if asked.ca => {
            return Err(refuse("the request is a CA's, and a CA here issues to end entities only"));
        }
        Some(ca) if how.lifetime.not_after > end(ca) => {
            return Err(refuse("it would hold for longer than the CA's own certificate: let it end with that"));
        }
        Some(ca) => ca.tbs_certificate().subject().clone(),
        None if info.public_key != issuer_key => {
            return Err(refuse("the request is another key's, so the CA's certificate has to be named"));
        }
        None => info.subject.clone(),
    };
    if how.lifetime.not_before >= how.lifetime.not_after {
        return Err(refuse("it would end before it begins"));
    }
    let serial =
        how.serial.map(|number| SerialNumber::counted(number).ok_or_else(|| refuse("serial numbers start at 1")));
    let nameless = info.subject.is_empty();
    let extensions = as_asked(&info.public_key, ca.is_some().then_some(&issuer_key), nameless, asked)?;
    let says = Says {
        issuer: &issuer,
        subject: info.subject,
        public_key: info.public_key,
        extensions,
        lifetime: how.lifetime,
        serial: serial.transpose()?,
    };
    sign(key, &scheme(key, how.hash)?, says)
}

fn refuse(reason: impl Into<String>) -> KeyError {
    KeyError::Certificate(reason.into())
}

/// The CA's certificate, if it is one.
fn authority(key: &TpmKey, pem: &str) -> Result<Certificate, KeyError> {
    let ca = Certificate::from_pem(pem).map_err(|error| refuse(format!("the CA's is no PEM certificate: {error}")))?;
    let content = ca.tbs_certificate();
    let certified = content.subject_public_key_info().to_der().map_err(KeyError::encoding("the CA's key"))?;
    if certified != key.spki_der()? {
        return Err(refuse("the CA's certificate is for another key than the CA's: name the key that it was made for"));
    }
    let broken = |error| refuse(format!("the CA's certificate has a malformed extension: {error}"));
    let constraints = content.get_extension::<BasicConstraints>().map_err(broken)?;
    if !constraints.is_some_and(|(_, constraints)| constraints.ca) {
        return Err(refuse("the CA's certificate is not a CA's: make one with --ca"));
    }
    let usage = content.get_extension::<KeyUsage>().map_err(broken)?;
    if usage.is_some_and(|(_, usage)| !usage.key_cert_sign()) {
        return Err(refuse("the CA's certificate does not allow it to sign certificates (keyCertSign)"));
    }
    let now = now();
    if end(&ca) < now {
        return Err(refuse("the CA's certificate has expired"));
    }
    if content.validity().not_before.to_unix_duration().as_secs() > now {
        return Err(refuse("the CA's certificate is not valid yet: is this machine's clock right?"));
    }
    Ok(ca)
}

/// What a request asks for, if its key has signed it.
fn requested(pem: &str) -> Result<(CertReqInfo, Asked), KeyError> {
    let Request(signed) = Request::from_pem(pem)
        .map_err(|error| refuse(format!("the request is no PEM CERTIFICATE REQUEST: {error}")))?;
    let malformed = |error| refuse(format!("the request is malformed: {error}"));
    let content = signed.content.to_der().map_err(malformed)?;
    let info = CertReqInfo::from_der(&content).map_err(malformed)?;
    let key = VerifyingKey::from_spki(info.public_key.clone())
        .map_err(|error| refuse(format!("the request's key cannot be used here: {error}")))?;
    let signature = signed.signature.as_bytes().unwrap_or_default();
    if !key.verifies_x509(&signed.algorithm, &content, signature)? {
        return Err(refuse("the request is not signed by the key that it is for, or was changed after it was signed"));
    }
    let asked = Asked::of(&info).map_err(malformed)?;
    if info.subject.is_empty() && asked.names.is_empty() {
        return Err(refuse("the request names nobody: neither a subject nor alternative names"));
    }
    Ok((info, asked))
}

fn extensions(
    key: &SubjectPublicKeyInfoOwned,
    issuer: Option<&SubjectPublicKeyInfoOwned>,
    usage: CertificateUse,
    nameless: bool,
    names: Vec<GeneralName>,
) -> der::Result<Vec<Extension>> {
    let ca = usage == CertificateUse::Authority;
    let key_usage = if ca { KeyUsages::KeyCertSign | KeyUsages::CRLSign } else { KeyUsages::DigitalSignature.into() };
    let mut all = vec![
        extension(true, &BasicConstraints { ca, path_len_constraint: ca.then_some(0) })?,
        extension(true, &KeyUsage(key_usage))?,
        subject_key_identifier(&key_identifier(key))?,
    ];
    if !ca {
        let purposes = match usage {
            CertificateUse::Client => vec![CLIENT_AUTH],
            CertificateUse::Server => vec![SERVER_AUTH],
            _ => vec![CLIENT_AUTH, SERVER_AUTH],
        };
        all.push(extension(false, &ExtendedKeyUsage(purposes))?);
    }
    if let Some(issuer) = issuer {
        all.push(authority_key_identifier(&key_identifier(issuer))?);
    }
    if !names.is_empty() {
        all.push(extension(nameless, &SubjectAltName(names))?);
    }
    Ok(all)
}

/// The extensions that a request asks for, with those that no certificate goes without.
fn as_asked(
    key: &SubjectPublicKeyInfoOwned,
    issuer: Option<&SubjectPublicKeyInfoOwned>,
    nameless: bool,
    asked: Asked,
) -> Result<Vec<Extension>, KeyError> {
    let failed = || KeyError::encoding("an extension");
    if let Some(purpose) = asked.unknown_purpose() {
        return Err(refuse(format!("the request asks for a purpose that is not known here ({purpose})")));
    }
    let usage = match asked.key_usage {
        Some(usage) if !asked.ca && (usage.key_cert_sign() || usage.crl_sign()) => {
            return Err(refuse("the request asks to sign certificates or CRLs, which only a CA's key does"));
        }
        Some(usage) if asked.ca && !usage.key_cert_sign() => {
            return Err(refuse("the request is a CA's, and does not ask to sign certificates (keyCertSign)"));
        }
        Some(usage) => usage,
        None if asked.ca => KeyUsage(KeyUsages::KeyCertSign | KeyUsages::CRLSign),
        None => KeyUsage(KeyUsages::DigitalSignature.into()),
    };
    let constraints = BasicConstraints { ca: asked.ca, path_len_constraint: asked.ca.then_some(0) };
    let mut all = vec![
        extension(true, &constraints).map_err(failed())?,
        extension(true, &usage).map_err(failed())?,
        subject_key_identifier(&key_identifier(key)).map_err(failed())?,
    ];
    if let Some(purposes) = asked.purposes {
        all.push(extension(false, &purposes).map_err(failed())?);
    }
    if let Some(issuer) = issuer {
        all.push(authority_key_identifier(&key_identifier(issuer)).map_err(failed())?);
    }
    if !asked.names.is_empty() {
        all.push(extension(nameless, &SubjectAltName(asked.names)).map_err(failed())?);
    }
    Ok(all)
}

/// What a certificate says.
struct Says<'a> {
    issuer: &'a Name,
    subject: Name,
    public_key: SubjectPublicKeyInfoOwned,
    extensions: Vec<Extension>,
    lifetime: Lifetime,
    serial: Option<SerialNumber>,
}

fn sign(key: &TpmKey, scheme: &TpmtSigScheme, says: Says<'_>) -> Result<String, KeyError> {
    let failed = || KeyError::encoding("the certificate");
    let Says { issuer, subject, public_key, extensions, lifetime, serial } = says;
    let algorithm = algorithms::signature_algorithm_of(key.public(), scheme)?;
    let serial = match serial {
        Some(serial) => serial,
        None => SerialNumber::from_bytes(&key.tpm().lock()?.get_random(16)?),
    };
    let content = Content { serial: &serial, issuer, lifetime, subject: &subject, public_key, extensions };
    let content = content.to_be_signed(algorithm.clone()).map_err(failed())?;
    let signature = key.sign(scheme, &content)?;
    let signed = Signed::new(&content, algorithm, &signature).map_err(failed())?;
    signed.to_pem(LineEnding::LF).map_err(failed())
}

/// The last moment of a certificate.
fn end(certificate: &Certificate) -> u64 {
    certificate.tbs_certificate().validity().not_after.to_unix_duration().as_secs()
}

fn now() -> u64 {
    SystemTime::UNIX_EPOCH.elapsed().map_or(0, |elapsed| elapsed.as_secs())
}
