//! Authorization sessions (Part 1, clause 16.6) in memory, and the list of those that are saved.

use alloc::{boxed::Box, collections::BTreeMap, vec::Vec};

use ironroot_wire::{
    Reader, SeedValue, Tpm2bDigest, Tpm2bNonce, TpmCc, TpmHandle, TpmRc, TpmSe, TpmaLocality, TpmiAlgHash, TpmiYesNo,
    TpmtSymDef, Wire,
};
use zeroize::Zeroizing;

/// What a policy session has accumulated (Part 1, clause 16.7).
#[derive(Clone, PartialEq, Eq)]
pub struct PolicyState {
    /// policyDigest.
    pub digest: Tpm2bDigest,
    /// The command that the policy is limited to.
    pub command_code: Option<TpmCc>,
    /// A digest of parameters, names or a template that the command must match.
    pub bound_hash: BoundHash,
    /// Whether the HMAC key must include the auth value (`TPM2_PolicyAuthValue`).
    pub auth_value_needed: bool,
    /// Whether the auth value must be given as a password (`TPM2_PolicyPassword`).
    pub password_needed: bool,
    /// Whether physical presence must be asserted (`TPM2_PolicyPhysicalPresence`).
    pub presence_needed: bool,
    /// Whether the command must come over a secure channel (`TPM2_PolicyTransportSPDM`).
    pub channel_needed: bool,
    /// The localities of the command; `None` if any will do.
    pub locality: Option<TpmaLocality>,
    /// The update counter at the first check of PCR; `None` if there was none.
    pub pcr_counter: Option<u32>,
    /// Whether the NV index must have been written; `None` if that does not matter.
    pub nv_written: Option<bool>,
    /// When the authorization ends, in milliseconds of Time; `None` if it does not.
    pub timeout: Option<u64>,
}

/// What `TPM2_PolicyCpHash`, `TPM2_PolicyNameHash`, `TPM2_PolicyDuplicationSelect`, `TPM2_PolicyParameters` or `TPM2_PolicyTemplate` bound a policy
/// to. At most one of them may be used.
#[derive(Clone, PartialEq, Eq)]
pub enum BoundHash {
    /// Nothing.
    None,
    /// cpHash.
    CpHash(Tpm2bDigest),
    /// The hash of the names of the command's handles.
    NameHash(Tpm2bDigest),
    /// The hash of the command code and the parameters (`TPM2_PolicyParameters`).
    Parameters(Tpm2bDigest),
    /// The hash of a template for `TPM2_CreateLoaded`, `TPM2_Create` and `TPM2_CreatePrimary`.
    Template(Tpm2bDigest),
}

impl PolicyState {
    /// A policy session's state before the first policy command: a digest of zeros.
    #[must_use]
    pub fn new(hash: TpmiAlgHash) -> Self {
        Self {
            digest: Tpm2bDigest::from_slice(&alloc::vec![0; hash.digest_size()]).unwrap_or_default(),
            command_code: None,
            bound_hash: BoundHash::None,
            auth_value_needed: false,
            password_needed: false,
            presence_needed: false,
            channel_needed: false,
            locality: None,
            pcr_counter: None,
            nv_written: None,
            timeout: None,
        }
    }
}

/// An authorization session.
#[derive(Clone)]
pub struct Session {
    /// HMAC, policy or trial.
    pub kind: TpmSe,
    /// The session's hash.
    pub auth_hash: TpmiAlgHash,
    /// What encrypts parameters.
    pub symmetric: Option<TpmtSymDef>,
    /// The session key; empty if the session is neither bound nor salted.
    pub session_key: SeedValue,
    /// The TPM's latest nonce.
    pub nonce_tpm: Tpm2bNonce,
    /// For a bound session, a digest of the entity's name and auth value at the time of binding.
    pub bound: Option<Tpm2bDigest>,
    /// Whether the session is bound to an entity that is under dictionary-attack protection.
    pub bound_da: bool,
    /// Whether the session is bound to the lockout authorization.
    pub bound_lockout: bool,
    /// Time when the session started or its nonce was last used for a policy timeout, in milliseconds.
    pub start_time: u64,
    /// The epoch of Time: it changes when Time starts anew.
    pub epoch: u64,
    /// What a policy session has accumulated.
    pub policy: PolicyState,
    /// The audit digest; `None` until the session is used for audit.
    pub audit: Option<Tpm2bDigest>,
}

impl Session {
    /// The top byte of the handle.
    #[must_use]
    pub const fn handle_base(&self) -> u32 {
        match self.kind {
            TpmSe::Hmac => TpmHandle::HMAC_SESSION_FIRST.0,
            TpmSe::Policy | TpmSe::Trial => TpmHandle::POLICY_SESSION_FIRST.0,
        }
    }

    /// Whether the session is a policy session for authorization rather than a trial.
    #[must_use]
    pub fn is_policy(&self) -> bool {
        self.kind == TpmSe::Policy
    }
}

/// Flags beside the kind of the bound hash in a stored session.
const PRESENCE_NEEDED: u8 = 0x40;
const CHANNEL_NEEDED: u8 = 0x80;

fn option<T: Wire>(value: Option<&T>, out: &mut Vec<u8>) {
    TpmiYesNo(value.is_some()).marshal(out);
    if let Some(value) = value {
        value.marshal(out);
    }
}

fn take_option<T: Wire>(reader: &mut Reader<'_>) -> Result<Option<T>, TpmRc> {
    if TpmiYesNo::unmarshal(reader)?.0 { T::unmarshal(reader).map(Some) } else { Ok(None) }
}

impl Wire for PolicyState {
    fn marshal(&self, out: &mut Vec<u8>) {
        self.digest.marshal(out);
        option(self.command_code.as_ref(), out);
        let (kind, digest) = match &self.bound_hash {
            BoundHash::None => (0u8, None),
            BoundHash::CpHash(digest) => (1, Some(digest)),
            BoundHash::NameHash(digest) => (2, Some(digest)),
            BoundHash::Template(digest) => (3, Some(digest)),
            BoundHash::Parameters(digest) => (4, Some(digest)),
        };
        let presence = if self.presence_needed { PRESENCE_NEEDED } else { 0 };
        let channel = if self.channel_needed { CHANNEL_NEEDED } else { 0 };
        (kind | presence | channel).marshal(out);
        option(digest, out);
        TpmiYesNo(self.auth_value_needed).marshal(out);
        TpmiYesNo(self.password_needed).marshal(out);
        option(self.locality.as_ref(), out);
        option(self.pcr_counter.as_ref(), out);
        option(self.nv_written.map(TpmiYesNo).as_ref(), out);
        option(self.timeout.as_ref(), out);
    }

    fn unmarshal(reader: &mut Reader<'_>) -> Result<Self, TpmRc> {
        let digest = Wire::unmarshal(reader)?;
        let command_code = take_option(reader)?;
        let kind = u8::unmarshal(reader)?;
        let bound_hash = match (kind & !(PRESENCE_NEEDED | CHANNEL_NEEDED), take_option(reader)?) {
            (0, None) => BoundHash::None,
            (1, Some(digest)) => BoundHash::CpHash(digest),
            (2, Some(digest)) => BoundHash::NameHash(digest),
            (3, Some(digest)) => BoundHash::Template(digest),
            (4, Some(digest)) => BoundHash::Parameters(digest),
            _ => return Err(TpmRc::VALUE),
        };
        Ok(Self {
            digest,
            command_code,
            bound_hash,
            auth_value_needed: TpmiYesNo::unmarshal(reader)?.0,
            password_needed: TpmiYesNo::unmarshal(reader)?.0,
            presence_needed: kind & PRESENCE_NEEDED != 0,
            channel_needed: kind & CHANNEL_NEEDED != 0,
            locality: take_option(reader)?,
            pcr_counter: take_option(reader)?,
            nv_written: take_option::<TpmiYesNo>(reader)?.map(|flag| flag.0),
            timeout: take_option(reader)?,
        })
    }
}

impl Wire for Session {
    fn marshal(&self, out: &mut Vec<u8>) {
        self.kind.marshal(out);
        self.auth_hash.marshal(out);
        self.symmetric.marshal(out);
        self.session_key.marshal(out);
        self.nonce_tpm.marshal(out);
        option(self.bound.as_ref(), out);
        TpmiYesNo(self.bound_da).marshal(out);
        TpmiYesNo(self.bound_lockout).marshal(out);
        self.start_time.marshal(out);
        self.epoch.marshal(out);
        self.policy.marshal(out);
        option(self.audit.as_ref(), out);
    }

    fn unmarshal(reader: &mut Reader<'_>) -> Result<Self, TpmRc> {
        Ok(Self {
            kind: Wire::unmarshal(reader)?,
            auth_hash: Wire::unmarshal(reader)?,
            symmetric: Wire::unmarshal(reader)?,
            session_key: Wire::unmarshal(reader)?,
            nonce_tpm: Wire::unmarshal(reader)?,
            bound: take_option(reader)?,
            bound_da: TpmiYesNo::unmarshal(reader)?.0,
            bound_lockout: TpmiYesNo::unmarshal(reader)?.0,
            start_time: Wire::unmarshal(reader)?,
            epoch: Wire::unmarshal(reader)?,
            policy: Wire::unmarshal(reader)?,
            audit: take_option(reader)?,
        })
    }
}

/// An active session: in memory, or saved with a number that its context must have.
#[derive(Clone)]
enum Active {
    Loaded(Box<Session>),
    Saved { kind: u32, context_id: u64 },
}

/// The active sessions.
#[derive(Clone, Default)]
pub struct Sessions {
    active: BTreeMap<u32, Active>,
    loaded_max: usize,
    active_max: usize,
    /// The number of the next saved session context.
    next_context_id: u64,
    /// The exclusive audit session (Part 1, clause 17.5).
    pub exclusive_audit: Option<TpmHandle>,
}

const INDEX: u32 = 0x00FF_FFFF;

impl Sessions {
    /// No sessions, with the profile's limits.
    #[must_use]
    pub fn new(loaded_max: usize, active_max: usize) -> Self {
        Self { loaded_max, active_max, next_context_id: 1, ..Self::default() }
    }

    /// The number of sessions in memory.
    #[must_use]
    pub fn loaded_count(&self) -> usize {
        self.active.values().filter(|active| matches!(active, Active::Loaded(_))).count()
    }

    /// The number of active sessions.
    #[must_use]
    pub fn active_count(&self) -> usize {
        self.active.len()
    }

    /// Whether another session can be put into memory.
    ///
    /// # Errors
    /// `TPM_RC_SESSION_MEMORY` if not.
    pub fn require_free(&self) -> Result<(), TpmRc> {
        if self.loaded_count() < self.loaded_max { Ok(()) } else { Err(TpmRc::SESSION_MEMORY) }
    }

    /// Starts a session and gives it a handle.
    ///
    /// # Errors
    /// `TPM_RC_SESSION_MEMORY` or `TPM_RC_SESSION_HANDLES`.
    pub fn start(&mut self, session: Session) -> Result<TpmHandle, TpmRc> {
        self.require_free()?;
        let index = (0..u32::try_from(self.active_max).unwrap_or(INDEX))
            .find(|index| !self.active.contains_key(index))
            .ok_or(TpmRc::SESSION_HANDLES)?;
        let handle = TpmHandle(session.handle_base() | index);
        self.active.insert(index, Active::Loaded(Box::new(session)));
        Ok(handle)
    }

    /// The session in memory with this handle.
    #[must_use]
    pub fn get(&self, handle: TpmHandle) -> Option<&Session> {
        match self.active.get(&(handle.0 & INDEX)) {
            Some(Active::Loaded(session)) if session.handle_base() == handle.0 & !INDEX => Some(session),
            _ => None,
        }
    }

    /// The session in memory with this handle, to be changed.
    pub fn get_mut(&mut self, handle: TpmHandle) -> Option<&mut Session> {
        match self.active.get_mut(&(handle.0 & INDEX)) {
            Some(Active::Loaded(session)) if session.handle_base() == handle.0 & !INDEX => Some(session),
            _ => None,
        }
    }

    /// Whether the handle is an active session's, loaded or saved.
    #[must_use]
    pub fn is_active(&self, handle: TpmHandle) -> bool {
        match self.active.get(&(handle.0 & INDEX)) {
            Some(Active::Loaded(session)) => session.handle_base() == handle.0 & !INDEX,
            Some(Active::Saved { kind, .. }) => *kind == handle.0 & !INDEX,
            None => false,
        }
    }

    /// The active session with the same number as `handle`, whatever kind the top byte claims (Part 3, 28.4).
    #[must_use]
    pub fn active_handle(&self, handle: TpmHandle) -> Option<TpmHandle> {
        let index = handle.0 & INDEX;
        let kind = match self.active.get(&index)? {
            Active::Loaded(session) => session.handle_base(),
            Active::Saved { kind, .. } => *kind,
        };
        Some(TpmHandle(kind | index))
    }

    /// Ends an active session, loaded or saved.
    ///
    /// # Errors
    /// `TPM_RC_HANDLE` if there is none with this handle.
    pub fn flush(&mut self, handle: TpmHandle) -> Result<(), TpmRc> {
        if !self.is_active(handle) {
            return Err(TpmRc::HANDLE);
        }
        self.active.remove(&(handle.0 & INDEX));
        if self.exclusive_audit == Some(handle) {
            self.exclusive_audit = None;
        }
        Ok(())
    }

    /// Takes a session out of memory and returns it with the number that its context must have to be loaded again.
    ///
    /// # Errors
    /// `TPM_RC_REFERENCE_H0` if it is not in memory; `TPM_RC_TOO_MANY_CONTEXTS` if the numbers are used up.
    pub fn save(&mut self, handle: TpmHandle) -> Result<(Session, u64), TpmRc> {
        let session = self.get(handle).cloned().ok_or(TpmRc::REFERENCE_H0)?;
        let context_id = self.next_context_id;
        self.next_context_id = context_id.checked_add(1).ok_or(TpmRc::TOO_MANY_CONTEXTS)?;
        self.active.insert(handle.0 & INDEX, Active::Saved { kind: handle.0 & !INDEX, context_id });
        Ok((session, context_id))
    }

    /// Puts a saved session back into memory. Each saved context can be loaded once.
    ///
    /// # Errors
    /// `TPM_RC_HANDLE` if the session is not saved, or was saved again since; `TPM_RC_SESSION_MEMORY`.
    pub fn restore(&mut self, handle: TpmHandle, context_id: u64, session: Session) -> Result<(), TpmRc> {
        match self.active.get(&(handle.0 & INDEX)) {
            Some(Active::Saved { kind, context_id: id }) if *kind == handle.0 & !INDEX && *id == context_id => {}
            _ => return Err(TpmRc::HANDLE),
        }
        self.require_free()?;
        self.active.insert(handle.0 & INDEX, Active::Loaded(Box::new(session)));
        Ok(())
    }

    /// The handles of loaded sessions, in ascending order of index.
    pub fn loaded_handles(&self) -> impl Iterator<Item = TpmHandle> + '_ {
        self.active.iter().filter_map(|(index, active)| match active {
            Active::Loaded(session) => Some(TpmHandle(session.handle_base() | index)),
            Active::Saved { .. } => None,
        })
    }

    /// The handles of saved sessions, in ascending order of index.
    pub fn saved_handles(&self) -> impl Iterator<Item = TpmHandle> + '_ {
        self.active.iter().filter_map(|(index, active)| match active {
            Active::Saved { kind, .. } => Some(TpmHandle(kind | index)),
            Active::Loaded(_) => None,
        })
    }

    /// What must survive a TPM Resume or Restart: the numbers of saved contexts. Sessions in memory do not.
    #[must_use]
    pub fn save_list(&self) -> Zeroizing<Vec<u8>> {
        let mut out = Zeroizing::new(Vec::new());
        self.next_context_id.marshal(&mut out);
        for (index, active) in &self.active {
            if let Active::Saved { kind, context_id } = active {
                (kind | index).marshal(&mut out);
                context_id.marshal(&mut out);
            }
        }
        out
    }

    /// Takes over what [`Sessions::save_list`] wrote.
    ///
    /// # Errors
    /// The bytes are not such a list.
    pub fn restore_list(&mut self, list: &[u8]) -> Result<(), TpmRc> {
        let mut reader = Reader::new(list, &ironroot_wire::Rules::ALL);
        self.next_context_id = Wire::unmarshal(&mut reader)?;
        while !reader.is_empty() {
            let handle = u32::unmarshal(&mut reader)?;
            let context_id = u64::unmarshal(&mut reader)?;
            self.active.insert(handle & INDEX, Active::Saved { kind: handle & !INDEX, context_id });
        }
        Ok(())
    }

    /// Appends all active sessions, as a running TPM has them.
    pub fn marshal(&self, out: &mut Vec<u8>) {
        self.next_context_id.marshal(out);
        option(self.exclusive_audit.as_ref(), out);
        u32::try_from(self.active.len()).unwrap_or(u32::MAX).marshal(out);
        for (index, active) in &self.active {
            match active {
                Active::Loaded(session) => {
                    (session.handle_base() | index).marshal(out);
                    0u64.marshal(out);
                    session.marshal(out);
                }
                Active::Saved { kind, context_id } => {
                    (kind | index).marshal(out);
                    context_id.marshal(out);
                }
            }
        }
    }

    /// Takes what [`Sessions::marshal`] appended. Context number 0, which no saved context has, marks a session in memory.
    ///
    /// # Errors
    /// The bytes are no such thing, or hold more than the limits allow.
    pub fn unmarshal(reader: &mut Reader<'_>, loaded_max: usize, active_max: usize) -> Result<Self, TpmRc> {
        let mut sessions = Self::new(loaded_max, active_max);
        sessions.next_context_id = Wire::unmarshal(reader)?;
        sessions.exclusive_audit = take_option(reader)?;
        for _ in 0..u32::unmarshal(reader)? {
            let handle = u32::unmarshal(reader)?;
            let (kind, index) = (handle & !INDEX, handle & INDEX);
            let context_id = u64::unmarshal(reader)?;
            let active = if context_id == 0 {
                Active::Loaded(Box::new(Session::unmarshal(reader)?))
            } else {
                Active::Saved { kind, context_id }
            };
            let matches = match &active {
                Active::Loaded(session) => session.handle_base() == kind,
                Active::Saved { .. } => {
                    [TpmHandle::HMAC_SESSION_FIRST.0, TpmHandle::POLICY_SESSION_FIRST.0].contains(&kind)
                }
            };
            let fits = usize::try_from(index).is_ok_and(|index| index < active_max);
            if !matches || !fits || sessions.active.insert(index, active).is_some() {
                return Err(TpmRc::HANDLE);
            }
        }
        if sessions.loaded_count() > loaded_max {
            return Err(TpmRc::SESSION_MEMORY);
        }
        Ok(sessions)
    }
}
