//! Encryption of the first parameter (Part 1, clause 19).

use alloc::vec::Vec;

use ironroot_crypto::{kdf::kdfa, symmetric};
use ironroot_wire::{TpmRc, TpmaSession, TpmtSymDef};
use zeroize::Zeroizing;

use super::{Invocation, auth_area::SessionUse};
use crate::{core_state::Core, state::sessions::Session};

/// Decrypts the first parameter, if a session asks for it. `None` if none does.
///
/// # Errors
/// `TPM_RC_INSUFFICIENT` if the parameter is shorter than its size says, `TPM_RC_SIZE` if it has no size.
pub fn decrypt(tpm: &Core, invocation: &Invocation<'_>) -> Result<Option<Zeroizing<Vec<u8>>>, TpmRc> {
    let Some(usage) = invocation.auth.with(TpmaSession::DECRYPT) else { return Ok(None) };
    let session = tpm.sessions.get(usage.handle).ok_or(TpmRc::HANDLE)?;
    let mut parameters = Zeroizing::new(invocation.parameters.to_vec());
    let first = first_parameter(&mut parameters).map_err(|rc| rc.parameter(1))?;
    let key = value(tpm, session, usage)?;
    apply(session, &key, &usage.nonce_caller, &session.nonce_tpm, first, Direction::Decrypt)?;
    Ok(Some(parameters))
}

/// Encrypts the first parameter of a response. The session has its new nonce already.
///
/// # Errors
/// None for what a session can hold.
pub fn encrypt(tpm: &Core, usage: &SessionUse, parameters: &mut [u8]) -> Result<(), TpmRc> {
    let session = tpm.sessions.get(usage.handle).ok_or(TpmRc::HANDLE)?;
    let key = value(tpm, session, usage)?;
    let first = first_parameter(parameters)?;
    apply(session, &key, &session.nonce_tpm, &usage.nonce_caller, first, Direction::Encrypt)
}

enum Direction {
    Encrypt,
    Decrypt,
}

/// The contents of the first parameter, without its size.
fn first_parameter(parameters: &mut [u8]) -> Result<&mut [u8], TpmRc> {
    let (size, rest) = parameters.split_first_chunk_mut::<2>().ok_or(TpmRc::INSUFFICIENT)?;
    let size = usize::from(u16::from_be_bytes(*size));
    rest.get_mut(..size).ok_or(TpmRc::INSUFFICIENT)
}

/// sessionValue: the session key, and the auth value of the entity that the session authorizes.
fn value(tpm: &Core, session: &Session, usage: &SessionUse) -> Result<Zeroizing<Vec<u8>>, TpmRc> {
    let mut value = Zeroizing::new(Vec::with_capacity(128));
    value.extend_from_slice(&session.session_key);
    if let Some(entity) = usage.entity
        && let Ok(auth) = tpm.auth_value(entity.handle)
    {
        value.extend_from_slice(&auth);
    }
    Ok(value)
}

fn apply(
    session: &Session,
    key: &[u8],
    nonce_newer: &[u8],
    nonce_older: &[u8],
    data: &mut [u8],
    direction: Direction,
) -> Result<(), TpmRc> {
    match &session.symmetric {
        // The hash is that of the session (Part 1, 18.2), whatever stands beside TPM_ALG_XOR.
        Some(TpmtSymDef::Xor(_)) => {
            symmetric::xor_obfuscate(session.auth_hash, key, nonce_newer, nonce_older, data)
                .map_err(|_| TpmRc::SYMMETRIC)?;
            Ok(())
        }
        Some(TpmtSymDef::Cipher(cipher)) => {
            let size = cipher.key_size().saturating_add(cipher.algorithm.block_size());
            let bits = u32::try_from(size.saturating_mul(8)).map_err(|_| TpmRc::SYMMETRIC)?;
            let derived = kdfa(session.auth_hash, key, b"CFB", nonce_newer, nonce_older, bits);
            let (key, iv) = derived.split_at_checked(cipher.key_size()).ok_or(TpmRc::SYMMETRIC)?;
            match direction {
                Direction::Encrypt => symmetric::cfb_encrypt(cipher.algorithm, key, iv, data),
                Direction::Decrypt => symmetric::cfb_decrypt(cipher.algorithm, key, iv, data),
            }
            .map_err(|_| TpmRc::SYMMETRIC)
        }
        None => Err(TpmRc::SYMMETRIC),
    }
}
