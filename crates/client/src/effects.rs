//! What a command that succeeds does to what the client knows: auth values that it changes, names that it changes or
//! removes.

use ironroot_wire::{HandleKind, TpmCc, TpmHandle};
use zeroize::Zeroizing;

use crate::auth::{Known, without_trailing_zeros};

const HIERARCHY_CONTROL: TpmCc = TpmCc(0x121);
const NV_UNDEFINE_SPACE: TpmCc = TpmCc(0x122);
const CHANGE_EPS: TpmCc = TpmCc(0x124);
const CHANGE_PPS: TpmCc = TpmCc(0x125);
const CLEAR: TpmCc = TpmCc(0x126);
const HIERARCHY_CHANGE_AUTH: TpmCc = TpmCc(0x129);
const NV_UNDEFINE_SPACE_SPECIAL: TpmCc = TpmCc(0x11F);
const EVICT_CONTROL: TpmCc = TpmCc(0x120);
const NV_GLOBAL_WRITE_LOCK: TpmCc = TpmCc(0x132);
const NV_INCREMENT: TpmCc = TpmCc(0x134);
const NV_SET_BITS: TpmCc = TpmCc(0x135);
const NV_EXTEND: TpmCc = TpmCc(0x136);
const NV_WRITE: TpmCc = TpmCc(0x137);
const NV_WRITE_LOCK: TpmCc = TpmCc(0x138);
const NV_CHANGE_AUTH: TpmCc = TpmCc(0x13B);
const STARTUP: TpmCc = TpmCc(0x144);
const NV_READ_LOCK: TpmCc = TpmCc(0x14F);
const FLUSH_CONTEXT: TpmCc = TpmCc(0x165);

/// The effect of one command.
pub(crate) enum Effect {
    None,
    /// The auth value of the first handle's entity becomes this.
    NewAuth(u32, Zeroizing<Vec<u8>>),
    /// The entity is gone; its handle is the first or only one that needed authorization, or none did.
    Gone {
        handle: u32,
        authorized: bool,
    },
    /// The attributes of the NV index, and with them its name, may have changed.
    Renamed(u32),
    /// The attributes of every NV index may have changed.
    AllRenamed,
    /// `TPM2_Clear`, authorized by this handle: owner, endorsement and lockout lose their auth values.
    Cleared(u32),
    /// Everything that is not permanent may be gone.
    Restarted,
}

/// The effect of the command with this code, if it succeeds. `parameters` are as they are before encryption.
pub(crate) fn of(code: TpmCc, handles: &[u32], parameters: &[u8]) -> Effect {
    let handle = |at: usize| handles.get(at).copied().unwrap_or(TpmHandle::NULL.0);
    match code {
        HIERARCHY_CHANGE_AUTH | NV_CHANGE_AUTH => {
            let auth = parameters.get(2..).map(without_trailing_zeros).unwrap_or_default();
            Effect::NewAuth(handle(0), Zeroizing::new(auth.to_vec()))
        }
        NV_UNDEFINE_SPACE | EVICT_CONTROL => Effect::Gone { handle: handle(1), authorized: false },
        NV_UNDEFINE_SPACE_SPECIAL => Effect::Gone { handle: handle(0), authorized: true },
        FLUSH_CONTEXT => match parameters.first_chunk() {
            // In this command the handle stands among the parameters (Part 3, 28.4).
            Some(handle) => Effect::Gone { handle: u32::from_be_bytes(*handle), authorized: false },
            None => Effect::Gone { handle: handle(0), authorized: false },
        },
        NV_WRITE | NV_INCREMENT | NV_SET_BITS | NV_EXTEND | NV_WRITE_LOCK | NV_READ_LOCK => Effect::Renamed(handle(1)),
        NV_GLOBAL_WRITE_LOCK => Effect::AllRenamed,
        CLEAR => Effect::Cleared(handle(0)),
        STARTUP | CHANGE_EPS | CHANGE_PPS | HIERARCHY_CONTROL => Effect::Restarted,
        _ => Effect::None,
    }
}

impl Effect {
    /// The auth values of the authorized entities when the TPM makes its response (Part 1, 16.6.5): a changed value counts
    /// already, that of a deleted entity is gone.
    pub(crate) fn auths_after(&self, before: &[Zeroizing<Vec<u8>>]) -> Vec<Zeroizing<Vec<u8>>> {
        let mut after = before.to_vec();
        if let Some(first) = after.first_mut() {
            match self {
                Self::NewAuth(_, auth) => *first = auth.clone(),
                Self::Gone { authorized: true, .. } => first.clear(),
                Self::Cleared(by) if *by == TpmHandle::LOCKOUT.0 => first.clear(),
                _ => {}
            }
        }
        after
    }

    pub(crate) fn apply(self, known: &mut Known) {
        match self {
            Self::None => {}
            Self::NewAuth(handle, auth) => known.set_auth(handle, &auth),
            Self::Gone { handle, .. } => known.forget(handle),
            Self::Renamed(handle) => known.forget_name(handle),
            Self::AllRenamed => known.forget_names(HandleKind::NvIndex),
            Self::Cleared(_) => {
                for handle in [TpmHandle::OWNER, TpmHandle::ENDORSEMENT, TpmHandle::LOCKOUT] {
                    known.forget(handle.0);
                }
                known.forget_where(|kind| kind != HandleKind::Permanent);
            }
            Self::Restarted => known.forget_where(|kind| matches!(kind, HandleKind::Transient)),
        }
    }
}
