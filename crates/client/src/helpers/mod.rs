//! The commands that most programs need, with their structures filled in: one file a subject.

mod attestation;
mod nv;
mod objects;
mod pcr;
mod policy;
mod tpm_itself;

pub use attestation::Quoted;
pub use objects::{Created, Loaded};
pub use pcr::{PcrValue, pcr_selection};

use ironroot_wire::TpmRc;

use crate::ClientError;

/// For arguments that do not fit their structure.
pub(crate) fn fits<T>(what: &'static str, result: Result<T, TpmRc>) -> Result<T, ClientError> {
    result.map_err(|rc| ClientError::Malformed { what, rc })
}
