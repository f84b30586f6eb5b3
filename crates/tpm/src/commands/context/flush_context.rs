//! `TPM2_FlushContext` (Part 3, 28.4).

use ironroot_wire::{FlushContext, FlushContextResponse, HandleKind, TpmHandle, TpmRc};

use crate::{commands::Action, core_state::Core};

impl Action for FlushContext {
    fn run(self, tpm: &mut Core) -> Result<FlushContextResponse, TpmRc> {
        let handle = TpmHandle::from(self.flush_handle);
        let missing = TpmRc::HANDLE.parameter(1);
        if handle.kind() == HandleKind::Transient {
            tpm.objects.remove(handle).ok_or(missing)?;
        } else {
            let active = tpm.sessions.active_handle(handle).ok_or(missing)?;
            tpm.sessions.flush(active).map_err(|rc| rc.parameter(1))?;
        }
        Ok(FlushContextResponse {})
    }
}
