//! `TPM2_Create` (Part 3, 12.1).

use ironroot_wire::{Create, CreateResponse, Tpm2b, TpmRc, TpmsSensitiveCreate, TpmtPublic};

use crate::{
    commands::Action,
    core_state::Core,
    rules::{
        attributes::{self, Parent},
        creation::{self, Birthplace, New},
        private_area, self_test,
    },
    state::objects::Object,
};

impl Action for Create {
    fn run(self, tpm: &mut Core) -> Result<CreateResponse, TpmRc> {
        let parent = tpm.object(self.parent_handle).map_err(|rc| rc.handle(1))?;
        if !parent.is_storage_parent() {
            return Err(TpmRc::TYPE.handle(1));
        }
        let new = ordinary(tpm, &parent, self.in_public.0, &self.in_sensitive.0)?;
        let birthplace = Birthplace { hierarchy: parent.hierarchy, parent: Some(&parent) };
        let (creation_data, creation_hash, creation_ticket) =
            creation::creation_data(tpm, birthplace, &new, &self.creation_pcr, self.outside_info)?;
        let out_private = private_area::seal(tpm, &parent, &new.name, &new.public, &new.sensitive)?;
        Ok(CreateResponse {
            out_private,
            out_public: Tpm2b(new.public),
            creation_data: Tpm2b(creation_data),
            creation_hash,
            creation_ticket,
        })
    }
}

/// Creates an ordinary object: its values come from the TPM's generator.
pub fn ordinary(
    tpm: &mut Core,
    parent: &Object,
    template: TpmtPublic,
    sensitive: &TpmsSensitiveCreate,
) -> Result<New, TpmRc> {
    attributes::check_creation(Parent::Object(parent), &template, sensitive.data.len())
        .map_err(|rc| rc.parameter(2))?;
    let auth = creation::auth(&sensitive.user_auth, template.name_alg).map_err(|rc| rc.parameter(1))?;
    let data = creation::is_provided(&template).then_some(sensitive.data.as_slice());
    self_test::before_key(tpm, &template)?;
    let secret = creation::secret(tpm.provider, &template, data, &mut tpm.random, &*tpm.cancellation)?;
    creation::complete(template, secret, auth, &mut tpm.random)
}
