//! `TPM2_PolicyAuthValue` (Part 3, 23.17).

use ironroot_wire::{Command, PolicyAuthValue, PolicyAuthValueResponse, TpmRc};

use crate::{commands::Action, core_state::Core, rules::policy_digest};

impl Action for PolicyAuthValue {
    fn run(self, tpm: &mut Core) -> Result<PolicyAuthValueResponse, TpmRc> {
        let session = policy_digest::session_mut(tpm, self.policy_session)?;
        policy_digest::extend(session, Self::INFO.code, &[])?;
        session.policy.auth_value_needed = true;
        session.policy.password_needed = false;
        Ok(PolicyAuthValueResponse {})
    }
}
