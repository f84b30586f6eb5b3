//! The digests and HMACs of sessions (Part 1, clause 16.6).

use ironroot_crypto::{
    hash::{Digest, Hasher},
    hmac::Hmac,
};
use ironroot_wire::{TpmHandle, TpmRc, TpmaSession, TpmiAlgHash};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::{
    Invocation,
    auth_area::{AuthArea, SessionUse},
};
use crate::{core_state::Core, state::sessions::Session};

/// cpHash: the command code, the names of the handles, and the parameters as they came.
///
/// # Errors
/// A handle has no name, which cannot be after the handle area has been checked.
pub fn cp_hash(tpm: &Core, invocation: &Invocation<'_>, hash: TpmiAlgHash) -> Result<Digest, TpmRc> {
    let mut hasher = Hasher::new(hash);
    hasher.update(&invocation.info.code.0.to_be_bytes());
    for &handle in &invocation.handles {
        hasher.update(&tpm.entity_name(TpmHandle(handle))?);
    }
    hasher.update(invocation.parameters);
    Ok(hasher.finish())
}

/// The hash of the names of a command's handles.
///
/// # Errors
/// As [`cp_hash`].
pub fn name_hash(tpm: &Core, invocation: &Invocation<'_>, hash: TpmiAlgHash) -> Result<Digest, TpmRc> {
    let mut hasher = Hasher::new(hash);
    for &handle in &invocation.handles {
        hasher.update(&tpm.entity_name(TpmHandle(handle))?);
    }
    Ok(hasher.finish())
}

/// rpHash: the response code, the command code, and the response parameters as they go out.
#[must_use]
pub fn rp_hash(code: u32, parameters: &[u8], hash: TpmiAlgHash) -> Digest {
    ironroot_crypto::hash::digest(hash, &[&TpmRc::SUCCESS.0.to_be_bytes(), &code.to_be_bytes(), parameters])
}

/// The key of a session's HMAC: the session key, and the auth value of the entity unless the session is bound to it.
///
/// # Errors
/// As [`Core::auth_value`].
pub fn key(tpm: &Core, session: &Session, usage: &SessionUse) -> Result<Zeroizing<alloc::vec::Vec<u8>>, TpmRc> {
    let mut key = Zeroizing::new(alloc::vec::Vec::with_capacity(128));
    key.extend_from_slice(&session.session_key);
    if let Some(entity) = usage.entity {
        let include = if session.is_policy() { session.policy.auth_value_needed } else { !usage.bound };
        // The entity may be gone after the command that it authorized (TPM2_NV_UndefineSpaceSpecial, for one).
        if include && let Ok(auth) = tpm.auth_value(entity.handle) {
            key.extend_from_slice(&auth);
        }
    }
    Ok(key)
}

/// Whether a session is bound to an entity with the name and the auth value that it has now.
#[must_use]
pub fn is_bound(tpm: &Core, session: TpmHandle, entity: TpmHandle) -> bool {
    let bound = tpm.sessions.get(session).and_then(|session| session.bound.as_ref());
    match (bound, crate::rules::bind::digest(tpm, entity)) {
        (Some(bound), Ok(current)) => bool::from(bound.as_slice().ct_eq(current.as_slice())),
        _ => false,
    }
}

/// The HMAC that authorizes a command.
#[must_use]
pub fn command(
    tpm: &Core,
    area: &AuthArea,
    usage: &SessionUse,
    session: &Session,
    key: &[u8],
    cp_hash: &[u8],
) -> Digest {
    let mut hmac = Hmac::new(session.auth_hash, key);
    hmac.update(cp_hash);
    hmac.update(&usage.nonce_caller);
    hmac.update(&session.nonce_tpm);
    if usage.number == 1 && usage.entity.is_some() {
        // The first session also covers the nonces of sessions that encrypt, so that they cannot be exchanged.
        let decrypt = area.with(TpmaSession::DECRYPT);
        let encrypt = area.with(TpmaSession::ENCRYPT);
        if let Some(other) = decrypt.filter(|other| other.number != 1) {
            update_nonce(tpm, &mut hmac, other);
        }
        if let Some(other) =
            encrypt.filter(|other| other.number != 1 && decrypt.is_none_or(|decrypt| decrypt.number != other.number))
        {
            update_nonce(tpm, &mut hmac, other);
        }
    }
    hmac.update(&[usage.attributes.0]);
    hmac.finish()
}

fn update_nonce(tpm: &Core, hmac: &mut Hmac, usage: &SessionUse) {
    if let Some(session) = tpm.sessions.get(usage.handle) {
        hmac.update(&session.nonce_tpm);
    }
}

/// The HMAC of a response.
#[must_use]
pub fn response(session: &Session, usage: &SessionUse, attributes: TpmaSession, key: &[u8], rp_hash: &[u8]) -> Digest {
    let mut hmac = Hmac::new(session.auth_hash, key);
    hmac.update(rp_hash);
    hmac.update(&session.nonce_tpm);
    hmac.update(&usage.nonce_caller);
    hmac.update(&[attributes.0]);
    hmac.finish()
}
