//! Why a package cannot be built or is refused.

use std::{io, path::PathBuf};

use ironroot_keys::KeyError;

/// Why a package cannot be built or is refused.
#[derive(Debug, thiserror::Error)]
pub enum PackageError {
    /// The package is not what its signer signed, or is not for us.
    #[error("the package is refused: {0}")]
    Refused(String),
    /// What should be packed cannot be.
    #[error("{}: {reason}", path.display())]
    Source {
        /// The file or folder.
        path: PathBuf,
        /// Why, and the next step.
        reason: String,
    },
    /// A file cannot be read or written.
    #[error("{}: {error}", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The package itself cannot be read or written.
    #[error("the package: {0}")]
    Stream(#[from] io::Error),
    /// The description of the package makes no sense.
    #[error("{0}")]
    Description(String),
    /// A key does not do its part.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The operating system gives no random bytes.
    #[error("the operating system's random generator failed")]
    Random,
}

impl PackageError {
    /// An error of a file.
    pub(crate) fn file(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |error| Self::File { path, error }
    }
}

pub(crate) fn refused<T>(reason: impl Into<String>) -> Result<T, PackageError> {
    Err(PackageError::Refused(reason.into()))
}
