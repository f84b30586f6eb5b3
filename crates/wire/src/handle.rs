//! Handles (Part 2, clause 7) and the interface types that say which of them are meant (clauses 9.3 to 9.27).

use crate::{Reader, TpmRc, Wire};

/// `TPM_HANDLE` (Part 2, 7.1).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TpmHandle(pub u32);

/// `TPM_HT` (Part 2, 7.2): what a handle refers to, from its top byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HandleKind {
    /// A PCR.
    Pcr,
    /// An NV index.
    NvIndex,
    /// An HMAC session.
    HmacSession,
    /// A policy session.
    PolicySession,
    /// A permanent handle: hierarchies, the password session, lockout.
    Permanent,
    /// A transient object.
    Transient,
    /// A persistent object.
    Persistent,
    /// An NV index outside of the TPM.
    ExternalNv,
    /// An NV index that a platform specification has defined.
    PermanentNv,
    /// An attached component.
    AttachedComponent,
    /// Nothing that this implementation knows.
    Unknown,
}

impl TpmHandle {
    /// The owner (storage) hierarchy.
    pub const OWNER: Self = Self(0x4000_0001);
    /// No handle; the NULL hierarchy.
    pub const NULL: Self = Self(0x4000_0007);
    /// Reserved to show that a handle is not assigned (`TPM_RH_UNASSIGNED`).
    pub const UNASSIGNED: Self = Self(0x4000_0008);
    /// The password session.
    pub const PW: Self = Self(0x4000_0009);
    /// The lockout authorization.
    pub const LOCKOUT: Self = Self(0x4000_000A);
    /// The endorsement hierarchy.
    pub const ENDORSEMENT: Self = Self(0x4000_000B);
    /// The platform hierarchy.
    pub const PLATFORM: Self = Self(0x4000_000C);
    /// phEnableNV, for `TPM2_HierarchyControl`.
    pub const PLATFORM_NV: Self = Self(0x4000_000D);

    /// The first authenticated countdown timer.
    pub const ACT_0: Self = Self(0x4000_0110);
    /// The last authenticated countdown timer.
    pub const ACT_F: Self = Self(0x4000_011F);
    /// The firmware-limited owner hierarchy.
    pub const FW_OWNER: Self = Self(0x4000_0140);
    /// The firmware-limited endorsement hierarchy.
    pub const FW_ENDORSEMENT: Self = Self(0x4000_0141);
    /// The firmware-limited platform hierarchy.
    pub const FW_PLATFORM: Self = Self(0x4000_0142);
    /// The firmware-limited NULL hierarchy.
    pub const FW_NULL: Self = Self(0x4000_0143);
    /// The owner hierarchy that is limited to SVN 0; the SVN is in the low half.
    pub const SVN_OWNER_BASE: Self = Self(0x4001_0000);
    /// The endorsement hierarchy that is limited to SVN 0.
    pub const SVN_ENDORSEMENT_BASE: Self = Self(0x4002_0000);
    /// The platform hierarchy that is limited to SVN 0.
    pub const SVN_PLATFORM_BASE: Self = Self(0x4003_0000);
    /// The NULL hierarchy that is limited to SVN 0.
    pub const SVN_NULL_BASE: Self = Self(0x4004_0000);
    /// The first attached component.
    pub const AC_FIRST: Self = Self(0x9000_0000);

    /// The first NV index.
    pub const NV_INDEX_FIRST: Self = Self(0x0100_0000);
    /// The first HMAC session.
    pub const HMAC_SESSION_FIRST: Self = Self(0x0200_0000);
    /// The first policy session.
    pub const POLICY_SESSION_FIRST: Self = Self(0x0300_0000);
    /// The first transient object.
    pub const TRANSIENT_FIRST: Self = Self(0x8000_0000);
    /// The first persistent object.
    pub const PERSISTENT_FIRST: Self = Self(0x8100_0000);
    /// The first persistent object of the platform.
    pub const PLATFORM_PERSISTENT: Self = Self(0x8180_0000);
    /// The last persistent object.
    pub const PERSISTENT_LAST: Self = Self(0x81FF_FFFF);

    /// What the handle refers to.
    #[must_use]
    pub const fn kind(self) -> HandleKind {
        match self.0 >> 24 {
            0x00 => HandleKind::Pcr,
            0x01 => HandleKind::NvIndex,
            0x02 => HandleKind::HmacSession,
            0x03 => HandleKind::PolicySession,
            0x11 => HandleKind::ExternalNv,
            0x12 => HandleKind::PermanentNv,
            0x90 => HandleKind::AttachedComponent,
            0x40 => HandleKind::Permanent,
            0x80 => HandleKind::Transient,
            0x81 => HandleKind::Persistent,
            _ => HandleKind::Unknown,
        }
    }
}

impl core::fmt::Debug for TpmHandle {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "TpmHandle({:#010x})", self.0)
    }
}

impl Wire for TpmHandle {
    fn marshal(&self, out: &mut alloc::vec::Vec<u8>) {
        self.0.marshal(out);
    }
    fn unmarshal(reader: &mut Reader<'_>) -> Result<Self, TpmRc> {
        u32::unmarshal(reader).map(Self)
    }
}

impl HandleValue for TpmHandle {
    fn handle(&self) -> u32 {
        self.0
    }
}

/// Something that stands in a handle area.
pub trait HandleValue {
    /// The handle as a number; `TPM_RH_NULL` for an absent one.
    fn handle(&self) -> u32;
}

impl<T: HandleValue> HandleValue for Option<T> {
    fn handle(&self) -> u32 {
        self.as_ref().map_or(TpmHandle::NULL.0, HandleValue::handle)
    }
}

handle_type! {
    /// `TPMI_DH_OBJECT` (Part 2, 9.3).
    TpmiDhObject: 0x8000_0000..=0x80FF_FFFF | 0x8100_0000..=0x81FF_FFFF
}
handle_type! {
    /// `TPMI_DH_PARENT` (Part 2, 9.4).
    TpmiDhParent: 0x8000_0000..=0x80FF_FFFF | 0x8100_0000..=0x81FF_FFFF | 0x4000_0001 | 0x4000_000C | 0x4000_000B
        | 0x4000_0007 | 0x4000_0140..=0x4000_0143 | 0x4001_0000..=0x4004_FFFF
}
handle_type! {
    /// `TPMI_DH_PERSISTENT` (Part 2, 9.5).
    TpmiDhPersistent: 0x8100_0000..=0x81FF_FFFF
}
handle_type! {
    /// `TPMI_DH_ENTITY` (Part 2, 9.6): everything that has an auth value.
    TpmiDhEntity: 0x4000_0001 | 0x4000_000B | 0x4000_000C | 0x4000_000A | 0x8000_0000..=0x80FF_FFFF
        | 0x8100_0000..=0x81FF_FFFF | 0x0100_0000..=0x01FF_FFFF | 0x0000_0000..=0x0000_0017
}
handle_type! {
    /// `TPMI_DH_PCR` (Part 2, 9.7).
    TpmiDhPcr: 0x0000_0000..=0x0000_0017
}
handle_type! {
    /// `TPMI_SH_AUTH_SESSION` (Part 2, 9.8), the password session included.
    TpmiShAuthSession: 0x0200_0000..=0x02FF_FFFF | 0x0300_0000..=0x03FF_FFFF | 0x4000_0009
}
handle_type! {
    /// `TPMI_SH_HMAC` (Part 2, 9.9).
    TpmiShHmac: 0x0200_0000..=0x02FF_FFFF
}
handle_type! {
    /// `TPMI_SH_POLICY` (Part 2, 9.10).
    TpmiShPolicy: 0x0300_0000..=0x03FF_FFFF
}
handle_type! {
    /// `TPMI_DH_CONTEXT` (Part 2, 9.11): what can be saved and flushed.
    TpmiDhContext: 0x0200_0000..=0x02FF_FFFF | 0x0300_0000..=0x03FF_FFFF | 0x8000_0000..=0x80FF_FFFF
}
handle_type! {
    /// `TPMI_DH_SAVED` (Part 2, 9.12): what a saved context was.
    TpmiDhSaved: 0x0200_0000..=0x02FF_FFFF | 0x0300_0000..=0x03FF_FFFF | 0x8000_0000..=0x8000_0002
}
handle_type! {
    /// `TPMI_RH_HIERARCHY` (Part 2, 9.13) with the NULL hierarchy and the limited ones.
    TpmiRhHierarchy: 0x4000_0001 | 0x4000_000C | 0x4000_000B | 0x4000_0007
        | 0x4000_0140..=0x4000_0143 | 0x4001_0000..=0x4004_FFFF
}
handle_type! {
    /// `TPMI_RH_ENABLES` (Part 2, 9.14).
    TpmiRhEnables: 0x4000_0001 | 0x4000_000C | 0x4000_000B | 0x4000_000D
}
handle_type! {
    /// `TPMI_RH_HIERARCHY_AUTH` (Part 2, 9.15).
    TpmiRhHierarchyAuth: 0x4000_0001 | 0x4000_000C | 0x4000_000B | 0x4000_000A
}
handle_type! {
    /// `TPMI_RH_HIERARCHY_POLICY` (Part 2, 9.16).
    TpmiRhHierarchyPolicy: 0x4000_0001 | 0x4000_000C | 0x4000_000B | 0x4000_000A | 0x4000_0110..=0x4000_011F
}
handle_type! {
    /// `TPMI_RH_BASE_HIERARCHY` (Part 2, 9.17).
    TpmiRhBaseHierarchy: 0x4000_0001 | 0x4000_000C | 0x4000_000B
}
handle_type! {
    /// `TPMI_RH_PLATFORM` (Part 2, 9.18).
    TpmiRhPlatform: 0x4000_000C
}
handle_type! {
    /// `TPMI_RH_OWNER` (Part 2, 9.19).
    TpmiRhOwner: 0x4000_0001
}
handle_type! {
    /// `TPMI_RH_ENDORSEMENT` (Part 2, 9.20).
    TpmiRhEndorsement: 0x4000_000B
}
handle_type! {
    /// `TPMI_RH_PROVISION` (Part 2, 9.21).
    TpmiRhProvision: 0x4000_0001 | 0x4000_000C
}
handle_type! {
    /// `TPMI_RH_CLEAR` (Part 2, 9.22).
    TpmiRhClear: 0x4000_000A | 0x4000_000C
}
handle_type! {
    /// `TPMI_RH_NV_AUTH` (Part 2, 9.23).
    TpmiRhNvAuth: 0x4000_0001 | 0x4000_000C | 0x0100_0000..=0x01FF_FFFF
}
handle_type! {
    /// `TPMI_RH_LOCKOUT` (Part 2, 9.24).
    TpmiRhLockout: 0x4000_000A
}
handle_type! {
    /// `TPMI_RH_NV_INDEX` (Part 2, 9.25).
    TpmiRhNvIndex: 0x0100_0000..=0x01FF_FFFF
}
handle_type! {
    /// `TPMI_RH_NV_DEFINED_INDEX` (Part 2, 9.26): an index that can be defined and deleted.
    TpmiRhNvDefinedIndex: 0x0100_0000..=0x01FF_FFFF | 0x1100_0000..=0x11FF_FFFF
}
handle_type! {
    /// `TPMI_RH_NV_EXP_INDEX` (Part 2, 9.28): an index with expanded attributes.
    TpmiRhNvExpIndex: 0x1100_0000..=0x11FF_FFFF
}
handle_type! {
    /// `TPMI_RH_AC` (Part 2, 9.29): an attached component.
    TpmiRhAc: 0x9000_0000..=0x90FF_FFFF
}
handle_type! {
    /// `TPMI_RH_ACT` (Part 2, 9.30): an authenticated countdown timer.
    TpmiRhAct: 0x4000_0110..=0x4000_011F
}
