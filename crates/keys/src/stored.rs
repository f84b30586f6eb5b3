//! Keys of their own, each with its file: made by the TPM, or brought into it from outside. After `TPM2_Clear` the owner's are
//! gone; a named key ([`crate::NamedKeys`]) is not.

use ironroot_client::{
    Created,
    wire::{
        PublicKind, SeedValue, Tpm2bAuth, Tpm2bDigest, TpmEccCurve, TpmHandle, TpmaObject, TpmtPublic, TpmtSensitive,
    },
};

use crate::{
    Conditions, FileKind, KeyAlgorithm, KeyError, KeyFile, PolicyStep, PrivateKey, SharedTpm,
    key_file::{create_under, import, with_parent},
    named::signing_kind,
    policy,
    wrap::wrap,
};

/// Where a key with a file belongs, and what has to hold before it is used.
#[derive(Debug, Clone, Copy)]
pub struct StoredKey<'a> {
    /// The parent: a persistent storage key; or a hierarchy, in which the parent is made from the fixed template of such files.
    pub parent: TpmHandle,
    /// Whether a parent that is made in a hierarchy is an RSA key and not one on P-256.
    pub rsa_parent: bool,
    /// What has to hold. The password is the key's auth value.
    pub conditions: Conditions<'a>,
    /// What the key is for, in words.
    pub description: Option<&'a str>,
}

impl Default for StoredKey<'_> {
    /// Under the owner's P-256 parent, without conditions.
    fn default() -> Self {
        Self { parent: TpmHandle::OWNER, rsa_parent: false, conditions: Conditions::default(), description: None }
    }
}

impl StoredKey<'_> {
    /// A new key, made by the TPM.
    ///
    /// # Errors
    /// [`KeyError::KeyFile`] for a parent that is none; [`KeyError::Sealed`] for conditions that cannot be; what the TPM may answer.
    pub fn create(&self, tpm: &SharedTpm, algorithm: KeyAlgorithm) -> Result<KeyFile, KeyError> {
        let kind = signing_kind(algorithm, &[]);
        self.check_policy(&kind)?;
        let (steps, digest) = policy::of(tpm, &self.conditions)?;
        let attributes = TpmaObject::FIXED_TPM.with(TpmaObject::FIXED_PARENT).with(TpmaObject::SENSITIVE_DATA_ORIGIN);
        let template = self.template(attributes, digest, kind);
        let created = with_parent(tpm, self.parent, self.rsa_parent, |tpm, parent| {
            create_under(tpm, parent, &template, self.conditions.password, b"")
        })?;
        Ok(self.file(FileKind::Loadable, steps, created))
    }

    /// A key from outside, taken into the TPM. It was outside: whoever had it then may have it still.
    ///
    /// # Errors
    /// As [`StoredKey::create`].
    pub fn import(&self, tpm: &SharedTpm, key: &PrivateKey) -> Result<KeyFile, KeyError> {
        self.check_policy(&key.public)?;
        let (steps, digest) = policy::of(tpm, &self.conditions)?;
        let public = self.imported_public(key, digest);
        with_parent(tpm, self.parent, self.rsa_parent, |tpm, parent| {
            let mut file = self.wrapped(&parent.public, key, public, steps)?;
            file.private = import(tpm, parent.handle, &file)?;
            Ok(KeyFile { kind: FileKind::Loadable, secret: None, ..file })
        })
    }

    /// A key from outside, encrypted to a parent in a TPM that is not here: only that TPM can import it, when the file is used there
    /// first. The conditions are a password at most, because a policy is made by the TPM.
    ///
    /// # Errors
    /// [`KeyError::Sealed`] for other conditions; [`KeyError::Unsuitable`] for a parent that is no storage key.
    pub fn wrap_for(&self, parent: &TpmtPublic, key: &PrivateKey) -> Result<KeyFile, KeyError> {
        if self.conditions.pcrs.is_some() || self.conditions.signer.is_some() {
            let reason = "a key that is encrypted to a TPM elsewhere has a password at most, and no policy";
            return Err(KeyError::Sealed(reason.into()));
        }
        self.wrapped(parent, key, self.imported_public(key, Tpm2bDigest::default()), Vec::new())
    }

    /// Keys that sign messages and not digests have no policy here, so none is made that could never sign.
    fn check_policy(&self, kind: &PublicKind) -> Result<(), KeyError> {
        let signs_messages = match kind {
            PublicKind::Ecc(parms, _) => parms.curve_id == TpmEccCurve::Curve25519,
            PublicKind::Mldsa(..) => true,
            _ => false,
        };
        if signs_messages && (self.conditions.pcrs.is_some() || self.conditions.signer.is_some()) {
            let reason =
                "keys of Ed25519 and ML-DSA have a password at most, and no policy: choose another kind of key";
            return Err(KeyError::Sealed(reason.into()));
        }
        Ok(())
    }

    fn wrapped(
        &self,
        parent: &TpmtPublic,
        key: &PrivateKey,
        public: TpmtPublic,
        steps: Vec<PolicyStep>,
    ) -> Result<KeyFile, KeyError> {
        let too_long = |_| KeyError::unsuitable("the auth value is longer than a SHA-256 digest: 32 bytes at most");
        let auth_value = Some(self.conditions.password).filter(|password| password.len() <= 32);
        let auth_value = auth_value.ok_or(()).map_err(too_long)?;
        let sensitive = TpmtSensitive {
            auth_value: Tpm2bAuth::from_slice(auth_value).unwrap_or_default(),
            seed_value: SeedValue::default(),
            sensitive: key.sensitive.clone(),
        };
        let wrapped = wrap(parent, &public, sensitive)?;
        let created = Created { private: wrapped.duplicate, public };
        Ok(KeyFile { secret: Some(wrapped.secret), ..self.file(FileKind::Importable, steps, created) })
    }

    fn imported_public(&self, key: &PrivateKey, policy: Tpm2bDigest) -> TpmtPublic {
        self.template(TpmaObject::NONE, policy, key.public.clone())
    }

    fn template(&self, attributes: TpmaObject, auth_policy: Tpm2bDigest, kind: PublicKind) -> TpmtPublic {
        let mut object_attributes = attributes.with(TpmaObject::SIGN_ENCRYPT);
        if auth_policy.is_empty() {
            object_attributes = object_attributes.with(TpmaObject::USER_WITH_AUTH);
        }
        // Without a password there is nothing to be guessed, so the key shall work in lockout, too.
        if self.conditions.password.is_empty() {
            object_attributes = object_attributes.with(TpmaObject::NO_DA);
        }
        TpmtPublic { name_alg: Some(policy::SHA256), object_attributes, auth_policy, kind }
    }

    fn file(&self, kind: FileKind, policy: Vec<PolicyStep>, object: Created) -> KeyFile {
        KeyFile {
            empty_auth: self.conditions.password.is_empty(),
            rsa_parent: self.rsa_parent && self.parent.kind() == ironroot_client::wire::HandleKind::Permanent,
            description: self.description.map(str::to_owned),
            policy,
            ..KeyFile::of(kind, self.parent, object)
        }
    }
}

/// The public area of a parent, to which keys are encrypted elsewhere ([`StoredKey::wrap_for`]).
///
/// # Errors
/// As [`StoredKey::create`].
pub fn parent_public(tpm: &SharedTpm, parent: TpmHandle, rsa: bool) -> Result<TpmtPublic, KeyError> {
    with_parent(tpm, parent, rsa, |_, parent| Ok(parent.public.clone()))
}

impl KeyFile {
    /// Adds what the signer has approved to the file, in front of what is there: the newest is the likeliest to hold.
    ///
    /// # Errors
    /// [`KeyError::Sealed`] if it is not the signer's signature of the values that these PCRs have now; [`KeyError::KeyFile`] if the
    /// file leaves nothing to a signer.
    pub fn approve(
        &mut self,
        tpm: &SharedTpm,
        approval: crate::Approval<'_>,
        name: Option<&str>,
    ) -> Result<(), KeyError> {
        let approved = policy::approved(tpm, self, approval, name)?;
        self.auth_policy.retain(|other| other.steps.first() != approved.steps.first());
        self.auth_policy.insert(0, approved);
        Ok(())
    }
}
