//! Return values: what a `CKR_` code is made of, and the line that says why.

use std::{
    fs::OpenOptions,
    io::Write as _,
    sync::{Mutex, MutexGuard, TryLockError},
};

use cryptoki_sys::{
    CK_RV, CKR_ATTRIBUTE_VALUE_INVALID, CKR_DATA_LEN_RANGE, CKR_DEVICE_ERROR, CKR_DEVICE_MEMORY, CKR_FUNCTION_FAILED,
    CKR_KEY_FUNCTION_NOT_PERMITTED, CKR_MECHANISM_INVALID, CKR_TOKEN_NOT_PRESENT, CKR_USER_NOT_LOGGED_IN,
};
use ironroot_client::{ClientError, wire::TpmRc};
use ironroot_keys::KeyError;

use crate::token::cause;

/// A return value that is not `CKR_OK`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rv(pub CK_RV);

pub(crate) type Result<T> = std::result::Result<T, Rv>;

/// Where the reasons go: nowhere, unless the configuration says so.
static LOG: Mutex<Option<String>> = Mutex::new(None);

/// Says where reasons go from now on: `stderr`, a file, or nowhere.
pub(crate) fn set_log(to: Option<String>) {
    if let Some(mut log) = log() {
        *log = to;
    }
}

/// Callers hold the module's lock, so this one is free, but in a child that was forked in the middle of a line: it says nothing then.
fn log() -> Option<MutexGuard<'static, Option<String>>> {
    match LOG.try_lock() {
        Ok(log) => Some(log),
        Err(TryLockError::Poisoned(log)) => Some(log.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}

/// PKCS #11 has numbers alone for what went wrong; this is the sentence to it.
pub(crate) fn say(reason: &dyn std::fmt::Display) {
    let to = log().and_then(|log| log.clone());
    let line = format!("ironroot-pkcs11[{}]: {reason}\n", std::process::id());
    // Nobody is left to be told where the reason cannot be written.
    let _ = match to.as_deref() {
        None => Ok(()),
        Some("stderr") => std::io::stderr().write_all(line.as_bytes()),
        Some(file) => {
            OpenOptions::new().create(true).append(true).open(file).and_then(|mut file| file.write_all(line.as_bytes()))
        }
    };
}

/// Refuses with a code, and says why.
pub(crate) fn refuse<T>(code: CK_RV, reason: impl std::fmt::Display) -> Result<T> {
    say(&reason);
    Err(Rv(code))
}

impl From<KeyError> for Rv {
    fn from(error: KeyError) -> Self {
        say(&error);
        if let Some(error) = cause(&error) {
            return Self(code(error));
        }
        Self(match &error {
            KeyError::Unsuitable(_) | KeyError::KeyFile(_) => CKR_KEY_FUNCTION_NOT_PERMITTED,
            KeyError::Name { .. } => CKR_ATTRIBUTE_VALUE_INVALID,
            KeyError::List(_) => CKR_DEVICE_ERROR,
            _ => CKR_FUNCTION_FAILED,
        })
    }
}

impl From<ClientError> for Rv {
    fn from(error: ClientError) -> Self {
        KeyError::from(error).into()
    }
}

fn code(error: &ClientError) -> CK_RV {
    let is = |codes: &[TpmRc]| codes.iter().any(|rc| error.is(*rc));
    match error {
        ClientError::Connect { .. } | ClientError::Tcti { .. } => CKR_TOKEN_NOT_PRESENT,
        ClientError::Usage(_) => CKR_DATA_LEN_RANGE,
        _ if is(&[TpmRc::BAD_AUTH, TpmRc::AUTH_FAIL]) => CKR_USER_NOT_LOGGED_IN,
        _ if is(&[TpmRc::OBJECT_MEMORY, TpmRc::SESSION_MEMORY, TpmRc::MEMORY]) => CKR_DEVICE_MEMORY,
        _ if is(&[TpmRc::SCHEME, TpmRc::HASH]) => CKR_MECHANISM_INVALID,
        _ => CKR_DEVICE_ERROR,
    }
}
