//! Rollback defence: an old copy is refused with both numbers, power cuts and a counter that fails never make an old copy
//! of the current state, and an accepted rollback goes on.
#![allow(clippy::arithmetic_side_effects, clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod common;

use common::*;
use ironroot_platform::memory::{CounterFault, MemoryCounter, TestEntropy};
use ironroot_platform::{Records, Storage, StorageError};
use ironroot_store::simulated::{DiskFault, SimulatedDisk};
use ironroot_store::{Access, CounterChange, FileStore, KeyChange, NewCounter, Options, Policy};

type Store = FileStore<SimulatedDisk>;

fn access(counter: &MemoryCounter) -> Access {
    let counter = counter.clone();
    Access::new(&KEY).with_counters(Box::new(move |_, place| {
        assert_eq!(place, "here");
        Ok(Box::new(counter.clone()))
    }))
}

fn new(counter: &MemoryCounter, policy: Policy) -> NewCounter {
    NewCounter { counter: Box::new(counter.clone()), place: "here".into(), policy }
}

/// A new state with a counter, made through a rekeying as for a state that had none.
fn counted(disk: &SimulatedDisk, counter: &MemoryCounter, policy: Policy) {
    drop(create(disk, POWER));
    let random = Box::new(TestEntropy::new(3));
    let set = CounterChange::Set(new(counter, policy));
    FileStore::rekey_on(disk.clone(), access(counter), random, KeyChange::Keep, set).unwrap();
}

fn open_with(disk: &SimulatedDisk, counter: &MemoryCounter, options: Options) -> Result<Store, StorageError> {
    FileStore::open_on(disk.clone(), access(counter), options, Box::new(TestEntropy::new(4)))
}

fn refused(result: Result<Store, StorageError>, words: &[&str]) {
    let text = match result.map(|_| ()) {
        Err(StorageError::Refused(text) | StorageError::Io(text)) => text,
        other => panic!("{other:?}"),
    };
    words.iter().for_each(|words| assert!(text.contains(words), "{text} does not say {words}"));
}

#[test]
fn every_older_copy_is_refused() {
    let (disk, counter) = (SimulatedDisk::new(), MemoryCounter::default());
    counted(&disk, &counter, Policy::EveryCommit);
    let mut random = TestEntropy::new(5);
    let mut copies = Vec::new();
    let mut store = open_with(&disk, &counter, POWER).unwrap();
    let mut records = Records::new();
    for _ in 0..120 {
        copies.push((store.sequence(), disk.state().unwrap()));
        let changes = random_commit(&mut random);
        store.commit(&changes).unwrap();
        apply(&mut records, &changes);
        assert_eq!(counter.only(), Some(store.sequence()));
    }
    assert!(store.generation() > 3, "compactions are among them");
    let last = store.sequence();
    drop(store);
    for (sequence, copy) in &copies {
        let old = SimulatedDisk::with_state(copy);
        let (state, reached) = (format!("number is {sequence},"), format!("reached {last};"));
        refused(open_with(&old, &counter, POWER), &["an old copy of the state was put back", &state, &reached]);
        assert_eq!(old.operations(), 0);
        assert_eq!(old.state().unwrap(), *copy);
    }
    assert_eq!(counter.only(), Some(last), "a refusal counts nothing");
    assert_eq!(open_with(&disk, &counter, POWER).unwrap().load().unwrap(), records);
}

#[test]
fn a_counter_that_is_expected_cannot_be_left_out() {
    let (disk, counter) = (SimulatedDisk::new(), MemoryCounter::default());
    counted(&disk, &counter, Policy::EveryCommit);
    let before = disk.operations();
    // Without a word of a counter; with an empty one; with one that cannot be reached.
    refused(open(&disk, POWER), &["counter"]);
    refused(open_with(&disk, &MemoryCounter::default(), POWER), &["expects a counter that is not there"]);
    counter.fail(Some(CounterFault::Before));
    refused(open_with(&disk, &counter, POWER), &["cannot be reached"]);
    assert_eq!(disk.operations(), before);
    counter.fail(None);
    // Nor can the header be changed to expect none.
    let mut file = disk.state().unwrap();
    file[64..96].fill(0);
    use sha2::Digest;
    let sum = sha2::Sha256::digest(&file[..480]);
    file[480..512].copy_from_slice(&sum);
    refused(open_with(&SimulatedDisk::with_state(&file), &counter, POWER), &["another key"]);
    // And a state without one is not taken for one with.
    let plain = SimulatedDisk::new();
    drop(create(&plain, POWER));
    let random = Box::new(TestEntropy::new(4));
    let insists = access(&counter).only_with_counter();
    refused(FileStore::open_on(plain, insists, POWER, random), &["expects none"]);
    // Commits that do not wait for the disk cannot be counted one by one.
    refused(open_with(&disk, &counter, PROCESS), &["--durability power"]);
}

/// Commits until something fails: what was acknowledged, and that with the commit that failed.
fn work(disk: &SimulatedDisk, counter: &MemoryCounter, seed: u64, options: Options) -> (Records, Records) {
    let mut random = TestEntropy::new(seed);
    let Ok(mut store) = open_with(disk, counter, options) else {
        return (Records::new(), Records::new());
    };
    let records = store.load().unwrap();
    commit_until_failure(&mut store, records, 90, || random_commit(&mut random))
}

#[test]
fn no_power_cut_makes_an_old_copy() {
    let mut cuts = 0;
    for (policy, options) in [(Policy::EveryCommit, POWER), (Policy::Sessions, POWER), (Policy::Sessions, PROCESS)] {
        let operations = {
            let (disk, counter) = (SimulatedDisk::new(), MemoryCounter::default());
            counted(&disk, &counter, policy);
            let before = disk.operations();
            work(&disk, &counter, 1, options);
            disk.operations() - before
        };
        for cut in 1..operations {
            let (disk, counter) = (SimulatedDisk::new(), MemoryCounter::default());
            counted(&disk, &counter, policy);
            disk.fail_nth(cut, DiskFault::PowerCut);
            let (acknowledged, with_the_last) = work(&disk, &counter, 1, options);
            for luck in 0..3 {
                let after = disk.after_power_cut(cut * 10 + luck);
                let counter = counter.copy();
                let mut store = open_with(&after, &counter, POWER)
                    .unwrap_or_else(|error| panic!("{policy:?}, cut {cut}, luck {luck}: {error}"));
                let found = store.load().unwrap();
                if options == POWER {
                    assert!(found == acknowledged || found == with_the_last, "cut {cut}, luck {luck}");
                }
                cuts += 1;
                // What comes up is counted by now: the copies with less luck are old ones.
                assert_eq!(counter.only(), Some(store.sequence()));
            }
        }
    }
    println!("{cuts} power cuts");
    assert!(cuts > 1_000);
}

#[test]
fn a_counter_that_fails_takes_the_commit_back() {
    for fault in [CounterFault::Before, CounterFault::After] {
        for at in 0..40 {
            let (disk, counter) = (SimulatedDisk::new(), MemoryCounter::default());
            counted(&disk, &counter, Policy::EveryCommit);
            let mut store = open_with(&disk, &counter, POWER).unwrap();
            let mut random = TestEntropy::new(at);
            let mut records = Records::new();
            for n in 0..45 {
                let changes = random_commit(&mut random);
                if (at..at + 3).contains(&n) {
                    counter.fail(Some(fault));
                    let error = store.commit(&changes).unwrap_err().to_string();
                    assert!(error.contains("taken back"), "{error}");
                    // What is on the disk is what was acknowledged, and not older than the counter.
                    counter.fail(None);
                    let copy = SimulatedDisk::with_state(&disk.state().unwrap());
                    assert_eq!(open_with(&copy, &counter.clone(), POWER).unwrap().load().unwrap(), records);
                } else {
                    store.commit(&changes).unwrap();
                    apply(&mut records, &changes);
                }
                assert!(store.load().unwrap() == records, "{fault:?} at {at}, commit {n}");
            }
        }
    }
}

#[test]
fn a_counter_that_fails_on_a_broken_disk_is_resolved_later() {
    let (disk, counter) = (SimulatedDisk::new(), MemoryCounter::default());
    counted(&disk, &counter, Policy::EveryCommit);
    let mut store = open_with(&disk, &counter, POWER).unwrap();
    store.commit(&[put(1, b"kept")]).unwrap();
    counter.fail(Some(CounterFault::After));
    // The frame is written and flushed; everything after that fails.
    disk.fail_nth(3, DiskFault::Broken);
    assert!(store.commit(&[put(1, b"lost")]).is_err());
    assert!(store.commit(&[put(1, b"lost, too")]).is_err());
    counter.fail(None);
    disk.repair();
    store.commit(&[put(2, b"next")]).unwrap();
    drop(store);
    let records = open_with(&disk, &counter, POWER).unwrap().load().unwrap();
    assert_eq!(
        records.into_iter().map(|(key, value)| (key.0, value.to_vec())).collect::<Vec<_>>(),
        [(1, b"kept".to_vec()), (2, b"next".to_vec())]
    );
}

#[test]
fn two_copies_in_use_are_noticed() {
    let (disk, counter) = (SimulatedDisk::new(), MemoryCounter::default());
    counted(&disk, &counter, Policy::EveryCommit);
    let copy = SimulatedDisk::with_state(&disk.state().unwrap());
    let mut one = open_with(&disk, &counter, POWER).unwrap();
    let mut two = open_with(&copy, &counter, POWER).unwrap();
    one.commit(&[put(1, b"one")]).unwrap();
    for _ in 0..5 {
        let error = two.commit(&[put(1, b"two")]).unwrap_err();
        assert!(matches!(&error, StorageError::Refused(text) if text.contains("in use elsewhere")), "{error}");
    }
    one.commit(&[put(1, b"still one")]).unwrap();
    drop(two);
    assert_eq!(counter.only(), Some(one.sequence()));
    refused(open_with(&copy, &counter, POWER), &["an old copy"]);
}

#[test]
fn sessions_leave_the_window_that_is_documented() {
    let (disk, counter) = (SimulatedDisk::new(), MemoryCounter::default());
    counted(&disk, &counter, Policy::Sessions);
    let before_the_session = disk.state().unwrap();
    let mut store = open_with(&disk, &counter, POWER).unwrap();
    store.commit(&[put(1, b"a")]).unwrap();
    let advances = counter.advances();
    let in_the_session = disk.state().unwrap();
    for _ in 0..20 {
        store.commit(&[put(1, b"b")]).unwrap();
    }
    assert_eq!(counter.advances(), advances, "commits do not count");
    // The process dies: the window.
    std::mem::forget(store);
    drop(open_with(&SimulatedDisk::with_state(&in_the_session), &counter, POWER).unwrap());
    refused(open_with(&SimulatedDisk::with_state(&before_the_session), &counter, POWER), &["an old copy"]);
    // An orderly end closes it.
    drop(open_with(&disk, &counter, POWER).unwrap());
    refused(open_with(&SimulatedDisk::with_state(&in_the_session), &counter, POWER), &["an old copy"]);
}

#[test]
fn an_accepted_rollback_goes_on_and_is_kept() {
    let (disk, counter) = (SimulatedDisk::new(), MemoryCounter::default());
    counted(&disk, &counter, Policy::EveryCommit);
    let mut store = open_with(&disk, &counter, POWER).unwrap();
    store.commit(&[put(1, b"old")]).unwrap();
    let copy = disk.state().unwrap();
    for _ in 0..9 {
        store.commit(&[put(1, b"new")]).unwrap();
    }
    let (latest, last) = (disk.state().unwrap(), store.sequence());
    drop(store);
    let old = SimulatedDisk::with_state(&copy);
    let accept = |disk: &SimulatedDisk, reason: &str, new| {
        let random = Box::new(TestEntropy::new(9));
        FileStore::accept_rollback_on(disk.clone(), access(&counter), random, reason, new)
    };
    assert!(accept(&old, "  ", None).is_err(), "without a reason");
    assert!(accept(&disk, "why not", None).is_err(), "nothing to accept");
    assert_eq!(old.operations(), 0);
    let accepted = accept(&old, "the disk died; backup of May", None).unwrap();
    assert_eq!((accepted.state, accepted.counter, accepted.sequence), (last - 9, Some(last), last + 1));
    let mut store = open_with(&old, &counter, POWER).unwrap();
    assert_eq!(store.load().unwrap().into_values().map(|value| value.to_vec()).collect::<Vec<_>>(), [b"old"]);
    store.commit(&[put(1, b"on")]).unwrap();
    let events: Vec<String> = store.history().into_iter().map(|(_, what)| what).collect();
    assert!(events.last().unwrap().contains("backup of May"), "{events:?}");
    drop(store);
    // The latest state from before is now an old copy itself; so is the one that was accepted.
    refused(open_with(&SimulatedDisk::with_state(&latest), &counter, POWER), &["an old copy"]);
    refused(open_with(&SimulatedDisk::with_state(&copy), &counter, POWER), &["an old copy"]);

    // The counter is lost: another one.
    let other = MemoryCounter::default();
    refused(open_with(&old, &other, POWER), &["not there"]);
    let accepted = accept(&old, "lost the stick", Some(new(&other, Policy::Sessions))).unwrap();
    assert_eq!(accepted.counter, None);
    drop(open_with(&old, &other, POWER).unwrap());
    refused(open_with(&old, &counter, POWER), &["not there"]);
}

#[test]
fn a_power_cut_while_a_rollback_is_accepted_leaves_one_of_both() {
    let (mut before, mut after) = (0, 0);
    for cut in 1..9 {
        for luck in 0..12 {
            let (disk, counter) = (SimulatedDisk::new(), MemoryCounter::default());
            counted(&disk, &counter, Policy::EveryCommit);
            let copy = disk.state().unwrap();
            open_with(&disk, &counter, POWER).unwrap().commit(&[put(1, b"lost")]).unwrap();
            let old = SimulatedDisk::with_state(&copy);
            let accept = |disk: &SimulatedDisk| {
                let random = Box::new(TestEntropy::new(9));
                FileStore::accept_rollback_on(disk.clone(), access(&counter), random, "a test", None)
            };
            old.fail_nth(cut, DiskFault::PowerCut);
            let done = accept(&old).is_ok();
            let found = old.after_power_cut(cut * 100 + luck);
            match open_with(&found, &counter, POWER) {
                Ok(mut store) => {
                    assert_eq!(store.load().unwrap(), Records::new());
                    after += 1;
                }
                Err(StorageError::Refused(text)) if !done && text.contains("an old copy") => {
                    accept(&found).unwrap();
                    drop(open_with(&found, &counter, POWER).unwrap());
                    before += 1;
                }
                Err(other) => panic!("cut {cut}, luck {luck}, done {done}: {other}"),
            }
        }
    }
    assert!(before > 10 && after > 10, "{before}, {after}");
}
