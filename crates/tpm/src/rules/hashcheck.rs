//! Which digests a restricted key may sign (Part 1, clause 32.4; Part 2, 10.6.7): those of messages that cannot be taken
//! for a structure of the TPM's own. The TPM itself has hashed the message, and says so with a ticket.

use alloc::vec::Vec;

use ironroot_wire::{TPM_GENERATED_VALUE, TpmRc, TpmiAlgHash, TpmtTkHashcheck, Wire};

use super::tickets;
use crate::{core_state::Core, state::hierarchy::Hierarchy};

/// Whether a message starts like a structure of the TPM's own.
#[must_use]
pub fn looks_generated(message: &[u8]) -> bool {
    message.starts_with(&TPM_GENERATED_VALUE.to_be_bytes())
}

/// A ticket for the digest of a safe message. It is bound to the algorithm, too, because a digest of one algorithm may not
/// be signed as that of another (Part 3, 20.5).
///
/// # Errors
/// None: the digest always fits.
pub fn ticket(tpm: &Core, hierarchy: Hierarchy, alg: TpmiAlgHash, digest: &[u8]) -> Result<TpmtTkHashcheck, TpmRc> {
    tickets::hashcheck(tpm, hierarchy, &bound(alg, digest))
}

/// Checks a ticket.
///
/// # Errors
/// `TPM_RC_TICKET` if this TPM did not make it for this digest and algorithm.
pub fn check(tpm: &Core, ticket: &TpmtTkHashcheck, alg: TpmiAlgHash, digest: &[u8]) -> Result<(), TpmRc> {
    tickets::check_hashcheck(tpm, ticket, &bound(alg, digest))
}

fn bound(alg: TpmiAlgHash, digest: &[u8]) -> Vec<u8> {
    let mut bound = alg.to_bytes();
    bound.extend_from_slice(digest);
    bound
}

/// Notes the start of a message that comes in pieces. Only the first piece counts: if it is too short to show that the
/// message is safe, the message is treated as if it were not (Part 3, 17.8).
pub fn note_first_bytes(first_bytes: &mut Vec<u8>, piece: &[u8]) {
    if first_bytes.is_empty() {
        let generated = TPM_GENERATED_VALUE.to_be_bytes();
        first_bytes.extend_from_slice(piece.first_chunk::<4>().unwrap_or(&generated));
    }
}
