//! Certificate authorities: the identity CA, whose certificates devices show, and the manufacturing CA, which gives
//! software and firmware TPMs the endorsement certificate that a chip gets from its maker.

mod certificate;
mod crl;
mod ek;
mod generations;
mod key;
mod ocsp;

use std::{path::Path, str::FromStr as _, sync::Arc};

pub use certificate::random_serial;
use der::asn1::{Ia5String, ObjectIdentifier};
pub use ironroot_attest::x509::issuance::{Lifetime, SerialNumber};
use ironroot_attest::x509::{
    EvidenceCertificate, MalformedError, PublicKey,
    issuance::{self, Content, extension, key_identifier, subject_key_identifier},
};
use ironroot_crypto::{CryptoError, Provider};
use spki::SubjectPublicKeyInfoOwned;
use x509_cert::{
    ext::{
        Extension,
        pkix::{
            AccessDescription, AuthorityInfoAccessSyntax, BasicConstraints, CrlDistributionPoints, ExtendedKeyUsage,
            KeyUsage, KeyUsages, SubjectAltName,
            crl::dp::DistributionPoint,
            name::{DistributionPointName, GeneralName},
        },
    },
    name::Name,
};

use crate::{
    files::{self, FileError},
    profile::SERVER_AUTH,
};

pub use crl::{CrlEntry, CrlHead, crl_to_pem};
pub use ek::TpmDescription;
pub use generations::Authorities;
#[cfg(feature = "tpm")]
pub use key::TpmSigner;
pub(crate) use key::fresh_random;
pub use key::{CertificateSigner, FileKey, Pkcs11Key, Pkcs11Uri, pin_of};
pub use ocsp::{CertificateStatus, OcspFailure, OcspQuery, OcspResponder, ocsp_failure};

use certificate::signed;

/// Lower-case hexadecimal.
pub(crate) fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Seconds for which a root's certificate holds: 20 years.
const ROOT_LIFETIME: u64 = 20 * 365 * 24 * 60 * 60;
/// `id-ad-ocsp` (RFC 5280).
const OCSP: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1");

/// What an authority could not do.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// A value cannot be encoded.
    #[error("cannot encode the certificate: {0}")]
    Encoding(#[from] der::Error),
    /// The key cannot sign.
    #[error("cannot sign: {0}")]
    Signing(CryptoError),
    /// A key cannot be opened or used.
    #[error("the CA key {key} cannot be used: {why}")]
    Key {
        /// Its file, URI or name.
        key: String,
        /// Why not.
        why: String,
    },
    /// The operating system gives no random bytes.
    #[error("the operating system's random generator failed")]
    Entropy,
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// A stored key or certificate is not what it should be.
    #[error("{what} is damaged: {why}. Restore it from a backup; making a new one would change the authority")]
    Damaged {
        /// The file.
        what: String,
        /// What is wrong.
        why: String,
    },
}

impl From<MalformedError> for AuthorityError {
    fn from(error: MalformedError) -> Self {
        Self::Damaged { what: "the certificate".into(), why: error.to_string() }
    }
}

/// A key that signs certificates, and the certificate of that key.
pub struct Authority {
    signer: Arc<dyn CertificateSigner>,
    certificate: EvidenceCertificate,
    key_identifier: Vec<u8>,
    /// Where certificates say that one may ask about them.
    status_url: Option<String>,
}

impl Authority {
    /// The authority whose key and certificate are in the files `base`.key and `base`.pem; they are made if they are not
    /// there, with this common name, for 20 years from `now` (seconds of the UNIX epoch). Several processes may do so at
    /// the same time: all get the same authority.
    ///
    /// # Errors
    /// [`AuthorityError`].
    pub fn open_or_create(
        base: &Path,
        common_name: &str,
        provider: Arc<dyn Provider>,
        now: u64,
    ) -> Result<Self, AuthorityError> {
        let key = FileKey::open_or_create(&base.with_extension("key"), None, provider)?;
        Self::open_or_create_with(base, &[Arc::new(key)], common_name, now)
    }

    /// The authority whose certificate is in the file `base`.pem, and whose key is one of these; the certificate is made for the
    /// first one if it is not there, as [`Authority::open_or_create`] says.
    ///
    /// # Errors
    /// [`AuthorityError`].
    pub fn open_or_create_with(
        base: &Path,
        keys: &[Arc<dyn CertificateSigner>],
        common_name: &str,
        now: u64,
    ) -> Result<Self, AuthorityError> {
        let path = base.with_extension("pem");
        if let Some(certificate) = read_certificate(&path)? {
            return Self::with_key_of(certificate, keys, &path);
        }
        let missing = || AuthorityError::Key { key: "of the identity CA".into(), why: "none was given".into() };
        let signer = keys.first().ok_or_else(missing)?;
        // The name is written as a value, so that no character of it is taken for syntax.
        let escaped: String = common_name.bytes().map(|byte| format!("\\{byte:02X}")).collect();
        let subject = Name::from_str(&format!("CN={escaped}"))?;
        let lifetime = Lifetime::starting(now, ROOT_LIFETIME);
        let authority = Self::new_root(Arc::clone(signer), &subject, &random_serial()?, lifetime)?;
        if files::create_secret(&path, authority.certificate_pem()?.as_bytes())? {
            Ok(authority)
        } else {
            // Another process was first: its certificate is the authority's.
            Self::open_or_create_with(base, keys, common_name, now)
        }
    }

    /// The authority of a certificate, with the one of these keys that is its key.
    fn with_key_of(
        certificate: EvidenceCertificate,
        keys: &[Arc<dyn CertificateSigner>],
        path: &Path,
    ) -> Result<Self, AuthorityError> {
        let damaged = |why: String| AuthorityError::Damaged { what: path.display().to_string(), why };
        let certified = PublicKey::from_spki(certificate.public_key_info()).map_err(|e| damaged(e.to_string()))?;
        let key = keys.iter().find(|key| *key.public_key() == certified).ok_or_else(|| AuthorityError::Key {
            key: format!("of {}", path.display()),
            why: "the certificate is for another key than was given: give the one that it is for".into(),
        })?;
        Self::from_parts(Arc::clone(key), certificate)
    }

    /// A new root: a certificate that its own key signs, for an authority that issues to end entities only.
    ///
    /// # Errors
    /// [`AuthorityError`].
    pub fn new_root(
        signer: Arc<dyn CertificateSigner>,
        subject: &Name,
        serial: &SerialNumber,
        lifetime: Lifetime,
    ) -> Result<Self, AuthorityError> {
        let public_key = spki_of(signer.public_key())?;
        let identifier = key_identifier(&public_key);
        let extensions = vec![
            extension(true, &BasicConstraints { ca: true, path_len_constraint: Some(0) })?,
            extension(true, &KeyUsage(KeyUsages::KeyCertSign | KeyUsages::CRLSign))?,
            subject_key_identifier(&identifier)?,
        ];
        let content = Content { serial, issuer: subject, lifetime, subject, public_key, extensions };
        let certificate = EvidenceCertificate::from_der(&signed(content, &*signer)?)?;
        Ok(Self { signer, certificate, key_identifier: identifier, status_url: None })
    }

    /// An authority with a key and the certificate that it got earlier.
    ///
    /// # Errors
    /// [`AuthorityError::Damaged`] if the certificate is for another key.
    pub fn from_parts(
        signer: Arc<dyn CertificateSigner>,
        certificate: EvidenceCertificate,
    ) -> Result<Self, AuthorityError> {
        let damaged = |why: &str| AuthorityError::Damaged { what: "the authority".into(), why: why.into() };
        let certified = PublicKey::from_spki(certificate.public_key_info()).map_err(|e| damaged(&e.to_string()))?;
        if certified != *signer.public_key() {
            return Err(damaged("the certificate is for another key"));
        }
        let key_identifier = key_identifier(certificate.public_key_info());
        Ok(Self { signer, certificate, key_identifier, status_url: None })
    }

    /// The authority's certificate.
    #[must_use]
    pub fn certificate(&self) -> &EvidenceCertificate {
        &self.certificate
    }

    /// The authority's certificate as PEM.
    ///
    /// # Errors
    /// [`AuthorityError::Encoding`], which does not happen.
    pub fn certificate_pem(&self) -> Result<String, AuthorityError> {
        to_pem(self.certificate.der())
    }

    /// Issues a certificate for an end entity: digital signatures, and the given purposes. Returns the DER.
    ///
    /// # Errors
    /// [`AuthorityError`].
    pub fn issue(
        &self,
        public_key: &PublicKey,
        subject: &Name,
        alternative_names: Vec<GeneralName>,
        purposes: Vec<der::oid::ObjectIdentifier>,
        serial: &SerialNumber,
        lifetime: Lifetime,
    ) -> Result<Vec<u8>, AuthorityError> {
        let public_key = spki_of(public_key)?;
        let mut extensions = vec![
            extension(true, &BasicConstraints { ca: false, path_len_constraint: None })?,
            extension(true, &KeyUsage(KeyUsages::DigitalSignature.into()))?,
            extension(false, &ExtendedKeyUsage(purposes))?,
            subject_key_identifier(&key_identifier(&public_key))?,
            self.authority_key_identifier()?,
        ];
        if !alternative_names.is_empty() {
            extensions.push(extension(subject.is_empty(), &SubjectAltName(alternative_names))?);
        }
        if let Some(url) = &self.status_url {
            extensions.extend(status_extensions(url, &self.key_identifier_hex())?);
        }
        self.sign(serial, lifetime, subject, public_key, extensions)
    }

    /// Issues a certificate for a TLS server with these alternative names. Returns the DER.
    ///
    /// # Errors
    /// [`AuthorityError`].
    pub fn issue_server(
        &self,
        public_key: &PublicKey,
        subject: &Name,
        alternative_names: Vec<GeneralName>,
        serial: &SerialNumber,
        lifetime: Lifetime,
    ) -> Result<Vec<u8>, AuthorityError> {
        self.issue(public_key, subject, alternative_names, vec![SERVER_AUTH], serial, lifetime)
    }

    fn sign(
        &self,
        serial: &SerialNumber,
        lifetime: Lifetime,
        subject: &Name,
        public_key: SubjectPublicKeyInfoOwned,
        extensions: Vec<Extension>,
    ) -> Result<Vec<u8>, AuthorityError> {
        // Nothing that an authority signs outlives the authority.
        let end = self.certificate.tbs().validity().not_after.to_unix_duration().as_secs();
        let lifetime = Lifetime { not_before: lifetime.not_before, not_after: lifetime.not_after.min(end) };
        let issuer = self.certificate.subject();
        signed(Content { serial, issuer, lifetime, subject, public_key, extensions }, &*self.signer)
    }

    fn authority_key_identifier(&self) -> Result<Extension, AuthorityError> {
        Ok(issuance::authority_key_identifier(&self.key_identifier)?)
    }
}

/// Where the list of this CA key is, and who answers for one certificate.
fn status_extensions(url: &str, key_identifier: &str) -> Result<[Extension; 2], AuthorityError> {
    let uri = |path: String| Ok::<_, der::Error>(GeneralName::UniformResourceIdentifier(Ia5String::new(&path)?));
    let list = DistributionPoint {
        distribution_point: Some(DistributionPointName::FullName(vec![uri(format!(
            "{url}/v1/crl/{key_identifier}.crl"
        ))?])),
        reasons: None,
        crl_issuer: None,
    };
    let responder = AccessDescription { access_method: OCSP, access_location: uri(format!("{url}/v1/ocsp"))? };
    Ok([
        extension(false, &CrlDistributionPoints(vec![list]))?,
        extension(false, &AuthorityInfoAccessSyntax(vec![responder]))?,
    ])
}

/// The first certificate of a PEM file; `None` if there is no file.
fn read_certificate(path: &Path) -> Result<Option<EvidenceCertificate>, AuthorityError> {
    let Some(pem) = files::read_text(path)? else { return Ok(None) };
    let damaged = |why: String| AuthorityError::Damaged { what: path.display().to_string(), why };
    let certificates = EvidenceCertificate::from_pem(&pem).map_err(|error| damaged(error.to_string()))?;
    certificates.into_iter().next().map(Some).ok_or_else(|| damaged("it is empty".into()))
}

/// A DER certificate as PEM.
///
/// # Errors
/// [`AuthorityError::Encoding`], which does not happen.
pub fn to_pem(certificate: &[u8]) -> Result<String, AuthorityError> {
    der::pem::encode_string("CERTIFICATE", der::pem::LineEnding::LF, certificate)
        .map_err(|error| AuthorityError::Damaged { what: "the certificate".into(), why: error.to_string() })
}

fn spki_of(key: &PublicKey) -> Result<SubjectPublicKeyInfoOwned, AuthorityError> {
    key.to_spki().map_err(|error| AuthorityError::Damaged { what: "the key".into(), why: error.to_string() })
}
