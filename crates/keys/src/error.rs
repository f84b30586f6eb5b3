//! What can go wrong with a key.

use ironroot_client::{ClientError, wire::TpmHandle};

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The TPM, or the way to it.
    #[error(transparent)]
    Client(#[from] ClientError),

    /// The key cannot do what it is asked to.
    #[error("the key cannot be used: {0}")]
    Unsuitable(String),

    /// A key file that cannot be used.
    #[error("the key file cannot be used: {0}")]
    KeyFile(String),

    /// A name that no key can have.
    #[error("\"{name}\" cannot be the name of a key: {reason}")]
    Name {
        /// The name.
        name: String,
        /// Why.
        reason: String,
    },

    /// The TPM does not make a named key.
    #[error("the key \"{name}\" cannot be had: {reason} ({source})")]
    Named {
        /// The name.
        name: String,
        /// Why, and what to do next.
        reason: String,
        /// What the TPM said.
        source: ClientError,
    },

    /// A persistent handle that cannot be used.
    #[error("the handle {:#010x} cannot be used: {reason}", handle.0)]
    Handle {
        /// The handle.
        handle: TpmHandle,
        /// Why, and what to do next.
        reason: String,
    },

    /// The list of names.
    #[error("{0}")]
    List(String),

    /// A name or a structure that has no DER form.
    #[error("{what} cannot be encoded: {source}")]
    Encoding {
        /// What it is.
        what: &'static str,
        /// Why.
        source: der::Error,
    },

    /// Another thread panicked while it used the TPM's connection, which may be in the middle of an answer.
    #[error("the connection to the TPM was left in an unknown state by another thread's panic: connect again")]
    Poisoned,
}

impl KeyError {
    pub(crate) fn encoding(what: &'static str) -> impl FnOnce(der::Error) -> Self {
        move |source| Self::Encoding { what, source }
    }

    pub(crate) fn unsuitable(reason: impl Into<String>) -> Self {
        Self::Unsuitable(reason.into())
    }
}
