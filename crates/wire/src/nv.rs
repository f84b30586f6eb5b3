//! NV storage (Part 2, clause 13).

use alloc::vec::Vec;

use crate::{
    Reader, Tpm2bDigest, TpmRc, TpmaNv, TpmaNvExp, TpmiAlgHash, TpmiRhNvExpIndex, TpmiRhNvIndex, Wire,
    limits::MAX_NV_INDEX,
};

/// `TPM_NT` (Part 2, 13.2): what an index holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TpmNt {
    /// Opaque data.
    Ordinary,
    /// An 8-byte counter.
    Counter,
    /// 64 bits, each of which can be set.
    Bits,
    /// A digest that is extended like a PCR.
    Extend,
    /// A PIN with a counter of failures.
    PinFail,
    /// A PIN with a counter of uses.
    PinPass,
}

impl TpmaNv {
    /// The type of the index.
    ///
    /// # Errors
    /// `TPM_RC_ATTRIBUTES` if the number is not assigned.
    pub const fn nt(self) -> Result<TpmNt, TpmRc> {
        match (self.0 >> 4) & 15 {
            0x0 => Ok(TpmNt::Ordinary),
            0x1 => Ok(TpmNt::Counter),
            0x2 => Ok(TpmNt::Bits),
            0x4 => Ok(TpmNt::Extend),
            0x8 => Ok(TpmNt::PinFail),
            0x9 => Ok(TpmNt::PinPass),
            _ => Err(TpmRc::ATTRIBUTES),
        }
    }

    /// With the type of the index set.
    #[must_use]
    pub const fn with_nt(self, nt: TpmNt) -> Self {
        let value: u32 = match nt {
            TpmNt::Ordinary => 0x0,
            TpmNt::Counter => 0x1,
            TpmNt::Bits => 0x2,
            TpmNt::Extend => 0x4,
            TpmNt::PinFail => 0x8,
            TpmNt::PinPass => 0x9,
        };
        Self(self.0 & !0xF0 | value << 4)
    }
}

/// `TPMS_NV_PUBLIC_EXP_ATTR` (Part 2, 13.8): an index outside of the TPM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TpmsNvPublicExpAttr {
    /// The handle.
    pub nv_index: TpmiRhNvExpIndex,
    /// The hash of the name, the policy and of an extend index.
    pub name_alg: TpmiAlgHash,
    /// The attributes.
    pub attributes: TpmaNvExp,
    /// The policy; empty if there is none.
    pub auth_policy: Tpm2bDigest,
    /// Bytes of the contents.
    pub data_size: u16,
}

impl Wire for TpmsNvPublicExpAttr {
    fn marshal(&self, out: &mut Vec<u8>) {
        self.nv_index.marshal(out);
        self.name_alg.marshal(out);
        self.attributes.marshal(out);
        self.auth_policy.marshal(out);
        self.data_size.marshal(out);
    }
    fn unmarshal(reader: &mut Reader<'_>) -> Result<Self, TpmRc> {
        let public = Self {
            nv_index: Wire::unmarshal(reader)?,
            name_alg: Wire::unmarshal(reader)?,
            attributes: Wire::unmarshal(reader)?,
            auth_policy: Wire::unmarshal(reader)?,
            data_size: Wire::unmarshal(reader)?,
        };
        if usize::from(public.data_size) > MAX_NV_INDEX { Err(TpmRc::SIZE) } else { Ok(public) }
    }
}

/// `TPMT_NV_PUBLIC_2` (Part 2, 13.10): any kind of index, behind the type of its handle (`TPM_HT`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TpmtNvPublic2 {
    /// An index.
    NvIndex(TpmsNvPublic),
    /// An index outside of the TPM.
    ExternalNv(TpmsNvPublicExpAttr),
    /// An index that a platform specification has defined.
    PermanentNv(TpmsNvPublic),
}

impl TpmtNvPublic2 {
    const NV_INDEX: u8 = 0x01;
    const EXTERNAL_NV: u8 = 0x11;
    const PERMANENT_NV: u8 = 0x12;
}

impl Wire for TpmtNvPublic2 {
    fn marshal(&self, out: &mut Vec<u8>) {
        match self {
            Self::NvIndex(public) => {
                Self::NV_INDEX.marshal(out);
                public.marshal(out);
            }
            Self::ExternalNv(public) => {
                Self::EXTERNAL_NV.marshal(out);
                public.marshal(out);
            }
            Self::PermanentNv(public) => {
                Self::PERMANENT_NV.marshal(out);
                public.marshal(out);
            }
        }
    }
    fn unmarshal(reader: &mut Reader<'_>) -> Result<Self, TpmRc> {
        match u8::unmarshal(reader)? {
            Self::NV_INDEX => Wire::unmarshal(reader).map(Self::NvIndex),
            Self::EXTERNAL_NV => Wire::unmarshal(reader).map(Self::ExternalNv),
            Self::PERMANENT_NV => Wire::unmarshal(reader).map(Self::PermanentNv),
            _ => Err(TpmRc::SELECTOR),
        }
    }
}

/// `TPMS_NV_PUBLIC` (Part 2, 13.6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TpmsNvPublic {
    /// The handle.
    pub nv_index: TpmiRhNvIndex,
    /// The hash of the name, the policy and of an extend index.
    pub name_alg: TpmiAlgHash,
    /// The attributes.
    pub attributes: TpmaNv,
    /// The policy; empty if there is none.
    pub auth_policy: Tpm2bDigest,
    /// Bytes of the contents.
    pub data_size: u16,
}

impl Wire for TpmsNvPublic {
    fn marshal(&self, out: &mut Vec<u8>) {
        self.nv_index.marshal(out);
        self.name_alg.marshal(out);
        self.attributes.marshal(out);
        self.auth_policy.marshal(out);
        self.data_size.marshal(out);
    }
    fn unmarshal(reader: &mut Reader<'_>) -> Result<Self, TpmRc> {
        let public = Self {
            nv_index: Wire::unmarshal(reader)?,
            name_alg: Wire::unmarshal(reader)?,
            attributes: Wire::unmarshal(reader)?,
            auth_policy: Wire::unmarshal(reader)?,
            data_size: Wire::unmarshal(reader)?,
        };
        if usize::from(public.data_size) > MAX_NV_INDEX { Err(TpmRc::SIZE) } else { Ok(public) }
    }
}
