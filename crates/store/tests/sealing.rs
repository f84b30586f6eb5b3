//! What a state is sealed under: every wrong, missing, superfluous key is refused with what was expected, and keys change in
//! one step.
#![allow(clippy::arithmetic_side_effects, clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod common;

use common::*;
use ironroot_platform::memory::TestEntropy;
use ironroot_platform::{Records, Storage, StorageError};
use ironroot_store::simulated::{DiskFault, SimulatedDisk};
use ironroot_store::{Access, Cost, CounterChange, FileStore, KeyChange, SecondKey};
use zeroize::Zeroizing;

/// Cheap to guess, for tests.
const COST: Cost = Cost { memory: 64, passes: 1, lanes: 1 };

fn key(fill: u8) -> SecondKey {
    SecondKey::Key(Zeroizing::new([fill; 32]))
}

fn words(text: &str) -> SecondKey {
    SecondKey::Passphrase(Zeroizing::new(text.as_bytes().to_vec()))
}

fn access(device: u8, second: Option<SecondKey>) -> Access {
    Access::new(&[device; 32]).with_second(second).with_cost(COST)
}

fn sample(access: Access) -> SimulatedDisk {
    let disk = SimulatedDisk::new();
    let mut store = FileStore::create_on(disk.clone(), access, POWER, Box::new(TestEntropy::new(1))).unwrap();
    store.commit(&[put(1, b"contents")]).unwrap();
    disk
}

fn load(disk: &SimulatedDisk, access: Access) -> Result<Records, StorageError> {
    FileStore::open_on(disk.clone(), access, POWER, Box::new(TestEntropy::new(2)))?.load()
}

#[test]
fn each_wrong_key_is_refused_with_what_was_expected() {
    let plain = || sample(access(1, None));
    let keyed = || sample(access(1, Some(key(7))));
    let worded = || sample(access(1, Some(words("right"))));
    let named = || sample(access(1, None).with_instance("vm1"));
    let table: [(SimulatedDisk, Access, &str); 15] = [
        (plain(), access(2, None), "under another key: the device value or the product secret"),
        (plain(), access(1, Some(key(7))), "under the device value alone"),
        (plain(), access(1, Some(words("right"))), "under the device value alone"),
        (keyed(), access(1, Some(key(8))), "under the device value and a key; the device is the right one"),
        (keyed(), access(1, None), "under the device value and a key, and only the device is known"),
        (keyed(), access(1, Some(words("right"))), "under the device value and a key, and something else was given"),
        (keyed(), access(2, Some(key(7))), "the device value or the product secret"),
        (worded(), access(1, Some(words("wrong"))), "and a passphrase; the device is the right one"),
        (worded(), access(1, Some(words(""))), "and a passphrase; the device is the right one"),
        (worded(), access(1, None), "and a passphrase, and only the device is known"),
        (
            worded(),
            access(1, Some(key(7))),
            "and a passphrase, and something else was given; nothing was changed; use --key pwdfile",
        ),
        (worded(), access(2, Some(words("right"))), "the device value or the product secret"),
        (named(), access(1, None), "belongs to the instance \"vm1\", not to the one without a name"),
        (named(), access(1, None).with_instance("vm2"), "belongs to the instance \"vm1\", not to the one \"vm2\""),
        (
            plain(),
            access(1, None).with_instance("vm2"),
            "belongs to the instance without a name, not to the one \"vm2\"",
        ),
    ];
    for (disk, access, expected) in table {
        let (before, operations) = (disk.state().unwrap(), disk.operations());
        match load(&disk, access) {
            Err(StorageError::Refused(text)) => assert!(text.contains(expected), "{text} does not say {expected}"),
            other => panic!("{expected}: {:?}", other.map(|records| records.len())),
        }
        assert_eq!((disk.state().unwrap(), disk.operations()), (before, operations), "touched");
    }
    for (disk, access) in [
        (plain(), access(1, None)),
        (keyed(), access(1, Some(key(7)))),
        (worded(), access(1, Some(words("right")))),
        (named(), access(1, None).with_instance("vm1")),
    ] {
        assert_eq!(load(&disk, access).unwrap().len(), 1);
    }
}

#[test]
fn a_passphrase_whose_cost_somebody_else_chose_is_not_paid() {
    // Four TiB of memory, with a checksum that was made good: refused before anything is stretched.
    let disk = sample(access(1, Some(words("right"))));
    let mut file = disk.state().unwrap();
    for memory in [u32::MAX, 1 << 20] {
        file[132..136].copy_from_slice(&memory.to_be_bytes());
        use sha2::Digest;
        let sum = sha2::Sha256::digest(&file[..480]);
        file[480..512].copy_from_slice(&sum);
        let start = std::time::Instant::now();
        assert!(load(&SimulatedDisk::with_state(&file), access(1, Some(words("right")))).is_err());
        assert!(start.elapsed().as_millis() < 200);
    }
}

#[test]
fn long_names_of_instances_open_nothing() {
    let name = "n".repeat(65);
    let made = FileStore::create_on(
        SimulatedDisk::new(),
        access(1, None).with_instance(&name),
        POWER,
        Box::new(TestEntropy::new(1)),
    );
    assert!(made.is_err());
    let disk = sample(access(1, None).with_instance(&name[..64]));
    assert_eq!(load(&disk, access(1, None).with_instance(&name[..64])).unwrap().len(), 1);
}

#[test]
fn new_keys_take_effect_in_one_step() {
    let (old, new) = (|| access(1, Some(key(7))), || access(1, Some(words("new"))));
    let change = || KeyChange::Set(words("new"), COST);
    let rekey = |disk: &SimulatedDisk| {
        let random = Box::new(TestEntropy::new(3));
        FileStore::rekey_on(disk.clone(), old(), random, change(), CounterChange::Keep)
    };
    let disk = sample(old());
    let before = disk.operations();
    rekey(&disk).unwrap();
    let operations = disk.operations() - before;
    assert!(load(&disk, old()).is_err() && load(&disk, new()).unwrap().len() == 1);
    let (mut olds, mut news) = (0, 0);
    for cut in 1..=operations + 1 {
        for luck in 0..20 {
            let disk = sample(old());
            disk.fail_nth(cut, DiskFault::PowerCut);
            let done = rekey(&disk).is_ok();
            let after = disk.after_power_cut(luck);
            match (load(&after, old()), load(&after, new())) {
                (Ok(records), Err(_)) if !done => olds += records.len(),
                (Err(_), Ok(records)) => news += records.len(),
                other => panic!("cut {cut}, luck {luck}, done {done}: {other:?}"),
            }
        }
    }
    println!("{olds} times the old key, {news} times the new one");
    assert!(olds > 20 && news > 20);
    // And back to the device alone; an error leaves the state as it is.
    let random = || Box::new(TestEntropy::new(3));
    disk.fail_nth(1, DiskFault::Error);
    let keep = || CounterChange::Keep;
    assert!(FileStore::rekey_on(disk.clone(), new(), random(), KeyChange::Remove, keep()).is_err());
    assert_eq!(load(&disk, new()).unwrap().len(), 1);
    FileStore::rekey_on(disk.clone(), new(), random(), KeyChange::Remove, keep()).unwrap();
    assert_eq!(load(&disk, access(1, None)).unwrap().len(), 1);
}
