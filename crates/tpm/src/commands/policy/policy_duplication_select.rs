//! `TPM2_PolicyDuplicationSelect` (Part 3, 23.15).

use ironroot_crypto::hash;
use ironroot_wire::{
    Command, Duplicate, PolicyDuplicationSelect, PolicyDuplicationSelectResponse, Tpm2bDigest, TpmRc, Wire,
};

use crate::{commands::Action, core_state::Core, rules::policy_digest, state::sessions::BoundHash};

impl Action for PolicyDuplicationSelect {
    fn run(self, tpm: &mut Core) -> Result<PolicyDuplicationSelectResponse, TpmRc> {
        let session = policy_digest::session_mut(tpm, self.policy_session)?;
        if session.policy.bound_hash != BoundHash::None {
            return Err(TpmRc::CPHASH);
        }
        if session.policy.command_code.is_some() {
            return Err(TpmRc::COMMAND_CODE);
        }
        // The session is good for this pair only, whatever part of it goes into the digest.
        let names = hash::digest(session.auth_hash, &[&self.object_name, &self.new_parent_name]);
        let include = self.include_object.to_bytes();
        let object_name: &[u8] = if self.include_object.0 { &self.object_name } else { &[] };
        policy_digest::extend(session, Self::INFO.code, &[object_name, &self.new_parent_name, &include])?;
        session.policy.bound_hash = BoundHash::NameHash(Tpm2bDigest::from_slice(&names)?);
        session.policy.command_code = Some(Duplicate::INFO.code);
        Ok(PolicyDuplicationSelectResponse {})
    }
}
