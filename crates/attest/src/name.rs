//! Names of objects (Part 1, clause 13): the digest by which a TPM, and whoever certifies its keys, knows an object.

use ironroot_crypto::hash::digest;
use ironroot_wire::{TpmtPublic, Wire};

/// The name of an object: its name algorithm and the digest of its public area. Empty if the object has no name
/// algorithm.
#[must_use]
pub fn object_name(public: &TpmtPublic) -> Vec<u8> {
    let Some(algorithm) = public.name_alg else { return Vec::new() };
    let mut name = algorithm.to_bytes();
    name.extend_from_slice(&digest(algorithm, &[&public.to_bytes()]));
    name
}

/// Reads a public area as tools hand it over: `TPMT_PUBLIC`, or `TPM2B_PUBLIC` with its size in front.
///
/// # Errors
/// The response code that Part 2 names for what is wrong, as text.
pub fn parse_public(bytes: &[u8]) -> Result<TpmtPublic, ironroot_wire::TpmRc> {
    match bytes.split_first_chunk::<2>() {
        // No type of object has the number of a whole public area's size: the two forms cannot be confused.
        Some((size, rest)) if usize::from(u16::from_be_bytes(*size)) == rest.len() => TpmtPublic::from_bytes(rest),
        _ => TpmtPublic::from_bytes(bytes),
    }
}
