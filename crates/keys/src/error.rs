//! What can go wrong with a key.

use std::path::PathBuf;

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

    /// A file of the caller's, and what is wrong with it.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: Box<KeyError>,
    },

    /// What names no key.
    #[error("\"{reference}\" names no key that can be used: {reason}")]
    Reference {
        /// The reference.
        reference: String,
        /// Why, and what to do next.
        reason: String,
    },

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

    /// A secret of an impossible length.
    #[error("a secret has 1 to 8160 bytes")]
    Length,

    /// The TPM has no base of global secrets.
    #[error(
        "this TPM has not been given its product's base of global secrets: do that once, in the factory, with ironroot secret provision \
         --product-secret FILE"
    )]
    NoGlobalBase,

    /// Data that cannot be sealed or unsealed.
    #[error("the data cannot be sealed or unsealed: {0}")]
    Sealed(String),

    /// Sealed data that was bound to a counter which has gone on since.
    #[error("the TPM's counter {:#010x} has gone beyond {at_most}: something newer has been here", counter.0)]
    Superseded {
        /// The NV index.
        counter: TpmHandle,
        /// The highest value at which the TPM gives the data back.
        at_most: u64,
    },

    /// What cannot be decrypted.
    #[error(
        "it cannot be decrypted: it was encrypted to another key (another name, device or TPM), or it has been changed"
    )]
    Decryption,

    /// The operating system gave no random bytes.
    #[error("the operating system gave no random bytes")]
    Random,

    /// A certificate that cannot be issued.
    #[error("no certificate is issued: {0}")]
    Certificate(String),

    /// Certificates for TLS that cannot be used.
    #[error("the certificates cannot be used: {0}")]
    Chain(String),

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
