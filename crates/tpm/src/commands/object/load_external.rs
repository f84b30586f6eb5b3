//! `TPM2_LoadExternal` (Part 3, 12.3).

use ironroot_wire::{LoadExternal, LoadExternalResponse, TpmRc, TpmaObject, TpmtPublic, TpmtSensitive};

use crate::{
    commands::Action,
    core_state::Core,
    rules::{
        attributes::{self, Parent},
        loading::{self, Parameters, Place},
        names, self_test,
    },
    state::hierarchy::Hierarchy,
};

/// What an object whose sensitive area came in the clear can never be.
const OF_THIS_TPM: TpmaObject = TpmaObject::FIXED_TPM.with(TpmaObject::FIXED_PARENT).with(TpmaObject::RESTRICTED);

impl Action for LoadExternal {
    fn run(self, tpm: &mut Core) -> Result<LoadExternalResponse, TpmRc> {
        tpm.objects.require_free()?;
        let hierarchy = Hierarchy::from(self.hierarchy);
        tpm.require_hierarchy(hierarchy).map_err(|rc| rc.parameter(3))?;
        let public = self.in_public.0.0;
        self_test::before_key(tpm, &public)?;
        let sensitive = match self.in_private.0 {
            Some(sensitive) => Some(whole(tpm, &public, sensitive, hierarchy)?),
            None => {
                attributes::check_policy_size(&public)
                    .and_then(|()| attributes::check_schemes(Parent::None, &public))
                    .and_then(|()| loading::check_public_key(tpm.provider, &public))
                    .map_err(|rc| rc.parameter(2))?;
                None
            }
        };
        let name = names::object_name(&public)?;
        let object = loading::object(tpm, Place::External(hierarchy), public, sensitive, name.clone())?;
        Ok(LoadExternalResponse { object_handle: tpm.objects.load(object)?, name })
    }
}

/// Checks an object of both areas.
fn whole(
    tpm: &Core,
    public: &TpmtPublic,
    sensitive: TpmtSensitive,
    hierarchy: Hierarchy,
) -> Result<TpmtSensitive, TpmRc> {
    if hierarchy != Hierarchy::NULL {
        return Err(TpmRc::HIERARCHY.parameter(3));
    }
    if public.object_attributes.intersects(OF_THIS_TPM) {
        return Err(TpmRc::ATTRIBUTES.parameter(2));
    }
    match public.name_alg {
        Some(name_alg) => {
            if sensitive.seed_value.len() > name_alg.digest_size() {
                return Err(TpmRc::KEY_SIZE.parameter(1));
            }
            attributes::check_public(Parent::None, public)
        }
        None => attributes::check_policy_size(public).and_then(|()| attributes::check_schemes(Parent::None, public)),
    }
    .map_err(|rc| rc.parameter(2))?;
    loading::check_pair(tpm.provider, public, sensitive, Parameters { public: 2, sensitive: 1 })
}
