//! Symmetric primitives (Part 3, clause 15).

use super::*;
use crate::*;

commands! { SYMMETRIC;
    /// `TPM2_EncryptDecrypt` (Part 3, 15.2).
    EncryptDecrypt, EncryptDecryptResponse = 0x0164 []
    (key_handle: TpmiDhObject [User])
    { decrypt: TpmiYesNo, mode: Option<TpmiAlgCipherMode>, iv_in: Tpm2bIv, in_data: Tpm2bMaxBuffer }
    => () { out_data: Tpm2bMaxBuffer, iv_out: Tpm2bIv }
    /// `TPM2_EncryptDecrypt2` (Part 3, 15.3).
    EncryptDecrypt2, EncryptDecrypt2Response = 0x0193 []
    (key_handle: TpmiDhObject [User])
    { in_data: Tpm2bMaxBuffer, decrypt: TpmiYesNo, mode: Option<TpmiAlgCipherMode>, iv_in: Tpm2bIv }
    => () { out_data: Tpm2bMaxBuffer, iv_out: Tpm2bIv }
    /// `TPM2_Hash` (Part 3, 15.4).
    Hash, HashResponse = 0x017D [] () { data: Tpm2bMaxBuffer, hash_alg: TpmiAlgHash, hierarchy: TpmiRhHierarchy }
    => () { out_hash: Tpm2bDigest, validation: TpmtTkHashcheck }
    /// `TPM2_HMAC` (Part 3, 15.5).
    Hmac, HmacResponse = 0x0155 [] (handle: TpmiDhObject [User])
    { buffer: Tpm2bMaxBuffer, hash_alg: Option<TpmiAlgHash> }
    => () { out_hmac: Tpm2bDigest }
}

commands! { MAC;
    /// `TPM2_MAC` (Part 3, 15.6): the code of `TPM2_HMAC`, with more kinds of keys. A TPM has the one or the other.
    Mac, MacResponse = 0x0155 [] (handle: TpmiDhObject [User])
    { buffer: Tpm2bMaxBuffer, in_scheme: Option<TpmiAlgMacScheme> }
    => () { out_mac: Tpm2bDigest }
}
