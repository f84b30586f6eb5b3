//! `TPM2_MakeCredential` (Part 3, 12.6).

use ironroot_wire::{MakeCredential, MakeCredentialResponse, PublicKind, Tpm2bIdObject, TpmRc, TpmaObject, Wire};
use zeroize::Zeroizing;

use crate::{
    commands::Action,
    core_state::Core,
    rules::{
        private_area,
        secret_sharing::{self, Label},
    },
    state::objects::Object,
};

/// Whether credentials can be made for a key: an asymmetric, restricted decryption key, which has a cipher.
pub fn takes_credentials(key: &Object) -> bool {
    matches!(key.public.kind, PublicKind::Rsa(..) | PublicKind::Ecc(..) | PublicKind::Mlkem(..))
        && key.has(TpmaObject::RESTRICTED | TpmaObject::DECRYPT)
}

impl Action for MakeCredential {
    fn run(self, tpm: &mut Core) -> Result<MakeCredentialResponse, TpmRc> {
        let key = tpm.object(self.handle).map_err(|rc| rc.handle(1))?;
        if !takes_credentials(&key) {
            return Err(TpmRc::TYPE.handle(1));
        }
        if self.credential.len() > key.name_alg()?.digest_size() {
            return Err(TpmRc::SIZE.parameter(1));
        }
        let (seed, secret) = secret_sharing::encrypt(tpm, &key, Label::Identity)?;
        let mut credential = Zeroizing::new(alloc::vec::Vec::with_capacity(self.credential.len().saturating_add(2)));
        self.credential.marshal(&mut credential);
        let blob = private_area::sent_to(&key, &seed, &self.object_name)?.wrap(None, credential)?;
        Ok(MakeCredentialResponse { credential_blob: Tpm2bIdObject::from_slice(&blob)?, secret })
    }
}
