//! An NV index (Part 1, clause 34).

use alloc::vec::Vec;

use ironroot_wire::{Reader, Tpm2bAuth, TpmHandle, TpmRc, TpmaNv, TpmsNvPublic, Wire};
use zeroize::Zeroizing;

/// An NV index with its contents.
#[derive(Clone)]
pub struct NvIndex {
    /// The public area, with the attributes as they are now.
    pub public: TpmsNvPublic,
    /// The auth value.
    pub auth: Tpm2bAuth,
    /// The contents: `data_size` bytes, meaningless until `WRITTEN` is set.
    pub data: Zeroizing<Vec<u8>>,
}

impl NvIndex {
    /// The handle.
    #[must_use]
    pub const fn handle(&self) -> TpmHandle {
        TpmHandle(self.public.nv_index.0)
    }

    /// Whether all of these attributes are set.
    #[must_use]
    pub const fn has(&self, attributes: TpmaNv) -> bool {
        self.public.attributes.contains(attributes)
    }

    /// Bytes that the index takes of the NV space.
    #[must_use]
    pub fn size(&self) -> usize {
        self.to_bytes().len()
    }
}

impl Wire for NvIndex {
    fn marshal(&self, out: &mut Vec<u8>) {
        self.public.marshal(out);
        self.auth.marshal(out);
        out.extend_from_slice(&self.data);
    }

    fn unmarshal(reader: &mut Reader<'_>) -> Result<Self, TpmRc> {
        let public = TpmsNvPublic::unmarshal(reader)?;
        let auth = Tpm2bAuth::unmarshal(reader)?;
        let data = Zeroizing::new(reader.take(usize::from(public.data_size))?.to_vec());
        Ok(Self { public, auth, data })
    }
}
