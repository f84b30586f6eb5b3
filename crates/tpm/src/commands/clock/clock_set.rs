//! `TPM2_ClockSet` (Part 3, 29.2).

use ironroot_wire::{ClockSet, ClockSetResponse, TpmRc};

use crate::{commands::Action, core_state::Core};

/// The largest value that Clock can be set to.
const MAX_CLOCK: u64 = 0xFFFF_0000_0000_0000;

impl Action for ClockSet {
    fn run(self, tpm: &mut Core) -> Result<ClockSetResponse, TpmRc> {
        if self.new_time > MAX_CLOCK || self.new_time < tpm.clock.clock() {
            return Err(TpmRc::VALUE.parameter(1));
        }
        tpm.clock.set(self.new_time);
        tpm.nv.permanent_mut().clock = self.new_time;
        Ok(ClockSetResponse {})
    }
}
