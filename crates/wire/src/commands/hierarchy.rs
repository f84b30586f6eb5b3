//! Hierarchies (Part 3, clause 24).

use super::*;
use crate::*;

commands! { HIERARCHY;
    /// `TPM2_CreatePrimary` (Part 3, 24.1).
    CreatePrimary, CreatePrimaryResponse = 0x0131 []
    (primary_handle: TpmiRhHierarchy [User])
    {
        in_sensitive: Tpm2b<TpmsSensitiveCreate>,
        in_public: Tpm2b<TpmtPublic>,
        outside_info: Tpm2bData,
        creation_pcr: TpmlPcrSelection,
    }
    => (object_handle: TpmHandle) {
        out_public: Tpm2b<TpmtPublic>,
        creation_data: Tpm2b<TpmsCreationData>,
        creation_hash: Tpm2bDigest,
        creation_ticket: TpmtTkCreation,
        name: Tpm2bName,
    }
    /// `TPM2_HierarchyControl` (Part 3, 24.2).
    HierarchyControl, HierarchyControlResponse = 0x0121 [NV, EXTENSIVE]
    (auth_handle: TpmiRhBaseHierarchy [User]) { enable: TpmiRhEnables, state: TpmiYesNo } => () {}
    /// `TPM2_SetPrimaryPolicy` (Part 3, 24.3).
    SetPrimaryPolicy, SetPrimaryPolicyResponse = 0x012E [NV]
    (auth_handle: TpmiRhHierarchyPolicy [User]) { auth_policy: Tpm2bDigest, hash_alg: Option<TpmiAlgHash> } => () {}
    /// `TPM2_ChangePPS` (Part 3, 24.4).
    ChangePps, ChangePpsResponse = 0x0125 [NV, EXTENSIVE] (auth_handle: TpmiRhPlatform [User]) {} => () {}
    /// `TPM2_ChangeEPS` (Part 3, 24.5).
    ChangeEps, ChangeEpsResponse = 0x0124 [NV, EXTENSIVE] (auth_handle: TpmiRhPlatform [User]) {} => () {}
    /// `TPM2_Clear` (Part 3, 24.6).
    Clear, ClearResponse = 0x0126 [NV, EXTENSIVE] (auth_handle: TpmiRhClear [User]) {} => () {}
    /// `TPM2_ClearControl` (Part 3, 24.7).
    ClearControl, ClearControlResponse = 0x0127 [NV] (auth: TpmiRhClear [User]) { disable: TpmiYesNo } => () {}
    /// `TPM2_HierarchyChangeAuth` (Part 3, 24.8).
    HierarchyChangeAuth, HierarchyChangeAuthResponse = 0x0129 [NV]
    (auth_handle: TpmiRhHierarchyAuth [User]) { new_auth: Tpm2bAuth } => () {}
    /// `TPM2_ReadOnlyControl` (Part 3, 24.9).
    ReadOnlyControl, ReadOnlyControlResponse = 0x01A0 [] (auth_handle: TpmiRhPlatform [User]) { state: TpmiYesNo } => () {}
}
