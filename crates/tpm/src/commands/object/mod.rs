//! Objects (Part 3, clause 12).

use ironroot_wire::{
    ActivateCredential, Create, CreateLoaded, Load, LoadExternal, MakeCredential, ObjectChangeAuth, ReadPublic, Unseal,
};

use super::{Entry, entry};

mod activate_credential;
mod create;
mod create_loaded;
mod load;
mod load_external;
mod make_credential;
mod object_change_auth;
mod read_public;
mod unseal;

/// The commands of this chapter.
pub const ACTIONS: &[Entry] = &[
    entry::<Create>(),
    entry::<Load>(),
    entry::<LoadExternal>(),
    entry::<ReadPublic>(),
    entry::<ActivateCredential>(),
    entry::<MakeCredential>(),
    entry::<Unseal>(),
    entry::<ObjectChangeAuth>(),
    entry::<CreateLoaded>(),
];
