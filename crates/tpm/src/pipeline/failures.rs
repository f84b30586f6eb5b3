//! Authorization failures and lockout (Part 1, clause 16.8).

use ironroot_wire::{HandleKind, TpmHandle, TpmRc, TpmaNv, TpmaObject, TpmiYesNo};

use crate::{
    core_state::Core,
    state::{objects::Slot, permanent::Shutdown, sessions::Session},
};

/// Whether the auth value of an entity is under dictionary-attack protection.
fn is_protected(tpm: &Core, handle: TpmHandle) -> bool {
    match handle.kind() {
        HandleKind::Permanent => handle == TpmHandle::LOCKOUT,
        HandleKind::NvIndex => tpm.nv_index(handle).is_ok_and(|index| !index.has(TpmaNv::NO_DA)),
        HandleKind::Transient | HandleKind::Persistent => match tpm.objects.get(handle) {
            Some(Slot::Sequence(_)) => false,
            _ => tpm.object(handle).is_ok_and(|object| !object.has(TpmaObject::NO_DA)),
        },
        _ => false,
    }
}

/// Whether the auth value of an entity may be used now, or a session that was bound to one (Part 3, 11.1.1: its use is
/// subject to dictionary-attack protection whatever it authorizes, if anything).
///
/// # Errors
/// `TPM_RC_LOCKOUT` if lockout, or the special lockout of lockoutAuth, forbids it. If an earlier failure could not be made
/// durable and still cannot, `TPM_RC_NV_UNAVAILABLE` or `TPM_RC_NV_SPACE`: a broken store must not make guessing free.
pub fn check_lockout(tpm: &mut Core, entity: Option<TpmHandle>, session: Option<&Session>) -> Result<(), TpmRc> {
    let bound_lockout = session.is_some_and(|session| session.bound_lockout);
    let bound_da = session.is_some_and(|session| session.bound_da) && !bound_lockout;
    let lockout = entity == Some(TpmHandle::LOCKOUT) || bound_lockout;
    let protected = bound_da || entity.is_some_and(|it| it != TpmHandle::LOCKOUT && is_protected(tpm, it));
    if (lockout || protected) && tpm.lockout_timers.has_unrecorded() {
        record_failures(tpm)?;
    }
    let permanent = tpm.nv.permanent();
    let locked = (lockout && !permanent.lockout_auth_enabled.0) || (protected && permanent.in_lockout());
    if locked {
        return Err(TpmRc::LOCKOUT);
    }
    if protected { note_use(tpm) } else { Ok(()) }
}

/// Makes durable, once in a power cycle, that an auth value under protection is used. Whoever sees that an answer does not
/// come at once, because a failure is being written, and cuts the power, has spent a try all the same (Part 1, 16.8.6).
fn note_use(tpm: &mut Core) -> Result<(), TpmRc> {
    if tpm.nv.permanent().shutdown == Shutdown::NoneAfterUse || tpm.nv.permanent().recovery_time == 0 {
        return Ok(());
    }
    if tpm.nv.permanent().shutdown.is_orderly() {
        tpm.nv.set_saved_state(None);
    }
    tpm.nv.permanent_mut().shutdown = Shutdown::NoneAfterUse;
    super::commit(tpm)
}

/// Before lockoutAuth is looked at: closes it, durably, so that a power cut leaves it closed. One wrong value in
/// lockoutRecovery is all that anybody gets (Part 1, 16.8.5).
///
/// # Errors
/// `TPM_RC_NV_UNAVAILABLE` or `TPM_RC_NV_SPACE` from the store.
pub fn close_lockout(tpm: &mut Core, usage: LockoutUse) -> Result<(), TpmRc> {
    if usage == LockoutUse::None {
        return Ok(());
    }
    tpm.nv.permanent_mut().lockout_auth_enabled = TpmiYesNo(false);
    super::commit(tpm)
}

/// After lockoutAuth has been looked at: opens it again, unless it was wrong or that could not be recorded.
///
/// # Errors
/// The result's, or that of the store.
pub fn reopen_lockout(tpm: &mut Core, usage: LockoutUse, result: Result<(), TpmRc>) -> Result<(), TpmRc> {
    if usage == LockoutUse::None || matches!(result, Err(TpmRc::AUTH_FAIL | TpmRc::NV_UNAVAILABLE | TpmRc::NV_SPACE)) {
        return result;
    }
    tpm.nv.permanent_mut().lockout_auth_enabled = TpmiYesNo(true);
    super::commit(tpm)?;
    result
}

/// Whether a session shows knowledge of lockoutAuth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockoutUse {
    /// Of another auth value, or of none.
    None,
    /// Of lockoutAuth.
    Shown,
}

impl LockoutUse {
    /// By what a session authorizes, if it does so with an auth value, or what it is bound to.
    #[must_use]
    pub fn of(entity: Option<TpmHandle>, uses_auth_value: bool, session: Option<&Session>) -> Self {
        let authorizes = uses_auth_value && entity == Some(TpmHandle::LOCKOUT);
        let bound = session.is_some_and(|session| session.bound_lockout);
        if authorizes || bound { Self::Shown } else { Self::None }
    }
}

/// Whether a session that is to be bound to an entity is thereby under dictionary-attack protection.
#[must_use]
pub fn binds_protected(tpm: &Core, handle: TpmHandle) -> bool {
    is_protected(tpm, handle)
}

/// Records a failed authorization and returns the response code for it. The failure is durable before the code goes
/// out; if it cannot be made durable, the caller learns nothing about the auth value.
pub fn record(tpm: &mut Core, entity: Option<TpmHandle>, session: Option<&Session>) -> TpmRc {
    let bound_lockout = session.is_some_and(|session| session.bound_lockout);
    let bound_da = session.is_some_and(|session| session.bound_da);
    // A policy session that does not need the auth value says nothing about it by failing.
    let about_auth_value = session.is_none_or(|session| {
        !session.is_policy() || session.policy.auth_value_needed || session.policy.password_needed
    });
    let protected = about_auth_value && entity.is_some_and(|handle| is_protected(tpm, handle));
    if !(protected || bound_da || bound_lockout) {
        return TpmRc::BAD_AUTH;
    }
    let time = tpm.clock.time();
    // Only an interval without any failure forgives one (Part 1, 16.8.2).
    tpm.lockout_timers.restart(time);
    if (protected && entity == Some(TpmHandle::LOCKOUT)) || bound_lockout {
        tpm.lockout_timers.lockout_failed(time);
    } else {
        tpm.lockout_timers.failed();
    }
    match record_failures(tpm) {
        Ok(()) => TpmRc::AUTH_FAIL,
        Err(rc) => rc,
    }
}

/// Makes the failures durable that are not yet.
fn record_failures(tpm: &mut Core) -> Result<(), TpmRc> {
    tpm.lockout_timers.count_unrecorded(tpm.nv.permanent_mut());
    super::commit(tpm)?;
    tpm.lockout_timers.note_recorded();
    Ok(())
}
