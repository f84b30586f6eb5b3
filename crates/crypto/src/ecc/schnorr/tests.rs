use alloc::vec;

use ironroot_wire::{
    TpmEccCurve::{self, BnP256, BnP638, BpP512R1, NistP192, NistP224, NistP256, NistP521, Sm2P256},
    TpmiAlgHash::{self, Sha1, Sha256, Sha512},
};

use super::{sign, sign_committed, verify};
use crate::{
    CryptoError, EccPoint, EccProvider, PORTABLE, Random,
    ecc::{base_point, generate, order_size},
    hash::digest,
};

struct Steps(u8);

impl Random for Steps {
    fn fill(&mut self, out: &mut [u8]) {
        for byte in out {
            self.0 = self.0.wrapping_mul(29).wrapping_add(7);
            *byte = self.0;
        }
    }
}

const CASES: [(TpmEccCurve, TpmiAlgHash); 9] = [
    (NistP192, Sha256),
    (NistP224, Sha1),
    (NistP256, Sha256),
    (NistP256, Sha512),
    (NistP521, Sha512),
    (BnP256, Sha256),
    (BnP638, Sha512),
    (BpP512R1, Sha512),
    (Sm2P256, Sha256),
];

#[test]
fn signatures_verify() {
    for (curve, algorithm) in CASES {
        let (scalar, public) = generate(&PORTABLE, curve, &mut Steps(1)).unwrap();
        let message = digest(algorithm, &[b"message"]);
        let (r, s) = sign(&PORTABLE, (curve, algorithm), &scalar, &message, &mut Steps(2)).unwrap();
        assert_eq!(r.len(), algorithm.digest_size().min(order_size(curve)));
        let check = |public: &EccPoint, digest: &[u8], r: &[u8], s: &[u8]| {
            verify(&PORTABLE, (curve, algorithm), public, digest, (r, s))
        };
        assert_eq!(check(&public, &message, &r, &s), Ok(()), "{curve:?}");
        let wrong = Err(CryptoError::Invalid);
        assert_eq!(check(&public, b"other", &r, &s), wrong);
        assert_eq!(check(&base_point(curve), &message, &r, &s), wrong);
        assert_eq!(check(&public, &message, &r, &[0]), wrong);
        assert_eq!(check(&public, &message, &[], &s), wrong);
        // The same number in another residue is another signature: refused.
        assert_eq!(check(&public, &message, &r, &vec![0xff; order_size(curve)]), wrong);
        assert_eq!(check(&public, &message, &vec![0xff; order_size(curve) + 1], &s), wrong);
        let nowhere = EccPoint { x: vec![1; order_size(curve)], y: vec![1; order_size(curve)] };
        assert_eq!(check(&nowhere, &message, &r, &s), Err(CryptoError::Point));
    }
}

/// Even if the random bytes repeat, ECDSA and EC Schnorr use different numbers for one digest.
#[test]
fn schemes_never_share_a_number() {
    let (scalar, _) = generate(&PORTABLE, NistP256, &mut Steps(1)).unwrap();
    let message = digest(Sha256, &[b"message"]);
    let ecdsa = crate::ecc::nonce(NistP256, &scalar, &message, &mut Steps(2)).unwrap();
    let schnorr = super::labeled_nonce(b"ECSCHNORR", NistP256, &scalar, &message, &mut Steps(2)).unwrap();
    let sm2 = super::labeled_nonce(b"SM2", NistP256, &scalar, &message, &mut Steps(2)).unwrap();
    assert!(ecdsa != schnorr && ecdsa != sm2 && schnorr != sm2);
}

/// `[s]G - [H(k || digest)]Q` is the commitment (the specification's equation, from the verifier's side).
#[test]
fn committed_signatures() {
    for (curve, algorithm) in CASES {
        let (scalar, public) = generate(&PORTABLE, curve, &mut Steps(1)).unwrap();
        let (committed, commitment) = generate(&PORTABLE, curve, &mut Steps(5)).unwrap();
        let message = digest(algorithm, &[b"message"]);
        let (k, s) = sign_committed((curve, algorithm), &scalar, &committed, &message, &mut Steps(2)).unwrap();
        let order = crate::ecc::scalar::Order::of(curve);
        let of_key = -&order.number(&digest(algorithm, &[&k, &message]));
        let terms = [(&s[..], &base_point(curve)), (&of_key.to_bytes()[..], &public)];
        assert_eq!(PORTABLE.ecc_combine(curve, terms), Ok(commitment), "{curve:?}");
    }
}
