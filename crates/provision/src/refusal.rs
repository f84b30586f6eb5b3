//! Why a request was refused, as a value: one code for each check, so that a program (and a test) can tell them apart.

use ironroot_attest::{EkCertificateError, EkTemplateError, IdentityKeyError, x509::CsrError};

use crate::{
    protocol,
    store::{BatchRefusal, StoreError},
};

/// A refused request. The message may repeat what the requester sent, never what only the service knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// A word for machines.
    pub code: &'static str,
    /// A sentence for people.
    pub message: String,
    /// The next step.
    pub hint: &'static str,
}

impl Refusal {
    /// The request is malformed (400).
    pub fn malformed(code: &'static str, message: impl Into<String>, hint: &'static str) -> Self {
        Self { status: 400, code, message: message.into(), hint }
    }

    /// The request is well formed, but what it claims does not hold (403).
    pub fn forbidden(code: &'static str, message: impl Into<String>, hint: &'static str) -> Self {
        Self { status: 403, code, message: message.into(), hint }
    }

    /// The request contradicts what the service already knows (409).
    pub fn conflict(code: &'static str, message: impl Into<String>, hint: &'static str) -> Self {
        Self { status: 409, code, message: message.into(), hint }
    }

    /// The service cannot do it now. The details are in its log.
    #[must_use]
    pub fn internal() -> Self {
        Self {
            status: 500,
            code: "internal",
            message: "the service failed".into(),
            hint: "Try again; if it stays, read the service's log.",
        }
    }

    /// The body that says so.
    #[must_use]
    pub fn body(&self) -> protocol::ErrorResponse {
        protocol::ErrorResponse {
            error: protocol::ErrorBody {
                code: self.code.into(),
                message: self.message.clone(),
                hint: self.hint.into(),
            },
        }
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.message, self.code)
    }
}

impl std::error::Error for Refusal {}

impl From<CsrError> for Refusal {
    fn from(error: CsrError) -> Self {
        let message = error.to_string();
        match error {
            CsrError::Malformed(_) => {
                Self::malformed("malformed_csr", message, "Send a PKCS#10 certification request in DER, base64.")
            }
            CsrError::Key(_) => {
                Self::malformed("csr_key", message, "Use RSA of at least 2048 bits, P-256, P-384 or P-521.")
            }
            CsrError::Signature(_) => {
                Self::forbidden("csr_signature", message, "Sign the request with the identity key, inside the TPM.")
            }
        }
    }
}

impl From<IdentityKeyError> for Refusal {
    fn from(error: IdentityKeyError) -> Self {
        let hint = "Create the identity key in the TPM with fixedTPM, fixedParent, sensitiveDataOrigin and sign, \
                    without decrypt, and as the certificate profile says.";
        Self::forbidden(error.code(), error.to_string(), hint)
    }
}

impl From<EkTemplateError> for Refusal {
    fn from(error: EkTemplateError) -> Self {
        let message = format!("the public area is not an endorsement key's: {error}");
        Self::forbidden(
            "ek_template",
            message,
            "Create the endorsement key by a template of the TCG EK Credential Profile.",
        )
    }
}

impl From<EkCertificateError> for Refusal {
    fn from(error: EkCertificateError) -> Self {
        let (code, message) = (error.code(), error.to_string());
        match error {
            EkCertificateError::Malformed(_) => {
                Self::malformed(code, message, "Send the endorsement certificate in DER, base64.")
            }
            EkCertificateError::OtherKey => {
                let hint = "Send the certificate of this endorsement key (RSA and ECC keys have one each).";
                Self::forbidden(code, message, hint)
            }
            EkCertificateError::Chain(_) => {
                let hint = "Add the TPM maker's root certificate to the service's trusted roots, and send missing \
                            intermediates in ek_chain.";
                Self::forbidden(code, message, hint)
            }
            _ => Self::forbidden(code, message, "Send an endorsement certificate by the TCG EK Credential Profile."),
        }
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        let (code, message, hint) = match &error {
            StoreError::Full => (
                "storage_full",
                "the service's disk is full: nothing was recorded, no certificate was issued",
                "Free space where the service keeps its database, then try again: a retry is safe.",
            ),
            StoreError::ReadOnly => (
                "storage_read_only",
                "the service may not write to its database: no certificate was issued",
                "Make the service's folder writable for it, then try again: a retry is safe.",
            ),
            StoreError::Busy => {
                ("storage_busy", "the service's database is busy", "Try again in a few seconds: a retry is safe.")
            }
            StoreError::Unreachable(_) => (
                "storage_unreachable",
                "the service's database cannot be reached",
                "Try again in a few seconds: a retry is safe.",
            ),
            StoreError::Location(_) | StoreError::Audit(_) | StoreError::Signing(_) | StoreError::Other(_) => {
                tracing::error!(%error, "the database failed");
                return Self::internal();
            }
        };
        Self { status: 503, code, message: message.into(), hint }
    }
}

impl From<BatchRefusal> for Refusal {
    fn from(refusal: BatchRefusal) -> Self {
        let (code, message, hint) = match refusal {
            BatchRefusal::Required => (
                "batch_required",
                "the service certifies devices of a batch only".to_owned(),
                "Name the batch in the request (batch).",
            ),
            BatchRefusal::Unknown => {
                ("batch_unknown", "there is no batch of that name".to_owned(), "Ask the operator for the batch's name.")
            }
            BatchRefusal::Closed => {
                ("batch_closed", "the batch is closed".to_owned(), "Use an open batch, or have the operator make one.")
            }
            BatchRefusal::Expired => {
                ("batch_expired", "the batch's time is over".to_owned(), "Have the operator make another batch.")
            }
            BatchRefusal::Exhausted { units } => (
                "batch_exhausted",
                format!("all {units} units of the batch are used"),
                "Stop the line; have the operator make another batch, or scrap units that are not shipped.",
            ),
            BatchRefusal::Profile => (
                "batch_profile",
                "the batch does not allow this certificate profile".to_owned(),
                "Ask for a profile that the batch allows.",
            ),
            BatchRefusal::NotListed => (
                "batch_ek_not_listed",
                "the endorsement key is not on the batch's list".to_owned(),
                "Have the operator add the key to the list (ironroot batch allow), if the device is genuine.",
            ),
            BatchRefusal::OtherBatch(batch) => (
                "batch_other",
                format!("this device counts in the batch {batch}"),
                "Rework a device in the batch that it was made in.",
            ),
            BatchRefusal::Scrapped => (
                "unit_scrapped",
                "this device was scrapped".to_owned(),
                "A scrapped device gets no certificate; take it off the line.",
            ),
        };
        Self::forbidden(code, message, hint)
    }
}
