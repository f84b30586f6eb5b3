//! Command audit (Part 3, clause 21).

use ironroot_wire::SetCommandCodeAuditStatus;

use super::{Entry, entry};

mod set_command_code_audit_status;

/// The commands of this chapter.
pub const ACTIONS: &[Entry] = &[entry::<SetCommandCodeAuditStatus>()];
