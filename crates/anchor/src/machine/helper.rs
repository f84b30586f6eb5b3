//! The device value of any source, threshold ones with their helper data in the TPM's folder.

use super::{Machine, Source};
use crate::{
    Product,
    product_file::{replace, write_new},
    threshold,
};
use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};
use ironroot_platform::{CopyResistance, DeviceSecretError, DeviceValue, Entropy};
use std::{fs, io, path::Path};
use zeroize::Zeroizing;

/// The name of the helper data in the TPM's folder. It is no secret, and without it a threshold value is lost: keep a copy.
pub const HELPER_NAME: &str = "device-helper";
/// No helper data is longer.
const LONGEST: u64 = 1024;

/// Makes the value of a **new** TPM: a threshold source's is drawn, and its helper data written; any other's is read. Helper
/// data that is there already (the device was wiped, or its making was interrupted) is used, so that the identity stays.
///
/// # Errors
/// [`DeviceSecretError`] if a source cannot be read, if a copy of the disk alone would have the value, or if the helper data
/// that is there is another device's.
pub fn enroll(
    machine: &Machine,
    product: &Product,
    folder: &Path,
    source: &Source,
    entropy: &mut dyn Entropy,
) -> Result<DeviceValue, DeviceSecretError> {
    let Source::Threshold(k, parts) = source else { return machine.read(source) };
    let path = folder.join(HELPER_NAME);
    if path.exists() {
        return value(machine, product, folder, source).map(|(value, _)| value);
    }
    let on_disk = parts.iter().filter(|part| machine.grade(part).resistance == CopyResistance::CopiedWithDisk).count();
    if on_disk >= usize::from(*k) {
        return Err(error(
            source,
            &path,
            &format!(
                "{on_disk} of these sources lie on the disk, and {k} are enough: a copy of the disk would be the device"
            ),
            "take more sources of hardware, or a higher threshold",
        ));
    }
    let values = parts.iter().map(|part| machine.read(part)).collect::<Result<Vec<_>, _>>()?;
    let values: Vec<&[u8]> = values.iter().map(|value| value.value.as_slice()).collect();
    let (value, stored) = threshold::enroll(product, *k, &values, entropy)
        .map_err(|e| error(source, &path, &e.to_string(), "try again"))?;
    write_new(&path, &stored)
        .map_err(|e| error(source, &path, &e.to_string(), "use an empty folder, and one that can be written"))?;
    Ok(device_value(machine, source, &value))
}

/// The value of a TPM that is there, with a word for people if a threshold source has lost some of its parts.
///
/// # Errors
/// [`DeviceSecretError`] if too few of the sources are what they were: never another value.
pub fn value(
    machine: &Machine,
    product: &Product,
    folder: &Path,
    source: &Source,
) -> Result<(DeviceValue, Option<String>), DeviceSecretError> {
    let Source::Threshold(_, parts) = source else { return Ok((machine.read(source)?, None)) };
    let (recovered, changed) = recover(machine, product, folder, source, parts)?;
    let warning = (!changed.is_empty()).then(|| {
        format!(
            "device source {source}: changed or missing: {}; the others are enough, and `ironroot device refresh` takes \
             the new values over",
            changed.join(", ")
        )
    });
    Ok((device_value(machine, source, &recovered.value), warning))
}

/// Takes the sources' values of today over into the helper data; the device value stays. Gives the sources that were changed.
///
/// # Errors
/// [`DeviceSecretError`] if the value cannot be recovered, or a source cannot be read.
pub fn refresh(
    machine: &Machine,
    product: &Product,
    folder: &Path,
    source: &Source,
    entropy: &mut dyn Entropy,
) -> Result<Vec<String>, DeviceSecretError> {
    let path = folder.join(HELPER_NAME);
    let Source::Threshold(k, parts) = source else {
        return Err(error(source, &path, "it is no threshold", "there is nothing to refresh"));
    };
    let (recovered, changed) = recover(machine, product, folder, source, parts)?;
    let values = parts.iter().map(|part| machine.read(part)).collect::<Result<Vec<_>, _>>()?;
    let values: Vec<&[u8]> = values.iter().map(|value| value.value.as_slice()).collect();
    let stored = threshold::share(product, *k, &recovered.value, &values, entropy)
        .map_err(|e| error(source, &path, &e.to_string(), "try again"))?;
    replace(&path, &stored).map_err(|e| error(source, &path, &e.to_string(), "make the folder writable"))?;
    Ok(changed)
}

fn recover(
    machine: &Machine,
    product: &Product,
    folder: &Path,
    source: &Source,
    parts: &[Source],
) -> Result<(threshold::Recovered, Vec<String>), DeviceSecretError> {
    let path = folder.join(HELPER_NAME);
    let stored = read(&path)
        .map_err(|e| error(source, &path, &e.to_string(), "restore the file: without it the value is lost"))?;
    let values: Vec<Option<DeviceValue>> = parts.iter().map(|part| machine.read(part).ok()).collect();
    let given: Vec<Option<&[u8]>> =
        values.iter().map(|value| value.as_ref().map(|value| value.value.as_slice())).collect();
    let recovered = threshold::recover(product, &stored, &given).map_err(|e| {
        error(source, &path, &e.to_string(), "this is another device, or too much of it was changed at once")
    })?;
    let changed =
        parts.iter().zip(&recovered.agrees).filter(|(_, agrees)| !**agrees).map(|(part, _)| part.to_string()).collect();
    Ok((recovered, changed))
}

fn device_value(machine: &Machine, source: &Source, value: &[u8; 32]) -> DeviceValue {
    DeviceValue {
        value: Zeroizing::new(value.to_vec()),
        source: source.to_string(),
        resistance: machine.grade(source).resistance,
    }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    use io::Read as _;
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(LONGEST).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn error(source: &Source, path: &Path, why: &str, next: &str) -> DeviceSecretError {
    DeviceSecretError(format!("device source {source}: {}: {why}; {next}", path.display()))
}
