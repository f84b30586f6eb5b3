//! `TPM2_PolicyPCR` (Part 3, 23.7).

use ironroot_wire::{Command, PolicyPcr, PolicyPcrResponse, Tpm2bDigest, TpmRc, TpmlPcrSelection, Wire};

use crate::{commands::Action, core_state::Core, rules::policy_digest, state::sessions::Session};

impl Action for PolicyPcr {
    fn run(self, tpm: &mut Core) -> Result<PolicyPcrResponse, TpmRc> {
        let session = policy_digest::session(tpm, self.policy_session)?;
        // A trial's policy may be meant for another TPM: what the caller says goes into it as it is.
        let (pcrs, digest) = match (policy_digest::is_trial(session), self.pcr_digest.is_empty()) {
            (true, false) => (self.pcrs.clone(), self.pcr_digest.clone()),
            (true, true) => (self.pcrs.clone(), current(&self, tpm, session)?.1),
            (false, _) => current(&self, tpm, session)?,
        };
        let counter = tpm.pcrs.update_counter;
        let session = policy_digest::session_mut(tpm, self.policy_session)?;
        policy_digest::extend(session, Self::INFO.code, &[&pcrs.to_bytes(), &digest])?;
        if !policy_digest::is_trial(session) {
            session.policy.pcr_counter = Some(counter);
        }
        Ok(PolicyPcrResponse {})
    }
}

/// The selection without what is not implemented, and the digest of the PCR as they are, which the caller may have
/// foretold.
fn current(command: &PolicyPcr, tpm: &Core, session: &Session) -> Result<(TpmlPcrSelection, Tpm2bDigest), TpmRc> {
    let (digest, pcrs) = tpm.pcrs.composite(session.auth_hash, &command.pcrs);
    if !policy_digest::is_trial(session) {
        if session.policy.pcr_counter.is_some_and(|counter| counter != tpm.pcrs.update_counter) {
            return Err(TpmRc::PCR_CHANGED);
        }
        if !command.pcr_digest.is_empty() && *command.pcr_digest != *digest {
            return Err(TpmRc::VALUE.parameter(1));
        }
    }
    Ok((pcrs, Tpm2bDigest::from_slice(&digest)?))
}
