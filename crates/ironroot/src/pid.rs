//! `--pid`: the daemon's number, for whoever has to end it.

use std::{
    fs::{self, File, OpenOptions},
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    str::FromStr,
};

use crate::{
    descriptor,
    failure::{Failure, Result},
};

/// Where it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PidPlace {
    /// A file, which is removed at the end.
    File(PathBuf),
    /// A descriptor that was passed.
    Descriptor(u32),
}

impl FromStr for PidPlace {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        match text.split_once('=') {
            Some(("file", path)) if !path.is_empty() => Ok(Self::File(path.into())),
            Some(("fd", number)) => {
                number.parse().map(Self::Descriptor).map_err(|_| format!("{number} is no file descriptor"))
            }
            _ => Err("expected file=FILE or fd=NUMBER".into()),
        }
    }
}

/// The open file. It goes with the daemon.
pub struct PidFile {
    file: File,
    path: Option<PathBuf>,
}

impl PidPlace {
    /// Opens it, before the daemon's sandbox closes.
    ///
    /// # Errors
    /// Which file, and why.
    pub fn open(&self) -> Result<PidFile> {
        match self {
            Self::Descriptor(number) => Ok(PidFile { file: descriptor::take(*number)?.into(), path: None }),
            Self::File(path) => {
                let failed = |error| Failure::during(format!("--pid {}", path.display()), error);
                // The sandbox knows folders by their whole path.
                let path = std::path::absolute(path).map_err(failed)?;
                let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o644).open(&path);
                Ok(PidFile { file: file.map_err(failed)?, path: Some(path) })
            }
        }
    }
}

impl PidFile {
    /// The folder in which a file has to be removed at the end.
    pub fn folder(&self) -> Option<&Path> {
        self.path.as_deref()?.parent()
    }

    /// Writes this process's number, when it can serve.
    ///
    /// # Errors
    /// The disk's.
    pub fn write(&mut self) -> Result {
        Ok(self.file.write_all(format!("{}\n", std::process::id()).as_bytes())?)
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            let _ = fs::remove_file(path);
        }
    }
}
