//! `TPM2_NV_DefineSpace` (Part 3, 31.3).

use ironroot_wire::{
    NvDefineSpace, NvDefineSpaceResponse, Tpm2bAuth, TpmHandle, TpmNt, TpmRc, TpmaNv, TpmiRhProvision, TpmsNvPublic,
    limits::MAX_NV_BUFFER,
};
use zeroize::Zeroizing;

use crate::{
    commands::Action,
    core_state::Core,
    rules::{auth_value, nv_space},
    state::nv_index::NvIndex,
};

/// Bytes of an index that holds a number.
const NUMBER_SIZE: u16 = 8;

impl Action for NvDefineSpace {
    fn run(self, tpm: &mut Core) -> Result<NvDefineSpaceResponse, TpmRc> {
        define(tpm, self.auth_handle, &self.auth, &self.public_info.0)?;
        Ok(NvDefineSpaceResponse {})
    }
}

/// Defines an index (Part 3, 31.3 and 31.17: both commands have the same handle and parameters).
///
/// # Errors
/// As Part 3 says, with their positions.
pub fn define(tpm: &mut Core, by: TpmiRhProvision, auth: &Tpm2bAuth, public: &TpmsNvPublic) -> Result<(), TpmRc> {
    let digest_size = public.name_alg.digest_size();
    // A bound of the structure (Part 2, 13.6), and so the first of all.
    if public.data_size > tpm.profile.nv_index_max {
        return Err(TpmRc::SIZE.parameter(2));
    }
    if !public.auth_policy.is_empty() && public.auth_policy.len() != digest_size {
        return Err(TpmRc::SIZE.parameter(2));
    }
    let auth = auth_value::trimmed(auth);
    if auth.len() > digest_size {
        return Err(TpmRc::SIZE.parameter(1));
    }
    let by_platform = TpmHandle::from(by) == TpmHandle::PLATFORM;
    if by_platform && !tpm.hierarchies.platform_nv_enabled {
        return Err(TpmRc::HIERARCHY.handle(1));
    }
    check_type(public, tpm.profile.nv_index_max).map_err(|rc| rc.parameter(2))?;
    check_access(public.attributes).map_err(|rc| rc.parameter(2))?;
    if public.attributes.contains(TpmaNv::PLATFORMCREATE) != by_platform {
        return Err(TpmRc::ATTRIBUTES.handle(1));
    }
    // Only the platform can delete it later.
    if public.attributes.contains(TpmaNv::POLICY_DELETE) && !by_platform {
        return Err(TpmRc::ATTRIBUTES.parameter(2));
    }
    if usize::from(public.data_size) > MAX_NV_BUFFER && public.attributes.contains(TpmaNv::WRITEALL) {
        return Err(TpmRc::SIZE.parameter(2));
    }
    if tpm.nv.index(public.nv_index.into()).is_some() {
        return Err(TpmRc::NV_DEFINED);
    }
    let data = Zeroizing::new(alloc::vec![0; usize::from(public.data_size)]);
    tpm.nv.put_index(NvIndex { public: public.clone(), auth: Tpm2bAuth::from_slice(auth)?, data });
    nv_space::check(tpm)
}

/// What the type of the index demands of its size and its other attributes.
fn check_type(public: &TpmsNvPublic, size_max: u16) -> Result<(), TpmRc> {
    let attributes = public.attributes;
    let nt = attributes.nt()?;
    let size_fits = match nt {
        TpmNt::Ordinary => public.data_size <= size_max,
        TpmNt::Extend => usize::from(public.data_size) == public.name_alg.digest_size(),
        TpmNt::Counter | TpmNt::Bits | TpmNt::PinFail | TpmNt::PinPass => public.data_size == NUMBER_SIZE,
    };
    if !size_fits {
        return Err(TpmRc::SIZE);
    }
    let allowed = match nt {
        TpmNt::Ordinary | TpmNt::Extend | TpmNt::Bits => true,
        TpmNt::Counter => !attributes.contains(TpmaNv::CLEAR_STCLEAR),
        TpmNt::PinPass => pin_allowed(attributes),
        // Its protection against guessing is its own, not that of the TPM.
        TpmNt::PinFail => pin_allowed(attributes) && attributes.contains(TpmaNv::NO_DA),
    };
    if allowed { Ok(()) } else { Err(TpmRc::ATTRIBUTES) }
}

/// Who knows a PIN must not be able to set its counter, and who set the counter must be able to set it again.
fn pin_allowed(attributes: TpmaNv) -> bool {
    !attributes.intersects(TpmaNv::AUTHWRITE | TpmaNv::GLOBALLOCK | TpmaNv::WRITEDEFINE)
}

/// What is demanded of an index of any type: a clean start, a way to read it and a way to write it.
fn check_access(attributes: TpmaNv) -> Result<(), TpmRc> {
    const STATE: TpmaNv = TpmaNv::WRITTEN.with(TpmaNv::WRITELOCKED).with(TpmaNv::READLOCKED);
    const READ: TpmaNv = TpmaNv::PPREAD.with(TpmaNv::OWNERREAD).with(TpmaNv::AUTHREAD).with(TpmaNv::POLICYREAD);
    const WRITE: TpmaNv = TpmaNv::PPWRITE.with(TpmaNv::OWNERWRITE).with(TpmaNv::AUTHWRITE).with(TpmaNv::POLICYWRITE);
    // What Startup(CLEAR) empties must not be locked for ever.
    let lock_outlives_contents = attributes.contains(TpmaNv::CLEAR_STCLEAR | TpmaNv::WRITEDEFINE);
    let consistent = !attributes.intersects(STATE)
        && attributes.intersects(READ)
        && attributes.intersects(WRITE)
        && !lock_outlives_contents;
    if consistent { Ok(()) } else { Err(TpmRc::ATTRIBUTES) }
}
