//! `TPM2_PolicyNV` (Part 3, 23.9). The pipeline has checked the authorization to read, also for a trial session.

use ironroot_wire::{Command, PolicyNv, PolicyNvResponse, TpmRc};

use crate::{
    commands::Action,
    core_state::Core,
    rules::{nv_access, policy_digest, policy_operand},
};

impl Action for PolicyNv {
    fn run(self, tpm: &mut Core) -> Result<PolicyNvResponse, TpmRc> {
        if !policy_digest::is_trial(policy_digest::session(tpm, self.policy_session)?) {
            check(&self, tpm)?;
        }
        let name = tpm.entity_name(self.nv_index.into())?;
        let session = policy_digest::session_mut(tpm, self.policy_session)?;
        let arguments = policy_operand::arguments(session.auth_hash, &self.operand_b, self.offset, self.operation);
        policy_digest::extend(session, Self::INFO.code, &[&arguments, &name])?;
        Ok(PolicyNvResponse {})
    }
}

fn check(command: &PolicyNv, tpm: &Core) -> Result<(), TpmRc> {
    let index = tpm.nv_index(command.nv_index)?;
    nv_access::check_read(command.auth_handle, &index)?;
    let offset = usize::from(command.offset);
    let rest = index.data.get(offset..).ok_or(TpmRc::VALUE.parameter(2))?;
    // 23.9.1; TPMs in the field answer TPM_RC_SIZE for operandB.
    let operand_a = rest.get(..command.operand_b.len()).ok_or(TpmRc::NV_RANGE)?;
    if policy_operand::holds(command.operation, operand_a, &command.operand_b) { Ok(()) } else { Err(TpmRc::POLICY) }
}
