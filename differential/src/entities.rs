//! What the run knows of the TPMs' contents. Auth values are the same in both; handles of objects, names, nonces and keys
//! may differ.

use crate::{public::Public, step::Id};

/// Something of Ironroot's and the same of libtpms's.
pub type Pair<T> = [T; 2];

pub const OURS: usize = 0;
pub const THEIRS: usize = 1;

pub const OWNER: u32 = 0x4000_0001;
pub const NULL: u32 = 0x4000_0007;
pub const PW: u32 = 0x4000_0009;
pub const LOCKOUT: u32 = 0x4000_000A;
pub const ENDORSEMENT: u32 = 0x4000_000B;
pub const PLATFORM: u32 = 0x4000_000C;
pub const PLATFORM_NV: u32 = 0x4000_000D;

/// An object or sequence.
#[derive(Debug, Clone)]
pub struct Object {
    pub handle: Pair<u32>,
    /// The public areas; none for a sequence.
    pub public: Option<Pair<Public>>,
    pub auth: Vec<u8>,
    /// Whether the private part is there.
    pub private: bool,
    /// What kind of sequence it is, if it is one.
    pub sequence: Option<Sequence>,
    pub hierarchy: u32,
    /// The secret of a key that the run chose.
    pub secret: Vec<u8>,
}

/// A kind of sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sequence {
    Hash,
    Hmac,
    Event,
    Sign,
    Verify,
}

impl Object {
    /// Whether both TPMs hold the same key.
    pub fn same(&self) -> bool {
        self.public.as_ref().is_none_or(|[ours, theirs]| ours == theirs)
    }

    pub fn name(&self, side: usize) -> Vec<u8> {
        self.public.as_ref().map(|public| public[side].name()).unwrap_or_default()
    }

    /// The public area, as far as it is the same in both.
    pub fn shape(&self) -> Option<&Public> {
        self.public.as_ref().map(|public| &public[OURS])
    }

    /// Whether dictionary attacks on its auth value are counted.
    pub fn protected(&self) -> bool {
        self.shape().is_some_and(|public| !public.has(crate::public::attributes::NO_DA))
    }
}

/// `TPMT_SYM_DEF` of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cipher {
    None,
    Xor(u16),
    /// A block cipher in CFB mode, with a key of so many bits.
    Block(u16, u16),
}

/// `TPM_SE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Hmac,
    Policy,
    Trial,
}

/// A session.
#[derive(Debug, Clone)]
pub struct Session {
    pub handle: u32,
    pub kind: Kind,
    pub hash: u16,
    pub cipher: Cipher,
    pub key: Pair<Vec<u8>>,
    pub nonce_tpm: Pair<Vec<u8>>,
    /// The entity that it is bound to: names, and its auth value then.
    pub bound: Option<(Pair<Vec<u8>>, Vec<u8>)>,
    /// TPM2_PolicyAuthValue was the last to say so.
    pub wants_auth: bool,
    /// TPM2_PolicyPassword was the last to say so.
    pub wants_password: bool,
    /// Whether the policy digests of both have to be equal: nothing that differs has gone into them.
    pub same: bool,
    /// Whether it was used to encrypt without authorizing, after which libtpms forgets its policy.
    pub forgotten: bool,
    /// Whether it is a trial that was given PCR without a digest, which libtpms does not take as they are.
    pub trial_pcr: bool,
}

/// An NV index.
#[derive(Debug, Clone, Default)]
pub struct Index {
    pub auth: Vec<u8>,
    /// `TPMS_NV_PUBLIC` as it was defined.
    pub name_alg: u16,
    pub attributes: u32,
    pub policy: Vec<u8>,
    pub size: u16,
    pub written: bool,
    /// Its name now, if it has been asked for.
    pub name: Vec<u8>,
}

impl Index {
    pub fn is_pin(&self) -> bool {
        matches!(self.attributes >> 4 & 15, 8 | 9)
    }

    pub fn is_counter(&self) -> bool {
        self.attributes >> 4 & 15 == 1
    }
}

/// A saved context.
#[derive(Debug, Clone)]
pub enum Saved {
    Object(Object),
    Session(Id, Session),
}

/// An object outside of the TPM: a private and a public area that a step returned, to be loaded under a parent.
#[derive(Debug, Clone)]
pub struct Wrapped {
    /// Names of the parent that it was made under.
    pub parent: Pair<Vec<u8>>,
    pub public: Pair<Public>,
    pub auth: Vec<u8>,
    pub secret: Vec<u8>,
}
