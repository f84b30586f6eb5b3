//! `TPM2_DictionaryAttackLockReset` (Part 3, 25.2).

use ironroot_wire::{DictionaryAttackLockReset, DictionaryAttackLockResetResponse, TpmRc, TpmiYesNo};

use crate::{commands::Action, core_state::Core};

impl Action for DictionaryAttackLockReset {
    fn run(self, tpm: &mut Core) -> Result<DictionaryAttackLockResetResponse, TpmRc> {
        let permanent = tpm.nv.permanent_mut();
        permanent.failed_tries = 0;
        // Authorized by lockoutPolicy, the command also ends the special lockout of lockoutAuth (Part 1, 16.8.5).
        permanent.lockout_auth_enabled = TpmiYesNo(true);
        Ok(DictionaryAttackLockResetResponse {})
    }
}
