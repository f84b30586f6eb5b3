//! Responses taken apart by the command table.

use ironroot_wire::CommandInfo;

use crate::{bytes::Parts, table};

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
