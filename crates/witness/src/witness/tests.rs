//! What a witness answers to friends and strangers.
#![allow(clippy::unwrap_used, clippy::arithmetic_side_effects, clippy::indexing_slicing, clippy::panic)]

use super::*;
use crate::enrolment::Enrolment;
use ironroot_crypto::PORTABLE;
use ironroot_platform::memory::TestEntropy;
use std::io;
use zeroize::Zeroizing;

const CHALLENGE: [u8; 32] = [0xcc; 32];
const ENROLMENT: [u8; 16] = [0xee; 16];
const ENROLMENT_KEY: [u8; 32] = [0xe1; 32];

/// A disk in memory, which can be made to fail.
#[derive(Default)]
struct Memory {
    bytes: Vec<u8>,
    fails: bool,
    syncs: usize,
}

impl Disk for Memory {
    fn read(&mut self) -> io::Result<Vec<u8>> {
        Ok(self.bytes.clone())
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if self.fails {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let begin = usize::try_from(offset).unwrap();
        self.bytes.resize(self.bytes.len().max(begin + bytes.len()), 0);
        self.bytes[begin..begin + bytes.len()].copy_from_slice(bytes);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        self.syncs += 1;
        Ok(())
    }
}

struct One;

impl Enrolments for One {
    fn find(&mut self, enrolment: &[u8; 16]) -> Option<Enrolment> {
        let key = Zeroizing::new(ENROLMENT_KEY);
        (*enrolment == ENROLMENT).then(|| Enrolment { key, states: 3, label: String::new() })
    }
}

fn key(seed: u8) -> SigningKey {
    SigningKey::new(&PORTABLE, Zeroizing::new([seed; 32])).unwrap()
}

fn witness() -> Witness<Memory, One> {
    let key = key(1);
    let ledger = Ledger::create(Memory::default(), key.public()).unwrap();
    Witness::new(key, ledger, One, Box::new(TestEntropy::new(1)))
}

fn request(operation: Operation, name: u8, number: u64, nonce: u8) -> Request {
    Request {
        operation,
        name: [name; 16],
        number,
        nonce: [nonce; 32],
        device: [0; 32],
        enrolment: [0; 16],
        mac: [0; 32],
        signature: [0; 64],
    }
}

fn signed(mut request: Request, device: &SigningKey, enrolment: Option<[u8; 32]>) -> Asked {
    let witness = *key(1).public();
    if let Some(secret) = enrolment {
        (request.device, request.enrolment) = (*device.public(), ENROLMENT);
        request.mac = hmac(&secret, &[&request.maced(&witness, &CHALLENGE)]);
    }
    request.signature = device.sign(&request_message(&witness, &CHALLENGE, &request)).unwrap();
    Asked { challenge: CHALLENGE, request: request.to_bytes() }
}

fn register(name: u8, device: &SigningKey) -> Asked {
    signed(request(Operation::Register, name, 0, name), device, Some(ENROLMENT_KEY))
}

/// The answers, each with a signature that holds.
fn ask(witness: &mut Witness<Memory, One>, asked: &[Asked]) -> Vec<Option<(Verdict, u64)>> {
    let outcomes = witness.round(asked).unwrap();
    let read = |(asked, outcome): (&Asked, Outcome)| {
        let Outcome::Answer { bytes, .. } = outcome else { return None };
        let response = Response::read(&bytes).unwrap();
        let message = response_message(&asked.challenge, &asked.request, &response);
        assert!(verifies(&PORTABLE, witness.public(), &message, &response.signature));
        let request = Request::read(&asked.request).unwrap();
        assert_eq!((response.name, response.nonce), (request.name, request.nonce));
        Some((response.verdict, response.number))
    };
    asked.iter().zip(outcomes).map(read).collect()
}

fn one(witness: &mut Witness<Memory, One>, asked: Asked) -> (Verdict, u64) {
    ask(witness, &[asked])[0].unwrap()
}

#[test]
fn it_counts_for_who_is_enrolled() {
    let (mut witness, device) = (witness(), key(2));
    let say = |operation, number, nonce| signed(request(operation, 1, number, nonce), &device, None);
    assert_eq!(one(&mut witness, say(Operation::Read, 0, 1)), (Verdict::Missing, 0));
    assert_eq!(one(&mut witness, register(1, &device)), (Verdict::Done, 0));
    assert_eq!(one(&mut witness, say(Operation::Advance, 3, 2)), (Verdict::Done, 3));
    assert_eq!(one(&mut witness, say(Operation::Read, 0, 3)), (Verdict::Done, 3));
    assert_eq!(one(&mut witness, say(Operation::Advance, 2, 4)), (Verdict::Ahead, 3));
    assert_eq!(one(&mut witness, say(Operation::Advance, 3, 4)), (Verdict::Ahead, 3));
    // The same request once more is one whose answer was lost.
    assert_eq!(one(&mut witness, say(Operation::Advance, 3, 2)), (Verdict::Done, 3));
    assert_eq!(one(&mut witness, say(Operation::Advance, u64::MAX, 5)), (Verdict::Done, u64::MAX));
    assert_eq!(one(&mut witness, say(Operation::Advance, u64::MAX, 6)), (Verdict::Ahead, u64::MAX));
    assert_eq!(one(&mut witness, register(1, &device)), (Verdict::Exists, 0));
}

#[test]
fn strangers_neither_read_nor_advance_nor_register() {
    let (mut witness, device, stranger) = (witness(), key(2), key(3));
    assert_eq!(one(&mut witness, register(1, &device)), (Verdict::Done, 0));
    // Registered twice with one nonce: the answer was lost.
    assert_eq!(one(&mut witness, register(1, &device)), (Verdict::Done, 0));
    for operation in [Operation::Read, Operation::Advance] {
        let number = u64::from(operation == Operation::Advance);
        let asked = signed(request(operation, 1, number, 9), &stranger, None);
        assert_eq!(one(&mut witness, asked), (Verdict::NotAuthentic, 0));
        // The right key, but on another connection, or for another witness.
        let asked = signed(request(operation, 1, number, 9), &device, None);
        assert_eq!(one(&mut witness, Asked { challenge: [0; 32], ..asked }), (Verdict::NotAuthentic, 0));
        // Any bit of a request.
        for at in 16..REQUEST_SIZE {
            let mut other = asked;
            other.request[at] ^= 1;
            let said = ask(&mut witness, &[other])[0];
            let none = [None, Some((Verdict::NotAuthentic, 0)), Some((Verdict::Missing, 0))];
            assert!(none.contains(&said), "{at}: {said:?}");
        }
    }
    let taken_over = register(1, &stranger);
    assert_eq!(one(&mut witness, taken_over), (Verdict::Exists, 0));
    let unknown = signed(request(Operation::Register, 5, 0, 5), &stranger, Some([0; 32]));
    assert_eq!(one(&mut witness, unknown), (Verdict::NotEnrolled, 0));
    let mut not_theirs = register(5, &stranger);
    not_theirs.request[80] ^= 1;
    assert_eq!(one(&mut witness, not_theirs), (Verdict::NotAuthentic, 0));
    assert!(witness.ledger().find(&[5; 16]).is_none());
    assert_eq!(witness.ledger().find(&[1; 16]).unwrap().number, 0);
    // An enrolment is for so many states.
    assert_eq!(one(&mut witness, register(6, &stranger)), (Verdict::Done, 0));
    assert_eq!(one(&mut witness, register(7, &stranger)), (Verdict::Done, 0));
    assert_eq!(one(&mut witness, register(8, &stranger)), (Verdict::NotEnrolled, 0));
}

#[test]
fn requests_that_come_together_share_a_flush_and_one_state_changes_once() {
    let (mut witness, device) = (witness(), key(2));
    let asked: Vec<Asked> = (1..4).map(|name| register(name, &device)).collect();
    ask(&mut witness, &asked);
    let say = |name, number, nonce| signed(request(Operation::Advance, name, number, nonce), &device, None);
    let said = ask(&mut witness, &[say(1, 1, 1), say(2, 1, 2), say(1, 2, 3), say(3, 7, 4)]);
    let done = |number| Some((Verdict::Done, number));
    assert_eq!(said, [done(1), done(1), None, done(7)]);
    let Witness { ledger, .. } = witness;
    assert_eq!(ledger.into_disk().syncs, 3, "the ledger's beginning, and two rounds");
}

#[test]
fn a_disk_that_fails_ends_it_and_a_full_one_takes_no_new_states() {
    let (mut witness, device) = (witness(), key(2));
    ask(&mut witness, &[register(1, &device)]);
    let Witness { key: own, ledger, .. } = witness;
    let disk = Memory { fails: true, ..ledger.into_disk() };
    let ledger = Ledger::open(disk, own.public()).unwrap();
    let mut witness = Witness::new(own, ledger, One, Box::new(TestEntropy::new(1)));
    assert_eq!(one(&mut witness, register(2, &device)), (Verdict::Full, 0));
    assert!(witness.ledger().find(&[2; 16]).is_none());
    let error = witness.round(&[signed(request(Operation::Advance, 1, 1, 1), &device, None)]).unwrap_err();
    assert!(error.to_string().contains("writing the ledger"), "{error}");
}

/// The page's vectors, which another program printed.
#[test]
fn the_vectors_of_the_page() {
    let page = include_str!("../../../../docs/witness.md");
    let block = page.split("```vectors-witness\n").nth(1).unwrap().split("```").next().unwrap();
    let lines: Vec<(&str, &str)> = block.lines().map(|line| line.split_once(" = ").unwrap()).collect();
    let seed: [u8; 32] = std::array::from_fn(|place| u8::try_from(place).unwrap());
    let own = SigningKey::new(&PORTABLE, Zeroizing::new(seed)).unwrap();
    let device = SigningKey::of_state(&PORTABLE, &[0x33; 32], own.public()).unwrap();
    assert_eq!(lines[0], ("witness public key", &*hex(own.public())));
    assert_eq!(lines[1], ("device public key", &*hex(device.public())));

    struct Known;
    impl Enrolments for Known {
        fn find(&mut self, enrolment: &[u8; 16]) -> Option<Enrolment> {
            let key = Zeroizing::new([0x55; 32]);
            (*enrolment == [0x44; 16]).then(|| Enrolment { key, states: 1, label: String::new() })
        }
    }
    let ledger = Ledger::create(Memory::default(), own.public()).unwrap();
    let public = *own.public();
    let mut witness = Witness::new(own, ledger, Known, Box::new(TestEntropy::new(1)));
    let challenge = [0x11; 32];
    let steps = [
        ("register", Operation::Register, 0, 0x66),
        ("advance", Operation::Advance, 7, 0x77),
        ("read", Operation::Read, 0, 0x88),
        ("refused advance", Operation::Advance, 5, 0x99),
    ];
    for ((word, operation, number, nonce), lines) in steps.into_iter().zip(lines[2..].chunks(2)) {
        let mut request = request(operation, 0x22, number, nonce);
        if operation == Operation::Register {
            (request.device, request.enrolment) = (*device.public(), [0x44; 16]);
            request.mac = hmac(&[0x55; 32], &[&request.maced(&public, &challenge)]);
        }
        request.signature = device.sign(&request_message(&public, &challenge, &request)).unwrap();
        let asked = Asked { challenge, request: request.to_bytes() };
        assert_eq!(lines[0], (word, &*hex(&asked.request)));
        let Outcome::Answer { bytes, .. } = witness.round(&[asked]).unwrap()[0] else { panic!("no answer") };
        assert_eq!(lines[1], ("answer", &*hex(&bytes)));
    }
}
