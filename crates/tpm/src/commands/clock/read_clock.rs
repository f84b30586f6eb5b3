//! `TPM2_ReadClock` (Part 3, 29.1).

use ironroot_wire::{ReadClock, ReadClockResponse, TpmRc};

use crate::{commands::Action, core_state::Core};

impl Action for ReadClock {
    fn run(self, tpm: &mut Core) -> Result<ReadClockResponse, TpmRc> {
        Ok(ReadClockResponse { current_time: tpm.clock.info(tpm.nv.permanent()) })
    }
}
