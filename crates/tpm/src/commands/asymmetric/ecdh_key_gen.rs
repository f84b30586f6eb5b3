//! `TPM2_ECDH_KeyGen` (Part 3, 14.4).

use ironroot_crypto::ecc;
use ironroot_wire::{EcdhKeyGen, EcdhKeyGenResponse, PublicKind, Tpm2b, TpmRc};

use crate::{
    commands::Action,
    core_state::Core,
    rules::secret_sharing::{fixed_point, wire_point},
};

impl Action for EcdhKeyGen {
    fn run(self, tpm: &mut Core) -> Result<EcdhKeyGenResponse, TpmRc> {
        let key = tpm.object(self.key_handle).map_err(|_| TpmRc::KEY.handle(1))?;
        let PublicKind::Ecc(parms, point) = &key.public.kind else { return Err(TpmRc::KEY.handle(1)) };
        let curve = parms.curve_id;
        let public = fixed_point(curve, point).map_err(|_| TpmRc::KEY.handle(1))?;
        let (scalar, ephemeral) = ecc::generate(tpm.provider, curve, &mut tpm.random).map_err(|_| TpmRc::FAILURE)?;
        let shared = tpm.provider.ecc_multiply(curve, &scalar, &public).map_err(|_| TpmRc::KEY.handle(1))?;
        let z_point =
            ironroot_wire::TpmsEccPoint { x: shared.x.as_slice().try_into()?, y: shared.y.as_slice().try_into()? };
        Ok(EcdhKeyGenResponse { z_point: Tpm2b(z_point), pub_point: Tpm2b(wire_point(&ephemeral)?) })
    }
}
