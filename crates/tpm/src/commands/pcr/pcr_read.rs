//! `TPM2_PCR_Read` (Part 3, 22.4).

use alloc::vec::Vec;

use ironroot_wire::{
    PcrRead, PcrReadResponse, Tpm2bDigest, TpmRc, TpmlDigest, TpmlPcrSelection, TpmsPcrSelect, TpmsPcrSelection,
};

use crate::{commands::Action, core_state::Core};

impl Action for PcrRead {
    fn run(self, tpm: &mut Core) -> Result<PcrReadResponse, TpmRc> {
        let mut values = Vec::new();
        let mut returned = Vec::new();
        for wanted in self.pcr_selection_in.iter() {
            let mut selected = TpmsPcrSelect::default();
            for pcr in wanted.pcr_select.iter() {
                // As many values as one list holds; the selection that comes back says which.
                if values.len() < TpmlDigest::MAX
                    && let Some(value) = tpm.pcrs.value(wanted.hash, pcr)
                {
                    values.push(Tpm2bDigest::from_slice(value)?);
                    selected.set(pcr, true);
                }
            }
            returned.push(TpmsPcrSelection { hash: wanted.hash, pcr_select: selected });
        }
        Ok(PcrReadResponse {
            pcr_update_counter: tpm.pcrs.update_counter,
            pcr_selection_out: TpmlPcrSelection::new(returned),
            pcr_values: TpmlDigest::new(values),
        })
    }
}
