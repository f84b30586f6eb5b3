//! Tickets (Part 2, clause 10.6): proof that this TPM has checked something, as an HMAC with the proof value of a
//! hierarchy. They die with the proof: with `TPM2_Clear`, a new seed, or for the NULL hierarchy the next TPM Reset.
//!
//! A ticket is valid only if it is compared here: in constant time, and never if it is a NULL ticket.

use alloc::vec::Vec;
use ironroot_crypto::{Digest, Hmac};
use ironroot_wire::{
    Tpm2bDigest, TpmRc, TpmSt, TpmiAlgHash, TpmiRhHierarchy, TpmtTkAuth, TpmtTkCreation, TpmtTkHashcheck,
    TpmtTkVerified, TpmuTkVerifiedMeta, Wire,
};
use subtle::ConstantTimeEq;

use crate::{core_state::Core, state::hierarchy::Hierarchy};

/// The hash of tickets. (That of saved contexts, `TPM_PT_CONTEXT_HASH`, is with them.)
pub const CONTEXT_INTEGRITY_HASH: TpmiAlgHash = TpmiAlgHash::Sha512;

fn keyed(tpm: &Core, hierarchy: Hierarchy, tag: TpmSt) -> Result<Hmac, TpmRc> {
    let mut hmac = Hmac::new(CONTEXT_INTEGRITY_HASH, &tpm.proof(hierarchy)?);
    hmac.update(&tag.to_bytes());
    Ok(hmac)
}

fn mac(tpm: &Core, hierarchy: Hierarchy, tag: TpmSt, parts: &[&[u8]]) -> Result<Digest, TpmRc> {
    let mut hmac = keyed(tpm, hierarchy, tag)?;
    for part in parts {
        hmac.update(part);
    }
    Ok(hmac.finish())
}

fn check(expected: &Digest, ticket: &Tpm2bDigest) -> Result<(), TpmRc> {
    if bool::from((**expected).ct_eq(ticket.as_slice())) { Ok(()) } else { Err(TpmRc::TICKET) }
}

/// A creation ticket (10.6.3). Objects of the NULL hierarchy have one, too.
///
/// # Errors
/// As [`Core::proof`].
pub fn creation(tpm: &Core, hierarchy: Hierarchy, name: &[u8], creation_hash: &[u8]) -> Result<TpmtTkCreation, TpmRc> {
    let digest = mac(tpm, hierarchy, TpmSt::Creation, &[name, creation_hash])?;
    Ok(TpmtTkCreation { tag: TpmSt::Creation, hierarchy: hierarchy.rh(), digest: Tpm2bDigest::from_slice(&digest)? })
}

/// Checks a creation ticket.
///
/// # Errors
/// `TPM_RC_TICKET` if this TPM did not make it for this name and hash.
pub fn check_creation(tpm: &Core, ticket: &TpmtTkCreation, name: &[u8], creation_hash: &[u8]) -> Result<(), TpmRc> {
    let hierarchy = Hierarchy::from(ticket.hierarchy);
    check(&mac(tpm, hierarchy, TpmSt::Creation, &[name, creation_hash])?, &ticket.digest)
}

/// A verified ticket (10.6.5) of `TPM2_VerifySignature`: a NULL ticket for a key of the NULL hierarchy or without a name.
///
/// # Errors
/// As [`Core::proof`].
pub fn verified(
    tpm: &Core,
    hierarchy: Hierarchy,
    metadata: TpmuTkVerifiedMeta,
    digest_or_message: &[u8],
    key_name: &[u8],
) -> Result<TpmtTkVerified, TpmRc> {
    if hierarchy == Hierarchy::NULL || key_name.is_empty() {
        return Ok(TpmtTkVerified { hierarchy: Hierarchy::NULL.rh(), metadata, hmac: Tpm2bDigest::default() });
    }
    let hmac = verified_mac(tpm, hierarchy, metadata, digest_or_message, key_name)?;
    Ok(TpmtTkVerified { hierarchy: hierarchy.rh(), metadata, hmac: Tpm2bDigest::from_slice(&hmac)? })
}

/// Starts the HMAC of the verified ticket of a message that comes in parts, which are its next input; `None` if the ticket
/// will be a NULL ticket.
///
/// # Errors
/// As [`Core::proof`].
pub fn message_verification(tpm: &Core, hierarchy: Hierarchy, key_name: &[u8]) -> Result<Option<Hmac>, TpmRc> {
    let has_ticket = hierarchy != Hierarchy::NULL && !key_name.is_empty();
    has_ticket.then(|| keyed(tpm, hierarchy, TpmSt::MessageVerified)).transpose()
}

/// A verified ticket of `TPM2_VerifySequenceComplete`, whose HMAC has taken in the message.
///
/// # Errors
/// As [`Core::proof`].
pub fn message_verified(started: Option<Hmac>, hierarchy: Hierarchy, key_name: &[u8]) -> Result<TpmtTkVerified, TpmRc> {
    let metadata = TpmuTkVerifiedMeta::MessageVerified;
    let Some(mut hmac) = started else {
        return Ok(TpmtTkVerified { hierarchy: Hierarchy::NULL.rh(), metadata, hmac: Tpm2bDigest::default() });
    };
    hmac.update(key_name);
    Ok(TpmtTkVerified { hierarchy: hierarchy.rh(), metadata, hmac: Tpm2bDigest::from_slice(&hmac.finish())? })
}

/// Checks a verified ticket.
///
/// # Errors
/// `TPM_RC_TICKET` if this TPM did not make it for this digest and key.
pub fn check_verified(
    tpm: &Core,
    ticket: &TpmtTkVerified,
    digest_or_message: &[u8],
    key_name: &[u8],
) -> Result<(), TpmRc> {
    let hierarchy = Hierarchy::from(ticket.hierarchy);
    check(&verified_mac(tpm, hierarchy, ticket.metadata, digest_or_message, key_name)?, &ticket.hmac)
}

fn verified_mac(
    tpm: &Core,
    hierarchy: Hierarchy,
    metadata: TpmuTkVerifiedMeta,
    digest_or_message: &[u8],
    key_name: &[u8],
) -> Result<Digest, TpmRc> {
    let mut serialized = Vec::new();
    if let TpmuTkVerifiedMeta::DigestVerified(algorithm) = metadata {
        algorithm.marshal(&mut serialized);
    }
    mac(tpm, hierarchy, metadata.tag(), &[digest_or_message, key_name, &serialized])
}

/// A hashcheck ticket (10.6.7): the digest is of a message that did not start with `TPM_GENERATED_VALUE`, which the
/// caller has checked. A NULL ticket for the NULL hierarchy.
///
/// # Errors
/// As [`Core::proof`].
pub fn hashcheck(tpm: &Core, hierarchy: Hierarchy, digest: &[u8]) -> Result<TpmtTkHashcheck, TpmRc> {
    if hierarchy == Hierarchy::NULL {
        return Ok(null_hashcheck());
    }
    let digest = mac(tpm, hierarchy, TpmSt::Hashcheck, &[digest])?;
    Ok(TpmtTkHashcheck { tag: TpmSt::Hashcheck, hierarchy: hierarchy.rh(), digest: Tpm2bDigest::from_slice(&digest)? })
}

/// The NULL hashcheck ticket, for a digest that is not safe to sign with a restricted key.
#[must_use]
pub fn null_hashcheck() -> TpmtTkHashcheck {
    TpmtTkHashcheck { tag: TpmSt::Hashcheck, hierarchy: Hierarchy::NULL.rh(), digest: Tpm2bDigest::default() }
}

/// Checks a hashcheck ticket.
///
/// # Errors
/// `TPM_RC_TICKET` if this TPM did not make it for this digest.
pub fn check_hashcheck(tpm: &Core, ticket: &TpmtTkHashcheck, digest: &[u8]) -> Result<(), TpmRc> {
    let hierarchy = Hierarchy::from(ticket.hierarchy);
    check(&mac(tpm, hierarchy, TpmSt::Hashcheck, &[digest])?, &ticket.digest)
}

/// What an auth ticket (10.6.6) is for.
#[derive(Debug, Clone, Copy)]
pub struct Authorization<'a> {
    /// `AuthSecret` or `AuthSigned`.
    pub tag: TpmSt,
    /// When it ends, in milliseconds of Time; 0 if it does not.
    pub timeout: u64,
    /// Whether it ends with the next TPM Reset, because no nonce bound it to a session.
    pub expires_on_reset: bool,
    /// cpHash, or empty.
    pub cp_hash: &'a [u8],
    /// policyRef, or empty.
    pub policy_ref: &'a [u8],
    /// The name of the entity that authorized.
    pub auth_name: &'a [u8],
}

impl Authorization<'_> {
    /// The variable-length parts carry their sizes, so that no two authorizations have one ticket.
    fn mac(&self, tpm: &Core, hierarchy: Hierarchy) -> Result<Digest, TpmRc> {
        let mut hmac = keyed(tpm, hierarchy, self.tag)?;
        for part in [self.cp_hash, self.policy_ref, self.auth_name] {
            hmac.update(&u16::try_from(part.len()).unwrap_or(u16::MAX).to_be_bytes());
            hmac.update(part);
        }
        hmac.update(&self.timeout.to_be_bytes());
        if self.timeout != 0 {
            hmac.update(&tpm.clock.epoch.to_be_bytes());
            hmac.update(&[u8::from(self.expires_on_reset)]);
            if self.expires_on_reset {
                hmac.update(&tpm.nv.permanent().total_reset_count.to_be_bytes());
            }
        }
        Ok(hmac.finish())
    }
}

/// An auth ticket of `TPM2_PolicySigned` or `TPM2_PolicySecret`.
///
/// # Errors
/// As [`Core::proof`].
pub fn auth(tpm: &Core, hierarchy: Hierarchy, authorization: &Authorization<'_>) -> Result<TpmtTkAuth, TpmRc> {
    Ok(TpmtTkAuth {
        tag: authorization.tag,
        hierarchy: hierarchy.rh(),
        digest: Tpm2bDigest::from_slice(&authorization.mac(tpm, hierarchy)?)?,
    })
}

/// The NULL auth ticket, where no expiration was asked for.
#[must_use]
pub fn null_auth(tag: TpmSt) -> TpmtTkAuth {
    TpmtTkAuth { tag, hierarchy: Hierarchy::NULL.rh(), digest: Tpm2bDigest::default() }
}

/// Checks the digest of an auth ticket of this hierarchy.
///
/// # Errors
/// `TPM_RC_TICKET` if this TPM did not make it for this authorization.
pub fn check_auth(
    tpm: &Core,
    hierarchy: TpmiRhHierarchy,
    digest: &Tpm2bDigest,
    authorization: &Authorization<'_>,
) -> Result<(), TpmRc> {
    check(&authorization.mac(tpm, Hierarchy::from(hierarchy))?, digest)
}
