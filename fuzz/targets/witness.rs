//! The witness's protocol, both sides, and its ledger. Whatever is asked, in whatever order and by whomever: a number changes
//! only for whoever has its key, only upwards, and every answer is signed for its question. Whatever is answered: the client
//! believes what the witness said to this question, and nothing else. Whatever stands in a ledger: a number that was written,
//! or none.
#![no_main]

use ironroot_crypto_host::HOST;
use ironroot_platform::memory::TestEntropy;
use ironroot_platform::{CountedState, CounterError, MonotonicCounter};
use ironroot_witness::{
    Asked, Channel, Dial, Disk, Enrolment, EnrolmentKey, Enrolments, Entry, GREETING_SIZE, Greeting, Ledger, Operation,
    Outcome, REQUEST_SIZE, RESPONSE_SIZE, Request, Response, SigningKey, Verdict, Witness, WitnessCounter,
    request_message, response_message,
};
use libfuzzer_sys::fuzz_target;
use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;
use zeroize::Zeroizing;

const ENROLMENT: [u8; 16] = [0xe0; 16];
const ENROLMENT_KEY: [u8; 32] = [0xe1; 32];
const STATES: u32 = 3;

#[derive(Default, Clone)]
struct Memory(Vec<u8>);

impl Disk for Memory {
    fn read(&mut self) -> io::Result<Vec<u8>> {
        Ok(self.0.clone())
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let begin = usize::try_from(offset).expect("a small ledger");
        self.0.resize(self.0.len().max(begin + bytes.len()), 0);
        self.0[begin..begin + bytes.len()].copy_from_slice(bytes);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct One;

impl Enrolments for One {
    fn find(&mut self, enrolment: &[u8; 16]) -> Option<Enrolment> {
        let key = Zeroizing::new(ENROLMENT_KEY);
        (*enrolment == ENROLMENT).then(|| Enrolment { key, states: STATES, label: String::new() })
    }
}

/// Keys are made once: of the witness, and of four machines.
static KEYS: LazyLock<(SigningKey, Vec<SigningKey>)> = LazyLock::new(|| {
    let machines = (0..4).map(|seed| SigningKey::of_state(&HOST, &[seed; 32], own().public()).expect("a key"));
    (own(), machines.collect())
});

fn own() -> SigningKey {
    SigningKey::new(&HOST, Zeroizing::new([0x77; 32])).expect("a key")
}

fn witness() -> Witness<Memory, One> {
    let ledger = Ledger::create(Memory::default(), KEYS.0.public()).expect("memory does not fail");
    Witness::new(own(), ledger, One, Box::new(TestEntropy::new(1)))
}

/// HMAC-SHA-256, by another implementation than the one under test.
fn mac(key: &[u8; 32], data: &[u8]) -> [u8; 32] {
    use hmac::{Hmac, KeyInit, Mac};
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(key).expect("HMAC takes any key");
    mac.update(data);
    mac.finalize().into_bytes().into()
}

/// A round of requests, as the input says: eight bytes each. What the numbers are is known from the requests that were right.
fn server(mut input: &[u8]) {
    let mut witness = witness();
    let mut known: HashMap<[u8; 16], (usize, u64, [u8; 32])> = HashMap::new();
    let mut registered = 0;
    while let Some(([size, rest @ ..], after)) = input.split_first_chunk::<2>().map(|(head, after)| (*head, after)) {
        input = after;
        let mut asked = Vec::new();
        for _ in 0..=size % 3 {
            let Some((step, after)) = input.split_first_chunk::<8>() else { break };
            input = after;
            asked.push((question(step, rest[0]), step[7] % 4 == 3));
        }
        let before: HashMap<_, _> = witness.ledger().entries().map(|(name, entry)| (*name, entry.number)).collect();
        let bytes: Vec<Asked> = asked.iter().map(|((asked, ..), _)| *asked).collect();
        let outcomes = witness.round(&bytes).expect("memory does not fail");
        assert_eq!(outcomes.len(), asked.len());
        for (((asked, machine, enrolled), edited), outcome) in asked.iter().zip(outcomes) {
            let Outcome::Answer { bytes, .. } = outcome else {
                assert!(matches!(outcome, Outcome::Later) || Request::read(&asked.request).is_none());
                continue;
            };
            let request = Request::read(&asked.request).expect("what is answered is a request");
            let response = Response::read(&bytes).expect("an answer has its form");
            assert!(verifies(asked, &response), "an answer without a right signature");
            assert_eq!((response.name, response.nonce), (request.name, request.nonce));
            let entry = known.get(&request.name).copied();
            let right = !edited && entry.is_none_or(|(owner, ..)| owner == *machine);
            let expected = match (request.operation, entry) {
                (Operation::Register, _) if *edited => continue,
                (Operation::Register, None) if *enrolled && registered < STATES => {
                    registered += 1;
                    known.insert(request.name, (*machine, 0, request.nonce));
                    (Verdict::Done, 0)
                }
                (Operation::Register, _) if !*enrolled => (Verdict::NotEnrolled, 0),
                (Operation::Register, None) => (Verdict::NotEnrolled, 0),
                (Operation::Register, Some((owner, 0, nonce))) if owner == *machine && nonce == request.nonce => {
                    (Verdict::Done, 0)
                }
                (Operation::Register, Some(_)) => (Verdict::Exists, 0),
                (_, None) => (Verdict::Missing, 0),
                (_, Some(_)) if !right => (Verdict::NotAuthentic, 0),
                (Operation::Read, Some((_, number, _))) => (Verdict::Done, number),
                (Operation::Advance, Some((_, number, nonce))) => {
                    if request.number > number {
                        known.insert(request.name, (*machine, request.number, request.nonce));
                        (Verdict::Done, request.number)
                    } else if request.number == number && request.nonce == nonce {
                        (Verdict::Done, number)
                    } else {
                        (Verdict::Ahead, number)
                    }
                }
            };
            assert_eq!((response.verdict, response.number), expected, "{request:?}");
        }
        for (name, number) in before {
            assert!(witness.ledger().find(&name).is_some_and(|entry| entry.number >= number), "a number went back");
        }
        for (name, (_, number, _)) in &known {
            assert_eq!(witness.ledger().find(name).map(|entry| entry.number), Some(*number));
        }
    }
}

/// A request, its machine, and whether it is enrolled. The last of the eight bytes says what is wrong with it.
fn question(step: &[u8; 8], connection: u8) -> (Asked, usize, bool) {
    let [operation, name, high, low, nonce, machine, place, fault] = *step;
    let challenge = [connection; 32];
    let machine = usize::from(machine % 4);
    let operation = [Operation::Register, Operation::Read, Operation::Advance][usize::from(operation % 3)];
    let mut request = Request {
        operation,
        name: [name % 5; 16],
        number: if operation == Operation::Advance { u64::from(u16::from_be_bytes([high % 3, low])) } else { 0 },
        nonce: [nonce % 4; 32],
        device: [0; 32],
        enrolment: [0; 16],
        mac: [0; 32],
        signature: [0; 64],
    };
    let (own, machines) = &*KEYS;
    let mut enrolled = false;
    if operation == Operation::Register {
        enrolled = fault % 4 != 2;
        let key = if enrolled { ENROLMENT_KEY } else { [place & 0x7f; 32] };
        (request.device, request.enrolment) = (*machines[machine].public(), ENROLMENT);
        request.mac = mac(&key, &request.maced(own.public(), &challenge));
    }
    request.signature =
        machines[machine].sign(&request_message(own.public(), &challenge, &request)).expect("a signature");
    let mut bytes = request.to_bytes();
    if fault % 4 == 3 {
        // Not the name: that would be a right request about something else, but for its signature.
        let place = 160 + usize::from(place) % (REQUEST_SIZE - 160);
        bytes[place] ^= fault | 1;
    }
    (Asked { challenge, request: bytes }, machine, enrolled)
}

fn verifies(asked: &Asked, response: &Response) -> bool {
    use ironroot_crypto::EdwardsProvider;
    let message = response_message(&asked.challenge, &asked.request, response);
    let (curve, domain) = (ironroot_wire::TpmEccCurve::Curve25519, ironroot_crypto::ecc::eddsa::Domain::PURE);
    HOST.eddsa_verify(curve, KEYS.0.public(), domain, &message, &response.signature).is_ok()
}

/// What is done to what the witness says, and what it said.
#[derive(Default)]
struct Between {
    edits: Vec<u8>,
    changed: bool,
    answers: Vec<Vec<u8>>,
}

struct Line {
    witness: Arc<Mutex<Witness<Memory, One>>>,
    between: Arc<Mutex<Between>>,
    challenge: [u8; 32],
    out: Vec<u8>,
}

impl Line {
    fn say(&mut self, mut bytes: Vec<u8>) {
        let mut between = self.between.lock().expect("one thread");
        let good = bytes.clone();
        if !between.edits.is_empty() {
            let [operation, place, value] = [0, 1, 2].map(|at| between.edits.get(at).copied().unwrap_or(0));
            let taken = between.edits.len().min(3);
            between.edits.drain(..taken);
            let at = usize::from(place) % bytes.len();
            match operation % 6 {
                0 => bytes[at] ^= value,
                1 => bytes.truncate(at),
                2 => bytes.insert(at, value),
                3 => {
                    let old = between.answers.get(usize::from(place) % between.answers.len().max(1)).cloned();
                    bytes = old.filter(|old| old.len() == bytes.len()).unwrap_or(bytes);
                }
                4 => bytes.fill(value),
                _ => {}
            }
        }
        between.changed |= bytes != good;
        between.answers.push(good);
        drop(between);
        self.out.extend(bytes);
    }
}

impl Channel for Line {
    fn set_patience(&mut self, _: Duration) -> io::Result<()> {
        Ok(())
    }
}

impl Read for Line {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = buffer.len().min(self.out.len());
        buffer[..count].copy_from_slice(&self.out[..count]);
        self.out.drain(..count);
        Ok(count)
    }
}

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let request = bytes.try_into().expect("the client sends whole requests");
        let asked = Asked { challenge: self.challenge, request };
        let outcome = self.witness.lock().expect("one thread").round(&[asked]).expect("memory does not fail")[0];
        let Outcome::Answer { bytes: answer, .. } = outcome else { panic!("the client's requests have their form") };
        self.say(answer.to_vec());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Dials(Arc<Mutex<Witness<Memory, One>>>, Arc<Mutex<Between>>);

impl Dial for Dials {
    fn dial(&mut self, _: Duration) -> io::Result<Box<dyn Channel>> {
        let greeting = self.0.lock().expect("one thread").greeting().expect("entropy");
        let (witness, between) = (self.0.clone(), self.1.clone());
        let mut line = Line { witness, between, challenge: greeting.challenge, out: Vec::new() };
        line.say(greeting.to_bytes().to_vec());
        Ok(Box::new(line))
    }
}

/// Somebody between client and witness.
fn client(input: &[u8]) {
    let Some((count, edits)) = input.split_first() else { return };
    let (witness, between) = (Arc::new(Mutex::new(witness())), Arc::new(Mutex::new(Between::default())));
    let dials = Box::new(Dials(witness.clone(), between.clone()));
    let public = *KEYS.0.public();
    let enrolment = EnrolmentKey { enrolment: ENROLMENT, key: Zeroizing::new(ENROLMENT_KEY), witness: public };
    let mut counter =
        WitnessCounter::new("here:1", public, dials, Box::new(TestEntropy::new(2)), &HOST).with_enrolment(enrolment);
    let state = CountedState { id: [1; 16], secret: Zeroizing::new([1; 32]) };
    counter.register(&state).expect("nobody is on the line yet");
    counter.advance(&state, 1).expect("nobody is on the line yet");
    between.lock().expect("one thread").edits = edits.to_vec();
    for step in 0..u64::from(count % 8) {
        let number = || witness.lock().expect("one thread").ledger().find(&[1; 16]).map(|entry| entry.number);
        let before = number().expect("it is registered");
        if step % 2 == 0 {
            match counter.read(&state) {
                Ok(said) => assert_eq!(said, before, "a number that the witness did not say"),
                Err(error) => believable(&error, &between),
            }
        } else {
            match counter.advance(&state, before + 1) {
                Ok(()) => assert_eq!(number(), Some(before + 1), "advanced, it says, and is not"),
                Err(CounterError::Ahead(said)) => {
                    // It was done, its answer was lost, and asked again with another request of this very client? Never: the
                    // nonce is the same.
                    panic!("ahead at {said}, and nobody else counts");
                }
                Err(error) => believable(&error, &between),
            }
        }
    }
}

/// An error has a cause, of now or before: what was added to one answer is what the next one begins with.
fn believable(error: &CounterError, between: &Arc<Mutex<Between>>) {
    assert!(between.lock().expect("one thread").changed, "nothing was changed, and still: {error}");
}

/// Edits of a ledger.
fn ledger(edits: &[u8]) {
    let public = KEYS.0.public();
    let mut real = Ledger::create(Memory::default(), public).expect("memory does not fail");
    let mut written: Vec<([u8; 16], u64)> = Vec::new();
    for name in 1..4_u8 {
        let entry = Entry { number: 0, device: [name; 32], nonce: [0; 32], enrolment: ENROLMENT, changed: 0 };
        real.register(&[name; 16], entry).expect("memory does not fail");
        written.push(([name; 16], 0));
        for number in 1..u64::from(name) {
            real.advance(&[name; 16], number, [0; 32], number).expect("memory does not fail");
            written.push(([name; 16], number));
        }
    }
    let mut bytes = real.into_disk().0;
    for step in edits.chunks_exact(4) {
        let (operation, value) = (step[0], step[3]);
        let place = usize::from(u16::from_be_bytes([step[1], step[2]])) % (bytes.len() + 1);
        let block = place / 512 * 512;
        match operation % 6 {
            0 if place < bytes.len() => bytes[place] ^= value,
            1 => bytes.truncate(place),
            2 => bytes.resize(bytes.len() + usize::from(value) * 8, 0),
            3 if block + 512 <= bytes.len() => bytes[block..block + 512].fill(0),
            // A block in another place.
            4 if block + 512 <= bytes.len() => {
                let part = bytes[block..block + 512].to_vec();
                let to = usize::from(value) % (bytes.len() / 512) * 512;
                bytes[to..to + 512].copy_from_slice(&part);
            }
            5 => {
                let end = bytes.len();
                bytes.extend_from_within(block.min(end)..end.min(block + 512));
            }
            _ => {}
        }
    }
    let Ok(mut ledger) = Ledger::open(Memory(bytes), public) else { return };
    for (name, entry) in ledger.entries() {
        assert!(written.contains(&(*name, entry.number)), "a number that was never written");
    }
    // It goes on from there.
    let names: Vec<_> = ledger.entries().map(|(name, entry)| (*name, entry.number)).collect();
    for (name, number) in &names {
        ledger.advance(name, number + 1, [1; 32], 1).expect("memory does not fail");
    }
    let entry = Entry { number: 0, device: [9; 32], nonce: [0; 32], enrolment: ENROLMENT, changed: 0 };
    ledger.register(&[9; 16], entry).expect("memory does not fail");
    let again = Ledger::open(ledger.into_disk(), public).expect("what was written is read");
    for (name, number) in &names {
        assert_eq!(again.find(name).map(|entry| entry.number), Some(number + 1), "a change that was lost");
    }
    assert!(again.find(&[9; 16]).is_some(), "a registration that was lost");
}

/// Messages from nowhere: read and written again they are the same.
fn messages(input: &[u8]) {
    let take = |size: usize| {
        let mut bytes = input.to_vec();
        bytes.resize(size, 0);
        bytes
    };
    let greeting: [u8; GREETING_SIZE] = take(GREETING_SIZE).try_into().expect("a length");
    assert!(Greeting::read(&greeting).is_none_or(|read| read.to_bytes() == greeting));
    let request: [u8; REQUEST_SIZE] = take(REQUEST_SIZE).try_into().expect("a length");
    assert!(Request::read(&request).is_none_or(|read| read.to_bytes() == request));
    let response: [u8; RESPONSE_SIZE] = take(RESPONSE_SIZE).try_into().expect("a length");
    assert!(Response::read(&response).is_none_or(|read| read.to_bytes() == response));
}

fuzz_target!(|input: &[u8]| {
    let Some((mode, rest)) = input.split_first() else { return };
    match mode % 4 {
        0 => server(rest),
        1 => client(rest),
        2 => ledger(rest),
        _ => messages(rest),
    }
});
