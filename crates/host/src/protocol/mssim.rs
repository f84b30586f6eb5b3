//! The Microsoft simulator protocol: what the TPM 2.0 reference simulator's `TcpServer` speaks.
//!
//! Two TCP ports, the platform port being the command port plus one. Each request begins with a big-endian word; each
//! answer ends with a word that is 0. Commands travel as `8, locality, size, command` and come back as `size,
//! response, 0`.

use super::{Parse, to_usize, word};

/// `TPM_SIGNAL_POWER_ON` and so on: the words that begin a request.
pub mod code {
    /// Applies power: `_TPM_Init`, unless it is on already.
    pub const SIGNAL_POWER_ON: u32 = 1;
    /// Removes power without any shutdown.
    pub const SIGNAL_POWER_OFF: u32 = 2;
    /// Asserts physical presence.
    pub const SIGNAL_PHYS_PRES_ON: u32 = 3;
    /// Ends physical presence.
    pub const SIGNAL_PHYS_PRES_OFF: u32 = 4;
    /// `_TPM_Hash_Start`.
    pub const SIGNAL_HASH_START: u32 = 5;
    /// `_TPM_Hash_Data`: followed by a size and that many bytes.
    pub const SIGNAL_HASH_DATA: u32 = 6;
    /// `_TPM_Hash_End`.
    pub const SIGNAL_HASH_END: u32 = 7;
    /// A command: followed by the locality (one byte), a size and that many bytes.
    pub const SEND_COMMAND: u32 = 8;
    /// Cancels commands until [`SIGNAL_CANCEL_OFF`].
    pub const SIGNAL_CANCEL_ON: u32 = 9;
    /// Ends cancelling.
    pub const SIGNAL_CANCEL_OFF: u32 = 10;
    /// Non-volatile memory is available.
    pub const SIGNAL_NV_ON: u32 = 11;
    /// Non-volatile memory is not available.
    pub const SIGNAL_NV_OFF: u32 = 12;
    /// The reference simulator may reuse RSA keys from a cache: acknowledged, and without effect here.
    pub const SIGNAL_KEY_CACHE_ON: u32 = 13;
    /// The reference simulator shall not reuse RSA keys.
    pub const SIGNAL_KEY_CACHE_OFF: u32 = 14;
    /// Followed by the client's version; answered with the server's version and what it offers.
    pub const REMOTE_HANDSHAKE: u32 = 15;
    /// Followed by a word; acknowledged, and without effect in the simulator too.
    pub const SET_ALTERNATIVE_RESULT: u32 = 16;
    /// Reset: `_TPM_Init` if power is on.
    pub const SIGNAL_RESET: u32 = 17;
    /// Restarts the platform's timer.
    pub const SIGNAL_RESTART: u32 = 18;
    /// The client is done; the server closes the connection.
    pub const SESSION_END: u32 = 20;
    /// The client asks the simulator to end.
    pub const STOP: u32 = 21;
    /// The largest command and response seen: four words, the sizes and the codes, after their length in bytes.
    pub const GET_COMMAND_RESPONSE_SIZES: u32 = 25;
    /// Followed by an ACT's handle; answered with 1 if it is signaled, otherwise 0.
    pub const ACT_GET_SIGNALED: u32 = 26;
    /// The next self-test shall fail.
    pub const TEST_FAILURE_MODE: u32 = 30;
}

/// The server's version in the handshake.
pub const SERVER_VERSION: u32 = 1;

/// What the handshake offers: a platform port (1), raw mode (4), physical presence (8).
pub const SERVER_OFFERS: u32 = 0x0d;

/// A request on the command port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommandPort<'a> {
    /// `_TPM_Hash_Start`.
    HashStart,
    /// `_TPM_Hash_Data`: `length` bytes follow this frame.
    HashData {
        /// How many bytes follow.
        length: u32,
    },
    /// `_TPM_Hash_End`.
    HashEnd,
    /// A whole command.
    Send {
        /// The locality it comes from.
        locality: u8,
        /// The command, as long as the frame said.
        command: &'a [u8],
    },
    /// A command longer than the TPM takes: `length` bytes follow this frame.
    SendTooLong {
        /// How many bytes follow.
        length: u32,
    },
    /// A client says its version, which is not 0 for any that we know.
    Handshake {
        /// The client's version.
        version: u32,
    },
    /// A word that is only acknowledged.
    SetAlternativeResult,
    /// The client is done.
    SessionEnd,
    /// The simulator shall end.
    Stop,
    /// None of the protocol's requests; where it ends is unknown.
    Unknown(u32),
}

/// Reads a request on the command port. Commands longer than `maximum` are announced, not collected.
pub fn parse_command_port(bytes: &[u8], maximum: usize) -> Parse<CommandPort<'_>> {
    let Some(request) = word(bytes, 0) else { return Parse::Incomplete { need: 4 } };
    match request {
        code::SEND_COMMAND => parse_send(bytes, maximum),
        code::SIGNAL_HASH_START => Parse::complete(CommandPort::HashStart, 4),
        code::SIGNAL_HASH_DATA => with_word(bytes, |length| CommandPort::HashData { length }),
        code::SIGNAL_HASH_END => Parse::complete(CommandPort::HashEnd, 4),
        code::REMOTE_HANDSHAKE => with_word(bytes, |version| CommandPort::Handshake { version }),
        code::SET_ALTERNATIVE_RESULT => with_word(bytes, |_| CommandPort::SetAlternativeResult),
        code::SESSION_END => Parse::complete(CommandPort::SessionEnd, 4),
        code::STOP => Parse::complete(CommandPort::Stop, 4),
        unknown => Parse::complete(CommandPort::Unknown(unknown), 4),
    }
}

/// The envelope of a command, the same in this protocol and in swtpm's data channel: 8, locality, size.
pub const ENVELOPE: usize = 9;

fn parse_send(bytes: &[u8], maximum: usize) -> Parse<CommandPort<'_>> {
    let (Some(&locality), Some(length)) = (bytes.get(4), word(bytes, 5)) else {
        return Parse::Incomplete { need: ENVELOPE };
    };
    if to_usize(length) > maximum {
        return Parse::complete(CommandPort::SendTooLong { length }, ENVELOPE);
    }
    let end = to_usize(length).saturating_add(ENVELOPE);
    match bytes.get(ENVELOPE..end) {
        Some(command) => Parse::complete(CommandPort::Send { locality, command }, end),
        None => Parse::Incomplete { need: end },
    }
}

fn with_word<T>(bytes: &[u8], make: impl FnOnce(u32) -> T) -> Parse<T> {
    match word(bytes, 4) {
        Some(value) => Parse::complete(make(value), 8),
        None => Parse::Incomplete { need: 8 },
    }
}

/// A request on the platform port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlatformPort {
    /// Power on, if off.
    PowerOn,
    /// Power off, at once.
    PowerOff,
    /// Physical presence is asserted (true) or not.
    PhysicalPresence(bool),
    /// Cancelling begins (true) or ends.
    Cancel(bool),
    /// Non-volatile memory is available (true) or not.
    NvAvailable(bool),
    /// The RSA key cache, which we do not have.
    KeyCache(bool),
    /// `_TPM_Init` if power is on.
    Reset,
    /// Restart of the timer.
    Restart,
    /// The client is done.
    SessionEnd,
    /// The simulator shall end.
    Stop,
    /// The largest command and response seen.
    GetCommandResponseSizes,
    /// Whether this ACT (a handle) is signaled.
    ActGetSignaled(u32),
    /// The next self-test shall fail.
    TestFailureMode,
    /// None of the protocol's requests; where it ends is unknown.
    Unknown(u32),
}

/// Reads a request on the platform port.
pub fn parse_platform_port(bytes: &[u8]) -> Parse<PlatformPort> {
    let Some(request) = word(bytes, 0) else { return Parse::Incomplete { need: 4 } };
    let frame = match request {
        code::SIGNAL_POWER_ON => PlatformPort::PowerOn,
        code::SIGNAL_POWER_OFF => PlatformPort::PowerOff,
        code::SIGNAL_PHYS_PRES_ON => PlatformPort::PhysicalPresence(true),
        code::SIGNAL_PHYS_PRES_OFF => PlatformPort::PhysicalPresence(false),
        code::SIGNAL_CANCEL_ON => PlatformPort::Cancel(true),
        code::SIGNAL_CANCEL_OFF => PlatformPort::Cancel(false),
        code::SIGNAL_NV_ON => PlatformPort::NvAvailable(true),
        code::SIGNAL_NV_OFF => PlatformPort::NvAvailable(false),
        code::SIGNAL_KEY_CACHE_ON => PlatformPort::KeyCache(true),
        code::SIGNAL_KEY_CACHE_OFF => PlatformPort::KeyCache(false),
        code::SIGNAL_RESET => PlatformPort::Reset,
        code::SIGNAL_RESTART => PlatformPort::Restart,
        code::SESSION_END => PlatformPort::SessionEnd,
        code::STOP => PlatformPort::Stop,
        code::GET_COMMAND_RESPONSE_SIZES => PlatformPort::GetCommandResponseSizes,
        code::ACT_GET_SIGNALED => return with_word(bytes, PlatformPort::ActGetSignaled),
        code::TEST_FAILURE_MODE => PlatformPort::TestFailureMode,
        unknown => PlatformPort::Unknown(unknown),
    };
    Parse::complete(frame, 4)
}

/// Completes the answer to a command: `response` begins with [`SIZE_PLACE`] bytes that the size goes into, and gets
/// the closing word.
pub fn seal_response(response: &mut Vec<u8>) {
    let size = u32::try_from(response.len().saturating_sub(SIZE_PLACE)).unwrap_or(u32::MAX);
    if let Some(place) = response.first_chunk_mut::<SIZE_PLACE>() {
        *place = size.to_be_bytes();
    }
    response.extend_from_slice(&[0; 4]);
}

/// How many bytes [`seal_response`] expects in front of the response.
pub const SIZE_PLACE: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    fn send(locality: u8, size: u32, body: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0, 0, 0, 8, locality];
        bytes.extend_from_slice(&size.to_be_bytes());
        bytes.extend_from_slice(body);
        bytes
    }

    #[test]
    fn a_command_needs_every_byte() {
        let whole = send(3, 12, b"abcdefghijkl");
        for end in 0..whole.len() {
            let Parse::Incomplete { need } = parse_command_port(&whole[..end], 4096) else { panic!("at {end}") };
            assert!(need > end && need <= whole.len(), "at {end}: {need}");
        }
        let mut more = whole.clone();
        more.push(9);
        let frame = CommandPort::Send { locality: 3, command: b"abcdefghijkl" };
        assert_eq!(parse_command_port(&more, 4096), Parse::Complete { frame, length: 21 });
    }

    #[test]
    fn a_claimed_size_is_announced_before_its_bytes_come() {
        for length in [13, 4097, u32::MAX] {
            let bytes = send(0, length, b"");
            let frame = CommandPort::SendTooLong { length };
            assert_eq!(parse_command_port(&bytes, 12), Parse::Complete { frame, length: 9 });
        }
        let bytes = [0, 0, 0, 6, 0xff, 0xff, 0xff, 0xff];
        let frame = CommandPort::HashData { length: u32::MAX };
        assert_eq!(parse_command_port(&bytes, 12), Parse::Complete { frame, length: 8 });
    }

    #[test]
    fn every_code_of_the_platform_port_is_known_or_unknown() {
        for request in 0..=40u32 {
            let mut bytes = request.to_be_bytes().to_vec();
            bytes.extend_from_slice(&0x4000_0110u32.to_be_bytes());
            let Parse::Complete { frame, length } = parse_platform_port(&bytes) else { panic!("{request}") };
            assert_eq!(length, if request == code::ACT_GET_SIGNALED { 8 } else { 4 });
            let known = matches!(request, 1..=4 | 9..=14 | 17 | 18 | 20 | 21 | 25 | 26 | 30);
            assert_eq!(!matches!(frame, PlatformPort::Unknown(_)), known, "{request}");
        }
        assert_eq!(parse_platform_port(&[0, 0, 0]), Parse::Incomplete { need: 4 });
        assert_eq!(parse_platform_port(&[0, 0, 0, 26]), Parse::Incomplete { need: 8 });
    }

    #[test]
    fn a_sealed_response_has_its_size_and_a_closing_word() {
        let mut response = vec![0xee; SIZE_PLACE];
        response.extend_from_slice(b"xyz");
        seal_response(&mut response);
        assert_eq!(response, [0, 0, 0, 3, b'x', b'y', b'z', 0, 0, 0, 0]);
    }
}
