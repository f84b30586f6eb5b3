//! What a key in a TPM must be before somebody certifies it as a device's identity.
//!
//! Credential activation proves that a key with this exact public area is loaded in the TPM of the endorsement key; the
//! public area then says whether it can ever leave (`fixedTPM`, `fixedParent`), where it came from
//! (`sensitiveDataOrigin`) and what it may do.

use core::fmt;

use ironroot_wire::{PublicKind, TpmEccCurve, TpmaObject, TpmiAlgHash, TpmtEccScheme, TpmtPublic, TpmtRsaScheme};

/// What a profile asks of an attribute that is a matter of taste.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Requirement {
    /// The attribute is set.
    Set,
    /// The attribute is clear.
    Clear,
    /// Either.
    #[default]
    Any,
}

impl Requirement {
    const fn allows(self, set: bool) -> bool {
        match self {
            Self::Set => set,
            Self::Clear => !set,
            Self::Any => true,
        }
    }
}

/// What a profile asks of an identity key, beyond what every identity key must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityKeyPolicy {
    /// `restricted`: set for attestation keys, clear for keys that sign for TLS.
    pub restricted: Requirement,
    /// `userWithAuth`: whether the auth value (perhaps empty) suffices to sign.
    pub user_with_auth: Requirement,
    /// `adminWithPolicy`.
    pub admin_with_policy: Requirement,
    /// The authorization policy, if it must be a certain one.
    pub auth_policy: Option<Vec<u8>>,
    /// RSA key sizes in bits.
    pub rsa_key_bits: Vec<u16>,
    /// Curves.
    pub curves: Vec<TpmEccCurve>,
    /// Hash algorithms, for the name and for the signing scheme.
    pub hashes: Vec<TpmiAlgHash>,
    /// Whether an unrestricted key may leave the scheme open (`TPM_ALG_NULL`).
    pub open_scheme: bool,
}

impl IdentityKeyPolicy {
    /// A key for TLS client authentication: unrestricted, usable with its auth value or by policy.
    #[must_use]
    pub fn tls() -> Self {
        Self {
            restricted: Requirement::Clear,
            user_with_auth: Requirement::Any,
            admin_with_policy: Requirement::Any,
            auth_policy: None,
            rsa_key_bits: vec![2048, 3072, 4096],
            curves: vec![TpmEccCurve::NistP256, TpmEccCurve::NistP384, TpmEccCurve::NistP521],
            hashes: vec![TpmiAlgHash::Sha256, TpmiAlgHash::Sha384, TpmiAlgHash::Sha512],
            open_scheme: true,
        }
    }

    /// Checks a public area.
    ///
    /// # Errors
    /// [`IdentityKeyError`]: the first rule that it breaks.
    pub fn check(&self, public: &TpmtPublic) -> Result<(), IdentityKeyError> {
        self.check_attributes(public)?;
        match public.name_alg {
            Some(hash) if self.hashes.contains(&hash) => {}
            _ => return Err(IdentityKeyError::NameAlgorithm),
        }
        let scheme = self.check_algorithm(public)?;
        let restricted = public.object_attributes.contains(TpmaObject::RESTRICTED);
        match scheme {
            Some(hash) if !self.hashes.contains(&hash) => Err(IdentityKeyError::Scheme),
            None if restricted || !self.open_scheme => Err(IdentityKeyError::Scheme),
            _ => Ok(()),
        }
    }

    fn check_attributes(&self, public: &TpmtPublic) -> Result<(), IdentityKeyError> {
        let has = |attribute| public.object_attributes.contains(attribute);
        let rules = [
            (has(TpmaObject::FIXED_TPM), IdentityKeyError::NotFixedTpm),
            (has(TpmaObject::FIXED_PARENT), IdentityKeyError::NotFixedParent),
            (has(TpmaObject::SENSITIVE_DATA_ORIGIN), IdentityKeyError::NotGeneratedInTpm),
            (!has(TpmaObject::DECRYPT), IdentityKeyError::CanDecrypt),
            (has(TpmaObject::SIGN_ENCRYPT), IdentityKeyError::CannotSign),
            (!has(TpmaObject::X509_SIGN), IdentityKeyError::SignsCertificates),
            (self.restricted.allows(has(TpmaObject::RESTRICTED)), IdentityKeyError::Restricted),
            (self.user_with_auth.allows(has(TpmaObject::USER_WITH_AUTH)), IdentityKeyError::UserWithAuth),
            (self.admin_with_policy.allows(has(TpmaObject::ADMIN_WITH_POLICY)), IdentityKeyError::AdminWithPolicy),
            (self.auth_policy.as_ref().is_none_or(|policy| **policy == *public.auth_policy), IdentityKeyError::Policy),
        ];
        rules.into_iter().find(|(holds, _)| !holds).map_or(Ok(()), |(_, error)| Err(error))
    }

    /// Checks type and size; returns the hash of the signing scheme, or `None` if it is open.
    fn check_algorithm(&self, public: &TpmtPublic) -> Result<Option<TpmiAlgHash>, IdentityKeyError> {
        match &public.kind {
            PublicKind::Rsa(parms, _) => {
                if !self.rsa_key_bits.contains(&parms.key_bits.bits()) || !matches!(parms.exponent, 0 | 65_537) {
                    return Err(IdentityKeyError::Size);
                }
                match &parms.scheme {
                    None => Ok(None),
                    Some(TpmtRsaScheme::Rsassa(hash) | TpmtRsaScheme::Rsapss(hash)) => Ok(Some(*hash)),
                    Some(_) => Err(IdentityKeyError::Scheme),
                }
            }
            PublicKind::Ecc(parms, _) => {
                if !self.curves.contains(&parms.curve_id) {
                    return Err(IdentityKeyError::Size);
                }
                match &parms.scheme {
                    None => Ok(None),
                    Some(TpmtEccScheme::Ecdsa(hash)) => Ok(Some(*hash)),
                    Some(_) => Err(IdentityKeyError::Scheme),
                }
            }
            _ => Err(IdentityKeyError::NotAsymmetric),
        }
    }
}

/// The rule that an identity key breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdentityKeyError {
    /// `fixedTPM` is clear: the key may be duplicated to another TPM.
    NotFixedTpm,
    /// `fixedParent` is clear: the key may get another parent.
    NotFixedParent,
    /// `sensitiveDataOrigin` is clear: the private key came from outside.
    NotGeneratedInTpm,
    /// `decrypt` is set.
    CanDecrypt,
    /// `sign` is clear.
    CannotSign,
    /// `x509sign` is set: the key signs nothing but certificates.
    SignsCertificates,
    /// `restricted` is not what the profile asks.
    Restricted,
    /// `userWithAuth` is not what the profile asks.
    UserWithAuth,
    /// `adminWithPolicy` is not what the profile asks.
    AdminWithPolicy,
    /// The authorization policy is not the profile's.
    Policy,
    /// The name algorithm is not one of the profile's.
    NameAlgorithm,
    /// The object is not an RSA or ECC key.
    NotAsymmetric,
    /// The RSA size, exponent or curve is not one of the profile's.
    Size,
    /// The signing scheme or its hash is not one of the profile's.
    Scheme,
}

impl IdentityKeyError {
    /// A word for machines.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::NotFixedTpm => "ik_not_fixed_tpm",
            Self::NotFixedParent => "ik_not_fixed_parent",
            Self::NotGeneratedInTpm => "ik_not_generated_in_tpm",
            Self::CanDecrypt => "ik_can_decrypt",
            Self::CannotSign => "ik_cannot_sign",
            Self::SignsCertificates => "ik_signs_certificates",
            Self::Restricted => "ik_restricted",
            Self::UserWithAuth => "ik_user_with_auth",
            Self::AdminWithPolicy => "ik_admin_with_policy",
            Self::Policy => "ik_policy",
            Self::NameAlgorithm => "ik_name_algorithm",
            Self::NotAsymmetric => "ik_not_asymmetric",
            Self::Size => "ik_size",
            Self::Scheme => "ik_scheme",
        }
    }
}

impl fmt::Display for IdentityKeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotFixedTpm => "the identity key is not fixedTPM: it could be copied to another TPM",
            Self::NotFixedParent => "the identity key is not fixedParent: it could be moved",
            Self::NotGeneratedInTpm => "the identity key was not generated in the TPM (sensitiveDataOrigin is clear)",
            Self::CanDecrypt => "the identity key may decrypt",
            Self::CannotSign => "the identity key may not sign",
            Self::SignsCertificates => "the identity key is for certificates only (x509sign)",
            Self::Restricted => "the profile asks otherwise of the attribute restricted",
            Self::UserWithAuth => "the profile asks otherwise of the attribute userWithAuth",
            Self::AdminWithPolicy => "the profile asks otherwise of the attribute adminWithPolicy",
            Self::Policy => "the authorization policy of the identity key is not the profile's",
            Self::NameAlgorithm => "the name algorithm of the identity key is not accepted",
            Self::NotAsymmetric => "the identity key is not an RSA or ECC key",
            Self::Size => "the size, exponent or curve of the identity key is not accepted",
            Self::Scheme => "the signing scheme of the identity key is not accepted",
        })
    }
}

impl std::error::Error for IdentityKeyError {}
