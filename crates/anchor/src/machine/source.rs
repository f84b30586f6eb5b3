//! The names of the sources.

use alloc::string::{String, ToString};
use core::{fmt, str::FromStr};
use std::path::PathBuf;

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
        }
    }
}

/// No source has this name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceNameError(String);

impl fmt::Display for SourceNameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} is no device source; there are soc-serial, dmi-product-uuid, hypervisor-uuid, device-tree-serial, \
             cpu-serial, mac:INTERFACE, machine-id, nvmem:PATH and file:PATH",
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
            _ => return Err(error()),
        })
    }
}

/// The kernel's rule for names; it also keeps the name inside its folder.
fn is_interface(name: &str) -> bool {
    !name.is_empty() && name.len() < 16 && name != "." && name != ".." && !name.contains(['/', ' '])
}
