//! What `TPM2_Shutdown(TPM_SU_STATE)` saves for a TPM Resume or Restart (Part 1, clause 12.2.4).

use ironroot_wire::{SeedValue, Tpm2bAuth, TpmiYesNo};

use super::{administration::Administration, commits::Commits, hierarchy::AuthPolicy};

record! {
    /// The saved state.
    #[derive(Clone)]
    SavedState {
        /// shEnable.
        owner_enabled: TpmiYesNo,
        /// ehEnable.
        endorsement_enabled: TpmiYesNo,
        /// phEnableNV.
        platform_nv_enabled: TpmiYesNo,
        /// platformAuth.
        platform_auth: Tpm2bAuth,
        /// platformPolicy.
        platform_policy: AuthPolicy,
        /// The seed of the NULL hierarchy.
        null_seed: SeedValue,
        /// The proof of the NULL hierarchy.
        null_proof: SeedValue,
        /// The number of the next saved object context.
        object_context_id: u64,
        /// The locality of `TPM2_Startup`.
        startup_locality: u8,
        /// The count of changes of PCR.
        pcr_update_counter: u32,
        /// PCR values.
        pcrs: Bytes,
        /// Saved sessions.
        sessions: Bytes,
        /// Read-Only mode, audit, PCR authorization, timers.
        administration: Administration,
        /// Split operations.
        commits: Commits,
    }
}

/// Bytes behind a 32-bit length.
#[derive(Clone)]
pub struct Bytes(pub zeroize::Zeroizing<alloc::vec::Vec<u8>>);

impl ironroot_wire::Wire for Bytes {
    fn marshal(&self, out: &mut alloc::vec::Vec<u8>) {
        u32::try_from(self.0.len()).unwrap_or(u32::MAX).marshal(out);
        out.extend_from_slice(&self.0);
    }
    fn unmarshal(reader: &mut ironroot_wire::Reader<'_>) -> Result<Self, ironroot_wire::TpmRc> {
        let size = u32::unmarshal(reader)?;
        let size = usize::try_from(size).map_err(|_| ironroot_wire::TpmRc::SIZE)?;
        Ok(Self(zeroize::Zeroizing::new(reader.take(size)?.to_vec())))
    }
}
