//! [`TpmKey`]: a signing key in a TPM, as an application holds it.

use std::sync::atomic::{AtomicU32, Ordering};

use der::{EncodePem as _, pem::LineEnding};
use ironroot_client::{
    Auth, ClientError, Loaded, SessionOptions, Tpm,
    templates::{self, KeyType},
    wire::{
        HandleKind, PublicKind, Tpm2bName, TpmHandle, TpmRc, TpmaObject, TpmiAlgHash, TpmtEccScheme, TpmtPublic,
        TpmtRsaScheme, TpmtSigScheme, TpmtSignature,
    },
};
use ironroot_crypto::ecc::is_weierstrass;
use zeroize::Zeroizing;

use crate::{KeyError, KeyFile, SharedTpm, algorithms, policy};

/// A signing key in a TPM. It may be used from several threads; each signature takes the TPM for one command.
///
/// A key that was loaded through this type is flushed from the TPM's memory when it is dropped, and loaded again when the
/// TPM has lost it (a restart, a connection of a resource manager that broke).
#[derive(Debug)]
pub struct TpmKey {
    tpm: SharedTpm,
    handle: AtomicU32,
    name: Tpm2bName,
    public: TpmtPublic,
    origin: Origin,
}

/// What is signed.
#[derive(Clone, Copy)]
enum What<'a> {
    Message(&'a [u8]),
    Digest(&'a [u8]),
}

/// Where a key came from, and so how to get it back.
pub(crate) enum Origin {
    /// It stays in the TPM, or is somebody else's.
    Elsewhere,
    /// It was loaded from a file.
    File(Box<KeyFile>, Zeroizing<Vec<u8>>),
    /// It was derived from a template.
    Template(TpmHandle, Box<TpmtPublic>, Zeroizing<Vec<u8>>),
}

impl std::fmt::Debug for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Elsewhere => "Elsewhere",
            Self::File(..) => "File",
            Self::Template(..) => "Template",
        })
    }
}

impl TpmKey {
    /// A persistent key, opened by this auth value.
    ///
    /// # Errors
    /// If the TPM has no object there; [`KeyError::Unsuitable`] if it is not a signing key.
    pub fn persistent(tpm: &SharedTpm, handle: TpmHandle, auth: &[u8]) -> Result<Self, KeyError> {
        let mut guard = tpm.lock()?;
        let loaded = guard.read_public(handle)?;
        guard.set_name(handle, &loaded.name);
        guard.set_auth(handle, auth);
        drop(guard);
        Self::new(tpm, loaded, Origin::Elsewhere)
    }

    /// A primary key: the same template gives the same key every time, until the hierarchy's seed changes.
    ///
    /// # Errors
    /// As [`TpmKey::persistent`].
    pub fn primary(
        tpm: &SharedTpm,
        hierarchy: TpmHandle,
        template: &TpmtPublic,
        auth: &[u8],
    ) -> Result<Self, KeyError> {
        let loaded = create_primary(&mut *tpm.lock()?, hierarchy, template, auth)?;
        let origin = Origin::Template(hierarchy, Box::new(template.clone()), Zeroizing::new(auth.to_vec()));
        Self::new(tpm, loaded, origin)
    }

    /// A new key under `parent`, which is a persistent storage key or a hierarchy; and the file to load it from again.
    ///
    /// # Errors
    /// What the TPM may answer.
    pub fn generate(
        tpm: &SharedTpm,
        parent: TpmHandle,
        key_type: KeyType,
        auth: &[u8],
    ) -> Result<(Self, KeyFile), KeyError> {
        let template = templates::signing_key(key_type, false);
        let file = KeyFile::create(tpm, parent, &template, auth)?;
        Ok((file.load(tpm, auth)?, file))
    }

    /// A key that somebody else has loaded and will flush.
    ///
    /// # Errors
    /// [`KeyError::Unsuitable`] if it is not a signing key.
    pub fn borrowed(tpm: &SharedTpm, loaded: Loaded) -> Result<Self, KeyError> {
        Self::new(tpm, loaded, Origin::Elsewhere)
    }

    pub(crate) fn new(tpm: &SharedTpm, loaded: Loaded, origin: Origin) -> Result<Self, KeyError> {
        let Loaded { handle, name, public } = loaded;
        let key = Self { tpm: tpm.clone(), handle: AtomicU32::new(handle.0), name, public, origin };
        if key.schemes().is_empty() {
            return Err(KeyError::unsuitable("it is no signing key of RSA, ECC or ML-DSA"));
        }
        Ok(key)
    }

    /// The key's handle.
    #[must_use]
    pub fn handle(&self) -> TpmHandle {
        TpmHandle(self.handle.load(Ordering::Relaxed))
    }

    /// The key's name.
    #[must_use]
    pub const fn name(&self) -> &Tpm2bName {
        &self.name
    }

    /// The key's public area.
    #[must_use]
    pub const fn public(&self) -> &TpmtPublic {
        &self.public
    }

    /// The TPM.
    #[must_use]
    pub const fn tpm(&self) -> &SharedTpm {
        &self.tpm
    }

    /// The public key as a DER `SubjectPublicKeyInfo`.
    ///
    /// # Errors
    /// [`KeyError::Encoding`] for a public area that holds no proper key.
    pub fn spki_der(&self) -> Result<Vec<u8>, KeyError> {
        algorithms::spki_der(&self.public)
    }

    /// The public key as a PEM `PUBLIC KEY`.
    ///
    /// # Errors
    /// As [`TpmKey::spki_der`].
    pub fn spki_pem(&self) -> Result<String, KeyError> {
        algorithms::spki(&self.public)?.to_pem(LineEnding::LF).map_err(KeyError::encoding("the public key"))
    }

    /// The schemes that the key can sign with, the best first: one if the key fixes it, otherwise those that suit its kind.
    /// Empty for anything but a signing key of RSA, ECC or ML-DSA.
    #[must_use]
    pub fn schemes(&self) -> Vec<TpmtSigScheme> {
        use TpmiAlgHash::{Sha256, Sha384, Sha512};
        let public = &self.public;
        if !public.object_attributes.contains(TpmaObject::SIGN_ENCRYPT) {
            return Vec::new();
        }
        match &public.kind {
            PublicKind::Rsa(parms, _) => match &parms.scheme {
                Some(TpmtRsaScheme::Rsassa(hash)) => vec![TpmtSigScheme::Rsassa(*hash)],
                Some(TpmtRsaScheme::Rsapss(hash)) => vec![TpmtSigScheme::Rsapss(*hash)],
                Some(_) => Vec::new(),
                None => [Sha256, Sha384, Sha512]
                    .into_iter()
                    .flat_map(|hash| [TpmtSigScheme::Rsassa(hash), TpmtSigScheme::Rsapss(hash)])
                    .collect(),
            },
            PublicKind::Ecc(parms, _) => match &parms.scheme {
                Some(TpmtEccScheme::Ecdsa(hash)) => vec![TpmtSigScheme::Ecdsa(*hash)],
                Some(TpmtEccScheme::Eddsa(())) => vec![TpmtSigScheme::Eddsa(())],
                Some(_) => Vec::new(),
                None if !is_weierstrass(parms.curve_id) => Vec::new(),
                None => vec![TpmtSigScheme::Ecdsa(KeyType::Ecc(parms.curve_id).hash())],
            },
            PublicKind::Mldsa(..) => vec![TpmtSigScheme::Mldsa(())],
            _ => Vec::new(),
        }
    }

    /// Signs a message with one of [`TpmKey::schemes`]. The signature has the form that X.509 and TLS use: for ECDSA a DER
    /// `Ecdsa-Sig-Value`, for the others the bytes.
    ///
    /// # Errors
    /// [`KeyError::Unsuitable`] for another scheme; what the TPM may answer.
    pub fn sign(&self, scheme: &TpmtSigScheme, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        algorithms::signature_bytes(&self.signature(scheme, message)?)
    }

    /// Signs a digest with one of [`TpmKey::schemes`], whose hash made it; in the form of [`TpmKey::sign`].
    ///
    /// # Errors
    /// [`KeyError::Unsuitable`] for a digest of another length, and for a restricted key or a scheme that signs messages only; otherwise
    /// as [`TpmKey::sign`].
    pub fn sign_digest(&self, scheme: &TpmtSigScheme, digest: &[u8]) -> Result<Vec<u8>, KeyError> {
        let Some(hash) = scheme.hash() else {
            return Err(KeyError::unsuitable(format!("{scheme:?} signs messages, not digests")));
        };
        if digest.len() != hash.digest_size() {
            let (got, wanted) = (digest.len(), hash.digest_size());
            return Err(KeyError::unsuitable(format!("a digest of {hash:?} has {wanted} bytes, not {got}")));
        }
        if self.public.object_attributes.contains(TpmaObject::RESTRICTED) {
            return Err(KeyError::unsuitable("a restricted key signs messages that the TPM has seen, not digests"));
        }
        algorithms::signature_bytes(&self.signature_of(scheme, What::Digest(digest))?)
    }

    /// Signs a message with one of [`TpmKey::schemes`], in the TPM's form.
    ///
    /// # Errors
    /// As [`TpmKey::sign`].
    pub fn signature(&self, scheme: &TpmtSigScheme, message: &[u8]) -> Result<TpmtSignature, KeyError> {
        self.signature_of(scheme, What::Message(message))
    }

    fn signature_of(&self, scheme: &TpmtSigScheme, what: What<'_>) -> Result<TpmtSignature, KeyError> {
        if !self.schemes().contains(scheme) {
            return Err(KeyError::unsuitable(format!("it does not sign with {scheme:?}")));
        }
        match self.sign_once(scheme, what) {
            Err(KeyError::Client(error)) if is_lost(&error) && self.load_again()? => self.sign_once(scheme, what),
            result => result,
        }
    }

    fn sign_once(&self, scheme: &TpmtSigScheme, what: What<'_>) -> Result<TpmtSignature, KeyError> {
        let key = self.handle();
        let mut tpm = self.tpm.lock()?;
        let message = match what {
            What::Message(message) => message,
            What::Digest(digest) => {
                return self
                    .authorized(&mut tpm, |tpm, auths| tpm.sign(key, digest, Some(scheme.clone()), None, auths));
            }
        };
        let Some(hash) = scheme.hash() else {
            if self.policy_file().is_some() {
                return Err(KeyError::unsuitable(
                    "it signs messages and not digests, and that is not supported with a policy",
                ));
            }
            return Ok(tpm.sign_message(key, message, matches!(scheme, TpmtSigScheme::Eddsa(())))?);
        };
        if self.public.object_attributes.contains(TpmaObject::RESTRICTED) {
            // The TPM has to see the message itself, to make sure that it is no forged attestation.
            let (digest, ticket) = tpm.hash(message, hash, TpmHandle::OWNER)?;
            self.authorized(&mut tpm, |tpm, auths| tpm.sign(key, &digest, Some(scheme.clone()), Some(ticket), auths))
        } else {
            let digest = ironroot_crypto::digest(hash, &[message]);
            self.authorized(&mut tpm, |tpm, auths| tpm.sign(key, &digest, Some(scheme.clone()), None, auths))
        }
    }

    /// Runs `action` with what the key asks for: its policy, or an HMAC session that proves its auth value without showing it.
    fn authorized<T>(
        &self,
        tpm: &mut Tpm,
        action: impl FnOnce(&mut Tpm, &mut [Auth<'_>]) -> Result<T, ClientError>,
    ) -> Result<T, KeyError> {
        let mut session = match self.policy_file() {
            Some(file) => {
                let hash = self.public.name_alg.unwrap_or(policy::SHA256);
                let mut session = tpm.start_session(&SessionOptions::policy().hash(hash))?;
                if let Err(error) = policy::fulfil(tpm, &mut session, file, None) {
                    let _ = tpm.end_session(session); // The first error counts.
                    return Err(error);
                }
                session
            }
            None if tpm.has_auth(self.handle()) => tpm.start_session(&SessionOptions::hmac())?,
            None => return Ok(action(tpm, &mut [])?),
        };
        let result = action(tpm, &mut [Auth::Session(&mut session)]);
        let ended = tpm.end_session(session);
        let value = result?;
        ended?;
        Ok(value)
    }

    /// The file, if it says that the key has a policy.
    fn policy_file(&self) -> Option<&KeyFile> {
        match &self.origin {
            Origin::File(file, _) if !file.policy.is_empty() => Some(file),
            _ => None,
        }
    }

    /// Loads the key again if that can be done. It must be the same key: a hierarchy's seed may have changed.
    fn load_again(&self) -> Result<bool, KeyError> {
        let loaded = match &self.origin {
            Origin::Elsewhere => return Ok(false),
            Origin::File(file, auth) => file.load_object(&self.tpm, auth)?,
            Origin::Template(hierarchy, template, auth) => {
                create_primary(&mut *self.tpm.lock()?, *hierarchy, template, auth)?
            }
        };
        if loaded.name != self.name {
            self.tpm.lock()?.flush(loaded.handle)?;
            return Err(KeyError::unsuitable("the TPM has lost it, and makes another one from its template now"));
        }
        self.handle.store(loaded.handle.0, Ordering::Relaxed);
        Ok(true)
    }
}

/// Makes a primary object; a hierarchy's auth value that is known and not empty is proven in an HMAC session, so that it does not
/// travel in the clear.
pub(crate) fn create_primary(
    tpm: &mut Tpm,
    hierarchy: TpmHandle,
    template: &TpmtPublic,
    auth: &[u8],
) -> Result<Loaded, ClientError> {
    if !tpm.has_auth(hierarchy) {
        return tpm.create_primary(hierarchy, template, auth);
    }
    let session = tpm.start_session(&SessionOptions::hmac())?;
    let before = tpm.set_companion(Some(session));
    let result = tpm.create_primary(hierarchy, template, auth);
    let session = tpm.set_companion(before);
    let ended = session.map_or(Ok(()), |session| tpm.end_session(session));
    let loaded = result?;
    ended?;
    Ok(loaded)
}

/// Whether the TPM, or the connection to it, no longer has the key.
fn is_lost(error: &ClientError) -> bool {
    matches!(error, ClientError::Io { .. }) || error.is(TpmRc::REFERENCE_H0) || error.is(TpmRc::HANDLE)
}

impl TpmKey {
    /// Flushes the key from the TPM's memory, if it was loaded through this type; it is loaded again when it is used again.
    pub fn unload(&self) {
        if !matches!(self.origin, Origin::Elsewhere)
            && self.handle().kind() == HandleKind::Transient
            && let Ok(mut tpm) = self.tpm.lock()
        {
            // Nobody is left to be told: the TPM or its resource manager forgets the key at the next restart.
            let _ = tpm.flush(self.handle());
        }
    }
}

impl Drop for TpmKey {
    fn drop(&mut self) {
        self.unload();
    }
}
