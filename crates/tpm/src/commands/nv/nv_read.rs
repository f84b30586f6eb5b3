//! `TPM2_NV_Read` (Part 3, 31.13).

use ironroot_wire::{NvRead, NvReadResponse, Tpm2bMaxNvBuffer, TpmRc};

use crate::{commands::Action, core_state::Core, rules::nv_access};

impl Action for NvRead {
    fn run(self, tpm: &mut Core) -> Result<NvReadResponse, TpmRc> {
        let index = tpm.nv_index(self.nv_index)?;
        nv_access::check_read(self.auth_handle, &index)?;
        let size = usize::from(self.size);
        if size > Tpm2bMaxNvBuffer::MAX {
            return Err(TpmRc::VALUE.parameter(1));
        }
        let rest = index.data.get(usize::from(self.offset)..).ok_or(TpmRc::VALUE.parameter(2))?;
        let data = rest.get(..size).ok_or(TpmRc::NV_RANGE)?;
        Ok(NvReadResponse { data: Tpm2bMaxNvBuffer::from_slice(data)? })
    }
}
