//! Public areas (`TPMT_PUBLIC`) as bytes with names: nothing here refuses a value, so that wrong ones can be made.

use ironroot_wire::TpmiAlgHash;

use crate::bytes::{Bytes, Parts};

pub const RSA: u16 = 0x0001;
pub const AES: u16 = 0x0006;
pub const HMAC: u16 = 0x0005;
pub const KEYEDHASH: u16 = 0x0008;
pub const XOR: u16 = 0x000A;
pub const SHA1: u16 = 0x0004;
pub const SHA256: u16 = 0x000B;
pub const SHA384: u16 = 0x000C;
pub const SHA512: u16 = 0x000D;
pub const NULL: u16 = 0x0010;
pub const CAMELLIA: u16 = 0x0026;
pub const CMAC: u16 = 0x003F;
pub const RSASSA: u16 = 0x0014;
pub const RSAES: u16 = 0x0015;
pub const RSAPSS: u16 = 0x0016;
pub const OAEP: u16 = 0x0017;
pub const ECDSA: u16 = 0x0018;
pub const ECDH: u16 = 0x0019;
pub const ECDAA: u16 = 0x001A;
pub const SM2: u16 = 0x001B;
pub const ECSCHNORR: u16 = 0x001C;
pub const ECMQV: u16 = 0x001D;
pub const KDF1_SP800_108: u16 = 0x0022;
pub const ECC: u16 = 0x0023;
pub const SYMCIPHER: u16 = 0x0025;
pub const MLKEM: u16 = 0x00A0;
pub const MLDSA: u16 = 0x00A1;
pub const HASH_MLDSA: u16 = 0x00A2;
pub const CTR: u16 = 0x0040;
pub const CFB: u16 = 0x0043;

/// The hashes that both TPMs have.
pub const HASHES: [u16; 4] = [SHA1, SHA256, SHA384, SHA512];

/// `TPMA_OBJECT`.
pub mod attributes {
    pub const FIXED_TPM: u32 = 1 << 1;
    pub const ST_CLEAR: u32 = 1 << 2;
    pub const FIXED_PARENT: u32 = 1 << 4;
    pub const SENSITIVE_DATA_ORIGIN: u32 = 1 << 5;
    pub const USER_WITH_AUTH: u32 = 1 << 6;
    pub const ADMIN_WITH_POLICY: u32 = 1 << 7;
    pub const NO_DA: u32 = 1 << 10;
    pub const ENCRYPTED_DUPLICATION: u32 = 1 << 11;
    pub const RESTRICTED: u32 = 1 << 16;
    pub const DECRYPT: u32 = 1 << 17;
    pub const SIGN: u32 = 1 << 18;
}

/// The hash with this identifier.
pub fn hash(alg: u16) -> Option<TpmiAlgHash> {
    TpmiAlgHash::from_value(alg)
}

/// Bytes of a digest; 32 for what is no hash.
pub fn digest_size(alg: u16) -> usize {
    hash(alg).map_or(32, TpmiAlgHash::digest_size)
}

/// The digest of some bytes; empty for what is no hash.
pub fn digest(alg: u16, parts: &[&[u8]]) -> Vec<u8> {
    hash(alg).map_or_else(Vec::new, |alg| ironroot_crypto::digest(alg, parts).to_vec())
}

/// A public area.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Public {
    pub alg: u16,
    pub name_alg: u16,
    pub attributes: u32,
    pub policy: Vec<u8>,
    pub parms: Vec<u8>,
    pub unique: Vec<u8>,
}

impl Public {
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let mut parts = Parts(bytes);
        let (alg, name_alg, attributes) = (parts.u16()?, parts.u16()?, parts.u32()?);
        let policy = parts.sized()?.to_vec();
        let size = parms_size(alg, parts.0)?;
        let parms = parts.take(size)?.to_vec();
        Some(Self { alg, name_alg, attributes, policy, parms, unique: parts.0.to_vec() })
    }

    pub fn bytes(&self) -> Vec<u8> {
        let head = Bytes::new().u16(self.alg).u16(self.name_alg).u32(self.attributes).sized(&self.policy);
        head.raw(&self.parms).raw(&self.unique).0
    }

    pub fn has(&self, attributes: u32) -> bool {
        self.attributes & attributes == attributes
    }

    /// The object's name.
    pub fn name(&self) -> Vec<u8> {
        if self.name_alg == NULL {
            return Vec::new();
        }
        [&self.name_alg.to_be_bytes()[..], &digest(self.name_alg, &[&self.bytes()])].concat()
    }

    /// Whether it can have children.
    pub fn is_parent(&self) -> bool {
        use attributes::{DECRYPT, RESTRICTED, SIGN};
        self.has(RESTRICTED | DECRYPT) && !self.has(SIGN)
    }

    /// Sealed data.
    pub fn is_sealed(&self) -> bool {
        self.alg == KEYEDHASH && self.attributes & (attributes::SIGN | attributes::DECRYPT) == 0
    }

    /// The curve of a key on a curve.
    pub fn curve(&self) -> Option<u16> {
        if self.alg != ECC {
            return None;
        }
        let mut parts = Parts(&self.parms);
        let size = sym_size(parts.0)?;
        parts.take(size)?;
        let size = scheme_size(parts.0)?;
        parts.take(size)?;
        parts.u16()
    }

    /// The signing or encryption scheme.
    pub fn scheme(&self) -> Option<u16> {
        let mut parts = Parts(&self.parms);
        if matches!(self.alg, RSA | ECC) {
            let size = sym_size(parts.0)?;
            parts.take(size)?;
        }
        if matches!(self.alg, RSA | ECC | KEYEDHASH) { parts.u16() } else { None }
    }

    /// The bytes of a modulus, or of the coordinates.
    pub fn unique_parts(&self) -> Option<Vec<Vec<u8>>> {
        let mut parts = Parts(&self.unique);
        let mut all = vec![parts.sized()?.to_vec()];
        if self.alg == ECC {
            all.push(parts.sized()?.to_vec());
        }
        Some(all)
    }
}

/// Bytes of `TPMT_SYM_DEF_OBJECT`.
fn sym_size(bytes: &[u8]) -> Option<usize> {
    Some(if Parts(bytes).u16()? == NULL { 2 } else { 6 })
}

/// Bytes of `TPMT_RSA_SCHEME`, `TPMT_ECC_SCHEME` or `TPMT_KDF_SCHEME`.
fn scheme_size(bytes: &[u8]) -> Option<usize> {
    Some(match Parts(bytes).u16()? {
        NULL | RSAES => 2,
        ECDAA => 6,
        _ => 4,
    })
}

fn parms_size(alg: u16, bytes: &[u8]) -> Option<usize> {
    match alg {
        RSA => {
            let sym = sym_size(bytes)?;
            Some(sym + scheme_size(bytes.get(sym..)?)? + 6)
        }
        ECC => {
            let sym = sym_size(bytes)?;
            let scheme = sym + scheme_size(bytes.get(sym..)?)?;
            Some(scheme + 2 + scheme_size(bytes.get(scheme + 2..)?)?)
        }
        KEYEDHASH => Some(match Parts(bytes).u16()? {
            NULL => 2,
            XOR => 6,
            _ => 4,
        }),
        SYMCIPHER => Some(6),
        MLKEM => Some(sym_size(bytes)? + 2),
        MLDSA => Some(3),
        HASH_MLDSA => Some(4),
        _ => None,
    }
}

/// The public area of an object with these parameters and an empty unique value.
fn public(alg: u16, attributes: u32, parms: Bytes) -> Public {
    let unique = if alg == ECC { vec![0; 4] } else { vec![0; 2] };
    Public { alg, name_alg: SHA256, attributes, policy: Vec::new(), parms: parms.0, unique }
}

/// A `TPMT_SYM_DEF_OBJECT` of AES; NULL without a key size.
fn aes(bits: Option<u16>) -> Bytes {
    match bits {
        Some(bits) => Bytes::new().u16(AES).u16(bits).u16(CFB),
        None => Bytes::new().u16(NULL),
    }
}

fn scheme(to: Bytes, scheme: u16, hash: u16) -> Bytes {
    match scheme {
        NULL | RSAES => to.u16(scheme),
        ECDAA => to.u16(scheme).u16(hash).u16(0),
        _ => to.u16(scheme).u16(hash),
    }
}

pub fn ecc(attributes: u32, sym: Option<u16>, kind: u16, hash: u16, curve: u16) -> Public {
    public(ECC, attributes, scheme(aes(sym), kind, hash).u16(curve).u16(NULL))
}

pub fn rsa(attributes: u32, sym: Option<u16>, kind: u16, hash: u16, bits: u16) -> Public {
    public(RSA, attributes, scheme(aes(sym), kind, hash).u16(bits).u32(0))
}

pub fn keyedhash(attributes: u32, kind: u16, hash: u16) -> Public {
    let parms = match kind {
        XOR => Bytes::new().u16(XOR).u16(hash).u16(KDF1_SP800_108),
        _ => scheme(Bytes::new(), kind, hash),
    };
    public(KEYEDHASH, attributes, parms)
}

pub fn symcipher(attributes: u32, alg: u16, bits: u16, mode: u16) -> Public {
    public(SYMCIPHER, attributes, Bytes::new().u16(alg).u16(bits).u16(mode))
}

pub fn mlkem(attributes: u32, sym: Option<u16>, set: u16) -> Public {
    public(MLKEM, attributes, aes(sym).u16(set))
}

pub fn mldsa(attributes: u32, set: u16, external_mu: bool) -> Public {
    public(MLDSA, attributes, Bytes::new().u16(set).u8(u8::from(external_mu)))
}

pub fn hash_mldsa(attributes: u32, set: u16, hash: u16) -> Public {
    public(HASH_MLDSA, attributes, Bytes::new().u16(set).u16(hash))
}
