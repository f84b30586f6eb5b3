use alloc::{vec, vec::Vec};
use ironroot_wire::{
    TpmiAlgCipherMode::{self, Cbc, Cfb, Ctr, Ecb, Ofb},
    TpmiAlgHash::Sha256,
    TpmiAlgSymObject::{self, Aes, Camellia, Sm4, Tdes},
};

use super::{
    BlockCipher, Cmac, MAX_BLOCK_SIZE, cfb_decrypt, cfb_encrypt, check_key, finish_key, iv_size, key_bits,
    needs_whole_blocks, tdes, xor_obfuscate,
};
use crate::{
    CryptoError,
    vectors::{hex, rows},
};

const MODES: [TpmiAlgCipherMode; 5] = [Ctr, Ofb, Cbc, Cfb, Ecb];

fn mode(name: &str) -> TpmiAlgCipherMode {
    MODES[["ctr", "ofb", "cbc", "cfb", "ecb"].iter().position(|known| *known == name).unwrap()]
}

fn algorithm(name: &str) -> TpmiAlgSymObject {
    TpmiAlgSymObject::EVERY[["tdes", "aes", "sm4", "camellia"].iter().position(|known| *known == name).unwrap()]
}

/// A cipher with each size of key, none of them weak.
fn every() -> Vec<BlockCipher> {
    let key: Vec<u8> = (1..=32).collect();
    TpmiAlgSymObject::EVERY
        .iter()
        .flat_map(|alg| key_bits(*alg).iter().map(|bits| (*alg, usize::from(bits / 8))))
        .map(|(alg, size)| BlockCipher::new(alg, &key[..size]).unwrap())
        .collect()
}

#[test]
fn every_size_of_every_cipher() {
    let all = every();
    assert_eq!(all.len(), 9);
    for cipher in all {
        assert!(cipher.block_size() <= MAX_BLOCK_SIZE);
        assert!(alloc::format!("{cipher:?}").contains(&alloc::format!("{:?}", cipher.algorithm())));
    }
}

fn published(algorithm: TpmiAlgSymObject, row: &[&str]) {
    let [name, key, iv, plain, encrypted] = row else { panic!("{row:?}") };
    let cipher = BlockCipher::new(algorithm, &hex(key)).unwrap();
    let (mode, plain, encrypted) = (mode(name), hex(plain), hex(encrypted));
    let mut data = plain.clone();
    cipher.encrypt(mode, &mut hex(iv), &mut data).unwrap();
    assert_eq!(data, encrypted, "{algorithm:?} {row:?}");
    cipher.decrypt(mode, &mut hex(iv), &mut data).unwrap();
    assert_eq!(data, plain, "{algorithm:?} {row:?}");
}

#[test]
fn published_vectors_of_aes() {
    let mut seen = 0;
    for row in rows(include_str!("../../vectors/aes.txt")) {
        published(Aes, &row);
        seen += 1;
    }
    assert!(seen > 120, "{seen}");
}

#[test]
fn published_vectors_of_the_other_ciphers() {
    let mut seen = Vec::new();
    for row in rows(include_str!("../../vectors/cipher.txt")) {
        published(algorithm(row[0]), &row[1..]);
        if !seen.contains(&(row[0], row[1])) {
            seen.push((row[0], row[1]));
        }
    }
    assert_eq!(seen.len(), 14, "each cipher in each mode, but for TDES in CTR: {seen:?}");
}

/// GB/T 32907-2016, A.2. The standard goes on to a million.
#[test]
fn sm4_on_its_own_output() {
    let key = hex("0123456789abcdeffedcba9876543210");
    let cipher = BlockCipher::new(Sm4, &key).unwrap();
    let mut data = key;
    for _ in 0..1_000_000 {
        cipher.encrypt(Ecb, &mut [], &mut data).unwrap();
    }
    assert_eq!(data, hex("595298c7c6fd271f0402f804c33d3f66"));
}

/// No published vectors: CTR is ECB of the counter, which is the whole block.
#[test]
fn ctr_of_tdes_is_ecb_of_a_counter_of_64_bits() {
    let cipher = BlockCipher::new(Tdes, &(1..=24).collect::<Vec<u8>>()).unwrap();
    let mut iv = hex("00000000ffffffff");
    let mut data = vec![0; 20];
    cipher.encrypt(Ctr, &mut iv, &mut data).unwrap();
    let mut stream = hex("00000000ffffffff00000001000000000000000100000001");
    cipher.encrypt(Ecb, &mut [], &mut stream).unwrap();
    assert_eq!(data, stream[..20]);
    assert_eq!(iv, hex("0000000100000002"));
}

/// Part 3, table 64: the chaining value that comes out continues the message.
#[test]
fn a_message_in_pieces_is_the_message() {
    let message: Vec<u8> = (0..=255).collect();
    for cipher in every() {
        for mode in MODES {
            let start = vec![0xf0; iv_size(cipher.algorithm(), mode)];
            let (mut iv, mut whole) = (start.clone(), message.clone());
            cipher.encrypt(mode, &mut iv, &mut whole).unwrap();

            let (mut running, mut pieces) = (start.clone(), message.clone());
            for piece in pieces.chunks_mut(48) {
                cipher.encrypt(mode, &mut running, piece).unwrap();
            }
            assert_eq!((&pieces, &running), (&whole, &iv), "{cipher:?} {mode:?}");

            let mut running = start;
            for piece in pieces.chunks_mut(80) {
                cipher.decrypt(mode, &mut running, piece).unwrap();
            }
            assert_eq!((&pieces, &running), (&message, &iv), "{cipher:?} {mode:?}");
        }
    }
}

#[test]
fn the_chaining_value_of_each_mode() {
    for cipher in every() {
        let block = cipher.block_size();
        let after = |mode, iv: u8, size: usize| {
            let (mut iv, mut data) = (vec![iv; block], vec![0x11; size]);
            cipher.encrypt(mode, &mut iv, &mut data).unwrap();
            (iv, data)
        };
        let number = |value: u8| [&vec![0; block - 1][..], &[value]].concat();
        // The example of Part 3, table 64, and a counter that overflows all its bits; a partial block counts.
        assert_eq!(after(Ctr, 0, 4 * block).0, number(4));
        assert_eq!(after(Ctr, 0xff, block + 1).0, number(1));
        // OFB: the last keystream block, of a partial block too.
        let (iv, data) = after(Ofb, 9, 2 * block);
        let last: Vec<u8> = data[block..].iter().map(|byte| byte ^ 0x11).collect();
        assert_eq!(iv, last);
        assert_eq!(after(Ofb, 9, block + 4).0, last);
        // CBC and CFB: the last ciphertext block, a partial one with the rest of its mask behind it.
        for mode in [Cbc, Cfb] {
            let (iv, data) = after(mode, 9, 2 * block);
            assert_eq!(iv, data[block..]);
        }
        let (iv, data) = after(Cfb, 9, block + 3);
        let (_, longer) = after(Cfb, 9, 2 * block);
        let mask: Vec<u8> = longer[block + 3..].iter().map(|byte| byte ^ 0x11).collect();
        assert_eq!(iv, [&data[block..], &mask[..]].concat());
        // Nothing in, nothing changed.
        for mode in [Ctr, Ofb, Cbc, Cfb] {
            assert_eq!(after(mode, 9, 0).0, vec![9; block], "{mode:?}");
        }
    }
}

#[test]
fn partial_blocks_are_prefixes() {
    for cipher in every() {
        for mode in [Ctr, Ofb, Cfb] {
            let start = vec![7; cipher.block_size()];
            let mut whole = [0x33; 64];
            cipher.encrypt(mode, &mut start.clone(), &mut whole).unwrap();
            for size in 0..64 {
                let mut part = vec![0x33; size];
                cipher.encrypt(mode, &mut start.clone(), &mut part).unwrap();
                assert_eq!(part, whole[..size], "{cipher:?} {mode:?} {size}");
                let mut back = start.clone();
                cipher.decrypt(mode, &mut back, &mut part).unwrap();
                assert_eq!(part, vec![0x33; size], "{cipher:?} {mode:?} {size}");
                let mut forth = start.clone();
                cipher.encrypt(mode, &mut forth, &mut part).unwrap();
                assert_eq!(back, forth, "{cipher:?} {mode:?} {size}");
            }
        }
    }
}

#[test]
fn wrong_sizes_are_refused_and_change_nothing() {
    let key: Vec<u8> = (1..=64).collect();
    for &algorithm in TpmiAlgSymObject::EVERY {
        for size in 0..=64 {
            let known = key_bits(algorithm).iter().any(|bits| usize::from(bits / 8) == size);
            let expected = if known { None } else { Some(CryptoError::Value) };
            assert_eq!(BlockCipher::new(algorithm, &key[..size]).err(), expected, "{algorithm:?} {size}");
        }
    }
    for cipher in every() {
        let block = cipher.block_size();
        for mode in MODES {
            for iv in [0, 1, 7, 8, 9, 15, 16, 17] {
                for size in [0, 1, 7, 8, 15, 16, 17, 32] {
                    let (mut chain, mut data) = (vec![3; iv], vec![5; size]);
                    let whole = size % block == 0 || !needs_whole_blocks(mode);
                    let good = iv == iv_size(cipher.algorithm(), mode) && whole;
                    let expected = if good { Ok(()) } else { Err(CryptoError::Value) };
                    assert_eq!(cipher.encrypt(mode, &mut chain, &mut data), expected, "{mode:?} {iv} {size}");
                    assert_eq!(cipher.decrypt(mode, &mut vec![3; iv], &mut data), expected, "{mode:?} {iv} {size}");
                    assert_eq!(data, vec![5; size]);
                }
            }
        }
    }
    assert_eq!(cfb_encrypt(Aes, &[0; 16], &[0; 15], &mut []), Err(CryptoError::Value));
    assert_eq!(cfb_decrypt(Aes, &[0; 15], &[0; 16], &mut []), Err(CryptoError::Value));
    assert_eq!(cfb_decrypt(Sm4, &[0; 32], &[0; 16], &mut []), Err(CryptoError::Value));
}

#[test]
fn cfb_in_one_call() {
    let key: Vec<u8> = (1..=16).collect();
    for &algorithm in TpmiAlgSymObject::EVERY {
        let (mut once, mut long) = ([0x5a; 40], [0x5a; 40]);
        let mut iv = vec![6; algorithm.block_size()];
        cfb_encrypt(algorithm, &key, &iv, &mut once).unwrap();
        cfb_decrypt(algorithm, &key, &iv.clone(), &mut once).unwrap();
        assert_eq!(once, long);
        cfb_encrypt(algorithm, &key, &iv.clone(), &mut once).unwrap();
        BlockCipher::new(algorithm, &key).unwrap().encrypt(Cfb, &mut iv, &mut long).unwrap();
        assert_eq!(once, long);
    }
}

#[test]
fn weak_keys_of_tdes_are_refused() {
    let good = hex("0123456789abcdef23456789abcdef01456789abcdef0123");
    assert_eq!(check_key(Tdes, &good), Ok(()));
    assert_eq!(check_key(Tdes, &good[..16]), Ok(()));
    // A weak, a semi-weak and a possibly weak key, in each place, and with other parity.
    for weak in ["0101010101010101", "fefefefefefefefe", "01fe01fe01fe01fe", "1f1f01010e0e0101", "0000000000000000"] {
        for at in [0, 8, 16] {
            let mut key = good.clone();
            key[at..at + 8].copy_from_slice(&hex(weak));
            assert_eq!(check_key(Tdes, &key), Err(CryptoError::Key), "{weak} {at}");
            assert_eq!(BlockCipher::new(Tdes, &key).err(), Some(CryptoError::Key));
        }
    }
    // Equal neighbours cancel each other out; the first and the third may be equal (keying option 2).
    let (one, two, three) = (&good[..8], &good[8..16], &good[16..]);
    for (key, weak) in [
        ([one, one].concat(), true),
        ([one, one, three].concat(), true),
        ([one, two, two].concat(), true),
        ([one, two, one].concat(), false),
    ] {
        assert_eq!(tdes::is_weak(&key), weak);
        let other_parity: Vec<u8> = key.iter().enumerate().map(|(at, byte)| byte ^ u8::from(at < 8)).collect();
        assert_eq!(tdes::is_weak(&other_parity), weak);
    }
    let ends = BlockCipher::new(Tdes, &[one, two, one].concat()).unwrap();
    let two_keys = BlockCipher::new(Tdes, &good[..16]).unwrap();
    let (mut first, mut second) = ([9; 16], [9; 16]);
    ends.encrypt(Ecb, &mut [], &mut first).unwrap();
    two_keys.encrypt(Ecb, &mut [], &mut second).unwrap();
    assert_eq!(first, second);
}

#[test]
fn a_random_string_becomes_a_key() {
    let mut key: Vec<u8> = (0..16).collect();
    finish_key(Aes, &mut key).unwrap();
    assert_eq!(key, (0..16).collect::<Vec<u8>>());
    finish_key(Tdes, &mut key).unwrap();
    assert_eq!(key, hex("010102020404070708080b0b0d0d0e0e"));
    assert!(key.iter().all(|byte| byte.count_ones() % 2 == 1));
    assert_eq!(finish_key(Tdes, &mut [0; 16]), Err(CryptoError::Key));
    assert_eq!(finish_key(Camellia, &mut [0; 17]), Err(CryptoError::Value));
}

#[test]
fn published_vectors_of_cmac() {
    let mut seen = 0;
    for row in rows(include_str!("../../vectors/cmac.txt")) {
        let [name, key, message, expected] = row[..] else { panic!("{row:?}") };
        let (algorithm, key, message, expected) = (algorithm(name), hex(key), hex(message), hex(expected));
        let mut cmac = Cmac::new(algorithm, &key).unwrap();
        cmac.update(&message);
        assert_eq!(cmac.clone().finish(), expected, "{row:?}");
        assert_eq!(cmac.verify(&expected), Ok(()));
        seen += 1;
    }
    assert!(seen >= 27, "{seen}");
}

#[test]
fn a_cmac_in_pieces_and_saved_between_them() {
    let key: Vec<u8> = (1..=16).collect();
    let message: Vec<u8> = (0..100).collect();
    for &algorithm in TpmiAlgSymObject::EVERY {
        let mut whole = Cmac::new(algorithm, &key).unwrap();
        whole.update(&message);
        let expected = whole.finish();
        assert_eq!(expected.len(), algorithm.block_size());
        for size in 1..50 {
            let mut running = Cmac::new(algorithm, &key).unwrap();
            for piece in message.chunks(size) {
                running.update(piece);
                running.update(&[]);
                running = Cmac::restore(algorithm, &running.save()).unwrap();
            }
            assert_eq!(running.algorithm(), algorithm);
            assert_eq!(running.clone().finish(), expected, "{algorithm:?} {size}");
            assert_eq!(running.verify(&expected[1..]), Err(CryptoError::Invalid));
        }
        // A key of sixteen bytes, a chaining block and up to a block more.
        let saved = [&[16][..], &key, &[1; 40]].concat();
        let block = algorithm.block_size();
        for size in 0..=saved.len() {
            let fits = (17 + block..=17 + 2 * block).contains(&size);
            assert_eq!(Cmac::restore(algorithm, &saved[..size]).is_ok(), fits, "{algorithm:?} {size}");
        }
        let other_size = [&[15][..], &saved[2..]].concat();
        assert_eq!(Cmac::restore(algorithm, &other_size).err(), Some(CryptoError::Value));
    }
    assert_eq!(Cmac::new(Aes, &key[1..]).err(), Some(CryptoError::Value));
}

/// Computed with Python's hmac module.
#[test]
fn xor_obfuscation() {
    let key: Vec<u8> = (0..32).collect();
    let (clear, mut data): (Vec<u8>, Vec<u8>) = ((0..40).collect(), (0..40).collect());
    xor_obfuscate(Sha256, &key, &[0xaa; 20], &[0xbb; 16], &mut data).unwrap();
    assert_eq!(data, hex("5fd5b3c19d0118461c1e436b2145c61f6ef1e12947ecc2fa7a1b5a9894e7fdf8f7073fdffdd75fea"));
    xor_obfuscate(Sha256, &key, &[0xaa; 20], &[0xbb; 16], &mut data).unwrap();
    assert_eq!(data, clear);
}
