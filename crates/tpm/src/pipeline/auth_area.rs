//! The session area (Part 3, 5.5): which sessions a command has and what each of them is for.

use alloc::vec::Vec;

use ironroot_wire::{
    CommandAttributes, CommandInfo, HandleKind, Reader, Role, Tpm2bAuth, Tpm2bNonce, TpmHandle, TpmRc, TpmSe, TpmSt,
    TpmaSession, TpmiShAuthSession, Wire,
};

use super::hmac;
use crate::core_state::Core;

/// The most sessions of a command.
const MAX_SESSIONS: usize = 3;
/// Bytes of the smallest session: handle, empty nonce, attributes, empty HMAC.
const MIN_SIZE: usize = 9;

/// The entity that a session authorizes.
#[derive(Clone, Copy)]
pub struct Entity {
    /// Its handle.
    pub handle: TpmHandle,
    /// The role that the command needs.
    pub role: Role,
}

/// A session of a command.
pub struct SessionUse {
    /// The session's handle; `TPM_RS_PW` for a password.
    pub handle: TpmHandle,
    /// The caller's nonce.
    pub nonce_caller: Tpm2bNonce,
    /// What the session is used for.
    pub attributes: TpmaSession,
    /// The HMAC or password.
    pub auth: Tpm2bAuth,
    /// What the session authorizes, if anything.
    pub entity: Option<Entity>,
    /// Whether the session was bound to the entity when the command came: the auth value is then in neither HMAC, even if
    /// the command changes it (Part 1, 16.6).
    pub bound: bool,
    /// 1 for the first session.
    pub number: u32,
}

impl SessionUse {
    /// Whether it is a password.
    #[must_use]
    pub fn is_password(&self) -> bool {
        self.handle == TpmHandle::PW
    }

    /// Whether all of these attributes are set.
    #[must_use]
    pub const fn has(&self, attributes: TpmaSession) -> bool {
        self.attributes.contains(attributes)
    }
}

/// The sessions of a command.
#[derive(Default)]
pub struct AuthArea {
    /// The sessions in order.
    pub sessions: Vec<SessionUse>,
    /// Whether the response has sessions.
    pub present: bool,
    /// cpHash for the audit session, from before the command changed anything.
    pub audit_cp_hash: Option<ironroot_crypto::hash::Digest>,
}

impl AuthArea {
    /// The session that has this attribute.
    #[must_use]
    pub fn with(&self, attribute: TpmaSession) -> Option<&SessionUse> {
        self.sessions.iter().find(|session| session.has(attribute))
    }
}

/// Unmarshals the session area and checks its consistency.
///
/// # Errors
/// As Part 3, 5.5 has them, with the number of the session.
pub fn unmarshal(
    tpm: &Core,
    info: &CommandInfo,
    tag: TpmSt,
    handles: &[u32],
    reader: &mut Reader<'_>,
) -> Result<AuthArea, TpmRc> {
    let needed = info.authorized_handles();
    if tag == TpmSt::NoSessions {
        return if needed == 0 { Ok(AuthArea::default()) } else { Err(TpmRc::AUTH_MISSING) };
    }
    if info.attributes.contains(CommandAttributes::NO_SESSIONS) {
        return Err(TpmRc::AUTH_CONTEXT);
    }
    let size = u32::unmarshal(reader).map_err(|_| TpmRc::AUTHSIZE)?;
    let size = usize::try_from(size).map_err(|_| TpmRc::AUTHSIZE)?;
    if size < MIN_SIZE || size > reader.len() {
        return Err(TpmRc::AUTHSIZE);
    }
    let mut area = Reader::new(reader.take(size)?, reader.rules());
    let mut sessions = Vec::with_capacity(MAX_SESSIONS);
    while !area.is_empty() {
        if sessions.len() == MAX_SESSIONS {
            return Err(TpmRc::AUTHSIZE);
        }
        let number = u32::try_from(sessions.len()).unwrap_or(u32::MAX).saturating_add(1);
        let entity = match (info.handles.get(sessions.len()), handles.get(sessions.len())) {
            (Some(handle), Some(&value)) if handle.role != Role::None => {
                Some(Entity { handle: TpmHandle(value), role: handle.role })
            }
            _ => None,
        };
        let mut session = take_session(&mut area, entity, number).map_err(|rc| rc.session(number))?;
        check_session(tpm, info, &sessions, &session).map_err(|rc| rc.session(number))?;
        session.bound = entity.is_some_and(|entity| hmac::is_bound(tpm, session.handle, entity.handle));
        sessions.push(session);
    }
    if sessions.len() < needed {
        return Err(TpmRc::AUTH_MISSING);
    }
    Ok(AuthArea { sessions, present: true, audit_cp_hash: None })
}

fn take_session(area: &mut Reader<'_>, entity: Option<Entity>, number: u32) -> Result<SessionUse, TpmRc> {
    // A handle that cannot be a session's gives TPM_RC_HANDLE here, not TPM_RC_VALUE (Part 3, 5.5).
    let handle =
        TpmiShAuthSession::unmarshal(area).map_err(|rc| if rc == TpmRc::VALUE { TpmRc::HANDLE } else { rc })?;
    Ok(SessionUse {
        handle: handle.into(),
        nonce_caller: Wire::unmarshal(area)?,
        attributes: Wire::unmarshal(area)?,
        auth: Wire::unmarshal(area)?,
        entity,
        bound: false,
        number,
    })
}

fn check_session(tpm: &Core, info: &CommandInfo, earlier: &[SessionUse], session: &SessionUse) -> Result<(), TpmRc> {
    if session.is_password() {
        return check_password(session);
    }
    let missing = TpmRc(TpmRc::REFERENCE_S0.0.saturating_add(session.number).saturating_sub(1));
    let loaded = tpm.sessions.get(session.handle).ok_or(missing)?;
    if earlier.iter().any(|other| other.handle == session.handle) {
        return Err(TpmRc::HANDLE);
    }
    for attribute in [TpmaSession::DECRYPT, TpmaSession::ENCRYPT, TpmaSession::AUDIT] {
        if session.has(attribute) && earlier.iter().any(|other| other.has(attribute)) {
            return Err(TpmRc::ATTRIBUTES);
        }
    }
    check_encryption(info, session, loaded.symmetric.is_some())?;
    if loaded.kind == TpmSe::Trial {
        return Err(TpmRc::ATTRIBUTES);
    }
    check_audit(session)?;
    let used = TpmaSession::DECRYPT | TpmaSession::ENCRYPT | TpmaSession::AUDIT;
    if session.entity.is_none() && !session.attributes.intersects(used) {
        return Err(TpmRc::ATTRIBUTES);
    }
    Ok(())
}

/// A password can only authorize: no nonce, no other use.
fn check_password(session: &SessionUse) -> Result<(), TpmRc> {
    if session.entity.is_none() {
        return Err(TpmRc::HANDLE);
    }
    if !TpmaSession::CONTINUE_SESSION.contains(session.attributes) {
        return Err(TpmRc::ATTRIBUTES);
    }
    if !session.nonce_caller.is_empty() {
        return Err(TpmRc::NONCE);
    }
    Ok(())
}

fn check_encryption(info: &CommandInfo, session: &SessionUse, has_symmetric: bool) -> Result<(), TpmRc> {
    let wants = [(TpmaSession::DECRYPT, info.decrypt_allowed()), (TpmaSession::ENCRYPT, info.encrypt_allowed())];
    for (attribute, allowed) in wants {
        if !session.has(attribute) {
            continue;
        }
        if !allowed {
            return Err(TpmRc::ATTRIBUTES);
        }
        if !has_symmetric {
            return Err(TpmRc::SYMMETRIC);
        }
    }
    Ok(())
}

fn check_audit(session: &SessionUse) -> Result<(), TpmRc> {
    if session.has(TpmaSession::AUDIT) {
        // Part 3, 5.5: an audit session is an HMAC session that authorizes nothing.
        if session.handle.kind() != HandleKind::HmacSession {
            return Err(TpmRc::ATTRIBUTES);
        }
    } else if session.attributes.intersects(TpmaSession::AUDIT_EXCLUSIVE | TpmaSession::AUDIT_RESET) {
        return Err(TpmRc::ATTRIBUTES);
    }
    Ok(())
}
