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
    /// `TPM2_ZGen_2Phase` (Part 3, 14.7).
    ZGen2Phase, ZGen2PhaseResponse = 0x018D [] (key_a: TpmiDhObject [User])
    {
        in_qs_b: Tpm2b<TpmsEccPoint>,
        in_qe_b: Tpm2b<TpmsEccPoint>,
        in_scheme: TpmiEccKeyExchange,
        counter: u16,
    }
    => () { out_z1: Tpm2b<TpmsEccPoint>, out_z2: Tpm2b<TpmsEccPoint> }
    /// `TPM2_ECC_Encrypt` (Part 3, 14.8).
    EccEncrypt, EccEncryptResponse = 0x0199 [] (key_handle: TpmiDhObject [None])
    { plain_text: Tpm2bMaxBuffer, in_scheme: Option<TpmtKdfScheme> }
    => () { c1: Tpm2b<TpmsEccPoint>, c2: Tpm2bMaxBuffer, c3: Tpm2bDigest }
    /// `TPM2_ECC_Decrypt` (Part 3, 14.9).
    EccDecrypt, EccDecryptResponse = 0x019A [] (key_handle: TpmiDhObject [User])
    { c1: Tpm2b<TpmsEccPoint>, c2: Tpm2bMaxBuffer, c3: Tpm2bDigest, in_scheme: Option<TpmtKdfScheme> }
    => () { plain_text: Tpm2bMaxBuffer }
    /// `TPM2_Encapsulate` (Part 3, 14.10).
    Encapsulate, EncapsulateResponse = 0x01A7 [] (key_handle: TpmiDhObject [None]) {}
    => () { shared_secret: Tpm2bSharedSecret, ciphertext: Tpm2bKemCiphertext }
    /// `TPM2_Decapsulate` (Part 3, 14.11).
    Decapsulate, DecapsulateResponse = 0x01A8 [] (key_handle: TpmiDhObject [User]) { ciphertext: Tpm2bKemCiphertext }
    => () { shared_secret: Tpm2bSharedSecret }
}
