//! Data that only this TPM gives back, under conditions: a password, PCR values, or PCR values that somebody has approved with a
//! signature (`TPM2_PolicyAuthorize`). The form is a TSS2 PRIVATE KEY file of sealed data.
//!
//! Its parent is in the owner hierarchy, so `TPM2_Clear` is the end of it: sealed data belongs to an owner.

use ironroot_client::{
    Auth, ClientError, SessionOptions, templates,
    wire::{TpmHandle, TpmRc, TpmaObject, TpmtPublic, limits::MAX_SYM_DATA},
};
use zeroize::Zeroizing;

use crate::{
    KeyError, KeyFile, SharedTpm,
    key_file::{FileKind, create_under, import, with_parent},
    policy::{self, Approval, Conditions},
};

/// Seals up to 128 bytes, as a PEM file.
///
/// # Errors
/// [`KeyError::Sealed`] for too much data, conditions that exclude each other, or PCRs that the TPM does not have.
pub fn seal(tpm: &SharedTpm, data: &[u8], conditions: Conditions<'_>) -> Result<String, KeyError> {
    if data.is_empty() || data.len() > MAX_SYM_DATA {
        return Err(KeyError::Sealed(format!(
            "a TPM seals 1 to {MAX_SYM_DATA} bytes, not {}: encrypt more than that, and seal the key",
            data.len()
        )));
    }
    let (steps, digest) = policy::of(tpm, &conditions)?;
    let mut template = TpmtPublic { auth_policy: digest, ..templates::sealed() };
    if !steps.is_empty() {
        template.object_attributes = template.object_attributes.without(TpmaObject::USER_WITH_AUTH);
    }
    if conditions.password.is_empty() {
        template.object_attributes = template.object_attributes.with(TpmaObject::NO_DA);
    }
    let created = with_parent(tpm, TpmHandle::OWNER, false, |tpm, parent| {
        create_under(tpm, parent, &template, conditions.password, data)
    })?;
    let file = KeyFile {
        empty_auth: conditions.password.is_empty(),
        policy: steps,
        ..KeyFile::of(FileKind::Sealed, TpmHandle::OWNER, created)
    };
    file.to_pem()
}

/// Gives back what was sealed.
///
/// # Errors
/// [`KeyError::Sealed`] with the condition that does not hold; [`KeyError::KeyFile`] for a file that cannot be understood.
pub fn unseal(
    tpm: &SharedTpm,
    pem: &str,
    password: &[u8],
    approval: Option<Approval<'_>>,
) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let file = KeyFile::from_pem(pem)?;
    if file.kind != FileKind::Sealed {
        return Err(KeyError::KeyFile("it holds a key and no sealed data".into()));
    }
    if !file.empty_auth && password.is_empty() {
        return Err(KeyError::Sealed("it was sealed with a password: give it with --password".into()));
    }
    with_parent(tpm, file.parent, file.rsa_parent, |tpm, parent| {
        let imported = file.secret.as_ref().map(|_| import(tpm, parent.handle, &file)).transpose()?;
        let private = imported.as_ref().unwrap_or(&file.private);
        let loaded = tpm.load(parent.handle, private, &file.public).map_err(not_loaded)?;
        tpm.set_auth(loaded.handle, password);
        let options = if file.policy.is_empty() {
            SessionOptions::hmac()
        } else {
            SessionOptions::policy().hash(file.public.name_alg.unwrap_or(policy::SHA256))
        };
        let result: Result<_, KeyError> = (|| {
            let options = options.salted(parent.handle, &parent.public);
            let mut session = tpm.start_session(&options)?.encrypting_responses();
            let opened = policy::fulfil(tpm, &mut session, &file, approval)
                .and_then(|()| tpm.unseal(loaded.handle, &mut [Auth::Session(&mut session)]).map_err(not_unsealed));
            let ended = tpm.end_session(session);
            let data = opened?;
            ended?;
            Ok(data)
        })();
        let flushed = tpm.flush(loaded.handle);
        let data = result?;
        flushed?;
        Ok(data)
    })
}

fn not_loaded(error: ClientError) -> KeyError {
    if error.is(TpmRc::INTEGRITY) {
        let reason = "it was sealed by another TPM, or by this one before TPM2_Clear";
        return KeyError::Sealed(reason.into());
    }
    error.into()
}

fn not_unsealed(error: ClientError) -> KeyError {
    let reason = if error.is(TpmRc::AUTH_FAIL) || error.is(TpmRc::BAD_AUTH) {
        "the password is wrong; too many wrong ones lock the TPM for a while"
    } else if error.is(TpmRc::LOCKOUT) {
        "too many wrong passwords: the TPM is locked for a while (tpm2_getcap properties-variable says how long)"
    } else if error.is(TpmRc::POLICY_FAIL) {
        "its policy does not hold"
    } else {
        return error.into();
    };
    KeyError::Sealed(reason.into())
}
