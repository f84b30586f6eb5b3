//! NIST's decapsulation vectors, whose keys have no seed.

#![allow(deprecated, reason = "the published keys have no other form")]

use alloc::vec::Vec;

use ml_kem::{ExpandedKeyEncoding, MlKem512, MlKem768, MlKem1024};

use super::{PrivateKey, Set};
use crate::{
    MlKemPrivateKey,
    vectors::{hex, rows},
};

fn expanded<P: Set>(bytes: &[u8]) -> PrivateKey<P>
where
    P::DecapsulationKey: ExpandedKeyEncoding,
{
    let key = P::DecapsulationKey::from_expanded_bytes(&bytes.try_into().unwrap()).unwrap();
    PrivateKey { key, public: Vec::new() }
}

#[test]
fn published_keys_in_expanded_form() {
    let mut key: Option<alloc::boxed::Box<dyn MlKemPrivateKey>> = None;
    let mut seen = 0;
    for row in rows(include_str!("../../../vectors/mlkem_expanded.txt")) {
        let [set, ciphertext, secret] = row[..] else { panic!("{row:?}") };
        if ciphertext == "key" {
            key = Some(match set {
                "512" => alloc::boxed::Box::new(expanded::<MlKem512>(&hex(secret))),
                "768" => alloc::boxed::Box::new(expanded::<MlKem768>(&hex(secret))),
                _ => alloc::boxed::Box::new(expanded::<MlKem1024>(&hex(secret))),
            });
            continue;
        }
        let found = key.as_ref().unwrap().decapsulate(&hex(ciphertext)).unwrap();
        assert_eq!(*found, hex(secret), "{set} {secret}");
        seen += 1;
    }
    assert_eq!(seen, 30);
}
