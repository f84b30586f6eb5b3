//! A counter's file is hostile input: whoever can write it, but not open the state, makes it say a number that it has said
//! before, or nothing. What is read or refused stays as it is, and a number that is advanced is the one that is read next.
#![no_main]

use hmac::{Hmac, KeyInit, Mac};
use ironroot_platform::{CountedState, CounterError, MonotonicCounter};
use ironroot_store::FileCounter;
use libfuzzer_sys::fuzz_target;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use zeroize::Zeroizing;

const BLOCK: usize = 512;
const SECRET: [u8; 32] = [0x5a; 32];
const NAME: [u8; 16] = [0xab; 16];

fn state() -> CountedState {
    CountedState { id: NAME, secret: Zeroizing::new(SECRET) }
}

struct Place {
    folder: tempfile::TempDir,
    file: PathBuf,
    /// The file with the numbers 6 and 7.
    real: Vec<u8>,
}

static PLACE: LazyLock<Place> = LazyLock::new(|| {
    let memory = Path::new("/dev/shm");
    let place = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
    let folder = tempfile::tempdir_in(place).expect("a folder for counters");
    let mut counter = FileCounter::new(folder.path());
    counter.register(&state()).expect("an empty folder takes a counter");
    for number in 1..8 {
        counter.advance(&state(), number).expect("it counts");
    }
    drop(counter);
    let file = folder.path().join(format!("{}.counter", "ab".repeat(16)));
    let real = std::fs::read(&file).expect("its file");
    assert_eq!(real, [slot(6, &SECRET), slot(7, &SECRET)].concat(), "docs/state-format.md describes another file");
    Place { folder, file, real }
});

/// A slot as docs/state-format.md describes it.
fn slot(number: u64, secret: &[u8; 32]) -> [u8; BLOCK] {
    let mac = |key: &[u8], data: &[u8]| {
        let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes any key");
        mac.update(data);
        <[u8; 32]>::from(mac.finalize().into_bytes())
    };
    let mut slot = b"IRCOUNT\0\x00\x01\0\0\0\0\0\0".to_vec();
    slot.extend(NAME);
    slot.extend(number.to_be_bytes());
    let authentic = mac(&mac(secret, b"ironroot/counter/v1/file"), &slot);
    slot.extend(authentic);
    slot.resize(480, 0);
    let sum = Sha256::digest(&slot);
    slot.extend_from_slice(&sum);
    slot.try_into().expect("a block")
}

/// Edits as the input says; the checksums are made right again if it says so.
fn edit(file: &mut Vec<u8>, edits: &[u8], sums: bool) {
    for step in edits.chunks_exact(4) {
        let (operation, value) = (step[0], step[3]);
        let place = usize::from(u16::from_be_bytes([step[1], step[2]])) % (file.len() + 1);
        match operation % 6 {
            0 if place < file.len() => file[place] ^= value,
            1 => file.truncate(place),
            2 => file.insert(place, value),
            3 => file.resize(file.len() + usize::from(value), value),
            4 if file.len() >= 2 * BLOCK => file.copy_within(..BLOCK, BLOCK),
            // A slot of somebody who knows the name and the form, but not the secret.
            5 if file.len() >= 2 * BLOCK => {
                let begin = place % 2 * BLOCK;
                let mut guess = [value; 32];
                guess[0] ^= 1;
                file[begin..begin + BLOCK].copy_from_slice(&slot(u64::from(value), &guess));
            }
            _ => {}
        }
    }
    if sums {
        for block in file.chunks_exact_mut(BLOCK) {
            let sum = Sha256::digest(&block[..480]);
            block[480..].copy_from_slice(&sum);
        }
    }
}

fuzz_target!(|input: &[u8]| {
    let Some((mode, rest)) = input.split_first() else { return };
    let place = &*PLACE;
    let mut file = if mode % 4 == 0 { rest.to_vec() } else { place.real.clone() };
    let mut numbers = vec![6, 7];
    match mode % 4 {
        0 => {}
        3 => {
            // The owner's own slots, in any order, and then somebody's edits.
            let Some(([one, two], edits)) = rest.split_first_chunk::<2>() else { return };
            numbers = vec![u64::from(*one), u64::from(*two)];
            file = [slot(numbers[0], &SECRET), slot(numbers[1], &SECRET)].concat();
            edit(&mut file, edits, false);
        }
        kind => edit(&mut file, rest, kind == 2),
    }
    std::fs::write(&place.file, &file).expect("the counter's file is written");
    let mut counter = FileCounter::new(place.folder.path());
    let read = counter.read(&state());
    assert!(std::fs::read(&place.file).expect("its file") == file, "reading changed the file");
    let Ok(number) = read else {
        assert!(matches!(read, Err(CounterError::Refused(_))), "{read:?}");
        assert!(counter.advance(&state(), 1_000).is_err(), "a counter that cannot be read was advanced");
        assert!(std::fs::read(&place.file).expect("its file") == file, "a refused file was changed");
        return;
    };
    assert!(numbers.contains(&number), "the number {number} was never written");
    assert_eq!(counter.advance(&state(), number), Err(CounterError::Ahead(number)));
    counter.advance(&state(), number + 1).expect("it counts");
    drop(counter);
    assert_eq!(FileCounter::observing(place.folder.path()).read(&state()), Ok(number + 1));
});
