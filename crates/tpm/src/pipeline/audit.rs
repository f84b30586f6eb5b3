//! Session audit (Part 1, clause 17.5).

use ironroot_crypto::hash;
use ironroot_wire::{CommandAttributes, Tpm2bDigest, TpmRc, TpmaSession};

use super::{Invocation, hmac};
use crate::core_state::Core;

/// cpHash for the session that audits a command; `None` if none does.
///
/// # Errors
/// As [`hmac::cp_hash`].
pub fn cp_hash(tpm: &Core, invocation: &Invocation<'_>) -> Result<Option<hash::Digest>, TpmRc> {
    let Some(usage) = invocation.auth.with(TpmaSession::AUDIT) else { return Ok(None) };
    match tpm.sessions.get(usage.handle) {
        Some(session) => hmac::cp_hash(tpm, invocation, session.auth_hash).map(Some),
        None => Ok(None),
    }
}

/// Extends the audit digest of the session that audits a command, and keeps track of which session is exclusive.
/// `cp_hash` was computed before the command changed anything.
///
/// # Errors
/// None for the digests of this implementation.
pub fn update(
    tpm: &mut Core,
    invocation: &Invocation<'_>,
    cp_hash: Option<&[u8]>,
    parameters: &[u8],
) -> Result<(), TpmRc> {
    let Some(usage) = invocation.auth.with(TpmaSession::AUDIT) else {
        if !invocation.info.attributes.contains(CommandAttributes::NO_SESSIONS) {
            tpm.sessions.exclusive_audit = None;
        }
        return Ok(());
    };
    let Some(session) = tpm.sessions.get_mut(usage.handle) else { return Ok(()) };
    let alg = session.auth_hash;
    let starts = session.audit.is_none() || usage.has(TpmaSession::AUDIT_RESET);
    let zeros = alloc::vec![0; alg.digest_size()];
    let old = if starts { zeros.as_slice() } else { session.audit.as_deref().unwrap_or(&zeros) };
    let rp_hash = hmac::rp_hash(invocation.info.code.0, parameters, alg);
    let extended = hash::digest(alg, &[old, cp_hash.unwrap_or_default(), &rp_hash]);
    // An audit session is bound to nothing any more (Part 1, 17.1).
    session.bound = None;
    session.audit = Some(Tpm2bDigest::from_slice(&extended)?);
    if starts {
        tpm.sessions.exclusive_audit = Some(usage.handle);
    } else if tpm.sessions.exclusive_audit != Some(usage.handle) {
        tpm.sessions.exclusive_audit = None;
    }
    Ok(())
}
