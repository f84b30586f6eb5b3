//! Credential protection (Part 1, clause 24): what `TPM2_MakeCredential` computes, done by whoever challenges a TPM.
//!
//! The credential can be recovered only by the TPM that holds the private endorsement key, and that TPM recovers it only
//! while an object with exactly the given name is loaded in it.

use core::fmt;

use ironroot_crypto::{
    CryptoError, Provider, Random, cfb_encrypt, ecc, hmac, kdfa, kdfe,
    rsa::{EncryptionScheme, RsaPublic},
};
use ironroot_wire::{
    PublicKind, Tpm2bDigest, Tpm2bEccParameter, Tpm2bEncryptedSecret, Tpm2bIdObject, TpmaObject, TpmiAlgHash,
    TpmiAlgSymMode, TpmiAlgSymObject, TpmsEccPoint, TpmtPublic, TpmtRsaScheme, Wire,
};
use zeroize::Zeroizing;

use crate::x509::{KeyError, PublicKey};

/// What goes to the TPM: both are inputs of `TPM2_ActivateCredential`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// The encrypted credential and its integrity value (`credentialBlob`).
    pub blob: Tpm2bIdObject,
    /// The seed, encrypted to the endorsement key (`secret`).
    pub secret: Tpm2bEncryptedSecret,
}

/// Why no credential could be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CredentialError {
    /// The endorsement key is not a restricted decryption key with a block cipher.
    NotAStorageKey,
    /// The endorsement key is not usable.
    Key(KeyError),
    /// The credential is empty or longer than a digest of the endorsement key's name algorithm.
    Size,
    /// A computation failed.
    Crypto(CryptoError),
}

impl fmt::Display for CredentialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAStorageKey => f.write_str("the endorsement key is not a restricted decryption key"),
            Self::Key(error) => write!(f, "the endorsement key is not usable: {error}"),
            Self::Size => f.write_str("the credential is longer than the endorsement key's digest"),
            Self::Crypto(error) => write!(f, "the computation failed: {error}"),
        }
    }
}

impl std::error::Error for CredentialError {}

impl From<CryptoError> for CredentialError {
    fn from(error: CryptoError) -> Self {
        Self::Crypto(error)
    }
}

/// Wraps `credential` for the TPM that holds the endorsement key `ek` and, in it, an object named `object_name`.
///
/// # Errors
/// [`CredentialError`].
pub fn make_credential(
    provider: &dyn Provider,
    random: &mut dyn Random,
    ek: &TpmtPublic,
    object_name: &[u8],
    credential: &[u8],
) -> Result<Credential, CredentialError> {
    let needed = TpmaObject::RESTRICTED.with(TpmaObject::DECRYPT);
    let (Some(hash), true) = (ek.name_alg, ek.object_attributes.contains(needed)) else {
        return Err(CredentialError::NotAStorageKey);
    };
    if credential.is_empty() || credential.len() > hash.digest_size() {
        return Err(CredentialError::Size);
    }
    let key_bytes = cipher_key_bytes(ek)?;
    let (seed, secret) = share_seed(provider, random, ek, hash)?;
    let integrity_bits = bits(hash.digest_size());

    let mut identity = Zeroizing::new(Vec::with_capacity(credential.len().saturating_add(2)));
    Tpm2bDigest::from_slice(credential).map_err(|_| CredentialError::Size)?.marshal(&mut identity);
    let cipher_key = kdfa(hash, &seed, b"STORAGE", object_name, &[], bits(key_bytes));
    cfb_encrypt(TpmiAlgSymObject::Aes, &cipher_key, &[0; 16], &mut identity)?;

    let hmac_key = kdfa(hash, &seed, b"INTEGRITY", &[], &[], integrity_bits);
    let integrity = hmac(hash, &hmac_key, &[&identity, object_name]);
    let mut blob = Tpm2bDigest::from_slice(&integrity).map_err(|_| CredentialError::Size)?.to_bytes();
    blob.extend_from_slice(&identity);
    Ok(Credential {
        blob: Tpm2bIdObject::from_slice(&blob).map_err(|_| CredentialError::Size)?,
        secret: Tpm2bEncryptedSecret::from_slice(&secret).map_err(|_| CredentialError::Size)?,
    })
}

/// Bytes of the key of the endorsement key's cipher, which must be in CFB mode.
fn cipher_key_bytes(ek: &TpmtPublic) -> Result<usize, CredentialError> {
    let symmetric = match &ek.kind {
        PublicKind::Rsa(parms, _) => &parms.symmetric,
        PublicKind::Ecc(parms, _) => &parms.symmetric,
        _ => &None,
    };
    match symmetric {
        Some(cipher) if cipher.algorithm == TpmiAlgSymObject::Aes && cipher.mode == Some(TpmiAlgSymMode::Cfb) => {
            Ok(cipher.key_size())
        }
        _ => Err(CredentialError::NotAStorageKey),
    }
}

/// A fresh seed, and the seed as only the endorsement key can recover it (Part 1, annexes B.10 and C.6).
fn share_seed(
    provider: &dyn Provider,
    random: &mut dyn Random,
    ek: &TpmtPublic,
    hash: TpmiAlgHash,
) -> Result<(Zeroizing<Vec<u8>>, Vec<u8>), CredentialError> {
    match PublicKey::from_public(ek).map_err(CredentialError::Key)? {
        PublicKey::Rsa { modulus, exponent } => {
            let mut seed = Zeroizing::new(vec![0; hash.digest_size()]);
            random.fill(&mut seed);
            let scheme = EncryptionScheme::Oaep { hash: oaep_hash(ek, hash), label: b"IDENTITY\0" };
            let public = RsaPublic { n: &modulus, e: exponent };
            let secret = ironroot_crypto::rsa::encrypt(provider, public, scheme, &seed, random)?;
            Ok((seed, secret))
        }
        PublicKey::Ecc { curve, point } => {
            let (scalar, ephemeral) = ecc::generate(provider, curve, random)?;
            let shared = provider.ecc_multiply(curve, &scalar, &point)?;
            let seed = kdfe(hash, &shared.x, b"IDENTITY", &ephemeral.x, &point.x, bits(hash.digest_size()));
            let coordinate = |bytes: &[u8]| Tpm2bEccParameter::from_slice(bytes).map_err(|_| CredentialError::Size);
            let secret = TpmsEccPoint { x: coordinate(&ephemeral.x)?, y: coordinate(&ephemeral.y)? }.to_bytes();
            Ok((seed, secret))
        }
    }
}

/// The hash of OAEP: the key's own scheme, or else its name algorithm (Part 1, B.4).
fn oaep_hash(ek: &TpmtPublic, name_alg: TpmiAlgHash) -> TpmiAlgHash {
    match &ek.kind {
        PublicKind::Rsa(parms, _) => match parms.scheme {
            Some(TpmtRsaScheme::Oaep(hash)) => hash,
            _ => name_alg,
        },
        _ => name_alg,
    }
}

/// Bits of so many bytes; sizes here are at most 66 bytes.
fn bits(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(0).saturating_mul(8)
}
