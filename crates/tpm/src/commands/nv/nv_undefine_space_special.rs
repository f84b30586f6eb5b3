//! `TPM2_NV_UndefineSpaceSpecial` (Part 3, 31.5).

use ironroot_wire::{NvUndefineSpaceSpecial, NvUndefineSpaceSpecialResponse, TpmRc, TpmaNv};

use crate::{commands::Action, core_state::Core, rules::nv_counter};

impl Action for NvUndefineSpaceSpecial {
    fn run(self, tpm: &mut Core) -> Result<NvUndefineSpaceSpecialResponse, TpmRc> {
        let index = tpm.nv_index(self.nv_index)?;
        if !index.has(TpmaNv::POLICY_DELETE | TpmaNv::PLATFORMCREATE) {
            return Err(TpmRc::ATTRIBUTES.handle(1));
        }
        nv_counter::remove_index(tpm, index.handle());
        Ok(NvUndefineSpaceSpecialResponse {})
    }
}
