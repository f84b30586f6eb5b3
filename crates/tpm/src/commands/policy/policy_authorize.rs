//! `TPM2_PolicyAuthorize` (Part 3, 23.16).

use ironroot_crypto::hash;
use ironroot_wire::{Command, PolicyAuthorize, PolicyAuthorizeResponse, Reader, TpmRc, TpmiAlgHash, Wire};

use crate::{
    commands::Action,
    core_state::Core,
    rules::{policy_digest, tickets},
};

impl Action for PolicyAuthorize {
    fn run(self, tpm: &mut Core) -> Result<PolicyAuthorizeResponse, TpmRc> {
        let hash = name_hash(&self, tpm).map_err(|rc| rc.parameter(3))?;
        let session = policy_digest::session(tpm, self.policy_session)?;
        if !policy_digest::is_trial(session) {
            if session.policy.digest != self.approved_policy {
                return Err(TpmRc::VALUE.parameter(1));
            }
            let approved = hash::digest(hash, &[&self.approved_policy, &self.policy_ref]);
            // 23.16 says TPM_RC_POLICY; TPMs in the field name the parameter.
            tickets::check_verified(tpm, &self.check_ticket, &approved, &self.key_sign)
                .map_err(|_| TpmRc::VALUE.parameter(4))?;
        }
        let session = policy_digest::session_mut(tpm, self.policy_session)?;
        policy_digest::reset(session)?;
        policy_digest::update(session, Self::INFO.code, &self.key_sign, &self.policy_ref)?;
        Ok(PolicyAuthorizeResponse {})
    }
}

/// The hash of the name of the key, which must be a whole name.
fn name_hash(command: &PolicyAuthorize, tpm: &Core) -> Result<TpmiAlgHash, TpmRc> {
    let mut name = Reader::new(&command.key_sign, &tpm.profile.rules);
    let hash = TpmiAlgHash::unmarshal(&mut name).map_err(|_| TpmRc::HASH)?;
    if name.len() == hash.digest_size() { Ok(hash) } else { Err(TpmRc::SIZE) }
}
