//! `TPM2_TestParms` (Part 3, 30.3).

use ironroot_wire::{TestParms, TestParmsResponse, TpmRc};

use crate::{commands::Action, core_state::Core};

impl Action for TestParms {
    fn run(self, _: &mut Core) -> Result<TestParmsResponse, TpmRc> {
        // Parameters that unmarshal under the profile are supported.
        Ok(TestParmsResponse {})
    }
}
