use alloc::vec::Vec;
use ironroot_wire::TpmiAlgHash::{Sha1, Sha3_256, Sha256, Sha384, Sha512};

use super::{hkdf_expand, hkdf_extract, kdf2, kdfa, kdfe};
use crate::{
    CryptoError,
    hash::digest,
    hmac::hmac,
    vectors::{algorithm, hex, rows},
};

fn key() -> Vec<u8> {
    (0..32).collect()
}

const U: &[u8] = &[0xaa; 20];
const V: &[u8] = &[0xbb; 16];

/// Computed with Python's hmac module; the 1024-bit one also with the KBKDF of OpenSSL (by python-cryptography).
#[test]
fn kdfa_agrees_with_other_implementations() {
    for (algorithm, bits, expected) in [
        (Sha1, 128, "d22878f2ed64c0c7242017b0f824c759"),
        (Sha1, 256, "4a0a0e795010a15fbbc3356a4d5ca4300358da145b7b4a447e4e7d98d14f3aee"),
        (Sha256, 128, "5f6f68762db1a57480aae0894b222dc8"),
        (Sha256, 256, "18c4b89f32531b2e5bae663a88693044f1e6c510df621335aeb01995fd21f153"),
        (
            Sha256,
            521,
            "0003428f11f7e0759d2fd3e70813bde866014bd046395f644728e2ca036284d15e15213ac7cb505acb31b742c20cdddc3c\
             5102d7db766e6268ac6fe9c882824eeb5b",
        ),
        (
            Sha256,
            1024,
            "a8ea4ef270863c1e3f64452a9a00e173ca6f75aeb43e2d6b0ede9ebcc5fb1b280f33ce07dec7d74e0c4a8e6551a6b31525a9\
             67dbd78d52bc81d34c39056753edfcc2ebe9fab45fddef33066897b4e020f816e8b9394a92c349a2e25c20204f38e3a93467\
             23cc4a4f983e89058c079d21ce3329fbd9f9893eaed7e4c4f7be2a14",
        ),
        (Sha384, 256, "bbae9b5a651e8ef43ff68ad7c60a7916d2b2ebf2197afa572ca32a9352edaf8f"),
        (Sha3_256, 256, "3e732fe4faac19c9e4869585ba4031ebb2cc16566fb85f5ba3875015ef026334"),
    ] {
        assert_eq!(kdfa(algorithm, &key(), b"STORAGE", U, V, bits)[..], hex(expected)[..], "{algorithm:?} {bits}");
    }
}

/// Computed with Python's hashlib; the 256-bit one of SHA-256 also with the concatenation KDF of python-cryptography.
#[test]
fn kdfe_agrees_with_other_implementations() {
    for (algorithm, bits, expected) in [
        (Sha1, 128, "8952f81827958749a7e450465f9d1331"),
        (Sha1, 256, "8952f81827958749a7e450465f9d133103b38b2663e4e362fa3dc162204c2c97"),
        (Sha256, 256, "1a26d0d7865bb6a09db2c017b37204af17ecf53b4b36eb9d862351844933d5cd"),
        (
            Sha256,
            521,
            "0026d0d7865bb6a09db2c017b37204af17ecf53b4b36eb9d862351844933d5cddbc734485fd8f8dbc9f3cf43ff83257adf\
             ef496ee2092a5ac54e1f1c3aa3605a3991",
        ),
        (Sha512, 128, "a065b8553f6f157f09654db946dbd56a"),
    ] {
        assert_eq!(kdfe(algorithm, &key(), b"DUPLICATE", U, V, bits)[..], hex(expected)[..], "{algorithm:?} {bits}");
    }
}

#[test]
fn a_label_gets_one_zero_at_its_end() {
    let plain = kdfa(Sha256, &key(), b"STORAGE", U, V, 256);
    assert_eq!(kdfa(Sha256, &key(), b"STORAGE\0", U, V, 256), plain);
    let by_hand = hmac(Sha256, &key(), &[&[0, 0, 0, 1], b"STORAGE", &[0], U, V, &[0, 0, 1, 0]]);
    assert_eq!(plain[..], by_hand[..]);
    let none = kdfa(Sha256, &key(), b"", U, V, 256);
    assert_eq!(none[..], hex("63abfce3c6a1281760e489580f821aa8cb3d1a507242aab01a9d8516de4ee9a4")[..]);

    let plain = kdfe(Sha256, &key(), b"SECRET", U, V, 256);
    assert_eq!(kdfe(Sha256, &key(), b"SECRET\0", U, V, 256), plain);
    assert_eq!(plain[..], digest(Sha256, &[&[0, 0, 0, 1], &key(), b"SECRET\0", U, V])[..]);
}

#[test]
fn surplus_bits_are_clear_and_sizes_round_up() {
    for bits in 0..70_u32 {
        let output = kdfa(Sha256, &key(), b"BITS", U, V, bits);
        assert_eq!(output.len(), bits.div_ceil(8) as usize);
        if bits % 8 != 0 {
            assert_eq!(output[0] >> (bits % 8), 0, "{bits}");
        }
    }
    // The lowest bits are kept: the masked first byte is the unmasked one's low bits, for the same label and counter.
    assert!((0..70).any(|bits| kdfa(Sha256, &key(), b"BITS", U, V, bits).first().is_some_and(|byte| *byte != 0)));
}

#[test]
fn published_vectors_of_kdf2() {
    let mut seen = 0;
    for row in rows(include_str!("../../vectors/kdf2.txt")) {
        let [name, z, info, expected] = row[..] else { panic!("{row:?}") };
        let expected = hex(expected);
        assert_eq!(kdf2(algorithm(name), &hex(z), &hex(info), expected.len())[..], expected[..], "{row:?}");
        seen += 1;
    }
    assert_eq!(seen, 7);
    assert!(kdf2(Sha256, &key(), U, 0).is_empty());
}

#[test]
fn published_vectors_of_hkdf() {
    let mut seen = 0;
    for row in rows(include_str!("../../vectors/hkdf.txt")) {
        let [name, secret, salt, info, key, expected] = row[..] else { panic!("{row:?}") };
        let (hash, secret, info, expected) = (algorithm(name), hex(secret), hex(info), hex(expected));
        let extracted = hkdf_extract(hash, &hex(salt), &[&secret]);
        assert_eq!(extracted[..], hex(key)[..], "{row:?}");
        assert_eq!(hkdf_extract(hash, &hex(salt), &[&secret[..3], &secret[3..]]), extracted);
        let output = hkdf_expand(hash, &extracted, &[&info], expected.len()).unwrap();
        assert_eq!(output[..], expected[..], "{row:?}");
        let half = info.len() / 2;
        assert_eq!(hkdf_expand(hash, &extracted, &[&info[..half], &info[half..]], expected.len()).unwrap(), output);
        seen += 1;
    }
    assert_eq!(seen, 7);
}

#[test]
fn hkdf_has_an_end() {
    assert_eq!(hkdf_expand(Sha256, &key(), &[], 255 * 32).map(|all| all.len()), Ok(255 * 32));
    assert_eq!(hkdf_expand(Sha256, &key(), &[], 255 * 32 + 1), Err(CryptoError::Value));
    assert_eq!(hkdf_expand(Sha1, &key(), &[], 255 * 20 + 1), Err(CryptoError::Value));
}
