//! Hash, HMAC and event sequences (Part 3, clause 17).

use super::*;
use crate::*;

commands! { SEQUENCES;
    /// `TPM2_HMAC_Start` (Part 3, 17.2).
    HmacStart, HmacStartResponse = 0x015B [] (handle: TpmiDhObject [User])
    { auth: Tpm2bAuth, hash_alg: Option<TpmiAlgHash> }
    => (sequence_handle: TpmiDhObject) {}
    /// `TPM2_HashSequenceStart` (Part 3, 17.4).
    HashSequenceStart, HashSequenceStartResponse = 0x0186 [] () { auth: Tpm2bAuth, hash_alg: Option<TpmiAlgHash> }
    => (sequence_handle: TpmiDhObject) {}
    /// `TPM2_SignSequenceStart` (Part 3, 17.5).
    SignSequenceStart, SignSequenceStartResponse = 0x01AA [] (key_handle: TpmiDhObject [None])
    { auth: Tpm2bAuth, context: Tpm2bSignatureCtx }
    => (sequence_handle: TpmiDhObject) {}
    /// `TPM2_VerifySequenceStart` (Part 3, 17.6).
    VerifySequenceStart, VerifySequenceStartResponse = 0x01A9 [] (key_handle: TpmiDhObject [None])
    { auth: Tpm2bAuth, hint: Tpm2bSignatureHint, context: Tpm2bSignatureCtx }
    => (sequence_handle: TpmiDhObject) {}
    /// `TPM2_SequenceUpdate` (Part 3, 17.7).
    SequenceUpdate, SequenceUpdateResponse = 0x015C [] (sequence_handle: TpmiDhObject [User])
    { buffer: Tpm2bMaxBuffer } => () {}
    /// `TPM2_SequenceComplete` (Part 3, 17.8).
    SequenceComplete, SequenceCompleteResponse = 0x013E [FLUSHED] (sequence_handle: TpmiDhObject [User])
    { buffer: Tpm2bMaxBuffer, hierarchy: TpmiRhHierarchy }
    => () { result: Tpm2bDigest, validation: TpmtTkHashcheck }
    /// `TPM2_EventSequenceComplete` (Part 3, 17.9).
    EventSequenceComplete, EventSequenceCompleteResponse = 0x0185 [NV, FLUSHED]
    (pcr_handle: Option<TpmiDhPcr> [User], sequence_handle: TpmiDhObject [User]) { buffer: Tpm2bMaxBuffer }
    => () { results: TpmlDigestValues }
}

commands! { MAC_START;
    /// `TPM2_MAC_Start` (Part 3, 17.3): the code of `TPM2_HMAC_Start`, with more kinds of keys. A TPM has the one or the
    /// other.
    MacStart, MacStartResponse = 0x015B [] (handle: TpmiDhObject [User])
    { auth: Tpm2bAuth, in_scheme: Option<TpmiAlgMacScheme> }
    => (sequence_handle: TpmiDhObject) {}
}
