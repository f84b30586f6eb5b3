//! NIST's signature vectors, whose keys have no seed.

use ironroot_crypto::{
    MlDsaPrivateKey as _, Random, digest,
    vectors::{hex, rows},
};
use ironroot_wire::{TpmiAlgHash, TpmiMldsaParms};
use zeroize::Zeroizing;

use super::PrivateKey;
use crate::lattice::ml_dsa;

struct Bytes(Vec<u8>);

impl Random for Bytes {
    fn fill(&mut self, out: &mut [u8]) {
        out.copy_from_slice(&self.0);
    }
}

#[test]
fn published_keys_in_expanded_form() {
    let mut seen = 0;
    for row in rows(include_str!("../../../crypto/vectors/mldsa_expanded.txt")) {
        let [set, private, mu, randomness, expected] = row[..] else { panic!("{row:?}") };
        let library = ml_dsa(match set {
            "44" => TpmiMldsaParms::MlDsa44,
            "65" => TpmiMldsaParms::MlDsa65,
            _ => TpmiMldsaParms::MlDsa87,
        });
        let private = Zeroizing::new(hex(private));
        assert_eq!(private.len(), library.private_size);
        let key = PrivateKey { library, private, public: Vec::new() };
        let signature = key.sign_mu(&hex(mu).try_into().unwrap(), &mut Bytes(hex(randomness))).unwrap();
        assert_eq!(*digest(TpmiAlgHash::Sha256, &[&signature]), hex(expected)[..], "ML-DSA-{set}");
        seen += 1;
    }
    assert_eq!(seen, 18);
}

#[test]
fn the_sizes_are_those_of_the_parameter_sets() {
    for &set in TpmiMldsaParms::EVERY {
        let library = ml_dsa(set);
        assert_eq!(library.public_size, set.public_size());
        assert_eq!(library.signature_size, set.signature_size());
    }
}
