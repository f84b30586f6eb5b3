//! `TPM2_StartAuthSession` (Part 3, 11.1).

use ironroot_crypto::kdf::kdfa;
use ironroot_wire::{
    HandleKind, PublicKind, SeedValue, StartAuthSession, StartAuthSessionResponse, Tpm2bDigest, Tpm2bNonce, TpmHandle,
    TpmRc, TpmSe, TpmiAlgSymMode, TpmiShAuthSession, TpmtSymDef,
};
use zeroize::Zeroizing;

use crate::{
    commands::Action,
    core_state::Core,
    pipeline::{binds_protected, is_pin},
    rules::{
        bind,
        secret_sharing::{self, Label},
    },
    state::sessions::{PolicyState, Session},
};

/// Bytes of the smallest nonce that a caller may bring (Part 3, 11.1.1).
const MIN_NONCE: usize = 16;

type Secret = Zeroizing<alloc::vec::Vec<u8>>;

impl Action for StartAuthSession {
    fn run(self, tpm: &mut Core) -> Result<StartAuthSessionResponse, TpmRc> {
        let digest_size = self.auth_hash.digest_size();
        if self.nonce_caller.len() < MIN_NONCE || self.nonce_caller.len() > digest_size {
            return Err(TpmRc::SIZE.parameter(1));
        }
        let salt = salt(&self, tpm)?;
        let bind_auth = bind_auth(&self, tpm)?;
        if let Some(TpmtSymDef::Cipher(cipher)) = &self.symmetric
            && cipher.mode != Some(TpmiAlgSymMode::Cfb)
        {
            return Err(TpmRc::MODE.parameter(4));
        }
        tpm.sessions.require_free()?;

        // Part 1, 16.6.3: the caller's first nonce sets the size of the TPM's nonces.
        let nonce_tpm = Tpm2bNonce::from_slice(&tpm.random.bytes(self.nonce_caller.len()))?;
        let session_key = session_key(&self, &bind_auth, &salt, &nonce_tpm)?;
        let session = Session {
            kind: self.session_type,
            auth_hash: self.auth_hash,
            symmetric: self.symmetric,
            session_key,
            nonce_tpm: nonce_tpm.clone(),
            bound: binding(&self, tpm)?,
            bound_da: bound_entity(&self).is_some_and(|entity| binds_protected(tpm, entity)),
            bound_lockout: bound_entity(&self) == Some(TpmHandle::LOCKOUT),
            start_time: tpm.clock.time(),
            epoch: tpm.clock.epoch,
            policy: PolicyState::new(self.auth_hash),
            audit: None,
        };
        let handle = tpm.sessions.start(session)?;
        Ok(StartAuthSessionResponse { session_handle: TpmiShAuthSession(handle.0), nonce_tpm })
    }
}

/// The salt that the caller encrypted to `tpm_key`; empty without one.
fn salt(command: &StartAuthSession, tpm: &mut Core) -> Result<Secret, TpmRc> {
    let Some(tpm_key) = command.tpm_key else {
        return if command.encrypted_salt.is_empty() { Ok(Secret::default()) } else { Err(TpmRc::VALUE.parameter(2)) };
    };
    let key = tpm.object(tpm_key).map_err(|rc| rc.handle(1))?;
    if matches!(key.public.kind, PublicKind::Keyedhash(..) | PublicKind::Symcipher(..)) {
        return Err(TpmRc::KEY.handle(1));
    }
    if key.sensitive.is_none() {
        return Err(TpmRc::HANDLE.handle(1));
    }
    if command.encrypted_salt.is_empty() {
        return Err(TpmRc::VALUE.parameter(2));
    }
    secret_sharing::decrypt(tpm, &key, Label::Secret, &command.encrypted_salt).map_err(|rc| match rc {
        TpmRc::TYPE => TpmRc::KEY.handle(1),
        TpmRc::ATTRIBUTES | TpmRc::KEY => rc.handle(1),
        TpmRc::SCHEME => TpmRc::VALUE.handle(1),
        // Whatever is wrong with the salt is one code here.
        TpmRc::SIZE | TpmRc::INSUFFICIENT | TpmRc::ECC_POINT => TpmRc::VALUE.parameter(2),
        _ => rc.parameter(2),
    })
}

/// The auth value of the bind entity; empty without one.
fn bind_auth(command: &StartAuthSession, tpm: &Core) -> Result<Secret, TpmRc> {
    let Some(bind) = command.bind else { return Ok(Secret::default()) };
    let bind = TpmHandle::from(bind);
    if matches!(bind.kind(), HandleKind::Transient | HandleKind::Persistent)
        && tpm.object(bind).is_ok_and(|object| object.sensitive.is_none())
    {
        return Err(TpmRc::HANDLE.handle(2));
    }
    // Part 1, 34.2.8.3: every use of a PIN is to be counted.
    if tpm.nv_index(bind).is_ok_and(|index| is_pin(&index)) {
        return Err(TpmRc::HANDLE.handle(2));
    }
    let auth = tpm.auth_value(bind).map_err(|_| TpmRc::HANDLE.handle(2))?;
    Ok(Zeroizing::new(auth.to_vec()))
}

/// sessionKey (Part 1, clause 16.6.8): derived from auth value and salt; empty if there is neither entity nor key.
fn session_key(command: &StartAuthSession, auth: &[u8], salt: &[u8], nonce_tpm: &[u8]) -> Result<SeedValue, TpmRc> {
    if command.tpm_key.is_none() && command.bind.is_none() {
        return Ok(SeedValue::default());
    }
    let mut key = Zeroizing::new(alloc::vec::Vec::with_capacity(auth.len().saturating_add(salt.len())));
    key.extend_from_slice(auth);
    key.extend_from_slice(salt);
    let bits = u32::try_from(command.auth_hash.digest_size()).unwrap_or(0).saturating_mul(8);
    SeedValue::from_slice(&kdfa(command.auth_hash, &key, b"ATH", nonce_tpm, &command.nonce_caller, bits))
}

/// The entity that an HMAC session is bound to. Policy sessions take the entity's secret but are not bound.
fn bound_entity(command: &StartAuthSession) -> Option<TpmHandle> {
    command.bind.filter(|_| command.session_type == TpmSe::Hmac).map(TpmHandle::from)
}

fn binding(command: &StartAuthSession, tpm: &Core) -> Result<Option<Tpm2bDigest>, TpmRc> {
    bound_entity(command).map(|entity| bind::digest(tpm, entity)).transpose()
}
