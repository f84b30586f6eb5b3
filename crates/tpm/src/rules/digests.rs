//! The digests that `TPM2_SignDigest` and `TPM2_VerifyDigestSignature` take (Part 3, Table 115): that of the key's scheme, or
//! the external mu of an ML-DSA key, or the hash that HashEdDSA has.

use ironroot_crypto::{ecc::eddsa::PREHASH_SIZE, mldsa::MU_SIZE};
use ironroot_wire::{PublicKind, TpmAlgId, TpmEccCurve, TpmRc, TpmiAlgHash, TpmtSigScheme, TpmtSignature};

use super::{eddsa, schemes, signatures};
use crate::{core_state::Core, state::objects::Object};

/// What a key signs in the place of a message.
#[derive(Clone, Copy)]
pub enum Form {
    /// A digest of this hash.
    Digest(TpmiAlgHash),
    /// The representative of a message for ML-DSA.
    Mu,
    /// The hash that HashEdDSA signs on this curve.
    Prehash(TpmEccCurve),
}

impl Form {
    /// The form for a key and its scheme.
    ///
    /// # Errors
    /// `TPM_RC_EXT_MU` if an ML-DSA key does not allow external mu; `TPM_RC_SCHEME` if the scheme signs messages only.
    pub fn of(key: &Object, scheme: &TpmtSigScheme) -> Result<Self, TpmRc> {
        match &key.public.kind {
            PublicKind::Mldsa(parms, _) if parms.allow_external_mu.0 => Ok(Self::Mu),
            PublicKind::Mldsa(..) => Err(TpmRc::EXT_MU),
            PublicKind::Ecc(parms, _) if *scheme == TpmtSigScheme::HashEddsa(()) => Ok(Self::Prehash(parms.curve_id)),
            _ => schemes::digest_hash(key, scheme).map(Self::Digest).ok_or(TpmRc::SCHEME),
        }
    }

    /// Whether the scheme takes this context beside the digest. A mu has taken in its context already.
    ///
    /// # Errors
    /// `TPM_RC_SIZE` if not.
    pub const fn check_context(self, scheme: &TpmtSigScheme, context: &[u8]) -> Result<(), TpmRc> {
        match self {
            // The digest of SM2 has taken in the identity already (Part 1, 45.2.2.4).
            Self::Digest(_) if matches!(scheme, TpmtSigScheme::Sm2(_)) && !context.is_empty() => Err(TpmRc::SIZE),
            Self::Digest(_) | Self::Prehash(_) => schemes::check_context(scheme, context),
            Self::Mu if context.is_empty() => Ok(()),
            Self::Mu => Err(TpmRc::SIZE),
        }
    }

    /// Whether the digest has the right size.
    ///
    /// # Errors
    /// `TPM_RC_SIZE` if not.
    pub const fn check_size(self, digest: &[u8]) -> Result<(), TpmRc> {
        let size = match self {
            Self::Digest(hash) => hash.digest_size(),
            Self::Mu => MU_SIZE,
            Self::Prehash(_) => PREHASH_SIZE,
        };
        if digest.len() == size { Ok(()) } else { Err(TpmRc::SIZE) }
    }

    /// What made the digest, as a ticket says it (Part 2, 10.6.4).
    #[must_use]
    pub const fn algorithm(self) -> TpmAlgId {
        match self {
            Self::Digest(hash) => TpmAlgId(hash.value()),
            Self::Prehash(TpmEccCurve::Curve25519) => TpmAlgId::SHA512,
            Self::Mu | Self::Prehash(_) => TpmAlgId::SHAKE256_512,
        }
    }

    /// The hash with which this TPM itself could have made the digest, and so have a ticket for it: there is none for a mu,
    /// and this TPM hashes nothing with SHAKE256.
    #[must_use]
    pub const fn hash(self) -> Option<TpmiAlgHash> {
        match self {
            Self::Digest(hash) => Some(hash),
            Self::Prehash(TpmEccCurve::Curve25519) => Some(TpmiAlgHash::Sha512),
            Self::Mu | Self::Prehash(_) => None,
        }
    }

    /// Signs a digest of the right size.
    ///
    /// # Errors
    /// As [`signatures::sign`].
    pub fn sign(
        self,
        tpm: &mut Core,
        key: &Object,
        scheme: TpmtSigScheme,
        context: &[u8],
        digest: &[u8],
    ) -> Result<TpmtSignature, TpmRc> {
        match self {
            Self::Digest(_) => signatures::sign(tpm, key, scheme, context, digest),
            Self::Prehash(_) => eddsa::sign_hash(tpm, key, digest),
            Self::Mu => signatures::sign_mu(tpm, key, digest.try_into().map_err(|_| TpmRc::SIZE)?),
        }
    }

    /// Verifies the signature of a digest of the right size.
    ///
    /// # Errors
    /// As [`signatures::verify`].
    pub fn verify(
        self,
        tpm: &Core,
        key: &Object,
        context: &[u8],
        digest: &[u8],
        signature: &TpmtSignature,
    ) -> Result<(), TpmRc> {
        match self {
            Self::Digest(_) => signatures::verify(tpm, key, context, digest, signature),
            Self::Prehash(_) => eddsa::verify_hash(tpm, key, digest, signature),
            Self::Mu => signatures::verify_mu(tpm, key, digest.try_into().map_err(|_| TpmRc::SIZE)?, signature),
        }
    }
}
