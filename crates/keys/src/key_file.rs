//! TSS2 PRIVATE KEY files: a key's public area and its private area, which only its parent in its TPM can open. OpenSSL's
//! tpm2 provider, OpenConnect, ssh-tpm-agent and others read and write the same files (ASN.1 Specification for TPM 2.0 Key
//! Files, OID 2.23.133.10.1.3).

use der::{
    Decode, DecodePem, DecodeValue, Encode, EncodePem, EncodeValue, FixedTag, Header, Length, Reader, Sequence, Tag,
    Writer,
    asn1::{Any, ObjectIdentifier, OctetString},
    oid::AssociatedOid,
    pem::{LineEnding, PemLabel},
};
use ironroot_client::{
    Loaded, templates,
    wire::{HandleKind, Tpm2b, Tpm2bPrivate, TpmHandle, TpmtPublic, Wire},
};

use zeroize::Zeroizing;

use crate::{
    KeyError, SharedTpm, TpmKey,
    key::{Origin, create_primary},
};

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// A key that its parent loads.
    Loadable,
    /// Sealed data.
    Sealed,
}

/// One command of a policy, by its code, and what it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyStep {
    /// The command code.
    pub code: u32,
    /// The command's body, as the specification of the files has it.
    pub body: Vec<u8>,
}

/// A key that can be loaded into its TPM, or sealed data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFile {
    /// What it holds.
    pub kind: FileKind,
    /// Whether the key's auth value is empty, so that nobody needs to be asked for it.
    pub empty_auth: bool,
    /// The parent: a persistent storage key, or a hierarchy, in which the parent is made from a fixed template.
    pub parent: TpmHandle,
    /// Whether the parent that is made in a hierarchy is an RSA key and not one on P-256.
    pub rsa_parent: bool,
    /// What the key is for, in words.
    pub description: Option<String>,
    /// The steps of the object's policy, in order; none if it has none.
    pub policy: Vec<PolicyStep>,
    /// The public area.
    pub public: TpmtPublic,
    /// The encrypted private area.
    pub private: Tpm2bPrivate,
}

/// `TPMKey` of the specification.
#[derive(Sequence)]
struct TpmKeyFile {
    kind: ObjectIdentifier,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    empty_auth: Option<Boolean>,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    policy: Option<Vec<TpmPolicy>>,
    #[asn1(context_specific = "2", tag_mode = "EXPLICIT", optional = "true")]
    secret: Option<OctetString>,
    #[asn1(context_specific = "3", tag_mode = "EXPLICIT", optional = "true")]
    auth_policy: Option<Any>,
    #[asn1(context_specific = "4", tag_mode = "EXPLICIT", optional = "true")]
    description: Option<String>,
    #[asn1(context_specific = "5", tag_mode = "EXPLICIT", optional = "true")]
    rsa_parent: Option<Boolean>,
    parent: u32,
    public: OctetString,
    private: OctetString,
}

/// `TPMPolicy`.
#[derive(Sequence)]
struct TpmPolicy {
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    code: u32,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT")]
    body: OctetString,
}

/// A BOOLEAN whose TRUE may be any octet but zero, as BER allows: OpenSSL's provider writes 1 where DER wants 255.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Boolean(bool);

impl FixedTag for Boolean {
    const TAG: Tag = Tag::Boolean;
}

impl<'a> DecodeValue<'a> for Boolean {
    type Error = der::Error;
    fn decode_value<R: Reader<'a>>(reader: &mut R, header: Header) -> der::Result<Self> {
        if header.length() != Length::ONE {
            return Err(reader.error(Self::TAG.length_error()));
        }
        Ok(Self(reader.read_byte()? != 0))
    }
}

impl EncodeValue for Boolean {
    fn value_len(&self) -> der::Result<Length> {
        self.0.value_len()
    }
    fn encode_value(&self, writer: &mut impl Writer) -> der::Result<()> {
        self.0.encode_value(writer)
    }
}

/// `id-loadablekey`.
const LOADABLE_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.23.133.10.1.3");
/// `id-importablekey`.
const IMPORTABLE_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.23.133.10.1.4");
/// `id-sealedkey`.
const SEALED_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.23.133.10.1.5");

impl AssociatedOid for TpmKeyFile {
    const OID: ObjectIdentifier = LOADABLE_KEY;
}

impl PemLabel for TpmKeyFile {
    const PEM_LABEL: &'static str = "TSS2 PRIVATE KEY";
}

impl KeyFile {
    /// Makes a key in the TPM from a template, with this auth value.
    ///
    /// # Errors
    /// [`KeyError::KeyFile`] if `parent` is neither a hierarchy nor a persistent handle; what the TPM may answer.
    pub fn create(tpm: &SharedTpm, parent: TpmHandle, template: &TpmtPublic, auth: &[u8]) -> Result<Self, KeyError> {
        let created =
            with_parent(tpm, parent, false, |tpm, parent| Ok(tpm.create(parent.handle, template, auth, b"")?))?;
        Ok(Self {
            kind: FileKind::Loadable,
            empty_auth: auth.is_empty(),
            parent,
            rsa_parent: false,
            description: None,
            policy: Vec::new(),
            public: created.public,
            private: created.private,
        })
    }

    /// Loads the key into its TPM.
    ///
    /// # Errors
    /// What the TPM may answer: above all `TPM_RC_INTEGRITY`, for a key that belongs to another TPM. [`KeyError::KeyFile`] for
    /// sealed data, and for a key with a policy.
    pub fn load(&self, tpm: &SharedTpm, auth: &[u8]) -> Result<TpmKey, KeyError> {
        if self.kind == FileKind::Sealed {
            return Err(KeyError::KeyFile("it holds sealed data and no key".into()));
        }
        if !self.policy.is_empty() {
            return Err(KeyError::KeyFile("its key has a policy, which is not supported yet".into()));
        }
        let loaded = self.load_object(tpm, auth)?;
        TpmKey::new(tpm, loaded, Origin::File(Box::new(self.clone()), Zeroizing::new(auth.to_vec())))
    }

    pub(crate) fn load_object(&self, tpm: &SharedTpm, auth: &[u8]) -> Result<Loaded, KeyError> {
        with_parent(tpm, self.parent, self.rsa_parent, |tpm, parent| {
            let loaded = tpm.load(parent.handle, &self.private, &self.public)?;
            tpm.set_auth(loaded.handle, auth);
            Ok(loaded)
        })
    }

    /// Understands the PEM form.
    ///
    /// # Errors
    /// [`KeyError::KeyFile`] with the reason.
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        if pem.contains("PRIVATE KEY-----") && !pem.contains("TSS2 PRIVATE KEY-----") {
            let reason =
                "it holds a private key as it is, outside of a TPM; ironroot key import takes such a key into one";
            return Err(KeyError::KeyFile(reason.into()));
        }
        let file = TpmKeyFile::from_pem(pem).map_err(|error| KeyError::KeyFile(error.to_string()))?;
        Self::from_asn1(file)
    }

    /// Understands the PEM form, or the DER form.
    ///
    /// # Errors
    /// [`KeyError::KeyFile`] with the reason.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, KeyError> {
        // DER begins with the tag of a SEQUENCE; PEM is text, perhaps with other text in front.
        if bytes.first() == Some(&0x30) {
            return Self::from_der(bytes);
        }
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::from_pem(text),
            Err(_) => Err(KeyError::KeyFile("it is neither PEM nor DER".into())),
        }
    }

    /// Understands the DER form.
    ///
    /// # Errors
    /// [`KeyError::KeyFile`] with the reason.
    pub fn from_der(der: &[u8]) -> Result<Self, KeyError> {
        let file = TpmKeyFile::from_der(der).map_err(|error| KeyError::KeyFile(error.to_string()))?;
        Self::from_asn1(file)
    }

    /// The PEM form.
    ///
    /// # Errors
    /// [`KeyError::Encoding`].
    pub fn to_pem(&self) -> Result<String, KeyError> {
        self.to_asn1()?.to_pem(LineEnding::LF).map_err(KeyError::encoding("the key file"))
    }

    /// The DER form.
    ///
    /// # Errors
    /// [`KeyError::Encoding`].
    pub fn to_der(&self) -> Result<Vec<u8>, KeyError> {
        self.to_asn1()?.to_der().map_err(KeyError::encoding("the key file"))
    }

    fn to_asn1(&self) -> Result<TpmKeyFile, KeyError> {
        let octets = |bytes| OctetString::new(bytes).map_err(KeyError::encoding("the key file"));
        let policy =
            |step: &PolicyStep| Ok::<_, KeyError>(TpmPolicy { code: step.code, body: octets(step.body.clone())? });
        let policy: Vec<TpmPolicy> = self.policy.iter().map(policy).collect::<Result<_, _>>()?;
        Ok(TpmKeyFile {
            kind: match self.kind {
                FileKind::Loadable => LOADABLE_KEY,
                FileKind::Sealed => SEALED_KEY,
            },
            // Always there: OpenSSL's provider takes an absent one for TRUE and asks for no auth value.
            empty_auth: Some(Boolean(self.empty_auth)),
            policy: if policy.is_empty() { None } else { Some(policy) },
            secret: None,
            auth_policy: None,
            description: self.description.clone(),
            rsa_parent: self.rsa_parent.then_some(Boolean(true)),
            parent: self.parent.0,
            public: octets(Tpm2b(self.public.clone()).to_bytes())?,
            private: octets(self.private.to_bytes())?,
        })
    }

    fn from_asn1(file: TpmKeyFile) -> Result<Self, KeyError> {
        let refuse = |reason: &str| Err(KeyError::KeyFile(reason.into()));
        let kind = match file.kind {
            LOADABLE_KEY => FileKind::Loadable,
            SEALED_KEY => FileKind::Sealed,
            IMPORTABLE_KEY => return refuse("it holds a key to be imported, which is not supported yet"),
            _ => return refuse("it is of a kind that is not known"),
        };
        if file.auth_policy.is_some() {
            return refuse("it has alternative policies, which are not supported yet");
        }
        let policy = file.policy.unwrap_or_default().into_iter();
        let policy = policy.map(|step| PolicyStep { code: step.code, body: step.body.as_bytes().to_vec() }).collect();
        if file.secret.is_some() {
            return refuse("it has a secret, which only a key to be imported has");
        }
        let unmarshal = |what: &str, error| KeyError::KeyFile(format!("its {what} area is broken: {error}"));
        let public: Tpm2b<TpmtPublic> =
            Wire::from_bytes(file.public.as_bytes()).map_err(|error| unmarshal("public", error))?;
        Ok(Self {
            kind,
            policy,
            empty_auth: file.empty_auth.is_some_and(|value| value.0),
            // Old files say 0 for the owner.
            parent: if file.parent == 0 { TpmHandle::OWNER } else { TpmHandle(file.parent) },
            rsa_parent: file.rsa_parent.is_some_and(|value| value.0),
            description: file.description,
            public: public.0,
            private: Wire::from_bytes(file.private.as_bytes()).map_err(|error| unmarshal("private", error))?,
        })
    }
}

/// Runs `action` with the parent. A parent that has to be made is flushed again.
pub(crate) fn with_parent<T>(
    tpm: &SharedTpm,
    parent: TpmHandle,
    rsa: bool,
    action: impl FnOnce(&mut ironroot_client::Tpm, &Loaded) -> Result<T, KeyError>,
) -> Result<T, KeyError> {
    let mut tpm = tpm.lock()?;
    match parent.kind() {
        HandleKind::Persistent => {
            let parent = tpm.read_public(parent)?;
            action(&mut tpm, &parent)
        }
        HandleKind::Permanent => {
            let template = if rsa { templates::key_file_parent_rsa2048() } else { templates::key_file_parent_p256() };
            let primary = create_primary(&mut tpm, parent, &template, b"")?;
            let result = action(&mut tpm, &primary);
            let flushed = tpm.flush(primary.handle);
            let value = result?;
            flushed?;
            Ok(value)
        }
        _ => Err(KeyError::KeyFile(format!("{:#010x} is neither a hierarchy nor a persistent key", parent.0))),
    }
}
