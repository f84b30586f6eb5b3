//! Attached components (Part 3, clause 32). This TPM has none, so every handle of one is refused in the handle area.

use ironroot_wire::{AcGetCapability, AcSend, PolicyAcSendSelect};

use super::{Entry, entry};

mod ac_get_capability;
mod ac_send;
mod policy_ac_send_select;

/// The commands of this chapter.
pub const ACTIONS: &[Entry] = &[entry::<AcGetCapability>(), entry::<AcSend>(), entry::<PolicyAcSendSelect>()];
