//! The list of names: a convenience. It holds no secret, and no key depends on it (docs/named-keys.md).

use std::{
    collections::BTreeMap,
    env,
    fs::{self, File, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
    time::SystemTime,
};

use ironroot_client::wire::TpmHandle;
use serde::{Deserialize, Serialize};

use super::{KeyAlgorithm, NamedKeys, fingerprint};
use crate::{KeyError, TpmKey};

/// The variable that names the file.
const VARIABLE: &str = "IRONROOT_KEY_LIST";
const VERSION: u32 = 1;

/// What the list remembers of one key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyEntry {
    /// Its kind ([`KeyAlgorithm::name`]).
    pub algorithm: String,
    /// [`fingerprint`] of its public key.
    pub fingerprint: String,
    /// When it was put into the list, in seconds of the UNIX epoch.
    pub created: u64,
    /// Where it is kept in the TPM, if it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handle: Option<u32>,
}

impl KeyEntry {
    /// Its kind.
    ///
    /// # Errors
    /// [`KeyError::List`] for one that is not known here.
    pub fn kind(&self) -> Result<KeyAlgorithm, KeyError> {
        self.algorithm.parse().map_err(|error| KeyError::List(format!("{error}: was a newer version here?")))
    }
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Contents {
    version: u32,
    keys: BTreeMap<String, KeyEntry>,
}

/// The list of names, in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyList {
    path: PathBuf,
}

impl KeyList {
    /// The list in this file, which need not be there.
    #[must_use]
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// The user's list: `$IRONROOT_KEY_LIST`, else `ironroot/keys.json` in `$XDG_DATA_HOME` or `~/.local/share`.
    ///
    /// # Errors
    /// [`KeyError::List`] if the environment names no place.
    pub fn of_user() -> Result<Self, KeyError> {
        let set = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let folder = || {
            set("XDG_DATA_HOME")
                .filter(|path| path.is_absolute())
                .or_else(|| set("HOME").map(|home| home.join(".local/share")))
        };
        set(VARIABLE).or_else(|| folder().map(|folder| folder.join("ironroot/keys.json"))).map(Self::at).ok_or_else(
            || KeyError::List(format!("the environment has no HOME: name a file with --list or {VARIABLE}")),
        )
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// All names, in order.
    ///
    /// # Errors
    /// [`KeyError::List`] with the file and the reason. A list that is not there is empty.
    pub fn entries(&self) -> Result<BTreeMap<String, KeyEntry>, KeyError> {
        let text = match fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
            Err(error) => return Err(self.failed("cannot read", &error)),
        };
        let contents: Contents = serde_json::from_str(&text).map_err(|error| {
            self.failed(
                "does not understand",
                &format!("{error}; it is only a list: remove it, and name the kinds of keys"),
            )
        })?;
        if contents.version != VERSION {
            return Err(
                self.failed("does not understand", &format!("version {}; use a newer program", contents.version))
            );
        }
        Ok(contents.keys)
    }

    /// One name.
    ///
    /// # Errors
    /// As [`KeyList::entries`].
    pub fn get(&self, name: &str) -> Result<Option<KeyEntry>, KeyError> {
        Ok(self.entries()?.remove(name))
    }

    /// Makes the key with this name, and puts the name into the list. One that is there as the same key stays as it is.
    ///
    /// # Errors
    /// As [`NamedKeys::key`]; [`KeyError::List`] if the name stands for another key.
    pub fn create(&self, keys: &NamedKeys, name: &str, algorithm: KeyAlgorithm) -> Result<(TpmKey, bool), KeyError> {
        if let Some(entry) = self.get(name)?
            && entry.kind()? != algorithm
        {
            return Err(KeyError::List(format!(
                "the list {} has \"{name}\" as {}, and {algorithm} would be another key: choose another name, or take this \
                 one off the list first (ironroot key remove)",
                self.path.display(),
                entry.algorithm
            )));
        }
        let key = keys.key(name, algorithm)?;
        let fingerprint = fingerprint(&key)?;
        let mut new = false;
        self.change(|entries| {
            match entries.get(name) {
                Some(entry) if entry.fingerprint == fingerprint => {}
                Some(entry) => return Err(self.another(name, entry, &fingerprint)),
                None => {
                    new = true;
                    let created = SystemTime::UNIX_EPOCH.elapsed().map_or(0, |time| time.as_secs());
                    let algorithm = algorithm.name().to_owned();
                    entries.insert(name.into(), KeyEntry { algorithm, fingerprint, created, handle: None });
                }
            }
            Ok(())
        })?;
        Ok((key, new))
    }

    /// The key with this name. Its kind is the one that is given, or else the one that the list has; and it has to be the key
    /// that the list remembers, if it does.
    ///
    /// # Errors
    /// As [`NamedKeys::key`]; [`KeyError::List`] if nobody knows the kind, or if the TPM makes another key than the list has.
    pub fn open(&self, keys: &NamedKeys, name: &str, algorithm: Option<KeyAlgorithm>) -> Result<TpmKey, KeyError> {
        let entry = self.get(name)?;
        let listed = entry.as_ref().map(KeyEntry::kind).transpose()?;
        let kind = algorithm.or(listed).ok_or_else(|| {
            KeyError::List(format!(
                "the list {} has no \"{name}\": create it (ironroot key create), or say what kind of key it is (--ecc p256, …)",
                self.path.display()
            ))
        })?;
        let Some(entry) = entry.filter(|_| listed == Some(kind)) else {
            return keys.key(name, kind);
        };
        if let Some(handle) = entry.handle
            && let Some(key) = keys.at_handle(TpmHandle(handle), &entry.fingerprint)?
        {
            return Ok(key);
        }
        let key = keys.key(name, kind)?;
        let made = fingerprint(&key)?;
        if made == entry.fingerprint { Ok(key) } else { Err(self.another(name, &entry, &made)) }
    }

    /// Notes where a key is kept.
    ///
    /// # Errors
    /// As [`KeyList::entries`]. A name that is not in the list is none.
    pub fn set_handle(&self, name: &str, handle: Option<TpmHandle>) -> Result<(), KeyError> {
        self.change(|entries| {
            if let Some(entry) = entries.get_mut(name) {
                entry.handle = handle.map(|handle| handle.0);
            }
            Ok(())
        })
    }

    /// Takes a name off the list, and returns what the list had. The key itself is not stored, so it cannot be removed: the same
    /// name gives the same key again.
    ///
    /// # Errors
    /// As [`KeyList::entries`].
    pub fn remove(&self, name: &str) -> Result<Option<KeyEntry>, KeyError> {
        let mut removed = None;
        self.change(|entries| {
            removed = entries.remove(name);
            Ok(())
        })?;
        Ok(removed)
    }

    fn another(&self, name: &str, entry: &KeyEntry, made: &str) -> KeyError {
        KeyError::List(format!(
            "the key \"{name}\" of this TPM is not the one that the list {} has (fingerprint {made}, not {}): this is another \
             TPM than then, or it has a new endorsement seed (TPM2_ChangeEPS, a TPM manufactured anew). Name the right TPM \
             with --tcti, use another list with --list, or take the name off it (ironroot key remove)",
            self.path.display(),
            entry.fingerprint
        ))
    }

    /// Reads, changes and replaces the list while nobody else does.
    fn change(
        &self,
        action: impl FnOnce(&mut BTreeMap<String, KeyEntry>) -> Result<(), KeyError>,
    ) -> Result<(), KeyError> {
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::create_dir_all(folder).map_err(|error| self.failed("cannot make the folder of", &error))?;
        let beside = |suffix: &str| {
            let mut path = self.path.clone().into_os_string();
            path.push(suffix);
            PathBuf::from(path)
        };
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(beside(".lock"));
        let lock: File = lock.map_err(|error| self.failed("cannot lock", &error))?;
        lock.lock().map_err(|error| self.failed("cannot lock", &error))?;
        let before = self.entries()?;
        let mut keys = before.clone();
        action(&mut keys)?;
        if keys == before {
            return Ok(());
        }
        let text = serde_json::to_string_pretty(&Contents { version: VERSION, keys })
            .map_err(|error| self.failed("cannot write", &error))?;
        let new = beside(".new");
        let written = (|| {
            let mut file = File::create(&new)?;
            file.write_all(text.as_bytes())?;
            file.write_all(b"\n")?;
            file.sync_all()?;
            fs::rename(&new, &self.path)
        })();
        written.map_err(|error| self.failed("cannot write", &error))
    }

    fn failed(&self, what: &str, error: &dyn std::fmt::Display) -> KeyError {
        KeyError::List(format!("{what} the list of keys {}: {error}", self.path.display()))
    }
}
