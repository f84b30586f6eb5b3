//! Context management (Part 3, clause 28).

use super::*;
use crate::*;

commands! { CONTEXT;
    /// `TPM2_ContextSave` (Part 3, 28.2).
    ContextSave, ContextSaveResponse = 0x0162 [NO_SESSIONS] (save_handle: TpmiDhContext [None]) {} => () { context: TpmsContext }
    /// `TPM2_ContextLoad` (Part 3, 28.3).
    ContextLoad, ContextLoadResponse = 0x0161 [NO_SESSIONS] () { context: TpmsContext } => (loaded_handle: TpmiDhContext) {}
    /// `TPM2_FlushContext` (Part 3, 28.4). The handle is a parameter, not in the handle area.
    FlushContext, FlushContextResponse = 0x0165 [NO_SESSIONS] () { flush_handle: TpmiDhContext } => () {}
    /// `TPM2_EvictControl` (Part 3, 28.5).
    EvictControl, EvictControlResponse = 0x0120 [NV]
    (auth: TpmiRhProvision [User], object_handle: TpmiDhObject [None]) { persistent_handle: TpmiDhPersistent } => () {}
}
