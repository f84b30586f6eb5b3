//! The token's objects: for each name of the list a private and a public key, and the certificates of the folder. Handles stay as long as the
//! process.

use std::{collections::BTreeMap, fs, time::SystemTime};

use cryptoki_sys::{CK_OBJECT_CLASS, CK_OBJECT_HANDLE, CKO_CERTIFICATE, CKO_PRIVATE_KEY, CKO_PUBLIC_KEY};
use ironroot_client::wire::TpmaObject;
use ironroot_keys::{KeyAlgorithm, KeyEntry, KeyError, KeyReference};

use crate::{
    certificates::{self, Listed},
    config::Config,
    error::say,
    public::{self, PublicKey},
    token::Token,
};

/// A key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Key {
    pub reference: KeyReference,
    /// `CKA_LABEL`.
    pub name: String,
    pub algorithm: KeyAlgorithm,
    /// `CKA_ID`.
    pub id: Vec<u8>,
    pub fingerprint: String,
    /// Where it is kept, if it is.
    pub handle: Option<u32>,
    /// DER; empty if no certificate is for this key.
    pub subject: Vec<u8>,
    /// It was made in this TPM and cannot leave it.
    pub made_in_the_tpm: bool,
}

/// A certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Certificate {
    pub listed: Listed,
    /// That of the key that it is for.
    pub id: Vec<u8>,
}

/// An object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Object {
    Private(Key),
    Public(Key),
    Certificate(Box<Certificate>),
}

impl Object {
    pub(crate) const fn class(&self) -> CK_OBJECT_CLASS {
        match self {
            Self::Private(_) => CKO_PRIVATE_KEY,
            Self::Public(_) => CKO_PUBLIC_KEY,
            Self::Certificate(_) => CKO_CERTIFICATE,
        }
    }

    /// The key, if it is one.
    pub(crate) const fn key(&self) -> Option<&Key> {
        match self {
            Self::Private(key) | Self::Public(key) => Some(key),
            Self::Certificate(_) => None,
        }
    }

    /// What makes it the same object when the list is read again.
    fn identity(&self) -> (CK_OBJECT_CLASS, Vec<u8>) {
        let what = match self {
            Self::Private(key) | Self::Public(key) => format!("{}\0{}", key.reference, key.fingerprint).into_bytes(),
            Self::Certificate(certificate) => certificate.listed.der.clone(),
        };
        (self.class(), what)
    }
}

/// The objects, by handle.
#[derive(Debug, Default)]
pub(crate) struct Objects {
    now: BTreeMap<CK_OBJECT_HANDLE, Object>,
    handles: BTreeMap<(CK_OBJECT_CLASS, Vec<u8>), CK_OBJECT_HANDLE>,
    /// Public keys that are known: from certificates, or because the TPM was asked once. By fingerprint, which says that they are the right ones.
    publics: BTreeMap<String, PublicKey>,
    /// Those in files and at handles that the TPM was asked for once.
    elsewhere: Vec<Key>,
    /// When the list was as it is in `now`: it may have a thousand keys.
    seen: Option<(SystemTime, u64)>,
}

impl Objects {
    /// Reads the list and the folder, if they have changed.
    pub(crate) fn refresh(&mut self, config: &Config, token: &mut Token) -> Result<(), KeyError> {
        let metadata = fs::metadata(config.list.path()).ok();
        let stamp = metadata.and_then(|metadata| Some((metadata.modified().ok()?, metadata.len())));
        let certificates = certificates::read(&config.certificates);
        for certificate in &certificates {
            self.publics.insert(certificate.public.fingerprint(), certificate.public.clone());
        }
        let listed: Vec<Key> = if config.keys.is_empty() && stamp.is_some() && self.seen == stamp {
            let private = self.now.values().filter(|object| object.class() == CKO_PRIVATE_KEY);
            private.filter_map(Object::key).cloned().collect()
        } else {
            self.keys(config, token)?
        };
        self.seen = stamp;
        self.set(listed, certificates);
        Ok(())
    }

    /// The keys that are to be shown.
    fn keys(&mut self, config: &Config, token: &mut Token) -> Result<Vec<Key>, KeyError> {
        let mut entries = config.list.entries()?;
        if config.keys.is_empty() {
            return Ok(entries.into_iter().filter_map(|(name, entry)| key(name, entry)).collect());
        }
        let mut keys = Vec::new();
        for reference in &config.keys {
            let found = match reference {
                KeyReference::Name(name) => match entries.remove(name) {
                    Some(entry) => key(name.clone(), entry),
                    None => {
                        say(&format!("the list {} has no key \"{name}\"", config.list.path().display()));
                        None
                    }
                },
                _ => self.elsewhere(config, token, reference),
            };
            keys.extend(found);
        }
        Ok(keys)
    }

    /// A key in a file or at a handle: what kind it is, only the TPM knows.
    fn elsewhere(&mut self, config: &Config, token: &mut Token, reference: &KeyReference) -> Option<Key> {
        let not_shown = |reason: &dyn std::fmt::Display| say(&format!("the key {reference} is not shown: {reason}"));
        if let Some(known) = self.elsewhere.iter().find(|known| known.reference == *reference) {
            return Some(known.clone());
        }
        let (spki, attributes) = token.public(config, reference).map_err(|error| not_shown(&error)).ok()?;
        let public = PublicKey::from_spki(&spki);
        let Some((public, algorithm)) = public.and_then(|public| Some((public.clone(), public.algorithm()?))) else {
            not_shown(
                &"it is of another kind than ECDSA on P-256, P-384 and P-521, Ed25519, and RSA with 2048 to 4096 bits",
            );
            return None;
        };
        if attributes.contains(TpmaObject::RESTRICTED) {
            not_shown(&"it is a restricted key: the TPM signs nothing with it that comes from outside");
            return None;
        }
        let fingerprint = public.fingerprint();
        self.learn(public);
        let key = Key {
            name: reference.label(),
            reference: reference.clone(),
            algorithm,
            id: public::id(&fingerprint),
            fingerprint,
            handle: None,
            subject: Vec::new(),
            made_in_the_tpm: attributes.contains(TpmaObject::SENSITIVE_DATA_ORIGIN.with(TpmaObject::FIXED_TPM)),
        };
        self.elsewhere.push(key.clone());
        Some(key)
    }

    fn set(&mut self, mut keys: Vec<Key>, certificates: Vec<Listed>) {
        let mut objects = Vec::new();
        let mut subjects = BTreeMap::new();
        for listed in certificates {
            let fingerprint = listed.public.fingerprint();
            subjects.entry(fingerprint.clone()).or_insert_with(|| listed.subject.clone());
            objects.push(Object::Certificate(Box::new(Certificate { listed, id: public::id(&fingerprint) })));
        }
        for key in &mut keys {
            key.subject = subjects.get(&key.fingerprint).cloned().unwrap_or_default();
        }
        objects.extend(keys.iter().cloned().map(Object::Public));
        objects.extend(keys.into_iter().map(Object::Private));
        self.now.clear();
        for object in objects {
            let next = CK_OBJECT_HANDLE::try_from(self.handles.len()).unwrap_or(CK_OBJECT_HANDLE::MAX - 1) + 1;
            let handle = *self.handles.entry(object.identity()).or_insert(next);
            self.now.insert(handle, object);
        }
    }

    pub(crate) fn get(&self, handle: CK_OBJECT_HANDLE) -> Option<&Object> {
        self.now.get(&handle)
    }

    /// All, in the order of their handles.
    pub(crate) fn all(&self) -> impl Iterator<Item = (CK_OBJECT_HANDLE, &Object)> {
        self.now.iter().map(|(handle, object)| (*handle, object))
    }

    /// The handle of one of a named key's objects.
    pub(crate) fn handle_of(&self, class: CK_OBJECT_CLASS, name: &str) -> Option<CK_OBJECT_HANDLE> {
        // A key in a file may have the same label.
        let wanted = KeyReference::Name(name.into());
        self.all()
            .find(|(_, object)| object.class() == class && object.key().is_some_and(|key| key.reference == wanted))
            .map(|(handle, _)| handle)
    }

    /// The public key, if it is known.
    pub(crate) fn public(&self, fingerprint: &str) -> Option<&PublicKey> {
        self.publics.get(fingerprint)
    }

    /// Remembers a public key, under its own fingerprint.
    pub(crate) fn learn(&mut self, key: PublicKey) {
        self.publics.insert(key.fingerprint(), key);
    }
}

fn key(name: String, entry: KeyEntry) -> Option<Key> {
    let algorithm = entry.kind().map_err(|error| say(&format!("the key \"{name}\" is not shown: {error}"))).ok()?;
    // PKCS #11 has ML-DSA since 3.2 only, and clients do not know it yet.
    let known = public::ec_params(algorithm).is_some() || public::bits(algorithm).is_some();
    if !known {
        say(&format!("the key \"{name}\" is not shown: programs do not know {algorithm} yet"));
    }
    known.then(|| Key {
        reference: KeyReference::Name(name.clone()),
        id: public::id(&entry.fingerprint),
        fingerprint: entry.fingerprint,
        handle: entry.handle,
        subject: Vec::new(),
        made_in_the_tpm: true,
        name,
        algorithm,
    })
}
