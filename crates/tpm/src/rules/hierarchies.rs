//! What goes when the seed of a hierarchy goes.

use alloc::vec::Vec;

use ironroot_wire::TpmHandle;

use crate::{
    core_state::Core,
    state::{hierarchy::Base, objects::Slot},
};

/// Removes every object, transient or persistent, of the hierarchies that `goes` tells: the limited ones go with their base.
pub fn remove_objects(tpm: &mut Core, goes: impl Fn(Base) -> bool) {
    tpm.objects.flush_if(|slot| matches!(slot, Slot::Object(object) if goes(object.hierarchy.base)));
    let persistent: Vec<TpmHandle> =
        tpm.nv.persistents().filter(|(_, object)| goes(object.hierarchy.base)).map(|(handle, _)| handle).collect();
    for handle in persistent {
        tpm.nv.remove_persistent(handle);
    }
}
