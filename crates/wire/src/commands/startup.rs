//! Start-up (Part 3, clause 9).

use super::*;
use crate::*;

commands! { STARTUP;
    /// `TPM2_Startup` (Part 3, 9.3): always preceded by `_TPM_Init`, the physical indication of power-on.
    Startup, StartupResponse = 0x0144 [NV, NO_SESSIONS] () { startup_type: TpmSu } => () {}
    /// `TPM2_Shutdown` (Part 3, 9.4): prepares for a power cycle.
    Shutdown, ShutdownResponse = 0x0145 [NV] () { shutdown_type: TpmSu } => () {}
}
