//! The provisioning service: raw bytes on its HTTP port, and enrolments of a real device that were edited behind their
//! encodings. Each request is answered with a whole response or its connection ends; an edited enrolment is either refused or
//! still about the same endorsement key.
//!
//! The first byte of an input says which; an edited enrolment's second byte chooses the field.
#![no_main]

mod prelude;
mod service_sample;

use libfuzzer_sys::fuzz_target;
use prelude::{edits, visit::visit};
use service_sample::SAMPLE;

fn raw(bytes: &[u8]) {
    let answer = visit(SAMPLE.service.address(), bytes);
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1."), "{}", String::from_utf8_lossy(&answer));
    assert!(!answer.starts_with(b"HTTP/1.1 500"), "{}", String::from_utf8_lossy(&answer));
}

fn edited(input: &[u8]) {
    let Some((field, input)) = input.split_first() else { return };
    let mut fields = SAMPLE.fields.clone();
    let index = usize::from(*field) % fields.len();
    edits::apply(&mut fields[index], input);
    let same = fields[index] == SAMPLE.fields[index];
    let parameters = service_sample::parameters(&fields);
    match SAMPLE.validator.validate(&parameters, service_sample::NOW) {
        Ok(enrolment) => assert_eq!(enrolment.ek_name, SAMPLE.ek_name, "another endorsement key"),
        Err(refusal) => {
            assert!(!same, "the device itself is refused: {refusal}");
            assert!((400..500).contains(&refusal.status), "{refusal}");
        }
    }
}

fuzz_target!(|input: &[u8]| {
    match input.split_first() {
        Some((kind, rest)) if kind % 4 == 0 => raw(rest),
        Some((_, rest)) => edited(rest),
        None => {}
    }
});
