//! Who made this TPM and to which specification: what capabilities and attestation report.

/// `TPM_PT_REVISION`: version 1.85 of the library specification.
pub const SPECIFICATION: u32 = 185;
/// `TPM_PT_DAY_OF_YEAR`, an errata number since v185.
pub const SPECIFICATION_DAY: u32 = 0;
/// `TPM_PT_YEAR`, 0 since v185.
pub const SPECIFICATION_YEAR: u32 = 0;
/// `TPM_PT_MANUFACTURER`.
pub const MANUFACTURER: [u8; 4] = *b"IRRT";
/// `TPM_PT_VENDOR_STRING_1` to `_4`. It says that the TPM is software, so that no verifier takes it for a chip.
pub const VENDOR_STRING: [[u8; 4]; 4] = [*b"SW  ", *b"Iron", *b"root", *b"\0\0\0\0"];
/// `TPM_PT_FIRMWARE_VERSION_1`: major and minor version of this crate.
pub const FIRMWARE_1: u32 =
    version_number(env!("CARGO_PKG_VERSION_MAJOR")) << 16 | version_number(env!("CARGO_PKG_VERSION_MINOR"));
/// `TPM_PT_FIRMWARE_VERSION_2`: its patch version.
pub const FIRMWARE_2: u32 = version_number(env!("CARGO_PKG_VERSION_PATCH"));
/// `TPM_PT_PS_FAMILY_INDICATOR`: PC Client.
pub const PLATFORM_FAMILY: u32 = 1;
/// `TPM_PT_PS_REVISION`: PC Client Platform TPM Profile 1.06.
pub const PLATFORM_REVISION: u32 = 0x106;

/// `TPM_PT_FIRMWARE_SVN` of this release: one more than that of the releases before whose defect it mends, if secrets may
/// have leaked by that.
pub const SVN: u16 = 1;

/// `firmwareVersion` of attestation structures.
pub const FIRMWARE: u64 = (FIRMWARE_1 as u64) << 32 | FIRMWARE_2 as u64;

#[allow(clippy::arithmetic_side_effects, clippy::indexing_slicing)]
const fn version_number(text: &str) -> u32 {
    let digits = text.as_bytes();
    let mut number = 0;
    let mut index = 0;
    while index < digits.len() {
        number = number * 10 + (digits[index] - b'0') as u32;
        index += 1;
    }
    number
}
