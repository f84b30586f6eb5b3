//! `TPM2_PolicyAuthorize` (Part 3, 23.16).

use ironroot_crypto::hash;
use ironroot_wire::{
    Command, PolicyAuthorize, PolicyAuthorizeResponse, Reader, TpmRc, TpmiAlgHash, TpmuTkVerifiedMeta, Wire,
};

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
            // 23.16.1; TPMs in the field answer TPM_RC_VALUE for the parameter.
            check_ticket(&self, tpm, hash).map_err(|_| TpmRc::POLICY)?;
        }
        let session = policy_digest::session_mut(tpm, self.policy_session)?;
        policy_digest::reset(session)?;
        policy_digest::update(session, Self::INFO.code, &self.key_sign, &self.policy_ref)?;
        Ok(PolicyAuthorizeResponse {})
    }
}

/// Checks the ticket for what it says was signed: the policy and its qualifier, or their digest with the hash that was used
/// (23.16.2: for a ticket that does not name it, that of the key's name).
fn check_ticket(command: &PolicyAuthorize, tpm: &Core, name_hash: TpmiAlgHash) -> Result<(), TpmRc> {
    let parts: [&[u8]; 2] = [&command.approved_policy, &command.policy_ref];
    let ticket = &command.check_ticket;
    let hash = match ticket.metadata {
        TpmuTkVerifiedMeta::Verified => name_hash,
        TpmuTkVerifiedMeta::MessageVerified => {
            return tickets::check_verified(tpm, ticket, &parts.concat(), &command.key_sign);
        }
        // No hash of this TPM's gives a mu, so its ticket fits no policy.
        TpmuTkVerifiedMeta::DigestVerified(alg) => TpmiAlgHash::from_value(alg.0).ok_or(TpmRc::TICKET)?,
    };
    tickets::check_verified(tpm, ticket, &hash::digest(hash, &parts), &command.key_sign)
}

/// The hash of the name of the key, which must be a whole name.
fn name_hash(command: &PolicyAuthorize, tpm: &Core) -> Result<TpmiAlgHash, TpmRc> {
    let mut name = Reader::new(&command.key_sign, &tpm.profile.rules);
    let hash = TpmiAlgHash::unmarshal(&mut name).map_err(|_| TpmRc::HASH)?;
    if name.len() == hash.digest_size() { Ok(hash) } else { Err(TpmRc::SIZE) }
}
