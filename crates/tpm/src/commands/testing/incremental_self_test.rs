//! `TPM2_IncrementalSelfTest` (Part 3, 10.3).

use ironroot_wire::{IncrementalSelfTest, IncrementalSelfTestResponse, TpmRc, TpmlAlg};

use crate::{commands::Action, core_state::Core, rules::self_test};

impl Action for IncrementalSelfTest {
    fn run(self, tpm: &mut Core) -> Result<IncrementalSelfTestResponse, TpmRc> {
        // Algorithms that the TPM does not have are passed over.
        self_test::run(tpm, &self.to_test)?;
        Ok(IncrementalSelfTestResponse { to_do_list: TpmlAlg::new(tpm.self_tests.remaining(&tpm.profile)) })
    }
}
