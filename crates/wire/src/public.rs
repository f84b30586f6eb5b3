//! Objects (Part 2, clause 12): public areas, sensitive areas.

use alloc::vec::Vec;

use crate::{
    AllowExternalMu, Reader, Tpm2bAuth, Tpm2bDigest, Tpm2bEccPrivate, Tpm2bPrivateKeyMldsa, Tpm2bPrivateKeyMlkem,
    Tpm2bPrivateKeyRsa, Tpm2bPublicKeyMldsa, Tpm2bPublicKeyMlkem, Tpm2bPublicKeyRsa, Tpm2bSensitiveData, Tpm2bSymKey,
    TpmEccCurve, TpmRc, TpmaObject, TpmiAlgHash, TpmiMldsaParms, TpmiMlkemParms, TpmiRsaKeyBits, TpmsEccPoint,
    TpmsSymcipherParms, TpmtEccScheme, TpmtKdfScheme, TpmtKeyedhashScheme, TpmtRsaScheme, TpmtSymDefObject, Wire,
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
        /// ML-KEM.
        Mlkem = 0x00A0,
        /// ML-DSA.
        Mldsa = 0x00A1,
        /// HashML-DSA.
        HashMldsa = 0x00A2,
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

wire_struct! {
    /// `TPMS_MLDSA_PARMS` (Part 2, 12.2.3.6).
    #[derive(Copy)]
    TpmsMldsaParms {
        /// The parameter set.
        parameter_set: TpmiMldsaParms,
        /// Whether the key may sign a digest that is the external mu of FIPS 204.
        allow_external_mu: AllowExternalMu,
    }
}

wire_struct! {
    /// `TPMS_HASH_MLDSA_PARMS` (Part 2, 12.2.3.7).
    #[derive(Copy)]
    TpmsHashMldsaParms {
        /// The parameter set.
        parameter_set: TpmiMldsaParms,
        /// The hash of the message (the pre-hash function PH).
        hash_alg: TpmiAlgHash,
    }
}

wire_struct! {
    /// `TPMS_MLKEM_PARMS` (Part 2, 12.2.3.8).
    #[derive(Copy)]
    TpmsMlkemParms {
        /// For a storage parent the cipher of its children, otherwise NULL.
        symmetric: Option<TpmtSymDefObject>,
        /// The parameter set.
        parameter_set: TpmiMlkemParms,
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
        /// ML-KEM.
        Mlkem(TpmsMlkemParms) = 0x00A0,
        /// ML-DSA.
        Mldsa(TpmsMldsaParms) = 0x00A1,
        /// HashML-DSA.
        HashMldsa(TpmsHashMldsaParms) = 0x00A2,
    }
}

/// The types of object: for each its parameters and its unique value.
macro_rules! public_kinds {
    ($($(#[$meta:meta])* $kind:ident($parms:ty, $unique:ty),)*) => {
        /// Parameters and unique value of a public area (`TPMU_PUBLIC_PARMS` and `TPMU_PUBLIC_ID`, Part 2, 12.2.3): one
        /// type selects both, so that they cannot disagree.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum PublicKind { $($(#[$meta])* $kind($parms, $unique),)* }

        impl PublicKind {
            /// The type.
            #[must_use]
            pub const fn alg(&self) -> TpmiAlgPublic {
                match self { $(Self::$kind(..) => TpmiAlgPublic::$kind,)* }
            }

            /// The type and parameters, as `TPM2_TestParms` has them.
            #[must_use]
            pub fn parms(&self) -> TpmtPublicParms {
                match self { $(Self::$kind(parms, _) => TpmtPublicParms::$kind(parms.clone()),)* }
            }

            fn marshal(&self, out: &mut Vec<u8>) {
                match self {
                    $(Self::$kind(parms, unique) => {
                        parms.marshal(out);
                        unique.marshal(out);
                    })*
                }
            }

            fn unmarshal(alg: TpmiAlgPublic, reader: &mut Reader<'_>) -> Result<Self, TpmRc> {
                match alg {
                    $(TpmiAlgPublic::$kind => Ok(Self::$kind(Wire::unmarshal(reader)?, Wire::unmarshal(reader)?)),)*
                }
            }
        }
    };
}

public_kinds! {
    /// RSA; the unique value is the modulus.
    Rsa(TpmsRsaParms, Tpm2bPublicKeyRsa),
    /// A keyed hash; the unique value is a digest of the seed and the data.
    Keyedhash(TpmsKeyedhashParms, Tpm2bDigest),
    /// Elliptic curves; the unique value is the public point.
    Ecc(TpmsEccParms, TpmsEccPoint),
    /// A symmetric cipher; the unique value is a digest of the seed and the key.
    Symcipher(TpmsSymcipherParms, Tpm2bDigest),
    /// ML-KEM; the unique value is the encapsulation key.
    Mlkem(TpmsMlkemParms, Tpm2bPublicKeyMlkem),
    /// ML-DSA; the unique value is the public key.
    Mldsa(TpmsMldsaParms, Tpm2bPublicKeyMldsa),
    /// HashML-DSA; the unique value is the public key.
    HashMldsa(TpmsHashMldsaParms, Tpm2bPublicKeyMldsa),
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
        self.kind.parms()
    }

    fn unmarshal_after_name_alg(
        alg: TpmiAlgPublic,
        name_alg: Option<TpmiAlgHash>,
        reader: &mut Reader<'_>,
    ) -> Result<Self, TpmRc> {
        let object_attributes = Wire::unmarshal(reader)?;
        let auth_policy = Wire::unmarshal(reader)?;
        let kind = PublicKind::unmarshal(alg, reader)?;
        Ok(Self { name_alg, object_attributes, auth_policy, kind })
    }
}

impl Wire for TpmtPublic {
    fn marshal(&self, out: &mut Vec<u8>) {
        self.alg().marshal(out);
        self.name_alg.marshal(out);
        self.object_attributes.marshal(out);
        self.auth_policy.marshal(out);
        self.kind.marshal(out);
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

/// The private values, each with the type of object that has it.
macro_rules! sensitive_kinds {
    ($($(#[$meta:meta])* $kind:ident($value:ty) = $alg:ident,)*) => {
        /// `TPMU_SENSITIVE_COMPOSITE` (Part 2, 12.3.2.3).
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum TpmuSensitiveComposite { $($(#[$meta])* $kind($value),)* }

        impl TpmuSensitiveComposite {
            /// The type of the object.
            #[must_use]
            pub const fn alg(&self) -> TpmiAlgPublic {
                match self { $(Self::$kind(_) => TpmiAlgPublic::$alg,)* }
            }

            fn marshal(&self, out: &mut Vec<u8>) {
                match self { $(Self::$kind(value) => value.marshal(out),)* }
            }

            fn unmarshal(alg: TpmiAlgPublic, reader: &mut Reader<'_>) -> Result<Self, TpmRc> {
                match alg { $(TpmiAlgPublic::$alg => Wire::unmarshal(reader).map(Self::$kind),)* }
            }
        }
    };
}

sensitive_kinds! {
    /// A prime of an RSA key.
    Rsa(Tpm2bPrivateKeyRsa) = Rsa,
    /// A private scalar, or the private key of an Edwards or Montgomery curve.
    Ecc(Tpm2bEccPrivate) = Ecc,
    /// Sealed data, or the key of a keyed hash.
    Bits(Tpm2bSensitiveData) = Keyedhash,
    /// The key of a symmetric cipher.
    Sym(Tpm2bSymKey) = Symcipher,
    /// The seed of an ML-KEM key.
    Mlkem(Tpm2bPrivateKeyMlkem) = Mlkem,
    /// The seed of an ML-DSA key.
    Mldsa(Tpm2bPrivateKeyMldsa) = Mldsa,
    /// The seed of a HashML-DSA key.
    HashMldsa(Tpm2bPrivateKeyMldsa) = HashMldsa,
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
        self.sensitive.alg()
    }
}

impl Wire for TpmtSensitive {
    fn marshal(&self, out: &mut Vec<u8>) {
        self.alg().marshal(out);
        self.auth_value.marshal(out);
        self.seed_value.marshal(out);
        self.sensitive.marshal(out);
    }

    fn unmarshal(reader: &mut Reader<'_>) -> Result<Self, TpmRc> {
        let alg = TpmiAlgPublic::unmarshal(reader)?;
        let auth_value = Wire::unmarshal(reader)?;
        let seed_value = Wire::unmarshal(reader)?;
        let sensitive = TpmuSensitiveComposite::unmarshal(alg, reader)?;
        Ok(Self { auth_value, seed_value, sensitive })
    }
}
