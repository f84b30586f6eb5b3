//! Names (Part 1, clause 13): what identifies an entity in a cpHash, a policy or a credential.

use ironroot_crypto::digest;
use ironroot_wire::{Tpm2bName, TpmiAlgHash, TpmsNvPublic, TpmtPublic, Wire};

/// The name of an object: its name algorithm and the digest of its public area. Empty if it has no name algorithm.
#[must_use]
pub fn object_name(public: &TpmtPublic) -> Tpm2bName {
    public.name_alg.map_or_else(Tpm2bName::default, |hash| name(hash, &public.to_bytes()))
}

/// The name of an NV index: its name algorithm and the digest of its public area.
#[must_use]
pub fn nv_name(public: &TpmsNvPublic) -> Tpm2bName {
    name(public.name_alg, &public.to_bytes())
}

fn name(hash: TpmiAlgHash, area: &[u8]) -> Tpm2bName {
    let mut name = hash.to_bytes();
    name.extend_from_slice(&digest(hash, &[area]));
    // A name buffer has room for the largest digest, so this never falls back.
    Tpm2bName::from_slice(&name).unwrap_or_default()
}
