//! Signatures of whole messages, in parts if need be (Part 3, 17.5, 17.6 and 20.1): what a key's scheme makes of a message
//! before it is signed. For most schemes that is a digest; HMAC, ML-DSA and EdDSA take the message itself.
//!
//! Like [`super::signatures`], these functions do not look at what a key is allowed to do.

use ironroot_crypto::{Hasher, Hmac, ecc::sm2, mldsa::Mu};
use ironroot_wire::{PublicKind, TpmRc, TpmtSigScheme, TpmtSignature, TpmuSensitiveComposite};

use super::{
    eddsa::{self, Hashing, Verification, Whole},
    schemes,
    secret_sharing::fixed_point,
    signatures,
};
use crate::{core_state::Core, state::objects::Object};

/// A message so far.
#[derive(Clone)]
// An HMAC holds two hashes. Messages live in sequences, which are behind pointers, or on the stack for one command.
#[allow(clippy::large_enum_variant)]
pub enum Message {
    /// Its digest.
    Digest(Hasher),
    /// Its HMAC.
    Hmac(Hmac),
    /// Its representative for ML-DSA.
    Mu(Mu),
    /// Itself, as EdDSA signs it.
    Whole(Whole),
    /// Its hash for HashEdDSA.
    Prehash(Hashing),
    /// The verification of its EdDSA signature.
    Eddsa(Verification),
}

impl Message {
    /// Starts a message for a key and a scheme of it. Only an HMAC needs the sensitive area.
    ///
    /// # Errors
    /// `TPM_RC_SCHEME` if the scheme is not one for the key; `TPM_RC_SIZE` as [`schemes::check_context`];
    /// `TPM_RC_AUTH_UNAVAILABLE` if the key is an HMAC key of which only the public area is loaded.
    pub fn start(key: &Object, scheme: &TpmtSigScheme, context: &[u8]) -> Result<Self, TpmRc> {
        schemes::check_context(scheme, context)?;
        match (&key.public.kind, scheme) {
            (PublicKind::Mldsa(_, public), TpmtSigScheme::Mldsa(())) => {
                Mu::new(public, context).map(Self::Mu).map_err(|_| TpmRc::SIZE)
            }
            (_, TpmtSigScheme::Hmac(hash)) => match &key.sensitive()?.sensitive {
                TpmuSensitiveComposite::Bits(bits) => Ok(Self::Hmac(Hmac::new(*hash, bits))),
                _ => Err(TpmRc::SCHEME),
            },
            (_, TpmtSigScheme::Eddsa(())) => eddsa::curve(key).map(|_| Self::Whole(Whole::default())),
            (_, TpmtSigScheme::HashEddsa(())) => Hashing::new(key).map(Self::Prehash),
            // The message of SM2 begins with who signs it (Part 1, 45.2.2.3).
            (PublicKind::Ecc(parms, point), TpmtSigScheme::Sm2(hash)) => {
                let public = fixed_point(parms, point).map_err(|_| TpmRc::KEY)?;
                let mut hasher = Hasher::new(*hash);
                let identity = sm2::identity_digest((parms.curve_id, *hash), context, &public);
                hasher.update(&identity.map_err(|_| TpmRc::SIZE)?);
                Ok(Self::Digest(hasher))
            }
            _ => schemes::digest_hash(key, scheme).map(|hash| Self::Digest(Hasher::new(hash))).ok_or(TpmRc::SCHEME),
        }
    }

    /// Starts a message whose signature is to be verified. `hint` is the R of an EdDSA signature.
    ///
    /// # Errors
    /// As [`Self::start`]. The hint has been checked ([`schemes::check_hint`]).
    pub fn start_verification(
        key: &Object,
        scheme: &TpmtSigScheme,
        context: &[u8],
        hint: &[u8],
    ) -> Result<Self, TpmRc> {
        match scheme {
            TpmtSigScheme::Eddsa(()) => Verification::new(key, hint).map(Self::Eddsa),
            _ => Self::start(key, scheme, context),
        }
    }

    /// Adds a part of the message.
    pub fn update(&mut self, part: &[u8]) {
        match self {
            Self::Digest(hasher) => hasher.update(part),
            Self::Hmac(hmac) => hmac.update(part),
            Self::Mu(mu) => mu.update(part),
            Self::Whole(whole) => whole.message.extend_from_slice(part),
            Self::Prehash(hash) => hash.update(part),
            Self::Eddsa(verification) => verification.update(part),
        }
    }

    /// Ends the message and signs it, with the key, scheme and context that it was started with.
    ///
    /// # Errors
    /// As [`signatures::sign`].
    pub fn sign(
        self,
        tpm: &mut Core,
        key: &Object,
        scheme: TpmtSigScheme,
        context: &[u8],
    ) -> Result<TpmtSignature, TpmRc> {
        match self {
            Self::Digest(hasher) => signatures::sign(tpm, key, scheme, context, &hasher.finish()),
            Self::Hmac(hmac) => signatures::hmac_signature(hmac),
            Self::Mu(mu) => signatures::sign_mu(tpm, key, &mu.finish()),
            Self::Whole(whole) => eddsa::sign_message(tpm, key, &whole.message),
            Self::Prehash(hash) => eddsa::sign_hash(tpm, key, &hash.finish()),
            Self::Eddsa(_) => Err(TpmRc::SCHEME),
        }
    }

    /// Ends the message and verifies its signature, with the key and context that it was started with.
    ///
    /// # Errors
    /// As [`signatures::verify`].
    pub fn verify(self, tpm: &Core, key: &Object, context: &[u8], signature: &TpmtSignature) -> Result<(), TpmRc> {
        match self {
            Self::Digest(hasher) => signatures::verify(tpm, key, context, &hasher.finish(), signature),
            Self::Hmac(hmac) => signatures::verify_hmac(hmac, signature),
            Self::Mu(mu) => signatures::verify_mu(tpm, key, &mu.finish(), signature),
            Self::Prehash(hash) => eddsa::verify_hash(tpm, key, &hash.finish(), signature),
            Self::Eddsa(verification) => verification.finish(key, signature),
            Self::Whole(_) => Err(TpmRc::SCHEME),
        }
    }
}

/// Signs a message that is there as a whole.
///
/// # Errors
/// As [`Message::start`] and [`Message::sign`].
pub fn sign(tpm: &mut Core, key: &Object, scheme: TpmtSigScheme, parts: &[&[u8]]) -> Result<TpmtSignature, TpmRc> {
    let mut message = Message::start(key, &scheme, &[])?;
    parts.iter().for_each(|part| message.update(part));
    message.sign(tpm, key, scheme, &[])
}

/// Verifies the signature of a message that is there as a whole, with the key's own scheme.
///
/// # Errors
/// `TPM_RC_SCHEME` if the key has no scheme or the signature another; otherwise as [`Message::verify`].
pub fn verify(tpm: &Core, key: &Object, parts: &[&[u8]], signature: &TpmtSignature) -> Result<(), TpmRc> {
    let scheme = schemes::own(key)?;
    schemes::require_match(&scheme, key, signature)?;
    let hint = eddsa::hint(key, signature);
    let mut message = Message::start_verification(key, &scheme, &[], &hint).map_err(|rc| match rc {
        // An R that is too short.
        TpmRc::SIZE => TpmRc::SIGNATURE,
        rc => rc,
    })?;
    parts.iter().for_each(|part| message.update(part));
    message.verify(tpm, key, &[], signature)
}
