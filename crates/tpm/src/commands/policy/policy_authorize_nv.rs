//! `TPM2_PolicyAuthorizeNV` (Part 3, 23.22). The pipeline has checked the authorization to read, also for a trial session.

use ironroot_wire::{Command, PolicyAuthorizeNv, PolicyAuthorizeNvResponse, Reader, TpmRc, TpmtHa, Wire};

use crate::{
    commands::Action,
    core_state::Core,
    rules::{nv_access, policy_digest},
    state::sessions::Session,
};

impl Action for PolicyAuthorizeNv {
    fn run(self, tpm: &mut Core) -> Result<PolicyAuthorizeNvResponse, TpmRc> {
        let session = policy_digest::session(tpm, self.policy_session)?;
        if !policy_digest::is_trial(session) {
            check(&self, tpm, session)?;
        }
        let name = tpm.entity_name(self.nv_index.into())?;
        let session = policy_digest::session_mut(tpm, self.policy_session)?;
        policy_digest::reset(session)?;
        policy_digest::extend(session, Self::INFO.code, &[&name])?;
        Ok(PolicyAuthorizeNvResponse {})
    }
}

/// Whether the index approves the session's policy: it starts with the policy as a `TPMT_HA`.
fn check(command: &PolicyAuthorizeNv, tpm: &Core, session: &Session) -> Result<(), TpmRc> {
    let index = tpm.nv_index(command.nv_index)?;
    nv_access::check_read(command.auth_handle, &index)?;
    let approved = TpmtHa::unmarshal(&mut Reader::new(&index.data, &tpm.profile.rules))?;
    if approved.hash_alg() != session.auth_hash {
        return Err(TpmRc::HASH);
    }
    if approved.digest() == session.policy.digest.as_slice() { Ok(()) } else { Err(TpmRc::VALUE) }
}
