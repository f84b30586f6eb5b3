//! `TPM2_PolicyPassword` (Part 3, 23.18). It has the digest of `TPM2_PolicyAuthValue`, so that one policy serves both.

use ironroot_wire::{Command, PolicyAuthValue, PolicyPassword, PolicyPasswordResponse, TpmRc};

use crate::{commands::Action, core_state::Core, rules::policy_digest};

impl Action for PolicyPassword {
    fn run(self, tpm: &mut Core) -> Result<PolicyPasswordResponse, TpmRc> {
        let session = policy_digest::session_mut(tpm, self.policy_session)?;
        policy_digest::extend(session, PolicyAuthValue::INFO.code, &[])?;
        session.policy.password_needed = true;
        session.policy.auth_value_needed = false;
        Ok(PolicyPasswordResponse {})
    }
}
