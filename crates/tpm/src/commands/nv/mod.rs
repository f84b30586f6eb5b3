//! Non-volatile storage (Part 3, clause 31).

use ironroot_wire::{
    NvCertify, NvChangeAuth, NvDefineSpace, NvExtend, NvIncrement, NvRead, NvReadLock, NvReadPublic, NvSetBits,
    NvUndefineSpace, NvWrite, NvWriteLock,
};

use super::{Entry, entry};

mod nv_certify;
mod nv_change_auth;
mod nv_define_space;
mod nv_extend;
mod nv_increment;
mod nv_read;
mod nv_read_lock;
mod nv_read_public;
mod nv_set_bits;
mod nv_undefine_space;
mod nv_write;
mod nv_write_lock;

/// The commands of this chapter.
pub const ACTIONS: &[Entry] = &[
    entry::<NvDefineSpace>(),
    entry::<NvUndefineSpace>(),
    entry::<NvReadPublic>(),
    entry::<NvWrite>(),
    entry::<NvIncrement>(),
    entry::<NvExtend>(),
    entry::<NvSetBits>(),
    entry::<NvWriteLock>(),
    entry::<NvRead>(),
    entry::<NvReadLock>(),
    entry::<NvChangeAuth>(),
    entry::<NvCertify>(),
];
