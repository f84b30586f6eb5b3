//! `TPM2_Encapsulate` (Part 3, 14.10).

use ironroot_wire::{Encapsulate, EncapsulateResponse, Tpm2bKemCiphertext, Tpm2bSharedSecret, TpmRc};

use crate::{commands::Action, core_state::Core, rules::kem};

impl Action for Encapsulate {
    fn run(self, tpm: &mut Core) -> Result<EncapsulateResponse, TpmRc> {
        let key = tpm.object(self.key_handle).map_err(|_| TpmRc::KEY.handle(1))?;
        let (secret, ciphertext) = kem::encapsulate(tpm, &key).map_err(|rc| rc.handle(1))?;
        Ok(EncapsulateResponse {
            shared_secret: Tpm2bSharedSecret::from_slice(&secret)?,
            ciphertext: Tpm2bKemCiphertext::from_slice(&ciphertext)?,
        })
    }
}
