//! What many commands share.

pub mod attestation;
pub mod attributes;
pub mod auth_value;
pub mod bind;
pub mod creation;
pub mod derivation;
pub mod hashcheck;
pub mod loading;
pub mod names;
pub mod nv_access;
pub mod nv_counter;
pub mod nv_space;
pub mod object_record;
pub mod pcr_access;
pub mod policy_authorization;
pub mod policy_digest;
pub mod policy_operand;
pub mod primary;
pub mod private_area;
pub mod schemes;
pub mod secret_sharing;
pub mod sequence_record;
pub mod signatures;
pub mod tickets;
pub mod version;
pub mod wrapping;
