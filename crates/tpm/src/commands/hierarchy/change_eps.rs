//! `TPM2_ChangeEPS` (Part 3, 24.5). From now on the endorsement seed is the TPM's own: nobody else can derive it.

use ironroot_wire::{ChangeEps, ChangeEpsResponse, SeedValue, TpmRc, TpmaPermanent};

use crate::{
    commands::Action,
    core_state::Core,
    rules::hierarchies,
    state::hierarchy::{AuthPolicy, Base, PROOF_SIZE},
};

impl Action for ChangeEps {
    fn run(self, tpm: &mut Core) -> Result<ChangeEpsResponse, TpmRc> {
        hierarchies::remove_objects(tpm, |base| base == Base::Endorsement);
        let mut fresh = || SeedValue::from_slice(&tpm.random.bytes(PROOF_SIZE));
        let (mix, proof) = (fresh()?, fresh()?);
        let permanent = tpm.nv.permanent_mut();
        permanent.endorsement_mix = mix;
        permanent.endorsement_proof = proof;
        permanent.endorsement_auth = Default::default();
        permanent.endorsement_policy = AuthPolicy::default();
        permanent.attributes =
            permanent.attributes.without(TpmaPermanent::ENDORSEMENT_AUTH_SET).with(TpmaPermanent::TPM_GENERATED_EPS);
        tpm.hierarchies.endorsement_enabled = true;
        Ok(ChangeEpsResponse {})
    }
}
