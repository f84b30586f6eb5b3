//! Whether a policy session authorizes a command (Part 3, 5.6, points 6 and 8).

use ironroot_crypto::hash;
use ironroot_wire::{HandleKind, Reader, Role, TpmCc, TpmHandle, TpmRc, TpmaLocality, TpmaNv, Wire};
use subtle::ConstantTimeEq;

use super::{Invocation, auth_area::Entity, hmac};
use crate::{
    core_state::Core,
    rules::presence,
    state::{
        hierarchy::{AuthPolicy, authority},
        pcr,
        sessions::{BoundHash, Session},
    },
};

/// Commands with a template as their second parameter.
const TEMPLATE_COMMANDS: &[TpmCc] = &[TpmCc(0x0131), TpmCc(0x0153), TpmCc(0x0191)];

const POLICY_SECRET: TpmCc = TpmCc(0x0151);

/// The policy of an entity; `None` if it has none.
///
/// # Errors
/// `TPM_RC_HANDLE` if the entity does not exist.
pub fn policy_of(tpm: &Core, handle: TpmHandle) -> Result<Option<AuthPolicy>, TpmRc> {
    let permanent = tpm.nv.permanent();
    let policy = match authority(handle) {
        TpmHandle::OWNER => permanent.owner_policy.clone(),
        TpmHandle::ENDORSEMENT => permanent.endorsement_policy.clone(),
        TpmHandle::LOCKOUT => permanent.lockout_policy.clone(),
        TpmHandle::PLATFORM => tpm.hierarchies.platform_policy.clone(),
        _ => match handle.kind() {
            HandleKind::NvIndex => {
                let index = tpm.nv_index(handle)?;
                AuthPolicy { alg: Some(index.public.name_alg), digest: index.public.auth_policy.clone() }
            }
            HandleKind::Transient | HandleKind::Persistent => match tpm.object(handle) {
                Ok(object) => AuthPolicy { alg: object.public.name_alg, digest: object.public.auth_policy.clone() },
                // A sequence has no policy.
                Err(_) => AuthPolicy::default(),
            },
            HandleKind::Pcr if pcr::has_authorization(handle.0) => tpm.nv.settings().pcr_policy.clone(),
            HandleKind::Permanent => {
                tpm.administration.timers.get(handle).map(|timer| timer.policy.clone()).unwrap_or_default()
            }
            _ => AuthPolicy::default(),
        },
    };
    Ok((!policy.digest.is_empty()).then_some(policy))
}

/// Checks a policy session against the command and the entity.
///
/// # Errors
/// As Part 3, 5.6 has them.
pub fn check(tpm: &Core, invocation: &Invocation<'_>, session: &Session, entity: Entity) -> Result<(), TpmRc> {
    let policy = &session.policy;
    if invocation.info.code == POLICY_SECRET && !(policy.auth_value_needed || policy.password_needed) {
        // Part 3, 23.4: no secret, no secret-based authorization.
        return Err(TpmRc::MODE);
    }
    if policy.command_code.is_none() && matches!(entity.role, Role::Admin | Role::Dup) {
        return Err(TpmRc::POLICY_FAIL);
    }
    if let Some(timeout) = policy.timeout
        && (session.epoch != tpm.clock.epoch || timeout < tpm.clock.time())
    {
        return Err(TpmRc::EXPIRED);
    }
    check_bound_hash(tpm, invocation, session)?;
    if policy.command_code.is_some_and(|code| code != invocation.info.code) {
        return Err(TpmRc::POLICY_CC);
    }
    check_digest(tpm, session, entity)?;
    if policy.pcr_counter.is_some_and(|counter| counter != tpm.pcrs.update_counter) {
        return Err(TpmRc::PCR_CHANGED);
    }
    if policy.locality.is_some_and(|allowed| !locality_allowed(allowed, tpm.locality)) {
        return Err(TpmRc::LOCALITY);
    }
    if policy.presence_needed {
        presence::require(tpm)?;
    }
    if policy.channel_needed {
        // There is no secure channel on this TPM (Part 3, 23.25).
        return Err(TpmRc::CHANNEL);
    }
    check_nv_written(tpm, session, entity)
}

fn check_digest(tpm: &Core, session: &Session, entity: Entity) -> Result<(), TpmRc> {
    let policy = policy_of(tpm, entity.handle)?.ok_or(TpmRc::POLICY_FAIL)?;
    let same_hash = policy.alg == Some(session.auth_hash);
    if same_hash && bool::from(policy.digest.ct_eq(&session.policy.digest)) { Ok(()) } else { Err(TpmRc::POLICY_FAIL) }
}

fn check_bound_hash(tpm: &Core, invocation: &Invocation<'_>, session: &Session) -> Result<(), TpmRc> {
    let hash = session.auth_hash;
    let (wanted, found) = match &session.policy.bound_hash {
        BoundHash::None => return Ok(()),
        BoundHash::CpHash(wanted) => (wanted, hmac::cp_hash(tpm, invocation, hash)?),
        BoundHash::NameHash(wanted) => (wanted, hmac::name_hash(tpm, invocation, hash)?),
        BoundHash::Parameters(wanted) => {
            let code = invocation.info.code.to_bytes();
            (wanted, hash::digest(hash, &[&code, invocation.parameters]))
        }
        BoundHash::Template(wanted) => {
            let template = template(invocation).ok_or(TpmRc::POLICY_FAIL)?;
            (wanted, hash::digest(hash, &[template]))
        }
    };
    if bool::from(wanted.ct_eq(&found)) { Ok(()) } else { Err(TpmRc::POLICY_FAIL) }
}

/// The contents of inPublic, behind inSensitive. Neither has been unmarshalled yet, and inSensitive may be encrypted, but
/// both start with their size.
fn template<'a>(invocation: &Invocation<'a>) -> Option<&'a [u8]> {
    if !TEMPLATE_COMMANDS.contains(&invocation.info.code) {
        return None;
    }
    let mut reader = Reader::new(invocation.parameters, &ironroot_wire::Rules::ALL);
    let sensitive_size = u16::unmarshal(&mut reader).ok()?;
    reader.take(usize::from(sensitive_size)).ok()?;
    let public_size = u16::unmarshal(&mut reader).ok()?;
    reader.take(usize::from(public_size)).ok()
}

/// Whether a locality is one of those that a policy allows (Part 2, 8.5).
fn locality_allowed(allowed: TpmaLocality, locality: u8) -> bool {
    match locality {
        0..=4 => allowed.0 < 32 && allowed.0 >> locality & 1 == 1,
        32.. => allowed.0 == locality,
        _ => false,
    }
}

/// For `TPM2_PolicyNvWritten`: the state of the NV index whose policy it is. The policy of anything else cannot demand it.
fn check_nv_written(tpm: &Core, session: &Session, entity: Entity) -> Result<(), TpmRc> {
    let Some(wanted) = session.policy.nv_written else { return Ok(()) };
    let found = tpm.nv_index(entity.handle).map_err(|_| TpmRc::POLICY_FAIL)?.has(TpmaNv::WRITTEN);
    if found == wanted { Ok(()) } else { Err(TpmRc::POLICY_FAIL) }
}
