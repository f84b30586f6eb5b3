//! `TPM2_PolicyOR` (Part 3, 23.6).

use ironroot_wire::{Command, PolicyOr, PolicyOrResponse, TpmRc};

use crate::{commands::Action, core_state::Core, rules::policy_digest};

/// The fewest branches (Part 2, 10.8.5).
const MIN_BRANCHES: usize = 2;

impl Action for PolicyOr {
    fn run(self, tpm: &mut Core) -> Result<PolicyOrResponse, TpmRc> {
        if self.p_hash_list.len() < MIN_BRANCHES {
            return Err(TpmRc::SIZE.parameter(1));
        }
        let session = policy_digest::session_mut(tpm, self.policy_session)?;
        if !policy_digest::is_trial(session) && !self.p_hash_list.contains(&session.policy.digest) {
            return Err(TpmRc::VALUE.parameter(1));
        }
        let branches: alloc::vec::Vec<&[u8]> = self.p_hash_list.iter().map(|branch| branch.as_slice()).collect();
        policy_digest::reset(session)?;
        policy_digest::extend(session, Self::INFO.code, &branches)?;
        Ok(PolicyOrResponse {})
    }
}
