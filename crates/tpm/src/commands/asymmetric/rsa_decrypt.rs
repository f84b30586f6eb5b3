//! `TPM2_RSA_Decrypt` (Part 3, 14.3).

use ironroot_crypto::{CryptoError, rsa};
use ironroot_wire::{PublicKind, RsaDecrypt, RsaDecryptResponse, Tpm2bRsaMessage, TpmRc, TpmaObject};

use super::rsa_encrypt::{check_label, padding};
use crate::{commands::Action, core_state::Core, rules::schemes};

impl Action for RsaDecrypt {
    fn run(self, tpm: &mut Core) -> Result<RsaDecryptResponse, TpmRc> {
        let key = tpm.object(self.key_handle).map_err(|_| TpmRc::KEY.handle(1))?;
        let PublicKind::Rsa(parms, modulus) = &key.public.kind else { return Err(TpmRc::KEY.handle(1)) };
        if key.has(TpmaObject::RESTRICTED) || !key.has(TpmaObject::DECRYPT) {
            return Err(TpmRc::ATTRIBUTES.handle(1));
        }
        check_label(&self.label)?;
        let scheme = schemes::rsa_encryption(parms.scheme.as_ref(), self.in_scheme).map_err(|rc| rc.parameter(2))?;
        if self.cipher_text.len() != modulus.len() {
            return Err(TpmRc::SIZE.parameter(1));
        }
        let private = key.rsa()?;
        // Whatever is wrong with a padding, the answer is the same, and takes the same time.
        let message = rsa::decrypt(private, padding(scheme, &self.label), &self.cipher_text, &mut tpm.random).map_err(
            |error| match error {
                CryptoError::Internal => TpmRc::FAILURE,
                _ => TpmRc::VALUE.parameter(1),
            },
        )?;
        Ok(RsaDecryptResponse { message: Tpm2bRsaMessage::from_slice(&message)? })
    }
}
