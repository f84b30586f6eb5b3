//! Enhanced authorization: policies (Part 3, clause 23).

use super::*;
use crate::*;

commands! { POLICY;
    /// `TPM2_PolicySigned` (Part 3, 23.3).
    PolicySigned, PolicySignedResponse = 0x0160 []
    (auth_object: TpmiDhObject [None], policy_session: TpmiShPolicy [None])
    {
        nonce_tpm: Tpm2bNonce,
        cp_hash_a: Tpm2bDigest,
        policy_ref: Tpm2bNonce,
        expiration: i32,
        auth: TpmtSignature,
    }
    => () { timeout: Tpm2bTimeout, policy_ticket: TpmtTkAuth }
    /// `TPM2_PolicySecret` (Part 3, 23.4).
    PolicySecret, PolicySecretResponse = 0x0151 []
    (auth_handle: TpmiDhEntity [User], policy_session: TpmiShPolicy [None])
    { nonce_tpm: Tpm2bNonce, cp_hash_a: Tpm2bDigest, policy_ref: Tpm2bNonce, expiration: i32 }
    => () { timeout: Tpm2bTimeout, policy_ticket: TpmtTkAuth }
    /// `TPM2_PolicyTicket` (Part 3, 23.5).
    PolicyTicket, PolicyTicketResponse = 0x0172 []
    (policy_session: TpmiShPolicy [None])
    {
        timeout: Tpm2bTimeout,
        cp_hash_a: Tpm2bDigest,
        policy_ref: Tpm2bNonce,
        auth_name: Tpm2bName,
        ticket: TpmtTkAuth,
    }
    => () {}
    /// `TPM2_PolicyOR` (Part 3, 23.6).
    PolicyOr, PolicyOrResponse = 0x0171 [] (policy_session: TpmiShPolicy [None]) { p_hash_list: TpmlDigest } => () {}
    /// `TPM2_PolicyPCR` (Part 3, 23.7).
    PolicyPcr, PolicyPcrResponse = 0x017F [] (policy_session: TpmiShPolicy [None])
    { pcr_digest: Tpm2bDigest, pcrs: TpmlPcrSelection } => () {}
    /// `TPM2_PolicyLocality` (Part 3, 23.8).
    PolicyLocality, PolicyLocalityResponse = 0x016F [] (policy_session: TpmiShPolicy [None])
    { locality: TpmaLocality } => () {}
    /// `TPM2_PolicyNV` (Part 3, 23.9).
    PolicyNv, PolicyNvResponse = 0x0149 []
    (auth_handle: TpmiRhNvAuth [User], nv_index: TpmiRhNvIndex [None], policy_session: TpmiShPolicy [None])
    { operand_b: Tpm2bOperand, offset: u16, operation: TpmEo } => () {}
    /// `TPM2_PolicyCounterTimer` (Part 3, 23.10).
    PolicyCounterTimer, PolicyCounterTimerResponse = 0x016D [] (policy_session: TpmiShPolicy [None])
    { operand_b: Tpm2bOperand, offset: u16, operation: TpmEo } => () {}
    /// `TPM2_PolicyCommandCode` (Part 3, 23.11).
    PolicyCommandCode, PolicyCommandCodeResponse = 0x016C [] (policy_session: TpmiShPolicy [None]) { code: TpmCc } => () {}
    /// `TPM2_PolicyPhysicalPresence` (Part 3, 23.12).
    PolicyPhysicalPresence, PolicyPhysicalPresenceResponse = 0x0187 [] (policy_session: TpmiShPolicy [None]) {} => () {}
    /// `TPM2_PolicyCpHash` (Part 3, 23.13).
    PolicyCpHash, PolicyCpHashResponse = 0x016E [] (policy_session: TpmiShPolicy [None]) { cp_hash_a: Tpm2bDigest } => () {}
    /// `TPM2_PolicyNameHash` (Part 3, 23.14).
    PolicyNameHash, PolicyNameHashResponse = 0x0170 [] (policy_session: TpmiShPolicy [None]) { name_hash: Tpm2bDigest } => () {}
    /// `TPM2_PolicyDuplicationSelect` (Part 3, 23.15).
    PolicyDuplicationSelect, PolicyDuplicationSelectResponse = 0x0188 [] (policy_session: TpmiShPolicy [None])
    { object_name: Tpm2bName, new_parent_name: Tpm2bName, include_object: TpmiYesNo } => () {}
    /// `TPM2_PolicyAuthorize` (Part 3, 23.16).
    PolicyAuthorize, PolicyAuthorizeResponse = 0x016A [] (policy_session: TpmiShPolicy [None])
    { approved_policy: Tpm2bDigest, policy_ref: Tpm2bNonce, key_sign: Tpm2bName, check_ticket: TpmtTkVerified } => () {}
    /// `TPM2_PolicyAuthValue` (Part 3, 23.17).
    PolicyAuthValue, PolicyAuthValueResponse = 0x016B [] (policy_session: TpmiShPolicy [None]) {} => () {}
    /// `TPM2_PolicyPassword` (Part 3, 23.18).
    PolicyPassword, PolicyPasswordResponse = 0x018C [] (policy_session: TpmiShPolicy [None]) {} => () {}
    /// `TPM2_PolicyGetDigest` (Part 3, 23.19).
    PolicyGetDigest, PolicyGetDigestResponse = 0x0189 [] (policy_session: TpmiShPolicy [None]) {} => () { policy_digest: Tpm2bDigest }
    /// `TPM2_PolicyNvWritten` (Part 3, 23.20).
    PolicyNvWritten, PolicyNvWrittenResponse = 0x018F [] (policy_session: TpmiShPolicy [None]) { written_set: TpmiYesNo } => () {}
    /// `TPM2_PolicyTemplate` (Part 3, 23.21).
    PolicyTemplate, PolicyTemplateResponse = 0x0190 [] (policy_session: TpmiShPolicy [None]) { template_hash: Tpm2bDigest } => () {}
    /// `TPM2_PolicyAuthorizeNV` (Part 3, 23.22).
    PolicyAuthorizeNv, PolicyAuthorizeNvResponse = 0x0192 []
    (auth_handle: TpmiRhNvAuth [User], nv_index: TpmiRhNvIndex [None], policy_session: TpmiShPolicy [None]) {} => () {}
    /// `TPM2_PolicyCapability` (Part 3, 23.23).
    PolicyCapability, PolicyCapabilityResponse = 0x019B [] (policy_session: TpmiShPolicy [None])
    { operand_b: Tpm2bOperand, offset: u16, operation: TpmEo, capability: TpmCap, property: u32 } => () {}
    /// `TPM2_PolicyParameters` (Part 3, 23.24).
    PolicyParameters, PolicyParametersResponse = 0x019C [] (policy_session: TpmiShPolicy [None]) { p_hash: Tpm2bDigest } => () {}
    /// `TPM2_PolicyTransportSPDM` (Part 3, 23.25).
    PolicyTransportSpdm, PolicyTransportSpdmResponse = 0x01A1 [] (policy_session: TpmiShPolicy [None])
    { req_key_name: Tpm2bName, tpm_key_name: Tpm2bName } => () {}
}
