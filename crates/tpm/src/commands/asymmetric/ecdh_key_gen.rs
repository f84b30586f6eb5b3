//! `TPM2_ECDH_KeyGen` (Part 3, 14.4).

use ironroot_crypto::CryptoError;
use ironroot_wire::{EcdhKeyGen, EcdhKeyGenResponse, PublicKind, Tpm2b, TpmRc};

use crate::{
    commands::Action,
    core_state::Core,
    rules::{
        ecdh::{self, Agreed},
        secret_sharing::{wire_point, wire_secret_point},
    },
};

impl Action for EcdhKeyGen {
    fn run(self, tpm: &mut Core) -> Result<EcdhKeyGenResponse, TpmRc> {
        let key = tpm.object(self.key_handle).map_err(|_| TpmRc::KEY.handle(1))?;
        let PublicKind::Ecc(parms, point) = &key.public.kind else { return Err(TpmRc::KEY.handle(1)) };
        // A key of EdDSA has no point that anybody could multiply.
        let Agreed { shared, ephemeral } = ecdh::encapsulate(tpm, parms, point).map_err(|error| match error {
            CryptoError::Internal => TpmRc::FAILURE,
            _ => TpmRc::KEY.handle(1),
        })?;
        let z_point = wire_secret_point(&shared)?;
        Ok(EcdhKeyGenResponse { z_point: Tpm2b(z_point), pub_point: Tpm2b(wire_point(&ephemeral)?) })
    }
}
