//! `TPM2_PolicyPhysicalPresence` (Part 3, 23.12).

use ironroot_wire::{Command, PolicyPhysicalPresence, PolicyPhysicalPresenceResponse, TpmRc};

use crate::{commands::Action, core_state::Core, rules::policy_digest};

impl Action for PolicyPhysicalPresence {
    fn run(self, tpm: &mut Core) -> Result<PolicyPhysicalPresenceResponse, TpmRc> {
        let session = policy_digest::session_mut(tpm, self.policy_session)?;
        policy_digest::extend(session, Self::INFO.code, &[])?;
        session.policy.presence_needed = true;
        Ok(PolicyPhysicalPresenceResponse {})
    }
}
