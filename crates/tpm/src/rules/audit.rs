//! Command audit (Part 1, clause 32; Part 3, clause 21): which commands are audited, and with which hash.

use ironroot_crypto::hash;
use ironroot_wire::{Tpm2bDigest, TpmCc, TpmRc, TpmiAlgHash, Wire};

use crate::{
    core_state::{Core, Mode},
    profile::Profile,
};

const SHUTDOWN: TpmCc = TpmCc(0x0145);

/// The hash of the audit: until it is changed, SHA-512 where the profile has it.
#[must_use]
pub fn hash_alg(tpm: &Core) -> TpmiAlgHash {
    let default = if tpm.profile.rules.algorithms.contains(TpmiAlgHash::Sha512.value()) {
        TpmiAlgHash::Sha512
    } else {
        TpmiAlgHash::Sha256
    };
    tpm.nv.settings().audit_alg.unwrap_or(default)
}

/// Whether a command may be audited: `TPM2_Shutdown` never is, and what is not implemented cannot be.
#[must_use]
pub fn may_audit(profile: &Profile, code: TpmCc) -> bool {
    code != SHUTDOWN && crate::commands::find(profile, code).is_some()
}

/// Whether a command is audited now.
#[must_use]
pub fn is_audited(tpm: &Core, code: TpmCc) -> bool {
    tpm.mode != Mode::Failure && tpm.nv.settings().audited.contains(&code)
}

/// The digest of the codes of the audited commands (`TPMS_COMMAND_AUDIT_INFO`, Part 2, 10.11.5).
///
/// # Errors
/// None: the digest always fits.
pub fn command_digest(tpm: &Core) -> Result<Tpm2bDigest, TpmRc> {
    let mut codes = alloc::vec::Vec::new();
    for code in tpm.nv.settings().audited.iter() {
        code.marshal(&mut codes);
    }
    Tpm2bDigest::from_slice(&hash::digest(hash_alg(tpm), &[&codes]))
}
