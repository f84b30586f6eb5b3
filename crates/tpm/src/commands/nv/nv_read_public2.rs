//! `TPM2_NV_ReadPublic2` (Part 3, 31.18).

use ironroot_wire::{NvReadPublic2, NvReadPublic2Response, Tpm2b, TpmRc, TpmtNvPublic2};

use crate::{commands::Action, core_state::Core, rules::names};

impl Action for NvReadPublic2 {
    fn run(self, tpm: &mut Core) -> Result<NvReadPublic2Response, TpmRc> {
        let index = tpm.nv_index(self.nv_index)?;
        // The name is that of TPM2_NV_ReadPublic: the type in front of the public area is not part of it.
        let nv_name = names::nv_name(&index.public)?;
        Ok(NvReadPublic2Response { nv_public: Tpm2b(TpmtNvPublic2::NvIndex(index.public.clone())), nv_name })
    }
}
