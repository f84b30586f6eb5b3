//! What `TPM2_Duplicate` does, in software: an object encrypted to a parent that may be far away (Part 1, 20.3.2). Only the TPM that has
//! the parent can import it.

use ironroot_client::{
    SecretUse, object_name, share_secret, templates,
    wire::{
        PublicKind, Tpm2b, Tpm2bDigest, Tpm2bEccParameter, Tpm2bEncryptedSecret, Tpm2bPrivate, Tpm2bPublicKeyRsa,
        TpmEccCurve, TpmaObject, TpmsEccPoint, TpmtPublic, TpmtSensitive, TpmtSymDefObject, Wire,
    },
};
use ironroot_crypto::{cfb_encrypt, hmac, kdfa};
use zeroize::Zeroizing;

use crate::{KeyError, VerifyingKey, verify::Kind};

/// An object as `TPM2_Import` takes it.
pub(crate) struct Wrapped {
    pub(crate) duplicate: Tpm2bPrivate,
    pub(crate) secret: Tpm2bEncryptedSecret,
}

/// Encrypts an object to a parent: an outer wrapper, and no inner one.
pub(crate) fn wrap(parent: &TpmtPublic, public: &TpmtPublic, sensitive: TpmtSensitive) -> Result<Wrapped, KeyError> {
    let symmetric = cipher_of(parent)?;
    let hash = parent.name_alg.ok_or_else(|| KeyError::unsuitable("the parent has no name algorithm"))?;
    let (seed, secret) = share_secret(parent, SecretUse::Duplicate)?;
    let name = object_name(public);
    let failed = || KeyError::unsuitable("the key cannot be encrypted to this parent: it does not fit");
    let key = kdfa(hash, &seed, b"STORAGE", &name, &[], symmetric.key_bits.value().into());
    let mut blob = Zeroizing::new(Tpm2b(sensitive).to_bytes());
    // The key is used once, so the IV may be zero.
    let iv = vec![0; symmetric.algorithm.block_size()];
    cfb_encrypt(symmetric.algorithm, &key, &iv, &mut blob).map_err(|_| failed())?;
    let bits = u32::try_from(hash.digest_size() * 8).unwrap_or(u32::MAX);
    let key = kdfa(hash, &seed, b"INTEGRITY", &[], &[], bits);
    let integrity = hmac(hash, &key, &[&blob, &name]);
    let mut duplicate = Tpm2bDigest::from_slice(&integrity).map_err(|_| failed())?.to_bytes();
    duplicate.extend_from_slice(&blob);
    Ok(Wrapped { duplicate: Tpm2bPrivate::from_slice(&duplicate).map_err(|_| failed())?, secret })
}

/// The cipher with which a parent protects its children.
fn cipher_of(parent: &TpmtPublic) -> Result<&TpmtSymDefObject, KeyError> {
    let storage = TpmaObject::RESTRICTED.with(TpmaObject::DECRYPT);
    let symmetric = match &parent.kind {
        PublicKind::Rsa(parms, _) => parms.symmetric.as_ref(),
        PublicKind::Ecc(parms, _) => parms.symmetric.as_ref(),
        _ => None,
    };
    symmetric
        .filter(|_| parent.object_attributes.contains(storage))
        .ok_or_else(|| KeyError::unsuitable("the parent is no storage key of RSA or ECC"))
}

/// A parent's public area from a file: a `TPM2B_PUBLIC` or `TPMT_PUBLIC`, as `ironroot key parent` and `tpm2_readpublic` write them; or a
/// PEM `PUBLIC KEY`, which is taken for a storage key of TCG's templates (RSA-2048 or P-256, SHA-256, AES-128).
///
/// # Errors
/// [`KeyError::Unsuitable`] for anything else, and for keys that are no storage keys.
pub fn parent_from(bytes: &[u8]) -> Result<TpmtPublic, KeyError> {
    let public = match std::str::from_utf8(bytes) {
        Ok(pem) if pem.contains("-----BEGIN ") => storage_key(&VerifyingKey::from_pem(pem)?)?,
        _ => Tpm2b::<TpmtPublic>::from_bytes(bytes)
            .map(|sized| sized.0)
            .or_else(|_| TpmtPublic::from_bytes(bytes))
            .map_err(|error| KeyError::unsuitable(format!("it is no public area and no PEM: {error}")))?,
    };
    cipher_of(&public)?;
    Ok(public)
}

fn storage_key(key: &VerifyingKey) -> Result<TpmtPublic, KeyError> {
    match &key.kind {
        Kind::Rsa { n, e: 65_537 } if n.len() == 256 => {
            let mut public = templates::srk_rsa2048();
            if let PublicKind::Rsa(_, modulus) = &mut public.kind {
                *modulus = Tpm2bPublicKeyRsa::from_slice(n).unwrap_or_default();
            }
            Ok(public)
        }
        Kind::Ecdsa { curve: TpmEccCurve::NistP256, point } => {
            let mut public = templates::srk_p256();
            let coordinate = |bytes: &[u8]| Tpm2bEccParameter::from_slice(bytes).unwrap_or_default();
            if let PublicKind::Ecc(_, unique) = &mut public.kind {
                *unique = TpmsEccPoint { x: coordinate(&point.x), y: coordinate(&point.y) };
            }
            Ok(public)
        }
        _ => Err(KeyError::unsuitable(
            "a PEM of a storage key is RSA-2048 or P-256; give the public area itself (ironroot key parent, tpm2_readpublic)",
        )),
    }
}
