//! [`Application`]: one TPM, and what it does by names.

use std::{
    fmt,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use ironroot_client::{
    Tcti, Tpm,
    wire::{TpmHandle, TpmSu},
};
use ironroot_keys::{
    Approval, Conditions, EncryptionKey, KeyAlgorithm, KeyList, KeyReference, NamedKeys, Pcrs, SharedTpm, TpmKey,
    VerifyingKey, approvable,
};
use zeroize::Zeroizing;

use crate::{Error, Key, Result};

/// How to reach a TPM.
#[derive(Clone, Default)]
pub struct Settings {
    /// A TCTI string (`swtpm:…`, `mssim:…`, `device:…`); without one, what the environment names (`TPM2TOOLS_TCTI`, `TCTI`), or
    /// else the machine's TPM.
    pub tcti: Option<String>,
    /// The file with the list of names; without one, the user's (`IRONROOT_KEY_LIST`, or in the home folder).
    pub key_list: Option<PathBuf>,
    /// The auth value of the endorsement hierarchy, if it has one.
    pub endorsement_auth: Option<Zeroizing<Vec<u8>>>,
    /// The auth value of the owner hierarchy, if it has one.
    pub owner_auth: Option<Zeroizing<Vec<u8>>>,
}

/// One TPM, and what it does by names. Clones share the connection; threads take turns.
#[derive(Clone)]
pub struct Application {
    tpm: SharedTpm,
    keys: NamedKeys,
    list: Option<Arc<KeyList>>,
    /// The keys that were given out, to be unloaded when the TPM is closed.
    out: Arc<Mutex<Vec<Weak<TpmKey>>>>,
}

/// Conditions under which data is given back. All that are named have to hold.
#[derive(Debug, Clone, Copy, Default)]
pub struct SealOptions<'a> {
    /// A password; empty for none.
    pub password: &'a [u8],
    /// PCRs that have the values that they have now: `sha256:0,7`.
    pub pcrs: Option<&'a str>,
    /// A PEM public key or certificate whose holder approves PCR values later.
    pub signer: Option<&'a str>,
}

/// What opens sealed data.
#[derive(Debug, Clone, Copy, Default)]
pub struct UnsealOptions<'a> {
    /// The password; empty for none.
    pub password: &'a [u8],
    /// The PCRs and the signature of an approval.
    pub approval: Option<(&'a str, &'a [u8])>,
}

/// The kinds of keys, as [`Application::create_key`] takes them: `ecc-p256`, `rsa-2048`, …
pub fn key_kinds() -> impl Iterator<Item = &'static str> {
    KeyAlgorithm::ALL.into_iter().map(KeyAlgorithm::name)
}

impl Application {
    /// Connects. A simulator that waits for `TPM2_Startup` gets it.
    ///
    /// # Errors
    /// Kind `Argument` for a TCTI string that cannot be understood, `Connection` if nothing answers.
    pub fn connect(settings: &Settings) -> Result<Self> {
        let tcti = match &settings.tcti {
            Some(text) => Tcti::parse(text)?,
            None => Tcti::from_env_or_default()?,
        };
        let mut tpm = Tpm::connect(&tcti)?;
        // Of a device it is the kernel's business.
        if !matches!(tcti, Tcti::Device(_)) {
            tpm.startup(TpmSu::Clear)?;
        }
        for (hierarchy, auth) in
            [(TpmHandle::ENDORSEMENT, &settings.endorsement_auth), (TpmHandle::OWNER, &settings.owner_auth)]
        {
            if let Some(auth) = auth {
                tpm.set_auth(hierarchy, auth);
            }
        }
        Ok(Self::over(tpm, settings.key_list.clone()))
    }

    /// A TPM that is there already.
    pub(crate) fn over(tpm: Tpm, key_list: Option<PathBuf>) -> Self {
        let tpm = SharedTpm::new(tpm);
        let list = key_list.map(KeyList::at).or_else(|| KeyList::of_user().ok()).map(Arc::new);
        Self { keys: NamedKeys::new(&tpm), tpm, list, out: Arc::default() }
    }

    /// Makes the key with this name, and puts the name into the list; the same name and kind give the same key for ever. Without a
    /// kind it is `ecc-p256`.
    ///
    /// # Errors
    /// Kind `Argument` for an impossible name or kind, `File` if the list has the name as another key, `Key` if the TPM does not
    /// make it.
    pub fn create_key(&self, name: &str, kind: Option<&str>) -> Result<Key> {
        let kind = kind.map(parse_kind).transpose()?.unwrap_or_default();
        let (key, _) = self.list()?.create(&self.keys, name, kind)?;
        Ok(self.give_out(key, name))
    }

    /// The key that `NAME`, `name:NAME`, `file:PATH` (a TSS2 PRIVATE KEY file) or `handle:0x81…` (a persistent key) names. Without a
    /// kind, the list says it; `auth` is the auth value of a key in a file or at a handle.
    ///
    /// # Errors
    /// As [`Application::create_key`]; kind `File` if nobody knows a name's kind, or for the key file.
    pub fn open_key(&self, reference: &str, kind: Option<&str>, auth: Option<&[u8]>) -> Result<Key> {
        let kind = kind.map(parse_kind).transpose()?;
        let reference: KeyReference = reference.parse()?;
        let key = reference.open(&self.tpm, || self.list(), kind, auth)?;
        Ok(self.give_out(key, &reference.label()))
    }

    fn give_out(&self, key: TpmKey, name: &str) -> Key {
        let key = Key::new(key, name);
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        out.retain(|key| key.strong_count() > 0);
        out.push(Arc::downgrade(key.inner()));
        key
    }

    /// Unloads the keys that were given out, and closes the connection: a TPM in this process is shut down in order. What they, and clones of
    /// this, ask of the TPM from then on is refused (kind `Connection`).
    ///
    /// # Errors
    /// Kind `State` if a thread panicked while it had the TPM.
    pub fn close(&self) -> Result {
        let out = std::mem::take(&mut *self.out.lock().unwrap_or_else(PoisonError::into_inner));
        out.iter().filter_map(Weak::upgrade).for_each(|key| key.unload());
        Ok(self.tpm.close()?)
    }

    /// Whether the list has this name.
    ///
    /// # Errors
    /// Kind `File` if the list cannot be read.
    pub fn has_key(&self, name: &str) -> Result<bool> {
        Ok(self.list()?.get(name)?.is_some())
    }

    /// The list: names and kinds.
    ///
    /// # Errors
    /// Kind `File` if the list cannot be read.
    pub fn key_names(&self) -> Result<Vec<(String, String)>> {
        Ok(self.list()?.entries()?.into_iter().map(|(name, entry)| (name, entry.algorithm)).collect())
    }

    /// Takes a name off the list, and out of its persistent handle if it has one; whether it was there. The key is stored nowhere: the
    /// same name gives it again.
    ///
    /// # Errors
    /// Kind `File` if the list cannot be written; what the TPM may answer.
    pub fn remove_key(&self, name: &str) -> Result<bool> {
        let Some(entry) = self.list()?.get(name)? else { return Ok(false) };
        // The handle first: should that fail, the list still knows of it.
        if let Some(handle) = entry.handle.map(TpmHandle)
            && self.keys.at_handle(handle, &entry.fingerprint)?.is_some()
        {
            self.keys.evict(handle)?;
        }
        Ok(self.list()?.remove(name)?.is_some())
    }

    /// The secret with this name, of 1 to 8,160 bytes: of this device, the same for ever.
    ///
    /// # Errors
    /// Kind `Argument` for an impossible name or length; what the TPM may answer.
    pub fn unique_secret(&self, name: &str, length: usize) -> Result<Zeroizing<Vec<u8>>> {
        Ok(self.keys.unique_secret(name, length)?)
    }

    /// The secret with this name that all devices of the product share.
    ///
    /// # Errors
    /// As [`Application::unique_secret`]; kind `Key` if the TPM was not given its product's base of global secrets.
    pub fn global_secret(&self, name: &str, length: usize) -> Result<Zeroizing<Vec<u8>>> {
        Ok(self.keys.global_secret(name, length)?)
    }

    /// Seals up to 128 bytes that only this TPM gives back; a PEM file.
    ///
    /// # Errors
    /// Kind `Refused` for too much data or conditions that cannot be, `Argument` for PCRs or a signer that cannot be understood.
    pub fn seal(&self, data: &[u8], options: &SealOptions<'_>) -> Result<String> {
        let pcrs = options.pcrs.map(parse_pcrs).transpose()?;
        let signer = options.signer.map(VerifyingKey::from_pem).transpose()?;
        let conditions = Conditions { password: options.password, pcrs: pcrs.as_ref(), signer: signer.as_ref() };
        Ok(ironroot_keys::seal(&self.tpm, data, conditions)?)
    }

    /// Gives back what was sealed.
    ///
    /// # Errors
    /// Kind `Refused` with the condition that does not hold, `Key` for a file that cannot be understood.
    pub fn unseal(&self, pem: &str, options: &UnsealOptions<'_>) -> Result<Zeroizing<Vec<u8>>> {
        let pcrs = options.approval.map(|(pcrs, _)| parse_pcrs(pcrs)).transpose()?;
        let approval = match (&pcrs, options.approval) {
            (Some(pcrs), Some((_, signature))) => Some(Approval { pcrs, signature }),
            _ => None,
        };
        Ok(ironroot_keys::unseal(&self.tpm, pem, options.password, approval)?)
    }

    /// What a signer signs (with SHA-256) to approve the values that these PCRs have now.
    ///
    /// # Errors
    /// Kind `Argument` for PCRs that cannot be understood; what the TPM may answer.
    pub fn approvable(&self, pcrs: &str) -> Result<Vec<u8>> {
        Ok(approvable(&self.tpm, &parse_pcrs(pcrs)?)?)
    }

    /// The PEM public key to which anybody encrypts for this device and name.
    ///
    /// # Errors
    /// As [`Application::create_key`].
    pub fn encryption_key(&self, name: &str) -> Result<String> {
        Ok(self.keys.encryption_key(name)?.to_pem().to_owned())
    }

    /// Decrypts what was encrypted to this device and name.
    ///
    /// # Errors
    /// Kind `Refused` if it was encrypted to another key or changed.
    pub fn decrypt(&self, name: &str, ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        Ok(self.keys.decrypt(name, ciphertext)?)
    }

    /// Encrypts data that only this device reads again under this name (up to 106 bytes), or with `global` all devices of the product. An
    /// older version that is put back is not noticed.
    ///
    /// # Errors
    /// As [`Application::unique_secret`] and [`Application::global_secret`].
    pub fn protect(&self, name: &str, global: bool, data: &[u8]) -> Result<Vec<u8>> {
        Ok(self.keys.protect(name, global, data)?)
    }

    /// Gives back what [`Application::protect`] has encrypted.
    ///
    /// # Errors
    /// Kind `Refused` if it was changed, or protected under another name, on another device or for another product; as
    /// [`Application::protect`].
    pub fn unprotect(&self, name: &str, global: bool, protected: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        Ok(self.keys.unprotect(name, global, protected)?)
    }

    /// Random bytes from the TPM.
    ///
    /// # Errors
    /// Kind `Argument` for more than 64 KiB; what the TPM may answer.
    pub fn random(&self, length: usize) -> Result<Zeroizing<Vec<u8>>> {
        const MOST: usize = 64 << 10;
        if length > MOST {
            return Err(Error::argument(format!("{length} random bytes are more than {MOST}: ask several times")));
        }
        Ok(Zeroizing::new(self.tpm.lock()?.get_random(length)?))
    }

    /// Sends a command as it is (Part 1, clause 15) and gives the response as it came, whatever its response code.
    ///
    /// # Errors
    /// Kind `Argument` if its header does not fit it; `Connection` if no response comes.
    pub fn command(&self, command: &[u8]) -> Result<Vec<u8>> {
        let size = command.get(2..6).and_then(|bytes| bytes.first_chunk()).map(|bytes| u32::from_be_bytes(*bytes));
        if command.len() < 10 || size.and_then(|size| usize::try_from(size).ok()) != Some(command.len()) {
            return Err(Error::argument(format!(
                "a command has a header of 10 bytes that says how long it is (Part 1, clause 15); here it has {} bytes",
                command.len()
            )));
        }
        Ok(self.tpm.lock()?.transport().transmit(command)?)
    }

    fn list(&self) -> Result<&KeyList> {
        match &self.list {
            Some(list) => Ok(list),
            // Says why there is none.
            None => {
                Err(KeyList::of_user().err().map_or_else(|| Error::argument("name a file for the list"), Error::from))
            }
        }
    }

    /// The named keys.
    #[cfg(feature = "in-process")]
    pub(crate) const fn named(&self) -> &NamedKeys {
        &self.keys
    }
}

impl fmt::Debug for Application {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Application")
    }
}

/// Encrypts to a PEM public key (see [`Application::encryption_key`]); no TPM is needed.
///
/// # Errors
/// Kind `Key` for a public key that cannot be encrypted to.
pub fn encrypt(public_key: &str, plaintext: &[u8]) -> Result<Vec<u8>> {
    Ok(EncryptionKey::from_pem(public_key)?.encrypt(plaintext)?)
}

fn parse_kind(text: &str) -> Result<KeyAlgorithm> {
    text.parse().map_err(|error: String| Error::argument(error))
}

fn parse_pcrs(text: &str) -> Result<Pcrs> {
    text.parse().map_err(|error: String| Error::argument(error))
}
