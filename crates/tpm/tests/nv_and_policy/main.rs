//! Non-volatile storage and enhanced authorization.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

#[path = "../common/mod.rs"]
mod common;
#[path = "../peer/mod.rs"]
mod peer;
#[path = "../policies/mod.rs"]
mod policies;
#[path = "../templates/mod.rs"]
mod templates;

mod nv;
mod nv_orderly;
mod nv_random;
mod nv_special;
mod policy;
mod policy_conditions;
mod policy_signed;
mod policy_use;
