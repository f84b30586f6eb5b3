//! Tests of hashes, HMAC, key derivation, the generator and block ciphers.

use ironroot_crypto::{
    BlockCipher, Cmac, CryptoError, CtrDrbg, Drbg, Random, hash, hkdf_expand, hkdf_extract, hmac, kdf2, kdfa, kdfe,
    rsa::mgf, symmetric, xor_obfuscate,
};
use ironroot_wire::{
    TpmAlgId, TpmiAlgCipherMode, TpmiAlgHash,
    TpmiAlgSymObject::{self, Aes, Camellia, Sm4, Tdes},
};

use super::vectors as v;

const SHA256: TpmiAlgHash = TpmiAlgHash::Sha256;

/// Whether an algorithm passes; `None` if its test is not here.
pub fn test(alg: TpmAlgId) -> Option<bool> {
    Some(match alg {
        TpmAlgId::SHA1 => digest(TpmiAlgHash::Sha1, &v::SHA1),
        TpmAlgId::SHA256 => digest(TpmiAlgHash::Sha256, &v::SHA256),
        TpmAlgId::SHA384 => digest(TpmiAlgHash::Sha384, &v::SHA384),
        TpmAlgId::SHA512 => digest(TpmiAlgHash::Sha512, &v::SHA512),
        TpmAlgId::SM3_256 => digest(TpmiAlgHash::Sm3_256, &v::SM3),
        TpmAlgId::SHA3_256 => digest(TpmiAlgHash::Sha3_256, &v::SHA3_256),
        TpmAlgId::SHA3_384 => digest(TpmiAlgHash::Sha3_384, &v::SHA3_384),
        TpmAlgId::SHA3_512 => digest(TpmiAlgHash::Sha3_512, &v::SHA3_512),
        // The generators have no algorithm identifier; one of them is HMAC in another use.
        TpmAlgId::HMAC => {
            *hmac(SHA256, b"Jefe", &[b"what do ya ", b"want for nothing?"]) == v::HMAC_SHA256 && generators()
        }
        TpmAlgId::KDF1_SP800_108 => *kdfa(SHA256, &key(), b"TEST", b"context u", b"context v", 320) == v::KDFA,
        TpmAlgId::KDF1_SP800_56A => *kdfe(SHA256, &key(), b"TEST", b"party u", b"party v", 320) == v::KDFE,
        TpmAlgId::XOR => {
            let mut data = [0x5A; 40];
            xor_obfuscate(SHA256, &key(), b"nonce newer", b"nonce older", &mut data).is_ok() && data == v::XOR
        }
        TpmAlgId::MGF1 => {
            let mut data = [0; 40];
            mgf::mask(SHA256, b"seed", &mut data);
            data == v::MGF1
        }
        TpmAlgId::KDF2 => *kdf2(SHA256, &v::KDF2_SECRET, &[], 16) == v::KDF2,
        TpmAlgId::HKDF => {
            let key = hkdf_extract(SHA256, &v::HKDF_SALT, &[&[0x0B; 22]]);
            hkdf_expand(SHA256, &key, &[&v::HKDF_INFO], 42).is_ok_and(|output| *output == v::HKDF)
        }
        TpmAlgId::AES => block(Aes, 16, &v::AES128) && block(Aes, 24, &v::AES192) && block(Aes, 32, &v::AES256),
        TpmAlgId::CAMELLIA => {
            block(Camellia, 16, &v::CAMELLIA128)
                && block(Camellia, 24, &v::CAMELLIA192)
                && block(Camellia, 32, &v::CAMELLIA256)
        }
        TpmAlgId::SM4 => block(Sm4, 16, &v::SM4),
        TpmAlgId::TDES => block(Tdes, 16, &v::TDES128) && block(Tdes, 24, &v::TDES192),
        TpmAlgId::CMAC => cmac(),
        TpmAlgId::CTR => mode(TpmiAlgCipherMode::Ctr, &v::AES_CTR),
        TpmAlgId::OFB => mode(TpmiAlgCipherMode::Ofb, &v::AES_OFB),
        TpmAlgId::CBC => mode(TpmiAlgCipherMode::Cbc, &v::AES_CBC),
        TpmAlgId::CFB => mode(TpmiAlgCipherMode::Cfb, &v::AES_CFB),
        TpmAlgId::ECB => mode(TpmiAlgCipherMode::Ecb, &v::AES_ECB),
        _ => return None,
    })
}

fn digest(alg: TpmiAlgHash, expected: &[u8]) -> bool {
    *hash::digest(alg, &[b"a", b"bc"]) == *expected
}

/// The numbers from 0 to 31.
fn key() -> [u8; 32] {
    core::array::from_fn(|index| u8::try_from(index).unwrap_or_default())
}

/// The generator that keys are derived with, and that of random numbers.
fn generators() -> bool {
    let mut ctr = CtrDrbg::new(&v::CTR_DRBG_ENTROPY, &[0; 48]);
    let mut random = [0; 64];
    ctr.fill(&mut random);
    ctr.fill(&mut random);
    let (key, nonce) = (key(), key());
    let mut drbg = Drbg::new(&key, nonce.get(..16).unwrap_or_default(), b"self-test");
    let mut out = [0; 40];
    drbg.fill(&mut out);
    drbg.fill(&mut out);
    random == v::CTR_DRBG && out == v::DRBG
}

/// AES-128 in a mode, both ways.
fn mode(mode: TpmiAlgCipherMode, expected: &[u8]) -> bool {
    let start = if mode == TpmiAlgCipherMode::Ctr { 0xF0 } else { 0x00 };
    let attempt = || -> Result<bool, CryptoError> {
        let cipher = BlockCipher::new(Aes, &v::AES_KEY)?;
        let iv: [u8; symmetric::MAX_BLOCK_SIZE] =
            core::array::from_fn(|index| u8::try_from(index).unwrap_or_default() | start);
        let iv = iv.get(..symmetric::iv_size(Aes, mode)).unwrap_or_default();
        let mut data = v::AES_PLAIN;
        cipher.encrypt(mode, &mut iv.to_vec(), &mut data)?;
        let encrypts = data == *expected;
        cipher.decrypt(mode, &mut iv.to_vec(), &mut data)?;
        Ok(encrypts && data == v::AES_PLAIN)
    };
    attempt() == Ok(true)
}

/// Sixteen bytes with a key of this size, both ways.
fn block(algorithm: TpmiAlgSymObject, key_size: usize, expected: &[u8]) -> bool {
    let plain: [u8; 16] = core::array::from_fn(|index| u8::try_from(index).unwrap_or_default().wrapping_mul(0x11));
    let attempt = || -> Result<bool, CryptoError> {
        let cipher = BlockCipher::new(algorithm, key().get(..key_size).unwrap_or_default())?;
        let mut data = plain;
        cipher.encrypt(TpmiAlgCipherMode::Ecb, &mut [], &mut data)?;
        let encrypts = data == *expected;
        cipher.decrypt(TpmiAlgCipherMode::Ecb, &mut [], &mut data)?;
        Ok(encrypts && data == plain)
    };
    attempt() == Ok(true)
}

fn cmac() -> bool {
    Cmac::new(Aes, &v::AES_KEY).is_ok_and(|mut running| {
        running.update(&v::AES_PLAIN);
        running.update(&v::CMAC_REST);
        running.verify(&v::CMAC).is_ok()
    })
}
