//! Command audit (Part 3, clause 21).

use super::*;
use crate::*;

commands! { COMMAND_AUDIT;
    /// `TPM2_SetCommandCodeAuditStatus` (Part 3, 21.2).
    SetCommandCodeAuditStatus, SetCommandCodeAuditStatusResponse = 0x0140 [NV] (auth: TpmiRhProvision [User])
    { audit_alg: Option<TpmiAlgHash>, set_list: TpmlCc, clear_list: TpmlCc } => () {}
}
