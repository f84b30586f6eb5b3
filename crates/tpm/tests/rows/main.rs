//! Every command and every error condition that Part 3 names.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

#[path = "../common/mod.rs"]
mod common;
#[path = "../outside/mod.rs"]
mod outside;
#[path = "../peer/mod.rs"]
mod peer;
#[path = "../policies/mod.rs"]
mod policies;
#[path = "../templates/mod.rs"]
mod templates;

mod conformance;
mod errors;
mod rows_every_command;
mod rows_keys;
mod rows_nv;
mod rows_objects;
mod rows_policy;
mod rows_sessions;
mod rows_state;
