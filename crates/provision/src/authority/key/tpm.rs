//! A CA key in a TPM 2.0: a named key, a TSS2 PRIVATE KEY file or a persistent handle.

use ironroot_attest::x509::PublicKey;
use ironroot_keys::TpmKey;
use ironroot_wire::TpmtSigScheme;
use spki::AlgorithmIdentifierOwned;

use super::{AuthorityError, CertificateSigner};

/// A signing key in a TPM.
pub struct TpmSigner {
    key: TpmKey,
    scheme: TpmtSigScheme,
    public: PublicKey,
    algorithm: AlgorithmIdentifierOwned,
    label: String,
}

impl TpmSigner {
    /// A key that was opened; `label` is what people call it.
    ///
    /// # Errors
    /// [`AuthorityError::Key`] if it is no key that certificates are signed with.
    pub fn new(key: TpmKey, label: &str) -> Result<Self, AuthorityError> {
        let refuse = |why: String| AuthorityError::Key { key: label.into(), why };
        let public = PublicKey::from_public(key.public()).map_err(|error| refuse(error.to_string()))?;
        let (scheme, algorithm) = key
            .schemes()
            .into_iter()
            .find_map(|scheme| ironroot_keys::signature_algorithm(&scheme).ok().map(|algorithm| (scheme, algorithm)))
            .ok_or_else(|| refuse("it has no signature scheme that X.509 knows".into()))?;
        Ok(Self { key, scheme, public, algorithm, label: label.into() })
    }
}

impl CertificateSigner for TpmSigner {
    fn public_key(&self) -> &PublicKey {
        &self.public
    }

    fn algorithm(&self) -> AlgorithmIdentifierOwned {
        self.algorithm.clone()
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, AuthorityError> {
        self.key
            .sign(&self.scheme, message)
            .map_err(|error| AuthorityError::Key { key: self.label.clone(), why: error.to_string() })
    }
}
