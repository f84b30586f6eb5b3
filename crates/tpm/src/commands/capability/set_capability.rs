//! `TPM2_SetCapability` (Part 3, 30.4). The specification defines no capability that can be set, and this TPM adds none.

use ironroot_wire::{SetCapability, SetCapabilityResponse, TpmRc};

use crate::{commands::Action, core_state::Core};

impl Action for SetCapability {
    fn run(self, _: &mut Core) -> Result<SetCapabilityResponse, TpmRc> {
        Err(TpmRc::VALUE.parameter(1))
    }
}
