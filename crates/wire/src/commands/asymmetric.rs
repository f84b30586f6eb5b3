//! Asymmetric primitives (Part 3, clause 14).

use super::*;
use crate::*;

commands! { ASYMMETRIC;
    /// `TPM2_RSA_Encrypt` (Part 3, 14.2).
    RsaEncrypt, RsaEncryptResponse = 0x0174 []
    (key_handle: TpmiDhObject [None])
    { message: Tpm2bRsaMessage, in_scheme: Option<TpmtRsaDecrypt>, label: Tpm2bData }
    => () { out_data: Tpm2bPublicKeyRsa }
    /// `TPM2_RSA_Decrypt` (Part 3, 14.3).
    RsaDecrypt, RsaDecryptResponse = 0x0159 []
    (key_handle: TpmiDhObject [User])
    { cipher_text: Tpm2bPublicKeyRsa, in_scheme: Option<TpmtRsaDecrypt>, label: Tpm2bData }
    => () { message: Tpm2bRsaMessage }
    /// `TPM2_ECDH_KeyGen` (Part 3, 14.4).
    EcdhKeyGen, EcdhKeyGenResponse = 0x0163 [] (key_handle: TpmiDhObject [None]) {}
    => () { z_point: Tpm2b<TpmsEccPoint>, pub_point: Tpm2b<TpmsEccPoint> }
    /// `TPM2_ECDH_ZGen` (Part 3, 14.5).
    EcdhZGen, EcdhZGenResponse = 0x0154 [] (key_handle: TpmiDhObject [User]) { in_point: Tpm2b<TpmsEccPoint> }
    => () { out_point: Tpm2b<TpmsEccPoint> }
    /// `TPM2_ECC_Parameters` (Part 3, 14.6).
    EccParameters, EccParametersResponse = 0x0178 [] () { curve_id: TpmEccCurve }
    => () { parameters: TpmsAlgorithmDetailEcc }
}
