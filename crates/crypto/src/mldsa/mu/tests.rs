use ironroot_wire::TpmiAlgHash;

use super::{MAX_CONTEXT_SIZE, Mu, pre_hashed};
use crate::{CryptoError, Shake256, digest, shake::shake256};

const PUBLIC: &[u8] = &[3; 1312];

#[test]
fn mu_is_the_hash_of_what_the_standard_says() {
    let tr: [u8; 64] = shake256(&[PUBLIC]);
    let mut mu = Mu::new(PUBLIC, b"context").unwrap();
    mu.update(b"mess");
    mu.update(b"age");
    assert_eq!(mu.finish(), shake256(&[&tr, &[0, 7], b"context", b"message"]));

    let hashed = digest(TpmiAlgHash::Sha384, &[b"message"]);
    let identifier = [0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02];
    assert_eq!(
        pre_hashed(PUBLIC, b"context", TpmiAlgHash::Sha384, &hashed).unwrap(),
        shake256(&[&tr, &[1, 7], b"context", &identifier, &hashed]),
    );
}

#[test]
fn contexts_and_digests_of_other_sizes_are_refused() {
    let longest = [1; MAX_CONTEXT_SIZE];
    assert!(Mu::new(PUBLIC, &longest).is_ok());
    assert_eq!(Mu::new(PUBLIC, &[1; MAX_CONTEXT_SIZE + 1]).err(), Some(CryptoError::Value));
    for &hash in TpmiAlgHash::EVERY {
        let hashed = digest(hash, &[]);
        assert!(pre_hashed(PUBLIC, &longest, hash, &hashed).is_ok());
        assert_eq!(pre_hashed(PUBLIC, &[1; 256], hash, &hashed), Err(CryptoError::Value));
        assert_eq!(pre_hashed(PUBLIC, b"", hash, &hashed[1..]), Err(CryptoError::Value));
        assert_eq!(pre_hashed(PUBLIC, b"", hash, &[&hashed[..], &[0]].concat()), Err(CryptoError::Value));
    }
}

#[test]
fn saving_changes_nothing() {
    let mut first = Mu::new(PUBLIC, b"").unwrap();
    first.update(&[4; 200]);
    let mut restored = Mu::restore(&first.save()).unwrap();
    for mu in [&mut first, &mut restored] {
        mu.update(b"rest");
    }
    assert_eq!(restored.finish(), first.finish());
    assert_eq!(Mu::restore(&[0; Shake256::SAVED_SIZE - 1]).err(), Some(CryptoError::Value));
}
