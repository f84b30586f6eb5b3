//! What every place that holds a state has to do.

use crate::common::*;
use crate::places::Place;
use ironroot_platform::memory::{MemoryCounter, TestEntropy};
use ironroot_platform::{Change, Durability, RecordKey, Records, Storage, StorageError};
use ironroot_store::medium::Medium as _;
use ironroot_store::{Access, CounterChange, FileStore, KeyChange, NewCounter, Options, Policy};

type Store<P> = FileStore<<P as Place>::Medium>;

fn create_in<P: Place>(place: &mut P, options: Options) -> Result<Store<P>, StorageError> {
    FileStore::create_on(place.medium()?, &KEY, options, Box::new(TestEntropy::new(1)))
}

fn open_in<P: Place>(place: &mut P, options: Options) -> Result<Store<P>, StorageError> {
    FileStore::open_on(place.medium()?, &KEY, options, Box::new(TestEntropy::new(2)))
}

fn commit(store: &mut impl Storage, records: &mut Records, changes: &[Change]) {
    store.commit(changes).unwrap();
    apply(records, changes);
    assert_eq!(store.load().unwrap(), *records);
}

/// The part of the contract that even memory keeps.
pub fn running(store: &mut impl Storage) {
    let mut records = Records::new();
    assert_eq!(store.load().unwrap(), records);
    commit(store, &mut records, &[]);
    commit(store, &mut records, &[put(1, b"one"), put(u64::MAX, b""), put(0, &[0; 5000])]);
    // Later changes of one commit win, and deleting what is not there is no error.
    let changes = [put(2, b"a"), put(2, b"b"), Change::Delete(RecordKey(1)), Change::Delete(RecordKey(99))];
    commit(store, &mut records, &changes);
    commit(store, &mut records, &[Change::Delete(RecordKey(2)), put(2, b"again")]);
    commit(store, &mut records, &[put(3, b"x"), Change::Delete(RecordKey(3))]);
    assert_eq!(store.load().unwrap().get(&RecordKey(2)).unwrap().as_slice(), b"again");
    assert_eq!(store.load().unwrap().len(), 3);
}

pub fn commits_are_there(place: &mut impl Place) {
    assert!(open_in(place, POWER).is_err(), "there is nothing yet");
    let mut store = create_in(place, POWER).unwrap();
    assert_eq!(store.durability(), Durability::Power);
    running(&mut store);
    let records = store.load().unwrap();
    let sequence = store.sequence();
    drop(store);
    for _ in 0..3 {
        let mut store = open_in(place, POWER).unwrap();
        assert_eq!((store.load().unwrap(), store.sequence()), (records.clone(), sequence));
    }
}

pub fn is_atomic(place: &mut impl Place) {
    let mut store = create_in(place, POWER).unwrap();
    let mut records = Records::new();
    commit(&mut store, &mut records, &[put(1, b"one")]);
    // A change that is larger than any frame may be, behind one that would fit.
    let error = store.commit(&[put(2, b"two"), put(3, &vec![1; 17 << 20])]).unwrap_err();
    assert!(matches!(error, StorageError::Full(_)), "{error}");
    assert_eq!(store.load().unwrap(), records);
    commit(&mut store, &mut records, &[put(4, b"four")]);
    drop(store);
    assert_eq!(open_in(place, POWER).unwrap().load().unwrap(), records);
}

pub fn compacts(place: &mut impl Place) {
    let mut store = create_in(place, POWER).unwrap();
    let (mut random, mut records) = (TestEntropy::new(11), Records::new());
    let mut last = store.sequence();
    for _ in 0..300 {
        let changes = random_commit(&mut random);
        store.commit(&changes).unwrap();
        apply(&mut records, &changes);
        assert!(store.sequence() > last, "the sequence number goes up");
        last = store.sequence();
    }
    assert!(store.generation() > 2, "it was compacted");
    assert_eq!(store.load().unwrap(), records);
    drop(store);
    assert_eq!(open_in(place, POWER).unwrap().load().unwrap(), records);
}

pub fn has_one_owner<P: Place>(place: &mut P) {
    let store = create_in(place, POWER).unwrap();
    if P::LOCKS {
        let busy = place.medium().err().unwrap().to_string();
        assert!(busy.contains("has this state open") || busy.contains("busy"), "{busy}");
    }
    drop(store);
    assert!(place.medium().unwrap().exists().unwrap());
    let error = create_in(place, POWER).err().unwrap().to_string();
    assert!(error.contains("there is a state here already"), "{error}");
}

pub fn refuses_what_does_not_fit<P: Place>(place: &mut P) {
    let mut store = create_in(place, POWER).unwrap();
    let mut records = Records::new();
    let mut full = 0;
    if P::ENDS {
        for n in 0..300 {
            let changes = [put(n, &[n as u8; 2000])];
            match store.commit(&changes) {
                Ok(()) => apply(&mut records, &changes),
                Err(StorageError::Full(text)) => {
                    assert!(!text.is_empty());
                    full += 1;
                }
                Err(other) => panic!("{other}"),
            }
        }
        assert!(full > 10 && records.len() > 5, "{full} {}", records.len());
        assert_eq!(store.load().unwrap(), records);
    }
    // There is room again when something goes.
    for n in 0..5 {
        commit(&mut store, &mut records, &[Change::Delete(RecordKey(n))]);
    }
    commit(&mut store, &mut records, &[put(9999, &[9; 2000])]);
    drop(store);
    assert_eq!(open_in(place, POWER).unwrap().load().unwrap(), records);
}

pub fn refuses_other_keys<P: Place>(place: &mut P) {
    drop(create_in(place, POWER).unwrap());
    let mut with = |access: Access| {
        let medium = place.medium().unwrap();
        FileStore::<P::Medium>::open_on(medium, access, POWER, Box::new(TestEntropy::new(2))).map(|_| ())
    };
    let error = with(Access::new(&[1; 32])).unwrap_err();
    assert!(matches!(&error, StorageError::Refused(text) if text.contains("nothing was changed")), "{error}");
    assert!(matches!(with(Access::new(&KEY).with_instance("other")), Err(StorageError::Refused(_))));
    assert!(matches!(with(Access::new(&KEY).only_with_counter()), Err(StorageError::Refused(_))));
    with(Access::new(&KEY)).unwrap();
}

fn access(counter: &MemoryCounter) -> Access {
    let counter = counter.clone();
    Access::new(&KEY).with_counters(Box::new(move |_, _| Ok(Box::new(counter.clone()))))
}

fn count<P: Place>(place: &mut P, counter: &MemoryCounter) {
    let new = NewCounter { counter: Box::new(counter.clone()), place: "here".into(), policy: Policy::EveryCommit };
    let (medium, entropy) = (place.medium().unwrap(), Box::new(TestEntropy::new(3)));
    FileStore::rekey_on(medium, access(counter), entropy, KeyChange::Keep, CounterChange::Set(new)).unwrap();
}

fn open_counted<P: Place>(place: &mut P, counter: &MemoryCounter) -> Result<Store<P>, StorageError> {
    FileStore::open_on(place.medium()?, access(counter), POWER, Box::new(TestEntropy::new(4)))
}

pub fn refuses_old_copies<P: Place>(place: &mut P) {
    let counter = MemoryCounter::default();
    drop(create_in(place, POWER).unwrap());
    count(place, &counter);
    let mut store = open_counted(place, &counter).unwrap();
    let (mut random, mut records) = (TestEntropy::new(5), Records::new());
    let mut copies = Vec::new();
    for n in 0..120 {
        if n % 9 == 0 {
            copies.push(place.copy());
        }
        let changes = random_commit(&mut random);
        store.commit(&changes).unwrap();
        apply(&mut records, &changes);
        assert_eq!(counter.only(), Some(store.sequence()), "state and counter move together");
    }
    drop(store);
    let last = place.copy();
    if P::CAN_BE_PUT_BACK {
        for copy in &copies {
            place.put_back(copy);
            let error = open_counted(place, &counter).err().expect("accepted").to_string();
            assert!(error.contains("an old copy of the state was put back"), "{error}");
        }
        place.put_back(&last);
    }
    assert_eq!(open_counted(place, &counter).unwrap().load().unwrap(), records);
}

pub fn rekeys(place: &mut impl Place) {
    let counter = MemoryCounter::default();
    let mut store = create_in(place, POWER).unwrap();
    let mut records = Records::new();
    commit(&mut store, &mut records, &[put(1, b"one")]);
    drop(store);
    count(place, &counter);
    assert!(counter.only().is_some());
    let mut store = open_counted(place, &counter).unwrap();
    commit(&mut store, &mut records, &[put(2, b"two")]);
    let sequence = store.sequence();
    drop(store);
    let (medium, entropy) = (place.medium().unwrap(), Box::new(TestEntropy::new(3)));
    let anew = FileStore::rekey_on(medium, access(&counter), entropy, KeyChange::Keep, CounterChange::Remove).unwrap();
    assert!(anew > sequence);
    let mut store = open_in(place, POWER).unwrap();
    assert_eq!(store.load().unwrap(), records);
    assert!(store.history().iter().any(|(_, event)| event.contains("sealed anew")));
}

pub fn relaxes(place: &mut impl Place) {
    let mut store = create_in(place, PROCESS).unwrap();
    assert_eq!(store.durability(), Durability::Process);
    let (mut random, mut records) = (TestEntropy::new(8), Records::new());
    for _ in 0..60 {
        let changes = random_commit(&mut random);
        commit(&mut store, &mut records, &changes);
    }
    drop(store);
    let mut store = open_in(place, POWER).unwrap();
    assert_eq!(store.load().unwrap(), records);
    commit(&mut store, &mut records, &[put(77, b"strict")]);
    drop(store);
    assert_eq!(open_in(place, PROCESS).unwrap().load().unwrap(), records);
}

/// Opened and closed again and again, with a commit each time.
pub fn lives_many_times(place: &mut impl Place) {
    drop(create_in(place, POWER).unwrap());
    let mut records = Records::new();
    for n in 0..200_u64 {
        let mut store = open_in(place, POWER).unwrap();
        assert_eq!(store.load().unwrap(), records);
        commit(&mut store, &mut records, &[put(n % 7, &n.to_be_bytes())]);
    }
}
