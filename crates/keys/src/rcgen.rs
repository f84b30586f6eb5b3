//! A key in a TPM for rcgen: certificates and requests of any shape that rcgen can describe, signed by the TPM.

use std::sync::Arc;

use ::rcgen::{PublicKeyData, SignatureAlgorithm};
use ironroot_client::wire::{PublicKind, TpmEccCurve, TpmiAlgHash, TpmtSigScheme};

use crate::{KeyError, TpmKey, algorithms};

/// A key in a TPM as rcgen sees it ([`::rcgen::SigningKey`]): ECDSA on P-256, P-384 and P-521, Ed25519, or RSASSA with SHA-256.
#[derive(Debug, Clone)]
pub struct RcgenKey {
    key: Arc<TpmKey>,
    bits: Vec<u8>,
    scheme: TpmtSigScheme,
    algorithm: &'static SignatureAlgorithm,
}

impl RcgenKey {
    /// Makes a key available to rcgen.
    ///
    /// # Errors
    /// [`KeyError::Unsuitable`] if rcgen has no signature algorithm for it.
    pub fn new(key: Arc<TpmKey>) -> Result<Self, KeyError> {
        let none = || KeyError::unsuitable("rcgen has no signature algorithm for it");
        let (scheme, algorithm) =
            key.schemes().into_iter().find_map(|scheme| Some((scheme.clone(), of(&key, &scheme)?))).ok_or_else(none)?;
        let spki = algorithms::spki(key.public())?;
        let bits = spki.subject_public_key.as_bytes().ok_or_else(none)?.to_vec();
        Ok(Self { key, bits, scheme, algorithm })
    }
}

fn of(key: &TpmKey, scheme: &TpmtSigScheme) -> Option<&'static SignatureAlgorithm> {
    let curve = match &key.public().kind {
        PublicKind::Ecc(parms, _) => Some(parms.curve_id),
        _ => None,
    };
    match (scheme, curve) {
        (TpmtSigScheme::Rsassa(TpmiAlgHash::Sha256), _) => Some(&::rcgen::PKCS_RSA_SHA256),
        (TpmtSigScheme::Ecdsa(TpmiAlgHash::Sha256), Some(TpmEccCurve::NistP256)) => {
            Some(&::rcgen::PKCS_ECDSA_P256_SHA256)
        }
        (TpmtSigScheme::Ecdsa(TpmiAlgHash::Sha384), Some(TpmEccCurve::NistP384)) => {
            Some(&::rcgen::PKCS_ECDSA_P384_SHA384)
        }
        (TpmtSigScheme::Ecdsa(TpmiAlgHash::Sha512), Some(TpmEccCurve::NistP521)) => {
            Some(&::rcgen::PKCS_ECDSA_P521_SHA512)
        }
        (TpmtSigScheme::Eddsa(()), Some(TpmEccCurve::Curve25519)) => Some(&::rcgen::PKCS_ED25519),
        _ => None,
    }
}

impl PublicKeyData for RcgenKey {
    fn der_bytes(&self) -> &[u8] {
        &self.bits
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        self.algorithm
    }
}

impl ::rcgen::SigningKey for RcgenKey {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, ::rcgen::Error> {
        // rcgen has no variant for what other signers say.
        self.key.sign(&self.scheme, message).map_err(|_| ::rcgen::Error::RemoteKeyError)
    }
}
