//! The data channel: TPM commands, framed by the size in their own header.
//!
//! A command may also travel in an envelope (`8, locality, size`), as on the simulator's command port; its response
//! then comes with its size in front and a word 0 behind. swtpm advertises this as `SEND_COMMAND_HEADER`.

use super::super::mssim::ENVELOPE;
use super::super::{HEADER, Parse, to_usize, word};

/// What came on the data channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Data<'a> {
    /// A whole command, as long as its header says.
    Command(&'a [u8]),
    /// A whole command in an envelope, as long as the envelope says.
    Enveloped {
        /// The locality it comes from; swtpm keeps it for later commands too.
        locality: u8,
        /// The command.
        command: &'a [u8],
    },
    /// The header says less than a header's length: where the next command begins is unknown.
    TooShort,
    /// A command longer than the TPM takes: `rest` bytes follow this frame.
    TooLong {
        /// How many bytes follow.
        rest: u32,
        /// Whether the answer needs an envelope.
        enveloped: bool,
    },
}

const TAG_NO_SESSIONS: [u8; 2] = [0x80, 0x01];
const TAG_SESSIONS: [u8; 2] = [0x80, 0x02];

/// Reads a command. Commands longer than `maximum` are announced, not collected.
pub fn parse_data(bytes: &[u8], maximum: usize) -> Parse<Data<'_>> {
    if bytes.len() < HEADER {
        return Parse::Incomplete { need: HEADER };
    }
    let tagged = matches!(bytes.first_chunk::<2>(), Some(&TAG_NO_SESSIONS | &TAG_SESSIONS));
    if !tagged && word(bytes, 0) == Some(super::super::mssim::code::SEND_COMMAND) {
        return parse_enveloped(bytes, maximum);
    }
    let length = word(bytes, 2).unwrap_or(0);
    let end = to_usize(length);
    if end < HEADER {
        return Parse::complete(Data::TooShort, bytes.len());
    }
    if end > maximum {
        let rest = length.saturating_sub(10);
        return Parse::complete(Data::TooLong { rest, enveloped: false }, HEADER);
    }
    match bytes.get(..end) {
        Some(command) => Parse::complete(Data::Command(command), end),
        None => Parse::Incomplete { need: end },
    }
}

fn parse_enveloped(bytes: &[u8], maximum: usize) -> Parse<Data<'_>> {
    let (Some(&locality), Some(length)) = (bytes.get(4), word(bytes, 5)) else {
        return Parse::Incomplete { need: ENVELOPE };
    };
    if to_usize(length) > maximum {
        return Parse::complete(Data::TooLong { rest: length, enveloped: true }, ENVELOPE);
    }
    let end = to_usize(length).saturating_add(ENVELOPE);
    match bytes.get(ENVELOPE..end) {
        Some(command) => Parse::complete(Data::Enveloped { locality, command }, end),
        None => Parse::Incomplete { need: end },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GET_RANDOM: [u8; 12] = [0x80, 1, 0, 0, 0, 12, 0, 0, 1, 0x7b, 0, 8];

    #[test]
    fn a_command_is_framed_by_its_own_size() {
        for end in 0..GET_RANDOM.len() {
            let Parse::Incomplete { need } = parse_data(&GET_RANDOM[..end], 4096) else { panic!("at {end}") };
            assert!(need > end && need <= 12, "at {end}: {need}");
        }
        let mut two = GET_RANDOM.to_vec();
        two.extend_from_slice(&GET_RANDOM);
        assert_eq!(parse_data(&two, 4096), Parse::Complete { frame: Data::Command(&GET_RANDOM), length: 12 });
    }

    #[test]
    fn sizes_that_cannot_be_are_told_at_once() {
        let mut short = GET_RANDOM;
        short[5] = 9;
        assert_eq!(parse_data(&short, 4096), Parse::Complete { frame: Data::TooShort, length: 12 });
        let mut long = GET_RANDOM;
        long[2..6].copy_from_slice(&u32::MAX.to_be_bytes());
        let frame = Data::TooLong { rest: u32::MAX - 10, enveloped: false };
        assert_eq!(parse_data(&long, 4096), Parse::Complete { frame, length: 10 });
        assert_eq!(
            parse_data(&GET_RANDOM, 11),
            Parse::Complete { frame: Data::TooLong { rest: 2, enveloped: false }, length: 10 }
        );
    }

    #[test]
    fn an_envelope_carries_a_locality() {
        let mut bytes = vec![0, 0, 0, 8, 2, 0, 0, 0, 12];
        bytes.extend_from_slice(&GET_RANDOM);
        let frame = Data::Enveloped { locality: 2, command: &GET_RANDOM };
        assert_eq!(parse_data(&bytes, 4096), Parse::Complete { frame, length: 21 });
        assert_eq!(parse_data(&bytes[..20], 4096), Parse::Incomplete { need: 21 });
        let frame = Data::TooLong { rest: 12, enveloped: true };
        assert_eq!(parse_data(&bytes, 11), Parse::Complete { frame, length: 9 });
    }

    #[test]
    fn other_tags_are_left_for_the_tpm_to_refuse() {
        let mut odd = GET_RANDOM;
        odd[0] = 0x90;
        assert_eq!(parse_data(&odd, 4096), Parse::Complete { frame: Data::Command(&odd), length: 12 });
    }
}
