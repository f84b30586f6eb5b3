//! The commands of Part 3, one table for each of its chapters, in the form in which Part 3 prints them:
//!
//! ```text
//! Command, Response = code [attributes]
//! (handles, each with its authorization role) { parameters } => (response handle) { response parameters }
//! ```
//! A command's structure holds its handles and parameters; `Option<T>` is a type with a "+" in Part 3.

use alloc::vec::Vec;

use crate::{Reader, Rules, TpmCc, TpmRc, TpmaCc, Wire};

mod act;
mod asymmetric;
mod attached_component;
mod attestation;
mod capability;
mod clock;
mod command_audit;
mod context;
mod dictionary_attack;
mod duplication;
mod ephemeral;
mod hierarchy;
mod miscellaneous;
mod nv;
mod object;
mod pcr;
mod policy;
mod random;
mod sequences;
mod session;
mod signature;
mod startup;
mod symmetric;
mod testing;

pub use act::*;
pub use asymmetric::*;
pub use attached_component::*;
pub use attestation::*;
pub use capability::*;
pub use clock::*;
pub use command_audit::*;
pub use context::*;
pub use dictionary_attack::*;
pub use duplication::*;
pub use ephemeral::*;
pub use hierarchy::*;
pub use miscellaneous::*;
pub use nv::*;
pub use object::*;
pub use pcr::*;
pub use policy::*;
pub use random::*;
pub use sequences::*;
pub use session::*;
pub use signature::*;
pub use startup::*;
pub use symmetric::*;
pub use testing::*;

/// The chapters of Part 3, in its order.
pub const CHAPTERS: &[&[&CommandInfo]] = &[
    startup::STARTUP,
    testing::TESTING,
    session::SESSION,
    object::OBJECT,
    duplication::DUPLICATION,
    asymmetric::ASYMMETRIC,
    symmetric::SYMMETRIC,
    random::RANDOM,
    sequences::SEQUENCES,
    attestation::ATTESTATION,
    ephemeral::EPHEMERAL,
    signature::SIGNATURE,
    command_audit::COMMAND_AUDIT,
    pcr::PCR,
    policy::POLICY,
    hierarchy::HIERARCHY,
    dictionary_attack::DICTIONARY_ATTACK,
    miscellaneous::MISCELLANEOUS,
    context::CONTEXT,
    clock::CLOCK,
    capability::CAPABILITY,
    nv::NV,
    attached_component::ATTACHED_COMPONENT,
    act::ACT,
];

/// Rows whose codes are those of others in [`CHAPTERS`]: of each pair a TPM has one, and this one does all that the other
/// does.
pub const SAME_CODE: &[&[&CommandInfo]] = &[symmetric::MAC, sequences::MAC_START];

/// The table's entry for a command code.
#[must_use]
pub fn command_info(code: TpmCc) -> Option<&'static CommandInfo> {
    CHAPTERS.iter().flat_map(|chapter| chapter.iter()).find(|info| info.code == code).copied()
}

/// What authorizes the use of a handle (Part 1, clause 16.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// No authorization.
    None,
    /// The USER role.
    User,
    /// The ADMIN role.
    Admin,
    /// The DUP role: a policy that names `TPM2_Duplicate`.
    Dup,
}

/// A handle of a command.
#[derive(Debug, Clone, Copy)]
pub struct HandleInfo {
    /// The name in Part 3.
    pub name: &'static str,
    /// The type.
    pub type_name: &'static str,
    /// What authorizes its use.
    pub role: Role,
    /// Whether a value is one that the type allows.
    pub check: fn(u32) -> Result<(), TpmRc>,
}

/// A parameter of a command or response.
#[derive(Debug, Clone, Copy)]
pub struct FieldInfo {
    /// The name in Part 3.
    pub name: &'static str,
    /// The type.
    pub type_name: &'static str,
    /// Whether it starts with its size, so that a session may encrypt it if it is the first.
    pub sized: bool,
}

/// What a command may do, as Part 3 marks it behind the command code, and whether it takes sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommandAttributes(u8);

impl CommandAttributes {
    /// Nothing special.
    pub const NONE: Self = Self(0);
    /// `{NV}`: may write to non-volatile memory.
    pub const NV: Self = Self(1);
    /// `{E}`: may flush any number of contexts.
    pub const EXTENSIVE: Self = Self(2);
    /// `{F}`: flushes the context of its handle.
    pub const FLUSHED: Self = Self(4);
    /// The tag may only be `TPM_ST_NO_SESSIONS`.
    pub const NO_SESSIONS: Self = Self(8);

    /// With the attributes of `other`.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all attributes of `other` are there.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// A row of the command table.
#[derive(Debug, Clone, Copy)]
pub struct CommandInfo {
    /// The command code.
    pub code: TpmCc,
    /// The name of the command's structure: Part 3's name in camel case.
    pub name: &'static str,
    /// What the command may do.
    pub attributes: CommandAttributes,
    /// Its handles.
    pub handles: &'static [HandleInfo],
    /// Its parameters.
    pub parameters: &'static [FieldInfo],
    /// The name of the handle in the response, if there is one.
    pub response_handle: Option<&'static str>,
    /// The parameters of the response.
    pub response_parameters: &'static [FieldInfo],
}

impl CommandInfo {
    /// `TPMA_CC` (Part 2, 8.9).
    #[must_use]
    pub const fn tpma_cc(&self) -> TpmaCc {
        let mut bits = self.code.0 & 0xFFFF | (self.handles.len() as u32 & 7) << 25;
        if self.attributes.contains(CommandAttributes::NV) {
            bits |= TpmaCc::NV.0;
        }
        if self.attributes.contains(CommandAttributes::EXTENSIVE) {
            bits |= TpmaCc::EXTENSIVE.0;
        }
        if self.attributes.contains(CommandAttributes::FLUSHED) {
            bits |= TpmaCc::FLUSHED.0;
        }
        if self.response_handle.is_some() {
            bits |= TpmaCc::R_HANDLE.0;
        }
        TpmaCc(bits)
    }

    /// The number of handles that need authorization; they come first.
    #[must_use]
    pub fn authorized_handles(&self) -> usize {
        self.handles.iter().filter(|handle| handle.role != Role::None).count()
    }

    /// Whether a session may encrypt the first parameter.
    #[must_use]
    pub fn decrypt_allowed(&self) -> bool {
        self.parameters.first().is_some_and(|field| field.sized)
    }

    /// Whether a session may encrypt the first parameter of the response.
    #[must_use]
    pub fn encrypt_allowed(&self) -> bool {
        self.response_parameters.first().is_some_and(|field| field.sized)
    }
}

/// A command of the table.
pub trait Command: Sized {
    /// The row of the table.
    const INFO: CommandInfo;
    /// The response.
    type Response: Response;

    /// Unmarshals the handle area and the parameter area, which must both be used up.
    ///
    /// # Errors
    /// The first error, with the number of its handle or parameter; `TPM_RC_SIZE` if parameter bytes are left over.
    fn unmarshal(handles: &mut Reader<'_>, parameters: &mut Reader<'_>) -> Result<Self, TpmRc>;

    /// The handles, in order.
    fn handles(&self) -> Vec<u32>;

    /// Appends the parameters.
    fn marshal_parameters(&self, out: &mut Vec<u8>);
}

/// The response of a command.
pub trait Response: Sized {
    /// Appends the handle, if the response has one.
    fn marshal_handle(&self, out: &mut Vec<u8>);

    /// Appends the parameters.
    fn marshal_parameters(&self, out: &mut Vec<u8>);

    /// Unmarshals a response.
    ///
    /// # Errors
    /// As [`Wire::unmarshal`]; `TPM_RC_SIZE` if bytes are left over.
    fn unmarshal(handle: &mut Reader<'_>, parameters: &mut Reader<'_>) -> Result<Self, TpmRc>;
}

fn check_handle<T: Wire>(value: u32) -> Result<(), TpmRc> {
    T::unmarshal(&mut Reader::new(&value.to_be_bytes(), &Rules::ALL)).map(|_| ())
}

const fn first_of(names: &[&'static str]) -> Option<&'static str> {
    match names {
        [name, ..] => Some(*name),
        [] => None,
    }
}
