//! NV counters (Part 3, 31.2): a counter that is defined anew never repeats a value of one that was deleted.

use ironroot_wire::TpmHandle;

use crate::{core_state::Core, state::nv_index::NvIndex};

fn value(index: &NvIndex) -> Option<u64> {
    index.is_counter().then(|| index.number())
}

/// The largest value that any counter of this TPM has had.
#[must_use]
pub fn largest(tpm: &Core) -> u64 {
    tpm.nv.indices().filter_map(|index| value(index)).fold(tpm.nv.permanent().max_counter, u64::max)
}

/// Deletes an index. If it is a counter, its value is remembered.
pub fn remove_index(tpm: &mut Core, handle: TpmHandle) {
    let value = tpm.nv.index(handle).and_then(|index| value(index));
    if let Some(value) = value.filter(|&value| value > tpm.nv.permanent().max_counter) {
        tpm.nv.permanent_mut().max_counter = value;
    }
    tpm.nv.remove_index(handle);
}
