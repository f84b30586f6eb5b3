//! Known keys, public and private.
#![allow(dead_code, clippy::unwrap_used, missing_docs)]

use ironroot_crypto::hash::digest;
use ironroot_wire::{
    PublicKind, SeedValue, Tpm2bAuth, Tpm2bDigest, Tpm2bEccParameter, Tpm2bEccPrivate, Tpm2bPrivateKeyRsa,
    Tpm2bPublicKeyRsa, Tpm2bSensitiveData, Tpm2bSymKey, TpmiAlgHash, TpmsEccPoint, TpmtPublic, TpmtSensitive,
    TpmuSensitiveComposite,
};

use super::*;

/// An RSA key that OpenSSL generated for these tests.
pub const RSA_N: &str = "c568ece565204ea1686705cb4a476afbdb48eb4c5c86bffbe328c1bd01bea66125de09a08dd837d34ee6d93df61c9ebf7a6e94f6f2cd2d67\
    9cbbceb6d239fea9cea7364a02eaba3bf4bcb76c2cdff7889c716599491637a14f4094450beb5424f4d4be028aae4706fbcfa50fc893fa46\
    a652cd38344d99fa85e6bbc1cf4a7e685e31fbb9ba4fc827d599362240ef283a7309c95d4e13f983e5d8ed23ec30c355717ff8f15165b406\
    af73c1c88d6e2b664cab8ed1028c4b42cc21fb6135ff5a2b9ef280284363383cc611225a1b00cb3ea8ad73d2f16a951a394adc5d191e60ac\
    84a3d18995fe9f5a493e005677100e0d9004c6ee6051c9971106c3c113060193";
pub const RSA_P: &str = "ea3167160d05a7eb1a985f14c1c9c3565a7aea312058aad62afed32762f969bc039e3c7c3d700f310e4bc4dc365b8a8a932a1c2eef11284d\
    d4c94d62f7e9c5dfef9f1a35bff699ea6cf0bc3714abef29ba29521eeab0b25f1ce55904a26c24b8bf48aafed848468368c3bdce2e7361e7\
    aeeab984969639a3c3f2125d81eb978d";

/// The key of RFC 6979, A.2.5.
pub const EC_D: &str = "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721";
pub const EC_X: &str = "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6";
pub const EC_Y: &str = "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299";

/// What an external key may be: userWithAuth and its use.
pub const PLAIN: A = A::USER_WITH_AUTH;

pub fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

pub fn rsa_public() -> TpmtPublic {
    let mut public = rsassa(PLAIN);
    if let PublicKind::Rsa(_, unique) = &mut public.kind {
        *unique = Tpm2bPublicKeyRsa::from_slice(&bytes(RSA_N)).unwrap();
    }
    public
}

pub fn ec_point(x: &[u8], y: &[u8]) -> TpmsEccPoint {
    TpmsEccPoint { x: Tpm2bEccParameter::from_slice(x).unwrap(), y: Tpm2bEccParameter::from_slice(y).unwrap() }
}

pub fn ec_public() -> TpmtPublic {
    let mut public = ecdsa(PLAIN);
    if let PublicKind::Ecc(_, unique) = &mut public.kind {
        *unique = ec_point(&bytes(EC_X), &bytes(EC_Y));
    }
    public
}

pub fn sensitive(value: TpmuSensitiveComposite) -> TpmtSensitive {
    TpmtSensitive { auth_value: Tpm2bAuth::default(), seed_value: SeedValue::default(), sensitive: value }
}

pub fn rsa_private() -> TpmtSensitive {
    sensitive(TpmuSensitiveComposite::Rsa(Tpm2bPrivateKeyRsa::from_slice(&bytes(RSA_P)).unwrap()))
}

pub fn ec_private() -> TpmtSensitive {
    sensitive(TpmuSensitiveComposite::Ecc(Tpm2bEccPrivate::from_slice(&bytes(EC_D)).unwrap()))
}

pub fn aes_pair(key: &[u8]) -> (TpmtPublic, TpmtSensitive) {
    let seed = [9; 32];
    let mut public = symcipher(PLAIN | A::DECRYPT);
    if let PublicKind::Symcipher(_, unique) = &mut public.kind {
        *unique = Tpm2bDigest::from_slice(&digest(TpmiAlgHash::Sha256, &[&seed, key])).unwrap();
    }
    let mut sensitive = sensitive(TpmuSensitiveComposite::Sym(Tpm2bSymKey::from_slice(key).unwrap()));
    sensitive.seed_value = SeedValue::from_slice(&seed).unwrap();
    (public, sensitive)
}

/// A key of a block cipher.
pub fn cipher_pair(sym: TpmtSymDefObject, attributes: A, key: &[u8]) -> (TpmtPublic, TpmtSensitive) {
    let (mut public, private) = aes_pair(key);
    public.object_attributes = attributes;
    if let PublicKind::Symcipher(parms, _) = &mut public.kind {
        parms.sym = sym;
    }
    (public, private)
}

pub fn hmac_pair(key: &[u8]) -> (TpmtPublic, TpmtSensitive) {
    let seed = [9; 32];
    let mut public = keyedhash(PLAIN | SIGN, hmac_sha256());
    if let PublicKind::Keyedhash(_, unique) = &mut public.kind {
        *unique = Tpm2bDigest::from_slice(&digest(TpmiAlgHash::Sha256, &[&seed, key])).unwrap();
    }
    let mut sensitive = sensitive(TpmuSensitiveComposite::Bits(Tpm2bSensitiveData::from_slice(key).unwrap()));
    sensitive.seed_value = SeedValue::from_slice(&seed).unwrap();
    (public, sensitive)
}
