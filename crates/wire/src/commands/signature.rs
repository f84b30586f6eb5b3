//! Signing and signature verification (Part 3, clause 20).

use super::*;
use crate::*;

commands! { SIGNATURE;
    /// `TPM2_VerifySignature` (Part 3, 20.2).
    VerifySignature, VerifySignatureResponse = 0x0177 []
    (key_handle: TpmiDhObject [None]) { digest: Tpm2bDigest, signature: TpmtSignature }
    => () { validation: TpmtTkVerified }
    /// `TPM2_Sign` (Part 3, 20.5).
    Sign, SignResponse = 0x015D []
    (key_handle: TpmiDhObject [User])
    { digest: Tpm2bDigest, in_scheme: Option<TpmtSigScheme>, validation: TpmtTkHashcheck }
    => () { signature: TpmtSignature }
}
