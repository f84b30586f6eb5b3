//! Responses taken apart by the command table.

use ironroot_wire::{CommandInfo, TpmRc, limits::MAX_COMMAND_SIZE};

use crate::{
    bytes::{Parts, hex},
    table,
};

/// A response.
#[derive(Debug, Clone, Default)]
pub struct Response {
    pub handle: Option<u32>,
    /// As they came, encrypted or not.
    pub parameters: Vec<u8>,
    pub sessions: Vec<Entry>,
}

/// A session's part of a response.
#[derive(Debug, Clone)]
pub struct Entry {
    pub nonce: Vec<u8>,
    pub attributes: u8,
    pub hmac: Vec<u8>,
}

/// The response code.
pub fn code(response: &[u8]) -> Option<u32> {
    Parts(response.get(6..)?).u32()
}

/// Whether an answer has the form that every answer has: header, size, and a response code of Part 2, 6.6 whose position
/// exists in the command.
///
/// # Errors
/// What is wrong.
pub fn well_formed(command: &[u8], response: &[u8]) -> Result<(), String> {
    let mut parts = Parts(response);
    let header = (parts.u16(), parts.u32(), parts.u32());
    let (Some(tag), Some(size), Some(rc)) = header else { return Err("the response has no header".into()) };
    let fail = |what: &str| Err(format!("{what}: {} to {}", hex(response), hex(command)));
    if size as usize != response.len() || response.len() > MAX_COMMAND_SIZE {
        return fail("the response has the wrong size");
    }
    let rc = TpmRc(rc);
    if rc == TpmRc::SUCCESS {
        return if matches!(tag, 0x8001 | 0x8002) { Ok(()) } else { fail("a response with a wrong tag") };
    }
    let error_tag = if rc == TpmRc::BAD_TAG { 0x00C4 } else { 0x8001 };
    if tag != error_tag || response.len() != 10 {
        return fail("an error response with more than a header");
    }
    if rc.describe().is_none() || rc == TpmRc::FAILURE {
        return fail("an unknown response code, or failure");
    }
    let info = Parts(command.get(6..).unwrap_or_default()).u32().and_then(table::info);
    let most = |count: usize| u32::try_from(count).unwrap_or(0);
    let exists = info.is_none_or(|info| {
        rc.parameter_number().is_none_or(|number| number <= most(info.parameters.len()))
            && rc.handle_number().is_none_or(|number| number <= most(info.handles.len()))
            && rc.session_number().is_none_or(|number| number <= 3)
    });
    if exists { Ok(()) } else { fail("a response code for a place that the command does not have") }
}

/// Takes a response apart; `None` if it is malformed.
pub fn parse(info: Option<&CommandInfo>, bytes: &[u8]) -> Option<Response> {
    let mut parts = Parts(bytes);
    let (tag, size, rc) = (parts.u16()?, parts.u32()?, parts.u32()?);
    if size as usize != bytes.len() {
        return None;
    }
    let mut response = Response::default();
    if rc != 0 {
        return if parts.0.is_empty() { Some(response) } else { None };
    }
    if info.is_some_and(|info| info.response_handle.is_some()) {
        response.handle = Some(parts.u32()?);
    }
    if tag == 0x8001 {
        response.parameters = parts.0.to_vec();
        return Some(response);
    }
    let size = parts.u32()?;
    response.parameters = parts.take(size as usize)?.to_vec();
    while !parts.0.is_empty() {
        let (nonce, attributes, hmac) = (parts.sized()?.to_vec(), parts.u8()?, parts.sized()?.to_vec());
        response.sessions.push(Entry { nonce, attributes, hmac });
    }
    Some(response)
}

/// The parameters of a response, by name; `None` if they do not fit the table.
pub fn fields(info: &CommandInfo, parameters: &[u8]) -> Option<Vec<(&'static str, Vec<u8>)>> {
    let mut parts = Parts(parameters);
    let mut fields = Vec::new();
    for (at, field) in info.response_parameters.iter().enumerate() {
        let last = at + 1 == info.response_parameters.len();
        let size = if last && !field.sized {
            parts.0.len()
        } else {
            size(&table::type_name(field.type_name), field.sized, parts.0)?
        };
        fields.push((field.name, parts.take(size)?.to_vec()));
    }
    parts.0.is_empty().then_some(fields)
}

/// The bytes that a value of this type takes.
fn size(type_name: &str, sized: bool, bytes: &[u8]) -> Option<usize> {
    let mut parts = Parts(bytes);
    if sized {
        return Some(2 + usize::from(parts.u16()?));
    }
    Some(match type_name {
        "u8" | "TpmiYesNo" => 1,
        "u16" | "TpmiAlgHash" => 2,
        "u32" => 4,
        "u64" => 8,
        name if name.starts_with("TpmtTk") => {
            parts.take(6)?;
            8 + usize::from(parts.u16()?)
        }
        "TpmlPcrSelection" => {
            let count = parts.u32()?;
            for _ in 0..count {
                parts.u16()?;
                let size = parts.u8()?;
                parts.take(size.into())?;
            }
            bytes.len() - parts.0.len()
        }
        "TpmlDigest" => {
            let count = parts.u32()?;
            for _ in 0..count {
                parts.sized()?;
            }
            bytes.len() - parts.0.len()
        }
        _ => return None,
    })
}
