//! `TPM2_PolicyNvWritten` (Part 3, 23.20).

use ironroot_wire::{Command, PolicyNvWritten, PolicyNvWrittenResponse, TpmRc, Wire};

use crate::{commands::Action, core_state::Core, rules::policy_digest};

impl Action for PolicyNvWritten {
    fn run(self, tpm: &mut Core) -> Result<PolicyNvWrittenResponse, TpmRc> {
        let session = policy_digest::session_mut(tpm, self.policy_session)?;
        if session.policy.nv_written.is_some_and(|written| written != self.written_set.0) {
            return Err(TpmRc::VALUE.parameter(1));
        }
        policy_digest::extend(session, Self::INFO.code, &[&self.written_set.to_bytes()])?;
        session.policy.nv_written = Some(self.written_set.0);
        Ok(PolicyNvWrittenResponse {})
    }
}
