//! Building commands and reading responses, byte by byte.
//!
//! The measurements and the kill test must not depend on the code that they judge, so they speak the wire format
//! themselves: big-endian integers, sized buffers, password authorization with an empty password.

use crate::run::Result;

/// Appends big-endian values.
#[derive(Default)]
pub struct Writer(pub Vec<u8>);

impl Writer {
    pub fn u8(mut self, value: u8) -> Self {
        self.0.push(value);
        self
    }

    pub fn u16(mut self, value: u16) -> Self {
        self.0.extend(value.to_be_bytes());
        self
    }

    pub fn u32(mut self, value: u32) -> Self {
        self.0.extend(value.to_be_bytes());
        self
    }

    pub fn bytes(mut self, value: &[u8]) -> Self {
        self.0.extend(value);
        self
    }

    /// A TPM2B: two bytes of length, then the bytes.
    pub fn sized(self, value: &[u8]) -> Self {
        self.u16(value.len() as u16).bytes(value)
    }
}

/// Reads big-endian values; every shortage is an error that says where.
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    pub fn take(&mut self, count: usize) -> Result<&'a [u8]> {
        let end = self.at.saturating_add(count);
        let taken = self
            .bytes
            .get(self.at..end)
            .ok_or_else(|| format!("the response ends at byte {} of {end} expected", self.bytes.len()))?;
        self.at = end;
        Ok(taken)
    }

    pub fn u16(&mut self) -> Result<u16> {
        Ok(self.take(2)?.iter().fold(0, |sum, byte| sum << 8 | u16::from(*byte)))
    }

    pub fn u32(&mut self) -> Result<u32> {
        Ok(self.take(4)?.iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte)))
    }

    pub fn u64(&mut self) -> Result<u64> {
        Ok(self.take(8)?.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
    }

    /// A TPM2B's contents.
    pub fn sized(&mut self) -> Result<&'a [u8]> {
        let count = self.u16()?;
        self.take(usize::from(count))
    }

    pub fn rest(&mut self) -> &'a [u8] {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        self.at = self.bytes.len();
        rest
    }
}

/// A whole command. The first `authorized` handles get a password session with the empty password.
pub fn command(code: u32, handles: &[u32], authorized: usize, parameters: &[u8]) -> Vec<u8> {
    let tag = if authorized == 0 { 0x8001 } else { 0x8002 };
    let mut out = Writer::default().u16(tag).u32(0).u32(code);
    for handle in handles {
        out = out.u32(*handle);
    }
    if authorized > 0 {
        out = out.u32(authorized as u32 * 9);
        for _ in 0..authorized {
            out = out.u32(PASSWORD_SESSION).sized(&[]).u8(1).sized(&[]);
        }
    }
    let mut bytes = out.bytes(parameters).0;
    let length = (bytes.len() as u32).to_be_bytes();
    bytes.splice(2..6, length);
    bytes
}

/// TPM_RS_PW.
const PASSWORD_SESSION: u32 = 0x4000_0009;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn get_random_as_the_specification_prints_it() {
        assert_eq!(command(cc::GET_RANDOM, &[], 0, &[0, 8]), [0x80, 1, 0, 0, 0, 12, 0, 0, 1, 0x7b, 0, 8]);
    }

    #[test]
    fn a_password_session_takes_nine_bytes() {
        let bytes = command(0x182, &[0x10], 1, &[]);
        assert_eq!(bytes.len(), 10 + 4 + 4 + 9);
        assert_eq!(bytes[2..6], [0, 0, 0, 27]);
        assert_eq!(bytes[14..18], [0, 0, 0, 9]);
    }

    #[test]
    fn a_short_response_is_an_error() {
        assert!(Reader::new(&[0, 3, 1, 2]).sized().is_err());
    }
}

/// Command codes, Part 2 table 12.
pub mod cc {
    pub const EVICT_CONTROL: u32 = 0x120;
    pub const NV_UNDEFINE_SPACE: u32 = 0x122;
    pub const NV_DEFINE_SPACE: u32 = 0x12a;
    pub const CREATE_PRIMARY: u32 = 0x131;
    pub const NV_INCREMENT: u32 = 0x134;
    pub const NV_WRITE: u32 = 0x137;
    pub const STARTUP: u32 = 0x144;
    pub const NV_READ: u32 = 0x14e;
    pub const CREATE: u32 = 0x153;
    pub const ECDH_ZGEN: u32 = 0x154;
    pub const LOAD: u32 = 0x157;
    pub const QUOTE: u32 = 0x158;
    pub const RSA_DECRYPT: u32 = 0x159;
    pub const SIGN: u32 = 0x15d;
    pub const FLUSH_CONTEXT: u32 = 0x165;
    pub const READ_PUBLIC: u32 = 0x173;
    pub const RSA_ENCRYPT: u32 = 0x174;
    pub const START_AUTH_SESSION: u32 = 0x176;
    pub const VERIFY_SIGNATURE: u32 = 0x177;
    pub const GET_CAPABILITY: u32 = 0x17a;
    pub const GET_RANDOM: u32 = 0x17b;
    pub const HASH: u32 = 0x17d;
    pub const PCR_READ: u32 = 0x17e;
    pub const PCR_EXTEND: u32 = 0x182;
}
