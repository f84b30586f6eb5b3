//! swtpm's channels: raw TPM commands on one, control of the machine around the TPM on the other.

mod control;
mod data;

pub use control::{BlobType, Control, capability, code, parse_control, reply, result};
pub use data::{Data, parse_data};
