//! `TPM2_EncryptDecrypt2` (Part 3, 15.3).

use ironroot_crypto::symmetric::{BlockCipher, iv_size, needs_whole_blocks};
use ironroot_wire::{
    EncryptDecrypt2, EncryptDecrypt2Response, PublicKind, Tpm2bIv, Tpm2bMaxBuffer, TpmRc, TpmaObject,
    TpmuSensitiveComposite,
};
use zeroize::Zeroizing;

use crate::{commands::Action, core_state::Core};

impl Action for EncryptDecrypt2 {
    fn run(self, tpm: &mut Core) -> Result<EncryptDecrypt2Response, TpmRc> {
        let key = tpm.object(self.key_handle).map_err(|_| TpmRc::KEY.handle(1))?;
        let PublicKind::Symcipher(parms, _) = &key.public.kind else { return Err(TpmRc::KEY.handle(1)) };
        let needed = if self.decrypt.0 { TpmaObject::DECRYPT } else { TpmaObject::SIGN_ENCRYPT };
        if key.has(TpmaObject::RESTRICTED) || !key.has(needed) {
            return Err(TpmRc::ATTRIBUTES.handle(1));
        }
        let mode = match (parms.sym.mode, self.mode) {
            (Some(own), None) => own,
            (Some(own), Some(mode)) if own == mode => own,
            (None, Some(mode)) => mode,
            _ => return Err(TpmRc::MODE.parameter(3)),
        };
        if self.iv_in.len() != iv_size(parms.sym.algorithm, mode) {
            return Err(TpmRc::SIZE.parameter(4));
        }
        if needs_whole_blocks(mode) && !self.in_data.len().is_multiple_of(parms.sym.algorithm.block_size()) {
            return Err(TpmRc::SIZE.parameter(1));
        }
        let TpmuSensitiveComposite::Sym(secret) = &key.sensitive()?.sensitive else {
            return Err(TpmRc::KEY.handle(1));
        };
        let mut iv = Zeroizing::new(self.iv_in.to_vec());
        let mut data = Zeroizing::new(self.in_data.to_vec());
        let cipher = BlockCipher::new(parms.sym.algorithm, secret).map_err(|_| TpmRc::KEY.handle(1))?;
        let done = if self.decrypt.0 {
            cipher.decrypt(mode, &mut iv, &mut data)
        } else {
            cipher.encrypt(mode, &mut iv, &mut data)
        };
        done.map_err(|_| TpmRc::FAILURE)?;
        Ok(EncryptDecrypt2Response { out_data: Tpm2bMaxBuffer::from_slice(&data)?, iv_out: Tpm2bIv::from_slice(&iv)? })
    }
}
