//! `TPM2_PCR_Reset` (Part 3, 22.8).

use ironroot_wire::{PcrReset, PcrResetResponse, TpmRc};

use crate::{commands::Action, core_state::Core, rules::pcr_access};

impl Action for PcrReset {
    fn run(self, tpm: &mut Core) -> Result<PcrResetResponse, TpmRc> {
        let pcr = self.pcr_handle.value();
        pcr_access::require_reset(tpm, pcr)?;
        tpm.pcrs.reset(pcr);
        tpm.pcrs.count_update(pcr);
        Ok(PcrResetResponse {})
    }
}
