//! `TPM2_EncryptDecrypt2` (Part 3, 15.3): `TPM2_EncryptDecrypt` with its parameters in an order that lets a session encrypt
//! the data.

use ironroot_wire::{EncryptDecrypt2, EncryptDecrypt2Response, Tpm2bIv, Tpm2bMaxBuffer, TpmRc};

use super::encrypt_decrypt::{Positions, Request};
use crate::{commands::Action, core_state::Core};

impl Action for EncryptDecrypt2 {
    fn run(self, tpm: &mut Core) -> Result<EncryptDecrypt2Response, TpmRc> {
        let request = Request {
            key: self.key_handle,
            decrypt: self.decrypt.0,
            mode: self.mode,
            iv: &self.iv_in,
            data: &self.in_data,
            positions: Positions { mode: 3, iv: 4, data: 1 },
        };
        let (data, iv) = request.run(tpm)?;
        Ok(EncryptDecrypt2Response { out_data: Tpm2bMaxBuffer::from_slice(&data)?, iv_out: Tpm2bIv::from_slice(&iv)? })
    }
}
