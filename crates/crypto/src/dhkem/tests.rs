use ironroot_wire::{TpmEccCurve as Curve, TpmiAlgHash as Hash};

use alloc::vec;

use super::{decapsulate, encapsulate, encapsulate_with, identifier, serialized_public};
use crate::{CryptoError, Drbg, PORTABLE, ecc::generate_scalar, vectors::hex};

/// RFC 9180, A.1.1 and A.3.1.
#[test]
fn published_vectors() {
    for (pair, ephemeral, private, public, encapsulation, shared) in [
        (
            (Curve::Curve25519, Hash::Sha256),
            "52c4a758a802cd8b936eceea314432798d5baf2d7e9235dc084ab1b9cfa2f736",
            "4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8",
            "3948cfe0ad1ddb695d780e59077195da6c56506b027329794ab02bca80815c4d",
            "37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431",
            "fe0e18c9f024ce43799ae393c7e8fe8fce9d218875e8227b0187c04e7d2ea1fc",
        ),
        (
            (Curve::NistP256, Hash::Sha256),
            "4995788ef4b9d6132b249ce59a77281493eb39af373d236a1fe415cb0c2d7beb",
            "f3ce7fdae57e1a310d87f1ebbde6f328be0a99cdbcadf4d6589cf29de4b8ffd2",
            "04fe8c19ce0905191ebc298a9245792531f26f0cece2460639e8bc39cb7f706a826a779b4cf969b8a0e539c7f62fb3d30ad6aa8f80e30f1d128aafd68a2ce72ea0",
            "04a92719c6195d5085104f469a8b9814d5838ff72b60501e2c4466e5e67b325ac98536d7b61a1af4b78e5b7f951c0900be863c403ce65c9bfcb9382657222d18c4",
            "c0d26aeab536609a572b07695d933b589dcf363ff9d93c93adea537aeabb8cb8",
        ),
    ] {
        let (found, sent) = encapsulate_with(&PORTABLE, pair, &hex(public), &hex(ephemeral)).unwrap();
        assert_eq!((&found[..], sent), (&hex(shared)[..], hex(encapsulation)), "{pair:?}");
        let found = decapsulate(&PORTABLE, pair, &hex(private), &hex(public), &hex(encapsulation)).unwrap();
        assert_eq!(found[..], hex(shared)[..], "{pair:?}");
    }
}

#[test]
fn both_sides_agree_and_bad_points_are_refused() {
    for pair in [
        (Curve::NistP256, Hash::Sha256),
        (Curve::NistP384, Hash::Sha384),
        (Curve::NistP521, Hash::Sha512),
        (Curve::Curve25519, Hash::Sha256),
        (Curve::Curve448, Hash::Sha512),
    ] {
        let mut random = Drbg::from_seed(b"dhkem", &[]);
        let mut private = generate_scalar(pair.0, &mut random);
        private.resize(pair.0.field_size(), 1);
        let public = serialized_public(&PORTABLE, pair.0, &private).unwrap();
        let (secret, sent) = encapsulate(&PORTABLE, pair, &public, &mut random).unwrap();
        assert_eq!(secret.len(), pair.1.digest_size());
        assert_eq!(decapsulate(&PORTABLE, pair, &private, &public, &sent).unwrap(), secret, "{pair:?}");
        let mut other = sent.clone();
        *other.last_mut().unwrap() ^= 1;
        assert_ne!(decapsulate(&PORTABLE, pair, &private, &public, &other).ok(), Some(secret), "{pair:?}");
        for wrong in [&sent[1..], &[&sent[..], &[0]].concat(), &vec![0; sent.len()], &[]] {
            let found = decapsulate(&PORTABLE, pair, &private, &public, wrong).err();
            assert_eq!(found, Some(CryptoError::Point), "{pair:?}");
            let found = encapsulate(&PORTABLE, pair, wrong, &mut random).err();
            assert_eq!(found, Some(CryptoError::Point), "{pair:?}");
        }
    }
}

#[test]
fn only_the_pairs_of_the_rfc() {
    assert_eq!(identifier(Curve::NistP256, Hash::Sha384), Err(CryptoError::Unsupported));
    assert_eq!(identifier(Curve::BpP256R1, Hash::Sha256), Err(CryptoError::Unsupported));
    let pair = (Curve::Sm2P256, Hash::Sha256);
    let found = encapsulate(&PORTABLE, pair, &[4; 65], &mut Drbg::from_seed(b"dhkem", &[]));
    assert_eq!(found.err(), Some(CryptoError::Unsupported));
}
