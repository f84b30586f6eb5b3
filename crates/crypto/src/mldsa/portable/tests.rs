//! NIST's signature vectors, whose keys have no seed.

use alloc::vec::Vec;

use ironroot_wire::TpmiAlgHash;
use ml_dsa::{ExpandedSigningKey, MlDsa44, MlDsa65, MlDsa87, MlDsaParams};

use crate::{
    digest,
    mldsa::conformance::Bytes,
    random::AsRng,
    vectors::{hex, rows},
};

#[allow(deprecated, reason = "the published keys have no other form")]
fn sign<P: MlDsaParams>(key: &[u8], mu: &[u8; 64], randomness: &[u8]) -> Vec<u8> {
    let key = ExpandedSigningKey::<P>::from_expanded(&key.try_into().unwrap());
    key.sign_mu_randomized(&(*mu).into(), &mut AsRng(&mut Bytes(randomness))).unwrap().encode().to_vec()
}

#[test]
fn published_keys_in_expanded_form() {
    let mut seen = 0;
    for row in rows(include_str!("../../../vectors/mldsa_expanded.txt")) {
        let [set, key, mu, randomness, expected] = row[..] else { panic!("{row:?}") };
        let (key, mu, randomness) = (hex(key), hex(mu).try_into().unwrap(), hex(randomness));
        let signature = match set {
            "44" => sign::<MlDsa44>(&key, &mu, &randomness),
            "65" => sign::<MlDsa65>(&key, &mu, &randomness),
            _ => sign::<MlDsa87>(&key, &mu, &randomness),
        };
        assert_eq!(*digest(TpmiAlgHash::Sha256, &[&signature]), hex(expected)[..], "ML-DSA-{set}");
        seen += 1;
    }
    assert_eq!(seen, 18);
}
