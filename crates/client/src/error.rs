//! What can go wrong between a caller and a TPM, in words that say what failed and what to do next.

use std::{io, time::Duration};

use ironroot_wire::TpmRc;

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// A TCTI string that cannot be understood.
    #[error("cannot use the TCTI string \"{string}\": {reason}; expected one of {expected}", expected = crate::tcti::FORMS)]
    Tcti {
        /// The string as it was given.
        string: String,
        /// What is wrong with it.
        reason: String,
    },

    /// The TPM's socket or device could not be opened.
    #[error("{what} on {endpoint}: {hint}", what = connect_failure(source))]
    Connect {
        /// The address or path.
        endpoint: String,
        /// What the operating system said.
        source: io::Error,
        /// What to do next.
        hint: String,
    },

    /// Sending a command or receiving its response failed.
    #[error("{action} {endpoint} failed: {source}; {hint}")]
    Io {
        /// What was being done: "sending a command to", …
        action: &'static str,
        /// The address or path.
        endpoint: String,
        /// What the operating system said.
        source: io::Error,
        /// What to do next.
        hint: &'static str,
    },

    /// The TPM did not answer in time. Whether the command took effect is not known.
    #[error(
        "no answer from {endpoint} within {limit:?}; the command may still take effect: \
         is another client holding the connection, or is the TPM making a large key?"
    )]
    Timeout {
        /// The address or path.
        endpoint: String,
        /// How long the client waited.
        limit: Duration,
    },

    /// The peer answered with something that is not a TPM 2.0 response.
    #[error("{endpoint} does not speak the expected protocol: {reason}")]
    Protocol {
        /// The address or path.
        endpoint: String,
        /// What is wrong.
        reason: String,
    },

    /// The TPM refused the command.
    #[error("TPM2_{command} failed: {rc}")]
    Tpm {
        /// The command, without `TPM2_`.
        command: &'static str,
        /// Its response code.
        rc: TpmRc,
    },

    /// A response (or an argument that came from elsewhere) does not unmarshal.
    #[error("{what} does not unmarshal: {rc}")]
    Malformed {
        /// What it is.
        what: &'static str,
        /// Which rule it breaks.
        rc: TpmRc,
    },

    /// The HMAC of a response does not verify: somebody between the client and the TPM changed it, or the client holds
    /// a wrong authorization value. The response was discarded.
    #[error(
        "the response to TPM2_{command} is not authentic (HMAC of session {session}): \
         it was changed on its way, or the authorization value is wrong"
    )]
    ResponseHmac {
        /// The command, without `TPM2_`.
        command: &'static str,
        /// The session's position, from 1.
        session: usize,
    },

    /// A call that cannot work, found before anything was sent.
    #[error("{0}")]
    Usage(String),

    /// Something that the TPM said does not check out: a name, a creation digest, a quote.
    #[error("the TPM's answer does not check out: {0}")]
    Untrusted(String),

    /// A local cryptographic operation failed.
    #[error("local cryptography failed while {doing}: {source}")]
    Crypto {
        /// What was being done.
        doing: &'static str,
        /// Why it failed.
        source: ironroot_crypto::CryptoError,
    },

    /// The operating system gave no random bytes.
    #[error("the operating system gave no random bytes: {0}")]
    Random(String),
}

impl ClientError {
    /// The TPM's response code, if that is what this error is.
    #[must_use]
    pub const fn tpm_rc(&self) -> Option<TpmRc> {
        match self {
            Self::Tpm { rc, .. } => Some(*rc),
            _ => None,
        }
    }

    /// Whether the TPM refused with this code, wherever it places the error.
    #[must_use]
    pub fn is(&self, rc: TpmRc) -> bool {
        self.tpm_rc().is_some_and(|own| own.base() == rc.base())
    }

    pub(crate) fn usage(text: impl Into<String>) -> Self {
        Self::Usage(text.into())
    }
}

fn connect_failure(source: &io::Error) -> String {
    match source.kind() {
        io::ErrorKind::ConnectionRefused => "connection refused".into(),
        io::ErrorKind::NotFound => "nothing found".into(),
        io::ErrorKind::PermissionDenied => "permission denied".into(),
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => "no connection in time".into(),
        _ => format!("cannot connect ({source})"),
    }
}
