//! Signing and signature verification (Part 3, clause 20).

use super::*;
use crate::*;

commands! { SIGNATURE;
    /// `TPM2_VerifySignature` (Part 3, 20.2).
    VerifySignature, VerifySignatureResponse = 0x0177 []
    (key_handle: TpmiDhObject [None]) { digest: Tpm2bDigest, signature: TpmtSignature }
    => () { validation: TpmtTkVerified }
    /// `TPM2_VerifySequenceComplete` (Part 3, 20.3).
    VerifySequenceComplete, VerifySequenceCompleteResponse = 0x01A3 [FLUSHED]
    (sequence_handle: TpmiDhObject [User], key_handle: TpmiDhObject [None]) { signature: TpmtSignature }
    => () { validation: TpmtTkVerified }
    /// `TPM2_VerifyDigestSignature` (Part 3, 20.4).
    VerifyDigestSignature, VerifyDigestSignatureResponse = 0x01A5 []
    (key_handle: TpmiDhObject [None]) { context: Tpm2bSignatureCtx, digest: Tpm2bDigest, signature: TpmtSignature }
    => () { validation: TpmtTkVerified }
    /// `TPM2_Sign` (Part 3, 20.5).
    Sign, SignResponse = 0x015D []
    (key_handle: TpmiDhObject [User])
    { digest: Tpm2bDigest, in_scheme: Option<TpmtSigScheme>, validation: TpmtTkHashcheck }
    => () { signature: TpmtSignature }
    /// `TPM2_SignSequenceComplete` (Part 3, 20.6).
    SignSequenceComplete, SignSequenceCompleteResponse = 0x01A4 [FLUSHED]
    (sequence_handle: TpmiDhObject [User], key_handle: TpmiDhObject [User]) { buffer: Tpm2bMaxBuffer }
    => () { signature: TpmtSignature }
    /// `TPM2_SignDigest` (Part 3, 20.7).
    SignDigest, SignDigestResponse = 0x01A6 [] (key_handle: TpmiDhObject [User])
    { context: Tpm2bSignatureCtx, digest: Tpm2bDigest, validation: TpmtTkHashcheck }
    => () { signature: TpmtSignature }
}
