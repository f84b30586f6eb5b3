//! Sessions that hide secrets on their way to and from the TPM from whoever listens on a bus or a socket: salted with a key that the
//! TPM makes for the purpose. Whoever stands between and answers in the TPM's place is not kept out by that.

use ironroot_client::{ClientError, Session, SessionOptions, Tpm, templates, wire::TpmHandle};

use crate::KeyError;

/// A salted HMAC session that encrypts both ways.
pub(crate) fn private_session(tpm: &mut Tpm) -> Result<Session, ClientError> {
    // The null hierarchy needs nobody's authorization, and its keys live until the next restart at most.
    let salt = tpm.create_primary(TpmHandle::NULL, &templates::srk_p256(), b"")?;
    let started = tpm.start_session(&SessionOptions::hmac().salted(salt.handle, &salt.public));
    let flushed = tpm.flush(salt.handle);
    let session = started?;
    flushed?;
    Ok(session.encrypting())
}

/// Runs `action` with a session that goes with every command in it, authorizes and encrypts.
pub(crate) fn in_private<T>(
    tpm: &mut Tpm,
    action: impl FnOnce(&mut Tpm) -> Result<T, KeyError>,
) -> Result<T, KeyError> {
    let session = private_session(tpm)?;
    let before = tpm.set_companion(Some(session));
    let result = action(tpm);
    let session = tpm.set_companion(before);
    let ended = session.map_or(Ok(()), |session| tpm.end_session(session));
    let value = result?;
    ended?;
    Ok(value)
}
