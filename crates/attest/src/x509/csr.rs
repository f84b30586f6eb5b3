//! Certification requests (PKCS#10, RFC 2986): decoded, and the proof that the requester holds the key.

use core::fmt;

use der::Decode;
use ironroot_crypto::Provider;
use spki::AlgorithmIdentifierOwned;
use x509_cert::{name::Name, request::CertReqInfo};

use super::{
    certificate::{MalformedError, Signed},
    key::{KeyError, PublicKey},
    signature::{SignatureError, verify_signature},
};

/// Bytes of the largest certification request that is looked at.
pub const MAX_REQUEST: usize = 8 * 1024;

/// Why a certification request was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CsrError {
    /// The bytes are not a PKCS#10 request.
    Malformed(MalformedError),
    /// The key is not one that can be certified.
    Key(KeyError),
    /// The request's own key did not sign it.
    Signature(SignatureError),
}

impl fmt::Display for CsrError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(error) => write!(f, "not a PKCS#10 request: {error}"),
            Self::Key(error) => write!(f, "the key in the request is not usable: {error}"),
            Self::Signature(error) => write!(f, "the request is not signed by the key in it: {error}"),
        }
    }
}

impl std::error::Error for CsrError {}

/// A certification request, decoded, with the bytes that it came from.
#[derive(Debug, Clone)]
pub struct CertificationRequest {
    info_der: Vec<u8>,
    info: CertReqInfo,
    key: PublicKey,
    algorithm: AlgorithmIdentifierOwned,
    signature: Vec<u8>,
}

impl CertificationRequest {
    /// Decodes a DER request that fills `bytes` exactly. The signature is not checked yet.
    ///
    /// # Errors
    /// [`CsrError::Malformed`], [`CsrError::Key`].
    pub fn from_der(bytes: &[u8]) -> Result<Self, CsrError> {
        let malformed = |error: &dyn fmt::Display| CsrError::Malformed(MalformedError::new(error));
        if bytes.len() > MAX_REQUEST {
            return Err(malformed(&format_args!("larger than {MAX_REQUEST} bytes")));
        }
        let outer = Signed::from_der(bytes).map_err(|e| malformed(&e))?;
        let info_der = der::Encode::to_der(&outer.content).map_err(|e| malformed(&e))?;
        let info = CertReqInfo::from_der(&info_der).map_err(|e| malformed(&e))?;
        let key = PublicKey::from_spki(&info.public_key).map_err(CsrError::Key)?;
        let signature = outer.signature.as_bytes().ok_or_else(|| malformed(&"signature is not whole bytes"))?.to_vec();
        Ok(Self { info_der, info, key, algorithm: outer.algorithm, signature })
    }

    /// Checks that the request's own key signed it.
    ///
    /// # Errors
    /// [`CsrError::Signature`].
    pub fn verify(&self, provider: &dyn Provider) -> Result<(), CsrError> {
        verify_signature(provider, &self.key, &self.algorithm, &self.info_der, &self.signature)
            .map_err(CsrError::Signature)
    }

    /// The key to be certified.
    #[must_use]
    pub fn key(&self) -> &PublicKey {
        &self.key
    }

    /// The subject that the requester asks for.
    #[must_use]
    pub fn subject(&self) -> &Name {
        &self.info.subject
    }

    /// The decoded content.
    #[must_use]
    pub fn info(&self) -> &CertReqInfo {
        &self.info
    }

    /// The exact bytes of the content: what the requester asks for, without the signature.
    #[must_use]
    pub fn info_der(&self) -> &[u8] {
        &self.info_der
    }
}
