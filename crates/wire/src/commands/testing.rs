//! Testing (Part 3, clause 10).

use super::*;
use crate::*;

commands! { TESTING;
    /// `TPM2_SelfTest` (Part 3, 10.2).
    SelfTest, SelfTestResponse = 0x0143 [NV] () { full_test: TpmiYesNo } => () {}
    /// `TPM2_IncrementalSelfTest` (Part 3, 10.3).
    IncrementalSelfTest, IncrementalSelfTestResponse = 0x0142 [NV] () { to_test: TpmlAlg } => () { to_do_list: TpmlAlg }
    /// `TPM2_GetTestResult` (Part 3, 10.4).
    GetTestResult, GetTestResultResponse = 0x017C [] () {} => () { out_data: Tpm2bMaxBuffer, test_result: u32 }
}
