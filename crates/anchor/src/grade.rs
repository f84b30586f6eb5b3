//! What a device value's grade means, in words for people.

use ironroot_platform::CopyResistance;

/// An honest sentence on how hard it is to give another device the same value.
#[must_use]
pub const fn words(resistance: CopyResistance) -> &'static str {
    match resistance {
        CopyResistance::CopiedWithDisk => {
            "weak: the value lies on the disk, so a copy of the whole disk is the same device; \
             good for tests and where the disk cannot be copied"
        }
        CopyResistance::Readable => {
            "modest: the value is not on the disk, but whoever can run programs on this machine can read it, and a \
             virtual machine or a changed driver can be given the same one; good where only trusted programs run"
        }
        CopyResistance::Fused => {
            "good: the value is fused into the chip and cannot be set on another one; \
             privileged programs can still read it and pretend it elsewhere with a changed program"
        }
        CopyResistance::HardwareOnly => "strong: the value never leaves the hardware except to the secure world",
    }
}
