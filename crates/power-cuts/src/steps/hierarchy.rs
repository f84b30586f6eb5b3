//! Hierarchies and persistent objects.

use ironroot_wire::*;

use super::Step;
use crate::observe::{create_primary, hmac_key};
use crate::view::View;
use crate::workload::Workload;

const OWNER_FIRST: u32 = 0x8100_0010;
const PLATFORM_FIRST: u32 = 0x8180_0010;
/// As many persistent handles in each range.
const RANGE: u64 = 4;

/// Makes a primary key persistent: mostly an HMAC key, now and then one on P-256.
pub fn make_persistent(work: &mut Workload) -> Step {
    let hierarchy = work
        .one_of(&[TpmHandle::OWNER, TpmHandle::OWNER, TpmHandle::ENDORSEMENT, TpmHandle::PLATFORM])
        .unwrap_or(TpmHandle::OWNER);
    let auth = work.view.auths.of(hierarchy).to_vec();
    let label = work.bytes(8);
    let command = if work.one_in(12) { create_primary(hierarchy, signer()) } else { hmac_key(hierarchy, &label) };
    let Some(made) = work.with(&command, &[&auth], |_| {})? else { return Ok(()) };
    let platform = hierarchy == TpmHandle::PLATFORM;
    let by = if platform { TpmHandle::PLATFORM } else { TpmHandle::OWNER };
    let first = if platform { PLATFORM_FIRST } else { OWNER_FIRST };
    let persistent = first + work.below(RANGE) as u32;
    evict_control(work, by, made.object_handle.0, persistent)?;
    work.plain(&FlushContext { flush_handle: TpmiDhContext(made.object_handle.0) }).map(drop)
}

/// Deletes a persistent object.
pub fn evict(work: &mut Workload) -> Step {
    let all: Vec<u32> = work.view.seen.persistent.keys().copied().collect();
    let Some(handle) = work.one_of(&all) else { return Ok(()) };
    let by = if handle >= 0x8180_0000 { TpmHandle::PLATFORM } else { TpmHandle::OWNER };
    evict_control(work, by, handle, handle)
}

fn evict_control(work: &mut Workload, by: TpmHandle, object: u32, persistent: u32) -> Step {
    let auth = work.view.auths.of(by).to_vec();
    let command = EvictControl {
        auth: TpmiRhProvision(by.0),
        object_handle: TpmiDhObject(object),
        persistent_handle: TpmiDhPersistent(persistent),
    };
    work.with(&command, &[&auth], |_| {}).map(drop)
}

/// A P-256 key that signs.
fn signer() -> TpmtPublic {
    let own = TpmaObject::FIXED_TPM
        .with(TpmaObject::FIXED_PARENT)
        .with(TpmaObject::SENSITIVE_DATA_ORIGIN)
        .with(TpmaObject::USER_WITH_AUTH)
        .with(TpmaObject::SIGN_ENCRYPT);
    let scheme = Some(TpmtEccScheme::Ecdsa(TpmiAlgHash::Sha256));
    let parms = TpmsEccParms { symmetric: None, scheme, curve_id: TpmEccCurve::NistP256, kdf: None };
    let nowhere = TpmsEccPoint { x: Tpm2bEccParameter::default(), y: Tpm2bEccParameter::default() };
    TpmtPublic {
        name_alg: Some(TpmiAlgHash::Sha256),
        object_attributes: own,
        auth_policy: Tpm2bDigest::default(),
        kind: PublicKind::Ecc(parms, nowhere),
    }
}

/// Sets the auth value of a hierarchy, at times to none.
pub fn change_auth(work: &mut Workload) -> Step {
    let all = [TpmHandle::OWNER, TpmHandle::ENDORSEMENT, TpmHandle::LOCKOUT, TpmHandle::PLATFORM];
    let hierarchy = work.one_of(&all).unwrap_or(TpmHandle::OWNER);
    let old = work.view.auths.of(hierarchy).to_vec();
    let size = if work.one_in(3) { 0 } else { 1 + work.below(32) as usize };
    // No trailing zeros, which an auth value cannot have.
    let auth: Vec<u8> = work.bytes(size).iter().map(|byte| byte | 1).collect();
    let command = HierarchyChangeAuth {
        auth_handle: TpmiRhHierarchyAuth(hierarchy.0),
        new_auth: Tpm2bAuth::from_slice(&auth).unwrap_or_default(),
    };
    work.with(&command, &[&old], |view| drop(view.auths.hierarchies.insert(hierarchy.0, auth))).map(drop)
}

/// Sets the policy of a hierarchy, or takes it away.
pub fn set_policy(work: &mut Workload) -> Step {
    let all = [TpmHandle::OWNER, TpmHandle::ENDORSEMENT, TpmHandle::LOCKOUT, TpmHandle::PLATFORM];
    let hierarchy = work.one_of(&all).unwrap_or(TpmHandle::OWNER);
    let auth = work.view.auths.of(hierarchy).to_vec();
    let none = work.one_in(3);
    let digest = if none { Vec::new() } else { work.bytes(32) };
    let command = SetPrimaryPolicy {
        auth_handle: TpmiRhHierarchyPolicy(hierarchy.0),
        auth_policy: Tpm2bDigest::from_slice(&digest).unwrap_or_default(),
        hash_alg: if none { None } else { Some(TpmiAlgHash::Sha256) },
    };
    work.with(&command, &[&auth], |_| {}).map(drop)
}

/// `TPM2_Clear`, by lockoutAuth or the platform.
pub fn clear(work: &mut Workload) -> Step {
    let by = if work.one_in(2) { TpmHandle::LOCKOUT } else { TpmHandle::PLATFORM };
    let auth = work.view.auths.of(by).to_vec();
    let command = Clear { auth_handle: TpmiRhClear(by.0) };
    let cleared = |view: &mut View| {
        let platforms = |handle: &u32, _: &mut Vec<u8>| handle >> 16 == 0x0140;
        view.auths.hierarchies.retain(|handle, _| *handle == TpmHandle::PLATFORM.0);
        view.auths.indices.retain(platforms);
        view.clock_floor = 0;
    };
    if work.with(&command, &[&auth], cleared)?.is_some() {
        work.defined.retain(|handle, _| handle >> 16 == 0x0140);
    }
    Ok(())
}

/// Forbids `TPM2_Clear`, or allows it again.
pub fn clear_control(work: &mut Workload) -> Step {
    let disable = work.one_in(2);
    // Only the platform may allow it again.
    let by = if disable && work.one_in(2) { TpmHandle::LOCKOUT } else { TpmHandle::PLATFORM };
    let auth = work.view.auths.of(by).to_vec();
    let command = ClearControl { auth: TpmiRhClear(by.0), disable: TpmiYesNo(disable) };
    work.with(&command, &[&auth], |_| {}).map(drop)
}

/// New seeds for the platform or the endorsement hierarchy.
pub fn change_seeds(work: &mut Workload) -> Step {
    let auth = work.view.auths.of(TpmHandle::PLATFORM).to_vec();
    let auth_handle = TpmiRhPlatform(TpmHandle::PLATFORM.0);
    if work.one_in(2) {
        work.with(&ChangePps { auth_handle }, &[&auth], |_| {}).map(drop)
    } else {
        let endorsement_is_new = |view: &mut View| {
            view.auths.hierarchies.remove(&TpmHandle::ENDORSEMENT.0);
        };
        work.with(&ChangeEps { auth_handle }, &[&auth], endorsement_is_new).map(drop)
    }
}

/// Switches a hierarchy off and on again. In between not all of the TPM can be seen.
pub fn switch_off_and_on(work: &mut Workload) -> Step {
    let all = [TpmHandle::OWNER, TpmHandle::ENDORSEMENT, TpmHandle::PLATFORM_NV];
    let enable = TpmiRhEnables(work.one_of(&all).unwrap_or(TpmHandle::OWNER).0);
    let auth = work.view.auths.of(TpmHandle::PLATFORM).to_vec();
    let auth_handle = TpmiRhBaseHierarchy(TpmHandle::PLATFORM.0);
    work.blind = true;
    work.with(&HierarchyControl { auth_handle, enable, state: TpmiYesNo(false) }, &[&auth], |_| {})?;
    work.blind = false;
    work.with(&HierarchyControl { auth_handle, enable, state: TpmiYesNo(true) }, &[&auth], |_| {}).map(drop)
}
