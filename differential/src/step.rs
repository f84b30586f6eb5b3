//! A step of a sequence: what is to be done, without saying what either TPM made of the steps before it.
//!
//! Where a command needs what an earlier one returned (a handle, a nonce, an encrypted object, a ticket), it names the
//! step that returned it, and each TPM gets its own. So a sequence can be played again with steps left out.

use std::fmt;

use crate::bytes::hex;

/// Names a step, and what it makes.
pub type Id = u32;

/// A handle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ref {
    /// A number: PCR, NV index, persistent object, hierarchy, or nonsense.
    Fixed(u32),
    /// The object or sequence that a step loaded.
    Object(Id),
    /// The session that a step started.
    Session(Id),
}

/// A part of the parameters.
#[derive(Debug, Clone)]
pub enum Piece {
    /// These bytes.
    Bytes(Vec<u8>),
    /// A handle.
    Handle(Ref),
    /// What a step returned under this name, from the TPM itself or from the other one.
    Field { of: Id, name: &'static str, swap: bool },
    /// `TPM2B_PUBLIC` of an object outside of the TPM, that a step made.
    WrappedPublic(Id),
    /// The bytes of a name, without a size.
    Name(Ref),
    /// The last nonce that the TPM gave in a session, without a size.
    NonceTpm(Id),
    /// These pieces behind their size.
    Sized(Vec<Piece>),
    /// The digest of these pieces.
    Hash(u16, Vec<Piece>),
    /// An HMAC over these pieces.
    Hmac(u16, Vec<u8>, Vec<Piece>),
    /// A salt, encrypted to a key, behind its size.
    Salt(Ref, Vec<u8>),
    /// The policy digest of a session, without a size, as the TPM gives it (no step of its own).
    PolicyDigest(Id),
    /// A piece with one bit turned over.
    Damaged(Box<Piece>, usize),
}

/// One entry of the authorization area.
#[derive(Debug, Clone)]
pub enum AuthUse {
    /// The entity's auth value as a password, or a wrong one.
    Password { wrong: bool, attributes: u8 },
    /// A session, with these attributes and nonce; with `wrong`, the HMAC has a wrong bit.
    Session { id: Id, attributes: u8, nonce: Vec<u8>, wrong: bool },
    /// Whatever.
    Raw { handle: Ref, nonce: Vec<u8>, attributes: u8, hmac: Vec<u8> },
}

/// What is wrong with a command.
#[derive(Debug, Clone)]
pub enum Mutation {
    /// Another tag.
    Tag(u16),
    /// A size that is off.
    Size(i32),
    /// Another command code.
    Code(u32),
    /// A parameter byte, before sessions authorize the parameters.
    Parameter { at: usize, xor: u8 },
    /// Parameters without their last bytes.
    Cut(usize),
    /// Parameters with more bytes.
    More(Vec<u8>),
    /// The whole command without its last bytes.
    Truncate(usize),
    /// An authorization size that is off.
    AuthSize(i32),
    /// A byte of the authorization area.
    AuthByte { at: usize, xor: u8 },
    /// No authorization area.
    NoSessions,
    /// A handle less.
    NoHandle,
}

/// A command.
#[derive(Debug, Clone)]
pub struct Call {
    pub code: u32,
    pub handles: Vec<Ref>,
    pub auths: Vec<AuthUse>,
    pub parameters: Vec<Piece>,
    pub mutation: Option<Mutation>,
}

/// What is done.
#[derive(Debug, Clone)]
pub enum Action {
    Command(Call),
    /// The power goes off and on.
    PowerCycle,
}

/// A step.
#[derive(Debug, Clone)]
pub struct Step {
    pub id: Id,
    pub locality: u8,
    /// Milliseconds that pass before it.
    pub wait: u64,
    pub action: Action,
}

impl fmt::Display for Ref {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(handle) => write!(f, "{handle:08x}"),
            Self::Object(id) => write!(f, "object #{id}"),
            Self::Session(id) => write!(f, "session #{id}"),
        }
    }
}

impl fmt::Display for Piece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |pieces: &[Self]| pieces.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        match self {
            Self::Bytes(bytes) => f.write_str(&hex(bytes)),
            Self::Handle(handle) => write!(f, "<{handle}>"),
            Self::Field { of, name, swap } => write!(f, "<{name} of #{of}{}>", if *swap { ", other's" } else { "" }),
            Self::WrappedPublic(id) => write!(f, "<public area from #{id}>"),
            Self::Name(entity) => write!(f, "<name of {entity}>"),
            Self::NonceTpm(session) => write!(f, "<nonceTPM of #{session}>"),
            Self::Sized(pieces) => write!(f, "sized({})", list(pieces)),
            Self::Hash(alg, pieces) => write!(f, "hash {alg:04x}({})", list(pieces)),
            Self::Hmac(alg, key, pieces) => write!(f, "hmac {alg:04x} {}({})", hex(key), list(pieces)),
            Self::Salt(key, salt) => write!(f, "<salt {} for {key}>", hex(salt)),
            Self::PolicyDigest(session) => write!(f, "<policyDigest of #{session}>"),
            Self::Damaged(piece, at) => write!(f, "damaged({piece}, bit {at})"),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.id)?;
        if self.locality != 0 {
            write!(f, " locality {}", self.locality)?;
        }
        if self.wait > 1 {
            write!(f, " after {} ms", self.wait)?;
        }
        let call = match &self.action {
            Action::PowerCycle => return f.write_str(" power off and on"),
            Action::Command(call) => call,
        };
        let name = crate::table::name(call.code);
        write!(f, " {name}")?;
        for handle in &call.handles {
            write!(f, " [{handle}]")?;
        }
        for auth in &call.auths {
            match auth {
                AuthUse::Password { wrong, attributes } => {
                    write!(f, " {}password({attributes:02x})", if *wrong { "wrong " } else { "" })?;
                }
                AuthUse::Session { id, attributes, wrong, nonce } => {
                    let wrong = if *wrong { "wrong " } else { "" };
                    write!(f, " {wrong}session #{id}({attributes:02x}, nonce of {})", nonce.len())?;
                }
                AuthUse::Raw { handle, nonce, attributes, hmac } => {
                    write!(f, " raw({handle} {} {attributes:02x} {})", hex(nonce), hex(hmac))?;
                }
            }
        }
        for piece in &call.parameters {
            write!(f, " {piece}")?;
        }
        if let Some(mutation) = &call.mutation {
            write!(f, " but {mutation:?}")?;
        }
        Ok(())
    }
}
