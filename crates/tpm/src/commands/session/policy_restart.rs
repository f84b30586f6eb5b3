//! `TPM2_PolicyRestart` (Part 3, 11.2).

use ironroot_wire::{PolicyRestart, PolicyRestartResponse, TpmRc};

use crate::{commands::Action, core_state::Core, state::sessions::PolicyState};

impl Action for PolicyRestart {
    fn run(self, tpm: &mut Core) -> Result<PolicyRestartResponse, TpmRc> {
        let session = tpm.sessions.get_mut(self.session_handle.into()).ok_or(TpmRc::HANDLE)?;
        session.policy = PolicyState::new(session.auth_hash);
        Ok(PolicyRestartResponse {})
    }
}
