//! Algorithm parameters, schemes and signatures (Part 2, clause 11).

use alloc::vec::Vec;

use crate::{
    Reader, Tpm2bAuth, Tpm2bData, Tpm2bDigest, Tpm2bEccParameter, Tpm2bPublicKeyRsa, Tpm2bSensitiveData,
    Tpm2bSignatureEddsa, Tpm2bSignatureMldsa, TpmAlgId, TpmEccCurve, TpmRc, TpmiAlgHash, TpmiAlgKdf, TpmiAlgSymMode,
    TpmiAlgSymObject, TpmiSymKeyBits, TpmtHa, Wire,
};

/// `TPMT_SYM_DEF_OBJECT` (Part 2, 11.1.7): what a symmetric key, or a storage parent, encrypts with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TpmtSymDefObject {
    /// The block cipher.
    pub algorithm: TpmiAlgSymObject,
    /// The size of the key.
    pub key_bits: TpmiSymKeyBits,
    /// The mode; NULL leaves the choice to the user of the key.
    pub mode: Option<TpmiAlgSymMode>,
}

impl TpmtSymDefObject {
    fn unmarshal_after(algorithm: TpmiAlgSymObject, reader: &mut Reader<'_>) -> Result<Self, TpmRc> {
        let key_bits = TpmiSymKeyBits::unmarshal(reader)?;
        if !reader.rules().has_sym_key_bits(algorithm.value(), key_bits.value()) {
            return Err(TpmRc::VALUE);
        }
        Ok(Self { algorithm, key_bits, mode: Wire::unmarshal(reader)? })
    }

    /// Bytes of the key.
    #[must_use]
    pub const fn key_size(&self) -> usize {
        self.key_bits.value() as usize / 8
    }
}

impl Wire for TpmtSymDefObject {
    fn marshal(&self, out: &mut Vec<u8>) {
        self.algorithm.marshal(out);
        self.key_bits.marshal(out);
        self.mode.marshal(out);
    }
    fn unmarshal(reader: &mut Reader<'_>) -> Result<Self, TpmRc> {
        let algorithm = TpmiAlgSymObject::unmarshal(reader)?;
        Self::unmarshal_after(algorithm, reader)
    }
}

/// `TPMT_SYM_DEF` (Part 2, 11.1.6): what encrypts parameters in a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TpmtSymDef {
    /// A block cipher.
    Cipher(TpmtSymDefObject),
    /// XOR obfuscation with this hash.
    Xor(TpmiAlgHash),
}

impl Wire for TpmtSymDef {
    fn marshal(&self, out: &mut Vec<u8>) {
        match self {
            Self::Cipher(cipher) => cipher.marshal(out),
            Self::Xor(hash) => {
                TpmAlgId::XOR.marshal(out);
                hash.marshal(out);
            }
        }
    }
    fn unmarshal(reader: &mut Reader<'_>) -> Result<Self, TpmRc> {
        let algorithm = TpmAlgId::unmarshal(reader)?;
        if !reader.rules().algorithms.contains(algorithm.0) {
            return Err(TpmRc::SYMMETRIC);
        }
        if algorithm == TpmAlgId::XOR {
            return Wire::unmarshal(reader).map(Self::Xor);
        }
        let algorithm = TpmiAlgSymObject::from_value(algorithm.0).ok_or(TpmRc::SYMMETRIC)?;
        TpmtSymDefObject::unmarshal_after(algorithm, reader).map(Self::Cipher)
    }
}

wire_struct! {
    /// `TPMS_SYMCIPHER_PARMS` (Part 2, 11.1.9).
    TpmsSymcipherParms {
        /// The block cipher.
        sym: TpmtSymDefObject,
    }
}

wire_struct! {
    /// `TPMS_SENSITIVE_CREATE` (Part 2, 11.1.15).
    TpmsSensitiveCreate {
        /// The auth value of the new object.
        user_auth: Tpm2bAuth,
        /// Data to be sealed, a key, or the derivation label and context.
        data: Tpm2bSensitiveData,
    }
}

wire_struct! {
    /// `TPMS_SCHEME_ECDAA` (Part 2, 11.2.1.3).
    TpmsSchemeEcdaa {
        /// The hash of the message.
        hash_alg: TpmiAlgHash,
        /// The counter of the commit.
        count: u16,
    }
}

wire_struct! {
    /// `TPMS_SCHEME_XOR` (Part 2, 11.1.20).
    TpmsSchemeXor {
        /// The hash of the obfuscation.
        hash_alg: TpmiAlgHash,
        /// The key derivation.
        kdf: Option<TpmiAlgKdf>,
    }
}

wire_union! {
    /// `TPMT_KEYEDHASH_SCHEME` (Part 2, 11.1.22).
    TpmtKeyedhashScheme by u16, else VALUE, checked algorithms {
        /// HMAC with this hash.
        Hmac(TpmiAlgHash) = 0x0005,
        /// XOR obfuscation.
        Xor(TpmsSchemeXor) = 0x000A,
    }
}

wire_union! {
    /// `TPMT_SIG_SCHEME` (Part 2, 11.2.1.5).
    TpmtSigScheme by u16, else SCHEME, checked algorithms {
        /// HMAC.
        Hmac(TpmiAlgHash) = 0x0005,
        /// RSASSA-PKCS1-v1_5.
        Rsassa(TpmiAlgHash) = 0x0014,
        /// RSASSA-PSS.
        Rsapss(TpmiAlgHash) = 0x0016,
        /// ECDSA.
        Ecdsa(TpmiAlgHash) = 0x0018,
        /// ECDAA, with the counter of the commit.
        Ecdaa(TpmsSchemeEcdaa) = 0x001A,
        /// SM2.
        Sm2(TpmiAlgHash) = 0x001B,
        /// Schnorr's scheme on elliptic curves.
        Ecschnorr(TpmiAlgHash) = 0x001C,
        /// EdDSA of the message itself (PureEdDSA).
        Eddsa(()) = 0x0060,
        /// EdDSA of a digest (HashEdDSA).
        HashEddsa(()) = 0x0061,
        /// ML-DSA of the message itself. The key has the parameters.
        Mldsa(()) = 0x00A1,
        /// HashML-DSA. The key has the parameters and the hash.
        HashMldsa(()) = 0x00A2,
    }
}

impl TpmtSigScheme {
    /// The hash of the scheme; `None` if the scheme leaves no choice of it.
    #[must_use]
    pub const fn hash(&self) -> Option<TpmiAlgHash> {
        match self {
            Self::Hmac(hash)
            | Self::Rsassa(hash)
            | Self::Rsapss(hash)
            | Self::Ecdsa(hash)
            | Self::Sm2(hash)
            | Self::Ecschnorr(hash)
            | Self::Ecdaa(TpmsSchemeEcdaa { hash_alg: hash, .. }) => Some(*hash),
            Self::Eddsa(()) | Self::HashEddsa(()) | Self::Mldsa(()) | Self::HashMldsa(()) => None,
        }
    }
}

wire_union! {
    /// `TPMT_KDF_SCHEME` (Part 2, 11.2.3.3).
    TpmtKdfScheme by u16, else KDF, checked algorithms {
        /// MGF1.
        Mgf1(TpmiAlgHash) = 0x0007,
        /// HKDF (RFC 5869).
        Hkdf(TpmiAlgHash) = 0x001F,
        /// KDFe.
        Kdf1Sp800_56a(TpmiAlgHash) = 0x0020,
        /// KDF2.
        Kdf2(TpmiAlgHash) = 0x0021,
        /// KDFa.
        Kdf1Sp800_108(TpmiAlgHash) = 0x0022,
    }
}

wire_union! {
    /// `TPMT_RSA_SCHEME` (Part 2, 11.2.4.3).
    TpmtRsaScheme by u16, else VALUE, checked algorithms {
        /// RSASSA-PKCS1-v1_5.
        Rsassa(TpmiAlgHash) = 0x0014,
        /// RSAES-PKCS1-v1_5.
        Rsaes(()) = 0x0015,
        /// RSASSA-PSS.
        Rsapss(TpmiAlgHash) = 0x0016,
        /// RSAES-OAEP.
        Oaep(TpmiAlgHash) = 0x0017,
    }
}

wire_union! {
    /// `TPMT_RSA_DECRYPT` (Part 2, 11.2.4.4).
    TpmtRsaDecrypt by u16, else VALUE, checked algorithms {
        /// RSAES-PKCS1-v1_5.
        Rsaes(()) = 0x0015,
        /// RSAES-OAEP.
        Oaep(TpmiAlgHash) = 0x0017,
    }
}

wire_union! {
    /// `TPMT_ECC_SCHEME` (Part 2, 11.2.5.6).
    TpmtEccScheme by u16, else SCHEME, checked algorithms {
        /// ECDSA.
        Ecdsa(TpmiAlgHash) = 0x0018,
        /// ECDH.
        Ecdh(TpmiAlgHash) = 0x0019,
        /// ECDAA. The counter in a public area is 0.
        Ecdaa(TpmsSchemeEcdaa) = 0x001A,
        /// SM2: signatures or key exchange.
        Sm2(TpmiAlgHash) = 0x001B,
        /// Schnorr's scheme.
        Ecschnorr(TpmiAlgHash) = 0x001C,
        /// Two-phase key exchange of Menezes, Qu and Vanstone.
        Ecmqv(TpmiAlgHash) = 0x001D,
        /// EdDSA of the message itself (PureEdDSA).
        Eddsa(()) = 0x0060,
        /// EdDSA of a digest (HashEdDSA).
        HashEddsa(()) = 0x0061,
    }
}

wire_enum! {
    /// `TPMI_ECC_KEY_EXCHANGE` (Part 2, 9.38).
    TpmiEccKeyExchange: u16, else SCHEME, checked algorithms {
        /// Full unified model with ECDH.
        Ecdh = 0x0019,
        /// The key exchange of SM2.
        Sm2 = 0x001B,
        /// Full MQV.
        Ecmqv = 0x001D,
    }
}

wire_struct! {
    /// `TPMS_ECC_POINT` (Part 2, 11.2.5.2).
    TpmsEccPoint {
        /// The x coordinate.
        x: Tpm2bEccParameter,
        /// The y coordinate.
        y: Tpm2bEccParameter,
    }
}

impl TpmsEccPoint {
    /// The Empty Point: both coordinates are Empty Buffers. It stands for infinity, and for no point.
    #[must_use]
    pub fn empty() -> Self {
        Self { x: Tpm2bEccParameter::default(), y: Tpm2bEccParameter::default() }
    }
}

wire_struct! {
    /// `TPMS_ALGORITHM_DETAIL_ECC` (Part 2, 11.2.5.7).
    TpmsAlgorithmDetailEcc {
        /// The curve.
        curve_id: TpmEccCurve,
        /// Bits of the key.
        key_size: u16,
        /// The mandatory key derivation scheme, if the curve has one.
        kdf: Option<TpmtKdfScheme>,
        /// The mandatory signing scheme, if the curve has one.
        sign: Option<TpmtEccScheme>,
        /// The prime of the field.
        p: Tpm2bEccParameter,
        /// The coefficient a.
        a: Tpm2bEccParameter,
        /// The coefficient b.
        b: Tpm2bEccParameter,
        /// The x coordinate of the base point.
        g_x: Tpm2bEccParameter,
        /// The y coordinate of the base point.
        g_y: Tpm2bEccParameter,
        /// The order of the base point.
        n: Tpm2bEccParameter,
        /// The cofactor.
        h: Tpm2bEccParameter,
    }
}

wire_struct! {
    /// `TPMS_SIGNATURE_RSA` (Part 2, 11.3.1).
    TpmsSignatureRsa {
        /// The hash of the message.
        hash: TpmiAlgHash,
        /// The signature, as long as the modulus.
        sig: Tpm2bPublicKeyRsa,
    }
}

wire_struct! {
    /// `TPMS_SIGNATURE_ECC` (Part 2, 11.3.2).
    TpmsSignatureEcc {
        /// The hash of the message.
        hash: TpmiAlgHash,
        /// r.
        signature_r: Tpm2bEccParameter,
        /// s.
        signature_s: Tpm2bEccParameter,
    }
}

wire_struct! {
    /// `TPMS_SIGNATURE_HASH_MLDSA` (Part 2, 11.2.7.2).
    TpmsSignatureHashMldsa {
        /// The hash of the message.
        hash: TpmiAlgHash,
        /// The signature.
        signature: Tpm2bSignatureMldsa,
    }
}

wire_union! {
    /// `TPMT_SIGNATURE` (Part 2, 11.3.6).
    TpmtSignature by u16, else SCHEME, checked algorithms {
        /// HMAC.
        Hmac(TpmtHa) = 0x0005,
        /// RSASSA-PKCS1-v1_5.
        Rsassa(TpmsSignatureRsa) = 0x0014,
        /// RSASSA-PSS.
        Rsapss(TpmsSignatureRsa) = 0x0016,
        /// ECDSA.
        Ecdsa(TpmsSignatureEcc) = 0x0018,
        /// ECDAA.
        Ecdaa(TpmsSignatureEcc) = 0x001A,
        /// SM2.
        Sm2(TpmsSignatureEcc) = 0x001B,
        /// Schnorr's scheme.
        Ecschnorr(TpmsSignatureEcc) = 0x001C,
        /// PureEdDSA.
        Eddsa(Tpm2bSignatureEddsa) = 0x0060,
        /// HashEdDSA.
        HashEddsa(Tpm2bSignatureEddsa) = 0x0061,
        /// ML-DSA.
        Mldsa(Tpm2bSignatureMldsa) = 0x00A1,
        /// HashML-DSA.
        HashMldsa(TpmsSignatureHashMldsa) = 0x00A2,
    }
}

nullable_algorithm!(
    TpmiEccKeyExchange,
    TpmtSymDef,
    TpmtSymDefObject,
    TpmtKeyedhashScheme,
    TpmtSigScheme,
    TpmtKdfScheme,
    TpmtRsaScheme,
    TpmtRsaDecrypt,
    TpmtEccScheme,
    TpmtSignature,
);

wire_struct! {
    /// `TPMS_ID_OBJECT` (Part 2, 12.4.2): what a credential blob holds.
    TpmsIdObject {
        /// The HMAC over the encrypted identity and the name.
        integrity_hmac: Tpm2bDigest,
        /// The encrypted credential: in the clear it is a sized digest. The bytes run to the end of the blob.
        enc_identity: RestOf<{ crate::limits::MAX_ID_OBJECT }>,
    }
}

/// Bytes that run to the end of what holds them, at most `MAX`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestOf<const MAX: usize>(pub Vec<u8>);

impl<const MAX: usize> Wire for RestOf<MAX> {
    fn marshal(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0);
    }
    fn unmarshal(reader: &mut Reader<'_>) -> Result<Self, TpmRc> {
        let bytes = reader.take(reader.len())?;
        if bytes.len() > MAX { Err(TpmRc::SIZE) } else { Ok(Self(bytes.into())) }
    }
}

/// Data that accompanies a creation or a quote, from the caller (`TPM2B_DATA`).
pub type QualifyingData = Tpm2bData;
