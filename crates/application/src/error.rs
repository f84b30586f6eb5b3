//! One error for all bindings: a kind that programs look at, and text for people.

use ironroot_client::{ClientError, wire::TpmRc};
use ironroot_keys::{KeyError, Refused};

/// What went wrong, for programs. The numbers are those of the C API and stay for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum ErrorKind {
    /// An argument that cannot be used: missing, malformed, out of range.
    Argument = 1,
    /// No TPM answers.
    Connection = 2,
    /// The TPM refused, or its answer does not check out.
    Tpm = 3,
    /// The key cannot be had, or cannot do this.
    Key = 4,
    /// The list of names, or a file.
    File = 5,
    /// What was given does not hold: a token, a ciphertext, a password, a condition, a certificate.
    Refused = 6,
    /// The device is not initialized: the product secret or the device value is missing, weak, or another one.
    Initialization = 7,
    /// Called in the wrong order, or after a defect.
    State = 8,
    /// The machine: no random bytes, no memory.
    System = 9,
    /// A defect of this library.
    Defect = 10,
}

/// An error: what, and why, and what to do next.
#[derive(Debug, Clone)]
pub struct Error {
    kind: ErrorKind,
    text: String,
    response_code: Option<u32>,
}

impl Error {
    /// An error with its text.
    #[must_use]
    pub fn new(kind: ErrorKind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into(), response_code: None }
    }

    /// An argument that cannot be used.
    #[must_use]
    pub fn argument(text: impl Into<String>) -> Self {
        Self::new(ErrorKind::Argument, text)
    }

    /// What went wrong, for programs.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The TPM's response code, if it was the TPM that refused.
    #[must_use]
    pub const fn response_code(&self) -> Option<u32> {
        self.response_code
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Error {}

impl From<ClientError> for Error {
    fn from(error: ClientError) -> Self {
        let kind = match &error {
            ClientError::Tcti { .. } | ClientError::Usage(_) => ErrorKind::Argument,
            ClientError::Connect { .. }
            | ClientError::Io { .. }
            | ClientError::Timeout { .. }
            | ClientError::Protocol { .. } => ErrorKind::Connection,
            ClientError::Random(_) => ErrorKind::System,
            _ => ErrorKind::Tpm,
        };
        Self { kind, text: error.to_string(), response_code: error.tpm_rc().map(code) }
    }
}

const fn code(rc: TpmRc) -> u32 {
    rc.0
}

impl From<KeyError> for Error {
    fn from(error: KeyError) -> Self {
        let kind = match &error {
            KeyError::Client(_) => ErrorKind::Tpm,
            KeyError::Name { .. }
            | KeyError::Reference { .. }
            | KeyError::Length
            | KeyError::Encoding { .. }
            | KeyError::Chain(_) => ErrorKind::Argument,
            KeyError::Sealed(_) | KeyError::Decryption | KeyError::Certificate(_) => ErrorKind::Refused,
            KeyError::List(_) | KeyError::File { .. } => ErrorKind::File,
            KeyError::Random => ErrorKind::System,
            KeyError::Poisoned => ErrorKind::State,
            _ => ErrorKind::Key,
        };
        let text = error.to_string();
        match error {
            KeyError::Client(error) => error.into(),
            KeyError::Named { source, .. } => Self { kind, text, response_code: source.tpm_rc().map(code) },
            // What the TPM said of the file's key, if it was the TPM.
            KeyError::File { source, .. } => match Self::from(*source) {
                inner if inner.response_code.is_some() || inner.kind == ErrorKind::Connection => Self { text, ..inner },
                _ => Self::new(kind, text),
            },
            _ => Self::new(kind, text),
        }
    }
}

impl From<Refused> for Error {
    fn from(error: Refused) -> Self {
        Self::new(ErrorKind::Refused, error.to_string())
    }
}
