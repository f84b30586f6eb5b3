//! The command header (Part 3, 5.2) and the response that has nothing but a header.

use alloc::vec::Vec;

use ironroot_wire::{Reader, Rules, TpmCc, TpmRc, TpmSt, Wire};

/// A command header.
pub struct Header {
    /// Whether there are sessions.
    pub tag: TpmSt,
    /// The command.
    pub code: TpmCc,
}

/// Parses the header of a command and returns what follows it.
///
/// # Errors
/// `TPM_RC_BAD_TAG`, then `TPM_RC_COMMAND_SIZE`, for a command that is larger than the profile's buffer, too.
pub fn parse(command: &[u8], buffer: usize) -> Result<(Header, &[u8]), TpmRc> {
    let mut reader = Reader::new(command, &Rules::ALL);
    let too_short = |_| TpmRc::COMMAND_SIZE;
    let tag = u16::unmarshal(&mut reader).map_err(too_short)?;
    let tag = TpmSt::from_value(tag)
        .filter(|tag| matches!(tag, TpmSt::NoSessions | TpmSt::Sessions))
        .ok_or(TpmRc::BAD_TAG)?;
    let size = u32::unmarshal(&mut reader).map_err(too_short)?;
    if usize::try_from(size) != Ok(command.len()) || command.len() > buffer {
        return Err(TpmRc::COMMAND_SIZE);
    }
    let code = TpmCc::unmarshal(&mut reader).map_err(too_short)?;
    Ok((Header { tag, code }, reader.rest()))
}

/// The response that reports an error. For a bad tag it has the tag of TPM 1.2, as Part 1, clause 18.4 wants.
#[must_use]
pub fn error_response(rc: TpmRc) -> Vec<u8> {
    let tag = if rc == TpmRc::BAD_TAG { TpmSt::RspCommand } else { TpmSt::NoSessions };
    let mut response = super::tag_bytes(tag);
    10u32.marshal(&mut response);
    rc.0.marshal(&mut response);
    response
}
