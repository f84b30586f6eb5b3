//! An auth value on the command line: `--endorsement-auth file=FILE`. Never the value itself, which every user of the machine
//! could see.

use std::{env, fs::File, io::Read as _, path::PathBuf, str::FromStr};

use zeroize::Zeroizing;

use crate::failure::{Failure, Result};

/// No auth value is longer: the largest digest.
const LONGEST: usize = 64;
const FORMS: &str = "expected file=FILE, fd=NUMBER or env=NAME";

/// Where an auth value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuthSource {
    /// A file, without the end of its last line.
    File(PathBuf),
    /// A file descriptor.
    Descriptor(u32),
    /// An environment variable.
    Variable(String),
}

impl FromStr for AuthSource {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        match text.split_once('=') {
            Some((_, "")) | None => Err(FORMS.into()),
            Some(("file", path)) => Ok(Self::File(path.into())),
            Some(("fd", number)) => {
                number.parse().map(Self::Descriptor).map_err(|_| format!("{number} is no file descriptor"))
            }
            Some(("env", name)) => Ok(Self::Variable(name.into())),
            Some(_) => Err(FORMS.into()),
        }
    }
}

impl AuthSource {
    /// Reads the value.
    ///
    /// # Errors
    /// Where it should be, and why it cannot be used.
    pub fn load(&self) -> Result<Zeroizing<Vec<u8>>> {
        let (path, shown) = match self {
            Self::Variable(name) => {
                let value = env::var(name).map_err(|error| {
                    Failure::new(format!("the auth value in the environment variable {name} cannot be used: {error}"))
                })?;
                return fitting(Zeroizing::new(value.into_bytes()), name);
            }
            Self::File(path) => (path.clone(), path.display().to_string()),
            Self::Descriptor(number) => {
                (PathBuf::from(format!("/proc/self/fd/{number}")), format!("file descriptor {number}"))
            }
        };
        let failed = |error| Failure::new(format!("{shown}: the auth value cannot be read: {error}"));
        // Reserved whole, so that no copy stays behind when the vector grows.
        let mut bytes = Zeroizing::new(Vec::with_capacity(LONGEST + 3));
        File::open(&path).and_then(|file| file.take(LONGEST as u64 + 3).read_to_end(&mut bytes)).map_err(failed)?;
        if bytes.last() == Some(&b'\n') {
            bytes.pop();
        }
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
        fitting(bytes, &shown)
    }
}

fn fitting(bytes: Zeroizing<Vec<u8>>, shown: &str) -> Result<Zeroizing<Vec<u8>>> {
    if bytes.len() > LONGEST {
        return Err(Failure::new(format!("{shown}: an auth value has {LONGEST} bytes at most")));
    }
    Ok(bytes)
}
