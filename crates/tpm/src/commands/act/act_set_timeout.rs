//! `TPM2_ACT_SetTimeout` (Part 3, 33.2).

use ironroot_wire::{ActSetTimeout, ActSetTimeoutResponse, TpmRc};

use crate::{commands::Action, core_state::Core};

impl Action for ActSetTimeout {
    fn run(self, tpm: &mut Core) -> Result<ActSetTimeoutResponse, TpmRc> {
        let time = tpm.clock.time();
        tpm.administration.timers.set(self.act_handle.into(), self.start_timeout, time).map_err(|rc| rc.handle(1))?;
        Ok(ActSetTimeoutResponse {})
    }
}
