//! What the TPM holds before the first fuzzed command, so that handles in the input mean something: a storage key
//! (0x80000000, persistent as 0x81000001), a signing key (0x80000001), an HMAC and a policy session (0x02000000,
//! 0x03000001), an ordinary NV index (0x01500001) and a counter (0x01500002).
// Each target uses a part of this.
#![allow(dead_code)]

pub mod edits;
pub mod steps;
pub mod visit;

use ironroot_tpm::{SEED_SIZE, Seeds};
use zeroize::Zeroizing;

/// The seeds of a TPM that has no trust anchor.
pub fn seeds() -> Seeds {
    let seed = |fill| Zeroizing::new([fill; SEED_SIZE]);
    Seeds { owner: seed(1), endorsement: seed(2), platform: seed(3) }
}

const OWNER: u32 = 0x4000_0001;
const NULL: u32 = 0x4000_0007;

/// Big-endian bytes.
#[derive(Default)]
struct Bytes(Vec<u8>);

impl Bytes {
    fn u8(mut self, value: u8) -> Self {
        self.0.push(value);
        self
    }

    fn u16(mut self, value: u16) -> Self {
        self.0.extend(value.to_be_bytes());
        self
    }

    fn u32(mut self, value: u32) -> Self {
        self.0.extend(value.to_be_bytes());
        self
    }

    fn sized(self, value: &[u8]) -> Self {
        let mut out = self.u16(u16::try_from(value.len()).expect("short"));
        out.0.extend(value);
        out
    }
}

/// A command; with `authorized`, the first handle has a password session with the empty password.
fn command(code: u32, handles: &[u32], authorized: bool, parameters: Bytes) -> Vec<u8> {
    let mut out = Bytes::default().u16(if authorized { 0x8002 } else { 0x8001 }).u32(0).u32(code);
    for handle in handles {
        out = out.u32(*handle);
    }
    if authorized {
        out = out.u32(9).u32(0x4000_0009).sized(&[]).u8(1).sized(&[]);
    }
    let mut bytes = out.0;
    bytes.extend(parameters.0);
    let size = u32::try_from(bytes.len()).expect("short");
    bytes[2..6].copy_from_slice(&size.to_be_bytes());
    bytes
}

/// TPM2_CreatePrimary of a P-256 key: a storage key, or an ECDSA key.
fn primary(storage: bool) -> Vec<u8> {
    let attributes = if storage { 0x0003_0472 } else { 0x0004_0472 };
    let public = Bytes::default().u16(0x0023).u16(0x000b).u32(attributes).sized(&[]);
    let public = if storage {
        public.u16(0x0006).u16(128).u16(0x0043).u16(0x0010)
    } else {
        public.u16(0x0010).u16(0x0018).u16(0x000b)
    };
    let public = public.u16(0x0003).u16(0x0010).sized(&[]).sized(&[]).0;
    let parameters = Bytes::default().sized(&[0; 4]).sized(&public).sized(&[]).u32(0);
    command(0x131, &[OWNER], true, parameters)
}

fn session(kind: u8) -> Vec<u8> {
    command(0x176, &[NULL, NULL], false, Bytes::default().sized(&[9; 16]).sized(&[]).u8(kind).u16(0x0010).u16(0x000b))
}

fn define(index: u32, attributes: u32, size: u16) -> Vec<u8> {
    let public = Bytes::default().u32(index).u16(0x000b).u32(attributes).sized(&[]).u16(size).0;
    command(0x12a, &[OWNER], true, Bytes::default().sized(&[]).sized(&public))
}

/// The commands, in order; each has to succeed.
pub fn commands() -> Vec<Vec<u8>> {
    vec![
        // TPM2_Startup(CLEAR)
        command(0x144, &[], false, Bytes::default().u16(0)),
        primary(true),
        primary(false),
        command(0x120, &[OWNER, 0x8000_0000], true, Bytes::default().u32(0x8100_0001)),
        session(0),
        session(1),
        define(0x0150_0001, 0x0206_0006, 32),
        command(0x137, &[OWNER, 0x0150_0001], true, Bytes::default().sized(&[5; 32]).u16(0)),
        define(0x0150_0002, 0x0206_0016, 8),
        command(0x134, &[OWNER, 0x0150_0002], true, Bytes::default()),
    ]
}

/// Commands that read back what is stored; they may fail.
#[allow(dead_code, reason = "one of the targets asks")]
pub fn questions() -> Vec<Vec<u8>> {
    let read = |index, size| command(0x14e, &[OWNER, index], true, Bytes::default().u16(size).u16(0));
    let capability = |kind, from| command(0x17a, &[], false, Bytes::default().u32(kind).u32(from).u32(64));
    vec![
        capability(1, 0x0100_0000),
        capability(1, 0x8100_0000),
        capability(5, 0),
        capability(6, 0x100),
        capability(6, 0x200),
        command(0x169, &[0x0150_0001], false, Bytes::default()),
        read(0x0150_0001, 32),
        read(0x0150_0002, 8),
        command(0x173, &[0x8100_0001], false, Bytes::default()),
        // TPM2_Create under the persistent key.
        command(
            0x153,
            &[0x8100_0001],
            true,
            Bytes::default()
                .sized(&[0, 0, 0, 4, 1, 2, 3, 4])
                .sized(&Bytes::default().u16(8).u16(0xb).u32(0x52).sized(&[]).u16(0x10).sized(&[]).0)
                .sized(&[])
                .u32(0),
        ),
        // TPM2_Shutdown(STATE), which stores what is volatile.
        command(0x145, &[], false, Bytes::default().u16(1)),
    ]
}
