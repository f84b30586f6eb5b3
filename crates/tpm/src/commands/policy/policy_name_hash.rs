//! `TPM2_PolicyNameHash` (Part 3, 23.14).

use ironroot_wire::{Command, PolicyNameHash, PolicyNameHashResponse, TpmRc};

use crate::{commands::Action, core_state::Core, rules::policy_digest, state::sessions::BoundHash};

impl Action for PolicyNameHash {
    fn run(self, tpm: &mut Core) -> Result<PolicyNameHashResponse, TpmRc> {
        let session = policy_digest::session_mut(tpm, self.policy_session)?;
        policy_digest::require_size(session, &self.name_hash).map_err(|rc| rc.parameter(1))?;
        if session.policy.bound_hash != BoundHash::None {
            return Err(TpmRc::CPHASH);
        }
        policy_digest::extend(session, Self::INFO.code, &[&self.name_hash])?;
        session.policy.bound_hash = BoundHash::NameHash(self.name_hash);
        Ok(PolicyNameHashResponse {})
    }
}
