//! Which scheme a key is used with (Part 3, 14.2, 17.2, 18.1 and 20.5): the key's own, or the caller's where the key
//! leaves the choice.

use ironroot_wire::{
    PublicKind, TpmEccCurve, TpmRc, TpmaObject, TpmiAlgHash, TpmsEccParms, TpmsSchemeEcdaa, TpmtEccScheme,
    TpmtKeyedhashScheme, TpmtRsaDecrypt, TpmtRsaScheme, TpmtSigScheme, TpmtSignature,
};

use super::{eddsa, tickets::CONTEXT_INTEGRITY_HASH};
use crate::state::{commits::Purpose, objects::Object};

/// The scheme of a signature.
///
/// # Errors
/// `TPM_RC_SCHEME` if neither the key nor the caller names one, if they differ, or if it is not one for such a key.
pub fn signing(key: &Object, requested: Option<TpmtSigScheme>) -> Result<TpmtSigScheme, TpmRc> {
    let scheme = match (own_signing(key)?, requested) {
        // An anonymous scheme needs the caller's counter; the one in the public area says nothing (Part 3, 20.5).
        (Some(TpmtSigScheme::Ecdaa(own)), Some(TpmtSigScheme::Ecdaa(requested)))
            if own.hash_alg == requested.hash_alg =>
        {
            TpmtSigScheme::Ecdaa(requested)
        }
        (Some(TpmtSigScheme::Ecdaa(_)), _) => return Err(TpmRc::SCHEME),
        (Some(own), None) => own,
        (Some(own), Some(requested)) if own == requested => own,
        (None, Some(requested)) => requested,
        _ => return Err(TpmRc::SCHEME),
    };
    suiting(key, scheme)
}

/// The scheme, if it is one for such a key.
fn suiting(key: &Object, scheme: TpmtSigScheme) -> Result<TpmtSigScheme, TpmRc> {
    let suits = matches!(
        (&key.public.kind, &scheme),
        (PublicKind::Rsa(..), TpmtSigScheme::Rsassa(_) | TpmtSigScheme::Rsapss(_))
            | (
                PublicKind::Ecc(..),
                TpmtSigScheme::Ecdsa(_) | TpmtSigScheme::Ecdaa(_) | TpmtSigScheme::Sm2(_) | TpmtSigScheme::Ecschnorr(_)
            )
            // Only keys that name them have these (their own scheme is compared above).
            | (
                PublicKind::Ecc(TpmsEccParms { scheme: Some(_), .. }, _),
                TpmtSigScheme::Eddsa(()) | TpmtSigScheme::HashEddsa(())
            )
            | (PublicKind::Keyedhash(..), TpmtSigScheme::Hmac(_))
            | (PublicKind::Mldsa(..), TpmtSigScheme::Mldsa(()))
            | (PublicKind::HashMldsa(..), TpmtSigScheme::HashMldsa(()))
    );
    if suits { Ok(scheme) } else { Err(TpmRc::SCHEME) }
}

/// The scheme that the key itself names, where the caller has no choice (Part 3, 17.5, 17.6, 20.4 and 20.7). The counter of
/// an anonymous scheme is then in the context of the signature.
///
/// # Errors
/// `TPM_RC_SCHEME` if the key's scheme is `TPM_ALG_NULL` or not for signing.
pub fn own(key: &Object) -> Result<TpmtSigScheme, TpmRc> {
    suiting(key, own_signing(key)?.ok_or(TpmRc::SCHEME)?)
}

/// The counter of the commit that an ECDAA signature completes: that of the context where the scheme came from the key,
/// or that of the caller's scheme.
#[must_use]
pub fn commit_count(scheme: &TpmsSchemeEcdaa, context: &[u8]) -> u16 {
    context.try_into().map_or(scheme.count, u16::from_be_bytes)
}

/// What the numbers of an ECDAA key are derived for.
///
/// # Errors
/// `TPM_RC_VALUE` if the key has no name algorithm, as only external objects can: then it has no commits.
pub fn commit_purpose(key: &Object, curve: TpmEccCurve) -> Result<Purpose<'_>, TpmRc> {
    Ok(Purpose { hash: key.public.name_alg.ok_or(TpmRc::VALUE)?, name: &key.name, curve })
}

/// What the numbers of two-phase key exchange are derived for.
#[must_use]
pub const fn ephemeral_purpose(curve: TpmEccCurve) -> Purpose<'static> {
    Purpose { hash: CONTEXT_INTEGRITY_HASH, name: &[], curve }
}

/// The hash of the digest that a scheme signs; `None` if it signs messages (Part 3, Table 115). The scheme is the key's.
#[must_use]
pub const fn digest_hash(key: &Object, scheme: &TpmtSigScheme) -> Option<TpmiAlgHash> {
    match (&key.public.kind, scheme) {
        (_, TpmtSigScheme::Hmac(_)) => None,
        (PublicKind::HashMldsa(parms, _), TpmtSigScheme::HashMldsa(())) => Some(parms.hash_alg),
        _ => scheme.hash(),
    }
}

/// Whether a scheme takes the context that a caller gives (Part 2, 11.3.7).
///
/// # Errors
/// `TPM_RC_SIZE` if the scheme has no context, and it is not empty; or if it is ECDAA, and the context is no counter.
pub const fn check_context(scheme: &TpmtSigScheme, context: &[u8]) -> Result<(), TpmRc> {
    match scheme {
        TpmtSigScheme::Mldsa(()) | TpmtSigScheme::HashMldsa(()) | TpmtSigScheme::Sm2(_) => Ok(()),
        TpmtSigScheme::Ecdaa(_) if context.len() == size_of::<u16>() => Ok(()),
        TpmtSigScheme::Ecdaa(_) => Err(TpmRc::SIZE),
        _ if context.is_empty() => Ok(()),
        _ => Err(TpmRc::SIZE),
    }
}

/// Whether a hint is the R of an EdDSA signature, as far as its size tells, and empty for all other schemes (Part 3, 17.6).
///
/// # Errors
/// `TPM_RC_SIZE` if not.
pub fn check_hint(key: &Object, scheme: &TpmtSigScheme, hint: &[u8]) -> Result<(), TpmRc> {
    let size = match scheme {
        TpmtSigScheme::Eddsa(()) => eddsa::r_size(key)?,
        _ => 0,
    };
    if hint.len() == size { Ok(()) } else { Err(TpmRc::SIZE) }
}

/// Whether a signature was made with this scheme of the key, hash included.
///
/// # Errors
/// `TPM_RC_SCHEME` if not.
pub fn require_match(scheme: &TpmtSigScheme, key: &Object, signature: &TpmtSignature) -> Result<(), TpmRc> {
    let matches = match (scheme, signature) {
        (TpmtSigScheme::Hmac(hash), TpmtSignature::Hmac(signature)) => *hash == signature.hash_alg(),
        (TpmtSigScheme::Rsassa(hash), TpmtSignature::Rsassa(signature))
        | (TpmtSigScheme::Rsapss(hash), TpmtSignature::Rsapss(signature)) => *hash == signature.hash,
        (TpmtSigScheme::Ecdsa(hash), TpmtSignature::Ecdsa(signature))
        | (TpmtSigScheme::Sm2(hash), TpmtSignature::Sm2(signature))
        | (TpmtSigScheme::Ecschnorr(hash), TpmtSignature::Ecschnorr(signature)) => *hash == signature.hash,
        (TpmtSigScheme::Mldsa(()), TpmtSignature::Mldsa(_))
        | (TpmtSigScheme::Eddsa(()), TpmtSignature::Eddsa(_))
        | (TpmtSigScheme::HashEddsa(()), TpmtSignature::HashEddsa(_)) => true,
        (TpmtSigScheme::HashMldsa(()), TpmtSignature::HashMldsa(signature)) => {
            digest_hash(key, scheme) == Some(signature.hash)
        }
        _ => false,
    };
    if matches { Ok(()) } else { Err(TpmRc::SCHEME) }
}

/// The signing scheme that a key names.
fn own_signing(key: &Object) -> Result<Option<TpmtSigScheme>, TpmRc> {
    Ok(match &key.public.kind {
        PublicKind::Rsa(parms, _) => match &parms.scheme {
            None => None,
            Some(TpmtRsaScheme::Rsassa(hash)) => Some(TpmtSigScheme::Rsassa(*hash)),
            Some(TpmtRsaScheme::Rsapss(hash)) => Some(TpmtSigScheme::Rsapss(*hash)),
            Some(TpmtRsaScheme::Rsaes(()) | TpmtRsaScheme::Oaep(_)) => return Err(TpmRc::SCHEME),
        },
        PublicKind::Ecc(parms, _) => match &parms.scheme {
            None => None,
            Some(TpmtEccScheme::Ecdsa(hash)) => Some(TpmtSigScheme::Ecdsa(*hash)),
            Some(TpmtEccScheme::Ecdaa(scheme)) => Some(TpmtSigScheme::Ecdaa(scheme.clone())),
            Some(TpmtEccScheme::Sm2(hash)) => Some(TpmtSigScheme::Sm2(*hash)),
            Some(TpmtEccScheme::Ecschnorr(hash)) => Some(TpmtSigScheme::Ecschnorr(*hash)),
            Some(TpmtEccScheme::Eddsa(())) => Some(TpmtSigScheme::Eddsa(())),
            Some(TpmtEccScheme::HashEddsa(())) => Some(TpmtSigScheme::HashEddsa(())),
            Some(TpmtEccScheme::Ecdh(_) | TpmtEccScheme::Ecmqv(_)) => return Err(TpmRc::SCHEME),
        },
        PublicKind::Keyedhash(parms, _) => match &parms.scheme {
            None => None,
            Some(TpmtKeyedhashScheme::Hmac(hash)) => Some(TpmtSigScheme::Hmac(*hash)),
            Some(TpmtKeyedhashScheme::Xor(_)) => return Err(TpmRc::SCHEME),
        },
        PublicKind::Mldsa(..) => Some(TpmtSigScheme::Mldsa(())),
        PublicKind::HashMldsa(..) => Some(TpmtSigScheme::HashMldsa(())),
        PublicKind::Symcipher(..) | PublicKind::Mlkem(..) => return Err(TpmRc::SCHEME),
    })
}

/// Whether a key may sign at all.
#[must_use]
pub const fn is_signing_key(key: &Object) -> bool {
    key.has(TpmaObject::SIGN_ENCRYPT) && !matches!(key.public.kind, PublicKind::Symcipher(..) | PublicKind::Mlkem(..))
}

/// The padding of RSA encryption; `None` is none.
///
/// # Errors
/// `TPM_RC_SCHEME` if the caller wants another one than the key has, or the key has a signing scheme.
pub fn rsa_encryption(
    own: Option<&TpmtRsaScheme>,
    requested: Option<TpmtRsaDecrypt>,
) -> Result<Option<TpmtRsaDecrypt>, TpmRc> {
    let own = match own {
        None => return Ok(requested),
        Some(TpmtRsaScheme::Rsaes(())) => TpmtRsaDecrypt::Rsaes(()),
        Some(TpmtRsaScheme::Oaep(hash)) => TpmtRsaDecrypt::Oaep(*hash),
        Some(TpmtRsaScheme::Rsassa(_) | TpmtRsaScheme::Rsapss(_)) => return Err(TpmRc::SCHEME),
    };
    match requested {
        None => Ok(Some(own)),
        Some(requested) if requested == own => Ok(Some(own)),
        Some(_) => Err(TpmRc::SCHEME),
    }
}
