//! `TPM2_NV_DefineSpace2` (Part 3, 31.17).

use ironroot_wire::{NvDefineSpace2, NvDefineSpace2Response, TpmRc, TpmtNvPublic2};

use super::nv_define_space::define;
use crate::{commands::Action, core_state::Core};

impl Action for NvDefineSpace2 {
    fn run(self, tpm: &mut Core) -> Result<NvDefineSpace2Response, TpmRc> {
        match &self.public_info.0 {
            TpmtNvPublic2::NvIndex(public) => define(tpm, self.auth_handle, &self.auth, public)?,
            // This TPM keeps nothing outside of itself, and nobody defines a permanent index.
            TpmtNvPublic2::ExternalNv(_) | TpmtNvPublic2::PermanentNv(_) => return Err(TpmRc::VALUE.parameter(2)),
        }
        Ok(NvDefineSpace2Response {})
    }
}
