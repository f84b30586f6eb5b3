//! Signatures with loaded keys and their verification (Part 1, annexes 43 to 45; Part 3, clause 20).
//!
//! These functions do the mathematics of a scheme that the caller has settled on (`schemes`); they do not look at what a
//! key is allowed to do.

use alloc::vec::Vec;

use ironroot_crypto::{
    CryptoError, Hmac,
    ecc::{fixed_size, order_size, schnorr, sm2},
    mldsa::{MU_SIZE, pre_hashed},
    rsa::{self, RsaPublic, SignatureScheme},
};
use ironroot_wire::{
    PublicKind, Tpm2bPublicKeyRsa, Tpm2bSignatureMldsa, TpmRc, TpmiAlgHash, TpmiMldsaParms, TpmsEccParms, TpmsEccPoint,
    TpmsRsaParms, TpmsSignatureEcc, TpmsSignatureHashMldsa, TpmsSignatureRsa, TpmtHa, TpmtKeyedhashScheme,
    TpmtSigScheme, TpmtSignature, TpmuSensitiveComposite,
};

use super::{schemes, secret_sharing::fixed_point};
use crate::{core_state::Core, state::objects::Object};

/// Signs a digest, which the caller has checked to have the size of the scheme's hash. The context is that of the schemes
/// that have one ([`super::schemes::check_context`]).
///
/// # Errors
/// `TPM_RC_SCHEME` if the scheme is not one for the key; `TPM_RC_KEY_SIZE` if the key is too small for it;
/// `TPM_RC_AUTH_UNAVAILABLE` if only the public area is loaded; `TPM_RC_RANGE` or `TPM_RC_VALUE` if the commit that an ECDAA
/// signature completes is not pending ([`crate::state::commits::Commits::pending`]); `TPM_RC_FAILURE` if the computation failed its own check.
pub fn sign(
    tpm: &mut Core,
    key: &Object,
    scheme: TpmtSigScheme,
    context: &[u8],
    digest: &[u8],
) -> Result<TpmtSignature, TpmRc> {
    let sensitive = &key.sensitive()?.sensitive;
    match (&key.public.kind, sensitive, scheme) {
        (PublicKind::Rsa(..), _, TpmtSigScheme::Rsassa(hash)) => {
            sign_rsa(tpm, key, SignatureScheme::Pkcs1(hash), hash, digest).map(TpmtSignature::Rsassa)
        }
        (PublicKind::Rsa(..), _, TpmtSigScheme::Rsapss(hash)) => {
            sign_rsa(tpm, key, SignatureScheme::Pss(hash), hash, digest).map(TpmtSignature::Rsapss)
        }
        (PublicKind::Ecc(parms, _), TpmuSensitiveComposite::Ecc(scalar), TpmtSigScheme::Ecdsa(hash)) => {
            sign_ecdsa(tpm, parms, scalar, hash, digest).map(TpmtSignature::Ecdsa)
        }
        (PublicKind::Ecc(parms, _), TpmuSensitiveComposite::Ecc(scalar), TpmtSigScheme::Ecschnorr(hash)) => {
            let scheme = (parms.curve_id, hash);
            let halves = schnorr::sign(tpm.provider, scheme, scalar, digest, &mut tpm.random);
            ecc_signature(hash, halves).map(TpmtSignature::Ecschnorr)
        }
        (PublicKind::Ecc(parms, _), TpmuSensitiveComposite::Ecc(scalar), TpmtSigScheme::Sm2(hash)) => {
            let halves = sm2::sign(tpm.provider, parms.curve_id, scalar, digest, &mut tpm.random);
            ecc_signature(hash, halves).map(TpmtSignature::Sm2)
        }
        (PublicKind::Ecc(parms, _), TpmuSensitiveComposite::Ecc(scalar), TpmtSigScheme::Ecdaa(ecdaa)) => {
            let counter = schemes::commit_count(&ecdaa, context);
            let committed = tpm.commits.pending(schemes::commit_purpose(key, parms.curve_id)?, counter)?;
            let scheme = (parms.curve_id, ecdaa.hash_alg);
            let halves = schnorr::sign_committed(scheme, scalar, &committed, digest, &mut tpm.random);
            let signature = ecc_signature(ecdaa.hash_alg, halves)?;
            // Two signatures with one number would give the key away.
            tpm.commits.end(counter);
            Ok(TpmtSignature::Ecdaa(signature))
        }
        (PublicKind::Keyedhash(..), TpmuSensitiveComposite::Bits(bits), TpmtSigScheme::Hmac(hash)) => {
            let mut hmac = Hmac::new(hash, bits);
            hmac.update(digest);
            hmac_signature(hmac)
        }
        (PublicKind::HashMldsa(parms, public), _, TpmtSigScheme::HashMldsa(())) => {
            let mu = pre_hashed(public, context, parms.hash_alg, digest).map_err(|_| TpmRc::SIZE)?;
            let signature = ml_dsa_signature(tpm, key, &mu)?;
            Ok(TpmtSignature::HashMldsa(TpmsSignatureHashMldsa { hash: parms.hash_alg, signature }))
        }
        _ => Err(TpmRc::SCHEME),
    }
}

/// A finished HMAC as a signature.
///
/// # Errors
/// None: the HMAC has the size of its hash.
pub fn hmac_signature(hmac: Hmac) -> Result<TpmtSignature, TpmRc> {
    let hash = hmac.algorithm();
    Ok(TpmtSignature::Hmac(TpmtHa::new(hash, &hmac.finish())?))
}

/// Signs the representative of a message with an ML-DSA key (FIPS 204, algorithm 7 from line 7).
///
/// # Errors
/// `TPM_RC_SCHEME` if the key is not an ML-DSA key; `TPM_RC_AUTH_UNAVAILABLE` if only its public area is loaded.
pub fn sign_mu(tpm: &mut Core, key: &Object, mu: &[u8; MU_SIZE]) -> Result<TpmtSignature, TpmRc> {
    match &key.public.kind {
        PublicKind::Mldsa(..) => ml_dsa_signature(tpm, key, mu).map(TpmtSignature::Mldsa),
        _ => Err(TpmRc::SCHEME),
    }
}

fn ml_dsa_signature(tpm: &mut Core, key: &Object, mu: &[u8; MU_SIZE]) -> Result<Tpm2bSignatureMldsa, TpmRc> {
    let signature = key.ml_dsa()?.sign_mu(mu, &mut tpm.random).map_err(|_| TpmRc::FAILURE)?;
    Tpm2bSignatureMldsa::from_slice(&signature)
}

fn sign_rsa(
    tpm: &mut Core,
    key: &Object,
    scheme: SignatureScheme,
    hash: TpmiAlgHash,
    digest: &[u8],
) -> Result<TpmsSignatureRsa, TpmRc> {
    let private = key.rsa()?;
    let signature = rsa::sign(private, scheme, digest, &mut tpm.random).map_err(|error| match error {
        CryptoError::Value => TpmRc::KEY_SIZE,
        _ => TpmRc::FAILURE,
    })?;
    Ok(TpmsSignatureRsa { hash, sig: Tpm2bPublicKeyRsa::from_slice(&signature)? })
}

fn sign_ecdsa(
    tpm: &mut Core,
    parms: &TpmsEccParms,
    scalar: &[u8],
    hash: TpmiAlgHash,
    digest: &[u8],
) -> Result<TpmsSignatureEcc, TpmRc> {
    let curve = parms.curve_id;
    let scalar = fixed_size(scalar, order_size(curve)).map_err(|_| TpmRc::KEY_SIZE)?;
    ecc_signature(hash, tpm.provider.ecdsa_sign(curve, &scalar, digest, &mut tpm.random))
}

/// The two halves of a signature as a structure.
fn ecc_signature(
    hash: TpmiAlgHash,
    halves: Result<(Vec<u8>, Vec<u8>), CryptoError>,
) -> Result<TpmsSignatureEcc, TpmRc> {
    let (r, s) = halves.map_err(|error| match error {
        CryptoError::Value => TpmRc::KEY_SIZE,
        _ => TpmRc::FAILURE,
    })?;
    Ok(TpmsSignatureEcc { hash, signature_r: r.as_slice().try_into()?, signature_s: s.as_slice().try_into()? })
}

/// Verifies the signature of a digest. Only an HMAC needs the sensitive area.
///
/// # Errors
/// `TPM_RC_SCHEME` if the scheme of the signature is not one for the key; `TPM_RC_SIGNATURE` if the signature is wrong;
/// `TPM_RC_HANDLE` if the key is an HMAC key of which only the public area is loaded.
pub fn verify(tpm: &Core, key: &Object, context: &[u8], digest: &[u8], signature: &TpmtSignature) -> Result<(), TpmRc> {
    match (&key.public.kind, signature) {
        (PublicKind::Rsa(parms, modulus), TpmtSignature::Rsassa(signed)) => {
            verify_rsa(tpm, parms, modulus, SignatureScheme::Pkcs1(signed.hash), digest, &signed.sig)
        }
        (PublicKind::Rsa(parms, modulus), TpmtSignature::Rsapss(signed)) => {
            verify_rsa(tpm, parms, modulus, SignatureScheme::Pss(signed.hash), digest, &signed.sig)
        }
        (PublicKind::Ecc(parms, point), TpmtSignature::Ecdsa(signed)) => {
            verify_ecdsa(tpm, parms, point, digest, signed)
        }
        (PublicKind::Ecc(parms, point), TpmtSignature::Ecschnorr(signed)) => {
            let public = fixed_point(parms, point).map_err(|_| TpmRc::SIGNATURE)?;
            let halves = (&signed.signature_r[..], &signed.signature_s[..]);
            schnorr::verify(tpm.provider, (parms.curve_id, signed.hash), &public, digest, halves)
                .map_err(|_| TpmRc::SIGNATURE)
        }
        (PublicKind::Ecc(parms, point), TpmtSignature::Sm2(signed)) => {
            let public = fixed_point(parms, point).map_err(|_| TpmRc::SIGNATURE)?;
            let halves = (&signed.signature_r[..], &signed.signature_s[..]);
            sm2::verify(tpm.provider, parms.curve_id, &public, digest, halves).map_err(|_| TpmRc::SIGNATURE)
        }
        (PublicKind::Keyedhash(parms, _), _) => {
            let Some(sensitive) = &key.sensitive else { return Err(TpmRc::HANDLE) };
            let (TpmtSignature::Hmac(signed), TpmuSensitiveComposite::Bits(bits)) = (signature, &sensitive.sensitive)
            else {
                return Err(TpmRc::SCHEME);
            };
            match &parms.scheme {
                None => {}
                Some(TpmtKeyedhashScheme::Hmac(hash)) if *hash == signed.hash_alg() => {}
                Some(_) => return Err(TpmRc::SCHEME),
            }
            let mut hmac = Hmac::new(signed.hash_alg(), bits);
            hmac.update(digest);
            hmac.verify(signed.digest()).map_err(|_| TpmRc::SIGNATURE)
        }
        (PublicKind::HashMldsa(parms, public), TpmtSignature::HashMldsa(signed)) if signed.hash == parms.hash_alg => {
            let mu = pre_hashed(public, context, parms.hash_alg, digest).map_err(|_| TpmRc::SIZE)?;
            verify_ml_dsa(tpm, parms.parameter_set, public, &mu, &signed.signature)
        }
        _ => Err(TpmRc::SCHEME),
    }
}

/// Verifies the HMAC of a message.
///
/// # Errors
/// `TPM_RC_SCHEME` if the signature is not an HMAC with the same hash; `TPM_RC_SIGNATURE` if it is wrong.
pub fn verify_hmac(hmac: Hmac, signature: &TpmtSignature) -> Result<(), TpmRc> {
    match signature {
        TpmtSignature::Hmac(signed) if signed.hash_alg() == hmac.algorithm() => {
            hmac.verify(signed.digest()).map_err(|_| TpmRc::SIGNATURE)
        }
        _ => Err(TpmRc::SCHEME),
    }
}

/// Verifies an ML-DSA signature of the representative of a message.
///
/// # Errors
/// `TPM_RC_SCHEME` if key or signature are not of ML-DSA; `TPM_RC_SIGNATURE` if the signature is wrong.
pub fn verify_mu(tpm: &Core, key: &Object, mu: &[u8; MU_SIZE], signature: &TpmtSignature) -> Result<(), TpmRc> {
    match (&key.public.kind, signature) {
        (PublicKind::Mldsa(parms, public), TpmtSignature::Mldsa(signed)) => {
            verify_ml_dsa(tpm, parms.parameter_set, public, mu, signed)
        }
        _ => Err(TpmRc::SCHEME),
    }
}

fn verify_ml_dsa(
    tpm: &Core,
    set: TpmiMldsaParms,
    public: &[u8],
    mu: &[u8; MU_SIZE],
    signature: &[u8],
) -> Result<(), TpmRc> {
    tpm.provider.ml_dsa_verify_mu(set, public, mu, signature).map_err(|_| TpmRc::SIGNATURE)
}

fn verify_rsa(
    tpm: &Core,
    parms: &TpmsRsaParms,
    modulus: &[u8],
    scheme: SignatureScheme,
    digest: &[u8],
    signature: &[u8],
) -> Result<(), TpmRc> {
    let public = RsaPublic { n: modulus, e: exponent(parms) };
    rsa::verify(tpm.provider, public, scheme, digest, signature).map_err(|_| TpmRc::SIGNATURE)
}

fn verify_ecdsa(
    tpm: &Core,
    parms: &TpmsEccParms,
    point: &TpmsEccPoint,
    digest: &[u8],
    signature: &TpmsSignatureEcc,
) -> Result<(), TpmRc> {
    let curve = parms.curve_id;
    let public = fixed_point(parms, point).map_err(|_| TpmRc::SIGNATURE)?;
    tpm.provider
        .ecdsa_verify(curve, &public, digest, &signature.signature_r, &signature.signature_s)
        .map_err(|_| TpmRc::SIGNATURE)
}

/// The public exponent of an RSA key.
#[must_use]
pub const fn exponent(parms: &TpmsRsaParms) -> u32 {
    if parms.exponent == 0 { rsa::DEFAULT_EXPONENT } else { parms.exponent }
}
