//! A hardware TPM as a source: an HMAC by a key that it derives from its endorsement seed, and that never leaves it.
//!
//! Byte-exact in docs/derivations.md, "A hardware TPM". Three commands, as bytes: nothing below the TPM client may need it.

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};
use std::{
    fs::OpenOptions,
    io::{Read, Write},
    os::unix::{fs::FileTypeExt, net::UnixStream},
    path::Path,
    time::Duration,
};
use zeroize::Zeroizing;

/// What the HMAC is over.
const LABEL: &[u8] = b"ironroot/device-value/hardware-tpm/v1";
/// One session: `TPM_RS_PW` with an empty password.
const PASSWORD: [u8; 13] = [0, 0, 0, 9, 0x40, 0, 0, 9, 0, 0, 0, 0, 0];
/// `TPM2_CreatePrimary`, behind the authorization: the key of docs/derivations.md.
const KEY: &[u8] = &[
    0, 4, 0, 0, 0, 0, // inSensitive: no auth value, no data
    0, 16, 0, 8, 0, 11, // inPublic: KEYEDHASH, SHA-256
    0, 4, 4, 0x72, // fixedTPM, fixedParent, sensitiveDataOrigin, userWithAuth, noDA, sign
    0, 0, 0, 5, 0, 11, // no policy; HMAC with SHA-256
    0, 0, // unique
    0, 0, 0, 0, 0, 0, // outsideInfo, creationPCR
];
const ENDORSEMENT: u32 = 0x4000_000B;
const CREATE_PRIMARY: u32 = 0x131;
const HMAC: u32 = 0x155;
const FLUSH_CONTEXT: u32 = 0x165;
const SHA256: [u8; 2] = [0, 11];
/// No response is longer, nor takes longer.
const LONGEST: usize = 4096;
const PATIENCE: Duration = Duration::from_secs(120);

trait Device: Read + Write {}
impl<T: Read + Write> Device for T {}

/// The value of the TPM behind a device of the kernel. (A socket will do, too: for tests with a TPM that is a program.)
///
/// # Errors
/// What failed, in words.
pub fn value(path: &Path) -> Result<Zeroizing<Vec<u8>>, String> {
    let mut tpm = connect(path)?;
    let created = run(&mut *tpm, "TPM2_CreatePrimary", &[&command(CREATE_PRIMARY, ENDORSEMENT), &PASSWORD, KEY])?;
    let handle =
        created.first_chunk().map(|handle| u32::from_be_bytes(*handle)).ok_or("TPM2_CreatePrimary: no handle")?;
    let length = u16::try_from(LABEL.len()).map_err(|error| error.to_string())?.to_be_bytes();
    let mac = run(&mut *tpm, "TPM2_HMAC", &[&command(HMAC, handle), &PASSWORD, &length, LABEL, &SHA256]);
    // The key leaves the TPM's memory whatever came of it.
    let flushed =
        run(&mut *tpm, "TPM2_FlushContext", &[&[0x80, 1], &FLUSH_CONTEXT.to_be_bytes(), &handle.to_be_bytes()]);
    let mac = mac?;
    flushed?;
    // parameterSize, size, digest.
    match mac.get(4..).and_then(|mac| mac.split_first_chunk()) {
        Some(([0, 32], digest)) if digest.len() >= 32 => Ok(Zeroizing::new(digest.iter().take(32).copied().collect())),
        _ => Err("TPM2_HMAC: the TPM gave no SHA-256 digest".to_string()),
    }
}

fn connect(path: &Path) -> Result<alloc::boxed::Box<dyn Device>, String> {
    let metadata = std::fs::metadata(path).map_err(|error| format!("there is no TPM: {error}"))?;
    let failed = |error: std::io::Error| format!("the TPM cannot be opened: {error}");
    if metadata.file_type().is_socket() {
        let stream = UnixStream::connect(path).map_err(failed)?;
        stream.set_read_timeout(Some(PATIENCE)).map_err(failed)?;
        return Ok(alloc::boxed::Box::new(stream));
    }
    if !metadata.file_type().is_char_device() {
        return Err("it is no device of a TPM".to_string());
    }
    Ok(alloc::boxed::Box::new(OpenOptions::new().read(true).write(true).open(path).map_err(failed)?))
}

/// Tag with sessions, code, one handle; the size is put in between by [`run`].
fn command(code: u32, handle: u32) -> [u8; 10] {
    let mut out = [0x80, 2, 0, 0, 0, 0, 0, 0, 0, 0];
    out.iter_mut()
        .skip(2)
        .zip(code.to_be_bytes().into_iter().chain(handle.to_be_bytes()))
        .for_each(|(to, from)| *to = from);
    out
}

/// Sends a command whose parts lack the size behind the tag, and gives what comes behind the response's code.
fn run(tpm: &mut dyn Device, name: &str, parts: &[&[u8]]) -> Result<Zeroizing<Vec<u8>>, String> {
    let mut command: Vec<u8> = parts.iter().copied().flatten().copied().collect();
    let size = u32::try_from(command.len().saturating_add(4)).map_err(|error| error.to_string())?.to_be_bytes();
    command.splice(2..2, size);
    let failed = |error: std::io::Error| format!("{name}: the TPM does not answer: {error}");
    tpm.write_all(&command).map_err(failed)?;
    let mut response = Zeroizing::new(alloc::vec![0; LONGEST]);
    let mut length = 0_usize;
    let header = loop {
        let rest =
            response.get_mut(length..).filter(|rest| !rest.is_empty()).ok_or_else(|| format!("{name}: too long"))?;
        let count = tpm.read(rest).map_err(failed)?;
        if count == 0 {
            return Err(format!("{name}: the TPM ended the connection"));
        }
        length = length.saturating_add(count);
        let Some(header) = response.first_chunk::<10>().filter(|_| length >= 10) else { continue };
        let [_, _, a, b, c, d, ..] = *header;
        if u32::from_be_bytes([a, b, c, d]).try_into().is_ok_and(|size: usize| length >= size) {
            break *header;
        }
    };
    let [_, _, _, _, _, _, a, b, c, d] = header;
    match u32::from_be_bytes([a, b, c, d]) {
        0 => Ok(Zeroizing::new(response.get(10..length).unwrap_or_default().to_vec())),
        code => Err(format!("{name}: the TPM answers {code:#x} (`ironroot explain {code:#x}` says what that means)")),
    }
}
