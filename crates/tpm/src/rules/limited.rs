//! Firmware-limited and SVN-limited hierarchies (Part 1, clause 41): their seeds and proofs are those of their base and a
//! secret that only the firmware has, or only firmware of a security version. docs/derivations.md pins the derivation.

use alloc::vec::Vec;

use ironroot_crypto::kdf::kdfa;
use ironroot_platform::{Firmware, FirmwareSecret};
use ironroot_wire::{TpmRc, TpmiAlgHash};
use zeroize::Zeroizing;

use crate::state::hierarchy::{Limit, PROOF_SIZE, SEED_SIZE};

const SEED_LABEL: &[u8] = b"H_SEED_SECRET";
const PROOF_LABEL: &[u8] = b"H_PROOF_SECRET";
const FIRMWARE_LABEL: &[u8] = b"H_FW_SECRET";
const SVN_LABEL: &[u8] = b"H_SVN_SECRET";
const FINGERPRINT_LABEL: &[u8] = b"FINGERPRINT";
const FINGERPRINT_BITS: u32 = 256;
/// Bytes of a [`fingerprint`].
pub const FINGERPRINT_SIZE: usize = 32;

/// The secret of a limit and its label; none for no limit.
fn secret(firmware: &dyn Firmware, limit: Limit) -> Result<Option<(FirmwareSecret, &'static [u8])>, TpmRc> {
    Ok(match limit {
        Limit::None => None,
        Limit::Firmware => Some((firmware.secret().ok_or(TpmRc::FW_LIMITED)?, FIRMWARE_LABEL)),
        // Whatever the platform says, a hierarchy of a higher SVN is not this firmware's.
        Limit::Svn(svn) if svn > firmware.svn() => return Err(TpmRc::SVN_LIMITED),
        Limit::Svn(svn) => Some((firmware.svn_secret(svn).ok_or(TpmRc::SVN_LIMITED)?, SVN_LABEL)),
    })
}

/// Whether the secret of a limit is there.
///
/// # Errors
/// `TPM_RC_FW_LIMITED`, `TPM_RC_SVN_LIMITED`.
pub fn check(firmware: &dyn Firmware, limit: Limit) -> Result<(), TpmRc> {
    secret(firmware, limit).map(|_| ())
}

fn limited(
    firmware: &dyn Firmware,
    limit: Limit,
    base: &[u8],
    label: &[u8],
    size: usize,
) -> Result<Zeroizing<Vec<u8>>, TpmRc> {
    let Some((secret, secret_label)) = secret(firmware, limit)? else { return Ok(Zeroizing::new(base.to_vec())) };
    let bits = u32::try_from(size.saturating_mul(8)).map_err(|_| TpmRc::FAILURE)?;
    Ok(kdfa(TpmiAlgHash::Sha512, base, label, secret.as_slice(), secret_label, bits))
}

/// The primary seed under a limit.
///
/// # Errors
/// As [`check`].
pub fn seed(firmware: &dyn Firmware, limit: Limit, base: &[u8]) -> Result<Zeroizing<Vec<u8>>, TpmRc> {
    limited(firmware, limit, base, SEED_LABEL, SEED_SIZE)
}

/// The proof under a limit.
///
/// # Errors
/// As [`check`].
pub fn proof(firmware: &dyn Firmware, limit: Limit, base: &[u8]) -> Result<Zeroizing<Vec<u8>>, TpmRc> {
    limited(firmware, limit, base, PROOF_LABEL, PROOF_SIZE)
}

/// What tells one firmware from another and gives nothing of its secret away; zeros if there is none.
#[must_use]
pub fn fingerprint(firmware: &dyn Firmware) -> [u8; FINGERPRINT_SIZE] {
    let of = |secret: FirmwareSecret| {
        let bytes = kdfa(TpmiAlgHash::Sha512, secret.as_slice(), FINGERPRINT_LABEL, &[], &[], FINGERPRINT_BITS);
        bytes.first_chunk().copied().unwrap_or_default()
    };
    firmware.secret().map_or([0; FINGERPRINT_SIZE], of)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use alloc::string::String;

    use ironroot_platform::memory::TestFirmware;

    use super::*;

    const DOCUMENT: &str = include_str!("../../../../docs/derivations.md");

    #[test]
    fn seeds_and_proofs_are_what_the_document_says() {
        let block = DOCUMENT.split("```vectors-tpm-limited-v1\n").nth(1).unwrap().split("```").next().unwrap();
        let documented =
            |name: &str| block.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(" = ")).unwrap();
        let hex = |bytes: &[u8]| -> String { bytes.iter().map(|byte| alloc::format!("{byte:02x}")).collect() };
        // The secret of this SVN is 64 bytes of 05, too.
        let firmware = TestFirmware { image: 5, svn: 0x0505 };
        for (limit, name) in [(Limit::Firmware, "firmware"), (Limit::Svn(0x0505), "SVN")] {
            let found = seed(&firmware, limit, &[4; 64]).unwrap();
            assert_eq!(hex(&found), documented(&alloc::format!("{name}-limited seed")));
            let found = proof(&firmware, limit, &[4; 64]).unwrap();
            assert_eq!(hex(&found), documented(&alloc::format!("{name}-limited proof")));
        }
    }
}
