//! `TPM2_AC_GetCapability` (Part 3, 32.2).

use ironroot_wire::{AcGetCapability, AcGetCapabilityResponse, TpmRc};

use crate::{commands::Action, core_state::Core};

impl Action for AcGetCapability {
    fn run(self, _: &mut Core) -> Result<AcGetCapabilityResponse, TpmRc> {
        // No handle of an attached component gets past the handle area.
        Err(TpmRc::VALUE.handle(1))
    }
}
