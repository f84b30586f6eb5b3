//! `TPM2_ChangePPS` (Part 3, 24.4).

use ironroot_wire::{ChangePps, ChangePpsResponse, SeedValue, TpmRc};

use crate::{
    commands::Action,
    core_state::Core,
    rules::hierarchies,
    state::hierarchy::{AuthPolicy, Base, PROOF_SIZE},
};

impl Action for ChangePps {
    fn run(self, tpm: &mut Core) -> Result<ChangePpsResponse, TpmRc> {
        hierarchies::remove_objects(tpm, |base| base == Base::Platform);
        let mut fresh = || SeedValue::from_slice(&tpm.random.bytes(PROOF_SIZE));
        let (mix, proof) = (fresh()?, fresh()?);
        let permanent = tpm.nv.permanent_mut();
        permanent.platform_mix = mix;
        permanent.platform_proof = proof;
        tpm.hierarchies.platform_policy = AuthPolicy::default();
        tpm.nv.settings_mut().pcr_policy = AuthPolicy::default();
        Ok(ChangePpsResponse {})
    }
}
