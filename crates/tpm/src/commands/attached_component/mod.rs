//! Attached components (Part 3, clause 32): those that the holder of the TPM has attached ([`crate::Tpm::attach`]).

use alloc::boxed::Box;

use ironroot_platform::AttachedComponent;
use ironroot_wire::{AcGetCapability, AcSend, PolicyAcSendSelect, TpmiRhAc};

use super::{Entry, entry};
use crate::core_state::Core;

mod ac_get_capability;
mod ac_send;
mod policy_ac_send_select;

/// The commands of this chapter.
pub const ACTIONS: &[Entry] = &[entry::<AcGetCapability>(), entry::<AcSend>(), entry::<PolicyAcSendSelect>()];

/// The component with a handle.
fn component(tpm: &mut Core, handle: TpmiRhAc) -> Option<&mut Box<dyn AttachedComponent>> {
    tpm.components.get_mut(usize::try_from(handle.0 & 0xFFFF).ok()?)
}
