use alloc::{vec, vec::Vec};
use ironroot_wire::{
    TpmiAlgHash::Sha256,
    TpmiAlgSymMode::{self, Cbc, Cfb, Ctr, Ecb, Ofb},
};

use super::{Aes, cfb_decrypt, cfb_encrypt, iv_size, needs_whole_blocks, xor_obfuscate};
use crate::{
    CryptoError,
    vectors::{hex, rows},
};

const EVERY: [TpmiAlgSymMode; 5] = [Ctr, Ofb, Cbc, Cfb, Ecb];

#[test]
fn published_vectors() {
    let mut seen = 0;
    for row in rows(include_str!("../../vectors/aes.txt")) {
        let [mode, key, iv, plain, cipher] = row[..] else { panic!("{row:?}") };
        let mode = EVERY[["ctr", "ofb", "cbc", "cfb", "ecb"].iter().position(|name| *name == mode).unwrap()];
        let (aes, plain, cipher) = (Aes::new(&hex(key)).unwrap(), hex(plain), hex(cipher));
        let mut data = plain.clone();
        aes.encrypt(mode, &mut hex(iv), &mut data).unwrap();
        assert_eq!(data, cipher, "{row:?}");
        aes.decrypt(mode, &mut hex(iv), &mut data).unwrap();
        assert_eq!(data, plain, "{row:?}");
        seen += 1;
    }
    assert!(seen > 120, "{seen}");
}

/// Part 3, table 64: the chaining value that comes out continues the message.
#[test]
fn a_message_in_pieces_is_the_message() {
    let aes = Aes::new(&[0x42; 32]).unwrap();
    let message: Vec<u8> = (0..=255).collect();
    for mode in EVERY {
        let mut iv = vec![0xf0; iv_size(mode)];
        let mut whole = message.clone();
        aes.encrypt(mode, &mut iv, &mut whole).unwrap();

        let (mut running, mut pieces) = (vec![0xf0; iv_size(mode)], message.clone());
        for piece in pieces.chunks_mut(48) {
            aes.encrypt(mode, &mut running, piece).unwrap();
        }
        assert_eq!((&pieces, &running), (&whole, &iv), "{mode:?}");

        let mut running = vec![0xf0; iv_size(mode)];
        for piece in pieces.chunks_mut(80) {
            aes.decrypt(mode, &mut running, piece).unwrap();
        }
        assert_eq!((&pieces, &running), (&message, &iv), "{mode:?}");
    }
}

#[test]
fn the_chaining_value_of_each_mode() {
    let aes = Aes::new(&[0x42; 16]).unwrap();
    let after = |mode, iv: &[u8], size: usize| {
        let (mut iv, mut data) = (iv.to_vec(), vec![0x11; size]);
        aes.encrypt(mode, &mut iv, &mut data).unwrap();
        (iv, data)
    };
    // The example of Part 3, table 64, and a counter that overflows all its bits; a partial block counts.
    let mut four = [0; 16];
    four[15] = 4;
    assert_eq!(after(Ctr, &[0; 16], 64).0, four);
    four[15] = 1;
    assert_eq!(after(Ctr, &[0xff; 16], 17).0, four);
    // OFB: the last keystream block, of a partial block too.
    let (iv, data) = after(Ofb, &[9; 16], 32);
    let last: Vec<u8> = data[16..].iter().map(|byte| byte ^ 0x11).collect();
    assert_eq!(iv, last);
    assert_eq!(after(Ofb, &[9; 16], 20).0, last);
    // CBC and CFB: the last ciphertext block, a partial one with the rest of its mask behind it.
    for mode in [Cbc, Cfb] {
        let (iv, data) = after(mode, &[9; 16], 32);
        assert_eq!(iv, data[16..]);
    }
    let (iv, data) = after(Cfb, &[9; 16], 19);
    let (_, longer) = after(Cfb, &[9; 16], 32);
    let mask: Vec<u8> = longer[19..].iter().map(|byte| byte ^ 0x11).collect();
    assert_eq!(iv, [&data[16..], &mask[..]].concat());
    // Nothing in, nothing changed.
    for mode in [Ctr, Ofb, Cbc, Cfb] {
        assert_eq!(after(mode, &[9; 16], 0).0, [9; 16], "{mode:?}");
    }
}

#[test]
fn partial_blocks_are_prefixes() {
    let aes = Aes::new(&[0x42; 24]).unwrap();
    for mode in [Ctr, Ofb, Cfb] {
        let mut whole = [0x33; 64];
        aes.encrypt(mode, &mut [7; 16], &mut whole).unwrap();
        for size in 0..64 {
            let mut part = vec![0x33; size];
            aes.encrypt(mode, &mut [7; 16], &mut part).unwrap();
            assert_eq!(part, whole[..size], "{mode:?} {size}");
            let mut back = [7; 16];
            aes.decrypt(mode, &mut back, &mut part).unwrap();
            assert_eq!(part, vec![0x33; size], "{mode:?} {size}");
            let mut forth = [7; 16];
            aes.encrypt(mode, &mut forth, &mut part).unwrap();
            assert_eq!(back, forth, "{mode:?} {size}");
        }
    }
}

#[test]
fn wrong_sizes_are_refused_and_change_nothing() {
    for size in [0, 1, 15, 17, 23, 31, 33, 64] {
        assert_eq!(Aes::new(&vec![0; size]).err(), Some(CryptoError::Value), "{size}");
    }
    let aes = Aes::new(&[1; 16]).unwrap();
    for mode in EVERY {
        for iv in [0, 1, 15, 16, 17] {
            for size in [0, 1, 15, 16, 17, 32] {
                let (mut chain, mut data) = (vec![3; iv], vec![5; size]);
                let good = iv == iv_size(mode) && (size % 16 == 0 || !needs_whole_blocks(mode));
                for result in [aes.encrypt(mode, &mut chain, &mut data), aes.decrypt(mode, &mut vec![3; iv], &mut data)]
                {
                    assert_eq!(result, if good { Ok(()) } else { Err(CryptoError::Value) }, "{mode:?} {iv} {size}");
                }
                assert_eq!(data, vec![5; size]);
            }
        }
    }
    assert_eq!(cfb_encrypt(&[0; 16], &[0; 15], &mut []), Err(CryptoError::Value));
    assert_eq!(cfb_decrypt(&[0; 15], &[0; 16], &mut []), Err(CryptoError::Value));
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
