//! What service and device say to each other: JSON over HTTP. Binary values are standard base64.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};

/// What a device asks to be certified, and why it should be. Both requests carry it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrolmentParameters {
    /// The certification request (PKCS#10, DER), signed by the identity key.
    pub csr: String,
    /// The identity key's public area (`TPMT_PUBLIC` or `TPM2B_PUBLIC`).
    pub ik_public: String,
    /// The endorsement key's public area.
    pub ek_public: String,
    /// The endorsement certificate (DER, as it is in NV).
    pub ek_certificate: String,
    /// Certificates of the endorsement certificate's issuers (DER), if the TPM keeps them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ek_chain: Vec<String>,
    /// The certificate profile; the service's first one if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// The batch in which the device counts, if it is made in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<String>,
}

/// The answer of `POST /v1/challenge`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChallengeResponse {
    /// `TPM2B_ID_OBJECT` for `TPM2_ActivateCredential`.
    pub credential_blob: String,
    /// `TPM2B_ENCRYPTED_SECRET` for `TPM2_ActivateCredential`.
    pub secret: String,
    /// When the ticket was made (seconds of the UNIX epoch); goes back with the ticket.
    pub issued_at: u64,
    /// After this moment the ticket is refused.
    pub expires_at: u64,
}

/// The body of `POST /v1/certificate`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateRequest {
    /// The same parameters as in the challenge.
    #[serde(flatten)]
    pub parameters: EnrolmentParameters,
    /// [`ChallengeResponse::issued_at`], unchanged.
    pub issued_at: u64,
    /// What the TPM recovered from the credential.
    pub ticket: String,
}

/// The answer of `POST /v1/certificate`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateResponse {
    /// The certificate (PEM).
    pub certificate: String,
    /// The certificates of its issuers, nearest first (PEM).
    pub chain: String,
    /// The serial number (hexadecimal).
    pub serial: String,
    /// The end of the certificate's validity (seconds of the UNIX epoch).
    pub not_after: u64,
}

/// The body of every answer that is not a success.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorResponse {
    /// What went wrong.
    pub error: ErrorBody,
}

/// What went wrong: for a program, for a person, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// A word for machines.
    pub code: String,
    /// A sentence for people.
    pub message: String,
    /// The next step.
    #[serde(default)]
    pub hint: String,
}

/// Standard base64 with padding.
#[must_use]
pub fn to_base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Reads standard base64; white space between the characters is ignored, as command-line tools break lines.
///
/// # Errors
/// A sentence that says what is wrong.
pub fn from_base64(text: &str) -> Result<Vec<u8>, String> {
    let compact: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    STANDARD.decode(compact).map_err(|error| error.to_string())
}
