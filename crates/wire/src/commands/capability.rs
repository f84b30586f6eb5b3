//! Capabilities (Part 3, clause 30).

use super::*;
use crate::*;

commands! { CAPABILITY;
    /// `TPM2_GetCapability` (Part 3, 30.2).
    GetCapability, GetCapabilityResponse = 0x017A [] () { capability: TpmCap, property: u32, property_count: u32 }
    => () { more_data: TpmiYesNo, capability_data: TpmsCapabilityData }
    /// `TPM2_TestParms` (Part 3, 30.3).
    TestParms, TestParmsResponse = 0x018A [] () { parameters: TpmtPublicParms } => () {}
    /// `TPM2_SetCapability` (Part 3, 30.4).
    SetCapability, SetCapabilityResponse = 0x019F [NV] (auth_handle: Option<TpmiRhHierarchyAuth> [User])
    { set_capability_data: Tpm2bSetCapabilityData } => () {}
}
