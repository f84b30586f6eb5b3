//! Sessions (Part 3, clause 11).

use super::*;
use crate::*;

commands! { SESSION;
    /// `TPM2_StartAuthSession` (Part 3, 11.1).
    StartAuthSession, StartAuthSessionResponse = 0x0176 []
    (tpm_key: Option<TpmiDhObject> [None], bind: Option<TpmiDhEntity> [None])
    {
        nonce_caller: Tpm2bNonce,
        encrypted_salt: Tpm2bEncryptedSecret,
        session_type: TpmSe,
        symmetric: Option<TpmtSymDef>,
        auth_hash: TpmiAlgHash,
    }
    => (session_handle: TpmiShAuthSession) { nonce_tpm: Tpm2bNonce }
    /// `TPM2_PolicyRestart` (Part 3, 11.2).
    PolicyRestart, PolicyRestartResponse = 0x0180 [] (session_handle: TpmiShPolicy [None]) {} => () {}
}
