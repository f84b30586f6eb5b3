//! `TPM2_SetPrimaryPolicy` (Part 3, 24.3).

use ironroot_wire::{SetPrimaryPolicy, SetPrimaryPolicyResponse, TpmHandle, TpmRc};

use crate::{commands::Action, core_state::Core, state::hierarchy::AuthPolicy};

impl Action for SetPrimaryPolicy {
    fn run(self, tpm: &mut Core) -> Result<SetPrimaryPolicyResponse, TpmRc> {
        let size = self.hash_alg.map_or(0, |alg| alg.digest_size());
        if self.auth_policy.len() != size {
            return Err(TpmRc::SIZE.parameter(1));
        }
        let policy = AuthPolicy { alg: self.hash_alg, digest: self.auth_policy };
        match TpmHandle::from(self.auth_handle) {
            TpmHandle::OWNER => tpm.nv.permanent_mut().owner_policy = policy,
            TpmHandle::ENDORSEMENT => tpm.nv.permanent_mut().endorsement_policy = policy,
            TpmHandle::PLATFORM => tpm.hierarchies.platform_policy = policy,
            TpmHandle::LOCKOUT => tpm.nv.permanent_mut().lockout_policy = policy,
            timer => tpm.administration.timers.get_mut(timer).ok_or(TpmRc::VALUE.handle(1))?.policy = policy,
        }
        Ok(SetPrimaryPolicyResponse {})
    }
}
