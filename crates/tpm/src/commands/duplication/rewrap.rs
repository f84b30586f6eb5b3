//! `TPM2_Rewrap` (Part 3, 13.2).

use ironroot_wire::{Rewrap, RewrapResponse, Tpm2bEncryptedSecret, Tpm2bPrivate, TpmRc};
use zeroize::Zeroizing;

use super::takes_duplicates;
use crate::{
    commands::Action,
    core_state::Core,
    rules::{
        private_area,
        secret_sharing::{self, Label},
    },
};

impl Action for Rewrap {
    fn run(self, tpm: &mut Core) -> Result<RewrapResponse, TpmRc> {
        if self.in_sym_seed.is_empty() != self.old_parent.is_none() {
            return Err(TpmRc::HANDLE.handle(1));
        }
        let blob = match self.old_parent {
            Some(handle) => {
                let parent = tpm.object(handle).map_err(|rc| rc.handle(1))?;
                if !takes_duplicates(&parent) {
                    return Err(TpmRc::TYPE.handle(1));
                }
                let seed = secret_sharing::decrypt(tpm, &parent, Label::Duplicate, &self.in_sym_seed)
                    .map_err(|_| TpmRc::VALUE.parameter(3))?;
                private_area::sent_to(&parent, &seed, &self.name)?
                    .unwrap(false, &self.in_duplicate)
                    .map_err(|rc| rc.parameter(1))?
            }
            None => Zeroizing::new(self.in_duplicate.to_vec()),
        };
        let Some(handle) = self.new_parent else {
            let out_duplicate = Tpm2bPrivate::from_slice(&blob)?;
            return Ok(RewrapResponse { out_duplicate, out_sym_seed: Tpm2bEncryptedSecret::default() });
        };
        let parent = tpm.object(handle).map_err(|rc| rc.handle(2))?;
        if !takes_duplicates(&parent) {
            return Err(TpmRc::TYPE.handle(2));
        }
        let (seed, out_sym_seed) = secret_sharing::encrypt(tpm, &parent, Label::Duplicate)?;
        let wrapped = private_area::sent_to(&parent, &seed, &self.name)?.wrap(None, blob)?;
        // A duplicate without a wrapper may be as large as the buffer, and a wrapper adds to it.
        let out_duplicate = Tpm2bPrivate::from_slice(&wrapped).map_err(|_| TpmRc::VALUE.parameter(1))?;
        Ok(RewrapResponse { out_duplicate, out_sym_seed })
    }
}
