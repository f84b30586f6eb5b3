//! The public areas that the measurements and the kill test use.

use super::bytes::{Writer, cc, command};

pub const OWNER: u32 = 0x4000_0001;
pub const NULL: u32 = 0x4000_0007;

const ALG_RSA: u16 = 0x0001;
const ALG_AES: u16 = 0x0006;
pub const ALG_SHA256: u16 = 0x000b;
pub const ALG_NULL: u16 = 0x0010;
const ALG_RSASSA: u16 = 0x0014;
pub const ALG_OAEP: u16 = 0x0017;
const ALG_ECDSA: u16 = 0x0018;
const ALG_ECC: u16 = 0x0023;
const ALG_CFB: u16 = 0x0043;
const P256: u16 = 0x0003;

/// fixedTPM, fixedParent, sensitiveDataOrigin, userWithAuth, noDA.
const BASE: u32 = 0x0000_0472;
const RESTRICTED: u32 = 0x0001_0000;
const DECRYPT: u32 = 0x0002_0000;
const SIGN: u32 = 0x0004_0000;

/// What a key is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Use {
    Storage,
    Sign,
    Attest,
    Decrypt,
}

impl Use {
    fn attributes(self) -> u32 {
        BASE | match self {
            Self::Storage => RESTRICTED | DECRYPT,
            Self::Sign => SIGN,
            Self::Attest => RESTRICTED | SIGN,
            Self::Decrypt => DECRYPT,
        }
    }

    fn symmetric(self) -> Writer {
        let out = Writer::default();
        if self == Self::Storage { out.u16(ALG_AES).u16(128).u16(ALG_CFB) } else { out.u16(ALG_NULL) }
    }
}

/// TPMT_PUBLIC of a P-256 key; `unique` goes into the x coordinate.
pub fn ecc(purpose: Use, unique: &[u8]) -> Vec<u8> {
    let scheme = match purpose {
        Use::Sign | Use::Attest => Writer::default().u16(ALG_ECDSA).u16(ALG_SHA256),
        Use::Storage | Use::Decrypt => Writer::default().u16(ALG_NULL),
    };
    header(ALG_ECC, purpose)
        .bytes(&purpose.symmetric().0)
        .bytes(&scheme.0)
        .u16(P256)
        .u16(ALG_NULL)
        .sized(unique)
        .sized(&[])
        .0
}

/// TPMT_PUBLIC of an RSA-2048 key with the default exponent.
pub fn rsa(purpose: Use) -> Vec<u8> {
    let scheme = match purpose {
        Use::Sign | Use::Attest => Writer::default().u16(ALG_RSASSA).u16(ALG_SHA256),
        Use::Storage | Use::Decrypt => Writer::default().u16(ALG_NULL),
    };
    header(ALG_RSA, purpose).bytes(&purpose.symmetric().0).bytes(&scheme.0).u16(2048).u32(0).sized(&[]).0
}

fn header(kind: u16, purpose: Use) -> Writer {
    Writer::default().u16(kind).u16(ALG_SHA256).u32(purpose.attributes()).sized(&[])
}

/// TPM2_CreatePrimary in the owner hierarchy.
pub fn create_primary(public: &[u8]) -> Vec<u8> {
    command(cc::CREATE_PRIMARY, &[OWNER], 1, &creation(public))
}

/// TPM2_Create.
pub fn create(parent: u32, public: &[u8]) -> Vec<u8> {
    command(cc::CREATE, &[parent], 1, &creation(public))
}

/// inSensitive with an empty auth value, inPublic, no outside information, no PCR.
fn creation(public: &[u8]) -> Vec<u8> {
    let sensitive = Writer::default().sized(&[]).sized(&[]).0;
    Writer::default().sized(&sensitive).sized(public).sized(&[]).u32(0).0
}

/// The PCR selection SHA-256: 0 to 7.
pub fn pcr_selection() -> Vec<u8> {
    Writer::default().u32(1).u16(ALG_SHA256).u8(3).bytes(&[0xff, 0, 0]).0
}

/// TPMS_NV_PUBLIC of an index that the owner reads and writes, without dictionary-attack protection.
pub fn nv_public(index: u32, size: u16, counter: bool) -> Vec<u8> {
    // OWNERWRITE, OWNERREAD, NO_DA; TPM_NT in bits 4 to 7.
    let attributes = 0x0202_0002 | if counter { 0x10 } else { 0 };
    Writer::default().u32(index).u16(ALG_SHA256).u32(attributes).sized(&[]).u16(size).0
}

/// TPM2_NV_DefineSpace for [`nv_public`].
pub fn nv_define(index: u32, size: u16, counter: bool) -> Vec<u8> {
    let parameters = Writer::default().sized(&[]).sized(&nv_public(index, size, counter)).0;
    command(cc::NV_DEFINE_SPACE, &[OWNER], 1, &parameters)
}

/// TPM2_NV_Write at offset 0, authorized by the owner.
pub fn nv_write(index: u32, data: &[u8]) -> Vec<u8> {
    command(cc::NV_WRITE, &[OWNER, index], 1, &Writer::default().sized(data).u16(0).0)
}

/// TPM2_NV_Read from offset 0, authorized by the owner.
pub fn nv_read(index: u32, size: u16) -> Vec<u8> {
    command(cc::NV_READ, &[OWNER, index], 1, &Writer::default().u16(size).u16(0).0)
}
