//! The agent's HTTP: two calls, JSON both ways, with retries where they are safe (everywhere: the service repeats itself).

use std::{thread, time::Duration};

use serde::{Serialize, de::DeserializeOwned};

use crate::protocol::{CertificateRequest, CertificateResponse, ChallengeResponse, EnrolmentParameters, ErrorResponse};

const TIMEOUT: Duration = Duration::from_secs(40);
/// Bytes of the largest answer that is read.
const MAX_ANSWER: u64 = 256 * 1024;

/// Why a call gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The service cannot be reached.
    #[error("cannot reach the service at {url}: {why}. Check that it runs and that the address is right")]
    Unreachable {
        /// The address.
        url: String,
        /// What happened.
        why: String,
    },
    /// The service refused the request.
    #[error("the service refused: {message} ({code}). {hint}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The service's word for machines.
        code: String,
        /// Its sentence for people.
        message: String,
        /// Its next step.
        hint: String,
    },
    /// Something else answers at the address.
    #[error("the answer of {url} (status {status}) is not a provisioning service's. Check the address")]
    Foreign {
        /// The address.
        url: String,
        /// The HTTP status.
        status: u16,
    },
}

impl HttpError {
    /// The service's word for machines, if it refused.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Refused { code, .. } => Some(code),
            _ => None,
        }
    }

    /// Whether a later try may succeed.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Refused { status, .. } | Self::Foreign { status, .. } => matches!(status, 408 | 429 | 500..=599),
        }
    }
}

/// A provisioning service at an address.
#[derive(Debug, Clone)]
pub struct HttpClient {
    agent: ureq::Agent,
    base: String,
    retries: u32,
}

impl HttpClient {
    /// The service at this address, such as `http://127.0.0.1:8443`. Transient failures are tried again, thrice at most.
    #[must_use]
    pub fn new(base: &str) -> Self {
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(TIMEOUT))
            .http_status_as_error(false)
            .proxy(None)
            .max_redirects(0)
            .user_agent(concat!("ironroot-agent/", env!("CARGO_PKG_VERSION")))
            .build();
        Self { agent: config.new_agent(), base: base.trim_end_matches('/').to_owned(), retries: 3 }
    }

    /// With another number of further tries.
    #[must_use]
    pub fn with_retries(mut self, retries: u32) -> Self {
        self.retries = retries;
        self
    }

    /// `POST /v1/challenge`.
    ///
    /// # Errors
    /// [`HttpError`].
    pub fn challenge(&self, parameters: &EnrolmentParameters) -> Result<ChallengeResponse, HttpError> {
        self.call("/v1/challenge", parameters)
    }

    /// `POST /v1/certificate`.
    ///
    /// # Errors
    /// [`HttpError`].
    pub fn certificate(&self, request: &CertificateRequest) -> Result<CertificateResponse, HttpError> {
        self.call("/v1/certificate", request)
    }

    fn call<A: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<A, HttpError> {
        let url = format!("{}{path}", self.base);
        let body = serde_json::to_vec(body)
            .map_err(|error| HttpError::Unreachable { url: url.clone(), why: error.to_string() })?;
        let mut pause = Duration::from_millis(200);
        let mut left = self.retries;
        loop {
            match self.post(&url, &body) {
                Err(error) if left > 0 && error.is_transient() => {
                    left = left.saturating_sub(1);
                    thread::sleep(pause);
                    pause = pause.saturating_mul(4);
                }
                result => return result,
            }
        }
    }

    fn post<A: DeserializeOwned>(&self, url: &str, body: &[u8]) -> Result<A, HttpError> {
        let unreachable = |error: ureq::Error| HttpError::Unreachable { url: url.to_owned(), why: error.to_string() };
        let mut response =
            self.agent.post(url).header("content-type", "application/json").send(body).map_err(unreachable)?;
        let status = response.status().as_u16();
        let body = response.body_mut().with_config().limit(MAX_ANSWER).read_to_vec().map_err(unreachable)?;
        let foreign = |_| HttpError::Foreign { url: url.to_owned(), status };
        if status == 200 {
            return serde_json::from_slice(&body).map_err(foreign);
        }
        let error = serde_json::from_slice::<ErrorResponse>(&body).map_err(foreign)?.error;
        Err(HttpError::Refused { status, code: error.code, message: error.message, hint: error.hint })
    }
}
