//! What administrators change for a while: it is gone after a TPM Reset, and survives a TPM Resume.

use ironroot_wire::{Tpm2bAuth, Tpm2bDigest, TpmiYesNo};

use super::timers::Timers;

record! {
    /// The volatile part of administration.
    #[derive(Clone)]
    Administration {
        /// Whether the TPM is in Read-Only mode.
        read_only: TpmiYesNo,
        /// The digest of the commands that were audited; empty if no log has been begun.
        audit_digest: Tpm2bDigest,
        /// The auth value of the PCR that may have one.
        pcr_auth: Tpm2bAuth,
        /// The authenticated countdown timers.
        timers: Timers,
    }
}

impl Administration {
    /// After a TPM Reset.
    #[must_use]
    pub fn reset(timers: u32) -> Self {
        Self {
            read_only: TpmiYesNo(false),
            audit_digest: Tpm2bDigest::default(),
            pcr_auth: Tpm2bAuth::default(),
            timers: Timers::new(timers),
        }
    }
}
