//! `TPM2_PolicyTemplate` (Part 3, 23.21).

use ironroot_wire::{Command, PolicyTemplate, PolicyTemplateResponse, TpmRc};

use crate::{commands::Action, core_state::Core, rules::policy_digest, state::sessions::BoundHash};

impl Action for PolicyTemplate {
    fn run(self, tpm: &mut Core) -> Result<PolicyTemplateResponse, TpmRc> {
        let session = policy_digest::session_mut(tpm, self.policy_session)?;
        match &session.policy.bound_hash {
            BoundHash::None => {}
            BoundHash::Template(current) if *current == self.template_hash => {}
            BoundHash::Template(_) => return Err(TpmRc::VALUE.parameter(1)),
            BoundHash::CpHash(_) | BoundHash::NameHash(_) | BoundHash::Parameters(_) => return Err(TpmRc::CPHASH),
        }
        policy_digest::require_size(session, &self.template_hash).map_err(|rc| rc.parameter(1))?;
        policy_digest::extend(session, Self::INFO.code, &[&self.template_hash])?;
        session.policy.bound_hash = BoundHash::Template(self.template_hash);
        Ok(PolicyTemplateResponse {})
    }
}
