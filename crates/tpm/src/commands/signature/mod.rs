//! Signing and signature verification (Part 3, clause 20).

use ironroot_wire::{
    Sign, SignDigest, SignSequenceComplete, VerifyDigestSignature, VerifySequenceComplete, VerifySignature,
};

use super::{Entry, entry};

mod sign;
mod sign_digest;
mod sign_sequence_complete;
mod verify_digest_signature;
mod verify_sequence_complete;
mod verify_signature;

/// The commands of this chapter.
pub const ACTIONS: &[Entry] = &[
    entry::<VerifySignature>(),
    entry::<VerifySequenceComplete>(),
    entry::<VerifyDigestSignature>(),
    entry::<Sign>(),
    entry::<SignSequenceComplete>(),
    entry::<SignDigest>(),
];
