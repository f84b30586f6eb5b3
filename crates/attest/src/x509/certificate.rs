//! A certificate kept together with the exact bytes that its issuer signed.
//!
//! Endorsement certificates in the field bend the rules (unsorted sets, odd serial numbers), so nothing is checked over a
//! re-encoding: the signature is verified over the bytes that were received.

use core::fmt;

use der::{
    AnyRef, Decode, Sequence,
    asn1::BitStringRef,
    oid::{AssociatedOid, ObjectIdentifier},
};
use spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};
use x509_cert::{
    certificate::{Raw, TbsCertificateInner},
    ext::Extension,
    name::Name,
};

/// Bytes of the largest certificate that is looked at.
pub const MAX_CERTIFICATE: usize = 16 * 1024;

/// The bytes are not what they should be; the text says where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MalformedError(String);

impl MalformedError {
    pub(crate) fn new(what: impl fmt::Display) -> Self {
        Self(what.to_string())
    }
}

impl fmt::Display for MalformedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for MalformedError {}

/// The outer `SIGNED{}` structure (X.509), of which certificates and certification requests are instances.
#[derive(Sequence)]
pub(crate) struct Signed<'a> {
    pub content: AnyRef<'a>,
    pub algorithm: AlgorithmIdentifierOwned,
    pub signature: BitStringRef<'a>,
}

/// A certificate, decoded, with the bytes that it came from.
#[derive(Clone)]
pub struct EvidenceCertificate {
    der: Vec<u8>,
    signed: Vec<u8>,
    tbs: TbsCertificateInner<Raw>,
    algorithm: AlgorithmIdentifierOwned,
    signature: Vec<u8>,
}

impl fmt::Debug for EvidenceCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EvidenceCertificate(\"{}\" by \"{}\")", self.subject(), self.issuer())
    }
}

impl EvidenceCertificate {
    /// Decodes one DER certificate that fills `bytes` exactly.
    ///
    /// # Errors
    /// [`MalformedError`] if it is not an X.509 certificate, or larger than [`MAX_CERTIFICATE`].
    pub fn from_der(bytes: &[u8]) -> Result<Self, MalformedError> {
        if bytes.len() > MAX_CERTIFICATE {
            return Err(MalformedError::new(format_args!("larger than {MAX_CERTIFICATE} bytes")));
        }
        let outer = Signed::from_der(bytes).map_err(MalformedError::new)?;
        let signed = der::Encode::to_der(&outer.content).map_err(MalformedError::new)?;
        let tbs = TbsCertificateInner::<Raw>::from_der(&signed).map_err(MalformedError::new)?;
        if *tbs.signature() != outer.algorithm {
            return Err(MalformedError::new("the two signature algorithms differ (RFC 5280, clause 4.1.1.2)"));
        }
        let signature =
            outer.signature.as_bytes().ok_or_else(|| MalformedError::new("signature is not whole bytes"))?;
        let signature = signature.to_vec();
        Ok(Self { der: bytes.to_vec(), signed, tbs, algorithm: outer.algorithm, signature })
    }

    /// Decodes every certificate of a PEM text.
    ///
    /// # Errors
    /// [`MalformedError`] for the first block that is not a certificate, or if there is none.
    pub fn from_pem(pem: &str) -> Result<Vec<Self>, MalformedError> {
        const END: &str = "-----END CERTIFICATE-----";
        let mut certificates = Vec::new();
        for block in pem.split_inclusive(END) {
            let Some(start) = block.find("-----BEGIN CERTIFICATE-----") else { continue };
            let block = block.get(start..).unwrap_or_default();
            let (_, bytes) = der::pem::decode_vec(block.as_bytes()).map_err(MalformedError::new)?;
            certificates.push(Self::from_der(&bytes)?);
        }
        if certificates.is_empty() {
            Err(MalformedError::new("no certificate in the PEM text"))
        } else {
            Ok(certificates)
        }
    }

    /// The certificate as it was received.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The decoded content.
    #[must_use]
    pub fn tbs(&self) -> &TbsCertificateInner<Raw> {
        &self.tbs
    }

    /// The bytes that the issuer signed.
    pub(crate) fn signed(&self) -> &[u8] {
        &self.signed
    }

    pub(crate) fn algorithm(&self) -> &AlgorithmIdentifierOwned {
        &self.algorithm
    }

    pub(crate) fn signature(&self) -> &[u8] {
        &self.signature
    }

    /// The subject.
    #[must_use]
    pub fn subject(&self) -> &Name {
        self.tbs.subject()
    }

    /// The issuer.
    #[must_use]
    pub fn issuer(&self) -> &Name {
        self.tbs.issuer()
    }

    /// The certified key.
    #[must_use]
    pub fn public_key_info(&self) -> &SubjectPublicKeyInfoOwned {
        self.tbs.subject_public_key_info()
    }

    /// Whether `now` (seconds of the UNIX epoch) is before, in or after the validity period.
    #[must_use]
    pub fn validity_at(&self, now: u64) -> ValidityAt {
        let validity = self.tbs.validity();
        if now < validity.not_before.to_unix_duration().as_secs() {
            ValidityAt::NotYet
        } else if now > validity.not_after.to_unix_duration().as_secs() {
            ValidityAt::Expired
        } else {
            ValidityAt::Valid
        }
    }

    /// All extensions.
    #[must_use]
    pub fn extensions(&self) -> &[Extension] {
        self.tbs.extensions().map_or(&[], Vec::as_slice)
    }

    /// The one extension with the type's identifier, and whether it is critical.
    ///
    /// # Errors
    /// [`MalformedError`] if it does not decode or appears more than once.
    pub fn extension<'a, T: Decode<'a, Error = der::Error> + AssociatedOid>(
        &'a self,
    ) -> Result<Option<(bool, T)>, MalformedError> {
        self.tbs
            .get_extension::<T>()
            .map_err(|error| MalformedError::new(format_args!("extension {}: {error}", T::OID)))
    }

    /// The first critical extension that is not in `known`.
    pub(crate) fn unknown_critical(&self, known: &[ObjectIdentifier]) -> Option<ObjectIdentifier> {
        self.extensions().iter().find(|e| e.critical && !known.contains(&e.extn_id)).map(|e| e.extn_id)
    }
}

/// Where a moment stands to a validity period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValidityAt {
    /// Before it.
    NotYet,
    /// In it.
    Valid,
    /// After it.
    Expired,
}

/// Whether two names are the same, whatever string types their encoders chose (RFC 5280, clause 7.1, without case
/// folding).
pub(crate) fn same_name(a: &Name, b: &Name) -> bool {
    a.iter_rdn().count() == b.iter_rdn().count()
        && a.iter_rdn().zip(b.iter_rdn()).all(|(a, b)| {
            a.iter().count() == b.iter().count()
                && a.iter().zip(b.iter()).all(|(a, b)| a.oid == b.oid && a.value.value() == b.value.value())
        })
}
