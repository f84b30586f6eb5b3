//! Dictionary attack functions (Part 3, clause 25).

use super::*;
use crate::*;

commands! { DICTIONARY_ATTACK;
    /// `TPM2_DictionaryAttackLockReset` (Part 3, 25.2).
    DictionaryAttackLockReset, DictionaryAttackLockResetResponse = 0x0139 [NV] (lock_handle: TpmiRhLockout [User]) {} => () {}
    /// `TPM2_DictionaryAttackParameters` (Part 3, 25.3).
    DictionaryAttackParameters, DictionaryAttackParametersResponse = 0x013A [NV] (lock_handle: TpmiRhLockout [User])
    { new_max_tries: u32, new_recovery_time: u32, lockout_recovery: u32 } => () {}
}
