//! Interface types: algorithms and flags that a place in a structure accepts (Part 2, clause 9).

use alloc::vec::Vec;

use crate::{Reader, TpmEccCurve, TpmRc, TpmaAlgorithm, TpmaMlParameterSet, Wire};

/// `TPMI_YES_NO` (Part 2, 9.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TpmiYesNo(pub bool);

impl Wire for TpmiYesNo {
    fn marshal(&self, out: &mut Vec<u8>) {
        u8::from(self.0).marshal(out);
    }
    fn unmarshal(reader: &mut Reader<'_>) -> Result<Self, TpmRc> {
        match u8::unmarshal(reader)? {
            0 => Ok(Self(false)),
            1 => Ok(Self(true)),
            _ => Err(TpmRc::VALUE),
        }
    }
}

wire_enum! {
    /// `TPMI_ALG_HASH` (Part 2, 9.31).
    TpmiAlgHash: u16, else HASH, checked algorithms {
        /// SHA-1.
        Sha1 = 0x0004,
        /// SHA-256.
        Sha256 = 0x000B,
        /// SHA-384.
        Sha384 = 0x000C,
        /// SHA-512.
        Sha512 = 0x000D,
        /// SM3 (GB/T 32905-2016).
        Sm3_256 = 0x0012,
        /// SHA3-256.
        Sha3_256 = 0x0027,
        /// SHA3-384.
        Sha3_384 = 0x0028,
        /// SHA3-512.
        Sha3_512 = 0x0029,
    }
}

impl TpmiAlgHash {
    /// Bytes of a digest.
    #[must_use]
    pub const fn digest_size(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 | Self::Sm3_256 | Self::Sha3_256 => 32,
            Self::Sha384 | Self::Sha3_384 => 48,
            Self::Sha512 | Self::Sha3_512 => 64,
        }
    }

    /// Bytes of a block, as HMAC uses it.
    #[must_use]
    pub const fn block_size(self) -> usize {
        match self {
            Self::Sha1 | Self::Sha256 | Self::Sm3_256 => 64,
            Self::Sha384 | Self::Sha512 => 128,
            Self::Sha3_256 => 136,
            Self::Sha3_384 => 104,
            Self::Sha3_512 => 72,
        }
    }
}

wire_enum! {
    /// `TPMI_ALG_ASYM` (Part 2, 9.32).
    TpmiAlgAsym: u16, else ASYMMETRIC, checked algorithms {
        /// RSA.
        Rsa = 0x0001,
        /// Elliptic curves.
        Ecc = 0x0023,
    }
}

wire_enum! {
    /// `TPMI_ALG_SYM_OBJECT` (Part 2, 9.34): block ciphers.
    TpmiAlgSymObject: u16, else SYMMETRIC, checked algorithms {
        /// Triple DES.
        Tdes = 0x0003,
        /// AES.
        Aes = 0x0006,
        /// SM4.
        Sm4 = 0x0013,
        /// Camellia.
        Camellia = 0x0026,
    }
}

impl TpmiAlgSymObject {
    /// Bytes of a block.
    #[must_use]
    pub const fn block_size(self) -> usize {
        match self {
            Self::Tdes => 8,
            Self::Aes | Self::Sm4 | Self::Camellia => 16,
        }
    }
}

wire_enum! {
    /// `TPMI_ALG_MAC_SCHEME` (Part 2, 9.40): how a key makes a message authentication code.
    TpmiAlgMacScheme: u16, else SYMMETRIC, checked algorithms {
        /// HMAC with SHA-1.
        Sha1 = 0x0004,
        /// HMAC with SHA-256.
        Sha256 = 0x000B,
        /// HMAC with SHA-384.
        Sha384 = 0x000C,
        /// HMAC with SHA-512.
        Sha512 = 0x000D,
        /// HMAC with SM3.
        Sm3_256 = 0x0012,
        /// HMAC with SHA3-256.
        Sha3_256 = 0x0027,
        /// HMAC with SHA3-384.
        Sha3_384 = 0x0028,
        /// HMAC with SHA3-512.
        Sha3_512 = 0x0029,
        /// CMAC with the key's block cipher.
        Cmac = 0x003F,
    }
}

wire_enum! {
    /// `TPMI_ALG_SYM_MODE` (Part 2, 9.35): what a key of a block cipher is for.
    TpmiAlgSymMode: u16, else MODE, checked algorithms {
        /// CMAC, for keys that sign.
        Cmac = 0x003F,
        /// Counter mode.
        Ctr = 0x0040,
        /// Output feedback.
        Ofb = 0x0041,
        /// Cipher block chaining.
        Cbc = 0x0042,
        /// Cipher feedback.
        Cfb = 0x0043,
        /// Electronic codebook.
        Ecb = 0x0044,
    }
}

wire_enum! {
    /// `TPMI_ALG_CIPHER_MODE` (Part 2, 9.41): the modes that encrypt.
    TpmiAlgCipherMode: u16, else MODE, checked algorithms {
        /// Counter mode.
        Ctr = 0x0040,
        /// Output feedback.
        Ofb = 0x0041,
        /// Cipher block chaining.
        Cbc = 0x0042,
        /// Cipher feedback.
        Cfb = 0x0043,
        /// Electronic codebook.
        Ecb = 0x0044,
    }
}

impl TpmiAlgSymMode {
    /// The mode, if it is one that encrypts.
    #[must_use]
    pub const fn cipher_mode(self) -> Option<TpmiAlgCipherMode> {
        TpmiAlgCipherMode::from_value(self.value())
    }
}

wire_enum! {
    /// `TPMI_ALG_KDF` (Part 2, 9.36).
    TpmiAlgKdf: u16, else KDF, checked algorithms {
        /// The mask generation function of PKCS #1.
        Mgf1 = 0x0007,
        /// HKDF (RFC 5869).
        Hkdf = 0x001F,
        /// The concatenation KDF of SP 800-56A (KDFe).
        Kdf1Sp800_56a = 0x0020,
        /// KDF2 of IEEE 1363a.
        Kdf2 = 0x0021,
        /// Counter mode of SP 800-108 (KDFa).
        Kdf1Sp800_108 = 0x0022,
    }
}

wire_enum! {
    /// `TPMI_AES_KEY_BITS` and its kin (Part 2, 11.1.2): key sizes of block ciphers. Triple DES counts all bits of its keys.
    TpmiSymKeyBits: u16, else VALUE {
        /// 128 bits.
        Bits128 = 128,
        /// 192 bits.
        Bits192 = 192,
        /// 256 bits.
        Bits256 = 256,
    }
}

wire_enum! {
    /// `TPMI_MLKEM_PARMS` (Part 2, 11.2.6.1): the parameter sets of ML-KEM (FIPS 203, clause 8).
    TpmiMlkemParms: u16, else PARMS, checked mlkem {
        /// ML-KEM-512.
        MlKem512 = 0x0001,
        /// ML-KEM-768.
        MlKem768 = 0x0002,
        /// ML-KEM-1024.
        MlKem1024 = 0x0003,
    }
}

impl TpmiMlkemParms {
    /// Bytes of a public (encapsulation) key.
    #[must_use]
    pub const fn public_size(self) -> usize {
        match self {
            Self::MlKem512 => 800,
            Self::MlKem768 => 1184,
            Self::MlKem1024 => 1568,
        }
    }

    /// Bytes of a ciphertext.
    #[must_use]
    pub const fn ciphertext_size(self) -> usize {
        match self {
            Self::MlKem512 => 768,
            Self::MlKem768 => 1088,
            Self::MlKem1024 => 1568,
        }
    }
}

wire_enum! {
    /// `TPMI_MLDSA_PARMS` (Part 2, 11.2.7.1): the parameter sets of ML-DSA (FIPS 204, clause 4).
    TpmiMldsaParms: u16, else PARMS, checked mldsa {
        /// ML-DSA-44.
        MlDsa44 = 0x0001,
        /// ML-DSA-65.
        MlDsa65 = 0x0002,
        /// ML-DSA-87.
        MlDsa87 = 0x0003,
    }
}

impl TpmiMldsaParms {
    /// Bytes of a public key.
    #[must_use]
    pub const fn public_size(self) -> usize {
        match self {
            Self::MlDsa44 => 1312,
            Self::MlDsa65 => 1952,
            Self::MlDsa87 => 2592,
        }
    }

    /// Bytes of a signature.
    #[must_use]
    pub const fn signature_size(self) -> usize {
        match self {
            Self::MlDsa44 => 2420,
            Self::MlDsa65 => 3309,
            Self::MlDsa87 => 4627,
        }
    }
}

/// allowExternalMu of an ML-DSA key (Part 2, 12.2.3.6): a `TPMI_YES_NO` that is YES only if the rules have external mu.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AllowExternalMu(pub bool);

impl Wire for AllowExternalMu {
    fn marshal(&self, out: &mut Vec<u8>) {
        TpmiYesNo(self.0).marshal(out);
    }
    fn unmarshal(reader: &mut Reader<'_>) -> Result<Self, TpmRc> {
        let allowed = TpmiYesNo::unmarshal(reader)?.0;
        if allowed && !reader.rules().ml_parameter_sets.contains(TpmaMlParameterSet::EXT_MU) {
            return Err(TpmRc::EXT_MU);
        }
        Ok(Self(allowed))
    }
}

/// `TPMI_RSA_KEY_BITS` (Part 2, 11.2.4.6): a size that the rules have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TpmiRsaKeyBits(u16);

impl TpmiRsaKeyBits {
    /// A key size in bits.
    #[must_use]
    pub const fn new(bits: u16) -> Self {
        Self(bits)
    }

    /// Bits of the modulus.
    #[must_use]
    pub const fn bits(self) -> u16 {
        self.0
    }

    /// Bytes of the modulus.
    #[must_use]
    pub const fn bytes(self) -> usize {
        (self.0 as usize).div_ceil(8)
    }
}

impl Wire for TpmiRsaKeyBits {
    fn marshal(&self, out: &mut Vec<u8>) {
        self.0.marshal(out);
    }
    fn unmarshal(reader: &mut Reader<'_>) -> Result<Self, TpmRc> {
        let bits = u16::unmarshal(reader)?;
        if reader.rules().rsa_key_bits.contains(bits) { Ok(Self(bits)) } else { Err(TpmRc::VALUE) }
    }
}

impl TpmEccCurve {
    /// Bytes of a coordinate.
    #[must_use]
    pub const fn field_size(self) -> usize {
        self.bits().div_ceil(8) as usize
    }

    /// Bytes of the order.
    #[must_use]
    pub const fn order_size(self) -> usize {
        self.order_bits().div_ceil(8) as usize
    }

    /// Bits of the field.
    #[must_use]
    pub const fn bits(self) -> u16 {
        match self {
            Self::NistP192 => 192,
            Self::NistP224 => 224,
            Self::NistP256 | Self::BnP256 | Self::Sm2P256 | Self::BpP256R1 => 256,
            Self::NistP384 | Self::BpP384R1 => 384,
            Self::NistP521 => 521,
            Self::BnP638 => 638,
            Self::BpP512R1 => 512,
            Self::Curve25519 => 255,
            Self::Curve448 => 448,
        }
    }

    /// Bits of the order of the base point.
    #[must_use]
    pub const fn order_bits(self) -> u16 {
        match self {
            Self::Curve25519 => 253,
            Self::Curve448 => 446,
            _ => self.bits(),
        }
    }
}

nullable_algorithm!(TpmiAlgHash, TpmiAlgAsym, TpmiAlgSymMode, TpmiAlgCipherMode, TpmiAlgMacScheme, TpmiAlgKdf);

/// `TPMA_ALGORITHM` of an algorithm identifier, as `TPM_CAP_ALGS` reports it (Part 2, Table 8).
#[must_use]
pub const fn algorithm_attributes(id: u16) -> TpmaAlgorithm {
    use TpmaAlgorithm as A;
    match id {
        0x0001 | 0x0023 | 0x00A0 => A::ASYMMETRIC.with(A::OBJECT),
        0x00A1 | 0x00A2 => A::ASYMMETRIC.with(A::OBJECT).with(A::SIGNING),
        0x0004 | 0x000B..=0x000D | 0x0012 | 0x0027..=0x0029 => A::HASH,
        0x0005 => A::HASH.with(A::SIGNING),
        0x0003 | 0x0006 | 0x0013 | 0x0026 => A::SYMMETRIC,
        0x0007 | 0x001F..=0x0022 => A::HASH.with(A::METHOD),
        0x0008 => A::HASH.with(A::OBJECT).with(A::SIGNING).with(A::ENCRYPTING),
        0x000A => A::HASH.with(A::SYMMETRIC),
        0x0014 | 0x0016 | 0x0018 | 0x001A | 0x001C | 0x0060 | 0x0061 => A::ASYMMETRIC.with(A::SIGNING),
        0x001B => A::ASYMMETRIC.with(A::SIGNING).with(A::METHOD),
        0x003F => A::SYMMETRIC.with(A::SIGNING),
        0x0015 | 0x0017 => A::ASYMMETRIC.with(A::ENCRYPTING),
        0x0019 | 0x001D => A::ASYMMETRIC.with(A::METHOD),
        0x0025 => A::OBJECT,
        0x0040..=0x0044 => A::SYMMETRIC.with(A::ENCRYPTING),
        _ => A::NONE,
    }
}
