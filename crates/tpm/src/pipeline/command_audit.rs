//! Command audit (Part 1, clause 32): the log of the commands that administrators want to see.

use ironroot_crypto::hash::{self, Digest};
use ironroot_wire::{Tpm2bDigest, TpmRc, TpmiAlgHash};

use super::{Invocation, hmac};
use crate::{core_state::Core, rules::audit};

/// For a command that is audited, the hash of the audit and cpHash, from before the command changes anything.
///
/// # Errors
/// As [`hmac::cp_hash`].
pub fn start(tpm: &Core, invocation: &Invocation<'_>) -> Result<Option<(TpmiAlgHash, Digest)>, TpmRc> {
    if !audit::is_audited(tpm, invocation.info.code) {
        return Ok(None);
    }
    let alg = audit::hash_alg(tpm);
    Ok(Some((alg, hmac::cp_hash(tpm, invocation, alg)?)))
}

/// cpHash, unless the command has changed the hash of the audit: that is not audited (Part 3, 21.1).
fn audited<'a>(tpm: &Core, invocation: &'a Invocation<'_>) -> Option<(TpmiAlgHash, &'a Digest)> {
    let (alg, cp_hash) = invocation.command_audit.as_ref()?;
    (*alg == audit::hash_alg(tpm)).then_some((*alg, cp_hash))
}

/// Begins a log with the first audited command: a Zero Digest, and the count of logs, which is committed with the command.
///
/// # Errors
/// None: the digest always fits.
pub fn begin(tpm: &mut Core, invocation: &Invocation<'_>) -> Result<(), TpmRc> {
    if let Some((alg, _)) = audited(tpm, invocation)
        && tpm.administration.audit_digest.is_empty()
    {
        tpm.administration.audit_digest = Tpm2bDigest::from_slice(&alloc::vec![0; alg.digest_size()])?;
        let settings = tpm.nv.settings_mut();
        settings.audit_counter = settings.audit_counter.wrapping_add(1);
    }
    Ok(())
}

/// Extends the audit digest with the command and its response.
///
/// # Errors
/// None: the digest always fits.
pub fn update(tpm: &mut Core, invocation: &Invocation<'_>, parameters: &[u8]) -> Result<(), TpmRc> {
    if let Some((alg, cp_hash)) = audited(tpm, invocation) {
        let rp_hash = hmac::rp_hash(invocation.info.code.0, parameters, alg);
        let extended = hash::digest(alg, &[&tpm.administration.audit_digest, cp_hash, &rp_hash]);
        tpm.administration.audit_digest = Tpm2bDigest::from_slice(&extended)?;
    }
    Ok(())
}
