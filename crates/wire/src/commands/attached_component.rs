//! Attached components (Part 3, clause 32).

use super::*;
use crate::*;

commands! { ATTACHED_COMPONENT;
    /// `TPM2_AC_GetCapability` (Part 3, 32.2).
    AcGetCapability, AcGetCapabilityResponse = 0x0194 [] (ac: TpmiRhAc [None]) { capability: TpmAt, count: u32 }
    => () { more_data: TpmiYesNo, capabilities_data: TpmlAcCapabilities }
    /// `TPM2_AC_Send` (Part 3, 32.3).
    AcSend, AcSendResponse = 0x0195 []
    (send_object: TpmiDhObject [Dup], auth_handle: TpmiRhNvAuth [User], ac: TpmiRhAc [None]) { ac_data_in: Tpm2bMaxBuffer }
    => () { ac_data_out: TpmsAcOutput }
    /// `TPM2_Policy_AC_SendSelect` (Part 3, 32.4).
    PolicyAcSendSelect, PolicyAcSendSelectResponse = 0x0196 [] (policy_session: TpmiShPolicy [None])
    { object_name: Tpm2bName, auth_handle_name: Tpm2bName, ac_name: Tpm2bName, include_object: TpmiYesNo } => () {}
}
