//! Objects (Part 2, clause 12): public areas, sensitive areas.

use alloc::vec::Vec;

use crate::{
    Reader, Tpm2bAuth, Tpm2bDigest, Tpm2bEccPrivate, Tpm2bPrivateKeyRsa, Tpm2bPublicKeyRsa, Tpm2bSensitiveData,
    Tpm2bSymKey, TpmEccCurve, TpmRc, TpmaObject, TpmiAlgHash, TpmiRsaKeyBits, TpmsEccPoint, TpmsSymcipherParms,
    TpmtEccScheme, TpmtKdfScheme, TpmtKeyedhashScheme, TpmtRsaScheme, TpmtSymDefObject, Wire,
};

wire_enum! {
    /// `TPMI_ALG_PUBLIC` (Part 2, 12.2.2): types of object.
    TpmiAlgPublic: u16, else TYPE, checked algorithms {
        /// RSA.
        Rsa = 0x0001,
        /// A keyed hash: an HMAC key, an XOR key, sealed data or a derivation parent.
        Keyedhash = 0x0008,
        /// Elliptic curves.
        Ecc = 0x0023,
        /// A symmetric cipher.
        Symcipher = 0x0025,
    }
}

wire_struct! {
    /// `TPMS_KEYEDHASH_PARMS` (Part 2, 12.2.3.3).
    TpmsKeyedhashParms {
        /// The scheme.
        scheme: Option<TpmtKeyedhashScheme>,
    }
}

wire_struct! {
    /// `TPMS_RSA_PARMS` (Part 2, 12.2.3.5).
    TpmsRsaParms {
        /// For a storage parent the cipher of its children, otherwise NULL.
        symmetric: Option<TpmtSymDefObject>,
        /// The scheme.
        scheme: Option<TpmtRsaScheme>,
        /// Bits of the modulus.
        key_bits: TpmiRsaKeyBits,
        /// The public exponent; 0 is 65537.
        exponent: u32,
    }
}

wire_struct! {
    /// `TPMS_ECC_PARMS` (Part 2, 12.2.3.6).
    TpmsEccParms {
        /// For a storage parent the cipher of its children, otherwise NULL.
        symmetric: Option<TpmtSymDefObject>,
        /// The scheme.
        scheme: Option<TpmtEccScheme>,
        /// The curve.
        curve_id: TpmEccCurve,
        /// An optional key derivation scheme.
        kdf: Option<TpmtKdfScheme>,
    }
}

wire_union! {
    /// `TPMT_PUBLIC_PARMS` (Part 2, 12.2.3.8): a type of object and its parameters.
    TpmtPublicParms by u16, else TYPE, checked algorithms {
        /// RSA.
        Rsa(TpmsRsaParms) = 0x0001,
        /// A keyed hash.
        Keyedhash(TpmsKeyedhashParms) = 0x0008,
        /// Elliptic curves.
        Ecc(TpmsEccParms) = 0x0023,
        /// A symmetric cipher.
        Symcipher(TpmsSymcipherParms) = 0x0025,
    }
}

/// Parameters and unique value of a public area (`TPMU_PUBLIC_PARMS` and `TPMU_PUBLIC_ID`, Part 2, 12.2.3): one type
/// selects both, so that they cannot disagree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PublicKind {
    /// RSA; the unique value is the modulus.
    Rsa(TpmsRsaParms, Tpm2bPublicKeyRsa),
    /// A keyed hash; the unique value is a digest of the seed and the data.
    Keyedhash(TpmsKeyedhashParms, Tpm2bDigest),
    /// Elliptic curves; the unique value is the public point.
    Ecc(TpmsEccParms, TpmsEccPoint),
    /// A symmetric cipher; the unique value is a digest of the seed and the key.
    Symcipher(TpmsSymcipherParms, Tpm2bDigest),
}

impl PublicKind {
    /// The type.
    #[must_use]
    pub const fn alg(&self) -> TpmiAlgPublic {
        match self {
            Self::Rsa(..) => TpmiAlgPublic::Rsa,
            Self::Keyedhash(..) => TpmiAlgPublic::Keyedhash,
            Self::Ecc(..) => TpmiAlgPublic::Ecc,
            Self::Symcipher(..) => TpmiAlgPublic::Symcipher,
        }
    }
}

/// `TPMT_PUBLIC` (Part 2, 12.2.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TpmtPublic {
    /// The hash of the name; `None` only where [`TpmtPublicPlus`] lets it through.
    pub name_alg: Option<TpmiAlgHash>,
    /// The attributes.
    pub object_attributes: TpmaObject,
    /// The policy; empty if there is none.
    pub auth_policy: Tpm2bDigest,
    /// Type, parameters and unique value.
    pub kind: PublicKind,
}

impl TpmtPublic {
    /// The type of the object.
    #[must_use]
    pub const fn alg(&self) -> TpmiAlgPublic {
        self.kind.alg()
    }

    /// The type and parameters, as `TPM2_TestParms` has them.
    #[must_use]
    pub fn parms(&self) -> TpmtPublicParms {
        match &self.kind {
            PublicKind::Rsa(parms, _) => TpmtPublicParms::Rsa(parms.clone()),
            PublicKind::Keyedhash(parms, _) => TpmtPublicParms::Keyedhash(parms.clone()),
            PublicKind::Ecc(parms, _) => TpmtPublicParms::Ecc(parms.clone()),
            PublicKind::Symcipher(parms, _) => TpmtPublicParms::Symcipher(parms.clone()),
        }
    }

    fn unmarshal_after_name_alg(
        alg: TpmiAlgPublic,
        name_alg: Option<TpmiAlgHash>,
        reader: &mut Reader<'_>,
    ) -> Result<Self, TpmRc> {
        let object_attributes = Wire::unmarshal(reader)?;
        let auth_policy = Wire::unmarshal(reader)?;
        let kind = match alg {
            TpmiAlgPublic::Rsa => PublicKind::Rsa(Wire::unmarshal(reader)?, Wire::unmarshal(reader)?),
            TpmiAlgPublic::Keyedhash => PublicKind::Keyedhash(Wire::unmarshal(reader)?, Wire::unmarshal(reader)?),
            TpmiAlgPublic::Ecc => PublicKind::Ecc(Wire::unmarshal(reader)?, Wire::unmarshal(reader)?),
            TpmiAlgPublic::Symcipher => PublicKind::Symcipher(Wire::unmarshal(reader)?, Wire::unmarshal(reader)?),
        };
        Ok(Self { name_alg, object_attributes, auth_policy, kind })
    }
}

impl Wire for TpmtPublic {
    fn marshal(&self, out: &mut Vec<u8>) {
        self.alg().marshal(out);
        self.name_alg.marshal(out);
        self.object_attributes.marshal(out);
        self.auth_policy.marshal(out);
        match &self.kind {
            PublicKind::Rsa(parms, unique) => {
                parms.marshal(out);
                unique.marshal(out);
            }
            PublicKind::Keyedhash(parms, unique) => {
                parms.marshal(out);
                unique.marshal(out);
            }
            PublicKind::Ecc(parms, unique) => {
                parms.marshal(out);
                unique.marshal(out);
            }
            PublicKind::Symcipher(parms, unique) => {
                parms.marshal(out);
                unique.marshal(out);
            }
        }
    }

    fn unmarshal(reader: &mut Reader<'_>) -> Result<Self, TpmRc> {
        let alg = TpmiAlgPublic::unmarshal(reader)?;
        let name_alg = TpmiAlgHash::unmarshal(reader)?;
        Self::unmarshal_after_name_alg(alg, Some(name_alg), reader)
    }
}

/// `TPMT_PUBLIC+` (Part 2, 12.2.4): a public area whose name algorithm may be NULL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TpmtPublicPlus(pub TpmtPublic);

impl Wire for TpmtPublicPlus {
    fn marshal(&self, out: &mut Vec<u8>) {
        self.0.marshal(out);
    }
    fn unmarshal(reader: &mut Reader<'_>) -> Result<Self, TpmRc> {
        let alg = TpmiAlgPublic::unmarshal(reader)?;
        let name_alg = Wire::unmarshal(reader)?;
        TpmtPublic::unmarshal_after_name_alg(alg, name_alg, reader).map(Self)
    }
}

/// `TPMU_SENSITIVE_COMPOSITE` (Part 2, 12.3.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TpmuSensitiveComposite {
    /// A prime of an RSA key.
    Rsa(Tpm2bPrivateKeyRsa),
    /// A private scalar.
    Ecc(Tpm2bEccPrivate),
    /// Sealed data, or the key of a keyed hash.
    Bits(Tpm2bSensitiveData),
    /// The key of a symmetric cipher.
    Sym(Tpm2bSymKey),
}

/// `TPMT_SENSITIVE` (Part 2, 12.3.2.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TpmtSensitive {
    /// The auth value.
    pub auth_value: Tpm2bAuth,
    /// The seed of a parent's protection, or the obfuscation value of a symmetric object.
    pub seed_value: SeedValue,
    /// The private value; its kind is the type of the object.
    pub sensitive: TpmuSensitiveComposite,
}

buffer! { secret
    /// The seed value of a sensitive area: a `TPM2B_DIGEST` that is secret.
    SeedValue, crate::limits::MAX_DIGEST
}

impl TpmtSensitive {
    /// The type of the object.
    #[must_use]
    pub const fn alg(&self) -> TpmiAlgPublic {
        match self.sensitive {
            TpmuSensitiveComposite::Rsa(_) => TpmiAlgPublic::Rsa,
            TpmuSensitiveComposite::Ecc(_) => TpmiAlgPublic::Ecc,
            TpmuSensitiveComposite::Bits(_) => TpmiAlgPublic::Keyedhash,
            TpmuSensitiveComposite::Sym(_) => TpmiAlgPublic::Symcipher,
        }
    }
}

impl Wire for TpmtSensitive {
    fn marshal(&self, out: &mut Vec<u8>) {
        self.alg().marshal(out);
        self.auth_value.marshal(out);
        self.seed_value.marshal(out);
        match &self.sensitive {
            TpmuSensitiveComposite::Rsa(value) => value.marshal(out),
            TpmuSensitiveComposite::Ecc(value) => value.marshal(out),
            TpmuSensitiveComposite::Bits(value) => value.marshal(out),
            TpmuSensitiveComposite::Sym(value) => value.marshal(out),
        }
    }

    fn unmarshal(reader: &mut Reader<'_>) -> Result<Self, TpmRc> {
        let alg = TpmiAlgPublic::unmarshal(reader)?;
        let auth_value = Wire::unmarshal(reader)?;
        let seed_value = Wire::unmarshal(reader)?;
        let sensitive = match alg {
            TpmiAlgPublic::Rsa => TpmuSensitiveComposite::Rsa(Wire::unmarshal(reader)?),
            TpmiAlgPublic::Ecc => TpmuSensitiveComposite::Ecc(Wire::unmarshal(reader)?),
            TpmiAlgPublic::Keyedhash => TpmuSensitiveComposite::Bits(Wire::unmarshal(reader)?),
            TpmiAlgPublic::Symcipher => TpmuSensitiveComposite::Sym(Wire::unmarshal(reader)?),
        };
        Ok(Self { auth_value, seed_value, sensitive })
    }
}
