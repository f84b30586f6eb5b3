//! `TPM2_ECC_Parameters` (Part 3, 14.6).

use ironroot_crypto::ecc;
use ironroot_wire::{EccParameters, EccParametersResponse, TpmRc, TpmsAlgorithmDetailEcc};

use crate::{commands::Action, core_state::Core};

impl Action for EccParameters {
    fn run(self, _: &mut Core) -> Result<EccParametersResponse, TpmRc> {
        let curve = ecc::parameters(self.curve_id);
        let parameters = TpmsAlgorithmDetailEcc {
            curve_id: self.curve_id,
            key_size: self.curve_id.bits(),
            // The NIST curves prescribe neither a key derivation nor a signing scheme.
            kdf: None,
            sign: None,
            p: curve.p.try_into()?,
            a: curve.a.try_into()?,
            b: curve.b.try_into()?,
            g_x: curve.gx.try_into()?,
            g_y: curve.gy.try_into()?,
            n: curve.n.try_into()?,
            h: curve.h.try_into()?,
        };
        Ok(EccParametersResponse { parameters })
    }
}
