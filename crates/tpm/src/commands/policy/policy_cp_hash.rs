//! `TPM2_PolicyCpHash` (Part 3, 23.13).

use ironroot_wire::{Command, PolicyCpHash, PolicyCpHashResponse, TpmRc};

use crate::{commands::Action, core_state::Core, rules::policy_digest, state::sessions::BoundHash};

impl Action for PolicyCpHash {
    fn run(self, tpm: &mut Core) -> Result<PolicyCpHashResponse, TpmRc> {
        let session = policy_digest::session_mut(tpm, self.policy_session)?;
        policy_digest::require_size(session, &self.cp_hash_a).map_err(|rc| rc.parameter(1))?;
        let bound = BoundHash::CpHash(self.cp_hash_a.clone());
        if session.policy.bound_hash != BoundHash::None && session.policy.bound_hash != bound {
            return Err(TpmRc::CPHASH);
        }
        policy_digest::extend(session, Self::INFO.code, &[&self.cp_hash_a])?;
        session.policy.bound_hash = bound;
        Ok(PolicyCpHashResponse {})
    }
}
