//! The client against witnesses that are away, slow, false, forgetful, or somebody else.
#![allow(clippy::unwrap_used, clippy::arithmetic_side_effects, clippy::indexing_slicing, clippy::panic)]

use super::*;
use crate::Disk;
use crate::enrolment::{Enrolment, Enrolments};
use crate::ledger::Ledger;
use crate::witness::{Asked, Outcome, Witness};
use ironroot_crypto::PORTABLE;
use ironroot_platform::memory::TestEntropy;
use std::sync::{Arc, Mutex};
use zeroize::Zeroizing;

#[derive(Default, Clone)]
struct Memory(Vec<u8>);

impl Disk for Memory {
    fn read(&mut self) -> io::Result<Vec<u8>> {
        Ok(self.0.clone())
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let begin = usize::try_from(offset).unwrap();
        self.0.resize(self.0.len().max(begin + bytes.len()), 0);
        self.0[begin..begin + bytes.len()].copy_from_slice(bytes);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Anyone;

impl Enrolments for Anyone {
    fn find(&mut self, _: &[u8; 16]) -> Option<Enrolment> {
        Some(Enrolment { key: Zeroizing::new([5; 32]), states: 9, label: String::new() })
    }
}

/// What is done to an answer on its way.
type Twist = Box<dyn FnMut(Vec<u8>) -> io::Result<Vec<u8>> + Send>;

/// A witness without sockets, and somebody on the line to it.
struct World {
    witness: Witness<Memory, Anyone>,
    twist: Twist,
    /// Connections that are open hang up at the next request.
    hangs_up: bool,
    /// Requests are done, and their answers lost.
    loses: bool,
    dialled: usize,
    away: bool,
}

#[derive(Clone)]
struct Line(Arc<Mutex<World>>);

struct Wire {
    world: Arc<Mutex<World>>,
    challenge: [u8; 32],
    out: Vec<u8>,
}

impl Dial for Line {
    fn dial(&mut self, _: Duration) -> io::Result<Box<dyn Channel>> {
        let mut world = self.0.lock().unwrap();
        world.dialled += 1;
        if world.away {
            return Err(io::ErrorKind::ConnectionRefused.into());
        }
        let greeting = world.witness.greeting().unwrap();
        let out = (world.twist)(greeting.to_bytes().to_vec())?;
        Ok(Box::new(Wire { world: self.0.clone(), challenge: greeting.challenge, out }))
    }
}

impl Channel for Wire {
    fn set_patience(&mut self, patience: Duration) -> io::Result<()> {
        assert!(!patience.is_zero() && patience <= STEP);
        Ok(())
    }
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // In pieces, as networks do.
        let count = buffer.len().min(self.out.len()).min(50);
        buffer[..count].copy_from_slice(&self.out[..count]);
        self.out.drain(..count);
        Ok(count)
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut world = self.world.lock().unwrap();
        if std::mem::take(&mut world.hangs_up) {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let request = bytes.try_into().unwrap();
        let outcomes = world.witness.round(&[Asked { challenge: self.challenge, request }]).unwrap();
        let Outcome::Answer { bytes: answer, .. } = outcomes[0] else { panic!("no answer") };
        if std::mem::take(&mut world.loses) {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        self.out = (world.twist)(answer.to_vec())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

const STATE: u8 = 4;

fn state() -> CountedState {
    CountedState { id: [STATE; 16], secret: Zeroizing::new([6; 32]) }
}

fn new_witness() -> Witness<Memory, Anyone> {
    let key = SigningKey::new(&PORTABLE, Zeroizing::new([1; 32])).unwrap();
    let ledger = Ledger::create(Memory::default(), key.public()).unwrap();
    Witness::new(key, ledger, Anyone, Box::new(TestEntropy::new(3)))
}

fn world() -> (Arc<Mutex<World>>, WitnessCounter) {
    let world = Arc::new(Mutex::new(World {
        witness: new_witness(),
        twist: Box::new(Ok),
        hangs_up: false,
        loses: false,
        dialled: 0,
        away: false,
    }));
    let counter = counter(&world);
    (world, counter)
}

fn counter(world: &Arc<Mutex<World>>) -> WitnessCounter {
    let public = *world.lock().unwrap().witness.public();
    let key = EnrolmentKey { enrolment: [2; 16], key: Zeroizing::new([5; 32]), witness: public };
    let line = Box::new(Line(world.clone()));
    WitnessCounter::new("here:1", public, line, Box::new(TestEntropy::new(4)), &PORTABLE).with_enrolment(key)
}

fn twist(world: &Arc<Mutex<World>>, twist: impl FnMut(Vec<u8>) -> io::Result<Vec<u8>> + Send + 'static) {
    world.lock().unwrap().twist = Box::new(twist);
}

#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T, CounterError>, word: &str) {
    match result {
        Err(CounterError::Refused(text)) => assert!(text.contains(word), "{text}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn it_counts_over_one_connection() {
    let (world, mut counter) = world();
    assert!(matches!(counter.read(&state()), Err(CounterError::Missing(_))));
    counter.register(&state()).unwrap();
    refused(counter.register(&state()), "counts for a state of this name");
    assert_eq!(counter.read(&state()), Ok(0));
    for number in [1, 2, 9] {
        counter.advance(&state(), number).unwrap();
        assert_eq!(counter.read(&state()), Ok(number));
    }
    assert_eq!(counter.advance(&state(), 9), Err(CounterError::Ahead(9)));
    assert_eq!(world.lock().unwrap().dialled, 1);
}

#[test]
fn a_lost_connection_or_answer_does_no_harm() {
    let (world, mut counter) = world();
    counter.register(&state()).unwrap();
    for number in 1..20 {
        let lost = number % 3 == 0;
        (world.lock().unwrap().hangs_up, world.lock().unwrap().loses) = (number % 3 == 1, lost);
        counter.advance(&state(), number).unwrap();
    }
    assert_eq!(counter.read(&state()), Ok(19));
    // A witness that is away is away; the next try is a new one.
    world.lock().unwrap().away = true;
    world.lock().unwrap().hangs_up = true;
    assert!(matches!(counter.advance(&state(), 20), Err(CounterError::Unreachable(text)) if text.contains("here:1")));
    assert!(matches!(counter.read(&state()), Err(CounterError::Unreachable(_))));
    world.lock().unwrap().away = false;
    assert_eq!(counter.read(&state()), Ok(19));
}

#[test]
fn no_changed_answer_is_believed() {
    let (world, mut counter) = world();
    counter.register(&state()).unwrap();
    counter.advance(&state(), 5).unwrap();
    for at in 0..RESPONSE_SIZE {
        twist(&world, move |mut bytes| {
            if bytes.len() == RESPONSE_SIZE {
                bytes[at] ^= 1;
            }
            Ok(bytes)
        });
        refused(counter.read(&state()), "");
        refused(counter.advance(&state(), 6 + at as u64), "");
    }
    for at in 0..GREETING_SIZE {
        twist(&world, move |mut bytes| {
            if bytes.len() == GREETING_SIZE {
                bytes[at] ^= 1;
            }
            Ok(bytes)
        });
        // Another challenge, and so a signature that the witness does not take.
        refused(counter.read(&state()), "");
    }
}

#[test]
fn an_answer_that_was_given_before_is_not_believed_again() {
    let (world, mut counter) = world();
    counter.register(&state()).unwrap();
    let old = Arc::new(Mutex::new(Vec::new()));
    let keep = old.clone();
    twist(&world, move |bytes| {
        keep.lock().unwrap().clone_from(&bytes);
        Ok(bytes)
    });
    assert_eq!(counter.read(&state()), Ok(0));
    counter.advance(&state(), 1).unwrap();
    let replayed = old.lock().unwrap().clone();
    twist(&world, move |bytes| Ok(if bytes.len() == RESPONSE_SIZE { replayed.clone() } else { bytes }));
    refused(counter.read(&state()), "not signed");
    refused(counter.advance(&state(), 2), "not signed");
}

#[test]
fn another_witness_is_not_believed_and_one_that_forgot_is_told_apart() {
    let (world, mut counter) = world();
    counter.register(&state()).unwrap();
    counter.advance(&state(), 7).unwrap();
    let line = Box::new(Line(world.clone()));
    let mut other = WitnessCounter::new("here:1", [9; 32], line, Box::new(TestEntropy::new(5)), &PORTABLE);
    refused(other.read(&state()), "not signed with the key of the witness");
    refused(other.register(&state()), "takes an enrolment key");
    // A state with another secret has another key.
    let stranger = CountedState { id: [STATE; 16], secret: Zeroizing::new([0; 32]) };
    refused(counter.read(&stranger), "another key for this state");
    // The witness's folder was put back to the day before.
    let key = SigningKey::new(&PORTABLE, Zeroizing::new([1; 32])).unwrap();
    let mut ledger = Ledger::create(Memory::default(), key.public()).unwrap();
    let device = SigningKey::of_state(&PORTABLE, &state().secret, key.public()).unwrap();
    let entry = crate::Entry { number: 0, device: *device.public(), nonce: [0; 32], enrolment: [2; 16], changed: 0 };
    ledger.register(&[STATE; 16], entry).unwrap();
    ledger.advance(&[STATE; 16], 3, [0; 32], 0).unwrap();
    world.lock().unwrap().witness = Witness::new(key, ledger, Anyone, Box::new(TestEntropy::new(8)));
    world.lock().unwrap().hangs_up = true;
    refused(counter.read(&state()), "it has gone back: it said 7 before, and 3 now");
    // It was made anew, with the same key.
    world.lock().unwrap().witness = new_witness();
    assert!(matches!(counter.read(&state()), Err(CounterError::Missing(text)) if text.contains("lost or made anew")));
}

/// A witness that drips, and one that says nothing: both have their time, and no more.
#[test]
fn a_slow_witness_is_not_waited_for() {
    struct Slow(Duration);
    impl Channel for Slow {
        fn set_patience(&mut self, patience: Duration) -> io::Result<()> {
            self.0 = patience;
            Ok(())
        }
    }
    impl Read for Slow {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            std::thread::sleep(self.0.min(Duration::from_millis(300)));
            buffer[0] = 0;
            Ok(1)
        }
    }
    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    struct Dials;
    impl Dial for Dials {
        fn dial(&mut self, _: Duration) -> io::Result<Box<dyn Channel>> {
            Ok(Box::new(Slow(Duration::ZERO)))
        }
    }
    let mut counter = WitnessCounter::new("here:1", [9; 32], Box::new(Dials), Box::new(TestEntropy::new(5)), &PORTABLE);
    let begin = Instant::now();
    let said = counter.read(&state());
    assert!(matches!(&said, Err(CounterError::Unreachable(text)) if text.contains("in time")), "{said:?}");
    assert!(begin.elapsed() < PATIENCE, "{:?}", begin.elapsed());
}
