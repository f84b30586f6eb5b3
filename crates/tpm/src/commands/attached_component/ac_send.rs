//! `TPM2_AC_Send` (Part 3, 32.3).

use ironroot_wire::{AcSend, AcSendResponse, TpmRc};

use crate::{commands::Action, core_state::Core};

impl Action for AcSend {
    fn run(self, _: &mut Core) -> Result<AcSendResponse, TpmRc> {
        // No handle of an attached component gets past the handle area.
        Err(TpmRc::VALUE.handle(3))
    }
}
