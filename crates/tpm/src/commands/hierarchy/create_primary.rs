//! `TPM2_CreatePrimary` (Part 3, 24.1).

use ironroot_wire::{CreatePrimary, CreatePrimaryResponse, Tpm2b, TpmRc};

use crate::{
    commands::Action,
    core_state::Core,
    rules::{
        attributes::{self, Parent},
        creation::{self, Birthplace},
        loading::{self, Place},
        primary, self_test,
    },
    state::hierarchy::Hierarchy,
};

impl Action for CreatePrimary {
    fn run(self, tpm: &mut Core) -> Result<CreatePrimaryResponse, TpmRc> {
        tpm.objects.require_free()?;
        let hierarchy = Hierarchy::from(self.primary_handle);
        let (template, sensitive) = (self.in_public.0, &self.in_sensitive.0);
        attributes::check_creation(Parent::Seed(hierarchy.limit), &template, sensitive.data.len())
            .map_err(|rc| rc.parameter(2))?;
        self_test::before_key(tpm, &template)?;
        let new = primary::create(tpm, hierarchy, template, sensitive)?;
        let birthplace = Birthplace { hierarchy, parent: None };
        let (creation_data, creation_hash, creation_ticket) =
            creation::creation_data(tpm, birthplace, &new, &self.creation_pcr, self.outside_info)?;
        let (public, name) = (new.public.clone(), new.name.clone());
        let object = loading::object(tpm, Place::Seed(hierarchy), new.public, Some(new.sensitive), new.name)?;
        Ok(CreatePrimaryResponse {
            object_handle: tpm.objects.load(object)?,
            out_public: Tpm2b(public),
            creation_data: Tpm2b(creation_data),
            creation_hash,
            creation_ticket,
            name,
        })
    }
}
