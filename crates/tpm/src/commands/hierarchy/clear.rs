//! `TPM2_Clear` (Part 3, 24.6).

use ironroot_wire::{Clear, ClearResponse, SeedValue, TpmHandle, TpmRc, TpmaNv, TpmaPermanent, TpmiYesNo};

use crate::{
    commands::Action,
    core_state::Core,
    rules::{hierarchies, nv_counter},
    state::{
        hierarchy::{AuthPolicy, Base, PROOF_SIZE},
        permanent::{DEFAULT_LOCKOUT_RECOVERY, DEFAULT_MAX_TRIES, DEFAULT_RECOVERY_TIME},
    },
};

impl Action for Clear {
    fn run(self, tpm: &mut Core) -> Result<ClearResponse, TpmRc> {
        if tpm.nv.permanent().attributes.contains(TpmaPermanent::DISABLE_CLEAR) {
            return Err(TpmRc::DISABLED);
        }
        remove_entities(tpm);
        replace_secrets(tpm)?;
        reset_permanent(tpm);
        tpm.hierarchies.owner_enabled = true;
        tpm.hierarchies.endorsement_enabled = true;
        tpm.nv.settings_mut().audit_counter = 0;
        tpm.administration.pcr_auth = Default::default();
        tpm.clock.set(0);
        tpm.pcrs.update_counter = tpm.pcrs.update_counter.wrapping_add(1);
        Ok(ClearResponse {})
    }
}

const fn is_owners(base: Base) -> bool {
    matches!(base, Base::Owner | Base::Endorsement)
}

/// Nothing of the storage and endorsement hierarchies stays: transient, persistent, or NV.
fn remove_entities(tpm: &mut Core) {
    hierarchies::remove_objects(tpm, is_owners);
    let indices: alloc::vec::Vec<TpmHandle> =
        tpm.nv.indices().filter(|index| !index.has(TpmaNv::PLATFORMCREATE)).map(|index| index.handle()).collect();
    for handle in indices {
        nv_counter::remove_index(tpm, handle);
    }
}

/// A new storage primary seed and new proofs: saved contexts and tickets of the old owner are worthless. The endorsement
/// seed stays, so that endorsement keys and their certificates survive.
fn replace_secrets(tpm: &mut Core) -> Result<(), TpmRc> {
    let mut fresh = || SeedValue::from_slice(&tpm.random.bytes(PROOF_SIZE));
    let (mix, owner_proof, endorsement_proof) = (fresh()?, fresh()?, fresh()?);
    let permanent = tpm.nv.permanent_mut();
    permanent.owner_mix = mix;
    permanent.owner_proof = owner_proof;
    permanent.endorsement_proof = endorsement_proof;
    Ok(())
}

fn reset_permanent(tpm: &mut Core) {
    let permanent = tpm.nv.permanent_mut();
    permanent.owner_auth = Default::default();
    permanent.endorsement_auth = Default::default();
    permanent.lockout_auth = Default::default();
    permanent.owner_policy = AuthPolicy::default();
    permanent.endorsement_policy = AuthPolicy::default();
    permanent.lockout_policy = AuthPolicy::default();
    permanent.attributes = permanent
        .attributes
        .without(TpmaPermanent::OWNER_AUTH_SET | TpmaPermanent::ENDORSEMENT_AUTH_SET | TpmaPermanent::LOCKOUT_AUTH_SET);
    permanent.failed_tries = 0;
    permanent.max_tries = DEFAULT_MAX_TRIES;
    permanent.recovery_time = DEFAULT_RECOVERY_TIME;
    permanent.lockout_recovery = DEFAULT_LOCKOUT_RECOVERY;
    permanent.lockout_auth_enabled = TpmiYesNo(true);
    permanent.reset_count = 0;
    permanent.restart_count = 0;
}
