//! Non-volatile storage (Part 3, clause 31).

use ironroot_wire::{
    NvCertify, NvChangeAuth, NvDefineSpace, NvDefineSpace2, NvExtend, NvGlobalWriteLock, NvIncrement, NvRead,
    NvReadLock, NvReadPublic, NvReadPublic2, NvSetBits, NvUndefineSpace, NvUndefineSpaceSpecial, NvWrite, NvWriteLock,
};

use super::{Entry, entry};

mod nv_certify;
mod nv_change_auth;
mod nv_define_space;
mod nv_define_space2;
mod nv_extend;
mod nv_global_write_lock;
mod nv_increment;
mod nv_read;
mod nv_read_lock;
mod nv_read_public;
mod nv_read_public2;
mod nv_set_bits;
mod nv_undefine_space;
mod nv_undefine_space_special;
mod nv_write;
mod nv_write_lock;

/// The commands of this chapter.
pub const ACTIONS: &[Entry] = &[
    entry::<NvDefineSpace>(),
    entry::<NvUndefineSpace>(),
    entry::<NvUndefineSpaceSpecial>(),
    entry::<NvReadPublic>(),
    entry::<NvWrite>(),
    entry::<NvIncrement>(),
    entry::<NvExtend>(),
    entry::<NvSetBits>(),
    entry::<NvWriteLock>(),
    entry::<NvGlobalWriteLock>(),
    entry::<NvRead>(),
    entry::<NvReadLock>(),
    entry::<NvChangeAuth>(),
    entry::<NvCertify>(),
    entry::<NvDefineSpace2>(),
    entry::<NvReadPublic2>(),
];
