//! `TPM2_ECC_Decrypt` (Part 3, 14.9; Part 1, 45.2.4.3).

use ironroot_crypto::{
    CryptoError,
    ecc::{is_weierstrass, sm2},
};
use ironroot_wire::{
    EccDecrypt, EccDecryptResponse, PublicKind, Tpm2bMaxBuffer, TpmRc, TpmaObject, TpmuSensitiveComposite,
};

use super::ecc_encrypt::scheme_hash;
use crate::{commands::Action, core_state::Core, rules::secret_sharing::fixed_point};

impl Action for EccDecrypt {
    fn run(self, tpm: &mut Core) -> Result<EccDecryptResponse, TpmRc> {
        let key = tpm.object(self.key_handle).map_err(|_| TpmRc::KEY.handle(1))?;
        let PublicKind::Ecc(parms, _) = &key.public.kind else { return Err(TpmRc::KEY.handle(1)) };
        if !is_weierstrass(parms.curve_id) {
            return Err(TpmRc::KEY.handle(1));
        }
        if key.has(TpmaObject::RESTRICTED) || !key.has(TpmaObject::DECRYPT) {
            return Err(TpmRc::ATTRIBUTES.handle(1));
        }
        let hash = scheme_hash(parms, self.in_scheme).map_err(|rc| rc.parameter(4))?;
        let TpmuSensitiveComposite::Ecc(scalar) = &key.sensitive()?.sensitive else {
            return Err(TpmRc::KEY.handle(1));
        };
        let c1 = fixed_point(parms, &self.c1.0).map_err(|_| TpmRc::ECC_POINT.parameter(1))?;
        let message = sm2::decrypt(tpm.provider, (parms.curve_id, hash), scalar, (&c1, &self.c2, &self.c3));
        let message = message.map_err(|error| match error {
            CryptoError::Point => TpmRc::ECC_POINT.parameter(1),
            CryptoError::Invalid => TpmRc::VALUE.parameter(3),
            _ => TpmRc::FAILURE,
        })?;
        Ok(EccDecryptResponse { plain_text: Tpm2bMaxBuffer::from_slice(&message)? })
    }
}
