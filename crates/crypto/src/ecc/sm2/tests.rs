//! The examples of GB/T 32918.5 (annexes A and C), on the recommended curve with SM3.

use alloc::{vec, vec::Vec};

use ironroot_wire::{TpmEccCurve::Sm2P256, TpmiAlgHash::Sm3_256};

use super::{Ciphertext, decrypt, encrypt, encrypt_with, identity_digest, sign, sign_with, verify};
use crate::{
    CryptoError, EccPoint, PORTABLE, Random,
    ecc::{base_point, generate},
    hash::digest,
    vectors::hex,
};

const SCALAR: &str = "3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8";
const NONCE: &str = "59276e27d506861a16680f3ad9c02dccef3cc1fa3cdbe4ce6d54b80deac1bc21";
const R: &str = "f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3";
const S: &str = "b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa";

struct Steps(u8);

impl Random for Steps {
    fn fill(&mut self, out: &mut [u8]) {
        for byte in out {
            self.0 = self.0.wrapping_mul(29).wrapping_add(7);
            *byte = self.0;
        }
    }
}

fn public() -> EccPoint {
    EccPoint {
        x: hex("09f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020"),
        y: hex("ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13"),
    }
}

/// The digest of "message digest" with the identity that everybody uses.
fn signed_digest() -> Vec<u8> {
    let z = identity_digest((Sm2P256, Sm3_256), b"1234567812345678", &public()).unwrap();
    assert_eq!(*z, hex("b2e14c5c79c6df5b85f4fe7ed8db7a262b9da7e07ccb0ea9f4747b8ccda8a4f3")[..]);
    digest(Sm3_256, &[&z, b"message digest"]).to_vec()
}

#[test]
fn the_published_signature() {
    let digest = signed_digest();
    assert_eq!(digest, hex("f0b43e94ba45accaace692ed534382eb17e6ab5a19ce7b31f4486fdfc0d28640"));
    let signature = sign_with(&PORTABLE, Sm2P256, &hex(SCALAR), &digest, &hex(NONCE));
    assert_eq!(signature, Ok((hex(R), hex(S))));
    assert_eq!(verify(&PORTABLE, Sm2P256, &public(), &digest, (&hex(R), &hex(S))), Ok(()));
}

#[test]
fn wrong_signatures() {
    let digest = signed_digest();
    let (r, s) = sign(&PORTABLE, Sm2P256, &hex(SCALAR), &digest, &mut Steps(1)).unwrap();
    assert_eq!(verify(&PORTABLE, Sm2P256, &public(), &digest, (&r, &s)), Ok(()));
    let invalid = Err(CryptoError::Invalid);
    let mut other = digest.clone();
    other[0] ^= 1;
    assert_eq!(verify(&PORTABLE, Sm2P256, &public(), &other, (&r, &s)), invalid);
    assert_eq!(verify(&PORTABLE, Sm2P256, &public(), &digest, (&s, &r)), invalid);
    assert_eq!(verify(&PORTABLE, Sm2P256, &public(), &digest, (&[0; 32], &s)), invalid);
    assert_eq!(verify(&PORTABLE, Sm2P256, &public(), &digest, (&r, &[0; 32])), invalid);
    assert_eq!(verify(&PORTABLE, Sm2P256, &public(), &digest, (&r, &[0xff; 33])), invalid);
    assert_eq!(verify(&PORTABLE, Sm2P256, &base_point(Sm2P256), &digest, (&r, &s)), invalid);
    let nowhere = EccPoint { x: vec![1; 32], y: vec![1; 32] };
    assert_eq!(verify(&PORTABLE, Sm2P256, &nowhere, &digest, (&r, &s)), Err(CryptoError::Point));
    // r + s = n: the public key would not matter.
    let n = crate::ecc::parameters(Sm2P256).n.to_vec();
    let mut less_one = n;
    less_one[31] -= 1;
    let mut one = vec![0; 32];
    one[31] = 1;
    assert_eq!(verify(&PORTABLE, Sm2P256, &public(), &digest, (&one, &less_one)), invalid);
}

#[test]
fn an_identity_has_at_most_8191_bytes() {
    assert!(identity_digest((Sm2P256, Sm3_256), &[0; 8191], &public()).is_ok());
    assert_eq!(identity_digest((Sm2P256, Sm3_256), &[0; 8192], &public()).err(), Some(CryptoError::Value));
}

#[test]
fn the_published_ciphertext() {
    let scalar = hex(NONCE);
    let ephemeral = crate::EccProvider::ecc_base_multiply(&PORTABLE, Sm2P256, &scalar).unwrap();
    let message = b"encryption standard";
    let encrypted =
        encrypt_with(&PORTABLE, (Sm2P256, Sm3_256), &public(), message, (&scalar, ephemeral)).unwrap().unwrap();
    let expected = EccPoint {
        x: hex("04ebfc718e8d1798620432268e77feb6415e2ede0e073c0f4f640ecd2e149a73"),
        y: hex("e858f9d81e5430a57b36daab8f950a3c64e6ee6a63094d99283aff767e124df0"),
    };
    assert_eq!(encrypted.c1, expected);
    assert_eq!(encrypted.c2, hex("21886ca989ca9c7d58087307ca93092d651efa"));
    assert_eq!(*encrypted.c3, hex("59983c18f809e262923c53aec295d30383b54e39d609d160afcb1908d0bd8766")[..]);
    let plain = decrypt(&PORTABLE, (Sm2P256, Sm3_256), &hex(SCALAR), parts(&encrypted)).unwrap();
    assert_eq!(plain[..], message[..]);
}

#[test]
fn what_was_changed_does_not_decrypt() {
    for message in [&b""[..], b"x", &[7; 300]] {
        let encrypted = encrypt(&PORTABLE, (Sm2P256, Sm3_256), &public(), message, &mut Steps(3)).unwrap();
        let key = hex(SCALAR);
        assert_eq!(decrypt(&PORTABLE, (Sm2P256, Sm3_256), &key, parts(&encrypted)).unwrap()[..], message[..]);
        let mut longer = encrypted.clone();
        longer.c2.push(0);
        let refused = decrypt(&PORTABLE, (Sm2P256, Sm3_256), &key, parts(&longer));
        assert_eq!(refused.err(), Some(CryptoError::Invalid));
        let refused = decrypt(&PORTABLE, (Sm2P256, Sm3_256), &key, (&encrypted.c1, &encrypted.c2, &encrypted.c3[..31]));
        assert_eq!(refused.err(), Some(CryptoError::Invalid));
        let (_, other) = generate(&PORTABLE, Sm2P256, &mut Steps(9)).unwrap();
        let refused = decrypt(&PORTABLE, (Sm2P256, Sm3_256), &key, (&other, &encrypted.c2, &encrypted.c3));
        assert_eq!(refused.err(), Some(CryptoError::Invalid));
    }
}

/// The stream for one byte is zero once in 256 times; nobody must get a message in the clear.
#[test]
fn a_single_byte_is_always_encrypted() {
    for start in 0..=255 {
        let encrypted = encrypt(&PORTABLE, (Sm2P256, Sm3_256), &public(), b"x", &mut Steps(start)).unwrap();
        assert_ne!(encrypted.c2, b"x");
    }
}

fn parts(encrypted: &Ciphertext) -> (&EccPoint, &[u8], &[u8]) {
    (&encrypted.c1, &encrypted.c2, &encrypted.c3)
}
