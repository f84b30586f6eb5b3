//! Non-volatile storage (Part 3, clause 31).

use super::*;
use crate::*;

commands! { NV;
    /// `TPM2_NV_DefineSpace` (Part 3, 31.3).
    NvDefineSpace, NvDefineSpaceResponse = 0x012A [NV]
    (auth_handle: TpmiRhProvision [User]) { auth: Tpm2bAuth, public_info: Tpm2b<TpmsNvPublic> } => () {}
    /// `TPM2_NV_UndefineSpace` (Part 3, 31.4).
    NvUndefineSpace, NvUndefineSpaceResponse = 0x0122 [NV]
    (auth_handle: TpmiRhProvision [User], nv_index: TpmiRhNvIndex [None]) {} => () {}
    /// `TPM2_NV_UndefineSpaceSpecial` (Part 3, 31.5).
    NvUndefineSpaceSpecial, NvUndefineSpaceSpecialResponse = 0x011F [NV]
    (nv_index: TpmiRhNvDefinedIndex [Admin], platform: TpmiRhPlatform [User]) {} => () {}
    /// `TPM2_NV_ReadPublic` (Part 3, 31.6).
    NvReadPublic, NvReadPublicResponse = 0x0169 [] (nv_index: TpmiRhNvIndex [None]) {}
    => () { nv_public: Tpm2b<TpmsNvPublic>, nv_name: Tpm2bName }
    /// `TPM2_NV_Write` (Part 3, 31.7).
    NvWrite, NvWriteResponse = 0x0137 [NV]
    (auth_handle: TpmiRhNvAuth [User], nv_index: TpmiRhNvIndex [None]) { data: Tpm2bMaxNvBuffer, offset: u16 } => () {}
    /// `TPM2_NV_Increment` (Part 3, 31.8).
    NvIncrement, NvIncrementResponse = 0x0134 [NV]
    (auth_handle: TpmiRhNvAuth [User], nv_index: TpmiRhNvIndex [None]) {} => () {}
    /// `TPM2_NV_Extend` (Part 3, 31.9).
    NvExtend, NvExtendResponse = 0x0136 [NV]
    (auth_handle: TpmiRhNvAuth [User], nv_index: TpmiRhNvIndex [None]) { data: Tpm2bMaxNvBuffer } => () {}
    /// `TPM2_NV_SetBits` (Part 3, 31.10).
    NvSetBits, NvSetBitsResponse = 0x0135 [NV]
    (auth_handle: TpmiRhNvAuth [User], nv_index: TpmiRhNvIndex [None]) { bits: u64 } => () {}
    /// `TPM2_NV_WriteLock` (Part 3, 31.11).
    NvWriteLock, NvWriteLockResponse = 0x0138 [NV]
    (auth_handle: TpmiRhNvAuth [User], nv_index: TpmiRhNvIndex [None]) {} => () {}
    /// `TPM2_NV_GlobalWriteLock` (Part 3, 31.12).
    NvGlobalWriteLock, NvGlobalWriteLockResponse = 0x0132 [NV] (auth_handle: TpmiRhProvision [User]) {} => () {}
    /// `TPM2_NV_Read` (Part 3, 31.13).
    NvRead, NvReadResponse = 0x014E []
    (auth_handle: TpmiRhNvAuth [User], nv_index: TpmiRhNvIndex [None]) { size: u16, offset: u16 }
    => () { data: Tpm2bMaxNvBuffer }
    /// `TPM2_NV_ReadLock` (Part 3, 31.14).
    NvReadLock, NvReadLockResponse = 0x014F [NV]
    (auth_handle: TpmiRhNvAuth [User], nv_index: TpmiRhNvIndex [None]) {} => () {}
    /// `TPM2_NV_ChangeAuth` (Part 3, 31.15).
    NvChangeAuth, NvChangeAuthResponse = 0x013B [NV]
    (nv_index: TpmiRhNvIndex [Admin]) { new_auth: Tpm2bAuth } => () {}
    /// `TPM2_NV_Certify` (Part 3, 31.16).
    NvCertify, NvCertifyResponse = 0x0184 []
    (sign_handle: Option<TpmiDhObject> [User], auth_handle: TpmiRhNvAuth [User], nv_index: TpmiRhNvIndex [None])
    { qualifying_data: Tpm2bData, in_scheme: Option<TpmtSigScheme>, size: u16, offset: u16 }
    => () { certify_info: Tpm2bAttest, signature: Option<TpmtSignature> }
    /// `TPM2_NV_DefineSpace2` (Part 3, 31.17).
    NvDefineSpace2, NvDefineSpace2Response = 0x019D [NV]
    (auth_handle: TpmiRhProvision [User]) { auth: Tpm2bAuth, public_info: Tpm2b<TpmtNvPublic2> } => () {}
    /// `TPM2_NV_ReadPublic2` (Part 3, 31.18).
    NvReadPublic2, NvReadPublic2Response = 0x019E [] (nv_index: TpmiRhNvIndex [None]) {}
    => () { nv_public: Tpm2b<TpmtNvPublic2>, nv_name: Tpm2bName }
}
