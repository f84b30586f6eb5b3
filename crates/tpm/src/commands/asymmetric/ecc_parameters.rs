//! `TPM2_ECC_Parameters` (Part 3, 14.6).

use ironroot_crypto::ecc;
use ironroot_wire::{
    EccParameters, EccParametersResponse, TpmEccCurve, TpmRc, TpmiAlgHash, TpmsAlgorithmDetailEcc, TpmtKdfScheme,
};

use crate::{commands::Action, core_state::Core};

impl Action for EccParameters {
    fn run(self, _: &mut Core) -> Result<EccParametersResponse, TpmRc> {
        let curve = ecc::parameters(self.curve_id);
        let parameters = TpmsAlgorithmDetailEcc {
            curve_id: self.curve_id,
            key_size: self.curve_id.bits(),
            kdf: default_kdf(self.curve_id),
            // No curve prescribes a signing scheme.
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

/// The default key derivation of a curve, as the TCG Algorithm Registry's tables of curve parameters have it: that of
/// SP 800-56A with a hash that fits the curve.
const fn default_kdf(curve: TpmEccCurve) -> Option<TpmtKdfScheme> {
    let hash = match curve {
        TpmEccCurve::NistP192 | TpmEccCurve::NistP224 | TpmEccCurve::NistP256 => TpmiAlgHash::Sha256,
        TpmEccCurve::NistP384 => TpmiAlgHash::Sha384,
        TpmEccCurve::NistP521 => TpmiAlgHash::Sha512,
        TpmEccCurve::Sm2P256 => TpmiAlgHash::Sm3_256,
        _ => return None,
    };
    Some(TpmtKdfScheme::Kdf1Sp800_56a(hash))
}
