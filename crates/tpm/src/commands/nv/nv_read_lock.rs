//! `TPM2_NV_ReadLock` (Part 3, 31.14).

use ironroot_wire::{NvReadLock, NvReadLockResponse, TpmRc, TpmaNv};

use crate::{commands::Action, core_state::Core, rules::nv_access};

impl Action for NvReadLock {
    fn run(self, tpm: &mut Core) -> Result<NvReadLockResponse, TpmRc> {
        let index = tpm.nv_index(self.nv_index)?;
        match nv_access::check_read(self.auth_handle, &index) {
            Err(TpmRc::NV_LOCKED) => return Ok(NvReadLockResponse {}),
            // What has not been written can be locked.
            Err(TpmRc::NV_UNINITIALIZED) => {}
            result => result?,
        }
        if !index.has(TpmaNv::READ_STCLEAR) {
            return Err(TpmRc::ATTRIBUTES.handle(2));
        }
        let public = &mut tpm.nv.index_mut(index.handle())?.public;
        public.attributes = public.attributes.with(TpmaNv::READLOCKED);
        Ok(NvReadLockResponse {})
    }
}
