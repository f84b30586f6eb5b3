//! `TPM2_GetTestResult` (Part 3, 10.4). It works in failure mode, too.

use ironroot_wire::{GetTestResult, GetTestResultResponse, Tpm2bMaxBuffer, TpmRc, Wire};

use crate::{
    commands::Action,
    core_state::{Core, Mode},
};

impl Action for GetTestResult {
    fn run(self, tpm: &mut Core) -> Result<GetTestResultResponse, TpmRc> {
        // The manufacturer's information is the identifier of the algorithm that failed.
        let out_data = match tpm.self_tests.failed() {
            Some(alg) => Tpm2bMaxBuffer::from_slice(&alg.to_bytes())?,
            None => Tpm2bMaxBuffer::default(),
        };
        let test_result = if tpm.mode == Mode::Failure {
            TpmRc::FAILURE
        } else if tpm.self_tests.remaining(&tpm.profile).is_empty() {
            TpmRc::SUCCESS
        } else {
            TpmRc::NEEDS_TEST
        };
        Ok(GetTestResultResponse { out_data, test_result: test_result.0 })
    }
}
