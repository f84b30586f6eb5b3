//! Asymmetric primitives (Part 3, clause 14).

use ironroot_wire::{EccParameters, EcdhKeyGen, EcdhZGen, RsaDecrypt, RsaEncrypt};

use super::{Entry, entry};

mod ecc_parameters;
mod ecdh_key_gen;
mod ecdh_z_gen;
mod rsa_decrypt;
mod rsa_encrypt;

/// The commands of this chapter.
pub const ACTIONS: &[Entry] = &[
    entry::<RsaEncrypt>(),
    entry::<RsaDecrypt>(),
    entry::<EcdhKeyGen>(),
    entry::<EcdhZGen>(),
    entry::<EccParameters>(),
];
