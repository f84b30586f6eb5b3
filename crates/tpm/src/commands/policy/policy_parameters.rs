//! `TPM2_PolicyParameters` (Part 3, 23.24).

use ironroot_wire::{Command, PolicyParameters, PolicyParametersResponse, TpmRc};

use crate::{commands::Action, core_state::Core, rules::policy_digest, state::sessions::BoundHash};

impl Action for PolicyParameters {
    fn run(self, tpm: &mut Core) -> Result<PolicyParametersResponse, TpmRc> {
        let session = policy_digest::session_mut(tpm, self.policy_session)?;
        if session.policy.bound_hash != BoundHash::None {
            return Err(TpmRc::CPHASH);
        }
        policy_digest::require_size(session, &self.p_hash).map_err(|rc| rc.parameter(1))?;
        policy_digest::extend(session, Self::INFO.code, &[&self.p_hash])?;
        session.policy.bound_hash = BoundHash::Parameters(self.p_hash);
        Ok(PolicyParametersResponse {})
    }
}
