//! Names of entities (Part 1, clause 15).

use alloc::vec::Vec;

use ironroot_crypto::hash;
use ironroot_wire::{Tpm2bName, TpmRc, TpmiAlgHash, TpmsNvPublic, TpmtPublic, Wire};

/// The name of an object: the name algorithm and the digest of the public area; empty if the name algorithm is NULL.
///
/// # Errors
/// None for the algorithms of this implementation.
pub fn object_name(public: &TpmtPublic) -> Result<Tpm2bName, TpmRc> {
    match public.name_alg {
        Some(alg) => digest_name(alg, &public.to_bytes()),
        None => Ok(Tpm2bName::default()),
    }
}

/// The name of an NV index: the name algorithm and the digest of the public area.
///
/// # Errors
/// None for the algorithms of this implementation.
pub fn nv_name(public: &TpmsNvPublic) -> Result<Tpm2bName, TpmRc> {
    digest_name(public.name_alg, &public.to_bytes())
}

/// The qualified name of an object: the name algorithm and the digest of the parent's qualified name and the object's
/// name. The qualified name of a hierarchy is its handle.
///
/// # Errors
/// None for the algorithms of this implementation.
pub fn qualified_name(parent: &[u8], alg: Option<TpmiAlgHash>, name: &[u8]) -> Result<Tpm2bName, TpmRc> {
    match alg {
        Some(alg) => prefixed(alg, &hash::digest(alg, &[parent, name])),
        None => Ok(Tpm2bName::default()),
    }
}

fn digest_name(alg: TpmiAlgHash, bytes: &[u8]) -> Result<Tpm2bName, TpmRc> {
    prefixed(alg, &hash::digest(alg, &[bytes]))
}

fn prefixed(alg: TpmiAlgHash, digest: &[u8]) -> Result<Tpm2bName, TpmRc> {
    let mut name = Vec::with_capacity(digest.len().saturating_add(2));
    alg.marshal(&mut name);
    name.extend_from_slice(digest);
    Tpm2bName::from_slice(&name)
}
