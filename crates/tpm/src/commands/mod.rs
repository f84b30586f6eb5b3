//! The actions of the commands: a folder for each chapter of Part 3, a file for each command (or tight pair), named as in
//! Part 3. An action holds only the rules of its clause: by the time that it runs, the pipeline has checked the handles,
//! the authorizations and the form of the parameters.

use alloc::vec::Vec;

use ironroot_wire::{Command, CommandInfo, Reader, Response, TpmAlgId, TpmCc, TpmRc};

use crate::{core_state::Core, profile::Profile};

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

/// What a command does.
pub trait Action: Command {
    /// Carries out the command. Changes of non-volatile state are staged in [`Core::nv`].
    ///
    /// # Errors
    /// The response code of Part 3; `.handle(n)`, `.parameter(n)` say which handle or parameter is meant.
    fn run(self, tpm: &mut Core) -> Result<Self::Response, TpmRc>;
}

/// An implemented command.
pub struct Entry {
    /// Its row in the command table.
    pub info: &'static CommandInfo,
    /// Unmarshals the command, carries it out and marshals the response.
    pub run: fn(&mut Core, &mut Reader<'_>, &mut Reader<'_>, &mut Output) -> Result<(), TpmRc>,
}

/// A response without its header and sessions.
#[derive(Default)]
pub struct Output {
    /// The handle, if the response has one.
    pub handle: Vec<u8>,
    /// The parameters. They may be secret, so the pipeline wipes them after use.
    pub parameters: zeroize::Zeroizing<Vec<u8>>,
}

/// The entry of a command.
const fn entry<C: Action>() -> Entry {
    Entry { info: &C::INFO, run: run::<C> }
}

/// The entry of two commands with one code: `M` for a TPM that has CMAC, `H` for one that has not.
const fn entry_with_cmac<H: Action, M: Action>() -> Entry {
    Entry {
        info: &H::INFO,
        run: |tpm, handles, parameters, output| {
            if tpm.profile.rules.algorithms.contains(TpmAlgId::CMAC.0) {
                run::<M>(tpm, handles, parameters, output)
            } else {
                run::<H>(tpm, handles, parameters, output)
            }
        },
    }
}

fn run<C: Action>(
    tpm: &mut Core,
    handles: &mut Reader<'_>,
    parameters: &mut Reader<'_>,
    output: &mut Output,
) -> Result<(), TpmRc> {
    let response = C::unmarshal(handles, parameters)?.run(tpm)?;
    response.marshal_handle(&mut output.handle);
    response.marshal_parameters(&mut output.parameters);
    Ok(())
}

/// The chapters of Part 3, in its order.
const CHAPTERS: &[&[Entry]] = &[
    startup::ACTIONS,
    testing::ACTIONS,
    session::ACTIONS,
    object::ACTIONS,
    duplication::ACTIONS,
    asymmetric::ACTIONS,
    symmetric::ACTIONS,
    random::ACTIONS,
    sequences::ACTIONS,
    attestation::ACTIONS,
    ephemeral::ACTIONS,
    signature::ACTIONS,
    command_audit::ACTIONS,
    pcr::ACTIONS,
    policy::ACTIONS,
    hierarchy::ACTIONS,
    dictionary_attack::ACTIONS,
    miscellaneous::ACTIONS,
    context::ACTIONS,
    clock::ACTIONS,
    capability::ACTIONS,
    nv::ACTIONS,
    attached_component::ACTIONS,
    act::ACTIONS,
];

const FIRST: u32 = TpmCc::FIRST.0;
const COUNT: usize = (TpmCc::LAST.0 - TpmCc::FIRST.0 + 1) as usize;

/// The implemented commands by command code.
static TABLE: [Option<&Entry>; COUNT] = table();

// Evaluated by the compiler, which refuses an index out of range.
#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)]
const fn table() -> [Option<&'static Entry>; COUNT] {
    let mut table: [Option<&'static Entry>; COUNT] = [None; COUNT];
    let mut chapter = 0;
    while chapter < CHAPTERS.len() {
        let mut row = 0;
        while row < CHAPTERS[chapter].len() {
            let entry = &CHAPTERS[chapter][row];
            table[(entry.info.code.0 - FIRST) as usize] = Some(entry);
            row += 1;
        }
        chapter += 1;
    }
    table
}

/// The implementation of a command, if the profile enables it.
#[must_use]
pub fn find(profile: &Profile, code: TpmCc) -> Option<&'static Entry> {
    let index = usize::try_from(code.0.checked_sub(FIRST)?).ok()?;
    TABLE.get(index).copied().flatten().filter(|_| profile.commands.contains(code))
}

/// Every implemented command in ascending order of command code.
pub fn implemented() -> impl Iterator<Item = &'static CommandInfo> {
    TABLE.iter().flatten().map(|entry| entry.info)
}

/// Every implemented command that the profile enables, in ascending order of command code.
pub fn enabled(profile: &Profile) -> impl Iterator<Item = &'static CommandInfo> {
    let enabled = profile.commands;
    implemented().filter(move |info| enabled.contains(info.code))
}
