//! What many commands share.

pub mod names;
pub mod object_record;
