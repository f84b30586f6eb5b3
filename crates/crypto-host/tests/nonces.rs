//! Per-message numbers when the generator fails: they must not repeat for another message, key or scheme.
#![allow(clippy::unwrap_used, missing_docs)]

use std::collections::BTreeSet;

use ironroot_crypto::{
    PORTABLE, Provider, Random, digest,
    ecc::{generate, is_weierstrass, schnorr, sm2},
};
use ironroot_crypto_host::HOST;
use ironroot_wire::{TpmEccCurve, TpmiAlgHash};

const HASH: TpmiAlgHash = TpmiAlgHash::Sha256;

/// A generator that gives the same byte for ever.
struct Stuck(u8);

impl Random for Stuck {
    fn fill(&mut self, out: &mut [u8]) {
        out.fill(self.0);
    }
}

#[test]
fn a_generator_that_repeats_does_not_repeat_nonces() {
    for provider in [&PORTABLE as &dyn Provider, &HOST] {
        for &curve in TpmEccCurve::EVERY.iter().filter(|curve| is_weierstrass(**curve)) {
            // r is the x coordinate of nonce * G: two that are equal are two equal nonces.
            let mut seen = BTreeSet::new();
            let mut signed = 0;
            for key in [3, 4] {
                let (scalar, _) = generate(provider, curve, &mut Stuck(key)).unwrap();
                for message in 0..8_u8 {
                    let digest = digest(HASH, &[&[message]]);
                    let (r, _) = provider.ecdsa_sign(curve, &scalar, &digest, &mut Stuck(0)).unwrap();
                    assert!(seen.insert(r), "{} {curve:?}", provider.name());
                    signed += 1;
                }
            }
            assert_eq!(seen.len(), signed);
        }
    }
}

#[test]
fn fresh_random_bytes_change_the_nonce_of_every_scheme() {
    let curve = TpmEccCurve::NistP256;
    for provider in [&PORTABLE as &dyn Provider, &HOST] {
        let (scalar, _) = generate(provider, curve, &mut Stuck(9)).unwrap();
        let digest = digest(HASH, &[b"message"]);
        let ecdsa = |byte| provider.ecdsa_sign(curve, &scalar, &digest, &mut Stuck(byte)).unwrap().0;
        let schnorr = |byte| schnorr::sign(provider, (curve, HASH), &scalar, &digest, &mut Stuck(byte)).unwrap().0;
        let sm2 = |byte| sm2::sign(provider, curve, &scalar, &digest, &mut Stuck(byte)).unwrap().0;
        assert_eq!((ecdsa(0), schnorr(0), sm2(0)), (ecdsa(0), schnorr(0), sm2(0)));
        assert_ne!(ecdsa(0), ecdsa(1));
        assert_ne!(schnorr(0), schnorr(1));
        assert_ne!(sm2(0), sm2(1));
    }
}
