//! Which source a TPM was made with: a small plain file beside its state that holds the source's name and no value.

use super::{Machine, Source};
use alloc::{borrow::ToOwned, format, string::ToString};
use ironroot_platform::{DeviceSecretError, DeviceValue, Entropy};
use std::{
    fs, io,
    path::{Path, PathBuf},
};
use zeroize::Zeroizing;

use crate::{
    init::Binding,
    product_file::{replace, write_new},
};

/// The name of the file in the TPM's folder.
pub const RECORD_NAME: &str = "device-source";

/// The name of the file in the TPM's folder that tells another product or device from this one.
pub const BINDING_NAME: &str = "device-binding";

/// Keeps what the first initialization of a **new** TPM gave.
///
/// # Errors
/// [`DeviceSecretError`] if it cannot be written.
pub fn bind(folder: &Path, binding: &Binding) -> Result<(), DeviceSecretError> {
    let path = folder.join(BINDING_NAME);
    replace(&path, binding.as_bytes())
        .map_err(|e| error(&path, &e.to_string(), "make the folder writable or use another one"))
}

/// What the first initialization gave; `None` if the TPM was made before there were bindings.
///
/// # Errors
/// [`DeviceSecretError`] if it cannot be read, or is none.
pub fn binding(folder: &Path) -> Result<Option<Binding>, DeviceSecretError> {
    let path = folder.join(BINDING_NAME);
    match fs::read(&path) {
        Ok(bytes) => Binding::from_bytes(&bytes)
            .map(Some)
            .map_err(|e| error(&path, &e.to_string(), "or remove it: the sealed state still knows its device")),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(error(&path, &e.to_string(), "make it readable")),
    }
}

fn error(path: &Path, why: &str, next: &str) -> DeviceSecretError {
    DeviceSecretError(format!("{}: {why}; {next}", path.display()))
}

/// Chooses the source for a **new** TPM: `wanted` if it is given, else the machine's best one, else a new random file at
/// `fallback`, which must lie outside the TPM's folder. What the choice is worth stands in the value's grade.
///
/// # Errors
/// [`DeviceSecretError`] if the wanted source cannot be read, or the file cannot be made.
pub fn choose(
    machine: &Machine,
    wanted: Option<Source>,
    fallback: &Path,
    entropy: &mut dyn Entropy,
) -> Result<(Source, DeviceValue), DeviceSecretError> {
    if let Some(source) = wanted {
        let value = machine.read(&source)?;
        return Ok((source, value));
    }
    if let Some(best) = machine.best() {
        return Ok(best);
    }
    let source = Source::File(std::path::absolute(fallback).unwrap_or_else(|_| fallback.to_owned()));
    if !fallback.exists() {
        let mut bytes = Zeroizing::new([0; 32]);
        entropy.fill(bytes.as_mut_slice()).map_err(|e| error(fallback, &e.to_string(), "try again"))?;
        write_new(fallback, bytes.as_slice())
            .map_err(|e| error(fallback, &e.to_string(), "make its folder writable or name another device source"))?;
    }
    let value = machine.read(&source)?;
    Ok((source, value))
}

/// Records the source of a new TPM in its folder.
///
/// # Errors
/// [`DeviceSecretError`] if another source is recorded already, or the file cannot be written.
pub fn record(folder: &Path, source: &Source) -> Result<(), DeviceSecretError> {
    let path = folder.join(RECORD_NAME);
    let name = source.to_string();
    if name.parse() != Ok(source.clone()) {
        return Err(error(&path, "the source's path cannot be written as text", "use a path in plain UTF-8"));
    }
    match write_new(&path, format!("{name}\n").as_bytes()) {
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
            let recorded = recall(folder)?;
            if recorded == *source {
                return Ok(());
            }
            Err(error(
                &path,
                &format!("the TPM here was made with the source {recorded}, not {name}"),
                "use an empty folder for a new TPM",
            ))
        }
        Err(e) => Err(error(&path, &e.to_string(), "make the folder writable or use another one")),
        Ok(()) => Ok(()),
    }
}

/// The source that the TPM in this folder was made with.
///
/// # Errors
/// [`DeviceSecretError`] if none is recorded or the record is no source's name.
pub fn recall(folder: &Path) -> Result<Source, DeviceSecretError> {
    let path: PathBuf = folder.join(RECORD_NAME);
    let next = "restore the file: it holds one line with the name of the source that the TPM was made with";
    let name = fs::read_to_string(&path).map_err(|e| error(&path, &e.to_string(), next))?;
    name.trim_end_matches('\n').parse().map_err(|e: super::SourceNameError| error(&path, &e.to_string(), next))
}
