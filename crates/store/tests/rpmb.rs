//! The RPMB protocol against a device that checks everything, and against a carrier that lies: forged and replayed answers, wrong
//! counters and nonces, a used-up counter, writes that are held back.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

mod common;

use common::*;
use ironroot_platform::memory::TestEntropy;
use ironroot_platform::{CountedState, CounterError, CounterKind, MonotonicCounter, Records, Storage, StorageError};
use ironroot_store::block_device::{BlockDevice, Blocks};
use ironroot_store::rpmb::{Frame, Kind, Rpmb, RpmbBlocks, RpmbError, Transport, mac};
use ironroot_store::simulated_rpmb::{RpmbFault, SimulatedRpmb};
use ironroot_store::{Access, FileStore, NewCounter, Policy};
use std::io;
use std::sync::{Arc, Mutex};
use zeroize::Zeroizing;

const RPMB_KEY: [u8; 32] = [0x42; 32];

fn device() -> SimulatedRpmb {
    let mut device = SimulatedRpmb::new(512);
    Rpmb::program_key(&mut device, &RPMB_KEY).unwrap();
    device
}

fn rpmb<T: Transport>(transport: T) -> Result<Rpmb<T>, RpmbError> {
    Rpmb::open(transport, &RPMB_KEY, Box::new(TestEntropy::new(9)))
}

type Store = FileStore<BlockDevice<RpmbBlocks<SimulatedRpmb>>>;

fn open(device: &SimulatedRpmb) -> Result<Store, StorageError> {
    let failed = |error: String| StorageError::Io(error);
    let rpmb = rpmb(device.clone()).map_err(|error| failed(error.to_string()))?;
    let medium = BlockDevice::new(rpmb.blocks()).map_err(|error| failed(error.to_string()))?;
    FileStore::open_on(medium, &KEY, POWER, Box::new(TestEntropy::new(2)))
}

fn create(device: &SimulatedRpmb) -> Store {
    let medium = BlockDevice::new(rpmb(device.clone()).unwrap().blocks()).unwrap();
    FileStore::create_on(medium, &KEY, POWER, Box::new(TestEntropy::new(1))).unwrap()
}

fn work(device: &SimulatedRpmb, before: &Records, seed: u64, commits: usize) -> (Records, Records) {
    let Ok(mut store) = open(device) else { return (before.clone(), before.clone()) };
    let mut random = TestEntropy::new(seed);
    commit_until_failure(&mut store, before.clone(), commits, || random_commit(&mut random))
}

#[test]
fn the_power_may_go_before_and_after_each_write() {
    let begun = device();
    drop(create(&begun));
    let whole = begun.after_power_cut();
    work(&whole, &Records::new(), 3, 60);
    let writes = whole.requests() - begun.requests();
    let mut cuts = 0;
    for cut in 1..=writes {
        for fault in [RpmbFault::PowerBefore, RpmbFault::PowerAfter] {
            let device = begun.after_power_cut();
            device.fail_nth(cut, fault);
            let (acknowledged, with_the_last) = work(&device, &Records::new(), 3, 60);
            let device = device.after_power_cut();
            let found = open(&device).unwrap().load().unwrap();
            assert!(found == acknowledged || found == with_the_last, "{fault:?} {cut}");
            device.fail_nth(1 + cut % 7, fault);
            let (acknowledged, with_the_last) = work(&device, &found, cut, 10);
            let found = open(&device.after_power_cut()).unwrap().load().unwrap();
            assert!(found == acknowledged || found == with_the_last, "{fault:?} {cut}, again");
            cuts += 2;
        }
    }
    println!("{cuts} power cuts in {writes} writes");
    assert!(cuts > 400, "{cuts}");
}

#[test]
fn a_lost_request_or_answer_loses_nothing_and_life_goes_on() {
    for fault in [RpmbFault::Before, RpmbFault::After] {
        for at in 1..80 {
            let device = device();
            let mut store = create(&device);
            device.fail_nth(at, fault);
            let (mut records, mut random, mut failures) = (Records::new(), TestEntropy::new(at), 0);
            for _ in 0..40 {
                let changes = random_commit(&mut random);
                match store.commit(&changes) {
                    Ok(()) => apply(&mut records, &changes),
                    Err(StorageError::Io(_)) => failures += 1,
                    Err(other) => panic!("{other}"),
                }
            }
            assert!(failures <= 1);
            assert_eq!(store.load().unwrap(), records, "{fault:?} {at}");
            drop(store);
            assert_eq!(open(&device).unwrap().load().unwrap(), records);
        }
    }
}

fn state(id: u8) -> CountedState {
    CountedState { id: [id; 16], secret: Zeroizing::new([id ^ 0x5a; 32]) }
}

#[test]
fn counts_for_many_states_and_never_goes_back() {
    let device = device();
    let mut counter = rpmb(device.clone()).unwrap().counter();
    assert_eq!(counter.kind(), CounterKind::Hardware);
    assert!(matches!(counter.read(&state(1)), Err(CounterError::Missing(_))));
    for id in 0..16 {
        counter.register(&state(id)).unwrap();
        assert!(matches!(counter.register(&state(id)), Err(CounterError::Refused(_))));
        for number in [1, 5, 1 << 40] {
            counter.advance(&state(id), number).unwrap();
            assert_eq!(counter.advance(&state(id), number), Err(CounterError::Ahead(number)));
        }
    }
    assert!(matches!(counter.register(&state(16)), Err(CounterError::Refused(text)) if text.contains("all 16")));
    let mut again = rpmb(device.clone()).unwrap().counter();
    for id in 0..16 {
        assert_eq!(again.read(&state(id)), Ok(1 << 40));
    }
    let other = CountedState { secret: Zeroizing::new([0; 32]), ..state(3) };
    assert!(matches!(again.read(&other), Err(CounterError::Refused(text)) if text.contains("another state's")));
}

/// A state on a disk, its counter in the RPMB: an old copy of the disk is refused.
#[test]
fn an_old_copy_of_a_disk_is_refused() {
    use ironroot_store::simulated::SimulatedDisk;
    let (device, disk) = (device(), SimulatedDisk::new());
    let access = || {
        let device = device.clone();
        Access::new(&KEY).with_counters(Box::new(move |kind, place| {
            assert_eq!((kind, place), (CounterKind::Hardware, "RPMB of simulated/rpmb"));
            Ok(Box::new(rpmb(device.clone()).unwrap().counter()))
        }))
    };
    drop(common::create(&disk, POWER));
    let counter = rpmb(device.clone()).unwrap().counter();
    let new = NewCounter { place: counter.place(), counter: Box::new(counter), policy: Policy::EveryCommit };
    let set = ironroot_store::CounterChange::Set(new);
    FileStore::rekey_on(disk.clone(), access(), Box::new(TestEntropy::new(3)), Default::default(), set).unwrap();
    let mut store = FileStore::open_on(disk.clone(), access(), POWER, Box::new(TestEntropy::new(4))).unwrap();
    let old = disk.state().unwrap();
    store.commit(&[put(1, b"PIN")]).unwrap();
    drop(store);
    let copy = SimulatedDisk::with_state(&old);
    let error = FileStore::open_on(copy, access(), POWER, Box::new(TestEntropy::new(4))).err().unwrap().to_string();
    assert!(error.contains("an old copy of the state was put back"), "{error}");
    FileStore::open_on(disk, access(), POWER, Box::new(TestEntropy::new(4))).unwrap();
}

/// What a carrier does to an exchange.
type Meddle = Box<dyn FnMut(&[Frame], &mut Vec<Frame>) + Send>;

/// A carrier between host and device that changes answers and may keep requests.
#[derive(Clone)]
struct Carrier {
    device: SimulatedRpmb,
    sent: Arc<Mutex<Vec<Vec<Frame>>>>,
    meddle: Arc<Mutex<Option<Meddle>>>,
    /// Writes are kept, and the host is told that they failed.
    keeps: Arc<Mutex<bool>>,
    /// Kept writes, one of which takes the place of the next.
    kept: Arc<Mutex<Vec<Vec<Frame>>>>,
    swap: Arc<Mutex<bool>>,
}

impl Carrier {
    fn new(device: SimulatedRpmb) -> Self {
        let (sent, meddle) = (Arc::default(), Arc::default());
        Self { device, sent, meddle, keeps: Arc::default(), kept: Arc::default(), swap: Arc::default() }
    }

    fn meddle(&self, with: impl FnMut(&[Frame], &mut Vec<Frame>) + Send + 'static) {
        *self.meddle.lock().unwrap() = Some(Box::new(with));
    }
}

impl Transport for Carrier {
    fn name(&self) -> String {
        "carrier".into()
    }
    fn size(&self) -> u32 {
        self.device.size()
    }
    fn send(&mut self, frames: &[Frame], reliable: bool) -> io::Result<()> {
        self.sent.lock().unwrap().push(frames.to_vec());
        if reliable && *self.keeps.lock().unwrap() {
            self.kept.lock().unwrap().push(frames.to_vec());
            return Err(io::Error::other("kept"));
        }
        if reliable
            && *self.swap.lock().unwrap()
            && let Some(old) = self.kept.lock().unwrap().pop()
        {
            return self.device.send(&old, true);
        }
        self.device.send(frames, reliable)
    }
    fn receive(&mut self, frames: &mut [Frame]) -> io::Result<()> {
        self.device.receive(frames)?;
        if let Some(meddle) = self.meddle.lock().unwrap().as_mut() {
            let mut answer = frames.to_vec();
            meddle(self.sent.lock().unwrap().last().unwrap(), &mut answer);
            frames.clone_from_slice(&answer);
        }
        Ok(())
    }
}

fn text<T>(result: io::Result<T>) -> String {
    result.map(|_| ()).unwrap_err().to_string()
}

/// Each lie has its reason, for reading and for writing.
#[test]
fn lies_are_refused_with_their_reason() {
    let mut told = Vec::new();
    let mut lie = |what: &str, words: &str, writes: bool, with: Box<dyn Fn(&mut Frame) + Send>| {
        let carrier = Carrier::new(device());
        let mut blocks = rpmb(carrier.clone()).unwrap().blocks();
        blocks.write_at(0, &[7; 512]).unwrap();
        carrier.meddle(move |_, answer| answer.iter_mut().for_each(&with));
        let error = if writes { text(blocks.write_at(0, &[8; 512])) } else { text(blocks.read_at(0, &mut [0; 512])) };
        assert!(error.contains(words), "{what}: {error}");
        told.push(format!("{what}: {error}"));
        // Honest again, all is as it was or as it was to be.
        *carrier.meddle.lock().unwrap() = None;
        let mut found = [0; 512];
        blocks.read_at(0, &mut found).unwrap();
        assert!(found == [7; 512] || writes && found == [8; 512]);
        blocks.write_at(512, &[9; 512]).unwrap();
    };
    // Without the key, every change of an answer is a forgery.
    for at in [196, 228, 300, 484, 500, 504, 506, 508, 510] {
        lie("one bit", "forged", false, Box::new(move |frame| frame.0[at] ^= 1));
        lie("one bit", "forged", true, Box::new(move |frame| frame.0[at] ^= 1));
    }
    // With the key (a broken device), what does not fit is refused for what it is.
    let sign = |frame: &mut Frame| {
        let mac = mac(&RPMB_KEY, std::slice::from_ref(frame));
        frame.set_mac(&mac);
    };
    lie(
        "counter too high",
        "write counter",
        true,
        Box::new(move |frame| {
            frame.set_counter(frame.counter() + 1);
            sign(frame)
        }),
    );
    lie(
        "counter not raised",
        "write counter",
        true,
        Box::new(move |frame| {
            frame.set_counter(frame.counter() - 1);
            sign(frame)
        }),
    );
    lie(
        "another address",
        "another place",
        true,
        Box::new(move |frame| {
            frame.set_address(77);
            sign(frame)
        }),
    );
    lie(
        "another kind",
        "answered with kind",
        true,
        Box::new(move |frame| {
            frame.0[510] = 4;
            sign(frame)
        }),
    );
    for (code, words) in [
        (1, "general failure"),
        (2, "authentication failure"),
        (3, "counter failure"),
        (4, "address failure"),
        (5, "write failure"),
    ] {
        lie(
            "a result",
            words,
            true,
            Box::new(move |frame| {
                frame.0[509] = code;
                sign(frame)
            }),
        );
    }
    told.iter().for_each(|told| println!("{told}"));
}

#[test]
fn an_old_answer_is_refused() {
    // To reading: the nonce is another one.
    let carrier = Carrier::new(device());
    let rpmb = rpmb(carrier.clone()).unwrap();
    let mut blocks = rpmb.blocks();
    blocks.write_at(0, &[1; 512]).unwrap();
    let old: Arc<Mutex<Option<Vec<Frame>>>> = Arc::default();
    let keep = Arc::clone(&old);
    carrier.meddle(move |_, answer| match &*keep.lock().unwrap() {
        Some(old) if old.len() == answer.len() => answer.clone_from(old),
        _ => {}
    });
    let remember = |answer: Vec<Frame>| *old.lock().unwrap() = Some(answer);
    {
        let mut request = Frame::request(Kind::Read);
        request.set_nonce(&[3; 16]);
        request.set_address(16);
        let mut direct = carrier.device.clone();
        direct.send(&[request], false).unwrap();
        let mut frames = vec![Frame::default(); 2];
        direct.receive(&mut frames).unwrap();
        remember(frames);
    }
    assert!(text(blocks.read_at(0, &mut [0; 512])).contains("another nonce"));
    // To the question for the write counter.
    let mut request = Frame::request(Kind::ReadCounter);
    request.set_nonce(&[4; 16]);
    let mut direct = carrier.device.clone();
    direct.send(&[request], false).unwrap();
    let mut frames = vec![Frame::default(); 1];
    direct.receive(&mut frames).unwrap();
    remember(frames);
    assert!(rpmb.write_counter().unwrap_err().to_string().contains("another nonce"));
    // To a write: its counter is an old one.
    *old.lock().unwrap() = None;
    let writes: Arc<Mutex<Vec<Frame>>> = Arc::default();
    let seen = Arc::clone(&writes);
    carrier.meddle(move |_, answer| {
        if answer[0].kind() == Kind::Write.response() {
            seen.lock().unwrap().push(answer[0].clone());
            answer[0] = seen.lock().unwrap()[0].clone();
        }
    });
    blocks.write_at(0, &[2; 512]).unwrap();
    assert!(text(blocks.write_at(0, &[3; 512])).contains("write counter"));
    assert!(writes.lock().unwrap().len() >= 2);
}

/// A write that was kept and is handed over in the place of a later one: the device takes one of them only, and the host notices or it
/// has happened before the host looked. Without the number being used up, the last write here would be the kept one, unnoticed.
#[test]
fn a_write_that_was_held_back_is_dead() {
    let carrier = Carrier::new(device());
    let mut blocks = rpmb(carrier.clone()).unwrap().blocks();
    blocks.write_at(0, &[1; 512]).unwrap();
    *carrier.keeps.lock().unwrap() = true;
    blocks.write_at(0, &[2; 512]).unwrap_err();
    *carrier.keeps.lock().unwrap() = false;
    // It is swapped for the next write to the same place.
    *carrier.swap.lock().unwrap() = true;
    let swapped = blocks.write_at(0, &[3; 512]);
    assert!(swapped.is_err(), "the host was told that 3 was written");
    blocks.write_at(0, &[3; 512]).unwrap();
    let mut found = [0; 512];
    blocks.read_at(0, &mut found).unwrap();
    assert_eq!(found, [3; 512]);
    // And across a start: the new process uses the number up before it reads anything.
    *carrier.keeps.lock().unwrap() = true;
    blocks.write_at(0, &[4; 512]).unwrap_err();
    drop(blocks);
    *carrier.keeps.lock().unwrap() = false;
    let first = rpmb(carrier.clone());
    assert!(first.is_err(), "the kept write took the place of the first");
    let mut blocks = rpmb(carrier.clone()).unwrap().blocks();
    blocks.write_at(0, &[5; 512]).unwrap();
    blocks.read_at(0, &mut found).unwrap();
    assert_eq!(found, [5; 512]);
    assert!(carrier.kept.lock().unwrap().is_empty());
}

#[test]
fn keys_and_limits() {
    // No key, a second key, the wrong key.
    let mut blank = SimulatedRpmb::new(512);
    assert!(rpmb(blank.clone()).err().unwrap().to_string().contains("no key was programmed"));
    Rpmb::program_key(&mut blank, &RPMB_KEY).unwrap();
    assert!(Rpmb::program_key(&mut blank, &[1; 32]).unwrap_err().to_string().contains("write failure"));
    let wrong = Rpmb::open(blank.clone(), &[1; 32], Box::new(TestEntropy::new(1))).err().unwrap();
    assert!(matches!(wrong, RpmbError::Forged), "{wrong}");
    // The end of the write counter: what is there can be read by nobody who must write first, and is said.
    blank.set_writes(u32::MAX - 3);
    let mut blocks = rpmb(blank.clone()).unwrap().blocks();
    blocks.write_at(0, &[1; 512]).unwrap();
    blocks.write_at(0, &[2; 512]).unwrap();
    let error = text(blocks.write_at(0, &[3; 512]));
    assert!(error.contains("used up"), "{error}");
    let mut found = [0; 512];
    blocks.read_at(0, &mut found).unwrap();
    assert_eq!(found, [2; 512]);
    assert!(matches!(rpmb(blank), Err(RpmbError::Expired)));
    // Places that are not the state's.
    let mut blocks = rpmb(device()).unwrap().blocks();
    let length = blocks.length().unwrap();
    assert_eq!(length, (512 - 18) * 256);
    for (offset, size) in [(length, 512), (length - 512, 1024), (256, 512), (0, 256), (1, 512)] {
        assert_eq!(blocks.write_at(offset, &vec![0; size]).unwrap_err().kind(), io::ErrorKind::InvalidInput);
    }
}
