//! The TPM as a whole: sessions, audit, capabilities, time, profiles, what survives.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

#[path = "../common/mod.rs"]
mod common;
#[path = "../faulty/mod.rs"]
mod faulty;
#[path = "../in_process/mod.rs"]
mod in_process;
#[path = "../outside/mod.rs"]
mod outside;
#[path = "../peer/mod.rs"]
mod peer;
#[path = "../policies/mod.rs"]
mod policies;
#[path = "../templates/mod.rs"]
mod templates;

mod act;
mod administration;
mod audit;
mod capability;
mod components;
mod known_defects;
mod parameter_ciphers;
mod pipeline;
mod profile;
mod sessions;
mod testing;
mod time_and_randomness;
mod volatile;
