//! Saved contexts (Part 2, clause 14).

use crate::{Tpm2bContextData, TpmiDhSaved, TpmiRhHierarchy};

wire_struct! {
    /// `TPMS_CONTEXT` (Part 2, 14.5).
    TpmsContext {
        /// The sequence number.
        sequence: u64,
        /// What the context was, and for a session its handle.
        saved_handle: TpmiDhSaved,
        /// The hierarchy.
        hierarchy: TpmiRhHierarchy,
        /// The encrypted, integrity-protected contents.
        context_blob: Tpm2bContextData,
    }
}
