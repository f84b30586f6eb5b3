//! Attached components: what a TPM can send objects to (Part 3 of the TPM 2.0 Library, clause 32; deprecated there).

use alloc::vec::Vec;

/// An object as it is sent: its two areas in the encoding of the TPM 2.0 Library. The sensitive area is secret.
pub struct SentObject<'a> {
    /// `TPMT_PUBLIC`.
    pub public: &'a [u8],
    /// `TPMT_SENSITIVE`.
    pub sensitive: &'a [u8],
    /// What the sender adds (`acDataIn`).
    pub data: &'a [u8],
}

/// A tagged value of a component (`TPMS_AC_OUTPUT`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ComponentValue {
    /// What the value is (`TPM_AT`).
    pub tag: u32,
    /// The value.
    pub data: u32,
}

/// A component beside the TPM that takes objects over a channel that nobody else sees.
pub trait AttachedComponent: Send {
    /// What there is to know of the component, in ascending order of the tags.
    fn capabilities(&self) -> Vec<ComponentValue>;

    /// Takes an object. What goes wrong in the component is in the answer, with the tag `TPM_AT_ERROR` (1).
    fn receive(&mut self, object: &SentObject<'_>) -> ComponentValue;
}
