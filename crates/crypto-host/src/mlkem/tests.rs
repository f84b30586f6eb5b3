//! NIST's decapsulation vectors, whose keys have no seed.

use ironroot_crypto::{
    MlKemPrivateKey as _,
    vectors::{hex, rows},
};
use ironroot_wire::TpmiMlkemParms;
use zeroize::Zeroizing;

use super::PrivateKey;
use crate::lattice::ml_kem;

#[test]
fn published_keys_in_expanded_form() {
    let mut secret_key = Vec::new();
    let mut seen = 0;
    for row in rows(include_str!("../../../crypto/vectors/mlkem_expanded.txt")) {
        let [set, ciphertext, secret] = row[..] else { panic!("{row:?}") };
        if ciphertext == "key" {
            secret_key = hex(secret);
            continue;
        }
        let library = ml_kem(match set {
            "512" => TpmiMlkemParms::MlKem512,
            "768" => TpmiMlkemParms::MlKem768,
            _ => TpmiMlkemParms::MlKem1024,
        });
        assert_eq!(secret_key.len(), library.secret_size);
        let key = PrivateKey { library, secret: Zeroizing::new(secret_key.clone()), public: Vec::new() };
        assert_eq!(*key.decapsulate(&hex(ciphertext)).unwrap(), hex(secret), "{set} {secret}");
        seen += 1;
    }
    assert_eq!(seen, 30);
}

#[test]
fn the_sizes_are_those_of_the_parameter_sets() {
    for &set in TpmiMlkemParms::EVERY {
        let library = ml_kem(set);
        assert_eq!(library.public_size, set.public_size());
        assert_eq!(library.ciphertext_size, set.ciphertext_size());
    }
}
