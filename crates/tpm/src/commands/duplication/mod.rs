//! Duplication (Part 3, clause 13).

use ironroot_wire::{Duplicate, Import, PublicKind, Rewrap, TpmaObject};

use super::{Entry, entry};
use crate::state::objects::Object;

mod duplicate;
mod import;
mod rewrap;

/// The commands of this chapter.
pub const ACTIONS: &[Entry] = &[entry::<Duplicate>(), entry::<Rewrap>(), entry::<Import>()];

/// Whether an object can be the new parent of a duplicate: an asymmetric storage key, of which only the public area need be
/// loaded.
fn takes_duplicates(key: &Object) -> bool {
    matches!(key.public.kind, PublicKind::Rsa(..) | PublicKind::Ecc(..) | PublicKind::Mlkem(..))
        && key.has(TpmaObject::RESTRICTED | TpmaObject::DECRYPT)
        && !key.has(TpmaObject::SIGN_ENCRYPT)
        && key.public.name_alg.is_some()
}
