//! The response of a command that succeeded (Part 1, clause 16.10): new nonces, encryption, HMACs, end of sessions.

use alloc::vec::Vec;

use ironroot_wire::{
    CommandAttributes, Tpm2bAuth, Tpm2bNonce, TpmHandle, TpmRc, TpmSt, TpmaSession, TpmsAuthResponse, Wire,
};

use super::{Invocation, audit, auth_area::SessionUse, command_audit, hmac, parameter_encryption, tag_bytes};
use crate::{
    commands::Output,
    core_state::Core,
    state::{objects::Slot, sessions::PolicyState},
};

/// Builds the response.
///
/// # Errors
/// None for what the pipeline has checked.
pub fn success(tpm: &mut Core, invocation: Invocation<'_>, mut output: Output) -> Result<Vec<u8>, TpmRc> {
    let mut sessions = Vec::new();
    if invocation.auth.present {
        for usage in &invocation.auth.sessions {
            renew_nonce(tpm, usage)?;
        }
        if let Some(usage) = invocation.auth.with(TpmaSession::ENCRYPT) {
            parameter_encryption::encrypt(tpm, usage, &mut output.parameters)?;
        }
        audit::update(tpm, &invocation, invocation.auth.audit_cp_hash.as_deref(), &output.parameters)?;
        for usage in &invocation.auth.sessions {
            session_response(tpm, &invocation, usage, &output.parameters)?.marshal(&mut sessions);
        }
        for usage in &invocation.auth.sessions {
            finish_session(tpm, usage);
        }
    } else {
        audit::update(tpm, &invocation, None, &output.parameters)?;
    }
    command_audit::update(tpm, &invocation, &output.parameters)?;
    end_sequences(tpm, &invocation);
    Ok(assemble(&invocation, &output, &sessions))
}

/// Flushes the sequence that a command has completed: now, because its auth value is part of the response's HMAC key.
fn end_sequences(tpm: &mut Core, invocation: &Invocation<'_>) {
    if invocation.info.attributes.contains(CommandAttributes::FLUSHED) {
        for handle in invocation.handles.iter().map(|&handle| TpmHandle(handle)) {
            if let Some(Slot::Sequence(_)) = tpm.objects.get(handle) {
                tpm.objects.remove(handle);
            }
        }
    }
}

fn assemble(invocation: &Invocation<'_>, output: &Output, sessions: &[u8]) -> Vec<u8> {
    let present = invocation.auth.present;
    let parameter_size = output.parameters.len();
    let size = parameter_size
        .saturating_add(output.handle.len())
        .saturating_add(sessions.len())
        .saturating_add(if present { 14 } else { 10 });
    let mut response = Vec::with_capacity(size);
    response.extend_from_slice(&tag_bytes(if present { TpmSt::Sessions } else { TpmSt::NoSessions }));
    u32::try_from(size).unwrap_or(u32::MAX).marshal(&mut response);
    TpmRc::SUCCESS.0.marshal(&mut response);
    response.extend_from_slice(&output.handle);
    if present {
        u32::try_from(parameter_size).unwrap_or(u32::MAX).marshal(&mut response);
    }
    response.extend_from_slice(&output.parameters);
    response.extend_from_slice(sessions);
    response
}

fn renew_nonce(tpm: &mut Core, usage: &SessionUse) -> Result<(), TpmRc> {
    let Some(size) = tpm.sessions.get(usage.handle).map(|session| session.nonce_tpm.len()) else { return Ok(()) };
    let nonce = Tpm2bNonce::from_slice(&tpm.random.bytes(size))?;
    if let Some(session) = tpm.sessions.get_mut(usage.handle) {
        session.nonce_tpm = nonce;
    }
    Ok(())
}

fn session_response(
    tpm: &Core,
    invocation: &Invocation<'_>,
    usage: &SessionUse,
    parameters: &[u8],
) -> Result<TpmsAuthResponse, TpmRc> {
    // The session may have been flushed by the command itself (TPM2_Clear flushes none, but a future command may).
    let Some(session) = tpm.sessions.get(usage.handle) else {
        return Ok(TpmsAuthResponse {
            nonce: Tpm2bNonce::default(),
            session_attributes: usage.attributes.with(TpmaSession::CONTINUE_SESSION),
            hmac: Tpm2bAuth::default(),
        });
    };
    let exclusive = tpm.sessions.exclusive_audit == Some(usage.handle);
    // Part 2, 8.4: auditReset is always clear in a response, auditExclusive says what the session is now.
    let sent = usage.attributes.without(TpmaSession::AUDIT_RESET);
    let attributes = match (usage.has(TpmaSession::AUDIT), exclusive) {
        (true, true) => sent.with(TpmaSession::AUDIT_EXCLUSIVE),
        (true, false) => sent.without(TpmaSession::AUDIT_EXCLUSIVE),
        (false, _) => sent,
    };
    let key = hmac::key(tpm, session, usage)?;
    let uses_password = session.is_policy() && session.policy.password_needed && usage.entity.is_some();
    // Who left the HMAC out of the command gets none back, even if there is a secret now (Part 1, 16.6.16).
    let hmac = if uses_password || usage.auth.is_empty() {
        Tpm2bAuth::default()
    } else {
        let rp_hash = hmac::rp_hash(invocation.info.code.0, parameters, session.auth_hash);
        Tpm2bAuth::from_slice(&hmac::response(session, usage, attributes, &key, &rp_hash))?
    };
    Ok(TpmsAuthResponse { nonce: session.nonce_tpm.clone(), session_attributes: attributes, hmac })
}

/// Ends a session that does not continue; a policy session that authorized starts over, and its time with it (Part 1,
/// 16.7.2 and 16.7.8).
fn finish_session(tpm: &mut Core, usage: &SessionUse) {
    if usage.is_password() {
        return;
    }
    let (time, epoch) = (tpm.clock.time(), tpm.clock.epoch);
    if !usage.has(TpmaSession::CONTINUE_SESSION) {
        // A session that the command itself flushed is gone already.
        let _gone = tpm.sessions.flush(usage.handle);
    } else if usage.entity.is_some()
        && let Some(session) = tpm.sessions.get_mut(usage.handle)
        && session.is_policy()
    {
        session.policy = PolicyState::new(session.auth_hash);
        session.start_time = time;
        session.epoch = epoch;
    }
}
