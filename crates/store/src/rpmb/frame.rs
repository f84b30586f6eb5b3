//! A data frame (JESD84-B51, table 18): 512 bytes, of which the last 284 are under the MAC.
//!
//! | offset | size | field |
//! |---|---|---|
//! | 0 | 196 | stuff bytes |
//! | 196 | 32 | key or MAC |
//! | 228 | 256 | data |
//! | 484 | 16 | nonce |
//! | 500 | 4 | write counter |
//! | 504 | 2 | address |
//! | 506 | 2 | block count |
//! | 508 | 2 | result |
//! | 510 | 2 | request or response |

use super::{Result, RpmbError, RpmbKey};
use crate::keys::{finish, keyed};
use std::fmt;

/// The size of a frame.
pub const FRAME: usize = 512;
/// The size of a block.
pub const DATA: usize = 256;
const MAC: usize = 196;
const DATA_AT: usize = 228;
const NONCE: usize = 484;
const COUNTER: usize = 500;
const ADDRESS: usize = 504;
const COUNT: usize = 506;
const RESULT: usize = 508;
const KIND: usize = 510;

/// What a request asks for. The response's number is 256 times that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
pub enum Kind {
    /// Programming of the authentication key.
    ProgramKey = 1,
    /// Reading of the write counter.
    ReadCounter = 2,
    /// Authenticated data write.
    Write = 3,
    /// Authenticated data read.
    Read = 4,
    /// Reading of the result of a write or of the programming of the key.
    ReadResult = 5,
}

impl Kind {
    /// The number of the response.
    #[must_use]
    pub const fn response(self) -> u16 {
        (self as u16) << 8
    }
}

/// What a device says of an operation (JESD84-B51, table 20).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResultCode(pub u16);

impl ResultCode {
    /// There is no key.
    pub const NO_KEY: Self = Self(7);
    /// The bit that says that the write counter is used up.
    const EXPIRED: u16 = 0x80;
}

impl fmt::Display for ResultCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = match self.0 & !Self::EXPIRED {
            0 => "no error",
            1 => "general failure",
            2 => "authentication failure: it has another key",
            3 => "counter failure: somebody else writes",
            4 => "address failure",
            5 => "write failure",
            6 => "read failure",
            7 => "no key was programmed",
            _ => "an unknown result",
        };
        write!(f, "{words} ({:#06x})", self.0)
    }
}

/// A frame.
#[derive(Clone, PartialEq, Eq)]
pub struct Frame(pub [u8; FRAME]);

impl Default for Frame {
    fn default() -> Self {
        Self([0; FRAME])
    }
}

impl fmt::Debug for Frame {
    /// Without the data and the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = (self.address(), self.count());
        write!(
            f,
            "Frame({:#06x}, counter {}, {place:?}, result {:#x})",
            self.kind(),
            self.counter(),
            self.result_code().0
        )
    }
}

impl Frame {
    /// A request of a kind, all else zero.
    #[must_use]
    pub fn request(kind: Kind) -> Self {
        let mut frame = Self::default();
        frame.put(KIND, &(kind as u16).to_be_bytes());
        frame
    }

    /// One frame of a write.
    #[must_use]
    pub fn write(data: &[u8], counter: u32, address: u16, count: u16) -> Self {
        let mut frame = Self::request(Kind::Write);
        frame.put(DATA_AT, data);
        frame.put(COUNTER, &counter.to_be_bytes());
        frame.put(ADDRESS, &address.to_be_bytes());
        frame.put(COUNT, &count.to_be_bytes());
        frame
    }

    /// A response.
    #[must_use]
    pub fn response(kind: Kind, result: u16) -> Self {
        let mut frame = Self::default();
        frame.put(KIND, &kind.response().to_be_bytes());
        frame.put(RESULT, &result.to_be_bytes());
        frame
    }

    fn put(&mut self, at: usize, bytes: &[u8]) {
        self.0.iter_mut().skip(at).zip(bytes).for_each(|(to, from)| *to = *from);
    }

    fn get<const N: usize>(&self, at: usize) -> [u8; N] {
        self.0.get(at..).and_then(<[u8]>::first_chunk).copied().unwrap_or([0; N])
    }

    /// The block.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        self.0.get(DATA_AT..NONCE).unwrap_or_default()
    }

    /// Sets the block.
    pub fn set_data(&mut self, data: &[u8]) {
        self.put(DATA_AT, data);
    }

    /// The key or the MAC.
    #[must_use]
    pub fn mac(&self) -> &[u8] {
        self.0.get(MAC..DATA_AT).unwrap_or_default()
    }

    /// Sets the key or the MAC.
    pub fn set_mac(&mut self, mac: &[u8; 32]) {
        self.put(MAC, mac);
    }

    /// The nonce.
    #[must_use]
    pub fn nonce(&self) -> [u8; 16] {
        self.get(NONCE)
    }

    /// Sets the nonce.
    pub fn set_nonce(&mut self, nonce: &[u8; 16]) {
        self.put(NONCE, nonce);
    }

    /// The write counter.
    #[must_use]
    pub fn counter(&self) -> u32 {
        u32::from_be_bytes(self.get(COUNTER))
    }

    /// Sets the write counter.
    pub fn set_counter(&mut self, counter: u32) {
        self.put(COUNTER, &counter.to_be_bytes());
    }

    /// The address.
    #[must_use]
    pub fn address(&self) -> u16 {
        u16::from_be_bytes(self.get(ADDRESS))
    }

    /// Sets the address.
    pub fn set_address(&mut self, address: u16) {
        self.put(ADDRESS, &address.to_be_bytes());
    }

    /// How many blocks.
    #[must_use]
    pub fn count(&self) -> u16 {
        u16::from_be_bytes(self.get(COUNT))
    }

    /// Sets how many blocks.
    pub fn set_count(&mut self, count: u16) {
        self.put(COUNT, &count.to_be_bytes());
    }

    /// The number of the request or response.
    #[must_use]
    pub fn kind(&self) -> u16 {
        u16::from_be_bytes(self.get(KIND))
    }

    pub(super) fn result_code(&self) -> ResultCode {
        ResultCode(u16::from_be_bytes(self.get(RESULT)))
    }

    pub(super) fn result(&self) -> Result<()> {
        match self.result_code() {
            // The write that reached the counter's end was carried out, and all reading is.
            ResultCode(0 | ResultCode::EXPIRED) => Ok(()),
            ResultCode(code) if code & ResultCode::EXPIRED != 0 => Err(RpmbError::Expired),
            code => Err(RpmbError::Refused(code)),
        }
    }

    pub(super) fn expect(&self, wanted: Kind) -> Result<()> {
        if self.kind() == wanted.response() { Ok(()) } else { Err(RpmbError::WrongKind { wanted, found: self.kind() }) }
    }
}

/// The MAC of frames, which stands in the last of them: HMAC-SHA-256 over the last 284 bytes of each.
#[must_use]
pub fn mac(key: &RpmbKey, frames: &[Frame]) -> [u8; 32] {
    let parts: Vec<&[u8]> = frames.iter().map(|frame| frame.0.get(DATA_AT..).unwrap_or_default()).collect();
    finish(keyed(key), &parts)
}
