//! How applications name a key, everywhere the same: `NAME`, `name:NAME`, `file:PATH` or `handle:0x81…`.
//!
//! ```no_run
//! use ironroot_client::{Tcti, Tpm};
//! use ironroot_keys::{KeyList, KeyReference, SharedTpm};
//!
//! let tpm = SharedTpm::new(Tpm::connect(&Tcti::parse("swtpm:port=2321")?)?);
//! let reference: KeyReference = "file:/etc/device/key.pem".parse()?;
//! let key = reference.open(&tpm, KeyList::of_user, None, None)?;
//! println!("{}", key.spki_pem()?);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::{
    borrow::Borrow,
    fmt, fs,
    io::Read as _,
    path::{Path, PathBuf},
    str::FromStr,
};

use ironroot_client::wire::{HandleKind, TpmHandle, TpmRc};

use crate::{KeyAlgorithm, KeyError, KeyFile, KeyList, NamedKeys, SharedTpm, TpmKey};

/// What every message about a malformed reference ends with.
const FORMS: &str = "a key is named by NAME or name:NAME (a named key), file:PATH (a TSS2 PRIVATE KEY file) or handle:0x81… (a persistent \
                     key)";
/// No key file is larger; whoever names another kind of file gets an answer, and not the machine's memory filled.
const MAX_FILE: u64 = 1 << 20;

/// Names a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyReference {
    /// A named key: `NAME` or `name:NAME`; the long form for names with a colon in them.
    Name(String),
    /// A TSS2 PRIVATE KEY file: `file:PATH`.
    File(PathBuf),
    /// A key at a persistent handle: `handle:0x81…`.
    Handle(TpmHandle),
}

impl KeyReference {
    /// The key.
    ///
    /// `list` is asked for the list of names only if the key is named: a service may have no place for one. `algorithm` is the kind
    /// of a named key that the list does not have; `auth` is the auth value of a key in a file or at a handle; where a file says that
    /// its key has one, it has to be given, if only an empty one. Whatever does not belong to the kind of reference is refused rather
    /// than ignored.
    ///
    /// # Errors
    /// [`KeyError::Reference`] with what does not fit; [`KeyError::File`] with the file and the reason; as [`KeyList::open`],
    /// [`KeyFile::load`] and [`TpmKey::persistent`]; what `list` reports.
    pub fn open<L: Borrow<KeyList>, E: From<KeyError>>(
        &self,
        tpm: &SharedTpm,
        list: impl FnOnce() -> Result<L, E>,
        algorithm: Option<KeyAlgorithm>,
        auth: Option<&[u8]>,
    ) -> Result<TpmKey, E> {
        if let (false, Some(algorithm)) = (matches!(self, Self::Name(_)), algorithm) {
            let reason = format!("{algorithm} was asked for, and such a key is what it is: leave that out");
            return Err(self.refused(reason).into());
        }
        Ok(match self {
            Self::Name(_) if auth.is_some_and(|auth| !auth.is_empty()) => {
                return Err(self.refused("a named key has no auth value of its own: leave it out").into());
            }
            Self::Name(name) => list()?.borrow().open(&NamedKeys::new(tpm), name, algorithm)?,
            Self::File(path) => from_file(tpm, path, auth)?,
            Self::Handle(handle) => at_handle(tpm, *handle, auth)?,
        })
    }

    /// What people call the key: its name, its file's name without the ending, its handle.
    #[must_use]
    pub fn label(&self) -> String {
        match self {
            Self::Name(name) => name.clone(),
            Self::File(path) => path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy().into_owned(),
            Self::Handle(handle) => format!("{:#010x}", handle.0),
        }
    }

    fn refused(&self, reason: impl Into<String>) -> KeyError {
        KeyError::Reference { reference: self.to_string(), reason: reason.into() }
    }
}

fn from_file(tpm: &SharedTpm, path: &Path, auth: Option<&[u8]>) -> Result<TpmKey, KeyError> {
    let file = read_key_file(path)?;
    let failed = |source| KeyError::File { path: path.to_path_buf(), source: Box::new(source) };
    if auth.is_none() && !file.empty_auth {
        // Not tried without one: each wrong try brings the TPM nearer to lockout.
        let reason = "it says that its key has an auth value, and none was given (tpm2-tools before 5.8 say so of every key: \
                      give an empty one then, --key-auth file=/dev/null)";
        return Err(failed(KeyError::KeyFile(reason.into())));
    }
    file.load(tpm, auth.unwrap_or_default()).map_err(failed)
}

fn at_handle(tpm: &SharedTpm, handle: TpmHandle, auth: Option<&[u8]>) -> Result<TpmKey, KeyError> {
    match TpmKey::persistent(tpm, handle, auth.unwrap_or_default()) {
        Err(KeyError::Client(error)) if error.is(TpmRc::HANDLE) => {
            let reason = "no key is there: tpm2_getcap handles-persistent lists what is; ironroot key export-handle NAME keeps a \
                          named key at a handle";
            Err(KeyError::Handle { handle, reason: reason.into() })
        }
        other => other,
    }
}

/// Reads a TSS2 PRIVATE KEY file, PEM or DER.
///
/// # Errors
/// [`KeyError::File`] with the file and the reason.
pub fn read_key_file(path: &Path) -> Result<KeyFile, KeyError> {
    let failed = |source| KeyError::File { path: path.to_path_buf(), source: Box::new(source) };
    let mut bytes = Vec::new();
    fs::File::open(path)
        .and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut bytes))
        .map_err(|error| failed(KeyError::KeyFile(error.to_string())))?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > MAX_FILE {
        return Err(failed(KeyError::KeyFile(
            "it is larger than 1 MiB, which no key file is: is this the right file?".into(),
        )));
    }
    KeyFile::from_bytes(&bytes).map_err(failed)
}

impl fmt::Display for KeyReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) if name.contains(':') => write!(f, "name:{name}"),
            Self::Name(name) => f.write_str(name),
            Self::File(path) => write!(f, "file:{}", path.display()),
            Self::Handle(handle) => write!(f, "handle:{:#010x}", handle.0),
        }
    }
}

impl FromStr for KeyReference {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let refuse = |reason: String| Err(KeyError::Reference { reference: text.escape_debug().to_string(), reason });
        match text.split_once(':') {
            _ if text.is_empty() => refuse(format!("it is empty; {FORMS}")),
            None => Ok(Self::Name(text.into())),
            Some((_, "")) => refuse(format!("nothing stands behind the colon; {FORMS}")),
            Some(("name", name)) => Ok(Self::Name(name.into())),
            Some(("file", path)) => Ok(Self::File(path.into())),
            Some(("handle", handle)) => match persistent(handle) {
                Some(handle) => Ok(Self::Handle(handle)),
                None => refuse(format!(
                    "{} is no persistent handle, which are 0x81000000 to 0x81ffffff in hexadecimal; {FORMS}",
                    handle.escape_debug()
                )),
            },
            Some((kind, _)) => refuse(format!(
                "\"{}\" is no kind of reference; {FORMS}; write name:{} for a name with a colon in it",
                kind.escape_debug(),
                text.escape_debug()
            )),
        }
    }
}

fn persistent(text: &str) -> Option<TpmHandle> {
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"))?;
    // from_str_radix alone would take a sign.
    let number =
        digits.bytes().all(|digit| digit.is_ascii_hexdigit()).then(|| u32::from_str_radix(digits, 16).ok())??;
    Some(TpmHandle(number)).filter(|handle| handle.kind() == HandleKind::Persistent)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn each_form_is_understood_and_written_as_it_was() {
        for (text, wanted) in [
            ("web", KeyReference::Name("web".into())),
            ("my web", KeyReference::Name("my web".into())),
            ("file", KeyReference::Name("file".into())),
            ("name:urn:dev:1", KeyReference::Name("urn:dev:1".into())),
            ("file:/etc/key.pem", KeyReference::File("/etc/key.pem".into())),
            ("file:a:b", KeyReference::File("a:b".into())),
            ("handle:0x81000010", KeyReference::Handle(TpmHandle(0x8100_0010))),
        ] {
            assert_eq!(text.parse::<KeyReference>().unwrap(), wanted);
            assert_eq!(wanted.to_string(), text);
        }
        assert_eq!("name:web".parse::<KeyReference>().unwrap().to_string(), "web");
        assert_eq!("handle:0X81FFFFFF".parse::<KeyReference>().unwrap().label(), "0x81ffffff");
        assert_eq!("file:/etc/ssl/web.key.pem".parse::<KeyReference>().unwrap().label(), "web.key");
    }

    #[test]
    fn a_file_that_is_too_large_is_refused_and_not_cut() {
        let path = std::env::temp_dir().join(format!("ironroot-large-{}", std::process::id()));
        fs::write(&path, vec![b'\n'; usize::try_from(MAX_FILE).unwrap() + 1]).unwrap();
        let error = read_key_file(&path).unwrap_err().to_string();
        fs::remove_file(&path).unwrap();
        assert!(error.contains("larger than 1 MiB") && error.contains("ironroot-large"), "{error}");
    }

    #[test]
    fn anything_else_is_refused_with_the_forms() {
        for text in [
            "",
            "name:",
            "file:",
            "handle:",
            ":",
            "handle:81000010",
            "handle:0x80000000",
            "handle:0x8100001",
            "handle:0x+1000010",
            "handle:0x1810000100",
            "handle:0x82000000",
            "pkcs11:token=x",
            "Name:web",
            "key\u{7}:x",
        ] {
            let error = text.parse::<KeyReference>().unwrap_err().to_string();
            assert!(error.contains("file:PATH") && error.contains("name:NAME"), "{text}: {error}");
            assert!(!error.contains('\u{7}'), "{error:?}");
        }
    }
}
