//! Dictionary-attack protection: its parameters, mistaken auth values, PINs.

use ironroot_wire::*;

use super::Step;
use crate::observe::start_session;
use crate::workload::Workload;

/// Sets the parameters. Intervals are long, so that only [`super::misc::time_passes`] forgives anything.
pub fn parameters(work: &mut Workload) -> Step {
    let auth = work.view.auths.of(TpmHandle::LOCKOUT).to_vec();
    let command = DictionaryAttackParameters {
        lock_handle: TpmiRhLockout(TpmHandle::LOCKOUT.0),
        new_max_tries: 2 + work.below(9) as u32,
        new_recovery_time: 3600 + work.below(9) as u32,
        lockout_recovery: if work.one_in(2) { 0 } else { 3600 + work.below(9) as u32 },
    };
    work.with(&command, &[&auth], |_| {}).map(drop)
}

/// Forgets all failures.
pub fn lock_reset(work: &mut Workload) -> Step {
    let auth = work.view.auths.of(TpmHandle::LOCKOUT).to_vec();
    let command = DictionaryAttackLockReset { lock_handle: TpmiRhLockout(TpmHandle::LOCKOUT.0) };
    work.with(&command, &[&auth], |_| {}).map(drop)
}

/// A mistaken auth value, of an index or, rarely, of lockout.
pub fn mistake(work: &mut Workload) -> Step {
    if work.one_in(8) {
        let command = DictionaryAttackLockReset { lock_handle: TpmiRhLockout(TpmHandle::LOCKOUT.0) };
        return work.with(&command, &[b"mistaken"], |_| {}).map(drop);
    }
    let protected = |(_, public): &(&u32, &TpmsNvPublic)| !public.attributes.contains(TpmaNv::NO_DA);
    let all: Vec<u32> = work.defined.iter().filter(protected).map(|(handle, _)| *handle).collect();
    let Some(handle) = work.one_of(&all) else { return Ok(()) };
    let command = NvRead { auth_handle: TpmiRhNvAuth(handle), nv_index: TpmiRhNvIndex(handle), size: 1, offset: 0 };
    work.with(&command, &[b"mistaken"], |_| {}).map(drop)
}

/// Uses a PIN that is right or mistaken; both can be counted.
pub fn pin(work: &mut Workload) -> Step {
    let is_pin = |public: &TpmsNvPublic| matches!(public.attributes.nt(), Ok(TpmNt::PinFail | TpmNt::PinPass));
    let all: Vec<u32> = work.defined.iter().filter(|(_, public)| is_pin(public)).map(|(handle, _)| *handle).collect();
    let Some(handle) = work.one_of(&all) else { return super::nv::define(work) };
    let Some(started) = work.plain(&start_session(TpmSe::Trial))? else { return Ok(()) };
    let policy_session = TpmiShPolicy(started.session_handle.0);
    let command = PolicySecret {
        auth_handle: TpmiDhEntity(handle),
        policy_session,
        nonce_tpm: Tpm2bNonce::default(),
        cp_hash_a: Tpm2bDigest::default(),
        policy_ref: Tpm2bNonce::default(),
        expiration: 0,
    };
    let right = work.pins.get(&handle).cloned().unwrap_or_default();
    let auth = if work.one_in(2) { right } else { b"mistaken".to_vec() };
    work.with(&command, &[&auth], |_| {})?;
    super::flush(work, policy_session.0)
}
