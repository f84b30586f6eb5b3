//! An NV index (Part 1, clause 34).

use alloc::vec::Vec;

use ironroot_wire::{Reader, Tpm2bAuth, TpmHandle, TpmNt, TpmRc, TpmaNv, TpmsNvPublic, Wire};
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
        let public = self.public.to_bytes().len();
        public.saturating_add(2).saturating_add(self.auth.len()).saturating_add(self.data.len())
    }

    /// The 64-bit number that an index of a type other than `TPM_NT_ORDINARY` and `TPM_NT_EXTEND` holds: zero as long as
    /// the index has not been written.
    #[must_use]
    pub fn number(&self) -> u64 {
        let written = self.has(TpmaNv::WRITTEN);
        self.data.first_chunk().filter(|_| written).map_or(0, |bytes| u64::from_be_bytes(*bytes))
    }

    /// Whether the index is a counter.
    #[must_use]
    pub fn is_counter(&self) -> bool {
        self.public.attributes.nt() == Ok(TpmNt::Counter)
    }

    /// Whether a change of the index has to outlive a loss of power. Only that of an orderly index need not (Part 1,
    /// 34.2.4), and even of one these have to:
    /// - the first value of a counter, and each one whose low bits are zero: what is stored and those bits set is then
    ///   never less than the value that the counter had;
    /// - the auth value, and a counter's write lock for good. Part 2 would allow to lose them.
    #[must_use]
    pub fn outlives(&self, stored: &Self) -> bool {
        let rolled_over = self.number() != stored.number() && self.number() & MAX_ORDERLY_COUNT == 0;
        let locked = self.has(TpmaNv::WRITEDEFINE | TpmaNv::WRITELOCKED) && !stored.has(TpmaNv::WRITELOCKED);
        let counter = self.is_counter() && (!stored.has(TpmaNv::WRITTEN) || rolled_over || locked);
        !self.has(TpmaNv::ORDERLY) || counter || self.auth != stored.auth
    }

    /// Whether this can be the orderly index that is stored, at a later time.
    #[must_use]
    pub fn is_later_than(&self, stored: &Self) -> bool {
        let fixed = |index: &Self| TpmsNvPublic {
            attributes: index.public.attributes.without(VARIABLE),
            ..index.public.clone()
        };
        self.has(TpmaNv::ORDERLY) && fixed(self) == fixed(stored) && self.number() >= self.counted(stored)
    }

    /// What a counter cannot be less than if it was stored as `stored`.
    fn counted(&self, stored: &Self) -> u64 {
        if self.is_counter() { stored.number() } else { 0 }
    }
}

/// `TPM_PT_ORDERLY_COUNT`: an orderly counter is stored each time that these bits of it have become zero.
pub const MAX_ORDERLY_COUNT: u64 = 0xFF;

/// The attributes that change while an index exists.
const VARIABLE: TpmaNv = TpmaNv::WRITTEN.with(TpmaNv::WRITELOCKED).with(TpmaNv::READLOCKED);

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
