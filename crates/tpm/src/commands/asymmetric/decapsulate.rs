//! `TPM2_Decapsulate` (Part 3, 14.11).

use ironroot_wire::{Decapsulate, DecapsulateResponse, Tpm2bSharedSecret, TpmRc, TpmaObject};

use crate::{commands::Action, core_state::Core, rules::kem};

impl Action for Decapsulate {
    fn run(self, tpm: &mut Core) -> Result<DecapsulateResponse, TpmRc> {
        let key = tpm.object(self.key_handle).map_err(|_| TpmRc::KEY.handle(1))?;
        if !kem::is_kem_key(&key) {
            return Err(TpmRc::KEY.handle(1));
        }
        if key.has(TpmaObject::RESTRICTED) || !key.has(TpmaObject::DECRYPT) {
            return Err(TpmRc::ATTRIBUTES.handle(1));
        }
        let secret = kem::decapsulate(tpm, &key, &self.ciphertext).map_err(|rc| match rc {
            TpmRc::SIZE | TpmRc::ECC_POINT => rc.parameter(1),
            TpmRc::KEY => rc.handle(1),
            rc => rc,
        })?;
        Ok(DecapsulateResponse { shared_secret: Tpm2bSharedSecret::from_slice(&secret)? })
    }
}
