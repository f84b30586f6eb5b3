//! `TPM2_ECDH_ZGen` (Part 3, 14.5).

use ironroot_crypto::CryptoError;
use ironroot_wire::{
    EcdhZGen, EcdhZGenResponse, PublicKind, Tpm2b, TpmRc, TpmaObject, TpmtEccScheme, TpmuSensitiveComposite,
};

use crate::{
    commands::Action,
    core_state::Core,
    rules::{ecdh, secret_sharing::wire_secret_point},
};

impl Action for EcdhZGen {
    fn run(self, tpm: &mut Core) -> Result<EcdhZGenResponse, TpmRc> {
        let key = tpm.object(self.key_handle).map_err(|_| TpmRc::KEY.handle(1))?;
        let PublicKind::Ecc(parms, _) = &key.public.kind else { return Err(TpmRc::KEY.handle(1)) };
        if key.has(TpmaObject::RESTRICTED) || !key.has(TpmaObject::DECRYPT) {
            return Err(TpmRc::ATTRIBUTES.handle(1));
        }
        if !matches!(parms.scheme, None | Some(TpmtEccScheme::Ecdh(_))) {
            return Err(TpmRc::SCHEME.handle(1));
        }
        let TpmuSensitiveComposite::Ecc(scalar) = &key.sensitive()?.sensitive else {
            return Err(TpmRc::KEY.handle(1));
        };
        let shared = ecdh::multiply(tpm.provider, parms, scalar, &self.in_point.0).map_err(|error| match error {
            CryptoError::Internal => TpmRc::FAILURE,
            CryptoError::Point => TpmRc::ECC_POINT.parameter(1),
            _ => TpmRc::KEY.handle(1),
        })?;
        let out_point = wire_secret_point(&shared)?;
        Ok(EcdhZGenResponse { out_point: Tpm2b(out_point) })
    }
}
