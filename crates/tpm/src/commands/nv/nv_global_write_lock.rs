//! `TPM2_NV_GlobalWriteLock` (Part 3, 31.12).

use alloc::vec::Vec;

use ironroot_wire::{NvGlobalWriteLock, NvGlobalWriteLockResponse, TpmHandle, TpmRc, TpmaNv};

use crate::{commands::Action, core_state::Core};

impl Action for NvGlobalWriteLock {
    fn run(self, tpm: &mut Core) -> Result<NvGlobalWriteLockResponse, TpmRc> {
        let to_lock =
            |attributes: TpmaNv| attributes.contains(TpmaNv::GLOBALLOCK) && !attributes.contains(TpmaNv::WRITELOCKED);
        let handles: Vec<TpmHandle> =
            tpm.nv.indices().filter(|index| to_lock(index.public.attributes)).map(|index| index.handle()).collect();
        for handle in handles {
            let public = &mut tpm.nv.index_mut(handle)?.public;
            public.attributes = public.attributes.with(TpmaNv::WRITELOCKED);
        }
        Ok(NvGlobalWriteLockResponse {})
    }
}
