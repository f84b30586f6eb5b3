use alloc::vec;
use ironroot_wire::TpmiAlgHash;

use super::{Hasher, MAX_DIGEST_SIZE, digest};
use crate::{
    CryptoError,
    vectors::{algorithm, hex, rows},
};

const EVERY: &[TpmiAlgHash] = TpmiAlgHash::EVERY;

#[test]
fn published_vectors() {
    let mut seen = 0;
    for row in rows(include_str!("../../vectors/hash.txt")) {
        let [name, message, expected] = row[..] else { panic!("{row:?}") };
        assert_eq!(*digest(algorithm(name), &[&hex(message)]), hex(expected)[..], "{row:?}");
        seen += 1;
    }
    assert!(seen > 60, "{seen}");
}

#[test]
fn a_million_letters() {
    // FIPS 180-2, appendices A.3 and B.3.
    let mut sha1 = Hasher::new(TpmiAlgHash::Sha1);
    let mut sha256 = Hasher::new(TpmiAlgHash::Sha256);
    for _ in 0..1000 {
        sha1.update(&[b'a'; 1000]);
        sha256.update(&[b'a'; 1000]);
    }
    assert_eq!(*sha1.finish(), hex("34aa973cd4c4daa4f61eeb2bdbad27316534016f")[..]);
    assert_eq!(*sha256.finish(), hex("cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")[..]);
}

#[test]
fn sizes_are_those_of_the_wire() {
    for &algorithm in EVERY {
        assert_eq!(digest(algorithm, &[]).len(), algorithm.digest_size());
        assert!(algorithm.digest_size() <= MAX_DIGEST_SIZE);
        assert_eq!(Hasher::new(algorithm).algorithm(), algorithm);
    }
}

#[test]
fn splitting_and_saving_change_nothing() {
    let data = [0x5a; 300];
    for &algorithm in EVERY {
        let expected = digest(algorithm, &[&data]);
        for cut in [0, 1, 63, 64, 65, 71, 72, 104, 127, 128, 136, 299, 300] {
            let mut first = Hasher::new(algorithm);
            first.update(&data[..cut]);
            let mut restored = Hasher::restore(algorithm, &first.save()).unwrap();
            let mut cloned = first.clone();
            for hasher in [&mut restored, &mut cloned] {
                hasher.update(&data[cut..]);
            }
            assert_eq!(restored.finish(), expected, "{algorithm:?} {cut}");
            assert_eq!(cloned.finish(), expected, "{algorithm:?} {cut}");
        }
    }
}

#[test]
fn hostile_saved_states_are_refused_or_harmless() {
    for &algorithm in EVERY {
        let saved = Hasher::new(algorithm).save();
        assert_eq!(Hasher::restore(algorithm, &[]).err(), Some(CryptoError::Value));
        assert_eq!(Hasher::restore(algorithm, &saved[1..]).err(), Some(CryptoError::Value));
        let longer = [&saved[..], &[0]].concat();
        assert_eq!(Hasher::restore(algorithm, &longer).err(), Some(CryptoError::Value));
        for fill in [0x00, 0x7f, 0xff] {
            if let Ok(mut hasher) = Hasher::restore(algorithm, &vec![fill; saved.len()]) {
                hasher.update(&[1; 500]);
                assert_eq!(hasher.finish().len(), algorithm.digest_size());
            }
        }
        for at in 0..saved.len() {
            let mut changed = saved.to_vec();
            changed[at] = 0xff;
            if let Ok(mut hasher) = Hasher::restore(algorithm, &changed) {
                hasher.update(&[1; 500]);
                assert_eq!(hasher.finish().len(), algorithm.digest_size());
            }
        }
    }
}

#[test]
fn digests_compare_by_all_bytes_and_length() {
    let one = digest(TpmiAlgHash::Sha256, &[b"one"]);
    assert_eq!(one, digest(TpmiAlgHash::Sha256, &[b"o", b"ne"]));
    assert_ne!(one, digest(TpmiAlgHash::Sha256, &[b"two"]));
    assert_ne!(one, digest(TpmiAlgHash::Sha384, &[b"one"]));
    assert_eq!(alloc::format!("{one:?}"), "Digest(32 bytes)");
}
