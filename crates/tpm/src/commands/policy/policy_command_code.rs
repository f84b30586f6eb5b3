//! `TPM2_PolicyCommandCode` (Part 3, 23.11).

use ironroot_wire::{Command, PolicyCommandCode, PolicyCommandCodeResponse, TpmRc, Wire};

use crate::{
    commands::{self, Action},
    core_state::Core,
    rules::policy_digest,
};

impl Action for PolicyCommandCode {
    fn run(self, tpm: &mut Core) -> Result<PolicyCommandCodeResponse, TpmRc> {
        let known = commands::find(&tpm.profile, self.code).is_some();
        let session = policy_digest::session_mut(tpm, self.policy_session)?;
        if session.policy.command_code.is_some_and(|code| code != self.code) {
            return Err(TpmRc::VALUE.parameter(1));
        }
        if !known {
            return Err(TpmRc::POLICY_CC.parameter(1));
        }
        policy_digest::extend(session, Self::INFO.code, &[&self.code.to_bytes()])?;
        session.policy.command_code = Some(self.code);
        Ok(PolicyCommandCodeResponse {})
    }
}
