//! `TPM2_PolicyTransportSPDM` (Part 3, 23.25). This TPM has no secure channel, so a session that demands one authorizes
//! nothing; but it computes the digest for a policy that is to be used with another TPM, or in another branch.

use ironroot_crypto::hash;
use ironroot_wire::{
    Command, PolicyTransportSpdm, PolicyTransportSpdmResponse, Reader, Tpm2bName, TpmRc, TpmiAlgHash, Wire,
};

use crate::{commands::Action, core_state::Core, rules::policy_digest};

impl Action for PolicyTransportSpdm {
    fn run(self, tpm: &mut Core) -> Result<PolicyTransportSpdmResponse, TpmRc> {
        let rules = tpm.profile.rules;
        let session = policy_digest::session_mut(tpm, self.policy_session)?;
        if session.policy.channel_needed {
            return Err(TpmRc::VALUE);
        }
        for (number, name) in (1u32..).zip([&self.req_key_name, &self.tpm_key_name]) {
            check_name(name, &rules).map_err(|rc| rc.parameter(number))?;
        }
        if self.req_key_name.is_empty() && self.tpm_key_name.is_empty() {
            policy_digest::extend(session, Self::INFO.code, &[])?;
        } else {
            let names = [self.req_key_name.to_bytes(), self.tpm_key_name.to_bytes()];
            let names = hash::digest(session.auth_hash, &[&names.concat()]);
            policy_digest::extend(session, Self::INFO.code, &[&names])?;
        }
        session.policy.channel_needed = true;
        Ok(PolicyTransportSpdmResponse {})
    }
}

/// A name that is given is a hash algorithm and a digest of its size.
fn check_name(name: &Tpm2bName, rules: &ironroot_wire::Rules) -> Result<(), TpmRc> {
    if name.is_empty() {
        return Ok(());
    }
    let mut reader = Reader::new(name, rules);
    let alg = TpmiAlgHash::unmarshal(&mut reader).map_err(|_| TpmRc::HASH)?;
    if reader.len() == alg.digest_size() { Ok(()) } else { Err(TpmRc::SIZE) }
}
