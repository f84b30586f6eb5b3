//! `TPM2_NV_WriteLock` (Part 3, 31.11).

use ironroot_wire::{NvWriteLock, NvWriteLockResponse, TpmRc, TpmaNv};

use crate::{commands::Action, core_state::Core, rules::nv_access};

impl Action for NvWriteLock {
    fn run(self, tpm: &mut Core) -> Result<NvWriteLockResponse, TpmRc> {
        let index = tpm.nv_index(self.nv_index)?;
        match nv_access::check_write(self.auth_handle, &index) {
            // What is locked stays locked.
            Err(TpmRc::NV_LOCKED) => return Ok(NvWriteLockResponse {}),
            result => result?,
        }
        if !index.public.attributes.intersects(TpmaNv::WRITEDEFINE | TpmaNv::WRITE_STCLEAR) {
            return Err(TpmRc::ATTRIBUTES.handle(2));
        }
        let public = &mut tpm.nv.index_mut(index.handle())?.public;
        public.attributes = public.attributes.with(TpmaNv::WRITELOCKED);
        Ok(NvWriteLockResponse {})
    }
}
