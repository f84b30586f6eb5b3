//! What many commands share.

pub mod auth_value;
pub mod bind;
pub mod names;
pub mod object_record;
pub mod secret_sharing;
pub mod sequence_record;
pub mod tickets;
