//! Sized buffers (Part 2, clauses 10.3, 11 and 12). What can hold a secret is wiped when dropped.

use alloc::vec::Vec;

use crate::{Reader, TpmRc, Wire, limits::*};

buffer! {
    /// `TPM2B_DIGEST` (Part 2, 10.3.2).
    Tpm2bDigest, MAX_DIGEST
}
buffer! {
    /// `TPM2B_DATA` (Part 2, 10.3.3): data that has the size of a `TPMT_HA` at most.
    Tpm2bData, 2 + MAX_DIGEST
}
buffer! {
    /// `TPM2B_NONCE` (Part 2, 10.3.4).
    Tpm2bNonce, MAX_DIGEST
}
buffer! { secret
    /// `TPM2B_AUTH` (Part 2, 10.3.5): an auth value.
    Tpm2bAuth, MAX_DIGEST
}
buffer! {
    /// `TPM2B_OPERAND` (Part 2, 10.3.6).
    Tpm2bOperand, MAX_DIGEST
}
buffer! {
    /// `TPM2B_EVENT` (Part 2, 10.3.7).
    Tpm2bEvent, 1024
}
buffer! { secret
    /// `TPM2B_MAX_BUFFER` (Part 2, 10.3.8). It carries plaintext of `TPM2_EncryptDecrypt2`.
    Tpm2bMaxBuffer, MAX_BUFFER
}
buffer! { secret
    /// `TPM2B_MAX_NV_BUFFER` (Part 2, 10.3.9).
    Tpm2bMaxNvBuffer, MAX_NV_BUFFER
}
buffer! {
    /// `TPM2B_TIMEOUT` (Part 2, 10.3.10).
    Tpm2bTimeout, 8
}
buffer! {
    /// `TPM2B_IV` (Part 2, 10.3.11).
    Tpm2bIv, MAX_SYM_BLOCK
}
buffer! {
    /// `TPM2B_NAME` (Part 2, 10.4.3).
    Tpm2bName, MAX_NAME
}
buffer! {
    /// `TPM2B_ATTEST` (Part 2, 10.12.13), as bytes: what a signature is over.
    Tpm2bAttest, MAX_ATTEST
}
buffer! { secret
    /// `TPM2B_SYM_KEY` (Part 2, 11.1.8).
    Tpm2bSymKey, MAX_SYM_KEY
}
buffer! { secret
    /// `TPM2B_LABEL` (Part 2, 11.1.10).
    Tpm2bLabel, LABEL_MAX_BUFFER
}
buffer! { secret
    /// `TPM2B_SENSITIVE_DATA` (Part 2, 11.1.14).
    Tpm2bSensitiveData, MAX_SENSITIVE_DATA
}
buffer! {
    /// `TPM2B_PUBLIC_KEY_RSA` (Part 2, 11.2.4.5).
    Tpm2bPublicKeyRsa, MAX_RSA_KEY
}
buffer! { secret
    /// The same structure where it carries a message that may be secret (`TPM2_RSA_Encrypt`, `TPM2_RSA_Decrypt`).
    Tpm2bRsaMessage, MAX_RSA_KEY
}
buffer! { secret
    /// `TPM2B_PRIVATE_KEY_RSA` (Part 2, 11.2.4.7): one prime on the wire; the vendor-specific private area of this
    /// implementation adds the values for the Chinese remainder theorem.
    Tpm2bPrivateKeyRsa, MAX_RSA_KEY / 2 * 5
}
buffer! {
    /// `TPM2B_ECC_PARAMETER` (Part 2, 11.2.5.1) with a public value.
    Tpm2bEccParameter, MAX_ECC_KEY
}
buffer! { secret
    /// `TPM2B_ECC_PARAMETER` (Part 2, 11.2.5.1) with a private value.
    Tpm2bEccPrivate, MAX_ECC_KEY
}
buffer! {
    /// `TPM2B_PUBLIC_KEY_MLKEM` (Part 2, 11.2.6.2): an encapsulation key.
    Tpm2bPublicKeyMlkem, MAX_MLKEM_PUB_SIZE
}
buffer! { secret
    /// `TPM2B_PRIVATE_KEY_MLKEM` (Part 2, 11.2.6.3): the 64-byte seed d || z.
    Tpm2bPrivateKeyMlkem, 64
}
buffer! {
    /// `TPM2B_PUBLIC_KEY_MLDSA` (Part 2, 11.2.7.3).
    Tpm2bPublicKeyMldsa, MAX_MLDSA_PUB_SIZE
}
buffer! { secret
    /// `TPM2B_PRIVATE_KEY_MLDSA` (Part 2, 11.2.7.4): the 32-byte seed ξ.
    Tpm2bPrivateKeyMldsa, 32
}
buffer! { secret
    /// `TPM2B_SHARED_SECRET` (Part 2, 10.3.12).
    Tpm2bSharedSecret, MAX_SHARED_SECRET_SIZE
}
buffer! {
    /// `TPM2B_KEM_CIPHERTEXT` (Part 2, 10.3.14).
    Tpm2bKemCiphertext, MAX_KEM_CIPHERTEXT
}
buffer! {
    /// `TPM2B_SIGNATURE_EDDSA` (Part 2, 11.3.3).
    Tpm2bSignatureEddsa, 2 * MAX_ECC_KEY
}
buffer! {
    /// `TPM2B_SIGNATURE_MLDSA` (Part 2, 11.3.4).
    Tpm2bSignatureMldsa, MAX_MLDSA_SIG_SIZE
}
buffer! {
    /// `TPM2B_SIGNATURE_CTX` (Part 2, 11.3.8): what a scheme needs beside the message.
    Tpm2bSignatureCtx, MAX_SIGNATURE_CTX_SIZE
}
buffer! {
    /// `TPM2B_SIGNATURE_HINT` (Part 2, 11.3.9): R of an EdDSA signature, which is needed before the message.
    Tpm2bSignatureHint, MAX_ECC_KEY
}
buffer! {
    /// `TPM2B_ENCRYPTED_SECRET` (Part 2, 11.4.3).
    Tpm2bEncryptedSecret, MAX_ENCRYPTED_SECRET
}
buffer! {
    /// `TPM2B_TEMPLATE` (Part 2, 12.2.6).
    Tpm2bTemplate, MAX_TEMPLATE
}
buffer! {
    /// `TPM2B_PRIVATE` (Part 2, 12.3.7): an encrypted, integrity-protected sensitive area.
    Tpm2bPrivate, MAX_PRIVATE
}
buffer! {
    /// `TPM2B_ID_OBJECT` (Part 2, 12.4.3): a wrapped credential.
    Tpm2bIdObject, MAX_ID_OBJECT
}
buffer! {
    /// `TPM2B_CONTEXT_DATA` (Part 2, 14.4).
    Tpm2bContextData, MAX_CONTEXT
}

/// A structure behind its 16-bit size (`TPM2B_PUBLIC`, `TPM2B_ECC_POINT`, …).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tpm2b<T>(pub T);

impl<T: Wire> Wire for Tpm2b<T> {
    const SIZED: bool = true;

    fn marshal(&self, out: &mut Vec<u8>) {
        marshal_behind_size(&self.0, out);
    }

    fn unmarshal(reader: &mut Reader<'_>) -> Result<Self, TpmRc> {
        let size = u16::unmarshal(reader)?;
        if size == 0 {
            return Err(TpmRc::SIZE);
        }
        unmarshal_behind_size(reader, size).map(Self)
    }
}

/// A structure behind its 16-bit size that may be absent, with size 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tpm2bOption<T>(pub Option<T>);

impl<T: Wire> Wire for Tpm2bOption<T> {
    const SIZED: bool = true;

    fn marshal(&self, out: &mut Vec<u8>) {
        match &self.0 {
            Some(value) => marshal_behind_size(value, out),
            None => 0u16.marshal(out),
        }
    }

    fn unmarshal(reader: &mut Reader<'_>) -> Result<Self, TpmRc> {
        match u16::unmarshal(reader)? {
            0 => Ok(Self(None)),
            size => unmarshal_behind_size(reader, size).map(Some).map(Self),
        }
    }
}

fn marshal_behind_size<T: Wire>(value: &T, out: &mut Vec<u8>) {
    let start = out.len();
    0u16.marshal(out);
    value.marshal(out);
    let size = u16::try_from(out.len().saturating_sub(start).saturating_sub(2)).unwrap_or(u16::MAX);
    if let Some(slot) = out.get_mut(start..).and_then(<[u8]>::first_chunk_mut::<2>) {
        *slot = size.to_be_bytes();
    }
}

/// The structure is unmarshalled first and its size compared afterwards, so that the first error is the structure's own.
fn unmarshal_behind_size<T: Wire>(reader: &mut Reader<'_>, size: u16) -> Result<T, TpmRc> {
    let before = reader.len();
    let value = T::unmarshal(reader)?;
    if before.saturating_sub(reader.len()) == usize::from(size) { Ok(value) } else { Err(TpmRc::SIZE) }
}
