//! Why an image cannot be made, opened or installed.

use std::{io, path::PathBuf};

use ironroot_keys::KeyError;
use ironroot_package::PackageError;

/// Why an image cannot be made, opened or installed.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// The image, its blob or its place is not one that this device takes.
    #[error("the image is refused: {0}")]
    Refused(String),
    /// The image is older than what this device has confirmed.
    #[error("the image is refused as a downgrade: {0}")]
    Downgrade(String),
    /// The blob is another device's or another image's.
    #[error("the blob is refused: {0}")]
    Blob(String),
    /// What was asked for does not fit the state that the device is in.
    #[error("{0}")]
    State(String),
    /// A file or device cannot be read or written.
    #[error("{}: {error}", path.display())]
    File {
        /// The file or device.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// A file that does not say what it should.
    #[error("{}: {reason}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong, and the next step.
        reason: String,
    },
    /// The package around the components.
    #[error(transparent)]
    Package(#[from] PackageError),
    /// A key, or the TPM.
    #[error(transparent)]
    Key(#[from] KeyError),
}

impl ImageError {
    /// An error of a file.
    pub(crate) fn file(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |error| Self::File { path, error }
    }

    /// A file that says something wrong.
    pub(crate) fn content(path: impl Into<PathBuf>, reason: impl ToString) -> Self {
        Self::Content { path: path.into(), reason: reason.to_string() }
    }

    /// A word for machines.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Refused(_) => "image-refused",
            Self::Downgrade(_) => "downgrade",
            Self::Blob(_) => "blob-refused",
            Self::State(_) => "state",
            Self::File { .. } => "file",
            Self::Content { .. } => "content",
            Self::Package(_) => "package",
            Self::Key(_) => "tpm",
        }
    }
}

pub(crate) fn refused<T>(reason: impl Into<String>) -> Result<T, ImageError> {
    Err(ImageError::Refused(reason.into()))
}
