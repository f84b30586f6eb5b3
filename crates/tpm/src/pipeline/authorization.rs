//! Authorization checks (Part 3, 5.6), session by session.

use ironroot_wire::{CommandInfo, HandleKind, Role, TpmCc, TpmHandle, TpmRc, TpmaNv, TpmaObject, TpmaSession};
use subtle::ConstantTimeEq;

use super::{
    Invocation,
    auth_area::{Entity, SessionUse},
    failures::{self, LockoutUse},
    hmac, pin, policy_check,
};
use crate::{
    core_state::Core,
    rules::presence,
    state::{objects::Slot, pcr, sessions::Session, timers::Timers},
};

/// Commands that write to the contents of an NV index, a lock counted as a write.
const NV_WRITES: &[TpmCc] = &[
    TpmCc(0x0134), // NV_Increment
    TpmCc(0x0135), // NV_SetBits
    TpmCc(0x0136), // NV_Extend
    TpmCc(0x0137), // NV_Write
    TpmCc(0x0138), // NV_WriteLock
    TpmCc(0x0195), // AC_Send, by the alias of the component
];

/// Commands that read the contents of an NV index, whatever their session.
const NV_READS: &[TpmCc] = &[
    TpmCc(0x014E), // NV_Read
    TpmCc(0x0184), // NV_Certify
];

const POLICY_SECRET: TpmCc = TpmCc(0x0151);

/// Checks every session of a command.
///
/// # Errors
/// The first failure, with the number of its session.
pub fn check(tpm: &mut Core, invocation: &Invocation<'_>) -> Result<(), TpmRc> {
    for usage in &invocation.auth.sessions {
        check_session(tpm, invocation, usage).map_err(|rc| rc.session(usage.number))?;
    }
    Ok(())
}

fn check_session(tpm: &mut Core, invocation: &Invocation<'_>, usage: &SessionUse) -> Result<(), TpmRc> {
    let session = tpm.sessions.get(usage.handle).cloned();
    let Some(entity) = usage.entity else {
        failures::check_lockout(tpm, None, session.as_ref())?;
        return check_guarded(tpm, invocation, usage, session.as_ref());
    };
    check_entity(tpm, invocation.info, usage, session.as_ref(), entity)?;
    if !uses_auth_value(session.as_ref()) {
        return check_guarded(tpm, invocation, usage, session.as_ref());
    }
    require_written(tpm, invocation, entity.handle)?;
    let charge = pin::charge(tpm, entity.handle)?;
    let result = check_guarded(tpm, invocation, usage, session.as_ref());
    pin::settle(tpm, entity.handle, charge, result)
}

/// Whether a session proves knowledge of the auth value: all do but policy sessions whose policy does not demand it.
fn uses_auth_value(session: Option<&Session>) -> bool {
    session
        .filter(|session| session.is_policy())
        .is_none_or(|session| session.policy.auth_value_needed || session.policy.password_needed)
}

/// Part 3, 31.1: that an index which authorizes its own reading was never written is said before its auth value is looked
/// at, so that no guess counts against the TPM.
fn require_written(tpm: &Core, invocation: &Invocation<'_>, handle: TpmHandle) -> Result<(), TpmRc> {
    let reads_itself = NV_READS.contains(&invocation.info.code) && invocation.handles.last() == Some(&handle.0);
    if !reads_itself {
        return Ok(());
    }
    // A locked one says so, once it is authorized.
    let index = tpm.nv_index(handle)?;
    if index.has(TpmaNv::WRITTEN) || index.has(TpmaNv::READLOCKED) { Ok(()) } else { Err(TpmRc::NV_UNINITIALIZED) }
}

/// [`check_proof`], with lockoutAuth closed while it is looked at.
fn check_guarded(
    tpm: &mut Core,
    invocation: &Invocation<'_>,
    usage: &SessionUse,
    session: Option<&Session>,
) -> Result<(), TpmRc> {
    let entity = usage.entity.map(|entity| entity.handle);
    let lockout = LockoutUse::of(entity, uses_auth_value(session), session);
    failures::close_lockout(tpm, lockout)?;
    let result = check_proof(tpm, invocation, usage, session);
    failures::reopen_lockout(tpm, lockout, result)
}

/// The policy, password or HMAC of a session.
fn check_proof(
    tpm: &mut Core,
    invocation: &Invocation<'_>,
    usage: &SessionUse,
    session: Option<&Session>,
) -> Result<(), TpmRc> {
    let Some(session) = session else {
        return check_password(tpm, usage);
    };
    if let Some(entity) = usage.entity
        && session.is_policy()
    {
        policy_check::check(tpm, invocation, session, entity)?;
        if session.policy.password_needed {
            return check_password(tpm, usage);
        }
    }
    check_exclusive(tpm, usage)?;
    check_hmac(tpm, invocation, usage, session)
}

/// What can be said before looking at the HMAC, password or policy.
fn check_entity(
    tpm: &mut Core,
    info: &CommandInfo,
    usage: &SessionUse,
    session: Option<&Session>,
    entity: Entity,
) -> Result<(), TpmRc> {
    let policy = session.filter(|session| session.is_policy());
    require_sensitive(tpm, entity.handle)?;
    presence::check(tpm, info.code, entity.handle)?;
    if uses_auth_value(session) {
        failures::check_lockout(tpm, Some(entity.handle), session)?;
    }
    if policy.is_some() {
        require_policy_available(tpm, info, entity)?;
        return if uses_auth_value(session) { pin::check(tpm, entity.handle) } else { Ok(()) };
    }
    // A policy session that is not a policy (a trial) has been refused with the session area.
    debug_assert!(usage.is_password() || usage.handle.kind() == HandleKind::HmacSession);
    if policy_is_required(tpm, entity) {
        return Err(TpmRc::AUTH_TYPE);
    }
    require_auth_value_available(tpm, info, entity)
}

fn require_sensitive(tpm: &Core, handle: TpmHandle) -> Result<(), TpmRc> {
    match handle.kind() {
        HandleKind::Transient | HandleKind::Persistent => match tpm.objects.get(handle) {
            Some(Slot::Sequence(_)) => Ok(()),
            _ => tpm.object(handle)?.sensitive().map(|_| ()),
        },
        _ => Ok(()),
    }
}

fn object_attributes(tpm: &Core, handle: TpmHandle) -> Option<TpmaObject> {
    match handle.kind() {
        HandleKind::Transient | HandleKind::Persistent => tpm.object(handle).ok().map(|object| object.attributes()),
        _ => None,
    }
}

/// Whether only a policy session will do (Part 3, 5.6, points 4 and 5).
fn policy_is_required(tpm: &Core, entity: Entity) -> bool {
    match entity.role {
        Role::Dup => true,
        Role::Admin => match entity.handle.kind() {
            HandleKind::NvIndex => true,
            _ => object_attributes(tpm, entity.handle).is_some_and(|a| a.contains(TpmaObject::ADMIN_WITH_POLICY)),
        },
        // A PCR whose policy has been set (Part 1, 14.7.3).
        Role::User => {
            entity.handle.kind() == HandleKind::Pcr
                && policy_check::policy_of(tpm, entity.handle).is_ok_and(|policy| policy.is_some())
        }
        Role::None => false,
    }
}

/// Whether the auth value of an entity may authorize the command (Part 3, 5.6, point 7).
fn require_auth_value_available(tpm: &Core, info: &CommandInfo, entity: Entity) -> Result<(), TpmRc> {
    let available = match entity.handle.kind() {
        HandleKind::NvIndex => {
            let index = tpm.nv_index(entity.handle)?;
            let needed = if NV_WRITES.contains(&info.code) { TpmaNv::AUTHWRITE } else { TpmaNv::AUTHREAD };
            // Part 3, 23.4: what a PIN index is for, whether or not the PIN may read it.
            let secret = pin::is_pin(&index) && info.code == POLICY_SECRET;
            pin::check(tpm, entity.handle)?;
            index.has(needed) || secret
        }
        // The authValue of a timer is the platform's, and goes with its hierarchy (Part 1, 40.2).
        HandleKind::Permanent if Timers::is_timer(entity.handle) => tpm.hierarchies.platform_enabled,
        // Sequences have no attributes and always take their auth value.
        _ => match (entity.role, object_attributes(tpm, entity.handle)) {
            // TPMs in the field answer TPM_RC_AUTH_UNAVAILABLE.
            (Role::User, Some(attributes)) if !attributes.contains(TpmaObject::USER_WITH_AUTH) => {
                return Err(TpmRc::POLICY_FAIL);
            }
            _ => true,
        },
    };
    if available { Ok(()) } else { Err(TpmRc::AUTH_UNAVAILABLE) }
}

/// Whether a policy of an entity may authorize the command (Part 3, 5.6, point 7). Every object has a policy, if only an
/// empty one that no session matches; a hierarchy and an NV index have one once it was set.
fn require_policy_available(tpm: &Core, info: &CommandInfo, entity: Entity) -> Result<(), TpmRc> {
    let kind = entity.handle.kind();
    let allowed = match kind {
        HandleKind::NvIndex if entity.role == Role::User => {
            let index = tpm.nv_index(entity.handle)?;
            let needed = if NV_WRITES.contains(&info.code) { TpmaNv::POLICYWRITE } else { TpmaNv::POLICYREAD };
            index.has(needed)
        }
        _ => true,
    };
    let exists = matches!(kind, HandleKind::Transient | HandleKind::Persistent)
        || (kind == HandleKind::Pcr && pcr::has_authorization(entity.handle.0))
        || policy_check::policy_of(tpm, entity.handle)?.is_some();
    match (allowed && exists, kind) {
        (true, _) => Ok(()),
        // Part 1, 14.7.3: of a PCR in no initialized policy set, that is a policy that fails.
        (false, HandleKind::Pcr) => Err(TpmRc::POLICY_FAIL),
        (false, _) => Err(TpmRc::AUTH_UNAVAILABLE),
    }
}

/// The password is the auth value; trailing zeros do not count (Part 1, 16.6.4.3).
fn check_password(tpm: &mut Core, usage: &SessionUse) -> Result<(), TpmRc> {
    let Some(entity) = usage.entity else { return Err(TpmRc::HANDLE) };
    let expected = tpm.auth_value(entity.handle)?;
    let given = crate::rules::auth_value::trimmed(&usage.auth);
    if bool::from(given.ct_eq(&expected)) { Ok(()) } else { Err(failures::record(tpm, Some(entity.handle), None)) }
}

/// Part 1, 15.6.4: the status at the start of the command, which a session that has not audited anything does not have.
fn check_exclusive(tpm: &Core, usage: &SessionUse) -> Result<(), TpmRc> {
    if usage.has(TpmaSession::AUDIT_EXCLUSIVE) && tpm.sessions.exclusive_audit != Some(usage.handle) {
        return Err(TpmRc::EXCLUSIVE);
    }
    Ok(())
}

fn check_hmac(tpm: &mut Core, invocation: &Invocation<'_>, usage: &SessionUse, session: &Session) -> Result<(), TpmRc> {
    let key = hmac::key(tpm, session, usage)?;
    if key.is_empty() && usage.auth.is_empty() {
        // Without any secret an HMAC says nothing, and may be left out (Part 1, 16.6.16).
        return Ok(());
    }
    let cp_hash = hmac::cp_hash(tpm, invocation, session.auth_hash)?;
    let expected = hmac::command(tpm, &invocation.auth, usage, session, &key, &cp_hash);
    if bool::from(expected.as_ref().ct_eq(usage.auth.as_slice())) {
        Ok(())
    } else {
        Err(failures::record(tpm, usage.entity.map(|entity| entity.handle), Some(session)))
    }
}
