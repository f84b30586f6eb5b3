//! Authenticated countdown timers (Part 3, clause 33).

use super::*;
use crate::*;

commands! { ACT;
    /// `TPM2_ACT_SetTimeout` (Part 3, 33.2).
    ActSetTimeout, ActSetTimeoutResponse = 0x0198 [] (act_handle: TpmiRhAct [User]) { start_timeout: u32 } => () {}
}
