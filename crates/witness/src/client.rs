//! The side of the TPM: a counter whose number a witness keeps.
//!
//! Whatever goes wrong, the answer is an error and never a number: a TPM that cannot ask its witness does not start, and does
//! not change its state.

use crate::dial::{Channel, Dial};
use crate::enrolment::EnrolmentKey;
use crate::keys::{SigningKey, hex, hmac, verifies};
use crate::protocol::{
    GREETING_SIZE, Greeting, Operation, RESPONSE_SIZE, Request, Response, Verdict, request_message, response_message,
};
use ironroot_crypto::Provider;
use ironroot_platform::{CountedState, CounterError, CounterKind, Entropy, MonotonicCounter};
use std::io::{self, Read, Write};
use std::time::{Duration, Instant};

/// How long a witness has for everything: an old connection that turns out to be dead, a new one, the answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long for one step of it.
const STEP: Duration = Duration::from_secs(2);

/// A counter on another machine.
pub struct WitnessCounter {
    /// HOST:PORT, for people.
    address: String,
    /// The public key that answers are signed with.
    witness: [u8; 32],
    /// Needed to register only.
    enrolment: Option<EnrolmentKey>,
    dial: Box<dyn Dial>,
    line: Option<Line>,
    /// The highest number that was seen, and whose it was: a witness that says less has gone back.
    seen: Option<([u8; 16], u64)>,
    entropy: Box<dyn Entropy>,
    provider: &'static dyn Provider,
}

/// An open connection.
struct Line {
    channel: Box<dyn Channel>,
    challenge: [u8; 32],
}

/// Why an exchange failed.
enum Trouble {
    /// The connection, which can be made anew.
    Line(io::Error),
    /// What came over it.
    Untrue(&'static str),
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::Line(error)
    }
}

const FORGED: &str = "its answer is not signed with the key of the witness that this state is bound to: somebody else answers at this \
     address, or the witness was made anew";

impl WitnessCounter {
    /// The counter at a witness with this public key.
    #[must_use]
    pub fn new(
        address: &str,
        witness: [u8; 32],
        dial: Box<dyn Dial>,
        entropy: Box<dyn Entropy>,
        provider: &'static dyn Provider,
    ) -> Self {
        Self { address: address.into(), witness, enrolment: None, dial, line: None, seen: None, entropy, provider }
    }

    /// With a key to register states.
    #[must_use]
    pub fn with_enrolment(mut self, key: EnrolmentKey) -> Self {
        self.enrolment = Some(key);
        self
    }

    /// Asks, on the connection that there is or a new one.
    fn ask(&mut self, state: &CountedState, operation: Operation, number: u64) -> Result<Response, CounterError> {
        let internal = |what: &str| CounterError::Unreachable(format!("{what} failed"));
        let key = SigningKey::of_state(self.provider, &state.secret, &self.witness);
        let key = key.map_err(|_| internal("deriving the key for the witness"))?;
        let mut request = Request {
            operation,
            name: state.id,
            number,
            nonce: [0; 32],
            device: [0; 32],
            enrolment: [0; 16],
            mac: [0; 32],
            signature: [0; 64],
        };
        self.entropy.fill(&mut request.nonce).map_err(|_| internal("making a nonce"))?;
        let deadline = Deadline(Instant::now());
        let was_open = self.line.is_some();
        let mut answer = self.exchange(&key, request, deadline);
        // The witness may have hung up since the last time. Asked twice with one nonce, it does it once.
        if was_open && matches!(answer, Err(Trouble::Line(_))) {
            answer = self.exchange(&key, request, deadline);
        }
        let answer = answer.map_err(|trouble| {
            self.line = None;
            match trouble {
                Trouble::Line(error) => CounterError::Unreachable(format!("{}: {error}", self.place())),
                Trouble::Untrue(why) => self.refused(why),
            }
        })?;
        self.judge(answer)
    }

    fn refused(&self, why: &str) -> CounterError {
        CounterError::Refused(format!("{}: {why} (public key {})", self.place(), hex(&self.witness)))
    }

    /// One question and its answer. The connection is kept only if all went well.
    fn exchange(&mut self, key: &SigningKey, mut request: Request, deadline: Deadline) -> Result<Response, Trouble> {
        let mut line = match self.line.take() {
            Some(line) => line,
            None => {
                let mut channel = self.dial.dial(deadline.step()?)?;
                let mut bytes = [0; GREETING_SIZE];
                deadline.read(&mut *channel, &mut bytes)?;
                let greeting = Greeting::read(&bytes).ok_or(Trouble::Untrue("what answers there is no witness"))?;
                Line { channel, challenge: greeting.challenge }
            }
        };
        if let (Operation::Register, Some(enrolment)) = (request.operation, &self.enrolment) {
            request.device = *key.public();
            request.enrolment = enrolment.enrolment;
            request.mac = hmac(&enrolment.key, &[&request.maced(&self.witness, &line.challenge)]);
        }
        let message = request_message(&self.witness, &line.challenge, &request);
        request.signature = key.sign(&message).map_err(|_| Trouble::Untrue("the request cannot be signed"))?;
        let asked = request.to_bytes();
        deadline.write(&mut *line.channel, &asked)?;
        let mut bytes = [0; RESPONSE_SIZE];
        deadline.read(&mut *line.channel, &mut bytes)?;
        let response = Response::read(&bytes).ok_or(Trouble::Untrue("its answer is none of this protocol"))?;
        let message = response_message(&line.challenge, &asked, &response);
        if !verifies(self.provider, &self.witness, &message, &response.signature) {
            return Err(Trouble::Untrue(FORGED));
        }
        if response.name != request.name || response.nonce != request.nonce {
            return Err(Trouble::Untrue("its answer is about something else"));
        }
        self.line = Some(line);
        Ok(response)
    }

    /// What an authentic answer means.
    fn judge(&mut self, answer: Response) -> Result<Response, CounterError> {
        match answer.verdict {
            Verdict::Done | Verdict::Ahead => {
                let seen = self.seen.filter(|(name, _)| *name == answer.name).map_or(0, |(_, number)| number);
                if answer.number < seen {
                    return Err(self.refused(&format!(
                        "it has gone back: it said {seen} before, and {} now; an old copy of its ledger was put back",
                        answer.number
                    )));
                }
                self.seen = Some((answer.name, answer.number));
                Ok(answer)
            }
            Verdict::Missing => Err(CounterError::Missing(format!(
                "{}: it does not count for this state ({}); its ledger was lost or made anew",
                self.place(),
                hex(&answer.name)
            ))),
            Verdict::Exists => Err(self.refused("it counts for a state of this name already")),
            Verdict::NotAuthentic => Err(self.refused("it knows another key for this state")),
            Verdict::NotEnrolled => Err(self.refused(
                "the enrolment key is unknown to it, withdrawn, or used up; get another one by `ironroot witness enrol`",
            )),
            Verdict::Full => Err(self.refused("it has no room for another state")),
        }
    }
}

impl MonotonicCounter for WitnessCounter {
    fn kind(&self) -> CounterKind {
        CounterKind::Witness
    }

    fn place(&self) -> String {
        format!("witness {}", self.address)
    }

    fn register(&mut self, state: &CountedState) -> Result<(), CounterError> {
        match &self.enrolment {
            None => {
                Err(self.refused("to register a state takes an enrolment key: --counter witness=HOST:PORT,key=FILE"))
            }
            Some(key) if key.witness != self.witness => {
                Err(self.refused("the enrolment key is that of another witness"))
            }
            Some(_) => self.ask(state, Operation::Register, 0).map(drop),
        }
    }

    fn read(&mut self, state: &CountedState) -> Result<u64, CounterError> {
        self.ask(state, Operation::Read, 0).map(|answer| answer.number)
    }

    fn advance(&mut self, state: &CountedState, to: u64) -> Result<(), CounterError> {
        let answer = self.ask(state, Operation::Advance, to)?;
        match answer.verdict {
            Verdict::Done if answer.number == to => Ok(()),
            Verdict::Ahead if answer.number >= to => Err(CounterError::Ahead(answer.number)),
            _ => Err(self.refused("it signed an answer that does not fit the question")),
        }
    }
}

/// When all of it began.
#[derive(Debug, Clone, Copy)]
struct Deadline(Instant);

impl Deadline {
    /// How long the next step may take.
    fn step(self) -> io::Result<Duration> {
        let left = PATIENCE.saturating_sub(self.0.elapsed()).min(STEP);
        if left.is_zero() { Err(timed_out()) } else { Ok(left) }
    }

    fn read(self, channel: &mut dyn Channel, buffer: &mut [u8]) -> io::Result<()> {
        let step = Self(Instant::now());
        let mut filled = 0_usize;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            // Who drips has no longer than who is silent.
            let left = self.step()?.min(STEP.saturating_sub(step.0.elapsed()));
            if left.is_zero() {
                return Err(timed_out());
            }
            channel.set_patience(left)?;
            match Read::read(channel, rest) {
                Ok(0) => return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it hung up")),
                Ok(count) => filled = filled.saturating_add(count),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(said(error)),
            }
        }
        Ok(())
    }

    fn write(self, channel: &mut dyn Channel, bytes: &[u8]) -> io::Result<()> {
        channel.set_patience(self.step()?)?;
        Write::write_all(channel, bytes).map_err(said)
    }
}

fn timed_out() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "it does not answer in time")
}

/// A socket's timeout has a strange name.
fn said(error: io::Error) -> io::Error {
    if error.kind() == io::ErrorKind::WouldBlock { timed_out() } else { error }
}

#[cfg(test)]
mod tests;
