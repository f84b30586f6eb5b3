//! Building certificates (RFC 5280, clause 4.1): what a CA says, and the bytes that it signs.

use std::time::Duration;

use der::{
    DateTime, Decode as _, Encode, Sequence,
    asn1::{Any, BitString, OctetString, Uint},
    oid::AssociatedOid,
    pem::PemLabel,
};
use ironroot_crypto::{digest, hmac};
use ironroot_wire::TpmiAlgHash;
use spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};
use x509_cert::{
    certificate::Version,
    ext::{
        Extension,
        pkix::{AuthorityKeyIdentifier, SubjectKeyIdentifier},
    },
    name::Name,
    time::{Time, Validity},
};

/// A serial number, positive: 16 bytes without a leading zero byte, unless somebody else has counted it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SerialNumber([u8; 16]);

impl SerialNumber {
    /// The serial number that belongs to `parts` under a secret key: whoever computes it again gets the same one, and
    /// nobody without the key can foresee it.
    #[must_use]
    pub fn derive(key: &[u8], parts: &[&[u8]]) -> Self {
        Self::from_bytes(&hmac(TpmiAlgHash::Sha256, key, parts))
    }

    /// The serial number of random bytes, of which 16 count and 126 bits are kept.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let mut serial = [0; 16];
        serial.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
        // Positive, and always encoded in 16 bytes.
        serial[0] = (serial[0] & 0x3f) | 0x40;
        Self(serial)
    }

    /// A number that a CA has counted. RFC 5280, 4.1.2.2 wants it positive; 0 gives nothing.
    #[must_use]
    pub fn counted(number: u64) -> Option<Self> {
        (number > 0).then(|| Self(u128::from(number).to_be_bytes()))
    }

    /// The number in hexadecimal.
    #[must_use]
    pub fn to_hex(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// From when to when a certificate holds (seconds of the UNIX epoch).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetime {
    /// The first moment.
    pub not_before: u64,
    /// The last moment.
    pub not_after: u64,
}

impl Lifetime {
    /// Seconds before now at which certificates start, for devices whose clock is slow.
    const BACKDATE: u64 = 5 * 60;

    /// From now (a little before, for slow clocks) for `seconds`.
    #[must_use]
    pub const fn starting(now: u64, seconds: u64) -> Self {
        Self { not_before: now.saturating_sub(Self::BACKDATE), not_after: now.saturating_add(seconds) }
    }

    fn to_validity(self) -> der::Result<Validity> {
        let time = |seconds| DateTime::from_unix_duration(Duration::from_secs(seconds)).map(Time::from);
        Ok(Validity::new(time(self.not_before)?, time(self.not_after)?))
    }
}

/// What a certificate says.
pub struct Content<'a> {
    /// The serial number.
    pub serial: &'a SerialNumber,
    /// Who issues it.
    pub issuer: &'a Name,
    /// How long it holds.
    pub lifetime: Lifetime,
    /// Whose it is.
    pub subject: &'a Name,
    /// The key that it certifies.
    pub public_key: SubjectPublicKeyInfoOwned,
    /// Its extensions.
    pub extensions: Vec<Extension>,
}

/// `TBSCertificate`.
#[derive(Sequence)]
struct ToBeSigned {
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    version: Version,
    serial: Uint,
    signature: AlgorithmIdentifierOwned,
    issuer: Name,
    validity: Validity,
    subject: Name,
    public_key: SubjectPublicKeyInfoOwned,
    #[asn1(context_specific = "3", tag_mode = "EXPLICIT")]
    extensions: Vec<Extension>,
}

/// What X.509 signs, a certificate or a request: a structure, left as its bytes, and its signature.
#[derive(Sequence)]
pub struct Signed {
    /// What is signed.
    pub content: Any,
    /// How.
    pub algorithm: AlgorithmIdentifierOwned,
    /// The signature.
    pub signature: BitString,
}

impl PemLabel for Signed {
    const PEM_LABEL: &'static str = "CERTIFICATE";
}

impl Content<'_> {
    /// `TBSCertificate` in DER: what the issuer signs with `algorithm`.
    ///
    /// # Errors
    /// A lifetime beyond the year 9999; lengths that DER does not have.
    pub fn to_be_signed(self, algorithm: AlgorithmIdentifierOwned) -> der::Result<Vec<u8>> {
        let content = ToBeSigned {
            version: Version::V3,
            serial: Uint::new(&self.serial.0)?,
            signature: algorithm,
            issuer: self.issuer.clone(),
            validity: self.lifetime.to_validity()?,
            subject: self.subject.clone(),
            public_key: self.public_key,
            extensions: self.extensions,
        };
        content.to_der()
    }
}

impl Signed {
    /// A structure in DER with its signature.
    ///
    /// # Errors
    /// `content` is not DER.
    pub fn new(content: &[u8], algorithm: AlgorithmIdentifierOwned, signature: &[u8]) -> der::Result<Self> {
        Ok(Self { content: Any::from_der(content)?, algorithm, signature: BitString::from_bytes(signature)? })
    }
}

/// An extension with its type's identifier.
///
/// # Errors
/// Lengths that DER does not have.
pub fn extension<T: Encode + AssociatedOid>(critical: bool, value: &T) -> der::Result<Extension> {
    Ok(Extension { extn_id: T::OID, critical, extn_value: OctetString::new(value.to_der()?)? })
}

/// The extension that says which key a certificate is for.
///
/// # Errors
/// Lengths that DER does not have.
pub fn subject_key_identifier(identifier: &[u8]) -> der::Result<Extension> {
    extension(false, &SubjectKeyIdentifier(OctetString::new(identifier)?))
}

/// The extension that says which key signed a certificate.
///
/// # Errors
/// Lengths that DER does not have.
pub fn authority_key_identifier(identifier: &[u8]) -> der::Result<Extension> {
    let key_identifier = Some(OctetString::new(identifier)?);
    let issuer =
        AuthorityKeyIdentifier { key_identifier, authority_cert_issuer: None, authority_cert_serial_number: None };
    extension(false, &issuer)
}

/// The identifier of a key: 160 bits of SHA-256 of the key's bits (RFC 7093, method 1).
#[must_use]
pub fn key_identifier(public_key: &SubjectPublicKeyInfoOwned) -> Vec<u8> {
    digest(TpmiAlgHash::Sha256, &[public_key.subject_public_key.raw_bytes()]).iter().copied().take(20).collect()
}
