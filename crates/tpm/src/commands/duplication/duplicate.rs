//! `TPM2_Duplicate` (Part 3, 13.1).

use ironroot_wire::{
    Duplicate, DuplicateResponse, Tpm2bData, Tpm2bEncryptedSecret, Tpm2bPrivate, TpmRc, TpmaObject, TpmtSymDefObject,
};
use zeroize::Zeroizing;

use super::takes_duplicates;
use crate::{
    commands::Action,
    core_state::Core,
    rules::{
        creation, private_area,
        secret_sharing::{self, Label},
        wrapping,
    },
    state::objects::Object,
};

impl Action for Duplicate {
    fn run(self, tpm: &mut Core) -> Result<DuplicateResponse, TpmRc> {
        let object = tpm.object(self.object_handle).map_err(|rc| rc.handle(1))?;
        let new_parent = match self.new_parent_handle {
            Some(handle) => Some(tpm.object(handle).map_err(|rc| rc.handle(2))?),
            None => None,
        };
        check(&self, &object, new_parent.as_deref())?;
        let name_alg = object.name_alg()?;
        let mut blob = private_area::portable_sensitive(&object.public, object.sensitive()?)?;
        let mut encryption_key_out = Tpm2bData::default();
        if let Some(cipher) = &self.symmetric_alg {
            let key = inner_key(tpm, cipher, &self.encryption_key_in)?;
            if self.encryption_key_in.is_empty() {
                encryption_key_out = Tpm2bData::from_slice(&key)?;
            }
            blob = wrapping::wrap_inner(name_alg, cipher, &key, &object.name, &blob)?;
        }
        let (duplicate, out_sym_seed) = match &new_parent {
            Some(parent) => {
                let (seed, encrypted) = secret_sharing::encrypt(tpm, parent, Label::Duplicate)?;
                (private_area::sent_to(parent, &seed, &object.name)?.wrap(None, blob)?, encrypted)
            }
            None => (blob.to_vec(), Tpm2bEncryptedSecret::default()),
        };
        Ok(DuplicateResponse { encryption_key_out, duplicate: Tpm2bPrivate::from_slice(&duplicate)?, out_sym_seed })
    }
}

fn check(command: &Duplicate, object: &Object, new_parent: Option<&Object>) -> Result<(), TpmRc> {
    if object.has(TpmaObject::FIXED_PARENT) {
        return Err(TpmRc::ATTRIBUTES.handle(1));
    }
    if object.public.name_alg.is_none() {
        return Err(TpmRc::TYPE.handle(1));
    }
    if new_parent.is_some_and(|parent| !takes_duplicates(parent)) {
        return Err(TpmRc::TYPE.handle(2));
    }
    if object.has(TpmaObject::ENCRYPTED_DUPLICATION) {
        if command.symmetric_alg.is_none() {
            return Err(TpmRc::SYMMETRIC.parameter(2));
        }
        if new_parent.is_none() {
            return Err(TpmRc::HIERARCHY.handle(2));
        }
    }
    let key_size = command.encryption_key_in.len();
    if key_size != 0 && key_size != command.symmetric_alg.as_ref().map_or(0, TpmtSymDefObject::key_size) {
        return Err(TpmRc::SIZE.parameter(1));
    }
    Ok(())
}

/// The caller's key, or one that the TPM makes and returns.
fn inner_key(tpm: &mut Core, cipher: &TpmtSymDefObject, given: &[u8]) -> Result<Zeroizing<alloc::vec::Vec<u8>>, TpmRc> {
    if given.is_empty() { creation::cipher_key(cipher, &mut tpm.random) } else { Ok(Zeroizing::new(given.to_vec())) }
}
