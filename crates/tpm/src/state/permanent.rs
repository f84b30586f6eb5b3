//! What `TPM2_Clear` and power cycles leave, or change only on purpose: the permanent data (Part 1, clause 12.2).

use ironroot_wire::{SeedValue, Tpm2bAuth, Tpm2bDigest, TpmaPermanent, TpmiYesNo, TpmlPcrSelection};

use super::hierarchy::AuthPolicy;

record! {
    /// The permanent data.
    #[derive(Clone)]
    Permanent {
        /// Tells whether the TPM is opened with the seeds that it was manufactured with.
        seed_check: Tpm2bDigest,
        /// What the base of the storage primary seed is mixed with; replaced by `TPM2_Clear`.
        owner_mix: SeedValue,
        /// What the base of the endorsement primary seed is mixed with.
        endorsement_mix: SeedValue,
        /// What the base of the platform primary seed is mixed with.
        platform_mix: SeedValue,
        /// shProof.
        owner_proof: SeedValue,
        /// ehProof.
        endorsement_proof: SeedValue,
        /// phProof.
        platform_proof: SeedValue,
        /// ownerAuth.
        owner_auth: Tpm2bAuth,
        /// endorsementAuth.
        endorsement_auth: Tpm2bAuth,
        /// lockoutAuth.
        lockout_auth: Tpm2bAuth,
        /// ownerPolicy.
        owner_policy: AuthPolicy,
        /// endorsementPolicy.
        endorsement_policy: AuthPolicy,
        /// lockoutPolicy.
        lockout_policy: AuthPolicy,
        /// `TPMA_PERMANENT`, but for `inLockout`, which is computed.
        attributes: TpmaPermanent,
        /// Authorization failures that have not been forgiven.
        failed_tries: u32,
        /// Failures at which lockout starts.
        max_tries: u32,
        /// Seconds in which one failure is forgiven.
        recovery_time: u32,
        /// Seconds in which lockoutAuth works again after a failure; 0 is until the next TPM Reset.
        lockout_recovery: u32,
        /// Whether lockoutAuth may be used.
        lockout_auth_enabled: TpmiYesNo,
        /// The allocation of PCR from the next TPM Reset on.
        pcr_allocation: TpmlPcrSelection,
        /// TPM Resets since the last `TPM2_Clear`.
        reset_count: u32,
        /// TPM Restarts and Resumes since the last reset.
        restart_count: u32,
        /// TPM Resets over the TPM's life.
        total_reset_count: u64,
        /// TPM Restarts over the TPM's life: contexts of objects with `stClear` do not survive one.
        clear_count: u32,
        /// How the last power cycle was prepared.
        shutdown: Shutdown,
        /// Clock at the last time that it was recorded, in milliseconds.
        clock: u64,
        /// The largest value that any deleted NV counter has had.
        max_counter: u64,
    }
}

/// How a power cycle was prepared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shutdown {
    /// Not at all.
    None,
    /// By `TPM2_Shutdown(TPM_SU_CLEAR)`.
    Clear,
    /// By `TPM2_Shutdown(TPM_SU_STATE)`.
    State,
    /// By `TPM2_Shutdown(TPM_SU_CLEAR)` while Clock was not safe.
    ClearUnsafe,
    /// By `TPM2_Shutdown(TPM_SU_STATE)` while Clock was not safe.
    StateUnsafe,
    /// Not at all, and an auth value under dictionary-attack protection was used since the start-up (Part 1, 16.8.6).
    NoneAfterUse,
}

impl Shutdown {
    /// Whether there was a `TPM2_Shutdown`, and nothing after it.
    #[must_use]
    pub const fn is_orderly(self) -> bool {
        !matches!(self, Self::None | Self::NoneAfterUse)
    }

    /// Whether the state was saved.
    #[must_use]
    pub const fn is_state(self) -> bool {
        matches!(self, Self::State | Self::StateUnsafe)
    }

    /// Whether Clock goes on where it was, so that it cannot repeat itself (Part 1, 33.3.3).
    #[must_use]
    pub const fn is_clock_safe(self) -> bool {
        matches!(self, Self::Clear | Self::State)
    }
}

impl ironroot_wire::Wire for Shutdown {
    fn marshal(&self, out: &mut alloc::vec::Vec<u8>) {
        (*self as u8).marshal(out);
    }
    fn unmarshal(reader: &mut ironroot_wire::Reader<'_>) -> Result<Self, ironroot_wire::TpmRc> {
        match u8::unmarshal(reader)? {
            0 => Ok(Self::None),
            1 => Ok(Self::Clear),
            2 => Ok(Self::State),
            3 => Ok(Self::ClearUnsafe),
            4 => Ok(Self::StateUnsafe),
            5 => Ok(Self::NoneAfterUse),
            _ => Err(ironroot_wire::TpmRc::VALUE),
        }
    }
}

/// Failures at which lockout starts, after manufacture and `TPM2_Clear`.
pub const DEFAULT_MAX_TRIES: u32 = 32;
/// Seconds in which one failure is forgiven, after manufacture and `TPM2_Clear`.
pub const DEFAULT_RECOVERY_TIME: u32 = 600;
/// Seconds in which lockoutAuth works again, after manufacture and `TPM2_Clear`.
pub const DEFAULT_LOCKOUT_RECOVERY: u32 = 86_400;
