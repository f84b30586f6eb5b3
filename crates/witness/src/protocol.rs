//! What goes over the wire: a greeting, then requests and responses in turn, each of one size. docs/witness.md has the bytes.

use sha2::{Digest, Sha256};

/// Bytes of the greeting.
pub const GREETING_SIZE: usize = 48;
/// Bytes of a request.
pub const REQUEST_SIZE: usize = 224;
/// Bytes of a response.
pub const RESPONSE_SIZE: usize = 144;
/// What a request's signature covers of it.
const REQUEST_SIGNED: usize = 160;
/// What the MAC of an enrolment covers of a request.
const REQUEST_MACED: usize = 128;
/// What a response's signature covers of it.
const RESPONSE_SIGNED: usize = 80;

const GREETING: &[u8; 8] = b"IRWITN\x00\x01";
const REQUEST: &[u8; 8] = b"IRWREQ\x00\x01";
const RESPONSE: &[u8; 8] = b"IRWRSP\x00\x01";

/// What the witness says first: a challenge, new for each connection, which every signature of the connection covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Greeting {
    /// Random.
    pub challenge: [u8; 32],
}

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Begin to count for a state, at 0.
    Register,
    /// Say the number.
    Read,
    /// Raise the number.
    Advance,
}

/// A question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request {
    /// What is asked.
    pub operation: Operation,
    /// The name under which the witness counts for the state.
    pub name: [u8; 16],
    /// What the number is to be raised to; zero in other operations.
    pub number: u64,
    /// Random, and new with each request; the same if a request is repeated because its answer was lost.
    pub nonce: [u8; 32],
    /// The key that requests about this state will be signed with; zero but in a registration.
    pub device: [u8; 32],
    /// Under which enrolment the state is registered; zero but in a registration.
    pub enrolment: [u8; 16],
    /// The MAC with the enrolment's key; zero but in a registration.
    pub mac: [u8; 32],
    /// The state's signature.
    pub signature: [u8; 64],
}

/// How it went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is done; the number is what it is now.
    Done,
    /// The witness does not count for this state.
    Missing,
    /// The number, which stands in the answer, is as high already, or higher.
    Ahead,
    /// The witness counts for a state of this name already.
    Exists,
    /// The request is not signed with the state's key.
    NotAuthentic,
    /// The enrolment is unknown, withdrawn or used up, or its MAC is wrong.
    NotEnrolled,
    /// There is no room for another state.
    Full,
}

/// An answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Response {
    /// How it went.
    pub verdict: Verdict,
    /// The state's name, as in the request.
    pub name: [u8; 16],
    /// The number, if the verdict is [`Verdict::Done`] or [`Verdict::Ahead`]; otherwise zero.
    pub number: u64,
    /// The request's nonce.
    pub nonce: [u8; 32],
    /// The witness's signature.
    pub signature: [u8; 64],
}

/// Takes fields off the front.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (field, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*field)
    }

    fn number(&mut self) -> Option<u64> {
        self.take().map(u64::from_be_bytes)
    }

    /// A field that has one value only.
    fn is<const N: usize>(&mut self, wanted: &[u8; N]) -> Option<()> {
        (self.take::<N>()? == *wanted).then_some(())
    }
}

fn fixed<const N: usize>(parts: &[&[u8]]) -> [u8; N] {
    let mut out = [0; N];
    out.iter_mut().zip(parts.iter().copied().flatten()).for_each(|(to, from)| *to = *from);
    out
}

impl Greeting {
    /// The bytes.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; GREETING_SIZE] {
        fixed(&[GREETING, &[0; 8], &self.challenge])
    }

    /// Reads it, if it is one of this version.
    #[must_use]
    pub fn read(bytes: &[u8; GREETING_SIZE]) -> Option<Self> {
        let mut fields = Fields(bytes);
        fields.is(GREETING)?;
        fields.is(&[0; 8])?;
        Some(Self { challenge: fields.take()? })
    }
}

impl Operation {
    const fn code(self) -> u8 {
        match self {
            Self::Register => 1,
            Self::Read => 2,
            Self::Advance => 3,
        }
    }

    const fn of(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::Register),
            2 => Some(Self::Read),
            3 => Some(Self::Advance),
            _ => None,
        }
    }
}

impl Request {
    /// The bytes.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; REQUEST_SIZE] {
        fixed(&[
            REQUEST,
            &[self.operation.code(), 0, 0, 0, 0, 0, 0, 0],
            &self.name,
            &self.number.to_be_bytes(),
            &[0; 8],
            &self.nonce,
            &self.device,
            &self.enrolment,
            &self.mac,
            &self.signature,
        ])
    }

    /// Reads one of this version. There is one form for each request.
    #[must_use]
    pub fn read(bytes: &[u8; REQUEST_SIZE]) -> Option<Self> {
        let mut fields = Fields(bytes);
        fields.is(REQUEST)?;
        let [code] = fields.take()?;
        fields.is(&[0; 7])?;
        let (name, number) = (fields.take()?, fields.number()?);
        fields.is(&[0; 8])?;
        let request = Self {
            operation: Operation::of(code)?,
            name,
            number,
            nonce: fields.take()?,
            device: fields.take()?,
            enrolment: fields.take()?,
            mac: fields.take()?,
            signature: fields.take()?,
        };
        let bare = request.device == [0; 32] && request.enrolment == [0; 16] && request.mac == [0; 32];
        let fits = match request.operation {
            Operation::Register => number == 0,
            Operation::Read => bare && number == 0,
            Operation::Advance => bare,
        };
        fits.then_some(request)
    }

    /// What the MAC of an enrolment covers.
    #[must_use]
    pub fn maced(&self, witness: &[u8; 32], challenge: &[u8; 32]) -> Vec<u8> {
        let bytes = self.to_bytes();
        let part = bytes.split_at_checked(REQUEST_MACED).unwrap_or_default().0;
        [b"ironroot/witness/v1/register", &witness[..], challenge, part].concat()
    }
}

/// What a request's signature covers.
#[must_use]
pub fn request_message(witness: &[u8; 32], challenge: &[u8; 32], request: &Request) -> Vec<u8> {
    let bytes = request.to_bytes();
    let part = bytes.split_at_checked(REQUEST_SIGNED).unwrap_or_default().0;
    [b"ironroot/witness/v1/request", &witness[..], challenge, part].concat()
}

impl Verdict {
    const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Missing => 1,
            Self::Ahead => 2,
            Self::Exists => 3,
            Self::NotAuthentic => 4,
            Self::NotEnrolled => 5,
            Self::Full => 6,
        }
    }

    fn of(code: u8) -> Option<Self> {
        [Self::Done, Self::Missing, Self::Ahead, Self::Exists, Self::NotAuthentic, Self::NotEnrolled, Self::Full]
            .into_iter()
            .find(|verdict| verdict.code() == code)
    }

    /// Whether the number means anything.
    #[must_use]
    pub const fn has_number(self) -> bool {
        matches!(self, Self::Done | Self::Ahead)
    }
}

impl Response {
    /// The bytes.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; RESPONSE_SIZE] {
        fixed(&[
            RESPONSE,
            &[self.verdict.code(), 0, 0, 0, 0, 0, 0, 0],
            &self.name,
            &self.number.to_be_bytes(),
            &[0; 8],
            &self.nonce,
            &self.signature,
        ])
    }

    /// Reads one of this version. There is one form for each response.
    #[must_use]
    pub fn read(bytes: &[u8; RESPONSE_SIZE]) -> Option<Self> {
        let mut fields = Fields(bytes);
        fields.is(RESPONSE)?;
        let [code] = fields.take()?;
        fields.is(&[0; 7])?;
        let verdict = Verdict::of(code)?;
        let (name, number) = (fields.take()?, fields.number()?);
        fields.is(&[0; 8])?;
        let response = Self { verdict, name, number, nonce: fields.take()?, signature: fields.take()? };
        (verdict.has_number() || number == 0).then_some(response)
    }
}

/// What a response's signature covers: the response, and the request that it answers on the connection that it came by.
#[must_use]
pub fn response_message(challenge: &[u8; 32], request: &[u8; REQUEST_SIZE], response: &Response) -> Vec<u8> {
    let asked: [u8; 32] = Sha256::new().chain_update(challenge).chain_update(request).finalize().into();
    let bytes = response.to_bytes();
    let part = bytes.split_at_checked(RESPONSE_SIGNED).unwrap_or_default().0;
    [b"ironroot/witness/v1/response", &asked[..], part].concat()
}

#[cfg(test)]
mod tests;
