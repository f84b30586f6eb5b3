//! `TPM2_NV_Increment` (Part 3, 31.8).

use ironroot_wire::{NvIncrement, NvIncrementResponse, TpmNt, TpmRc, TpmaNv};

use crate::{
    commands::Action,
    core_state::Core,
    rules::{nv_access, nv_counter},
};

impl Action for NvIncrement {
    fn run(self, tpm: &mut Core) -> Result<NvIncrementResponse, TpmRc> {
        let index = tpm.nv_index(self.nv_index)?;
        nv_access::check_write(self.auth_handle, &index)?;
        nv_access::require_type(&index, TpmNt::Counter)?;
        let current = if index.has(TpmaNv::WRITTEN) { index.number() } else { nv_counter::largest(tpm) };
        // A counter that started at 0 and is incremented a million times a second gets there after 584,000 years.
        let next = current.checked_add(1).ok_or(TpmRc::NV_RANGE)?;
        nv_access::set_number(tpm, self.nv_index, next)?;
        Ok(NvIncrementResponse {})
    }
}
