//! `TPM2_Import` (Part 3, 13.3).

use ironroot_wire::{Import, ImportResponse, PublicKind, TpmRc, TpmaObject, TpmtSensitive, TpmtSymDefObject};
use zeroize::Zeroizing;

use crate::{
    commands::Action,
    core_state::Core,
    rules::{
        attributes::{self, Parent},
        creation,
        loading::{self, Parameters},
        names, private_area,
        secret_sharing::{self, Label},
        self_test, wrapping,
    },
    state::objects::Object,
};

impl Action for Import {
    fn run(self, tpm: &mut Core) -> Result<ImportResponse, TpmRc> {
        let parent = tpm.object(self.parent_handle).map_err(|rc| rc.handle(1))?;
        check(&self, &parent)?;
        let public = &self.object_public.0;
        self_test::before_key(tpm, public)?;
        let name = names::object_name(public)?;
        let opened = open(&self, tpm, &parent, &name)?;
        let sensitive = private_area::unmarshal_sensitive(tpm, &opened).map_err(|rc| rc.parameter(3))?;
        let sensitive = if parent.has(TpmaObject::FIXED_TPM) {
            validated(tpm, &self, sensitive)?
        } else {
            // Checked whenever it is loaded, because it can be loaded wherever its parent can.
            let auth = creation::auth(&sensitive.auth_value, public.name_alg).map_err(|rc| rc.parameter(3))?;
            TpmtSensitive { auth_value: auth, ..sensitive }
        };
        let out_private = private_area::seal(tpm, &parent, &name, public, &sensitive)?;
        Ok(ImportResponse { out_private })
    }
}

fn check(command: &Import, parent: &Object) -> Result<(), TpmRc> {
    let attributes = command.object_public.0.object_attributes;
    if attributes.intersects(TpmaObject::FIXED_TPM | TpmaObject::FIXED_PARENT) {
        return Err(TpmRc::ATTRIBUTES.parameter(2));
    }
    if !parent.is_storage_parent() {
        return Err(TpmRc::TYPE.handle(1));
    }
    if command.encryption_key.len() != command.symmetric_alg.as_ref().map_or(0, TpmtSymDefObject::key_size) {
        return Err(TpmRc::SIZE.parameter(1));
    }
    if attributes.contains(TpmaObject::ENCRYPTED_DUPLICATION) {
        if command.symmetric_alg.is_none() {
            return Err(TpmRc::ATTRIBUTES.parameter(1));
        }
        if command.in_sym_seed.is_empty() {
            return Err(TpmRc::ATTRIBUTES.parameter(4));
        }
    }
    // A symmetric parent has nothing that a secret could be sent to.
    if !command.in_sym_seed.is_empty() && matches!(parent.public.kind, PublicKind::Symcipher(..)) {
        return Err(TpmRc::TYPE.handle(1));
    }
    Ok(())
}

/// Takes off the wrappers.
fn open(
    command: &Import,
    tpm: &mut Core,
    parent: &Object,
    name: &[u8],
) -> Result<Zeroizing<alloc::vec::Vec<u8>>, TpmRc> {
    let mut blob = Zeroizing::new(command.duplicate.to_vec());
    if !command.in_sym_seed.is_empty() {
        let seed = secret_sharing::decrypt(tpm, parent, Label::Duplicate, &command.in_sym_seed)
            .map_err(|rc| rc.parameter(4))?;
        blob = private_area::sent_to(parent, &seed, name)?.unwrap(false, &blob).map_err(|rc| rc.parameter(3))?;
    }
    if let Some(cipher) = &command.symmetric_alg {
        let hash = command.object_public.0.name_alg.ok_or(TpmRc::HASH.parameter(2))?;
        blob =
            wrapping::unwrap_inner(hash, cipher, &command.encryption_key, name, blob).map_err(|rc| rc.parameter(3))?;
    }
    Ok(blob)
}

/// What is checked once and for all when the new parent has fixedTPM.
fn validated(tpm: &Core, command: &Import, sensitive: TpmtSensitive) -> Result<TpmtSensitive, TpmRc> {
    let public = &command.object_public.0;
    let digest_size = public.name_alg.map_or(0, |alg| alg.digest_size());
    if sensitive.seed_value.len() > digest_size {
        return Err(TpmRc::KEY_SIZE.parameter(3));
    }
    attributes::check_public(Parent::None, public).map_err(|rc| rc.parameter(2))?;
    loading::check_pair(tpm.provider, public, sensitive, Parameters { public: 2, sensitive: 3 })
}
