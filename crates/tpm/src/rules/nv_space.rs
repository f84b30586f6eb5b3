//! The space of NV memory that indices take.

use ironroot_wire::TpmRc;

use crate::core_state::Core;

/// Whether all indices together, as they are staged now, fit into the NV memory of the profile.
///
/// # Errors
/// `TPM_RC_NV_SPACE` if not.
pub fn check(tpm: &Core) -> Result<(), TpmRc> {
    let used = tpm.nv.indices().fold(0usize, |used, index| used.saturating_add(index.size()));
    if used <= tpm.profile.nv_space { Ok(()) } else { Err(TpmRc::NV_SPACE) }
}
