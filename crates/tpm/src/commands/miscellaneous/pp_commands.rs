//! `TPM2_PP_Commands` (Part 3, 26.2). The pipeline has checked that physical presence is asserted.

use ironroot_wire::{PpCommands, PpCommandsResponse, TpmRc};

use crate::{
    commands::Action,
    core_state::Core,
    rules::presence,
    state::settings::{PP_COMMANDS, edited},
};

impl Action for PpCommands {
    fn run(self, tpm: &mut Core) -> Result<PpCommandsResponse, TpmRc> {
        let may_gate = |code| presence::may_gate(&tpm.profile, code);
        let presence = edited(&tpm.nv.settings().presence, &self.set_list, &self.clear_list, PP_COMMANDS, may_gate);
        tpm.nv.settings_mut().presence = presence;
        Ok(PpCommandsResponse {})
    }
}
