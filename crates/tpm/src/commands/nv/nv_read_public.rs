//! `TPM2_NV_ReadPublic` (Part 3, 31.6).

use ironroot_wire::{NvReadPublic, NvReadPublicResponse, Tpm2b, TpmRc};

use crate::{commands::Action, core_state::Core, rules::names};

impl Action for NvReadPublic {
    fn run(self, tpm: &mut Core) -> Result<NvReadPublicResponse, TpmRc> {
        let index = tpm.nv_index(self.nv_index)?;
        Ok(NvReadPublicResponse { nv_public: Tpm2b(index.public.clone()), nv_name: names::nv_name(&index.public)? })
    }
}
