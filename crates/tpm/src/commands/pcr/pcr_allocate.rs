//! `TPM2_PCR_Allocate` (Part 3, 22.5). The new allocation takes effect with the next `_TPM_Init`.

use alloc::vec::Vec;

use ironroot_wire::{
    PcrAllocate, PcrAllocateResponse, TpmRc, TpmiYesNo, TpmlPcrSelection, TpmsPcrSelect, TpmsPcrSelection,
    limits::IMPLEMENTATION_PCR,
};

use crate::{
    commands::Action,
    core_state::Core,
    state::pcr::{DRTM_PCR, HCRTM_PCR},
};

impl Action for PcrAllocate {
    fn run(self, tpm: &mut Core) -> Result<PcrAllocateResponse, TpmRc> {
        let banks: Vec<_> = tpm.profile.banks().collect();
        // A bank that is not named keeps the allocation that it has; of two selections of one bank the second counts. What an
        // earlier command has stored for the next _TPM_Init is overwritten.
        let current = tpm.pcrs.allocation(tpm.profile.banks());
        let select = |bank| {
            let named = self.pcr_allocation.iter().rev().find(|selection| selection.hash == bank);
            let kept = current.iter().find(|selection| selection.hash == bank);
            named.or(kept).map_or(TpmsPcrSelect::default(), |selection| selection.pcr_select)
        };
        let allocation: Vec<TpmsPcrSelection> =
            banks.iter().map(|&hash| TpmsPcrSelection { hash, pcr_select: select(hash) }).collect();
        for needed in [HCRTM_PCR, DRTM_PCR] {
            if !allocation.iter().any(|bank| bank.pcr_select.contains(needed)) {
                return Err(TpmRc::PCR);
            }
        }
        let size = |bank: &TpmsPcrSelection| bank.pcr_select.iter().count().saturating_mul(bank.hash.digest_size());
        let size_needed = allocation.iter().map(size).fold(0usize, usize::saturating_add);
        let all = banks.iter().map(|bank| bank.digest_size().saturating_mul(24)).fold(0usize, usize::saturating_add);
        tpm.nv.permanent_mut().pcr_allocation = TpmlPcrSelection::new(allocation);
        tpm.pcr_reconfigured = true;
        Ok(PcrAllocateResponse {
            allocation_success: TpmiYesNo(true),
            max_pcr: IMPLEMENTATION_PCR,
            size_needed: u32::try_from(size_needed).unwrap_or(u32::MAX),
            size_available: u32::try_from(all).unwrap_or(u32::MAX),
        })
    }
}
