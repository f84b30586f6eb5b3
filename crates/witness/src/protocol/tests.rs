//! One form for each message.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::*;

fn request(operation: Operation) -> Request {
    let registers = operation == Operation::Register;
    let fill = |byte| if registers { byte } else { 0 };
    Request {
        operation,
        name: [1; 16],
        number: if operation == Operation::Advance { 0x0102_0304_0506_0708 } else { 0 },
        nonce: [2; 32],
        device: [fill(3); 32],
        enrolment: [fill(4); 16],
        mac: [fill(5); 32],
        signature: [6; 64],
    }
}

#[test]
fn messages_are_read_as_they_were_written_and_in_no_other_form() {
    for operation in [Operation::Register, Operation::Read, Operation::Advance] {
        let request = request(operation);
        let bytes = request.to_bytes();
        assert_eq!(Request::read(&bytes), Some(request));
        for at in 0..REQUEST_SIZE {
            let mut other = bytes;
            other[at] ^= 0x80;
            // Another field, or nothing at all; never the same.
            assert!(Request::read(&other).is_none_or(|other| other != request && other.to_bytes() != bytes), "{at}");
        }
    }
    for verdict in (0..7).filter_map(Verdict::of) {
        let number = if verdict.has_number() { 9 } else { 0 };
        let response = Response { verdict, name: [1; 16], number, nonce: [2; 32], signature: [3; 64] };
        assert_eq!(Response::read(&response.to_bytes()), Some(response));
        let mut bytes = response.to_bytes();
        bytes[39] ^= 1;
        assert_eq!(Response::read(&bytes).is_some(), verdict.has_number(), "{verdict:?}");
    }
    assert!(Verdict::of(7).is_none() && Operation::of(0).is_none() && Operation::of(4).is_none());
    let greeting = Greeting { challenge: [8; 32] };
    assert_eq!(Greeting::read(&greeting.to_bytes()), Some(greeting));
    let mut newer = greeting.to_bytes();
    newer[7] = 2;
    assert_eq!(Greeting::read(&newer), None);
}

#[test]
fn a_signature_covers_everything_before_it() {
    let base = request(Operation::Register);
    let message = request_message(&[0; 32], &[0; 32], &base);
    let changes: [Request; 6] = [
        Request { name: [9; 16], ..base },
        Request { nonce: [9; 32], ..base },
        Request { device: [9; 32], ..base },
        Request { enrolment: [9; 16], ..base },
        Request { mac: [9; 32], ..base },
        Request { operation: Operation::Advance, ..base },
    ];
    assert!(changes.iter().all(|other| request_message(&[0; 32], &[0; 32], other) != message));
    assert_ne!(request_message(&[1; 32], &[0; 32], &base), message);
    assert_ne!(request_message(&[0; 32], &[1; 32], &base), message);
    assert_eq!(request_message(&[0; 32], &[0; 32], &Request { signature: [0; 64], ..base }), message);
}
