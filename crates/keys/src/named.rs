//! Named keys: "the key called `web`, on this device, for ever" (docs/named-keys.md).
//!
//! A named key is a primary object of the endorsement hierarchy whose template holds a digest of the name, so the TPM makes
//! the same key again whenever it is asked for: nothing is stored, and `TPM2_Clear` does not change it.
//!
//! ```no_run
//! use ironroot_client::{Tcti, Tpm};
//! use ironroot_keys::{KeyAlgorithm, NamedKeys, SharedTpm, csr};
//!
//! let tpm = SharedTpm::new(Tpm::connect(&Tcti::parse("swtpm:port=2321")?)?);
//! let web = NamedKeys::new(&tpm).key("web", KeyAlgorithm::EccP256)?;
//! println!("{}", csr(&web, "CN=dev1", &[])?.to_pem()?);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod algorithm;
mod encryption;
mod list;
mod protected;
mod secrets;
mod template;

pub use algorithm::KeyAlgorithm;
pub use encryption::EncryptionKey;
pub use list::{KeyEntry, KeyList};
pub use secrets::{GLOBAL_BASE_HANDLES, GLOBAL_BASE_SIZE, MAX_SECRET, global_secret_from};
pub use template::named_template;
pub(crate) use template::signing_kind;

use ironroot_client::{
    ClientError,
    wire::{HandleKind, TpmHandle, TpmRc, TpmiAlgHash},
};
use ironroot_crypto::digest;

use crate::{KeyError, SharedTpm, TpmKey};

/// The named keys of a TPM.
#[derive(Debug, Clone)]
pub struct NamedKeys {
    tpm: SharedTpm,
}

impl NamedKeys {
    /// The named keys of a TPM whose endorsement hierarchy has no auth value.
    #[must_use]
    pub fn new(tpm: &SharedTpm) -> Self {
        Self { tpm: tpm.clone() }
    }

    /// The named keys of a TPM whose endorsement hierarchy has this auth value, which is proven in HMAC sessions.
    ///
    /// # Errors
    /// [`KeyError::Poisoned`].
    pub fn with_endorsement_auth(tpm: &SharedTpm, auth: &[u8]) -> Result<Self, KeyError> {
        tpm.lock()?.set_auth(TpmHandle::ENDORSEMENT, auth);
        Ok(Self::new(tpm))
    }

    /// The signing key with this name, made by the TPM now; it is flushed when it is dropped.
    ///
    /// # Errors
    /// [`KeyError::Name`] for a name that no key can have; [`KeyError::Named`] if the TPM does not make it, with the next
    /// step.
    pub fn key(&self, name: &str, algorithm: KeyAlgorithm) -> Result<TpmKey, KeyError> {
        let template = named_template(name, algorithm)?;
        TpmKey::primary(&self.tpm, TpmHandle::ENDORSEMENT, &template, b"")
            .map_err(|error| explained(error, name, algorithm.name()))
    }

    /// Keeps the key with this name in the TPM at a persistent handle, where any program can use it without the hierarchy's
    /// auth value, until `TPM2_Clear`. That it is there already is no error.
    ///
    /// # Errors
    /// As [`NamedKeys::key`]; [`KeyError::Handle`] if the handle is none, or somebody else's.
    pub fn persist(&self, name: &str, algorithm: KeyAlgorithm, handle: TpmHandle) -> Result<TpmKey, KeyError> {
        if !matches!(handle.0, 0x8100_0000..=0x817F_FFFF) {
            let reason = "an owner's persistent handles are 0x81000000 to 0x817fffff; choose one of those";
            return Err(KeyError::Handle { handle, reason: reason.into() });
        }
        let key = self.key(name, algorithm)?;
        let mut tpm = self.tpm.lock()?;
        match tpm.read_public(handle) {
            Ok(there) if there.name == *key.name() => {}
            Ok(_) => {
                let reason = format!(
                    "another object is there; choose another handle (tpm2_getcap handles-persistent lists those in use), or \
                     remove it first: tpm2_evictcontrol -c {:#010x}",
                    handle.0
                );
                return Err(KeyError::Handle { handle, reason });
            }
            Err(error) if error.is(TpmRc::HANDLE) => {
                tpm.evict_control(TpmHandle::OWNER, key.handle(), handle)
                    .map_err(|error| not_evicted(error, handle))?;
            }
            Err(error) => return Err(error.into()),
        }
        drop(tpm);
        TpmKey::persistent(&self.tpm, handle, b"")
    }

    /// The key at a persistent handle, if it is there and has this fingerprint. Using it costs no derivation.
    ///
    /// # Errors
    /// What the TPM may answer.
    pub fn at_handle(&self, handle: TpmHandle, key_fingerprint: &str) -> Result<Option<TpmKey>, KeyError> {
        if handle.kind() != HandleKind::Persistent {
            return Ok(None);
        }
        match TpmKey::persistent(&self.tpm, handle, b"") {
            Ok(key) if fingerprint(&key)? == key_fingerprint => Ok(Some(key)),
            Ok(_) | Err(KeyError::Unsuitable(_)) => Ok(None),
            Err(KeyError::Client(error)) if error.is(TpmRc::HANDLE) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Removes a key from its persistent handle. The name's key can be made again as ever.
    ///
    /// # Errors
    /// What the TPM may answer.
    pub fn evict(&self, handle: TpmHandle) -> Result<(), KeyError> {
        self.tpm.lock()?.evict_control(TpmHandle::OWNER, handle, handle).map_err(|error| not_evicted(error, handle))
    }

    /// The TPM.
    #[must_use]
    pub const fn tpm(&self) -> &SharedTpm {
        &self.tpm
    }
}

/// What people compare: SHA-256 of the DER `SubjectPublicKeyInfo`, in hexadecimal
/// (`openssl pkey -pubin -outform DER | sha256sum`).
///
/// # Errors
/// [`KeyError::Encoding`] for a key that has none.
pub fn fingerprint(key: &TpmKey) -> Result<String, KeyError> {
    Ok(hex(&digest(TpmiAlgHash::Sha256, &[&key.spki_der()?])))
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn not_evicted(error: ClientError, handle: TpmHandle) -> KeyError {
    if error.is(TpmRc::BAD_AUTH) || error.is(TpmRc::AUTH_FAIL) {
        let reason = "the owner hierarchy has an auth value: give it with --owner-auth (Tpm::set_auth)";
        return KeyError::Handle { handle, reason: reason.into() };
    }
    error.into()
}

/// Says what the TPM's refusal to make a named object means, and what to do next.
pub(crate) fn explained(error: KeyError, name: &str, what: &str) -> KeyError {
    let KeyError::Client(error) = error else { return error };
    let reason = if error.is(TpmRc::BAD_AUTH) || error.is(TpmRc::AUTH_FAIL) {
        "the endorsement hierarchy has an auth value, and it is not the one that was given: give it with --endorsement-auth \
         (NamedKeys::with_endorsement_auth)"
            .to_owned()
    } else if error.is(TpmRc::HIERARCHY) {
        "the endorsement hierarchy is switched off (TPM2_HierarchyControl): it is on again after a TPM Reset, unless the \
         firmware switches it off each time"
            .to_owned()
    } else if error.is(TpmRc::LOCKOUT) {
        "the TPM is in dictionary-attack lockout: see tpm2_getcap properties-variable, and tpm2_dictionarylockout"
            .to_owned()
    } else if error.is(TpmRc::OBJECT_MEMORY) {
        "the TPM has no free place for an object: flush what others left (tpm2_flushcontext --transient-object), or use a \
         resource manager"
            .to_owned()
    } else if [TpmRc::CURVE, TpmRc::VALUE, TpmRc::TYPE, TpmRc::SCHEME, TpmRc::KEY_SIZE, TpmRc::PARMS, TpmRc::HASH]
        .iter()
        .any(|rc| error.is(*rc))
    {
        format!(
            "this TPM does not make keys of the kind {what}: choose another one (tpm2_getcap algorithms, ecc-curves)"
        )
    } else {
        return KeyError::Client(error);
    };
    KeyError::Named { name: name.into(), reason, source: error }
}
