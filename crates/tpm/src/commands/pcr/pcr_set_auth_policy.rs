//! `TPM2_PCR_SetAuthPolicy` (Part 3, 22.6).

use ironroot_wire::{PcrSetAuthPolicy, PcrSetAuthPolicyResponse, TpmRc};

use crate::{
    commands::Action,
    core_state::Core,
    state::{hierarchy::AuthPolicy, pcr},
};

impl Action for PcrSetAuthPolicy {
    fn run(self, tpm: &mut Core) -> Result<PcrSetAuthPolicyResponse, TpmRc> {
        if self.auth_policy.len() != self.hash_alg.map_or(0, |alg| alg.digest_size()) {
            return Err(TpmRc::SIZE.parameter(1));
        }
        if !pcr::has_authorization(self.pcr_num.value()) {
            return Err(TpmRc::VALUE.parameter(3));
        }
        tpm.nv.settings_mut().pcr_policy = AuthPolicy { alg: self.hash_alg, digest: self.auth_policy };
        Ok(PcrSetAuthPolicyResponse {})
    }
}
