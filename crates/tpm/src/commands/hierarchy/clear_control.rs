//! `TPM2_ClearControl` (Part 3, 24.7).

use ironroot_wire::{ClearControl, ClearControlResponse, TpmHandle, TpmRc, TpmaPermanent};

use crate::{commands::Action, core_state::Core};

impl Action for ClearControl {
    fn run(self, tpm: &mut Core) -> Result<ClearControlResponse, TpmRc> {
        // Lockout authorization may disable TPM2_Clear but not enable it again.
        if TpmHandle::from(self.auth) == TpmHandle::LOCKOUT && !self.disable.0 {
            return Err(TpmRc::AUTH_FAIL);
        }
        let permanent = tpm.nv.permanent_mut();
        permanent.attributes = if self.disable.0 {
            permanent.attributes.with(TpmaPermanent::DISABLE_CLEAR)
        } else {
            permanent.attributes.without(TpmaPermanent::DISABLE_CLEAR)
        };
        Ok(ClearControlResponse {})
    }
}
