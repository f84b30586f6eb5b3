//! Asymmetric primitives (Part 3, clause 14).

use ironroot_wire::{Decapsulate, EccParameters, EcdhKeyGen, EcdhZGen, Encapsulate, RsaDecrypt, RsaEncrypt};

use super::{Entry, entry};

mod decapsulate;
mod ecc_parameters;
mod ecdh_key_gen;
mod ecdh_z_gen;
mod encapsulate;
mod rsa_decrypt;
mod rsa_encrypt;

/// The commands of this chapter.
pub const ACTIONS: &[Entry] = &[
    entry::<RsaEncrypt>(),
    entry::<RsaDecrypt>(),
    entry::<EcdhKeyGen>(),
    entry::<EcdhZGen>(),
    entry::<EccParameters>(),
    entry::<Encapsulate>(),
    entry::<Decapsulate>(),
];
