//! What a witness answers. No sockets here: requests go in, answers come out, and what they changed is durable by then.

use crate::enrolment::Enrolments;
use crate::keys::{SigningKey, hmac, verifies};
use crate::ledger::{Disk, Entry, Ledger};
use crate::protocol::{
    Greeting, Operation, REQUEST_SIZE, RESPONSE_SIZE, Request, Response, Verdict, request_message, response_message,
};
use crate::{WitnessError, keys::hex};
use ironroot_platform::Entropy;
use std::collections::HashSet;
use std::time::SystemTime;
use subtle::ConstantTimeEq;

/// A witness.
pub struct Witness<D, E> {
    key: SigningKey,
    ledger: Ledger<D>,
    enrolments: E,
    entropy: Box<dyn Entropy>,
}

/// A request, and the challenge of the connection that it came by.
#[derive(Debug, Clone, Copy)]
pub struct Asked {
    /// The connection's.
    pub challenge: [u8; 32],
    /// The request as it came.
    pub request: [u8; REQUEST_SIZE],
}

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is none of this protocol: hang up.
    HangUp,
    /// Another request of this round changed the same state: ask again.
    Later,
    /// The answer.
    Answer {
        /// To be sent.
        bytes: [u8; RESPONSE_SIZE],
        /// Whether the request was signed by whom it is about.
        authentic: bool,
    },
}

/// A verdict and the number that goes with it.
struct Judged {
    verdict: Verdict,
    number: u64,
    change: Option<Change>,
}

enum Change {
    Register(Entry),
    Advance,
}

impl Judged {
    const fn no(verdict: Verdict) -> Self {
        Self { verdict, number: 0, change: None }
    }
}

impl<D: Disk, E: Enrolments> Witness<D, E> {
    /// A witness with its key and its ledger.
    pub fn new(key: SigningKey, ledger: Ledger<D>, enrolments: E, entropy: Box<dyn Entropy>) -> Self {
        Self { key, ledger, enrolments, entropy }
    }

    /// The public key.
    pub const fn public(&self) -> &[u8; 32] {
        self.key.public()
    }

    /// The ledger.
    pub const fn ledger(&self) -> &Ledger<D> {
        &self.ledger
    }

    /// What a new connection is greeted with.
    ///
    /// # Errors
    /// There is no entropy.
    pub fn greeting(&mut self) -> Result<Greeting, WitnessError> {
        let mut challenge = [0; 32];
        self.entropy.fill(&mut challenge).map_err(|error| WitnessError::during("making a challenge", error))?;
        Ok(Greeting { challenge })
    }

    /// Answers requests that came at the same time. All their changes become durable together, before any answer is given.
    ///
    /// # Errors
    /// The ledger cannot be written: nothing may be answered any more, and the ledger has to be opened anew.
    pub fn round(&mut self, asked: &[Asked]) -> Result<Vec<Outcome>, WitnessError> {
        let mut changed = HashSet::new();
        let mut outcomes = Vec::with_capacity(asked.len());
        let mut answers = Vec::new();
        for (place, asked) in asked.iter().enumerate() {
            let Some(request) = Request::read(&asked.request) else {
                outcomes.push(Outcome::HangUp);
                continue;
            };
            if changed.contains(&request.name) {
                outcomes.push(Outcome::Later);
                continue;
            }
            let mut judged = self.judge(&request, &asked.challenge);
            if let Some(change) = judged.change.take() {
                self.make(&request, change, &mut judged)?;
                changed.insert(request.name);
            }
            outcomes.push(Outcome::Later);
            answers.push((place, request, judged));
        }
        if !changed.is_empty() {
            self.ledger.settle().map_err(|error| WitnessError::during("making the ledger durable", error))?;
        }
        for (place, request, judged) in answers {
            if let (Some(outcome), Some(asked)) = (outcomes.get_mut(place), asked.get(place)) {
                *outcome = self.answer(asked, &request, &judged)?;
            }
        }
        Ok(outcomes)
    }

    fn judge(&mut self, request: &Request, challenge: &[u8; 32]) -> Judged {
        if request.operation == Operation::Register {
            return self.judge_registration(request, challenge);
        }
        let Some(entry) = self.ledger.find(&request.name) else {
            return Judged::no(Verdict::Missing);
        };
        let message = request_message(self.key.public(), challenge, request);
        if !verifies(self.key.provider(), &entry.device, &message, &request.signature) {
            return Judged::no(Verdict::NotAuthentic);
        }
        let done = Judged { verdict: Verdict::Done, number: entry.number, change: None };
        if request.operation == Operation::Read {
            return done;
        }
        if request.number > entry.number {
            return Judged { number: request.number, change: Some(Change::Advance), ..done };
        }
        // The same request once more: its answer was lost on the way.
        let repeated = request.number == entry.number && request.nonce == entry.nonce;
        if repeated { done } else { Judged { verdict: Verdict::Ahead, ..done } }
    }

    fn judge_registration(&mut self, request: &Request, challenge: &[u8; 32]) -> Judged {
        let message = request_message(self.key.public(), challenge, request);
        if !verifies(self.key.provider(), &request.device, &message, &request.signature) {
            return Judged::no(Verdict::NotAuthentic);
        }
        let Some(enrolment) = self.enrolments.find(&request.enrolment) else {
            return Judged::no(Verdict::NotEnrolled);
        };
        let mac = hmac(&enrolment.key, &[&request.maced(self.key.public(), challenge)]);
        if !bool::from(mac.ct_eq(&request.mac)) {
            return Judged::no(Verdict::NotEnrolled);
        }
        let entry = Entry {
            number: 0,
            device: request.device,
            nonce: request.nonce,
            enrolment: request.enrolment,
            changed: now(),
        };
        let done = Judged { verdict: Verdict::Done, number: 0, change: None };
        if let Some(known) = self.ledger.find(&request.name) {
            let repeated = Entry { changed: known.changed, ..entry } == *known;
            return if repeated { done } else { Judged::no(Verdict::Exists) };
        }
        if self.ledger.registered(&request.enrolment) >= usize::try_from(enrolment.states).unwrap_or(usize::MAX) {
            return Judged::no(Verdict::NotEnrolled);
        }
        if !self.ledger.has_room() {
            return Judged::no(Verdict::Full);
        }
        Judged { change: Some(Change::Register(entry)), ..done }
    }

    fn make(&mut self, request: &Request, change: Change, judged: &mut Judged) -> Result<(), WitnessError> {
        match change {
            Change::Register(entry) => {
                if let Err(error) = self.ledger.register(&request.name, entry) {
                    tracing::error!("a state could not be registered: {error}; make room on the disk");
                    *judged = Judged::no(Verdict::Full);
                } else {
                    tracing::info!(state = hex(&request.name), "registered");
                }
                Ok(())
            }
            Change::Advance => self
                .ledger
                .advance(&request.name, request.number, request.nonce, now())
                .map_err(|error| WitnessError::during("writing the ledger", error)),
        }
    }

    fn answer(&self, asked: &Asked, request: &Request, judged: &Judged) -> Result<Outcome, WitnessError> {
        let mut response = Response {
            verdict: judged.verdict,
            name: request.name,
            number: judged.number,
            nonce: request.nonce,
            signature: [0; 64],
        };
        let message = response_message(&asked.challenge, &asked.request, &response);
        response.signature = self.key.sign(&message).map_err(|error| WitnessError::during("signing", error))?;
        let authentic = matches!(judged.verdict, Verdict::Done | Verdict::Ahead | Verdict::Exists | Verdict::Full);
        Ok(Outcome::Answer { bytes: response.to_bytes(), authentic })
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests;
