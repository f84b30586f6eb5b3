//! Block ciphers, hashes with secret input, HMAC, key derivation and the generator. The same code with both providers.

use ironroot_crypto::{
    BlockCipher, Cmac, CryptoError, CtrDrbg, Drbg, Hmac, Random, hkdf_expand, hkdf_extract, kdf2, kdfa, kdfe,
    symmetric, xor_obfuscate,
};
use ironroot_wire::{TpmiAlgCipherMode, TpmiAlgHash, TpmiAlgSymObject};

use super::List;
use crate::{Numbers, memcheck};

/// The name of every cipher that is known to look things up in tables.
pub const TABLES: [&str; 3] = ["Camellia", "Sm4", "Tdes"];

const SHA256: TpmiAlgHash = TpmiAlgHash::Sha256;
const MODES: [TpmiAlgCipherMode; 5] = [
    TpmiAlgCipherMode::Ctr,
    TpmiAlgCipherMode::Ofb,
    TpmiAlgCipherMode::Cbc,
    TpmiAlgCipherMode::Cfb,
    TpmiAlgCipherMode::Ecb,
];

fn marked(name: &str, size: usize) -> Vec<u8> {
    let secret = Numbers::new(name).bytes(size);
    memcheck::secret(&secret);
    secret
}

pub(super) fn list(all: &mut List) {
    use TpmiAlgSymObject::{Aes, Camellia, Sm4, Tdes};
    for algorithm in [Aes, Camellia, Sm4, Tdes] {
        for &bits in symmetric::key_bits(algorithm) {
            all.add(format!("both/{algorithm:?}-{bits}/every mode"), move || cipher(algorithm, usize::from(bits / 8)));
        }
    }
    all.add("both/Aes-128/CMAC verification", || {
        let mut running = Cmac::new(Aes, &marked("cmac", 16)).expect("the size");
        running.update(&marked("data", 40));
        assert_eq!(memcheck::released(running.verify(&[0; 16])), Err(CryptoError::Invalid));
    });
    for &hash in TpmiAlgHash::EVERY {
        all.add(format!("both/HMAC-{hash:?}/verification"), move || {
            for size in [20, 200] {
                let mut running = Hmac::new(hash, &marked("hmac", size));
                running.update(&marked("data", 150));
                let right = running.peek(&[]);
                memcheck::public(&right);
                assert_eq!(memcheck::released(running.clone().verify(&[0; 20])), Err(CryptoError::Invalid));
                assert_eq!(memcheck::released(running.verify(&right)), Ok(()));
            }
        });
    }
    all.add("both/KDF/KDFa", || drop(kdfa(SHA256, &marked("kdf", 32), b"LABEL", b"u", b"v", 521)));
    all.add("both/KDF/KDFe", || drop(kdfe(SHA256, &marked("kdf", 32), b"LABEL", b"u", b"v", 521)));
    all.add("both/KDF/KDF2", || drop(kdf2(SHA256, &marked("kdf", 64), b"info", 70)));
    all.add("both/KDF/HKDF", || {
        let key = hkdf_extract(SHA256, b"salt", &[&marked("kdf", 32)]);
        drop(hkdf_expand(SHA256, &key, &[b"info"], 70));
    });
    all.add("both/KDF/XOR", || {
        let mut data = marked("data", 50);
        xor_obfuscate(SHA256, &marked("kdf", 32), b"u", b"v", &mut data).expect("it is short");
    });
    all.add("both/DRBG/seed, generate, reseed", || {
        let mut drbg = Drbg::new(&marked("drbg", 32), &marked("nonce", 16), b"test");
        let mut out = [0; 100];
        drbg.fill(&mut out);
        drbg.reseed(&marked("again", 48), &[]);
        drbg.fill(&mut out);
        memcheck::public(&out);
    });
    all.add("both/CTR_DRBG/seed, generate, reseed", || {
        let seed = |name| {
            let mut seed = [0; 48];
            seed.copy_from_slice(&marked(name, 48));
            seed
        };
        let mut drbg = CtrDrbg::new(&seed("drbg"), &[0; 48]);
        let mut out = [0; 50];
        drbg.fill(&mut out);
        drbg.reseed(&seed("again"), &[0; 48]);
        drbg.fill(&mut out);
        memcheck::public(&out);
    });
}

fn cipher(algorithm: TpmiAlgSymObject, size: usize) {
    let mut key = Numbers::new("cipher").bytes(size);
    symmetric::finish_key(algorithm, &mut key).expect("it is no weak key");
    memcheck::secret(&key);
    let cipher = BlockCipher::new(algorithm, &key).expect("a key");
    for mode in MODES {
        let iv = vec![1; symmetric::iv_size(algorithm, mode)];
        let mut data = marked("data", 64);
        cipher.encrypt(mode, &mut iv.clone(), &mut data).expect("whole blocks");
        cipher.decrypt(mode, &mut iv.clone(), &mut data).expect("whole blocks");
        if !symmetric::needs_whole_blocks(mode) {
            cipher.encrypt(mode, &mut iv.clone(), &mut data[..45]).expect("any size");
        }
    }
}
