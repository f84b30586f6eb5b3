//! Clocks and timers (Part 3, clause 29).

use super::*;
use crate::*;

commands! { CLOCK;
    /// `TPM2_ReadClock` (Part 3, 29.1).
    ReadClock, ReadClockResponse = 0x0181 [] () {} => () { current_time: TpmsTimeInfo }
    /// `TPM2_ClockSet` (Part 3, 29.2).
    ClockSet, ClockSetResponse = 0x0128 [NV] (auth: TpmiRhProvision [User]) { new_time: u64 } => () {}
    /// `TPM2_ClockRateAdjust` (Part 3, 29.3).
    ClockRateAdjust, ClockRateAdjustResponse = 0x0130 [] (auth: TpmiRhProvision [User]) { rate_adjust: TpmClockAdjust } => () {}
}
