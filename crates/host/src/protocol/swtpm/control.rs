//! The control channel: one request, one reply, both structures of big-endian words (swtpm's `tpm_ioctl.h`).
//!
//! A request is a command code and its parameters, a reply a result and its values. Only what follows a request in the
//! same message tells whether it was too long, so [`Parse::Complete`]'s `length` is to be compared with what came.

use super::super::{Parse, to_usize, word};

/// Command codes.
pub mod code {
    /// What the server can do.
    pub const GET_CAPABILITY: u32 = 1;
    /// Powers the TPM on, or off and on.
    pub const INIT: u32 = 2;
    /// Ends the server.
    pub const SHUTDOWN: u32 = 3;
    /// Reads the tpmEstablished flag.
    pub const GET_TPMESTABLISHED: u32 = 4;
    /// Sets the locality of the data channel's commands.
    pub const SET_LOCALITY: u32 = 5;
    /// `_TPM_Hash_Start`.
    pub const HASH_START: u32 = 6;
    /// `_TPM_Hash_Data`.
    pub const HASH_DATA: u32 = 7;
    /// `_TPM_Hash_End`.
    pub const HASH_END: u32 = 8;
    /// Cancels the command in progress.
    pub const CANCEL_TPM_CMD: u32 = 9;
    /// Keeps the volatile state for the next INIT.
    pub const STORE_VOLATILE: u32 = 0x0a;
    /// Clears the tpmEstablished flag.
    pub const RESET_TPMESTABLISHED: u32 = 0x0b;
    /// Reads a state blob.
    pub const GET_STATEBLOB: u32 = 0x0c;
    /// Writes a state blob.
    pub const SET_STATEBLOB: u32 = 0x0d;
    /// Powers the TPM off.
    pub const STOP: u32 = 0x0e;
    /// Which keys protect the state.
    pub const GET_CONFIG: u32 = 0x0f;
    /// Hands over a connected socket for the data channel.
    pub const SET_DATAFD: u32 = 0x10;
    /// Reads or sets the buffer size.
    pub const SET_BUFFERSIZE: u32 = 0x11;
    /// Describes the TPM in JSON.
    pub const GET_INFO: u32 = 0x12;
    /// Locks the storage.
    pub const LOCK_STORAGE: u32 = 0x13;
}

/// Capability bits.
pub mod capability {
    /// INIT.
    pub const INIT: u32 = 1;
    /// SHUTDOWN.
    pub const SHUTDOWN: u32 = 1 << 1;
    /// GET_TPMESTABLISHED.
    pub const GET_TPMESTABLISHED: u32 = 1 << 2;
    /// SET_LOCALITY.
    pub const SET_LOCALITY: u32 = 1 << 3;
    /// HASH_START, HASH_DATA, HASH_END.
    pub const HASHING: u32 = 1 << 4;
    /// CANCEL_TPM_CMD.
    pub const CANCEL_TPM_CMD: u32 = 1 << 5;
    /// STORE_VOLATILE.
    pub const STORE_VOLATILE: u32 = 1 << 6;
    /// RESET_TPMESTABLISHED.
    pub const RESET_TPMESTABLISHED: u32 = 1 << 7;
    /// GET_STATEBLOB.
    pub const GET_STATEBLOB: u32 = 1 << 8;
    /// SET_STATEBLOB.
    pub const SET_STATEBLOB: u32 = 1 << 9;
    /// STOP.
    pub const STOP: u32 = 1 << 10;
    /// GET_CONFIG.
    pub const GET_CONFIG: u32 = 1 << 11;
    /// SET_DATAFD.
    pub const SET_DATAFD: u32 = 1 << 12;
    /// SET_BUFFERSIZE.
    pub const SET_BUFFERSIZE: u32 = 1 << 13;
    /// GET_INFO.
    pub const GET_INFO: u32 = 1 << 14;
    /// Commands in envelopes on the data channel.
    pub const SEND_COMMAND_HEADER: u32 = 1 << 15;
    /// LOCK_STORAGE.
    pub const LOCK_STORAGE: u32 = 1 << 16;
}

/// Results: TPM 1.2's codes, whatever the TPM, and 0 for success.
pub mod result {
    /// Done.
    pub const SUCCESS: u32 = 0;
    /// `TPM_BAD_PARAMETER`: a length or a value that cannot be.
    pub const BAD_PARAMETER: u32 = 0x03;
    /// `TPM_FAIL`: tried, and failed.
    pub const FAIL: u32 = 0x09;
    /// `TPM_BAD_ORDINAL`: unknown, not supported, or not in this power state.
    pub const BAD_ORDINAL: u32 = 0x0a;
    /// `TPM_IOERROR`: the data channel cannot be had.
    pub const IO_ERROR: u32 = 0x1f;
    /// `TPM_BAD_LOCALITY`.
    pub const BAD_LOCALITY: u32 = 0x3d;
    /// `TPM_RETRY`, which stands for "there is no such state".
    pub const RETRY: u32 = 0x800;
}

/// Which state blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlobType {
    /// What survives power-off (1).
    Permanent,
    /// What power-off loses (2).
    Volatile,
    /// TPM 1.2's saved state (3), which a TPM 2.0 never has.
    Savestate,
    /// No type that exists.
    Unknown(u32),
}

impl BlobType {
    fn new(value: u32) -> Self {
        match value {
            1 => Self::Permanent,
            2 => Self::Volatile,
            3 => Self::Savestate,
            other => Self::Unknown(other),
        }
    }
}

/// A request on the control channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Control {
    /// What the server can do.
    GetCapability,
    /// Power on, or off and on.
    Init {
        /// Bit 0: forget a stored volatile state once it has been resumed from.
        flags: u32,
    },
    /// End the server.
    Shutdown,
    /// Read the tpmEstablished flag.
    GetTpmEstablished,
    /// Set the data channel's locality.
    SetLocality(u8),
    /// `_TPM_Hash_Start`.
    HashStart,
    /// `_TPM_Hash_Data`: `length` bytes follow this frame.
    HashData {
        /// How many bytes follow.
        length: u32,
    },
    /// `_TPM_Hash_End`.
    HashEnd,
    /// Cancel the command in progress.
    CancelTpmCommand,
    /// Keep the volatile state for the next INIT.
    StoreVolatile,
    /// Clear the tpmEstablished flag from this locality.
    ResetTpmEstablished(u8),
    /// Read a state blob.
    GetStateBlob {
        /// Bit 0: decrypted.
        flags: u32,
        /// Which.
        blob: BlobType,
        /// Where to begin.
        offset: u32,
    },
    /// Write a state blob: `length` bytes follow this frame.
    SetStateBlob {
        /// Bit 1: encrypted.
        flags: u32,
        /// Which.
        blob: BlobType,
        /// How many bytes follow.
        length: u32,
    },
    /// Power off.
    Stop,
    /// Which keys protect the state.
    GetConfig,
    /// Use the socket that came with this message as the data channel.
    SetDataFd,
    /// Set the buffer size, or with 0 only read it.
    SetBufferSize(u32),
    /// Describe the TPM.
    GetInfo {
        /// Which parts.
        flags: u64,
        /// Where to begin.
        offset: u32,
    },
    /// Lock the storage, trying again this often.
    LockStorage {
        /// How often.
        retries: u32,
    },
    /// None of the above.
    Unknown(u32),
}

impl Control {
    /// Whether bytes behind the request, in the same message, make it a bad one, as in swtpm.
    pub fn is_exact(&self) -> bool {
        !matches!(
            self,
            Self::GetCapability
                | Self::SetLocality(_)
                | Self::ResetTpmEstablished(_)
                | Self::GetStateBlob { .. }
                | Self::SetDataFd
                | Self::SetBufferSize(_)
                | Self::GetInfo { .. }
                | Self::LockStorage { .. }
                | Self::Unknown(_)
        )
    }

    /// Whether a body follows the frame.
    pub fn has_body(&self) -> bool {
        matches!(self, Self::HashData { .. } | Self::SetStateBlob { .. })
    }
}

/// Reads a request.
pub fn parse_control(bytes: &[u8]) -> Parse<Control> {
    let Some(command) = word(bytes, 0) else { return Parse::Incomplete { need: 4 } };
    let body = bytes.get(4..).unwrap_or_default();
    let parsed = match command {
        code::INIT => words(body).map(|[flags]| (Control::Init { flags }, 4)),
        code::SET_LOCALITY => body.first().map(|&locality| (Control::SetLocality(locality), 1)),
        code::HASH_DATA => words(body).map(|[length]| (Control::HashData { length }, 4)),
        code::RESET_TPMESTABLISHED => body.first().map(|&locality| (Control::ResetTpmEstablished(locality), 1)),
        code::GET_STATEBLOB => words(body).map(|[flags, blob, offset]| {
            let blob = BlobType::new(blob);
            (Control::GetStateBlob { flags, blob, offset }, 12)
        }),
        code::SET_STATEBLOB => words(body).map(|[flags, blob, length]| {
            let blob = BlobType::new(blob);
            (Control::SetStateBlob { flags, blob, length }, 12)
        }),
        code::SET_BUFFERSIZE => words(body).map(|[size]| (Control::SetBufferSize(size), 4)),
        code::GET_INFO => words(body).map(|[high, low, offset, _padding]| {
            let flags = (u64::from(high) << 32) | u64::from(low);
            (Control::GetInfo { flags, offset }, 16)
        }),
        code::LOCK_STORAGE => words(body).map(|[retries]| (Control::LockStorage { retries }, 4)),
        plain => Some((without_parameters(plain), 0)),
    };
    match parsed {
        Some((frame, parameters)) => Parse::complete(frame, 4usize.saturating_add(parameters)),
        None => Parse::Incomplete { need: 4usize.saturating_add(parameters_length(command)) },
    }
}

fn without_parameters(command: u32) -> Control {
    match command {
        code::GET_CAPABILITY => Control::GetCapability,
        code::SHUTDOWN => Control::Shutdown,
        code::GET_TPMESTABLISHED => Control::GetTpmEstablished,
        code::HASH_START => Control::HashStart,
        code::HASH_END => Control::HashEnd,
        code::CANCEL_TPM_CMD => Control::CancelTpmCommand,
        code::STORE_VOLATILE => Control::StoreVolatile,
        code::STOP => Control::Stop,
        code::GET_CONFIG => Control::GetConfig,
        code::SET_DATAFD => Control::SetDataFd,
        unknown => Control::Unknown(unknown),
    }
}

fn parameters_length(command: u32) -> usize {
    match command {
        code::SET_LOCALITY | code::RESET_TPMESTABLISHED => 1,
        code::GET_STATEBLOB | code::SET_STATEBLOB => 12,
        code::GET_INFO => 16,
        _ => 4,
    }
}

fn words<const N: usize>(bytes: &[u8]) -> Option<[u32; N]> {
    let mut words = [0; N];
    for (index, place) in words.iter_mut().enumerate() {
        *place = word(bytes, index.checked_mul(4)?)?;
    }
    Some(words)
}

/// Replies, appended to a buffer.
pub mod reply {
    use super::{result, to_usize};

    /// A result and nothing else.
    pub fn result_only(reply: &mut Vec<u8>, result: u32) {
        reply.extend_from_slice(&result.to_be_bytes());
    }

    /// Success and one or more words.
    pub fn values(reply: &mut Vec<u8>, values: &[u32]) {
        result_only(reply, result::SUCCESS);
        for value in values {
            reply.extend_from_slice(&value.to_be_bytes());
        }
    }

    /// GET_TPMESTABLISHED's: a result, a byte, and the three bytes that C pads with.
    pub fn established(reply: &mut Vec<u8>, established: bool) {
        result_only(reply, result::SUCCESS);
        reply.extend_from_slice(&[u8::from(established), 0, 0, 0]);
    }

    /// GET_STATEBLOB's: a result, state flags, and twice the length of what follows; the lengths are 0 if it failed.
    pub fn state_blob(reply: &mut Vec<u8>, result: u32, flags: u32, state: &[u8], offset: u32) {
        let rest = state.get(to_usize(offset)..).unwrap_or_default();
        let length = u32::try_from(rest.len()).unwrap_or(u32::MAX);
        for value in [result, flags, length, length] {
            reply.extend_from_slice(&value.to_be_bytes());
        }
        reply.extend_from_slice(rest);
    }

    /// The most of a description that one GET_INFO reply carries.
    pub const INFO_CHUNK: usize = 3 * 1024;

    /// GET_INFO's: a result, the length of the whole with its closing zero, the length of what follows, and that.
    /// `None` if the offset lies behind the text.
    pub fn info(reply: &mut Vec<u8>, text: &str, offset: u32) -> Option<()> {
        let total = u32::try_from(text.len()).ok()?.checked_add(1)?;
        let rest = text.as_bytes().get(to_usize(offset)..).filter(|rest| !rest.is_empty())?;
        let sent = rest.len().saturating_add(1).min(INFO_CHUNK);
        values(reply, &[total, u32::try_from(sent).ok()?]);
        reply.extend(rest.iter().copied().chain([0]).take(sent));
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(words: &[u32], tail: &[u8]) -> Vec<u8> {
        let mut bytes: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
        bytes.extend_from_slice(tail);
        bytes
    }

    #[test]
    fn every_request_is_read_to_its_last_byte_and_no_further() {
        let requests: Vec<(Vec<u8>, Control)> = vec![
            (message(&[1], b""), Control::GetCapability),
            (message(&[2, 1], b""), Control::Init { flags: 1 }),
            (message(&[3], b""), Control::Shutdown),
            (message(&[4], b""), Control::GetTpmEstablished),
            (message(&[5], &[3]), Control::SetLocality(3)),
            (message(&[6], b""), Control::HashStart),
            (message(&[7, 3], b""), Control::HashData { length: 3 }),
            (message(&[8], b""), Control::HashEnd),
            (message(&[9], b""), Control::CancelTpmCommand),
            (message(&[10], b""), Control::StoreVolatile),
            (message(&[11], &[4]), Control::ResetTpmEstablished(4)),
            (message(&[12, 1, 2, 3], b""), Control::GetStateBlob { flags: 1, blob: BlobType::Volatile, offset: 3 }),
            (message(&[13, 2, 1, 9], b""), Control::SetStateBlob { flags: 2, blob: BlobType::Permanent, length: 9 }),
            (message(&[14], b""), Control::Stop),
            (message(&[15], b""), Control::GetConfig),
            (message(&[16], b""), Control::SetDataFd),
            (message(&[17, 4096], b""), Control::SetBufferSize(4096)),
            (message(&[18, 1, 2, 3, 0], b""), Control::GetInfo { flags: (1 << 32) | 2, offset: 3 }),
            (message(&[19, 30], b""), Control::LockStorage { retries: 30 }),
            (message(&[20], b""), Control::Unknown(20)),
        ];
        for (bytes, frame) in requests {
            for end in 0..bytes.len() {
                let Parse::Incomplete { need } = parse_control(&bytes[..end]) else { panic!("{frame:?} at {end}") };
                assert!(need > end && need <= bytes.len(), "{frame:?} at {end}: {need}");
            }
            let length = bytes.len();
            assert_eq!(parse_control(&bytes), Parse::Complete { frame, length });
            let more = [bytes.as_slice(), b"more"].concat();
            assert_eq!(parse_control(&more), Parse::Complete { frame, length });
        }
    }

    #[test]
    fn info_comes_in_pieces_and_ends_with_a_zero() {
        let text = "x".repeat(reply::INFO_CHUNK + 10);
        let mut first = Vec::new();
        assert_eq!(reply::info(&mut first, &text, 0), Some(()));
        assert_eq!(first.len(), 12 + reply::INFO_CHUNK);
        let mut last = Vec::new();
        assert_eq!(reply::info(&mut last, &text, 3072), Some(()));
        assert_eq!(&last[..12], message(&[0, 3083, 11], b""));
        assert_eq!(last.last(), Some(&0));
        assert_eq!(reply::info(&mut Vec::new(), &text, 3082), None);
        assert_eq!(reply::info(&mut Vec::new(), "", 0), None);
    }

    #[test]
    fn a_state_blob_is_sent_from_its_offset() {
        let mut bytes = Vec::new();
        reply::state_blob(&mut bytes, 0, 2, b"abcdef", 4);
        assert_eq!(bytes, message(&[0, 2, 2, 2], b"ef"));
        bytes.clear();
        reply::state_blob(&mut bytes, 0, 0, b"abcdef", u32::MAX);
        assert_eq!(bytes, message(&[0, 0, 0, 0], b""));
    }
}
