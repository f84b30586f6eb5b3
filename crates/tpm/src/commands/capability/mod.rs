//! Capabilities (Part 3, clause 30).

use ironroot_wire::{GetCapability, SetCapability, TestParms};

use super::{Entry, entry};

mod get_capability;
mod handles;
mod pcr_properties;
mod properties;
mod set_capability;
mod test_parms;

/// The commands of this chapter.
pub const ACTIONS: &[Entry] = &[entry::<GetCapability>(), entry::<TestParms>(), entry::<SetCapability>()];
