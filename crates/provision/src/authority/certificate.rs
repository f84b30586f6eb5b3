//! Building and signing a certificate (RFC 5280, clause 4.1).

use std::time::Duration;

use der::{
    DateTime, Decode as _, Encode, Sequence,
    asn1::{Any, BitString, OctetString, Uint},
    oid::AssociatedOid,
};
use ironroot_crypto::{digest, hmac};
use ironroot_wire::TpmiAlgHash;
use spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};
use x509_cert::{
    certificate::Version,
    ext::{Extension, pkix::SubjectKeyIdentifier},
    name::Name,
    time::{Time, Validity},
};

use super::{AuthorityError, CertificateSigner};

/// A serial number: 16 bytes, positive, without a leading zero byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SerialNumber([u8; 16]);

impl SerialNumber {
    /// The serial number that belongs to `parts` under a secret key: whoever computes it again gets the same one, and
    /// nobody without the key can foresee it.
    #[must_use]
    pub fn derive(key: &[u8], parts: &[&[u8]]) -> Self {
        Self::from_digest(&hmac(TpmiAlgHash::Sha256, key, parts))
    }

    /// A random serial number.
    ///
    /// # Errors
    /// [`AuthorityError::Entropy`].
    pub fn random() -> Result<Self, AuthorityError> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).map_err(|_| AuthorityError::Entropy)?;
        Ok(Self::from_digest(&bytes))
    }

    fn from_digest(bytes: &[u8]) -> Self {
        let mut serial = [0; 16];
        serial.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
        // 126 bits are left: positive, and always encoded in 16 bytes.
        serial[0] = (serial[0] & 0x3f) | 0x40;
        Self(serial)
    }

    /// The number in hexadecimal.
    #[must_use]
    pub fn to_hex(&self) -> String {
        to_hex(&self.0)
    }
}

/// Lower-case hexadecimal.
pub(crate) fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
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
pub(super) struct Content<'a> {
    pub serial: &'a SerialNumber,
    pub issuer: &'a Name,
    pub lifetime: Lifetime,
    pub subject: &'a Name,
    pub public_key: SubjectPublicKeyInfoOwned,
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

/// `Certificate`.
#[derive(Sequence)]
struct Signed {
    content: Any,
    algorithm: AlgorithmIdentifierOwned,
    signature: BitString,
}

impl Content<'_> {
    /// The signed certificate, in DER.
    pub fn sign(self, signer: &dyn CertificateSigner) -> Result<Vec<u8>, AuthorityError> {
        let content = ToBeSigned {
            version: Version::V3,
            serial: Uint::new(&self.serial.0)?,
            signature: signer.algorithm(),
            issuer: self.issuer.clone(),
            validity: self.lifetime.to_validity()?,
            subject: self.subject.clone(),
            public_key: self.public_key,
            extensions: self.extensions,
        };
        let content = content.to_der()?;
        let signature = signer.sign(&content)?;
        let signed = Signed {
            content: Any::from_der(&content)?,
            algorithm: signer.algorithm(),
            signature: BitString::from_bytes(&signature)?,
        };
        Ok(signed.to_der()?)
    }
}

/// An extension with its type's identifier.
pub(super) fn extension<T: Encode + AssociatedOid>(critical: bool, value: &T) -> Result<Extension, AuthorityError> {
    Ok(Extension { extn_id: T::OID, critical, extn_value: OctetString::new(value.to_der()?)? })
}

pub(super) fn subject_key_identifier(identifier: &[u8]) -> Result<Extension, AuthorityError> {
    extension(false, &SubjectKeyIdentifier(OctetString::new(identifier)?))
}

/// The identifier of a key: 160 bits of SHA-256 of the key's bits (RFC 7093, method 1).
pub(super) fn key_identifier(public_key: &SubjectPublicKeyInfoOwned) -> Vec<u8> {
    digest(TpmiAlgHash::Sha256, &[public_key.subject_public_key.raw_bytes()]).iter().copied().take(20).collect()
}
