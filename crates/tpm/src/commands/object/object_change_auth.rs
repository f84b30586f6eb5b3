//! `TPM2_ObjectChangeAuth` (Part 3, 12.8).

use ironroot_wire::{ObjectChangeAuth, ObjectChangeAuthResponse, TpmRc, TpmtSensitive};

use crate::{
    commands::Action,
    core_state::Core,
    rules::{creation, names, private_area},
};

impl Action for ObjectChangeAuth {
    fn run(self, tpm: &mut Core) -> Result<ObjectChangeAuthResponse, TpmRc> {
        let object = tpm.object(self.object_handle).map_err(|rc| rc.handle(1))?;
        let auth_value = creation::auth(&self.new_auth, object.public.name_alg).map_err(|rc| rc.parameter(1))?;
        let parent = tpm.object(self.parent_handle).map_err(|rc| rc.handle(2))?;
        let qualified = names::qualified_name(&parent.qualified_name, object.public.name_alg, &object.name)?;
        // Only the parent gives the object its qualified name; what has no name has no parent, and a derivation parent has no
        // private areas.
        if object.name.is_empty() || qualified != object.qualified_name || !parent.is_storage_parent() {
            return Err(TpmRc::TYPE.handle(2));
        }
        let sensitive = TpmtSensitive { auth_value, ..object.sensitive()?.clone() };
        let out_private = private_area::seal(tpm, &parent, &object.name, &object.public, &sensitive)?;
        Ok(ObjectChangeAuthResponse { out_private })
    }
}
