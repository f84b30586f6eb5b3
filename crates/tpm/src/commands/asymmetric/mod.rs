//! Asymmetric primitives (Part 3, clause 14).

use ironroot_wire::{
    Decapsulate, EccDecrypt, EccEncrypt, EccParameters, EcdhKeyGen, EcdhZGen, Encapsulate, RsaDecrypt, RsaEncrypt,
    ZGen2Phase,
};

use super::{Entry, entry};

mod decapsulate;
mod ecc_decrypt;
mod ecc_encrypt;
mod ecc_parameters;
mod ecdh_key_gen;
mod ecdh_z_gen;
mod encapsulate;
mod rsa_decrypt;
mod rsa_encrypt;
mod zgen_2phase;

/// The commands of this chapter.
pub const ACTIONS: &[Entry] = &[
    entry::<RsaEncrypt>(),
    entry::<RsaDecrypt>(),
    entry::<EcdhKeyGen>(),
    entry::<EcdhZGen>(),
    entry::<EccParameters>(),
    entry::<ZGen2Phase>(),
    entry::<EccEncrypt>(),
    entry::<EccDecrypt>(),
    entry::<Encapsulate>(),
    entry::<Decapsulate>(),
];
