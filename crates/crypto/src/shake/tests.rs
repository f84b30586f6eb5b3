use super::{RATE, Shake256, shake256};
use crate::{
    CryptoError,
    vectors::{hex, rows},
};

#[test]
fn published_vectors() {
    let mut seen = 0;
    for row in rows(include_str!("../../vectors/shake256.txt")) {
        let [message, expected] = row[..] else { panic!("{row:?}") };
        let mut shake = Shake256::new();
        shake.update(&hex(message));
        let mut out = alloc::vec![0; hex(expected).len()];
        shake.finish(&mut out);
        assert_eq!(out, hex(expected), "{row:?}");
        seen += 1;
    }
    assert!(seen > 30, "{seen}");
}

#[test]
fn splitting_and_saving_change_nothing() {
    let data = [0x5a; 3 * RATE + 7];
    let expected: [u8; 300] = shake256(&[&data]);
    for cut in [0, 1, 7, 8, 9, RATE - 1, RATE, RATE + 1, 2 * RATE, data.len()] {
        let mut first = Shake256::new();
        first.update(&data[..cut]);
        let mut restored = Shake256::restore(&first.save()).unwrap();
        let mut cloned = first.clone();
        for shake in [&mut restored, &mut cloned] {
            shake.update(&data[cut..]);
        }
        for shake in [restored, cloned] {
            let mut out = [0; 300];
            shake.finish(&mut out);
            assert_eq!(out, expected, "{cut}");
        }
    }
}

#[test]
fn hostile_saved_states_are_refused_or_harmless() {
    let saved = Shake256::new().save();
    assert_eq!(saved.len(), Shake256::SAVED_SIZE);
    assert_eq!(Shake256::restore(&[]).err(), Some(CryptoError::Value));
    assert_eq!(Shake256::restore(&saved[1..]).err(), Some(CryptoError::Value));
    assert_eq!(Shake256::restore(&[&saved[..], &[0]].concat()).err(), Some(CryptoError::Value));
    for at in 0..saved.len() {
        let mut changed = saved.to_vec();
        changed[at] = 0xff;
        match Shake256::restore(&changed) {
            Ok(mut shake) => {
                shake.update(&[1; 500]);
                shake.finish(&mut [0; 64]);
                assert_ne!(at, saved.len() - 1);
            }
            Err(error) => assert_eq!((error, at), (CryptoError::Value, saved.len() - 1)),
        }
    }
    for position in 0..RATE {
        let mut changed = saved.to_vec();
        changed[saved.len() - 1] = u8::try_from(position).unwrap();
        let mut shake = Shake256::restore(&changed).unwrap();
        shake.update(&[1; 500]);
        shake.finish(&mut [0; 64]);
    }
}
