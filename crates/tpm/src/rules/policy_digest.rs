//! policyDigest and the rest of a policy session's context (Part 3, 23.2.3 and 23.2.4; Part 1, clause 16.7).
//!
//! Every assertion ends here, so that no command computes a digest in its own way.

use ironroot_crypto::hash;
use ironroot_wire::{Tpm2bDigest, TpmCc, TpmRc, TpmSe, TpmiShPolicy, Wire};

use crate::{core_state::Core, state::sessions::Session};

/// The policy session that a command extends. The pipeline has checked that it is loaded.
///
/// # Errors
/// `TPM_RC_HANDLE` if there is none.
pub fn session(tpm: &Core, handle: TpmiShPolicy) -> Result<&Session, TpmRc> {
    tpm.sessions.get(handle.into()).ok_or(TpmRc::HANDLE)
}

/// The policy session that a command extends, to be changed.
///
/// # Errors
/// As [`session`].
pub fn session_mut(tpm: &mut Core, handle: TpmiShPolicy) -> Result<&mut Session, TpmRc> {
    tpm.sessions.get_mut(handle.into()).ok_or(TpmRc::HANDLE)
}

/// Whether the session only computes a digest and checks nothing.
#[must_use]
pub fn is_trial(session: &Session) -> bool {
    session.kind == TpmSe::Trial
}

/// The Zero Digest of the session's hash.
fn zero_digest(session: &Session) -> Result<Tpm2bDigest, TpmRc> {
    Tpm2bDigest::from_slice(&alloc::vec![0; session.auth_hash.digest_size()])
}

fn extend_parts(session: &mut Session, parts: &[&[u8]]) -> Result<(), TpmRc> {
    let mut all: alloc::vec::Vec<&[u8]> = alloc::vec![session.policy.digest.as_slice()];
    all.extend_from_slice(parts);
    session.policy.digest = Tpm2bDigest::from_slice(&hash::digest(session.auth_hash, &all))?;
    Ok(())
}

/// policyDigest := H(policyDigest ‖ `code` ‖ `parts`).
///
/// # Errors
/// None: the digest always fits.
pub fn extend(session: &mut Session, code: TpmCc, parts: &[&[u8]]) -> Result<(), TpmRc> {
    let code = code.to_bytes();
    let mut all: alloc::vec::Vec<&[u8]> = alloc::vec![code.as_slice()];
    all.extend_from_slice(parts);
    extend_parts(session, &all)
}

/// PolicyUpdate() (23.2.3): two steps, so that the border between `name` and `policy_ref` cannot be moved.
///
/// # Errors
/// None: the digest always fits.
pub fn update(session: &mut Session, code: TpmCc, name: &[u8], policy_ref: &[u8]) -> Result<(), TpmRc> {
    extend(session, code, &[name])?;
    extend_parts(session, &[policy_ref])
}

/// Sets policyDigest to a Zero Digest. The rest of the context stays: what earlier assertions demand is still demanded.
///
/// # Errors
/// None: the digest always fits.
pub fn reset(session: &mut Session) -> Result<(), TpmRc> {
    session.policy.digest = zero_digest(session)?;
    Ok(())
}

/// Whether `digest` has the size of the session's hash.
///
/// # Errors
/// `TPM_RC_SIZE` if not.
pub fn require_size(session: &Session, digest: &[u8]) -> Result<(), TpmRc> {
    if digest.len() == session.auth_hash.digest_size() { Ok(()) } else { Err(TpmRc::SIZE) }
}
