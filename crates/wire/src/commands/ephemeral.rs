//! Ephemeral keys of elliptic curves (Part 3, clause 19).

use super::*;
use crate::*;

commands! { EPHEMERAL;
    /// `TPM2_Commit` (Part 3, 19.2).
    Commit, CommitResponse = 0x018B [] (sign_handle: TpmiDhObject [User])
    { p1: Tpm2b<TpmsEccPoint>, s2: Tpm2bSensitiveData, y2: Tpm2bEccParameter }
    => () { k: Tpm2b<TpmsEccPoint>, l: Tpm2b<TpmsEccPoint>, e: Tpm2b<TpmsEccPoint>, counter: u16 }
    /// `TPM2_EC_Ephemeral` (Part 3, 19.3).
    EcEphemeral, EcEphemeralResponse = 0x018E [] () { curve_id: TpmEccCurve }
    => () { q: Tpm2b<TpmsEccPoint>, counter: u16 }
}
