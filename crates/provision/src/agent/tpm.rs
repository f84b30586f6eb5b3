//! [`DeviceTpm`] for any TPM 2.0, through the pure-Rust client: the endorsement key by TCG's template, the identity key
//! in the owner hierarchy, credential activation under the endorsement key's policy.

use std::sync::Arc;

use ironroot_attest::{EkTemplate, IdentityKeyError, IdentityKeyPolicy};
use ironroot_client::{
    ClientError, Loaded, Tpm,
    templates::{self, KeyType},
    wire::{
        Tpm2bDigest, Tpm2bEncryptedSecret, Tpm2bIdObject, TpmHandle, TpmaNv, TpmiAlgHash, TpmiRhNvIndex, TpmsNvPublic,
        TpmtPublic, Wire as _,
    },
};
use ironroot_keys::{KeyError, SharedTpm, TpmKey, csr};
use zeroize::Zeroizing;

use super::DeviceTpm;

/// The endorsement keys that this agent uses: the low range of the TCG EK Credential Profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndorsementKey {
    /// RSA-2048 (template L-1).
    Rsa2048,
    /// P-256 (template L-2).
    P256,
}

impl EndorsementKey {
    /// The template.
    #[must_use]
    pub fn template(self) -> TpmtPublic {
        match self {
            Self::Rsa2048 => templates::ek_rsa2048(),
            Self::P256 => templates::ek_p256(),
        }
    }

    /// The NV index of the key's certificate (EK Credential Profile, clause 2.2.1.4).
    #[must_use]
    pub const fn certificate_index(self) -> TpmHandle {
        match self {
            Self::Rsa2048 => TpmHandle(0x01c0_0002),
            Self::P256 => TpmHandle(0x01c0_000a),
        }
    }

    /// The handle at which platforms keep the key, if they keep it (TCG Provisioning Guidance, clause 7.8).
    #[must_use]
    pub const fn persistent_handle(self) -> TpmHandle {
        match self {
            Self::Rsa2048 => TpmHandle(0x8101_0001),
            Self::P256 => TpmHandle(0x8101_000a),
        }
    }
}

/// What failed in the TPM, and the next step.
#[derive(Debug, thiserror::Error)]
pub enum TpmDeviceError {
    /// The TPM, or the way to it.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The identity key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The NV index of the endorsement certificate is not there.
    #[error(
        "the TPM has no endorsement certificate at NV index {0:#010x}: use the other endorsement key, \
         or have the TPM's maker issue one"
    )]
    NoCertificate(u32),
    /// The persistent handle has a key that is no identity key.
    #[error("the key at {handle:#010x} cannot be the identity key: {why}. Choose another handle, or remove that key")]
    Occupied {
        /// The handle.
        handle: u32,
        /// The rule that it breaks.
        why: IdentityKeyError,
    },
    /// The service's credential is not one.
    #[error("the service's credential is malformed")]
    Credential,
}

/// A device's TPM with its endorsement key and identity key.
#[derive(Debug)]
pub struct TpmDevice {
    tpm: SharedTpm,
    kind: EndorsementKey,
    ek: Loaded,
    flush_ek: bool,
    key: Arc<TpmKey>,
}

impl TpmDevice {
    /// A device that wants `key` certified. The endorsement key is taken from its persistent handle, or created again
    /// from the endorsement seed.
    ///
    /// # Errors
    /// [`TpmDeviceError`].
    pub fn new(tpm: &SharedTpm, kind: EndorsementKey, key: Arc<TpmKey>) -> Result<Self, TpmDeviceError> {
        let mut guard = tpm.lock()?;
        let handle = kind.persistent_handle();
        let kept = if exists(&mut guard, handle)? { Some(guard.read_public(handle)?) } else { None };
        // Something else may live at the handle.
        let (ek, flush_ek) = match kept.filter(|loaded| is_endorsement_key(kind, &loaded.public)) {
            Some(loaded) => (loaded, false),
            None => (guard.create_primary(TpmHandle::ENDORSEMENT, &kind.template(), b"")?, true),
        };
        drop(guard);
        Ok(Self { tpm: tpm.clone(), kind, ek, flush_ek, key })
    }

    /// The identity key.
    #[must_use]
    pub fn key(&self) -> &Arc<TpmKey> {
        &self.key
    }

    /// The endorsement key.
    #[must_use]
    pub fn endorsement_key(&self) -> &Loaded {
        &self.ek
    }
}

impl Drop for TpmDevice {
    fn drop(&mut self) {
        if self.flush_ek
            && let Ok(mut tpm) = self.tpm.lock()
        {
            // Nobody is left to be told; a restart of the TPM forgets the key anyway.
            let _ = tpm.flush(self.ek.handle);
        }
    }
}

impl DeviceTpm for TpmDevice {
    type Error = TpmDeviceError;

    fn ek_public(&mut self) -> Result<Vec<u8>, TpmDeviceError> {
        Ok(self.ek.public.to_bytes())
    }

    fn ek_certificate(&mut self) -> Result<Vec<u8>, TpmDeviceError> {
        let index = self.kind.certificate_index();
        let mut tpm = self.tpm.lock()?;
        if !exists(&mut tpm, index)? {
            return Err(TpmDeviceError::NoCertificate(index.0));
        }
        // Endorsement certificates may be read with the index's own, empty auth value.
        Ok(tpm.nv_read(index, index)?)
    }

    fn ik_public(&mut self) -> Result<Vec<u8>, TpmDeviceError> {
        Ok(self.key.public().to_bytes())
    }

    fn csr(&mut self, subject: &str) -> Result<Vec<u8>, TpmDeviceError> {
        Ok(csr(&self.key, subject, &[])?.to_der()?)
    }

    fn activate(&mut self, credential_blob: &[u8], secret: &[u8]) -> Result<Zeroizing<Vec<u8>>, TpmDeviceError> {
        let blob = Tpm2bIdObject::from_bytes(credential_blob).map_err(|_| TpmDeviceError::Credential)?;
        let secret = Tpm2bEncryptedSecret::from_bytes(secret).map_err(|_| TpmDeviceError::Credential)?;
        Ok(self.tpm.lock()?.activate_credential(self.key.handle(), self.ek.handle, &blob, &secret)?)
    }
}

/// The identity key at a persistent handle: the one that is there, or a new one, made in the TPM under the storage root.
///
/// # Errors
/// [`TpmDeviceError::Occupied`] if another kind of key is there.
pub fn persistent_identity_key(
    tpm: &SharedTpm,
    handle: TpmHandle,
    key_type: KeyType,
) -> Result<TpmKey, TpmDeviceError> {
    let mut guard = tpm.lock()?;
    if exists(&mut guard, handle)? {
        let public = guard.read_public(handle)?.public;
        let occupied = |why| TpmDeviceError::Occupied { handle: handle.0, why };
        IdentityKeyPolicy::tls().check(&public).map_err(occupied)?;
    } else {
        let parent = guard.create_primary(TpmHandle::OWNER, &templates::srk_p256(), b"")?;
        let made = make_persistent(&mut guard, parent.handle, handle, key_type);
        let flushed = guard.flush(parent.handle);
        made?;
        flushed?;
    }
    drop(guard);
    Ok(TpmKey::persistent(tpm, handle, b"")?)
}

fn make_persistent(tpm: &mut Tpm, parent: TpmHandle, handle: TpmHandle, key_type: KeyType) -> Result<(), ClientError> {
    let created = tpm.create(parent, &templates::signing_key(key_type, false), b"", b"")?;
    let loaded = tpm.load(parent, &created.private, &created.public)?;
    let kept = tpm.evict_control(TpmHandle::OWNER, loaded.handle, handle);
    let flushed = tpm.flush(loaded.handle);
    kept.and(flushed)
}

/// Puts an endorsement certificate where everybody looks for it. For whoever manufactures the TPM: the platform's
/// authorization is needed, and anybody may read it afterwards. An older certificate is replaced.
///
/// # Errors
/// As the TPM answers; a certificate that is too large for an NV index is a usage error.
pub fn store_ek_certificate(tpm: &mut Tpm, kind: EndorsementKey, certificate: &[u8]) -> Result<(), ClientError> {
    let index = kind.certificate_index();
    if exists(tpm, index)? {
        tpm.nv_undefine(TpmHandle::PLATFORM, index)?;
    }
    let attributes = TpmaNv::PPWRITE
        | TpmaNv::WRITEDEFINE
        | TpmaNv::PPREAD
        | TpmaNv::OWNERREAD
        | TpmaNv::AUTHREAD
        | TpmaNv::NO_DA
        | TpmaNv::PLATFORMCREATE;
    let public = TpmsNvPublic {
        nv_index: TpmiRhNvIndex(index.0),
        name_alg: TpmiAlgHash::Sha256,
        attributes,
        auth_policy: Tpm2bDigest::default(),
        data_size: u16::try_from(certificate.len()).unwrap_or(u16::MAX),
    };
    tpm.nv_define(TpmHandle::PLATFORM, &public, b"")?;
    tpm.nv_write(TpmHandle::PLATFORM, index, certificate)
}

fn is_endorsement_key(kind: EndorsementKey, public: &TpmtPublic) -> bool {
    let template = match kind {
        EndorsementKey::Rsa2048 => EkTemplate::L1,
        EndorsementKey::P256 => EkTemplate::L2,
    };
    EkTemplate::of(public) == Ok(template)
}

fn exists(tpm: &mut Tpm, handle: TpmHandle) -> Result<bool, ClientError> {
    Ok(tpm.handles(handle)?.first() == Some(&handle))
}
