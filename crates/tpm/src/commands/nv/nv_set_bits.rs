//! `TPM2_NV_SetBits` (Part 3, 31.10).

use ironroot_wire::{NvSetBits, NvSetBitsResponse, TpmNt, TpmRc, TpmaNv};

use crate::{commands::Action, core_state::Core, rules::nv_access};

impl Action for NvSetBits {
    fn run(self, tpm: &mut Core) -> Result<NvSetBitsResponse, TpmRc> {
        let index = tpm.nv_index(self.nv_index)?;
        nv_access::check_write(self.auth_handle, &index)?;
        nv_access::require_type(&index, TpmNt::Bits)?;
        let current = index.number();
        // Setting no bit writes the index, too, if that is the first time.
        if current | self.bits != current || !index.has(TpmaNv::WRITTEN) {
            nv_access::set_number(tpm, self.nv_index, current | self.bits)?;
        }
        Ok(NvSetBitsResponse {})
    }
}
