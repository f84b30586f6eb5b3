//! TSS2 PRIVATE KEY files: a key's public area and its private area, which only its parent in its TPM can open. OpenSSL's
//! tpm2 provider, OpenConnect, ssh-tpm-agent and others read and write the same files (ASN.1 Specification for TPM 2.0 Key
//! Files, OID 2.23.133.10.1.3).

use der::{
    Decode, DecodePem, DecodeValue, Encode, EncodePem, EncodeValue, FixedTag, Header, Length, Reader, Sequence, Tag,
    Writer,
    asn1::{ObjectIdentifier, OctetString},
    oid::AssociatedOid,
    pem::{LineEnding, PemLabel},
};
use ironroot_client::{
    ClientError, Created, Loaded, SessionOptions, Tpm, templates,
    wire::{
        HandleKind, Import, Tpm2b, Tpm2bData, Tpm2bEncryptedSecret, Tpm2bPrivate, TpmHandle, TpmRc, TpmiDhObject,
        TpmtPublic, Wire,
    },
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
    /// A key that was encrypted to its parent somewhere else, and that the parent imports before it loads it.
    Importable,
    /// Sealed data; to be imported, too, if it has a secret.
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

/// One of the policies that a signer has approved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthPolicy {
    /// What people call it.
    pub name: Option<String>,
    /// Its steps; the last is the signer's approval of those before it.
    pub steps: Vec<PolicyStep>,
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
    /// What a signer has approved, the likeliest first, if the policy's first step leaves it to one.
    pub auth_policy: Vec<AuthPolicy>,
    /// The public area.
    pub public: TpmtPublic,
    /// The encrypted private area; of a key to be imported, what `TPM2_Import` takes.
    pub private: Tpm2bPrivate,
    /// Of a key or of sealed data to be imported, the seed of its outer wrapper, encrypted to the parent.
    pub secret: Option<Tpm2bEncryptedSecret>,
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
    auth_policy: Option<Vec<TpmAuthPolicy>>,
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

/// `TPMAuthPolicy`.
#[derive(Sequence)]
struct TpmAuthPolicy {
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    name: Option<String>,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT")]
    policy: Vec<TpmPolicy>,
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
        let created = with_parent(tpm, parent, false, |tpm, parent| create_under(tpm, parent, template, auth, b""))?;
        Ok(Self { empty_auth: auth.is_empty(), ..Self::of(FileKind::Loadable, parent, created) })
    }

    /// A file with nothing but the object.
    pub(crate) fn of(kind: FileKind, parent: TpmHandle, object: Created) -> Self {
        Self {
            kind,
            empty_auth: true,
            parent,
            rsa_parent: false,
            description: None,
            policy: Vec::new(),
            auth_policy: Vec::new(),
            public: object.public,
            private: object.private,
            secret: None,
        }
    }

    /// The same key as a file that its parent loads as it is: one that was to be imported is imported now.
    ///
    /// # Errors
    /// What the TPM may answer: above all `TPM_RC_INTEGRITY` or `TPM_RC_VALUE`, for a key that was encrypted to another parent.
    pub fn imported(&self, tpm: &SharedTpm) -> Result<Self, KeyError> {
        if self.kind != FileKind::Importable {
            return Ok(self.clone());
        }
        let private = with_parent(tpm, self.parent, self.rsa_parent, |tpm, parent| import(tpm, parent.handle, self))?;
        Ok(Self { kind: FileKind::Loadable, private, secret: None, ..self.clone() })
    }

    /// Loads the key into its TPM.
    ///
    /// # Errors
    /// What the TPM may answer: above all `TPM_RC_INTEGRITY`, for a key that belongs to another TPM. [`KeyError::KeyFile`] for
    /// sealed data.
    pub fn load(&self, tpm: &SharedTpm, auth: &[u8]) -> Result<TpmKey, KeyError> {
        if self.kind == FileKind::Sealed {
            return Err(KeyError::KeyFile("it holds sealed data and no key".into()));
        }
        let loaded = self.load_object(tpm, auth)?;
        TpmKey::new(tpm, loaded, Origin::File(Box::new(self.clone()), Zeroizing::new(auth.to_vec())))
    }

    pub(crate) fn load_object(&self, tpm: &SharedTpm, auth: &[u8]) -> Result<Loaded, KeyError> {
        with_parent(tpm, self.parent, self.rsa_parent, |tpm, parent| {
            let imported = match self.kind {
                FileKind::Importable => Some(import(tpm, parent.handle, self)?),
                _ => None,
            };
            let private = imported.as_ref().unwrap_or(&self.private);
            let loaded = tpm.load(parent.handle, private, &self.public).map_err(not_loaded)?;
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
        let steps = |steps: &[PolicyStep]| {
            let step =
                |step: &PolicyStep| Ok::<_, KeyError>(TpmPolicy { code: step.code, body: octets(step.body.clone())? });
            steps.iter().map(step).collect::<Result<Vec<_>, _>>()
        };
        let alternative = |alternative: &AuthPolicy| {
            Ok::<_, KeyError>(TpmAuthPolicy { name: alternative.name.clone(), policy: steps(&alternative.steps)? })
        };
        let policy = steps(&self.policy)?;
        let auth_policy = self.auth_policy.iter().map(alternative).collect::<Result<Vec<_>, _>>()?;
        Ok(TpmKeyFile {
            kind: match self.kind {
                FileKind::Loadable => LOADABLE_KEY,
                FileKind::Importable => IMPORTABLE_KEY,
                FileKind::Sealed => SEALED_KEY,
            },
            // Always there: OpenSSL's provider takes an absent one for TRUE and asks for no auth value.
            empty_auth: Some(Boolean(self.empty_auth)),
            policy: if policy.is_empty() { None } else { Some(policy) },
            secret: self.secret.as_ref().map(|secret| octets(secret.to_bytes())).transpose()?,
            auth_policy: if auth_policy.is_empty() { None } else { Some(auth_policy) },
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
            IMPORTABLE_KEY => FileKind::Importable,
            _ => return refuse("it is of a kind that is not known"),
        };
        let steps = |steps: Vec<TpmPolicy>| -> Vec<PolicyStep> {
            steps.into_iter().map(|step| PolicyStep { code: step.code, body: step.body.as_bytes().to_vec() }).collect()
        };
        let alternative =
            |alternative: TpmAuthPolicy| AuthPolicy { name: alternative.name, steps: steps(alternative.policy) };
        let auth_policy = file.auth_policy.unwrap_or_default().into_iter().map(alternative).collect();
        match (kind, &file.secret) {
            (FileKind::Importable, None) => return refuse("a key to be imported has a secret"),
            (FileKind::Loadable, Some(_)) => return refuse("a key that is loaded as it is has no secret"),
            _ => {}
        }
        let unmarshal = |what: &str, error| KeyError::KeyFile(format!("its {what} area is broken: {error}"));
        let public: Tpm2b<TpmtPublic> =
            Wire::from_bytes(file.public.as_bytes()).map_err(|error| unmarshal("public", error))?;
        let secret = file.secret.as_ref().map(|secret| Wire::from_bytes(secret.as_bytes()));
        let secret = secret.transpose().map_err(|error| unmarshal("secret", error))?;
        Ok(Self {
            kind,
            policy: steps(file.policy.unwrap_or_default()),
            auth_policy,
            secret,
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
    action: impl FnOnce(&mut Tpm, &Loaded) -> Result<T, KeyError>,
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

/// Makes an object under its parent. Its auth value and its data travel encrypted, salted with the parent.
pub(crate) fn create_under(
    tpm: &mut Tpm,
    parent: &Loaded,
    template: &TpmtPublic,
    auth: &[u8],
    data: &[u8],
) -> Result<Created, KeyError> {
    let options = SessionOptions::hmac().salted(parent.handle, &parent.public);
    let session = tpm.start_session(&options)?.encrypting();
    let before = tpm.set_companion(Some(session));
    let result = tpm.create(parent.handle, template, auth, data);
    let session = tpm.set_companion(before);
    let ended = session.map_or(Ok(()), |session| tpm.end_session(session));
    let created = result?;
    ended?;
    Ok(created)
}

/// `TPM2_Import` without an inner wrapper, as the files have it.
pub(crate) fn import(tpm: &mut Tpm, parent: TpmHandle, file: &KeyFile) -> Result<Tpm2bPrivate, KeyError> {
    let command = Import {
        parent_handle: TpmiDhObject(parent.0),
        encryption_key: Tpm2bData::default(),
        object_public: Tpm2b(file.public.clone()),
        duplicate: file.private.clone(),
        in_sym_seed: file.secret.clone().unwrap_or_default(),
        symmetric_alg: None,
    };
    match tpm.run(&command) {
        // A parent of the other kind finds the seed's size wrong, RSA its padding, ECC its point or the integrity value.
        Err(error)
            if [TpmRc::INTEGRITY, TpmRc::VALUE, TpmRc::SIZE, TpmRc::ECC_POINT, TpmRc::INSUFFICIENT]
                .iter()
                .any(|rc| error.is(*rc)) =>
        {
            Err(KeyError::KeyFile(format!(
                "it was encrypted to another parent or has been changed ({error}); the parent of this TPM is what ironroot key parent \
             prints"
            )))
        }
        other => Ok(other?.out_private),
    }
}

fn not_loaded(error: ClientError) -> KeyError {
    if error.is(TpmRc::INTEGRITY) {
        let reason = format!("it belongs to another TPM or another parent, or is from before TPM2_Clear ({error})");
        return KeyError::KeyFile(reason);
    }
    error.into()
}
