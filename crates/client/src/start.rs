//! Starting and ending sessions (Part 1, 16.6; Part 3, clause 11).

use ironroot_crypto::kdfa;
use ironroot_wire::{
    FlushContext, StartAuthSession, Tpm2bNonce, TpmHandle, TpmSe, TpmaSession, TpmiAlgHash, TpmiAlgSymMode,
    TpmiAlgSymObject, TpmiDhContext, TpmiDhEntity, TpmiDhObject, TpmiSymKeyBits, TpmtPublic, TpmtSymDef,
    TpmtSymDefObject,
};
use zeroize::Zeroizing;

use crate::{
    ClientError, ParameterCipher, Session, Tpm, random,
    session::{Bound, PolicyProof},
    shared_secret::{SecretUse, share_secret},
};

/// How a session is to be started. The default is an HMAC session with SHA-256 and AES-128-CFB, neither salted nor bound.
///
/// Only a salt (or a bind to an entity with a strong auth value) keeps a session's encryption and HMACs from somebody who
/// listens: salt with a key whose public area you trust.
#[derive(Debug, Clone)]
pub struct SessionOptions<'a> {
    kind: TpmSe,
    hash: TpmiAlgHash,
    cipher: ParameterCipher,
    salt: Option<(TpmHandle, &'a TpmtPublic)>,
    bind: Option<TpmHandle>,
}

impl Default for SessionOptions<'_> {
    fn default() -> Self {
        Self::hmac()
    }
}

impl<'a> SessionOptions<'a> {
    /// An HMAC session.
    #[must_use]
    pub const fn hmac() -> Self {
        Self::of(TpmSe::Hmac)
    }

    /// A policy session.
    #[must_use]
    pub const fn policy() -> Self {
        Self::of(TpmSe::Policy)
    }

    /// A trial policy session: it computes a policy and authorizes nothing.
    #[must_use]
    pub const fn trial() -> Self {
        Self::of(TpmSe::Trial)
    }

    const fn of(kind: TpmSe) -> Self {
        Self { kind, hash: TpmiAlgHash::Sha256, cipher: ParameterCipher::Aes128Cfb, salt: None, bind: None }
    }

    /// Uses this hash for HMACs, key derivation and policy digests.
    #[must_use]
    pub const fn hash(mut self, hash: TpmiAlgHash) -> Self {
        self.hash = hash;
        self
    }

    /// Encrypts parameters with this cipher (where a session's attributes ask for it).
    #[must_use]
    pub const fn cipher(mut self, cipher: ParameterCipher) -> Self {
        self.cipher = cipher;
        self
    }

    /// Salts the session with a secret that is encrypted to this loaded decryption key, RSA or ECC.
    #[must_use]
    pub fn salted(mut self, key: impl Into<TpmHandle>, public: &'a TpmtPublic) -> Self {
        self.salt = Some((key.into(), public));
        self
    }

    /// Binds the session to an entity, whose auth value has to be known ([`Tpm::set_auth`]) unless it is empty.
    #[must_use]
    pub fn bound(mut self, entity: impl Into<TpmHandle>) -> Self {
        self.bind = Some(entity.into());
        self
    }

    fn symmetric(&self) -> Option<TpmtSymDef> {
        let aes = |key_bits| {
            Some(TpmtSymDef::Cipher(TpmtSymDefObject {
                algorithm: TpmiAlgSymObject::Aes,
                key_bits,
                mode: Some(TpmiAlgSymMode::Cfb),
            }))
        };
        match self.cipher {
            ParameterCipher::None => None,
            ParameterCipher::Aes128Cfb => aes(TpmiSymKeyBits::Bits128),
            ParameterCipher::Aes256Cfb => aes(TpmiSymKeyBits::Bits256),
            ParameterCipher::Xor => Some(TpmtSymDef::Xor(self.hash)),
        }
    }
}

impl Tpm {
    /// Starts a session.
    ///
    /// # Errors
    /// As [`Tpm::run`]; [`ClientError::Usage`] if the salting key is no decryption key of a kind that can take a salt.
    pub fn start_session(&mut self, options: &SessionOptions<'_>) -> Result<Session, ClientError> {
        let salt = options.salt.map(|(_, public)| share_secret(public, SecretUse::Salt)).transpose()?;
        let (salt, encrypted_salt) = salt.unwrap_or_default();
        let nonce_caller = random::bytes(options.hash.digest_size())?;
        let bound = match options.bind {
            Some(entity) => Some(Bound { name: self.name(entity.0)?, auth: self.known.auth(entity.0) }),
            None => None,
        };
        let response = self.run_exactly(
            &StartAuthSession {
                tpm_key: options.salt.map(|(key, _)| TpmiDhObject(key.0)),
                bind: options.bind.map(|entity| TpmiDhEntity(entity.0)),
                nonce_caller: too_long(Tpm2bNonce::from_slice(&nonce_caller))?,
                encrypted_salt,
                session_type: options.kind,
                symmetric: options.symmetric(),
                auth_hash: options.hash,
            },
            &mut [],
        )?;
        let nonce_tpm = response.nonce_tpm.to_vec();
        Ok(Session {
            handle: response.session_handle.0,
            kind: options.kind,
            hash: options.hash,
            cipher: options.cipher,
            key: session_key(options, bound.as_ref(), &salt, &nonce_tpm, &nonce_caller),
            nonce_tpm,
            bound,
            attributes: TpmaSession::CONTINUE_SESSION,
            proof: PolicyProof::Nothing,
            audit_digest: None,
            ended: false,
        })
    }

    /// Ends a session in the TPM. One that has ended already is no error.
    ///
    /// # Errors
    /// As [`Tpm::run`].
    pub fn end_session(&mut self, session: Session) -> Result<(), ClientError> {
        if session.ended { Ok(()) } else { self.flush(session.handle()) }
    }

    /// Flushes an object or session from the TPM's memory.
    ///
    /// # Errors
    /// As [`Tpm::run`].
    pub fn flush(&mut self, handle: impl Into<TpmHandle>) -> Result<(), ClientError> {
        let handle = handle.into();
        self.run(&FlushContext { flush_handle: TpmiDhContext(handle.0) })?;
        Ok(())
    }
}

/// `sessionKey` of Part 1, 16.6.8: empty for a session that is neither salted nor bound.
fn session_key(
    options: &SessionOptions<'_>,
    bound: Option<&Bound>,
    salt: &[u8],
    nonce_tpm: &[u8],
    nonce_caller: &[u8],
) -> Zeroizing<Vec<u8>> {
    if bound.is_none() && options.salt.is_none() {
        return Zeroizing::default();
    }
    let auth = bound.map(|bound| bound.auth.as_slice()).unwrap_or_default();
    let mut key = Zeroizing::new(Vec::with_capacity(auth.len() + salt.len()));
    key.extend_from_slice(auth);
    key.extend_from_slice(salt);
    let bits = u32::try_from(options.hash.digest_size() * 8).unwrap_or(u32::MAX);
    kdfa(options.hash, &key, b"ATH", nonce_tpm, nonce_caller, bits)
}

pub(crate) fn too_long<T>(result: Result<T, ironroot_wire::TpmRc>) -> Result<T, ClientError> {
    result.map_err(|rc| ClientError::Malformed { what: "an argument", rc })
}
