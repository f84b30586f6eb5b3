//! The life of one command (Part 3, clause 5), in order: header, handles, sessions and authorization, parameter
//! decryption, parameters and action, commit, parameter encryption, response sessions.
//!
//! The first error wins. Whatever goes wrong before the commit, non-volatile state stays as it was, but for the count of
//! authorization failures, which is committed before the response that reports one.

use alloc::vec::Vec;

use ironroot_crypto::hash::Digest;
use ironroot_wire::{CommandAttributes, CommandInfo, Reader, TpmCc, TpmRc, TpmSt, TpmiAlgHash, Wire};

use crate::{
    commands,
    core_state::Core,
    rules::{read_only, self_test},
    state::volatile::Volatile,
};

mod audit;
mod auth_area;
mod authorization;
mod command_audit;
mod entities;
mod failures;
mod header;
mod hmac;
mod modes;
mod parameter_encryption;
mod pin;
mod policy_check;
mod respond;

use auth_area::AuthArea;
pub use failures::binds_protected;
pub use header::error_response;
pub use pin::is_pin;

/// A command between its header and its action.
struct Invocation<'a> {
    /// The row of the command table.
    info: &'static ironroot_wire::CommandInfo,
    /// The handles.
    handles: Vec<u32>,
    /// The sessions.
    auth: AuthArea,
    /// The parameters as they came: encrypted if a session decrypts.
    parameters: &'a [u8],
    /// If the command is audited, the hash of the audit and cpHash.
    command_audit: Option<(TpmiAlgHash, Digest)>,
}

/// Carries out a command and returns its response.
pub fn execute(tpm: &mut Core, command: &[u8]) -> Vec<u8> {
    // Nothing random leaves the TPM if entropy was missing, a nonce of the response included.
    let done = self_test::require_entropy(tpm).and_then(|()| attempt(tpm, command));
    match done.and_then(|response| self_test::require_entropy(tpm).map(|()| response)) {
        Ok(response) => response,
        Err(rc) => {
            tpm.nv.rollback();
            error_response(rc)
        }
    }
}

fn attempt(tpm: &mut Core, command: &[u8]) -> Result<Vec<u8>, TpmRc> {
    let (header, body) = header::parse(command, tpm.profile.max_command_size())?;
    modes::check(tpm, &header)?;
    let entry = commands::find(&tpm.profile, header.code).ok_or(TpmRc::COMMAND_CODE)?;
    if tpm.nv.settings().disabled.contains(&header.code) {
        return Err(TpmRc::DISABLED);
    }
    self_test::before_command(tpm, header.code)?;
    let rules = tpm.profile.rules;
    let mut reader = Reader::new(body, &rules);

    let handle_area = reader.rest();
    let handles = entities::unmarshal(tpm, entry.info, &mut reader)?;
    self_test::before_handles(tpm, &handles)?;
    read_only::check(tpm, header.code, &handles)?;
    let auth = auth_area::unmarshal(tpm, entry.info, header.tag, &handles, &mut reader)?;
    let mut invocation = Invocation { info: entry.info, handles, auth, parameters: reader.rest(), command_audit: None };

    authorization::check(tpm, &invocation)?;
    invocation.auth.audit_cp_hash = audit::cp_hash(tpm, &invocation)?;
    invocation.command_audit = command_audit::start(tpm, &invocation)?;
    let decrypted = parameter_encryption::decrypt(tpm, &invocation)?;
    modes::before_action(tpm, entry.info, invocation.command_audit.is_some())?;
    record_clock(tpm);

    let mut output = commands::Output::default();
    let mut handle_reader = Reader::new(handle_area, &rules);
    let mut parameter_reader = Reader::new(decrypted.as_deref().map_or(invocation.parameters, |bytes| bytes), &rules);
    // What a command does to volatile state must not outlive a commit that fails.
    let may_stage = may_stage(entry.info) || invocation.command_audit.is_some();
    let before = may_stage.then(|| Volatile::capture(tpm));
    let done = (entry.run)(tpm, &mut handle_reader, &mut parameter_reader, &mut output).and_then(|()| {
        command_audit::begin(tpm, &invocation)?;
        self_test::require_entropy(tpm)?;
        commit(tpm)
    });
    if let (Err(rc), Some(before)) = (done, before) {
        before.apply(tpm);
        return Err(rc);
    }
    done?;
    respond::success(tpm, invocation, output)
}

/// Commands that Part 3 marks as writers of NV, but that change only memory here.
const VOLATILE_ONLY: &[TpmCc] = &[
    TpmCc(0x013C), // PCR_Event
    TpmCc(0x013D), // PCR_Reset
    TpmCc(0x0142), // IncrementalSelfTest
    TpmCc(0x0143), // SelfTest
    TpmCc(0x0146), // StirRandom
    TpmCc(0x0182), // PCR_Extend
    TpmCc(0x0185), // EventSequenceComplete
];

/// Whether a command may stage a change of non-volatile state, so that its commit may fail.
fn may_stage(info: &CommandInfo) -> bool {
    info.attributes.contains(CommandAttributes::NV) && !VOLATILE_ONLY.contains(&info.code)
}

/// Records Clock if that is due, before the command may show it. A store that fails now leaves it for the next command, and
/// Clock is not safe until then.
fn record_clock(tpm: &mut Core) {
    if !tpm.clock.is_due() {
        return;
    }
    tpm.nv.permanent_mut();
    if commit(tpm).is_err() {
        tpm.nv.rollback();
    }
}

/// Makes what the command staged durable.
fn commit(tpm: &mut Core) -> Result<(), TpmRc> {
    let records_clock = tpm.nv.permanent_is_staged();
    if records_clock {
        tpm.nv.permanent_mut().clock = tpm.clock.clock();
    }
    tpm.nv.commit().map_err(|error| match error {
        ironroot_platform::StorageError::Full(_) => TpmRc::NV_SPACE,
        _ => TpmRc::NV_UNAVAILABLE,
    })?;
    if records_clock {
        tpm.clock.note_recorded();
    }
    Ok(())
}

/// The bytes of a response's tag.
fn tag_bytes(tag: TpmSt) -> Vec<u8> {
    tag.to_bytes()
}
