//! `TPM2_NV_Extend` (Part 3, 31.9).

use ironroot_crypto::hash;
use ironroot_wire::{NvExtend, NvExtendResponse, TpmNt, TpmRc};

use crate::{commands::Action, core_state::Core, rules::nv_access};

impl Action for NvExtend {
    fn run(self, tpm: &mut Core) -> Result<NvExtendResponse, TpmRc> {
        let index = tpm.nv_index(self.nv_index)?;
        nv_access::check_write(self.auth_handle, &index)?;
        nv_access::require_type(&index, TpmNt::Extend)?;
        let index = nv_access::write(tpm, self.nv_index)?;
        let extended = hash::digest(index.public.name_alg, &[&index.data, &self.data]);
        nv_access::replace(index, &extended)?;
        Ok(NvExtendResponse {})
    }
}
