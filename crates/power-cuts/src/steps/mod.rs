//! What a user does with a TPM, chosen by lot: every command that can change non-volatile state, and the failures that do.

use ironroot_wire::*;

use crate::client::policy;
use crate::observe::start_session;
use crate::workload::{Workload, Wrong};

mod authorization;
mod hierarchy;
mod misc;
mod nv;
mod power;

/// What a step returns.
type Step = Result<(), Wrong>;

/// How often a step comes, and what it does.
type Weighted = (u64, fn(&mut Workload) -> Step);

const STEPS: &[Weighted] = &[
    (10, nv::define),
    (40, nv::change),
    (3, nv::undefine),
    (2, nv::undefine_special),
    (4, nv::lock),
    (3, nv::change_auth),
    (4, hierarchy::make_persistent),
    (2, hierarchy::evict),
    (5, hierarchy::change_auth),
    (3, hierarchy::set_policy),
    (1, hierarchy::clear),
    (2, hierarchy::clear_control),
    (1, hierarchy::change_seeds),
    (2, hierarchy::switch_off_and_on),
    (3, authorization::parameters),
    (3, authorization::lock_reset),
    (5, authorization::mistake),
    (4, authorization::pin),
    (3, misc::audit),
    (2, misc::presence),
    (2, misc::switch_commands),
    (1, misc::algorithm_set),
    (2, misc::allocate),
    (4, misc::pcrs),
    (2, misc::clock),
    (2, misc::time_passes),
    (2, misc::random_and_tests),
    (5, power::cycle),
];

/// Takes one step.
///
/// # Errors
/// What must not happen.
pub fn step(work: &mut Workload) -> Step {
    let mut lot = work.below(STEPS.iter().map(|(weight, _)| weight).sum());
    for (weight, action) in STEPS {
        if lot < *weight {
            return action(work);
        }
        lot -= weight;
    }
    Ok(())
}

/// A policy session in which `TPM2_PolicyCommandCode` has named this command.
fn session_for(work: &mut Workload, code: TpmCc) -> Result<Option<TpmsAuthCommand>, Wrong> {
    let Some(started) = work.plain(&start_session(TpmSe::Policy))? else { return Ok(None) };
    let handle = started.session_handle.0;
    work.plain(&PolicyCommandCode { policy_session: TpmiShPolicy(handle), code })?;
    Ok(Some(policy(handle)))
}

/// The digest of that policy.
fn policy_for(code: TpmCc) -> Vec<u8> {
    const POLICY_COMMAND_CODE: u32 = 0x16C;
    let extended = [POLICY_COMMAND_CODE.to_be_bytes(), code.0.to_be_bytes()].concat();
    ironroot_crypto::hash::digest(TpmiAlgHash::Sha256, &[&[0; 32], &extended]).to_vec()
}

/// Flushes a session that is still there because its command was refused.
fn flush(work: &mut Workload, handle: u32) -> Step {
    work.plain(&FlushContext { flush_handle: TpmiDhContext(handle) }).map(drop)
}
