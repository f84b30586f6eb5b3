use alloc::vec;
use ironroot_wire::TpmiAlgHash;

use super::{Hmac, hmac};
use crate::{
    CryptoError,
    vectors::{algorithm, hex, rows},
};

#[test]
fn published_vectors() {
    let mut seen = 0;
    for row in rows(include_str!("../../vectors/hmac.txt")) {
        let [name, key, data, expected] = row[..] else { panic!("{row:?}") };
        let expected = hex(expected);
        let mac = hmac(algorithm(name), &hex(key), &[&hex(data)]);
        assert_eq!(mac[..expected.len()], expected[..], "{row:?}");
        seen += 1;
    }
    assert!(seen > 20, "{seen}");
}

#[test]
fn sha3_vectors() {
    // NIST's examples "HMAC_SHA3-256.pdf", "-384" and "-512": sample 1, keys shorter than the block.
    let key = |size: u8| (0..size).collect::<vec::Vec<u8>>();
    let data = b"Sample message for keylen<blocklen";
    for (algorithm, size, expected) in [
        (TpmiAlgHash::Sha3_256, 32, "4fe8e202c4f058e8dddc23d8c34e467343e23555e24fc2f025d598f558f67205"),
        (
            TpmiAlgHash::Sha3_384,
            48,
            "d588a3c51f3f2d906e8298c1199aa8ff6296218127f6b38a90b6afe2c5617725bc99987f79b22a557b6520db710b7f42",
        ),
        (
            TpmiAlgHash::Sha3_512,
            64,
            "4efd629d6c71bf86162658f29943b1c308ce27cdfa6db0d9c3ce81763f9cbce5\
             f7ebe9868031db1a8f8eb7b6b95e5c5e3f657a8996c86a2f6527e307f0213196",
        ),
    ] {
        assert_eq!(*hmac(algorithm, &key(size), &[data]), hex(expected)[..], "{algorithm:?}");
    }
}

#[test]
fn saving_changes_nothing() {
    for &algorithm in TpmiAlgHash::EVERY {
        let mut running = Hmac::new(algorithm, b"key");
        running.update(&[7; 100]);
        let mut restored = Hmac::restore(algorithm, &running.save()).unwrap();
        restored.update(&[8; 100]);
        assert_eq!(restored.finish(), hmac(algorithm, b"key", &[&[7; 100], &[8; 100]]));
        assert_eq!(Hmac::restore(algorithm, &running.save()[1..]).err(), Some(CryptoError::Value));
        assert_eq!(Hmac::restore(algorithm, &[]).err(), Some(CryptoError::Value));
    }
}

#[test]
fn verify_wants_the_whole_mac() {
    let fresh = || Hmac::new(TpmiAlgHash::Sha256, b"key");
    let mac = fresh().finish();
    assert_eq!(fresh().verify(&mac), Ok(()));
    assert_eq!(fresh().verify(&mac[..31]), Err(CryptoError::Invalid));
    assert_eq!(fresh().verify(&[]), Err(CryptoError::Invalid));
    for at in 0..mac.len() {
        let mut changed = mac.to_vec();
        changed[at] ^= 1;
        assert_eq!(fresh().verify(&changed), Err(CryptoError::Invalid));
    }
}
