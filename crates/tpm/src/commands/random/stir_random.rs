//! `TPM2_StirRandom` (Part 3, 16.2).

use ironroot_wire::{StirRandom, StirRandomResponse, TpmRc};

use crate::{commands::Action, core_state::Core};

impl Action for StirRandom {
    fn run(self, tpm: &mut Core) -> Result<StirRandomResponse, TpmRc> {
        // Never without fresh entropy beside what the caller brings; without it, the pipeline ends in failure mode.
        tpm.random.reseed(&self.in_data);
        Ok(StirRandomResponse {})
    }
}
