//! `TPM2_EC_Ephemeral` (Part 3, 19.3; Part 1, 44.2.4).

use ironroot_crypto::ecc;
use ironroot_wire::{EcEphemeral, EcEphemeralResponse, Tpm2b, TpmRc};

use crate::{
    commands::Action,
    core_state::Core,
    rules::{schemes, secret_sharing::wire_point, self_test},
};

impl Action for EcEphemeral {
    fn run(self, tpm: &mut Core) -> Result<EcEphemeralResponse, TpmRc> {
        // The two-phase protocols are those of curves whose points can be added.
        if !ecc::is_weierstrass(self.curve_id) {
            return Err(TpmRc::CURVE.parameter(1));
        }
        self_test::before_curve(tpm, self.curve_id)?;
        tpm.commits.renew(&mut tpm.random)?;
        let r = tpm.commits.next(schemes::ephemeral_purpose(self.curve_id));
        let point = tpm.provider.ecc_base_multiply(self.curve_id, &r).map_err(|_| TpmRc::NO_RESULT)?;
        let counter = tpm.commits.begin();
        Ok(EcEphemeralResponse { q: Tpm2b(wire_point(&point)?), counter })
    }
}
