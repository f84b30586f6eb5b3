//! What an attacker with a hand on the power, the storage, the entropy or the arithmetic gets.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

#[path = "../common/mod.rs"]
mod common;
#[path = "../faulty/mod.rs"]
mod faulty;
#[path = "../templates/mod.rs"]
mod templates;

mod cancellation;
mod failing_store;
mod faults;
mod lockout_power;
