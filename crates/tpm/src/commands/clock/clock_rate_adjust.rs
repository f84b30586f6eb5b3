//! `TPM2_ClockRateAdjust` (Part 3, 29.3).

use ironroot_wire::{ClockRateAdjust, ClockRateAdjustResponse, TpmRc};

use crate::{commands::Action, core_state::Core};

impl Action for ClockRateAdjust {
    fn run(self, tpm: &mut Core) -> Result<ClockRateAdjustResponse, TpmRc> {
        tpm.clock.adjust(self.rate_adjust);
        Ok(ClockRateAdjustResponse {})
    }
}
