//! `TPM2_TestParms` (Part 3, 30.3).

use ironroot_wire::{TestParms, TestParmsResponse, TpmRc, TpmtKdfScheme, TpmtPublicParms};

use crate::{
    commands::Action,
    core_state::Core,
    rules::{edwards, kem},
};

impl Action for TestParms {
    fn run(self, _: &mut Core) -> Result<TestParmsResponse, TpmRc> {
        // Parameters that unmarshal under the profile are supported, but not every scheme on every curve.
        if let TpmtPublicParms::Ecc(parms) = &self.parameters {
            edwards::check_scheme(parms, true).map_err(|rc| rc.parameter(1))?;
            if matches!(parms.kdf, Some(TpmtKdfScheme::Hkdf(_))) && kem::pair(parms).is_none() {
                return Err(TpmRc::KDF.parameter(1));
            }
        }
        Ok(TestParmsResponse {})
    }
}
