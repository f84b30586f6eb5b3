//! `TPM2_Load` (Part 3, 12.2).

use ironroot_wire::{Load, LoadResponse, TpmRc, TpmaObject};

use crate::{
    commands::Action,
    core_state::Core,
    rules::{
        attributes::{self, Parent},
        loading::{self, Parameters, Place},
        names, private_area, self_test,
    },
};

impl Action for Load {
    fn run(self, tpm: &mut Core) -> Result<LoadResponse, TpmRc> {
        tpm.objects.require_free()?;
        if self.in_private.is_empty() {
            return Err(TpmRc::SIZE.parameter(1));
        }
        let parent = tpm.object(self.parent_handle).map_err(|rc| rc.handle(1))?;
        if !parent.is_storage_parent() {
            return Err(TpmRc::TYPE.handle(1));
        }
        let public = self.in_public.0;
        let name = names::object_name(&public)?;
        let mut sensitive = private_area::open(tpm, &parent, &name, &self.in_private).map_err(|rc| rc.parameter(1))?;
        self_test::before_key(tpm, &public)?;
        attributes::check_public(Parent::Object(&parent), &public).map_err(|rc| rc.parameter(2))?;
        // What a parent with fixedTPM protects was checked when this TPM made it. What another parent protects may come
        // from anywhere that the parent has been.
        if !parent.has(TpmaObject::FIXED_TPM) {
            let position = Parameters { public: 2, sensitive: 1 };
            sensitive = loading::check_pair(tpm.provider, &public, sensitive, position)?;
        }
        let object = loading::object(tpm, Place::Parent(&parent), public, Some(sensitive), name.clone())?;
        Ok(LoadResponse { object_handle: tpm.objects.load(object)?, name })
    }
}
