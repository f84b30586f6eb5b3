//! Miscellaneous management functions (Part 3, clause 26).

use super::*;
use crate::*;

commands! { MISCELLANEOUS;
    /// `TPM2_PP_Commands` (Part 3, 26.2).
    PpCommands, PpCommandsResponse = 0x012D [NV] (auth: TpmiRhPlatform [User]) { set_list: TpmlCc, clear_list: TpmlCc } => () {}
    /// `TPM2_SetAlgorithmSet` (Part 3, 26.3).
    SetAlgorithmSet, SetAlgorithmSetResponse = 0x013F [NV] (auth_handle: TpmiRhPlatform [User]) { algorithm_set: u32 } => () {}
}
