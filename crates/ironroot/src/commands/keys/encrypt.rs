//! `ironroot encrypt` and `decrypt`: to a device and a name.

use std::{
    fs,
    io::{Read as _, stdin},
    path::Path,
};

use ironroot_keys::EncryptionKey;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::{cert::read, give, give_secret};
use crate::{
    cli::keys::{Decrypt, Encrypt, Output},
    failure::{Failure, Result},
};

/// Encrypts.
///
/// # Errors
/// The key cannot be had; a file, named.
pub fn encrypt(arguments: &Encrypt) -> Result {
    let plain = input(arguments.files.input.as_deref())?;
    let key = match (&arguments.public_key, &arguments.name) {
        (Some(path), _) => {
            EncryptionKey::from_pem(&read(path)?).map_err(|error| Failure::during(path.display(), error))?
        }
        (None, name) => arguments.tpm.keys()?.encryption_key(name.as_deref().unwrap_or_default())?,
    };
    let sealed = key.encrypt(&plain)?;
    give(&arguments.files.to, &sealed, done(arguments.tpm.json, &arguments.files.to, &sealed)?)
}

/// Decrypts.
///
/// # Errors
/// It was encrypted to another key or changed; a file, named.
pub fn decrypt(arguments: &Decrypt) -> Result {
    let sealed = input(arguments.files.input.as_deref())?;
    let plain = arguments.tpm.keys()?.decrypt(&arguments.name, &sealed)?;
    give_secret(&arguments.files.to, &plain, done(arguments.tpm.json, &arguments.files.to, &plain)?)
}

/// What `--json` says of a result that is bytes.
pub fn done(json: bool, to: &Output, bytes: &[u8]) -> Result<Option<Value>> {
    if json && to.output.is_none() {
        return Err(Failure::new("--json says what was done: name a file for the result with --output"));
    }
    let output = to.output.as_ref().map(|path| path.display().to_string());
    Ok(json.then(|| json!({ "output": output, "bytes": bytes.len() })))
}

/// A file, or standard input.
pub fn input(path: Option<&Path>) -> Result<Zeroizing<Vec<u8>>> {
    let bytes = match path {
        Some(path) => fs::read(path).map_err(|error| Failure::during(path.display(), error))?,
        None => {
            let mut bytes = Vec::new();
            stdin().read_to_end(&mut bytes).map_err(|error| Failure::during("standard input", error))?;
            bytes
        }
    };
    Ok(Zeroizing::new(bytes))
}
