//! Paths from a certificate to a trusted root (RFC 5280, clause 6.1, for hierarchies without name constraints or policy
//! mapping: a certificate that has those as critical extensions is refused, never ignored).

use core::fmt;

use der::oid::ObjectIdentifier;
use ironroot_crypto::Provider;
use x509_cert::ext::pkix::{AuthorityKeyIdentifier, BasicConstraints, KeyUsage, SubjectKeyIdentifier};

use super::{
    certificate::{EvidenceCertificate, MalformedError, ValidityAt, same_name},
    key::PublicKey,
    oids,
    signature::{SignatureError, verify_signature},
};

/// The longest path, leaf and root included.
const MAX_DEPTH: usize = 8;
/// Signatures checked for one leaf: an attacker's heap of same-named intermediates costs no more than this.
const MAX_SIGNATURES: usize = 32;
/// Critical extensions of a CA certificate that are processed here, or that widen nothing.
const KNOWN_CA_EXTENSIONS: [ObjectIdentifier; 4] =
    [oids::BASIC_CONSTRAINTS, oids::KEY_USAGE, oids::EXTENDED_KEY_USAGE, oids::CERTIFICATE_POLICIES];

/// Why no path to a trusted root was found. Names are as RFC 4514 writes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChainError {
    /// No trusted or supplied certificate has the issuer's name.
    UnknownIssuer(String),
    /// The issuer's key did not make the signature of the certificate with this subject.
    Signature(String, SignatureError),
    /// The certificate with this subject has expired.
    Expired(String),
    /// The certificate with this subject is not valid yet.
    NotYetValid(String),
    /// The issuer is not a CA, or its key may not sign certificates.
    NotCa(String),
    /// The issuer's path length constraint is exceeded.
    PathLength(String),
    /// The certificate with this subject has a critical extension that is not understood.
    CriticalExtension(String, ObjectIdentifier),
    /// A certificate on the path does not decode.
    Malformed(MalformedError),
    /// The path is longer than eight certificates, or there are too many candidates.
    TooComplex,
}

impl fmt::Display for ChainError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownIssuer(name) => write!(f, "no trusted certificate for the issuer \"{name}\""),
            Self::Signature(name, error) => write!(f, "the signature of \"{name}\" does not hold: {error}"),
            Self::Expired(name) => write!(f, "\"{name}\" has expired"),
            Self::NotYetValid(name) => write!(f, "\"{name}\" is not valid yet"),
            Self::NotCa(name) => write!(f, "\"{name}\" is not allowed to issue certificates"),
            Self::PathLength(name) => write!(f, "the path length constraint of \"{name}\" is exceeded"),
            Self::CriticalExtension(name, oid) => write!(f, "\"{name}\" has the unknown critical extension {oid}"),
            Self::Malformed(error) => write!(f, "a certificate is malformed: {error}"),
            Self::TooComplex => f.write_str("the path is too long or has too many candidates"),
        }
    }
}

impl std::error::Error for ChainError {}

impl From<MalformedError> for ChainError {
    fn from(error: MalformedError) -> Self {
        Self::Malformed(error)
    }
}

/// Trusted roots, and intermediates that help to reach them.
#[derive(Debug, Clone, Default)]
pub struct TrustStore {
    roots: Vec<EvidenceCertificate>,
    intermediates: Vec<EvidenceCertificate>,
}

impl TrustStore {
    /// A store that trusts nobody.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A store that trusts every certificate of a PEM text.
    ///
    /// # Errors
    /// [`MalformedError`] for the first block that is not a certificate, or if there is none.
    pub fn from_pem(pem: &str) -> Result<Self, MalformedError> {
        Ok(Self { roots: EvidenceCertificate::from_pem(pem)?, intermediates: Vec::new() })
    }

    /// Trusts a root.
    pub fn add_root(&mut self, certificate: EvidenceCertificate) {
        self.roots.push(certificate);
    }

    /// Knows an intermediate, which gains trust only from a root.
    pub fn add_intermediate(&mut self, certificate: EvidenceCertificate) {
        self.intermediates.push(certificate);
    }

    /// The number of trusted roots.
    #[must_use]
    pub fn roots(&self) -> usize {
        self.roots.len()
    }

    /// Finds a path from `leaf` through `supplied` and known intermediates to a root, valid at `now` (seconds of the UNIX
    /// epoch). Returns the subjects of the issuers, nearest first. What the leaf itself is for is the caller's question.
    ///
    /// # Errors
    /// [`ChainError`]: of several failing paths, the failure that came closest to a root.
    pub fn verify(
        &self,
        provider: &dyn Provider,
        leaf: &EvidenceCertificate,
        supplied: &[EvidenceCertificate],
        now: u64,
    ) -> Result<Vec<String>, ChainError> {
        check_validity(leaf, now)?;
        let mut search = Search { store: self, supplied, provider, now, signatures: 0, path: vec![leaf] };
        search.extend()?;
        Ok(search.path.iter().skip(1).map(|certificate| certificate.subject().to_string()).collect())
    }
}

struct Search<'a> {
    store: &'a TrustStore,
    supplied: &'a [EvidenceCertificate],
    provider: &'a dyn Provider,
    now: u64,
    signatures: usize,
    path: Vec<&'a EvidenceCertificate>,
}

impl<'a> Search<'a> {
    /// Extends the path by every possible issuer, roots first, until one leads to a root.
    fn extend(&mut self) -> Result<(), ChainError> {
        let Some(&last) = self.path.last() else { return Err(ChainError::TooComplex) };
        if self.path.len() >= MAX_DEPTH {
            return Err(ChainError::TooComplex);
        }
        let mut nearest = ChainError::UnknownIssuer(last.issuer().to_string());
        let store = self.store;
        for root in store.roots.iter().filter(|root| may_have_issued(root, last)) {
            match self.check_issuer(root, last) {
                Ok(()) => {
                    self.path.push(root);
                    return Ok(());
                }
                Err(ChainError::TooComplex) => return Err(ChainError::TooComplex),
                Err(error) => nearest = error,
            }
        }
        let supplied = self.supplied;
        for issuer in store.intermediates.iter().chain(supplied).filter(|issuer| may_have_issued(issuer, last)) {
            if self.path.iter().any(|seen| seen.der() == issuer.der()) {
                continue;
            }
            let result = self.check_issuer(issuer, last).and_then(|()| {
                self.path.push(issuer);
                self.extend()
            });
            match result {
                Ok(()) => return Ok(()),
                Err(ChainError::TooComplex) => return Err(ChainError::TooComplex),
                Err(error) => {
                    nearest = error;
                    while self.path.last().is_some_and(|top| top.der() != last.der()) {
                        self.path.pop();
                    }
                }
            }
        }
        Err(nearest)
    }

    /// Whether `issuer` may issue certificates at this height, now, and signed `subject`.
    fn check_issuer(&mut self, issuer: &EvidenceCertificate, subject: &EvidenceCertificate) -> Result<(), ChainError> {
        let name = || issuer.subject().to_string();
        check_validity(issuer, self.now)?;
        if let Some(oid) = issuer.unknown_critical(&KNOWN_CA_EXTENSIONS) {
            return Err(ChainError::CriticalExtension(name(), oid));
        }
        let (_, constraints) = issuer.extension::<BasicConstraints>()?.ok_or_else(|| ChainError::NotCa(name()))?;
        if !constraints.ca {
            return Err(ChainError::NotCa(name()));
        }
        // The path so far is the leaf and the CAs below this one; self-issued CAs are counted too, which is stricter.
        if constraints.path_len_constraint.is_some_and(|most| self.path.len() > usize::from(most).saturating_add(1)) {
            return Err(ChainError::PathLength(name()));
        }
        if issuer.extension::<KeyUsage>()?.is_some_and(|(_, usage)| !usage.key_cert_sign()) {
            return Err(ChainError::NotCa(name()));
        }
        self.signatures = self.signatures.saturating_add(1);
        if self.signatures > MAX_SIGNATURES {
            return Err(ChainError::TooComplex);
        }
        let signature_error = |error| ChainError::Signature(subject.subject().to_string(), error);
        let key =
            PublicKey::from_spki(issuer.public_key_info()).map_err(|e| signature_error(SignatureError::Key(e)))?;
        verify_signature(self.provider, &key, subject.algorithm(), subject.signed(), subject.signature())
            .map_err(signature_error)
    }
}

/// Whether names and key identifiers allow that `issuer` issued `subject`.
fn may_have_issued(issuer: &EvidenceCertificate, subject: &EvidenceCertificate) -> bool {
    if !same_name(issuer.subject(), subject.issuer()) {
        return false;
    }
    let authority = subject.extension::<AuthorityKeyIdentifier>().ok().flatten().and_then(|(_, a)| a.key_identifier);
    let key = issuer.extension::<SubjectKeyIdentifier>().ok().flatten().map(|(_, s)| s.0);
    match (authority, key) {
        (Some(authority), Some(key)) => authority == key,
        _ => true,
    }
}

fn check_validity(certificate: &EvidenceCertificate, now: u64) -> Result<(), ChainError> {
    match certificate.validity_at(now) {
        ValidityAt::Valid => Ok(()),
        ValidityAt::Expired => Err(ChainError::Expired(certificate.subject().to_string())),
        ValidityAt::NotYet => Err(ChainError::NotYetValid(certificate.subject().to_string())),
    }
}
