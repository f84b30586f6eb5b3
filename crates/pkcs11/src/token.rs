//! The TPM behind the token: one connection while there are sessions, the keys that are loaded, and how to go on when a TPM was restarted.

use std::sync::Arc;

use ironroot_client::{
    Auth, ClientError, SessionOptions, Tcti, Tpm,
    wire::{TpmHandle, TpmPt, TpmRc, TpmSu, TpmaObject, TpmaPermanent, TpmtSigScheme, TpmtSignature},
};
use ironroot_keys::{KeyError, KeyList, KeyReference, NamedKeys, SharedTpm, TpmKey};
use zeroize::Zeroizing;

use crate::config::Config;

/// So many keys are kept loaded. A TPM without a resource manager has three places for everybody.
const LOADED: usize = 2;

/// What a TPM says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Description {
    pub manufacturer: String,
    pub model: String,
    pub firmware: [u8; 2],
    /// Whether the endorsement hierarchy has an auth value.
    pub endorsement_auth_set: bool,
}

/// The TPM.
pub(crate) struct Token {
    shared: Option<SharedTpm>,
    /// The one that was used last is at the end.
    loaded: Vec<(KeyReference, Arc<TpmKey>)>,
    /// The endorsement hierarchy's auth value: the configuration's, or the user's PIN.
    auth: Option<Zeroizing<Vec<u8>>>,
}

impl Token {
    pub(crate) fn new(config: &Config) -> Self {
        Self { shared: None, loaded: Vec::new(), auth: config.endorsement_auth.clone() }
    }

    /// Leaves the TPM: keys are flushed, the connection is closed.
    pub(crate) fn disconnect(&mut self) {
        self.loaded.clear();
        self.shared = None;
    }

    /// What the TPM says of itself; the connection stays only if it was there before.
    pub(crate) fn describe(&mut self, config: &Config) -> Result<Description, KeyError> {
        let was_connected = self.shared.is_some();
        let result = self.again(|this| {
            let shared = this.connect(config)?;
            let mut tpm = shared.lock()?;
            let mut text = |properties: &[TpmPt]| -> Result<String, ClientError> {
                let mut bytes = Vec::new();
                for property in properties {
                    bytes.extend(tpm.property(*property)?.unwrap_or(0).to_be_bytes());
                }
                bytes.retain(|byte| byte.is_ascii_graphic() || *byte == b' ');
                let text = String::from_utf8_lossy(&bytes);
                Ok(text.split_whitespace().collect::<Vec<_>>().join(" "))
            };
            let manufacturer = text(&[TpmPt::MANUFACTURER])?;
            let model = text(&[
                TpmPt::VENDOR_STRING_1,
                TpmPt::VENDOR_STRING_2,
                TpmPt::VENDOR_STRING_3,
                TpmPt::VENDOR_STRING_4,
            ])?;
            let [_, major, _, minor] = tpm.property(TpmPt::FIRMWARE_VERSION_1)?.unwrap_or(0).to_be_bytes();
            let permanent = TpmaPermanent(tpm.property(TpmPt::PERMANENT)?.unwrap_or(0));
            // The attribute stays once the value was changed, even back to the empty one.
            let endorsement_auth_set =
                permanent.contains(TpmaPermanent::ENDORSEMENT_AUTH_SET) && !this.opens_without_auth(&mut tpm)?;
            Ok(Description { manufacturer, model, firmware: [major, minor], endorsement_auth_set })
        });
        if !was_connected {
            self.disconnect();
        }
        result
    }

    /// Whether the endorsement hierarchy's auth value is the empty one.
    fn opens_without_auth(&self, tpm: &mut Tpm) -> Result<bool, ClientError> {
        tpm.set_auth(TpmHandle::ENDORSEMENT, &[]);
        let proven = prove(tpm);
        if let Some(auth) = &self.auth {
            tpm.set_auth(TpmHandle::ENDORSEMENT, auth);
        }
        match proven {
            Ok(()) => Ok(true),
            Err(error) if error.is(TpmRc::BAD_AUTH) || error.is(TpmRc::AUTH_FAIL) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Whether this is the endorsement hierarchy's auth value. It is proven in an HMAC session to a trial policy, which has no other effect;
    /// hierarchies' values are outside of the TPM's dictionary attack protection, so a wrong one locks nothing.
    pub(crate) fn log_in(&mut self, config: &Config, pin: &[u8]) -> Result<(), KeyError> {
        self.again(|this| this.try_pin(config, pin))
    }

    fn try_pin(&mut self, config: &Config, pin: &[u8]) -> Result<(), KeyError> {
        self.loaded.clear();
        let shared = self.connect(config)?;
        let mut tpm = shared.lock()?;
        tpm.set_auth(TpmHandle::ENDORSEMENT, pin);
        let proven = prove(&mut tpm);
        if let Err(error) = proven {
            tpm.set_auth(TpmHandle::ENDORSEMENT, &[]);
            return Err(error.into());
        }
        self.auth = Some(Zeroizing::new(pin.to_vec()));
        Ok(())
    }

    /// Forgets what the user gave.
    pub(crate) fn log_out(&mut self, config: &Config) {
        self.disconnect();
        self.auth.clone_from(&config.endorsement_auth);
    }

    /// Random bytes of the TPM.
    pub(crate) fn random(&mut self, config: &Config, count: usize) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        self.again(|this| Ok(Zeroizing::new(this.connect(config)?.lock()?.get_random(count)?)))
    }

    /// The DER public key of a key, and what the TPM says of its use.
    pub(crate) fn public(&mut self, config: &Config, key: &KeyReference) -> Result<(Vec<u8>, TpmaObject), KeyError> {
        self.again(|this| {
            let key = this.key(config, key)?;
            Ok((key.spki_der()?, key.public().object_attributes))
        })
    }

    /// The signature of a digest.
    pub(crate) fn sign_digest(
        &mut self,
        config: &Config,
        key: &KeyReference,
        scheme: &TpmtSigScheme,
        digest: &[u8],
    ) -> Result<TpmtSignature, KeyError> {
        self.again(|this| {
            let key = this.key(config, key)?;
            Ok(key.tpm().lock()?.sign(key.handle(), digest, Some(scheme.clone()), None, &mut [])?)
        })
    }

    /// The signature of a message, for keys that want to see it.
    pub(crate) fn sign_message(
        &mut self,
        config: &Config,
        key: &KeyReference,
        scheme: &TpmtSigScheme,
        message: &[u8],
    ) -> Result<TpmtSignature, KeyError> {
        self.again(|this| this.key(config, key)?.signature(scheme, message))
    }

    /// The named keys, to create and remove them.
    pub(crate) fn named<T>(
        &mut self,
        config: &Config,
        action: impl Fn(&KeyList, &NamedKeys) -> Result<T, KeyError>,
    ) -> Result<T, KeyError> {
        self.loaded.clear();
        self.again(|this| action(&config.list, &NamedKeys::new(&this.connect(config)?)))
    }

    fn connect(&mut self, config: &Config) -> Result<SharedTpm, KeyError> {
        if let Some(shared) = &self.shared {
            return Ok(shared.clone());
        }
        let mut tpm = Tpm::connect(&config.tcti)?;
        // A simulator that waits for TPM2_Startup gets it: nobody else is there to send it.
        if !matches!(config.tcti, Tcti::Device(_)) {
            tpm.startup(TpmSu::Clear)?;
        }
        if let Some(auth) = &self.auth {
            tpm.set_auth(TpmHandle::ENDORSEMENT, auth);
        }
        let shared = SharedTpm::new(tpm);
        self.shared = Some(shared.clone());
        Ok(shared)
    }

    fn key(&mut self, config: &Config, reference: &KeyReference) -> Result<Arc<TpmKey>, KeyError> {
        if let Some(at) = self.loaded.iter().position(|(known, _)| known == reference) {
            let entry = self.loaded.remove(at);
            let key = Arc::clone(&entry.1);
            self.loaded.push(entry);
            return Ok(key);
        }
        if self.loaded.len() >= LOADED {
            self.loaded.remove(0);
        }
        let key = Arc::new(reference.open(&self.connect(config)?, || Ok::<_, KeyError>(&config.list), None, None)?);
        self.loaded.push((reference.clone(), Arc::clone(&key)));
        Ok(key)
    }

    /// Does something, and once more where the TPM was restarted, or where our own keys are what fills it.
    fn again<T>(&mut self, action: impl Fn(&mut Self) -> Result<T, KeyError>) -> Result<T, KeyError> {
        match action(self) {
            Err(error) if is_lost(&error) && self.shared.is_some() => {
                self.disconnect();
                action(self)
            }
            Err(error) if is_full(&error) && !self.loaded.is_empty() => {
                self.loaded.clear();
                action(self)
            }
            result => result,
        }
    }
}

fn prove(tpm: &mut Tpm) -> Result<(), ClientError> {
    let trial = tpm.start_session(&SessionOptions::trial())?;
    let session = tpm.start_session(&SessionOptions::hmac());
    let result = match session {
        Ok(mut session) => {
            let result = tpm.policy_secret(&trial, TpmHandle::ENDORSEMENT, &mut [Auth::Session(&mut session)]);
            let _ = tpm.end_session(session); // What was proven counts.
            result
        }
        Err(error) => Err(error),
    };
    let _ = tpm.end_session(trial); // As above.
    result
}

/// What the TPM or the way to it said.
pub(crate) fn cause(error: &KeyError) -> Option<&ClientError> {
    match error {
        KeyError::Client(error) | KeyError::Named { source: error, .. } => Some(error),
        KeyError::File { source, .. } => cause(source),
        _ => None,
    }
}

fn is_lost(error: &KeyError) -> bool {
    matches!(error, KeyError::Poisoned)
        || cause(error).is_some_and(|error| {
            matches!(error, ClientError::Io { .. } | ClientError::Protocol { .. })
                || error.is(TpmRc::REFERENCE_H0)
                || error.is(TpmRc::HANDLE)
                || error.is(TpmRc::INITIALIZE)
        })
}

fn is_full(error: &KeyError) -> bool {
    cause(error).is_some_and(|error| error.is(TpmRc::OBJECT_MEMORY))
}
