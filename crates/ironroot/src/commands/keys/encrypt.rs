//! `ironroot encrypt` and `decrypt`: to a device and a name.

use std::{
    fs,
    io::{Read as _, stdin},
    path::Path,
};

use ironroot_keys::EncryptionKey;
use serde_json::json;
use zeroize::Zeroizing;

use super::{cert::read, put};
use crate::{
    cli::keys::{Decrypt, Encrypt},
    failure::{Failure, Result},
};

/// Encrypts.
///
/// # Errors
/// The key cannot be had; a file, named.
pub fn encrypt(arguments: &Encrypt) -> Result {
    let plain = input(arguments.input.as_deref())?;
    let key = match (&arguments.public_key, &arguments.name) {
        (Some(path), _) => {
            EncryptionKey::from_pem(&read(path)?).map_err(|error| Failure::during(path.display(), error))?
        }
        (None, name) => arguments.tpm.keys()?.encryption_key(name.as_deref().unwrap_or_default())?,
    };
    done(arguments.tpm.json, arguments.output.as_deref(), &key.encrypt(&plain)?)
}

/// Decrypts.
///
/// # Errors
/// It was encrypted to another key or changed; a file, named.
pub fn decrypt(arguments: &Decrypt) -> Result {
    let sealed = input(arguments.input.as_deref())?;
    let plain = arguments.tpm.keys()?.decrypt(&arguments.name, &sealed)?;
    done(arguments.tpm.json, arguments.output.as_deref(), &plain)
}

/// Writes a result that is bytes.
pub fn done(json: bool, output: Option<&Path>, bytes: &[u8]) -> Result {
    if json && output.is_none() {
        return Err(Failure::new("--json says what was done: name a file for the result with --output"));
    }
    put(output, bytes)?;
    if json {
        println!("{}", json!({ "output": output.map(|path| path.display().to_string()), "bytes": bytes.len() }));
    }
    Ok(())
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
