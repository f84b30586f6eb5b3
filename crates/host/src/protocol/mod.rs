//! The bytes on the wire: pure functions from what has arrived to what was asked, and from answers to bytes.
//!
//! No parser here allocates, blocks or panics, whatever the bytes. A length that a client claims never makes anybody
//! set memory aside: bodies that may be long are announced and then streamed.

pub mod mssim;
pub mod swtpm;

/// Length of a TPM command's or response's header: tag, size, command or response code (Part 1, "Command/Response
/// Structure").
pub const HEADER: usize = 10;

/// `TPM_RC_COMMAND_SIZE`: the size in the header is not the size of the command.
pub const TPM_RC_COMMAND_SIZE: u32 = 0x142;

/// `TPM_RC_FAILURE`: what a TPM that cannot run commands answers.
pub const TPM_RC_FAILURE: u32 = 0x101;

/// `TPM_RC_LOCALITY`: commands from this locality are not accepted.
pub const TPM_RC_LOCALITY: u32 = 0x907;

/// What a parser makes of the bytes received so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parse<T> {
    /// No whole frame yet: at least `need` bytes in all must be there before asking again.
    Incomplete {
        /// How many bytes in all; always more than were given.
        need: usize,
    },
    /// A frame, which takes the first `length` bytes.
    Complete {
        /// What it says.
        frame: T,
        /// How many bytes it takes; never more than were given.
        length: usize,
    },
}

impl<T> Parse<T> {
    fn complete(frame: T, length: usize) -> Self {
        Self::Complete { frame, length }
    }
}

/// A response that carries nothing but a response code.
pub fn error_response(rc: u32) -> [u8; HEADER] {
    let [a, b, c, d] = rc.to_be_bytes();
    [0x80, 0x01, 0, 0, 0, 10, a, b, c, d]
}

/// The big-endian word at `offset`, if the bytes reach that far.
pub fn word(bytes: &[u8], offset: usize) -> Option<u32> {
    let rest = bytes.get(offset..)?;
    rest.first_chunk::<4>().map(|word| u32::from_be_bytes(*word))
}

/// The command code in a command's header, or the response code in a response's.
pub fn code(command: &[u8]) -> Option<u32> {
    word(command, 6)
}

/// A length on the wire as one in memory. (Where the two differ in width, too long stays too long.)
pub(crate) fn to_usize(length: u32) -> usize {
    usize::try_from(length).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_response_is_a_header_with_the_code() {
        assert_eq!(error_response(TPM_RC_COMMAND_SIZE), [0x80, 1, 0, 0, 0, 10, 0, 0, 1, 0x42]);
        assert_eq!(code(&error_response(0x101)), Some(0x101));
    }

    #[test]
    fn word_stops_at_the_end() {
        assert_eq!(word(&[1, 2, 3, 4], 0), Some(0x0102_0304));
        assert_eq!(word(&[1, 2, 3, 4], 1), None);
        assert_eq!(word(&[], usize::MAX), None);
    }
}
