//! Reading a source and bringing its value to its one form.

use super::{Source, hardware_tpm};
use alloc::{
    borrow::ToOwned,
    format,
    string::{String, ToString},
    vec::Vec,
};
use ironroot_platform::{CopyResistance, DeviceSecretError, DeviceValue};
use std::{
    fs::File,
    io::{self, Read},
    os::unix::fs::FileTypeExt,
    path::{Path, PathBuf},
};
use zeroize::Zeroizing;

/// No source is longer: what lies behind it is not read.
const MAX_LENGTH: u64 = 4096;
/// A file that somebody made holds at least this much, or it is not worth the name.
const MIN_FILE_LENGTH: usize = 16;

/// The value of `source` on the machine under `root`.
pub fn value(root: &Path, source: &Source) -> Result<DeviceValue, DeviceSecretError> {
    match source {
        Source::All(parts) => return all(root, source, parts),
        Source::Threshold(..) => {
            return Err(DeviceSecretError(format!(
                "device source {source}: its value is recovered with the helper data in the TPM's folder, and nowhere else"
            )));
        }
        _ => {}
    }
    let path = path(root, source);
    let fail =
        |why: &str, next: &str| DeviceSecretError(format!("device source {source}: {}: {why}; {next}", path.display()));
    if matches!(source, Source::HardwareTpm(_)) {
        let value = hardware_tpm::value(&path)
            .map_err(|why| fail(&why, "the TPM belongs to the machine that has this chip"))?;
        return Ok(DeviceValue { value, source: source.to_string(), resistance: resistance(source, &path) });
    }
    let raw = read(&path).map_err(|error| {
        fail(&error.to_string(), match error.kind() {
            io::ErrorKind::PermissionDenied => "run as the user who made the TPM (root, for most identifiers), or choose another source for a new TPM",
            _ => "the TPM belongs to the device that has it; choose another source only for a new TPM",
        })
    })?;
    let value = match source {
        Source::Nvmem(_) | Source::File(_) => raw,
        Source::CpuSerial => text(cpu_serial(&raw).unwrap_or_default()),
        _ => text(&raw),
    };
    if let Source::Mac(interface) = source {
        permanent(root, interface).map_err(|why| fail(&why, "choose another source"))?;
    }
    if is_placeholder(&value) {
        return Err(fail("it holds no value, or a placeholder that many machines share", "choose another source"));
    }
    if matches!(source, Source::File(_)) && value.len() < MIN_FILE_LENGTH {
        return Err(fail("it holds fewer than 16 bytes", "write at least 16 random bytes into it before making a TPM"));
    }
    Ok(DeviceValue { value, source: source.to_string(), resistance: resistance(source, &path) })
}

/// The values of several sources, each with its length.
fn all(root: &Path, source: &Source, parts: &[Source]) -> Result<DeviceValue, DeviceSecretError> {
    let mut value = Zeroizing::new(Vec::with_capacity(parts.len().saturating_mul(4100).saturating_add(64)));
    value.extend_from_slice(b"ironroot/device-value/all/v1\0");
    value.extend_from_slice(&length(parts.len()));
    for part in parts {
        let part =
            self::value(root, part).map_err(|error| DeviceSecretError(format!("device source {source}: {error}")))?;
        value.extend_from_slice(&length(part.value.len()));
        value.extend_from_slice(&part.value);
    }
    Ok(DeviceValue { value, source: source.to_string(), resistance: grade(root, source) })
}

fn length(length: usize) -> [u8; 4] {
    u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes()
}

/// How hard a source is to copy, whether it is there or not. For all of several, as hard as the hardest; for any k of them,
/// as hard as the hardest of the k that are easiest.
pub fn grade(root: &Path, source: &Source) -> CopyResistance {
    let mut grades: Vec<_> = source.parts().iter().map(|part| resistance(part, &path(root, part))).collect();
    grades.sort();
    let decides = match source {
        Source::Threshold(k, _) => usize::from(*k).checked_sub(1).and_then(|last| grades.get(last)),
        _ => grades.last(),
    };
    decides.copied().unwrap_or(CopyResistance::CopiedWithDisk)
}

/// Physical interfaces that have a permanent address and are not on a plug, by name.
pub fn interfaces(root: &Path) -> Vec<String> {
    let Ok(folder) = std::fs::read_dir(root.join("sys/class/net")) else {
        return Vec::new();
    };
    let mut names: Vec<String> = folder
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| permanent(root, name).is_ok() && !is_pluggable(root, name))
        .collect();
    names.sort();
    names
}

fn interface_folder(root: &Path, name: &str) -> PathBuf {
    root.join("sys/class/net").join(name)
}

/// A bridge, a tunnel or a container's interface has no device; an address that was set or drawn by lot is not kept.
fn permanent(root: &Path, name: &str) -> Result<(), String> {
    let folder = interface_folder(root, name);
    if !folder.join("device").exists() {
        return Err("it is no physical interface".to_owned());
    }
    match std::fs::read_to_string(folder.join("addr_assign_type")) {
        Ok(kind) if kind.trim() == "0" => Ok(()),
        Ok(_) => Err("its address is not the permanent one".to_owned()),
        Err(error) => Err(format!("addr_assign_type cannot be read: {error}")),
    }
}

fn is_pluggable(root: &Path, name: &str) -> bool {
    std::fs::read_link(interface_folder(root, name).join("device/subsystem")).is_ok_and(|bus| bus.ends_with("usb"))
}

fn path(root: &Path, source: &Source) -> PathBuf {
    match source {
        Source::SocSerial => root.join("sys/devices/soc0/serial_number"),
        Source::DmiProductUuid => root.join("sys/class/dmi/id/product_uuid"),
        Source::HypervisorUuid => root.join("sys/hypervisor/uuid"),
        Source::DeviceTreeSerial => root.join("proc/device-tree/serial-number"),
        Source::CpuSerial => root.join("proc/cpuinfo"),
        Source::Mac(interface) => interface_folder(root, interface).join("address"),
        Source::MachineId => root.join("etc/machine-id"),
        Source::Nvmem(path) | Source::File(path) | Source::HardwareTpm(path) => path.clone(),
        // They have none of their own.
        Source::All(_) | Source::Threshold(..) => PathBuf::new(),
    }
}

fn resistance(source: &Source, path: &Path) -> CopyResistance {
    match source {
        Source::SocSerial => CopyResistance::Fused,
        Source::Nvmem(_) if is_one_time_programmable(path) => CopyResistance::Fused,
        // What answers at a socket is a program with its state on some disk.
        Source::HardwareTpm(_) if is_device(path) => CopyResistance::Fused,
        Source::MachineId | Source::File(_) | Source::HardwareTpm(_) => CopyResistance::CopiedWithDisk,
        _ => CopyResistance::Readable,
    }
}

fn is_device(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|metadata| metadata.file_type().is_char_device())
}

/// The kernel's nvmem devices say what they are in a file beside the contents.
fn is_one_time_programmable(path: &Path) -> bool {
    std::fs::read_to_string(path.with_file_name("type")).is_ok_and(|kind| kind.trim() == "OTP")
}

fn read(path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    let file = File::open(path)?;
    // All of it is reserved at once: a vector that grows leaves copies of a secret behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(8192));
    // `/proc/cpuinfo` is longer than a value; its line is found in what is read.
    let limit = if path.ends_with("proc/cpuinfo") { 1 << 20 } else { MAX_LENGTH.saturating_add(1) };
    file.take(limit).read_to_end(&mut bytes)?;
    if limit > MAX_LENGTH.saturating_add(1) || bytes.len() as u64 <= MAX_LENGTH {
        return Ok(bytes);
    }
    Err(io::Error::other("it is longer than 4096 bytes"))
}

fn cpu_serial(cpuinfo: &[u8]) -> Option<&[u8]> {
    cpuinfo.split(|byte| *byte == b'\n').find_map(|line| {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let (name, value) = line.split_at_checked(colon)?;
        (name.trim_ascii() == b"Serial").then(|| value.split_first().map(|(_, value)| value))?
    })
}

/// The text form: white space and zero bytes cut off, lower case.
fn text(raw: &[u8]) -> Zeroizing<Vec<u8>> {
    let blank = |byte: &u8| byte.is_ascii_whitespace() || *byte == 0;
    let start = raw.iter().position(|byte| !blank(byte)).unwrap_or(raw.len());
    let end = raw.iter().rposition(|byte| !blank(byte)).map_or(start, |last| last.saturating_add(1));
    Zeroizing::new(raw.get(start..end).unwrap_or_default().to_ascii_lowercase())
}

/// Values that makers leave in when they forget to set one.
fn is_placeholder(value: &[u8]) -> bool {
    const KNOWN: [&[u8]; 9] = [
        b"03000200-0400-0500-0006-000700080009",
        b"12345678-1234-5678-90ab-cddeefaabbcc",
        b"123456789",
        b"default string",
        b"none",
        b"not specified",
        b"system serial number",
        b"to be filled by o.e.m.",
        b"uninitialized",
    ];
    let significant = || value.iter().filter(|byte| !matches!(byte, b'-' | b':' | b' '));
    let uniform = significant().zip(significant().skip(1)).all(|(a, b)| a == b);
    value.is_empty() || uniform || KNOWN.contains(&value.to_ascii_lowercase().as_slice())
}
