//! `TPM2_SelfTest` (Part 3, 10.2).

use ironroot_wire::{SelfTest, SelfTestResponse, TpmRc};

use crate::{commands::Action, core_state::Core, rules::self_test};

impl Action for SelfTest {
    fn run(self, tpm: &mut Core) -> Result<SelfTestResponse, TpmRc> {
        // The tests are over before the response, so there is never a TPM_RC_TESTING.
        self_test::run_all(tpm, self.full_test.0)?;
        Ok(SelfTestResponse {})
    }
}
