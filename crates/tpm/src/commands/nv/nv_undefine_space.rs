//! `TPM2_NV_UndefineSpace` (Part 3, 31.4).

use ironroot_wire::{NvUndefineSpace, NvUndefineSpaceResponse, TpmHandle, TpmRc, TpmaNv};

use crate::{commands::Action, core_state::Core, rules::nv_counter};

impl Action for NvUndefineSpace {
    fn run(self, tpm: &mut Core) -> Result<NvUndefineSpaceResponse, TpmRc> {
        let index = tpm.nv_index(self.nv_index)?;
        if index.has(TpmaNv::POLICY_DELETE) {
            return Err(TpmRc::ATTRIBUTES.handle(2));
        }
        if index.has(TpmaNv::PLATFORMCREATE) && TpmHandle::from(self.auth_handle) != TpmHandle::PLATFORM {
            return Err(TpmRc::NV_AUTHORIZATION);
        }
        nv_counter::remove_index(tpm, index.handle());
        Ok(NvUndefineSpaceResponse {})
    }
}
