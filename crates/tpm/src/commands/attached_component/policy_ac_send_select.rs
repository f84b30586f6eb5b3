//! `TPM2_Policy_AC_SendSelect` (Part 3, 32.4).

use ironroot_crypto::hash;
use ironroot_wire::{AcSend, Command, PolicyAcSendSelect, PolicyAcSendSelectResponse, Tpm2bDigest, TpmRc, Wire};

use crate::{commands::Action, core_state::Core, rules::policy_digest, state::sessions::BoundHash};

impl Action for PolicyAcSendSelect {
    fn run(self, tpm: &mut Core) -> Result<PolicyAcSendSelectResponse, TpmRc> {
        let session = policy_digest::session_mut(tpm, self.policy_session)?;
        if session.policy.bound_hash != BoundHash::None {
            return Err(TpmRc::CPHASH);
        }
        if session.policy.command_code.is_some() {
            return Err(TpmRc::COMMAND_CODE);
        }
        // The session is good for these three only, whatever part of them goes into the digest.
        let names = hash::digest(session.auth_hash, &[&self.object_name, &self.auth_handle_name, &self.ac_name]);
        let include = self.include_object.to_bytes();
        let object_name: &[u8] = if self.include_object.0 { &self.object_name } else { &[] };
        let parts: [&[u8]; 4] = [object_name, &self.auth_handle_name, &self.ac_name, &include];
        policy_digest::extend(session, Self::INFO.code, &parts)?;
        session.policy.bound_hash = BoundHash::NameHash(Tpm2bDigest::from_slice(&names)?);
        session.policy.command_code = Some(AcSend::INFO.code);
        Ok(PolicyAcSendSelectResponse {})
    }
}
