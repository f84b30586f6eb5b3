//! The replay-protected memory block of an eMMC device (JESD84-B51, 6.6.22): storage that only who has its key can write, whose
//! answers nobody else can make, and that counts its writes, so that nothing is written twice or read from the past.
//!
//! [`Rpmb`] speaks the protocol over a [`Transport`], which carries frames and is trusted with nothing. It gives two things: blocks for
//! a state ([`Rpmb::blocks`], under [`BlockDevice`](crate::block_device::BlockDevice)), and a counter for a state that lies
//! elsewhere ([`Rpmb::counter`]).
//!
//! ```text
//! 0        16 blocks for counters        16        the state        …        last two blocks: nothing
//! ```
//! A block has 256 bytes. A state's block of 512 bytes is two of them, written by one request, which the device carries out
//! whole or not at all.
//!
//! **A write that was held back.** A request is good as long as the device's write counter has the number that it was made for. Whoever
//! carries the frames can keep a request, let it fail, and hand it over in the place of the next one, which has the same number; the
//! device's answer fits both (CVE-2020-13799). So after each write whose answer did not come, and once at each start before
//! anything is read, a write of nothing into the last block uses that number up.

mod counter;
mod frame;

pub use counter::RpmbCounter;
pub use frame::{FRAME, Frame, Kind, ResultCode, mac};

use crate::block_device::Blocks;
use frame::DATA;
use ironroot_platform::Entropy;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// The key that device and host share, programmed once in the life of the device.
pub type RpmbKey = [u8; 32];

/// Blocks for counters, at the beginning.
const COUNTERS: u16 = 16;
/// Blocks at the end, of which the last is written when a number of the write counter is to be used up.
const UNUSED: u16 = 2;
/// Blocks of 256 bytes in one of the state's.
const AT_ONCE: usize = 2;
/// The same in bytes.
const STATE_BLOCK: u64 = (AT_ONCE * DATA) as u64;

/// What carries frames to a device: for eMMC, `CMD23` and `CMD25` or `CMD18` on the RPMB partition.
pub trait Transport: Send {
    /// The device's name, for messages.
    fn name(&self) -> String;
    /// How many blocks of 256 bytes the device has (512 for each unit of `RPMB_SIZE_MULT`).
    fn size(&self) -> u32;
    /// Sends frames; as a reliable write if the request changes something.
    ///
    /// # Errors
    /// The operating system's. The device may have got them.
    fn send(&mut self, frames: &[Frame], reliable: bool) -> io::Result<()>;
    /// Receives the frames of an answer.
    ///
    /// # Errors
    /// The operating system's.
    fn receive(&mut self, frames: &mut [Frame]) -> io::Result<()>;
}

/// Why an exchange is not believed, or did not happen.
#[derive(Debug)]
pub enum RpmbError {
    /// The transport's.
    Transport(io::Error),
    /// No random numbers.
    Entropy,
    /// The answer's MAC is wrong: it was not made by a device with this key, or not for these bytes.
    Forged,
    /// The answer is to another question: its nonce is not ours.
    WrongNonce,
    /// The answer is of another kind.
    WrongKind {
        /// What was asked for.
        wanted: Kind,
        /// The number of what came.
        found: u16,
    },
    /// The answer is about another place or length.
    WrongPlace,
    /// The write counter in the answer is not one more than ours.
    WrongCounter {
        /// What it should be.
        wanted: u32,
        /// What came.
        found: u32,
    },
    /// The device said no.
    Refused(ResultCode),
    /// The device's write counter is used up: it can be read, and never written again.
    Expired,
}

impl std::fmt::Display for RpmbError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Transport(error) => write!(f, "the device was not reached: {error}"),
            Self::Entropy => f.write_str("no random numbers for a nonce"),
            Self::Forged => f.write_str("an answer is forged, or the device has another key"),
            Self::WrongNonce => f.write_str("an old answer was given again: it has another nonce"),
            Self::WrongKind { wanted, found } => write!(f, "asked for {wanted:?}, answered with kind {found:#06x}"),
            Self::WrongPlace => f.write_str("an answer is about another place"),
            Self::WrongCounter { wanted, found } => {
                write!(
                    f,
                    "an answer has write counter {found} where {wanted} is due: it is old, or somebody else writes"
                )
            }
            Self::Refused(code) => write!(f, "the device refused: {code}"),
            Self::Expired => f.write_str("the device's write counter is used up; it can never be written again"),
        }
    }
}

impl std::error::Error for RpmbError {}

impl From<RpmbError> for io::Error {
    fn from(error: RpmbError) -> Self {
        match error {
            RpmbError::Transport(error) => error,
            other => Self::other(other.to_string()),
        }
    }
}

type Result<T> = std::result::Result<T, RpmbError>;

/// One side of the protocol.
struct Client<T> {
    transport: T,
    key: Zeroizing<RpmbKey>,
    entropy: Box<dyn Entropy>,
    /// The device's write counter; nothing after a write of which nobody knows.
    writes: Option<u32>,
}

/// A device with its key. Clones are handles of the same.
pub struct Rpmb<T: Transport>(Arc<Mutex<Client<T>>>);

impl<T: Transport> Clone for Rpmb<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: Transport> Rpmb<T> {
    /// Takes up a device whose key was programmed, and uses up the number that a write from before might still have.
    ///
    /// # Errors
    /// [`RpmbError`]: the device has no key or another one, or cannot be written any more.
    pub fn open(transport: T, key: &RpmbKey, entropy: Box<dyn Entropy>) -> Result<Self> {
        let mut client = Client { transport, key: Zeroizing::new(*key), entropy, writes: None };
        client.settle()?;
        Ok(Self(Arc::new(Mutex::new(client))))
    }

    /// Programs the key. The device takes one, once. It goes over the transport in clear: this is done where nobody listens.
    ///
    /// # Errors
    /// [`RpmbError::Refused`] if it has a key.
    pub fn program_key(transport: &mut T, key: &RpmbKey) -> Result<()> {
        let mut request = Frame::request(Kind::ProgramKey);
        request.set_mac(key);
        let sent = exchange(transport, &[request], Some(Frame::request(Kind::ReadResult)), 1)?;
        let answer = sent.first().ok_or(RpmbError::WrongPlace)?;
        answer.expect(Kind::ProgramKey)?;
        answer.result()
    }

    /// The blocks for a state.
    #[must_use]
    pub fn blocks(&self) -> RpmbBlocks<T> {
        RpmbBlocks(self.clone())
    }

    /// A counter for states that lie elsewhere.
    #[must_use]
    pub fn counter(&self) -> RpmbCounter<T> {
        RpmbCounter::new(self.clone())
    }

    /// How often the device was written. It ends at 2³² − 1, and the device with it.
    ///
    /// # Errors
    /// [`RpmbError`].
    pub fn write_counter(&self) -> Result<u32> {
        self.lock().read_counter()
    }

    fn lock(&self) -> MutexGuard<'_, Client<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sends a request, and another one for the result if there is one, and receives so many frames.
fn exchange<T: Transport>(
    transport: &mut T,
    request: &[Frame],
    ask: Option<Frame>,
    answers: usize,
) -> Result<Vec<Frame>> {
    transport.send(request, ask.is_some()).map_err(RpmbError::Transport)?;
    if let Some(ask) = ask {
        transport.send(&[ask], false).map_err(RpmbError::Transport)?;
    }
    let mut frames = vec![Frame::default(); answers];
    transport.receive(&mut frames).map_err(RpmbError::Transport)?;
    Ok(frames)
}

impl<T: Transport> Client<T> {
    fn size(&self) -> u32 {
        self.transport.size().min(u32::from(u16::MAX).saturating_add(1))
    }

    fn nonce(&mut self) -> Result<[u8; 16]> {
        let mut nonce = [0; 16];
        self.entropy.fill(&mut nonce).map_err(|_| RpmbError::Entropy)?;
        Ok(nonce)
    }

    /// Whether an answer comes from the device: its MAC first, and what it says only then.
    fn believe(&self, frames: &[Frame], kind: Kind) -> Result<Frame> {
        let last = frames.last().ok_or(RpmbError::WrongPlace)?;
        // What has no key yet cannot authenticate that it has none.
        if last.result_code() == ResultCode::NO_KEY {
            return Err(RpmbError::Refused(ResultCode::NO_KEY));
        }
        if !bool::from(frame::mac(&self.key, frames).ct_eq(last.mac())) {
            return Err(RpmbError::Forged);
        }
        last.expect(kind)?;
        Ok(last.clone())
    }

    fn read_counter(&mut self) -> Result<u32> {
        let nonce = self.nonce()?;
        let mut request = Frame::request(Kind::ReadCounter);
        request.set_nonce(&nonce);
        let answer = exchange(&mut self.transport, &[request], None, 1)?;
        let answer = self.believe(&answer, Kind::ReadCounter)?;
        if answer.nonce() != nonce {
            return Err(RpmbError::WrongNonce);
        }
        answer.result()?;
        Ok(answer.counter())
    }

    /// Reads blocks.
    fn read(&mut self, address: u16, out: &mut [u8]) -> Result<()> {
        let count = out.len() / DATA;
        let nonce = self.nonce()?;
        let mut request = Frame::request(Kind::Read);
        request.set_nonce(&nonce);
        request.set_address(address);
        let frames = exchange(&mut self.transport, &[request], None, count)?;
        let answer = self.believe(&frames, Kind::Read)?;
        if answer.nonce() != nonce {
            return Err(RpmbError::WrongNonce);
        }
        answer.result()?;
        let right = frames
            .iter()
            .all(|frame| (frame.address(), usize::from(frame.count()), frame.nonce()) == (address, count, nonce));
        if !right {
            return Err(RpmbError::WrongPlace);
        }
        out.chunks_mut(DATA).zip(&frames).for_each(|(out, frame)| out.copy_from_slice(frame.data()));
        Ok(())
    }

    /// Writes blocks: all or none.
    fn write(&mut self, address: u16, data: &[u8]) -> Result<()> {
        let writes = match self.writes {
            Some(writes) => writes,
            None => self.settle()?,
        };
        self.write_as(writes, address, data)
    }

    /// Writes blocks as the write with this number.
    fn write_as(&mut self, writes: u32, address: u16, data: &[u8]) -> Result<()> {
        // Nobody knows until the answer is there.
        self.writes = None;
        let next = writes.checked_add(1).ok_or(RpmbError::Expired)?;
        let blocks = data.chunks(DATA);
        let count = u16::try_from(blocks.len()).map_err(|_| RpmbError::WrongPlace)?;
        let mut frames: Vec<Frame> = blocks.map(|block| Frame::write(block, writes, address, count)).collect();
        let mac = frame::mac(&self.key, &frames);
        if let Some(last) = frames.last_mut() {
            last.set_mac(&mac);
        }
        let answer = exchange(&mut self.transport, &frames, Some(Frame::request(Kind::ReadResult)), 1)?;
        let answer = self.believe(&answer, Kind::Write)?;
        answer.result()?;
        if answer.counter() != next {
            return Err(RpmbError::WrongCounter { wanted: next, found: answer.counter() });
        }
        if answer.address() != address {
            return Err(RpmbError::WrongPlace);
        }
        self.writes = Some(next);
        Ok(())
    }

    /// Finds out the write counter, and uses its number up.
    fn settle(&mut self) -> Result<u32> {
        let writes = self.read_counter()?;
        let last = u16::try_from(self.size().saturating_sub(1)).unwrap_or(u16::MAX);
        self.write_as(writes, last, &[0; DATA])?;
        self.writes.ok_or(RpmbError::Expired)
    }
}

/// The part of a device that holds a state, in blocks of 512 bytes.
pub struct RpmbBlocks<T: Transport>(Rpmb<T>);

impl<T: Transport> RpmbBlocks<T> {
    /// The address of a place; nothing if it is not in this part.
    fn address(client: &Client<T>, offset: u64, length: usize) -> io::Result<u16> {
        let first = offset.div_euclid(DATA as u64);
        let end = first.saturating_add((length / DATA) as u64).saturating_add(u64::from(COUNTERS));
        let inside = end <= u64::from(client.size().saturating_sub(u32::from(UNUSED)));
        let whole = offset.is_multiple_of(STATE_BLOCK) && length.is_multiple_of(AT_ONCE * DATA);
        let address = u16::try_from(first).ok().filter(|_| inside && whole);
        address.map(|first| first.saturating_add(COUNTERS)).ok_or_else(|| io::ErrorKind::InvalidInput.into())
    }
}

impl<T: Transport> Blocks for RpmbBlocks<T> {
    fn name(&self) -> String {
        self.0.lock().transport.name()
    }

    fn length(&mut self) -> io::Result<u64> {
        let blocks = self.0.lock().size().saturating_sub(u32::from(COUNTERS.saturating_add(UNUSED)));
        let length = u64::from(blocks).saturating_mul(DATA as u64);
        Ok(length.saturating_sub(length % STATE_BLOCK))
    }

    fn read_at(&mut self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        let mut client = self.0.lock();
        let mut address = Self::address(&client, offset, bytes.len())?;
        for part in bytes.chunks_mut(READ_AT_ONCE * DATA) {
            client.read(address, part)?;
            address = address.saturating_add(READ_AT_ONCE as u16);
        }
        Ok(())
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut client = self.0.lock();
        let mut address = Self::address(&client, offset, bytes.len())?;
        for part in bytes.chunks(AT_ONCE * DATA) {
            client.write(address, part)?;
            address = address.saturating_add(AT_ONCE as u16);
        }
        Ok(())
    }

    /// What the device has acknowledged is there.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// How many blocks one request reads.
const READ_AT_ONCE: usize = 32;
