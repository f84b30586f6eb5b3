//! The witness: a counter for rollback defence on another machine.
//!
//! A witness keeps one number for each state that was enrolled with it, which never goes back, and signs what it says. A TPM
//! that counts with one ([`WitnessCounter`]) refuses an old copy of everything on its own machine, the counter included.
//!
//! Requests are signed by a key that only whoever opens the state can make, over a challenge of the connection; answers are
//! signed by the witness, over the request. So a stranger can neither read nor advance a number, and nothing that was said
//! once can be said again. The bytes are in docs/witness.md.
#![forbid(unsafe_code)]
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

mod client;
mod connector;
mod dial;
mod enrolment;
mod keys;
mod ledger;
mod protocol;
mod server;
mod witness;

pub use client::WitnessCounter;
pub use connector::{Connector, serve as serve_connector};
pub use dial::{Channel, Dial, Direct};
pub use enrolment::{Enrolment, EnrolmentFolder, EnrolmentKey, Enrolments, write_new};
pub use keys::{SigningKey, hex, unhex};
pub use ledger::{Disk, Entry, Ledger};
pub use protocol::{
    GREETING_SIZE, Greeting, Operation, REQUEST_SIZE, RESPONSE_SIZE, Request, Response, Verdict, request_message,
    response_message,
};
pub use server::{Bounds, Server};
pub use witness::{Asked, Outcome, Witness};

use std::fmt;

/// What failed, on which file or address, why, and the next step.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct WitnessError(String);

impl WitnessError {
    /// With this text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// What failed, and why.
    pub fn during(what: impl fmt::Display, error: impl fmt::Display) -> Self {
        Self(format!("{what}: {error}"))
    }
}
