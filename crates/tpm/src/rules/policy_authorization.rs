//! What `TPM2_PolicySigned`, `TPM2_PolicySecret` and `TPM2_PolicyTicket` share (Part 3, 23.2): the qualifiers of an
//! authorization (nonceTPM, expiration, cpHashA, policyRef), how they change a session, and the ticket that carries them.

use ironroot_wire::{
    HandleKind, Tpm2bDigest, Tpm2bName, Tpm2bNonce, Tpm2bTimeout, TpmCc, TpmHandle, TpmRc, TpmSt, TpmaNv, TpmtTkAuth,
    Wire,
};

use super::{policy_digest, tickets};
use crate::{
    core_state::Core,
    state::{
        hierarchy::Hierarchy,
        objects::Slot,
        sessions::{BoundHash, Session},
    },
};

/// The bit of a timeout on the wire that says that it ends with the next TPM Reset. Time never gets there.
const EXPIRES_ON_RESET: u64 = 1 << 63;

const MILLISECONDS: u64 = 1000;

/// When an authorization ends, in milliseconds of Time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeout {
    /// The time; 0 if it does not end.
    pub time: u64,
    /// Whether it also ends with the next TPM Reset, because no nonce bound it to a session.
    pub expires_on_reset: bool,
}

impl Timeout {
    /// No end.
    pub const NEVER: Self = Self { time: 0, expires_on_reset: false };

    /// The end of an authorization of `expiration` seconds: from the start of the session if a nonce binds it to the
    /// session, otherwise from the start of Time (23.2.2).
    #[must_use]
    pub fn new(session: &Session, expiration: i32, nonce: &[u8]) -> Self {
        let milliseconds = u64::from(expiration.unsigned_abs()).saturating_mul(MILLISECONDS);
        let time = match (milliseconds, nonce.is_empty()) {
            (0, _) => 0,
            (_, true) => milliseconds,
            (_, false) => milliseconds.saturating_add(session.start_time),
        };
        Self { time, expires_on_reset: nonce.is_empty() }
    }

    /// The timeout of a ticket's response, as [`Timeout::to_wire`] wrote it.
    ///
    /// # Errors
    /// `TPM_RC_SIZE` if it has another size.
    pub fn from_wire(timeout: &Tpm2bTimeout) -> Result<Self, TpmRc> {
        let bytes: [u8; 8] = timeout.as_slice().try_into().map_err(|_| TpmRc::SIZE)?;
        let value = u64::from_be_bytes(bytes);
        Ok(Self { time: value & !EXPIRES_ON_RESET, expires_on_reset: value & EXPIRES_ON_RESET != 0 })
    }

    /// What a caller keeps with the ticket.
    ///
    /// # Errors
    /// None: the value always fits.
    pub fn to_wire(self) -> Result<Tpm2bTimeout, TpmRc> {
        let flag = if self.expires_on_reset { EXPIRES_ON_RESET } else { 0 };
        Tpm2bTimeout::from_slice(&(self.time & !EXPIRES_ON_RESET | flag).to_bytes())
    }

    /// Whether the authorization still holds for a session.
    ///
    /// # Errors
    /// `TPM_RC_EXPIRED` if the time has passed, or Time has started anew since the session started.
    pub fn check(self, tpm: &Core, session: &Session) -> Result<(), TpmRc> {
        if self.time != 0 && (self.time < tpm.clock.time() || session.epoch != tpm.clock.epoch) {
            return Err(TpmRc::EXPIRED);
        }
        Ok(())
    }
}

/// Whether nonceTPM, if there is one, is the session's.
///
/// # Errors
/// `TPM_RC_VALUE` if not (23.2.2; TPMs in the field answer `TPM_RC_NONCE`).
pub fn check_nonce(session: &Session, nonce: &Tpm2bNonce) -> Result<(), TpmRc> {
    if nonce.is_empty() || nonce == &session.nonce_tpm { Ok(()) } else { Err(TpmRc::VALUE) }
}

/// Whether cpHashA, if there is one, can be taken over.
///
/// # Errors
/// `TPM_RC_SIZE` if it is not a digest of the session's hash; `TPM_RC_CPHASH` if the session is bound to something else.
pub fn check_cp_hash(session: &Session, cp_hash: &Tpm2bDigest) -> Result<(), TpmRc> {
    if cp_hash.is_empty() {
        return Ok(());
    }
    policy_digest::require_size(session, cp_hash)?;
    match &session.policy.bound_hash {
        BoundHash::None => Ok(()),
        BoundHash::CpHash(current) if current == cp_hash => Ok(()),
        _ => Err(TpmRc::CPHASH),
    }
}

/// A checked authorization.
pub struct Granted<'a> {
    /// `TPM_CC_PolicySigned` or `TPM_CC_PolicySecret`.
    pub code: TpmCc,
    /// The name of what authorized.
    pub auth_name: &'a Tpm2bName,
    /// policyRef, or empty.
    pub policy_ref: &'a Tpm2bNonce,
    /// cpHashA, or empty.
    pub cp_hash: &'a Tpm2bDigest,
    /// When it ends.
    pub timeout: Timeout,
}

impl Granted<'_> {
    /// Updates a session: digest, cpHash and timeout, which can only become sooner (23.2.4). Of a trial, where cpHash has
    /// not been checked, only the digest.
    ///
    /// # Errors
    /// None: the digest always fits.
    pub fn apply(&self, session: &mut Session) -> Result<(), TpmRc> {
        policy_digest::update(session, self.code, self.auth_name, self.policy_ref)?;
        if policy_digest::is_trial(session) {
            return Ok(());
        }
        if !self.cp_hash.is_empty() {
            session.policy.bound_hash = BoundHash::CpHash(self.cp_hash.clone());
        }
        if self.timeout.time != 0 {
            limit(session, self.timeout.time);
        }
        Ok(())
    }

    /// The response's timeout and ticket.
    ///
    /// # Errors
    /// None: both always fit.
    pub fn ticket(&self, tpm: &Core, tag: TpmSt, hierarchy: Hierarchy) -> Result<(Tpm2bTimeout, TpmtTkAuth), TpmRc> {
        let authorization = self.authorization(tag);
        Ok((self.timeout.to_wire()?, tickets::auth(tpm, hierarchy, &authorization)?))
    }

    /// What the ticket says.
    #[must_use]
    pub fn authorization(&self, tag: TpmSt) -> tickets::Authorization<'_> {
        tickets::Authorization {
            tag,
            timeout: self.timeout.time,
            expires_on_reset: self.timeout.expires_on_reset,
            cp_hash: self.cp_hash,
            policy_ref: self.policy_ref,
            auth_name: self.auth_name,
        }
    }
}

/// Ends a session at `time`, unless it ends sooner.
pub fn limit(session: &mut Session, time: u64) {
    session.policy.timeout = Some(session.policy.timeout.map_or(time, |current| current.min(time)));
}

/// The response without a ticket.
#[must_use]
pub fn no_ticket(tag: TpmSt) -> (Tpm2bTimeout, TpmtTkAuth) {
    (Tpm2bTimeout::default(), tickets::null_auth(tag))
}

/// The hierarchy whose proof makes the ticket of an entity's authorization.
///
/// # Errors
/// `TPM_RC_HANDLE` if the entity does not exist.
pub fn hierarchy_of(tpm: &Core, handle: TpmHandle) -> Result<Hierarchy, TpmRc> {
    Ok(match handle.kind() {
        HandleKind::Permanent => Hierarchy::from_handle(handle).unwrap_or(Hierarchy::OWNER),
        HandleKind::NvIndex if tpm.nv_index(handle)?.has(TpmaNv::PLATFORMCREATE) => Hierarchy::PLATFORM,
        HandleKind::Transient | HandleKind::Persistent => match tpm.objects.get(handle) {
            Some(Slot::Sequence(_)) => Hierarchy::NULL,
            _ => tpm.object(handle)?.hierarchy,
        },
        _ => Hierarchy::OWNER,
    })
}
