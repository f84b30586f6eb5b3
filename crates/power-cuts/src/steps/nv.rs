//! NV indices.

use ironroot_wire::*;

use super::{Step, flush, policy_for, session_for};
use crate::workload::Workload;

const CHANGE_AUTH: TpmCc = TpmCc(0x013B);
const UNDEFINE_SPECIAL: TpmCc = TpmCc(0x011F);
/// Indices are among these.
const FIRST: u32 = 0x0150_0000;
const PLATFORM_FIRST: u32 = 0x0140_0000;
/// As many at once.
const MOST: usize = 14;

/// Defines an index of any type, with attributes by lot.
pub fn define(work: &mut Workload) -> Step {
    if work.defined.len() >= MOST {
        return undefine(work);
    }
    let platform = work.one_in(4);
    let first = if platform { PLATFORM_FIRST } else { FIRST };
    let handle = first + work.below(24) as u32;
    let types = [TpmNt::Ordinary, TpmNt::Ordinary, TpmNt::Counter, TpmNt::Counter, TpmNt::Bits, TpmNt::Extend];
    let pins = [TpmNt::PinFail, TpmNt::PinPass];
    let nt = if work.one_in(6) { work.one_of(&pins) } else { work.one_of(&types) }.unwrap_or(TpmNt::Ordinary);
    let special = platform && work.one_in(2);
    let data_size = match nt {
        TpmNt::Ordinary if work.one_in(12) => 4000,
        TpmNt::Ordinary => 1 + work.below(700) as u16,
        TpmNt::Extend => 32,
        _ => 8,
    };
    let code = if special { UNDEFINE_SPECIAL } else { CHANGE_AUTH };
    let public = TpmsNvPublic {
        nv_index: TpmiRhNvIndex(handle),
        name_alg: TpmiAlgHash::Sha256,
        attributes: attributes(work, nt, platform, special),
        auth_policy: Tpm2bDigest::from_slice(&policy_for(code)).unwrap_or_default(),
        data_size,
    };
    let size = 1 + work.below(16) as usize;
    let auth = work.bytes(size).iter().map(|byte| byte | 1).collect::<Vec<u8>>();
    let by = if platform { TpmHandle::PLATFORM } else { TpmHandle::OWNER };
    let by_auth = work.view.auths.of(by).to_vec();
    let auth_value = Tpm2bAuth::from_slice(&auth).unwrap_or_default();
    let pin = auth.clone();
    let is_pin = matches!(nt, TpmNt::PinFail | TpmNt::PinPass);
    let learn = |view: &mut crate::view::View| {
        if !is_pin {
            view.auths.indices.insert(handle, auth);
        }
    };
    let auth_handle = TpmiRhProvision(by.0);
    let done = if work.one_in(3) {
        let public_info = Tpm2b(TpmtNvPublic2::NvIndex(public.clone()));
        let command = NvDefineSpace2 { auth_handle, auth: auth_value, public_info };
        work.with(&command, &[&by_auth], learn)?.is_some()
    } else {
        let command = NvDefineSpace { auth_handle, auth: auth_value, public_info: Tpm2b(public.clone()) };
        work.with(&command, &[&by_auth], learn)?.is_some()
    };
    if done {
        work.defined.insert(handle, public);
        work.pins.insert(handle, pin);
    }
    Ok(())
}

fn attributes(work: &mut Workload, nt: TpmNt, platform: bool, special: bool) -> TpmaNv {
    let access =
        TpmaNv::PPREAD.with(TpmaNv::PPWRITE).with(TpmaNv::OWNERREAD).with(TpmaNv::OWNERWRITE).with(TpmaNv::AUTHREAD);
    let mut attributes = access.with_nt(nt);
    let locks = [TpmaNv::WRITEDEFINE, TpmaNv::WRITE_STCLEAR, TpmaNv::GLOBALLOCK, TpmaNv::NONE];
    let pin = matches!(nt, TpmNt::PinFail | TpmNt::PinPass);
    if let Some(lock) = work.one_of(&locks)
        && !pin
    {
        attributes = attributes.with(lock);
    }
    for (attribute, times) in [(TpmaNv::ORDERLY, 3), (TpmaNv::READ_STCLEAR, 4)] {
        if work.one_in(times) {
            attributes = attributes.with(attribute);
        }
    }
    if work.one_in(6) && nt != TpmNt::Counter && !attributes.contains(TpmaNv::WRITEDEFINE) {
        attributes = attributes.with(TpmaNv::CLEAR_STCLEAR);
    }
    if pin || work.one_in(2) {
        attributes = attributes.with(TpmaNv::NO_DA);
    }
    if platform {
        attributes = attributes.with(TpmaNv::PLATFORMCREATE);
    }
    if special { attributes.with(TpmaNv::POLICY_DELETE) } else { attributes }
}

/// One of the indices that are defined.
fn any(work: &mut Workload) -> Option<TpmsNvPublic> {
    let all: Vec<u32> = work.defined.keys().copied().collect();
    let handle = work.one_of(&all)?;
    work.defined.get(&handle).cloned()
}

/// The owner or the platform, with the auth value.
fn authority(work: &mut Workload) -> (TpmiRhNvAuth, Vec<u8>) {
    let by = if work.one_in(2) { TpmHandle::OWNER } else { TpmHandle::PLATFORM };
    (TpmiRhNvAuth(by.0), work.view.auths.of(by).to_vec())
}

/// Changes the contents of an index as its type allows.
pub fn change(work: &mut Workload) -> Step {
    let Some(public) = any(work) else { return define(work) };
    let nv_index = public.nv_index;
    // What cannot be read back is left alone, so that what it holds stays known.
    if work.view.seen.indices.get(&nv_index.0).is_some_and(|index| index.attributes.contains(TpmaNv::READLOCKED)) {
        return Ok(());
    }
    let (auth_handle, auth) = authority(work);
    let auths: [&[u8]; 1] = [&auth];
    match public.attributes.nt() {
        Ok(TpmNt::Counter) => {
            for _ in 0..=work.below(4) {
                work.with(&NvIncrement { auth_handle, nv_index }, &auths, |_| {})?;
            }
            Ok(())
        }
        Ok(TpmNt::Bits) => {
            let bits = 1 << work.below(64);
            work.with(&NvSetBits { auth_handle, nv_index, bits }, &auths, |_| {}).map(drop)
        }
        Ok(TpmNt::Extend) => {
            let data = Tpm2bMaxNvBuffer::from_slice(&work.bytes(40)).unwrap_or_default();
            work.with(&NvExtend { auth_handle, nv_index, data }, &auths, |_| {}).map(drop)
        }
        Ok(TpmNt::PinFail | TpmNt::PinPass) => {
            let data = [[0_u32, 3].map(u32::to_be_bytes).concat(), [1_u32, 9].map(u32::to_be_bytes).concat()];
            let at = usize::from(work.one_in(2));
            let data = Tpm2bMaxNvBuffer::from_slice(data.get(at).map_or(&[], Vec::as_slice)).unwrap_or_default();
            work.with(&NvWrite { auth_handle, nv_index, data, offset: 0 }, &auths, |_| {}).map(drop)
        }
        _ => {
            let whole = usize::from(public.data_size).min(1024);
            let size = if work.one_in(2) { whole } else { 1 + work.below(whole as u64) as usize };
            let offset = work.below(u64::from(public.data_size) - size as u64 + 1) as u16;
            let data = Tpm2bMaxNvBuffer::from_slice(&work.bytes(size)).unwrap_or_default();
            work.with(&NvWrite { auth_handle, nv_index, data, offset }, &auths, |_| {}).map(drop)
        }
    }
}

/// Deletes an index.
pub fn undefine(work: &mut Workload) -> Step {
    let Some(public) = any(work) else { return Ok(()) };
    let platform = public.attributes.contains(TpmaNv::PLATFORMCREATE);
    let by = if platform { TpmHandle::PLATFORM } else { TpmHandle::OWNER };
    let auth = work.view.auths.of(by).to_vec();
    let (handle, nv_index) = (public.nv_index.0, public.nv_index);
    let command = NvUndefineSpace { auth_handle: TpmiRhProvision(by.0), nv_index };
    let done = work.with(&command, &[&auth], |view| drop(view.auths.indices.remove(&handle)))?;
    if done.is_some() {
        work.defined.remove(&handle);
    }
    Ok(())
}

/// Deletes an index that only its policy can delete.
pub fn undefine_special(work: &mut Workload) -> Step {
    let special = |public: &&TpmsNvPublic| public.attributes.contains(TpmaNv::POLICY_DELETE);
    let Some(nv_index) = work.defined.values().find(special).map(|public| public.nv_index) else { return Ok(()) };
    let Some(session) = session_for(work, UNDEFINE_SPECIAL)? else { return Ok(()) };
    let platform_auth = work.view.auths.of(TpmHandle::PLATFORM).to_vec();
    let command = NvUndefineSpaceSpecial {
        nv_index: TpmiRhNvDefinedIndex(nv_index.0),
        platform: TpmiRhPlatform(TpmHandle::PLATFORM.0),
    };
    let (handle, session_handle) = (nv_index.0, session.session_handle.0);
    let sessions = [session, crate::client::password(&platform_auth)];
    let done = work.send(&command, &sessions, |view| drop(view.auths.indices.remove(&handle)))?;
    if done.is_some() {
        work.defined.remove(&handle);
        return Ok(());
    }
    flush(work, session_handle)
}

/// Locks an index for writing or reading, or all that the global lock is for.
pub fn lock(work: &mut Workload) -> Step {
    let (auth_handle, auth) = authority(work);
    if work.one_in(4) {
        let command = NvGlobalWriteLock { auth_handle: TpmiRhProvision(auth_handle.0) };
        return work.with(&command, &[&auth], |_| {}).map(drop);
    }
    let Some(nv_index) = any(work).map(|public| public.nv_index) else { return Ok(()) };
    if work.one_in(2) {
        work.with(&NvWriteLock { auth_handle, nv_index }, &[&auth], |_| {}).map(drop)
    } else {
        work.with(&NvReadLock { auth_handle, nv_index }, &[&auth], |_| {}).map(drop)
    }
}

/// Gives an index another auth value.
pub fn change_auth(work: &mut Workload) -> Step {
    let pin = |public: &TpmsNvPublic| matches!(public.attributes.nt(), Ok(TpmNt::PinFail | TpmNt::PinPass));
    let special = |public: &TpmsNvPublic| public.attributes.contains(TpmaNv::POLICY_DELETE);
    let Some(public) = any(work).filter(|public| !pin(public) && !special(public)) else { return Ok(()) };
    let Some(session) = session_for(work, CHANGE_AUTH)? else { return Ok(()) };
    let auth: Vec<u8> = work.bytes(9).iter().map(|byte| byte | 1).collect();
    let command =
        NvChangeAuth { nv_index: public.nv_index, new_auth: Tpm2bAuth::from_slice(&auth).unwrap_or_default() };
    let (handle, session_handle) = (public.nv_index.0, session.session_handle.0);
    let done = work.send(&command, &[session], |view| drop(view.auths.indices.insert(handle, auth)))?;
    if done.is_some() { Ok(()) } else { flush(work, session_handle) }
}
