//! Attestation (Part 3, clause 18).

use super::*;
use crate::*;

commands! { ATTESTATION;
    /// `TPM2_Certify` (Part 3, 18.2).
    Certify, CertifyResponse = 0x0148 []
    (object_handle: TpmiDhObject [Admin], sign_handle: Option<TpmiDhObject> [User])
    { qualifying_data: Tpm2bData, in_scheme: Option<TpmtSigScheme> }
    => () { certify_info: Tpm2bAttest, signature: Option<TpmtSignature> }
    /// `TPM2_CertifyCreation` (Part 3, 18.3).
    CertifyCreation, CertifyCreationResponse = 0x014A []
    (sign_handle: Option<TpmiDhObject> [User], object_handle: TpmiDhObject [None])
    {
        qualifying_data: Tpm2bData,
        creation_hash: Tpm2bDigest,
        in_scheme: Option<TpmtSigScheme>,
        creation_ticket: TpmtTkCreation,
    }
    => () { certify_info: Tpm2bAttest, signature: Option<TpmtSignature> }
    /// `TPM2_Quote` (Part 3, 18.4).
    Quote, QuoteResponse = 0x0158 []
    (sign_handle: Option<TpmiDhObject> [User])
    { qualifying_data: Tpm2bData, in_scheme: Option<TpmtSigScheme>, pcr_select: TpmlPcrSelection }
    => () { quoted: Tpm2bAttest, signature: Option<TpmtSignature> }
    /// `TPM2_GetSessionAuditDigest` (Part 3, 18.5).
    GetSessionAuditDigest, GetSessionAuditDigestResponse = 0x014D []
    (
        privacy_admin_handle: TpmiRhEndorsement [User],
        sign_handle: Option<TpmiDhObject> [User],
        session_handle: TpmiShHmac [None]
    )
    { qualifying_data: Tpm2bData, in_scheme: Option<TpmtSigScheme> }
    => () { audit_info: Tpm2bAttest, signature: Option<TpmtSignature> }
    /// `TPM2_GetCommandAuditDigest` (Part 3, 18.6).
    GetCommandAuditDigest, GetCommandAuditDigestResponse = 0x0133 [NV]
    (privacy_handle: TpmiRhEndorsement [User], sign_handle: Option<TpmiDhObject> [User])
    { qualifying_data: Tpm2bData, in_scheme: Option<TpmtSigScheme> }
    => () { audit_info: Tpm2bAttest, signature: Option<TpmtSignature> }
    /// `TPM2_GetTime` (Part 3, 18.7).
    GetTime, GetTimeResponse = 0x014C []
    (privacy_admin_handle: TpmiRhEndorsement [User], sign_handle: Option<TpmiDhObject> [User])
    { qualifying_data: Tpm2bData, in_scheme: Option<TpmtSigScheme> }
    => () { time_info: Tpm2bAttest, signature: Option<TpmtSignature> }
    /// `TPM2_CertifyX509` (Part 3, 18.8).
    CertifyX509, CertifyX509Response = 0x0197 []
    (object_handle: TpmiDhObject [Admin], sign_handle: TpmiDhObject [User])
    { reserved: Tpm2bData, in_scheme: Option<TpmtSigScheme>, partial_certificate: Tpm2bMaxBuffer }
    => () { added_to_certificate: Tpm2bMaxBuffer, tbs_digest: Tpm2bDigest, signature: TpmtSignature }
}
