//! The operations that are measured: how each prepares its keys, what it sends, what it cleans up.

use crate::run::Result;
use crate::tpm::Client;
use crate::tpm::bytes::{Reader, Writer, cc, command};
use crate::tpm::templates::{self as t, ALG_NULL, ALG_OAEP, ALG_SHA256, NULL, Use};

/// Handles and bytes that an operation prepared in one TPM.
#[derive(Default)]
pub struct Prepared {
    /// Transient objects, flushed after the operation.
    pub loaded: Vec<u32>,
    /// NV index, removed after the operation.
    pub index: Option<u32>,
    /// What the command needs again: a ciphertext, a signature, a key blob.
    pub blob: Vec<u8>,
}

/// One row of the table.
pub struct Op {
    pub name: &'static str,
    pub code: u32,
    pub rounds: u32,
    /// Whether the response starts with a handle that has to be flushed, outside the timed span.
    pub flushes: bool,
    pub prepare: fn(&mut Client) -> Result<Prepared>,
    pub command: fn(&Prepared, u32) -> Vec<u8>,
}

const CHEAP: u32 = 800;
const PUBLIC_KEY: u32 = 400;
const KEY_SEARCH: u32 = 120;
const INDEX: u32 = 0x0150_0010;

/// The x and y coordinates of P-256's generator: a valid point that needs no arithmetic here.
const GENERATOR: ([u8; 32], [u8; 32]) = (
    [
        0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5, 0x63, 0xa4, 0x40, 0xf2, 0x77, 0x03,
        0x7d, 0x81, 0x2d, 0xeb, 0x33, 0xa0, 0xf4, 0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2, 0x96,
    ],
    [
        0x4f, 0xe3, 0x42, 0xe2, 0xfe, 0x1a, 0x7f, 0x9b, 0x8e, 0xe7, 0xeb, 0x4a, 0x7c, 0x0f, 0x9e, 0x16, 0x2b, 0xce,
        0x33, 0x57, 0x6b, 0x31, 0x5e, 0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5,
    ],
);

pub const OPS: &[Op] = &[
    Op {
        name: "GetCapability",
        code: cc::GET_CAPABILITY,
        rounds: CHEAP,
        flushes: false,
        prepare: nothing,
        // TPM_CAP_TPM_PROPERTIES, PT_FIXED, eight of them.
        command: |_, _| command(cc::GET_CAPABILITY, &[], 0, &Writer::default().u32(6).u32(0x100).u32(8).0),
    },
    Op {
        name: "GetRandom(32)",
        code: cc::GET_RANDOM,
        rounds: CHEAP,
        flushes: false,
        prepare: nothing,
        command: |_, _| command(cc::GET_RANDOM, &[], 0, &[0, 32]),
    },
    Op {
        name: "PCR_Extend",
        code: cc::PCR_EXTEND,
        rounds: CHEAP,
        flushes: false,
        prepare: nothing,
        command: |_, round| {
            let digest = Writer::default().u32(1).u16(ALG_SHA256).bytes(&numbered(round)).0;
            command(cc::PCR_EXTEND, &[10], 1, &digest)
        },
    },
    Op {
        name: "PCR_Read",
        code: cc::PCR_READ,
        rounds: CHEAP,
        flushes: false,
        prepare: nothing,
        command: |_, _| command(cc::PCR_READ, &[], 0, &t::pcr_selection()),
    },
    Op {
        name: "Hash 1 KiB",
        code: cc::HASH,
        rounds: CHEAP,
        flushes: false,
        prepare: nothing,
        command: |_, _| command(cc::HASH, &[], 0, &Writer::default().sized(&[7; 1024]).u16(ALG_SHA256).u32(NULL).0),
    },
    Op {
        name: "StartAuthSession HMAC",
        code: cc::START_AUTH_SESSION,
        rounds: CHEAP,
        flushes: true,
        prepare: nothing,
        command: |_, round| {
            let parameters = Writer::default().sized(&numbered(round)).sized(&[]).u8(0).u16(ALG_NULL).u16(ALG_SHA256);
            command(cc::START_AUTH_SESSION, &[NULL, NULL], 0, &parameters.0)
        },
    },
    Op {
        name: "CreatePrimary ECC P-256",
        code: cc::CREATE_PRIMARY,
        rounds: PUBLIC_KEY,
        flushes: true,
        prepare: nothing,
        // Another `unique` each time, or the same deterministic derivation would be timed again and again.
        command: |_, round| t::create_primary(&t::ecc(Use::Storage, &numbered(round))),
    },
    Op {
        name: "Create ECC P-256",
        code: cc::CREATE,
        rounds: PUBLIC_KEY,
        flushes: false,
        prepare: storage_key,
        command: |prepared, _| t::create(last(prepared), &t::ecc(Use::Sign, &[])),
    },
    Op {
        name: "Create RSA-2048",
        code: cc::CREATE,
        rounds: KEY_SEARCH,
        flushes: false,
        prepare: storage_key,
        command: |prepared, _| t::create(last(prepared), &t::rsa(Use::Sign)),
    },
    Op {
        name: "Load ECC P-256",
        code: cc::LOAD,
        rounds: CHEAP,
        flushes: true,
        prepare: |client| {
            let mut prepared = storage_key(client)?;
            prepared.blob = create_blobs(client, last(&prepared), &t::ecc(Use::Sign, &[]))?;
            Ok(prepared)
        },
        command: |prepared, _| command(cc::LOAD, &[last(prepared)], 1, &prepared.blob),
    },
    Op {
        name: "Sign ECDSA P-256",
        code: cc::SIGN,
        rounds: PUBLIC_KEY,
        flushes: false,
        prepare: |client| key(client, &t::ecc(Use::Sign, &[])),
        command: |prepared, round| sign(last(prepared), round),
    },
    Op {
        name: "Sign RSASSA-2048",
        code: cc::SIGN,
        rounds: PUBLIC_KEY,
        flushes: false,
        prepare: |client| key(client, &t::rsa(Use::Sign)),
        command: |prepared, round| sign(last(prepared), round),
    },
    Op {
        name: "VerifySignature P-256",
        code: cc::VERIFY_SIGNATURE,
        rounds: PUBLIC_KEY,
        flushes: false,
        prepare: |client| {
            let mut prepared = key(client, &t::ecc(Use::Sign, &[]))?;
            let (_, signature) = client.must(cc::SIGN, &sign(last(&prepared), 0), 0)?;
            prepared.blob = signature;
            Ok(prepared)
        },
        command: |prepared, _| {
            let parameters = Writer::default().sized(&numbered(0)).bytes(&prepared.blob);
            command(cc::VERIFY_SIGNATURE, &[last(prepared)], 0, &parameters.0)
        },
    },
    Op {
        name: "RSA_Decrypt OAEP-2048",
        code: cc::RSA_DECRYPT,
        rounds: PUBLIC_KEY,
        flushes: false,
        prepare: |client| {
            let mut prepared = key(client, &t::rsa(Use::Decrypt))?;
            let parameters = Writer::default().sized(b"sixteen bytes...").u16(ALG_OAEP).u16(ALG_SHA256).sized(&[]);
            let encrypt = command(cc::RSA_ENCRYPT, &[last(&prepared)], 0, &parameters.0);
            let (_, sealed) = client.must(cc::RSA_ENCRYPT, &encrypt, 0)?;
            prepared.blob = sealed;
            Ok(prepared)
        },
        command: |prepared, _| {
            let parameters = Writer::default().bytes(&prepared.blob).u16(ALG_OAEP).u16(ALG_SHA256).sized(&[]);
            command(cc::RSA_DECRYPT, &[last(prepared)], 1, &parameters.0)
        },
    },
    Op {
        name: "ECDH_ZGen P-256",
        code: cc::ECDH_ZGEN,
        rounds: PUBLIC_KEY,
        flushes: false,
        prepare: |client| key(client, &t::ecc(Use::Decrypt, &[])),
        command: |prepared, _| {
            let point = Writer::default().sized(&GENERATOR.0).sized(&GENERATOR.1).0;
            command(cc::ECDH_ZGEN, &[last(prepared)], 1, &Writer::default().sized(&point).0)
        },
    },
    Op {
        name: "Quote ECC P-256",
        code: cc::QUOTE,
        rounds: PUBLIC_KEY,
        flushes: false,
        prepare: |client| key(client, &t::ecc(Use::Attest, &[])),
        command: |prepared, round| {
            let parameters = Writer::default().sized(&numbered(round)).u16(ALG_NULL).bytes(&t::pcr_selection());
            command(cc::QUOTE, &[last(prepared)], 1, &parameters.0)
        },
    },
    Op {
        name: "NV_Write 1 KiB",
        code: cc::NV_WRITE,
        rounds: PUBLIC_KEY,
        flushes: false,
        prepare: |client| nv_index(client, 1024, false),
        command: |_, round| t::nv_write(INDEX, &[round as u8; 1024]),
    },
    Op {
        name: "NV_Increment",
        code: cc::NV_INCREMENT,
        rounds: PUBLIC_KEY,
        flushes: false,
        prepare: |client| nv_index(client, 8, true),
        command: |_, _| command(cc::NV_INCREMENT, &[t::OWNER, INDEX], 1, &[]),
    },
];

/// Removes what `prepare` left in the TPM.
pub fn clean_up(client: &mut Client, prepared: &Prepared) -> Result {
    for handle in &prepared.loaded {
        client.flush(*handle)?;
    }
    if let Some(index) = prepared.index {
        let undefine = command(cc::NV_UNDEFINE_SPACE, &[t::OWNER, index], 1, &[]);
        client.must(cc::NV_UNDEFINE_SPACE, &undefine, 0)?;
    }
    Ok(())
}

/// The handle at the start of a successful response.
pub fn response_handle(response: &[u8]) -> Result<u32> {
    let mut reader = Reader::new(response);
    reader.take(10)?;
    reader.u32()
}

fn nothing(_: &mut Client) -> Result<Prepared> {
    Ok(Prepared::default())
}

/// 32 bytes that differ from round to round.
fn numbered(round: u32) -> [u8; 32] {
    let mut bytes = [0x5a; 32];
    for (to, from) in bytes.iter_mut().zip(round.to_be_bytes()) {
        *to = from;
    }
    bytes
}

fn last(prepared: &Prepared) -> u32 {
    prepared.loaded.last().copied().unwrap_or(NULL)
}

fn storage_key(client: &mut Client) -> Result<Prepared> {
    let (handles, _) = client.must(cc::CREATE_PRIMARY, &t::create_primary(&t::ecc(Use::Storage, &[])), 1)?;
    Ok(Prepared { loaded: handles, ..Prepared::default() })
}

/// outPrivate and outPublic, one after the other, as TPM2_Load takes them.
fn create_blobs(client: &mut Client, parent: u32, public: &[u8]) -> Result<Vec<u8>> {
    let (_, parameters) = client.must(cc::CREATE, &t::create(parent, public), 0)?;
    let mut reader = Reader::new(&parameters);
    let (private, public) = (reader.sized()?, reader.sized()?);
    Ok(Writer::default().sized(private).sized(public).0)
}

/// A key under a storage key, both loaded; the key comes last.
fn key(client: &mut Client, public: &[u8]) -> Result<Prepared> {
    let mut prepared = storage_key(client)?;
    let blobs = create_blobs(client, last(&prepared), public)?;
    let (handles, _) = client.must(cc::LOAD, &command(cc::LOAD, &[last(&prepared)], 1, &blobs), 1)?;
    prepared.loaded.extend(handles);
    Ok(prepared)
}

fn nv_index(client: &mut Client, size: u16, counter: bool) -> Result<Prepared> {
    client.must(cc::NV_DEFINE_SPACE, &t::nv_define(INDEX, size, counter), 0)?;
    Ok(Prepared { index: Some(INDEX), ..Prepared::default() })
}

/// TPM2_Sign with the key's own scheme and a null ticket.
fn sign(key: u32, round: u32) -> Vec<u8> {
    let parameters = Writer::default().sized(&numbered(round)).u16(ALG_NULL).u16(0x8024).u32(NULL).sized(&[]);
    command(cc::SIGN, &[key], 1, &parameters.0)
}
