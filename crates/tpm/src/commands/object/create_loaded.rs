//! `TPM2_CreateLoaded` (Part 3, 12.9): primary, ordinary and derived objects, as the parent is.

use ironroot_wire::{
    CreateLoaded, CreateLoadedResponse, Reader, Tpm2b, Tpm2bPrivate, TpmHandle, TpmRc, TpmtPublic, Wire,
};

use super::create::ordinary;
use crate::{
    commands::Action,
    core_state::Core,
    rules::{
        attributes::{self, Parent},
        derivation,
        loading::{self, Place},
        primary, private_area, self_test,
    },
    state::hierarchy::Hierarchy,
};

impl Action for CreateLoaded {
    fn run(self, tpm: &mut Core) -> Result<CreateLoadedResponse, TpmRc> {
        match Hierarchy::from_handle(TpmHandle::from(self.parent_handle)) {
            Some(hierarchy) => under_seed(self, tpm, hierarchy),
            None => under_object(self, tpm),
        }
    }
}

fn under_seed(command: CreateLoaded, tpm: &mut Core, hierarchy: Hierarchy) -> Result<CreateLoadedResponse, TpmRc> {
    tpm.objects.require_free()?;
    let sensitive = &command.in_sensitive.0;
    let template = template(tpm, &command.in_public)?;
    // The size of the auth value is checked before the attributes here, and after them in TPM2_CreatePrimary.
    crate::rules::creation::auth(&sensitive.user_auth, template.name_alg).map_err(|rc| rc.parameter(1))?;
    attributes::check_creation(Parent::Seed(hierarchy.limit), &template, sensitive.data.len())
        .map_err(|rc| rc.parameter(2))?;
    self_test::before_key(tpm, &template)?;
    let new = primary::create(tpm, hierarchy, template, sensitive)?;
    let place = Place::Seed(hierarchy);
    let object = loading::object(tpm, place, new.public.clone(), Some(new.sensitive), new.name.clone())?;
    respond(tpm, object, Tpm2bPrivate::default())
}

fn under_object(command: CreateLoaded, tpm: &mut Core) -> Result<CreateLoadedResponse, TpmRc> {
    let parent = tpm.object(TpmHandle::from(command.parent_handle)).map_err(|rc| rc.handle(1))?;
    if !parent.is_parent() {
        return Err(TpmRc::TYPE.handle(1));
    }
    tpm.objects.require_free()?;
    let sensitive = &command.in_sensitive.0;
    let (new, private) = if derivation::is_derivation_parent(&parent) {
        (derivation::create(tpm, &parent, &command.in_public, sensitive)?, Tpm2bPrivate::default())
    } else {
        let template = template(tpm, &command.in_public)?;
        crate::rules::creation::auth(&sensitive.user_auth, template.name_alg).map_err(|rc| rc.parameter(1))?;
        let new = ordinary(tpm, &parent, template, sensitive)?;
        let private = private_area::seal(tpm, &parent, &new.name, &new.public, &new.sensitive)?;
        (new, private)
    };
    let object = loading::object(tpm, Place::Parent(&parent), new.public, Some(new.sensitive), new.name)?;
    respond(tpm, object, private)
}

fn template(tpm: &Core, bytes: &[u8]) -> Result<TpmtPublic, TpmRc> {
    let mut reader = Reader::new(bytes, &tpm.profile.rules);
    let template = TpmtPublic::unmarshal(&mut reader).map_err(|rc| rc.parameter(2))?;
    if reader.is_empty() { Ok(template) } else { Err(TpmRc::SIZE.parameter(2)) }
}

fn respond(
    tpm: &mut Core,
    object: crate::state::objects::Object,
    out_private: Tpm2bPrivate,
) -> Result<CreateLoadedResponse, TpmRc> {
    let (public, name) = (object.public.clone(), object.name.clone());
    Ok(CreateLoadedResponse { object_handle: tpm.objects.load(object)?, out_private, out_public: Tpm2b(public), name })
}
