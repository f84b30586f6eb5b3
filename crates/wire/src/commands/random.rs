//! Random number generator (Part 3, clause 16).

use super::*;
use crate::*;

commands! { RANDOM;
    /// `TPM2_GetRandom` (Part 3, 16.1).
    GetRandom, GetRandomResponse = 0x017B [] () { bytes_requested: u16 } => () { random_bytes: Tpm2bDigest }
    /// `TPM2_StirRandom` (Part 3, 16.2).
    StirRandom, StirRandomResponse = 0x0146 [NV] () { in_data: Tpm2bSensitiveData } => () {}
}
