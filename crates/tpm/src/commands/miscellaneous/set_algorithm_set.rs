//! `TPM2_SetAlgorithmSet` (Part 3, 26.3). Which algorithms a TPM has, its profile says. There is one set, number 0
//! (`TPM_PT_ALGORITHM_SET`): all of them.

use ironroot_wire::{SetAlgorithmSet, SetAlgorithmSetResponse, TpmRc};

use crate::{commands::Action, core_state::Core};

/// Everything that the profile has.
pub const WHOLE_PROFILE: u32 = 0;

impl Action for SetAlgorithmSet {
    fn run(self, _: &mut Core) -> Result<SetAlgorithmSetResponse, TpmRc> {
        if self.algorithm_set == WHOLE_PROFILE {
            Ok(SetAlgorithmSetResponse {})
        } else {
            Err(TpmRc::VALUE.parameter(1))
        }
    }
}
