//! `TPM2_DictionaryAttackParameters` (Part 3, 25.3).

use ironroot_wire::{DictionaryAttackParameters, DictionaryAttackParametersResponse, TpmRc};

use crate::{commands::Action, core_state::Core};

impl Action for DictionaryAttackParameters {
    fn run(self, tpm: &mut Core) -> Result<DictionaryAttackParametersResponse, TpmRc> {
        let time = tpm.clock.time();
        tpm.lockout_timers.restart(time);
        let permanent = tpm.nv.permanent_mut();
        permanent.max_tries = self.new_max_tries;
        permanent.recovery_time = self.new_recovery_time;
        permanent.lockout_recovery = self.lockout_recovery;
        // The count may not pass the new maximum, or lockout would outlast its recovery.
        permanent.failed_tries = permanent.failed_tries.min(self.new_max_tries);
        Ok(DictionaryAttackParametersResponse {})
    }
}
