//! The names of the sources.

use alloc::{
    string::{String, ToString},
    vec::Vec,
};
use core::{fmt, str::FromStr};
use std::path::PathBuf;

use crate::threshold::MAX_SOURCES;

/// Where a device value comes from. Its text form is what `--device-source` takes and what is recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// `soc-serial`: the chip's serial number, as its driver reads it.
    SocSerial,
    /// `dmi-product-uuid`: the mainboard's or virtual machine's identifier from the firmware. Only root reads it.
    DmiProductUuid,
    /// `hypervisor-uuid`: the virtual machine's identifier from the hypervisor (Xen).
    HypervisorUuid,
    /// `device-tree-serial`: the serial number that the boot loader puts into the device tree.
    DeviceTreeSerial,
    /// `cpu-serial`: the line `Serial` of `/proc/cpuinfo` (ARM boards).
    CpuSerial,
    /// `mac:IFACE`: the permanent address of a physical network interface.
    Mac(String),
    /// `machine-id`: the identifier that the operating system made at installation.
    MachineId,
    /// `nvmem:PATH`: an eFuse, OTP or EEPROM area that the kernel shows as a file.
    Nvmem(PathBuf),
    /// `file:PATH`: a file.
    File(PathBuf),
    /// `hardware-tpm:PATH`: a TPM 2.0 at a device of the kernel (`/dev/tpmrm0`).
    HardwareTpm(PathBuf),
    /// `all:SOURCE+SOURCE+…`: several sources, each of which has to be there.
    All(Vec<Source>),
    /// `K-of:SOURCE+SOURCE+…`: several sources, any K of which are enough, with helper data in the TPM's folder.
    Threshold(u8, Vec<Source>),
}

impl Source {
    /// How long the value stays what it is, in words.
    #[must_use]
    pub const fn stability(&self) -> &'static str {
        match self {
            Self::SocSerial | Self::CpuSerial => "for the life of the chip",
            Self::DmiProductUuid => "for the life of the mainboard, unless its firmware's settings are written anew",
            Self::HypervisorUuid => "for the life of the virtual machine",
            Self::DeviceTreeSerial => "for the life of the board, as long as its boot loader keeps it",
            Self::Mac(_) => "for the life of the network interface",
            Self::MachineId => "until the operating system is installed anew",
            Self::Nvmem(_) => "for the life of the chip or EEPROM",
            Self::File(_) => "until the file is lost",
            Self::HardwareTpm(_) => "for the life of the TPM, or until TPM2_ChangeEPS",
            Self::All(_) => "until the first of them changes",
            Self::Threshold(..) => "as long as enough of them stay and the helper data is kept",
        }
    }

    /// The sources that it consists of: itself, if it is no combination.
    #[must_use]
    pub fn parts(&self) -> &[Self] {
        match self {
            Self::All(parts) | Self::Threshold(_, parts) => parts,
            one => core::slice::from_ref(one),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SocSerial => f.write_str("soc-serial"),
            Self::DmiProductUuid => f.write_str("dmi-product-uuid"),
            Self::HypervisorUuid => f.write_str("hypervisor-uuid"),
            Self::DeviceTreeSerial => f.write_str("device-tree-serial"),
            Self::CpuSerial => f.write_str("cpu-serial"),
            Self::Mac(interface) => write!(f, "mac:{interface}"),
            Self::MachineId => f.write_str("machine-id"),
            Self::Nvmem(path) => write!(f, "nvmem:{}", path.display()),
            Self::File(path) => write!(f, "file:{}", path.display()),
            Self::HardwareTpm(path) => write!(f, "hardware-tpm:{}", path.display()),
            Self::All(parts) => joined(f, "all", parts),
            Self::Threshold(k, parts) => joined(f, format_args!("{k}-of"), parts),
        }
    }
}

fn joined(f: &mut fmt::Formatter<'_>, rule: impl fmt::Display, parts: &[Source]) -> fmt::Result {
    write!(f, "{rule}:")?;
    for (number, part) in parts.iter().enumerate() {
        write!(f, "{}{part}", if number == 0 { "" } else { "+" })?;
    }
    Ok(())
}

/// Two to eight different sources, none of them a combination.
fn combined(list: &str) -> Option<Vec<Source>> {
    let parts: Vec<Source> = list.split('+').map(str::parse).collect::<Result<_, _>>().ok()?;
    let simple = parts.iter().all(|part| !matches!(part, Source::All(_) | Source::Threshold(..)));
    let different =
        parts.iter().enumerate().all(|(number, part)| !parts.iter().take(number).any(|other| other == part));
    ((2..=MAX_SOURCES).contains(&parts.len()) && simple && different).then_some(parts)
}

/// K of at least K sources.
fn threshold(rule: &str, list: &str) -> Option<Source> {
    let k: u8 = rule.strip_suffix("-of")?.parse().ok()?;
    let parts = combined(list)?;
    // One way to write each: a name is recorded and compared.
    let plain = rule.len() == 4 && (2..=parts.len()).contains(&usize::from(k));
    plain.then_some(Source::Threshold(k, parts))
}

/// No source has this name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceNameError(String);

impl fmt::Display for SourceNameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} is no device source; there are soc-serial, dmi-product-uuid, hypervisor-uuid, device-tree-serial, \
             cpu-serial, mac:INTERFACE, machine-id, nvmem:PATH, file:PATH, hardware-tpm:PATH, and of 2 to 8 of these, joined \
             by +, all:… (each has to be there) and 2-of:… (any two are enough; or 3-of: and so on)",
            self.0
        )
    }
}

impl core::error::Error for SourceNameError {}

impl FromStr for Source {
    type Err = SourceNameError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let error = || SourceNameError(name.to_string());
        if name.contains(|c: char| c.is_control()) {
            return Err(error());
        }
        Ok(match (name, name.split_once(':')) {
            ("soc-serial", _) => Self::SocSerial,
            ("dmi-product-uuid", _) => Self::DmiProductUuid,
            ("hypervisor-uuid", _) => Self::HypervisorUuid,
            ("device-tree-serial", _) => Self::DeviceTreeSerial,
            ("cpu-serial", _) => Self::CpuSerial,
            ("machine-id", _) => Self::MachineId,
            (_, Some(("mac", interface))) if is_interface(interface) => Self::Mac(interface.to_string()),
            (_, Some(("nvmem", path))) if !path.is_empty() => Self::Nvmem(path.into()),
            (_, Some(("file", path))) if !path.is_empty() => Self::File(path.into()),
            (_, Some(("hardware-tpm", path))) if !path.is_empty() => Self::HardwareTpm(path.into()),
            (_, Some(("all", list))) => Self::All(combined(list).ok_or_else(error)?),
            (_, Some((rule, list))) if rule.ends_with("-of") => threshold(rule, list).ok_or_else(error)?,
            _ => return Err(error()),
        })
    }
}

/// The kernel's rule for names; it also keeps the name inside its folder.
fn is_interface(name: &str) -> bool {
    !name.is_empty() && name.len() < 16 && name != "." && name != ".." && !name.contains(['/', ' '])
}
