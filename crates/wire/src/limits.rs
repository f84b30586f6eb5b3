//! Implementation limits: the largest values that any profile of this implementation uses. A profile may lower what it
//! reports and accepts; nothing on the wire is larger than this.

/// Bytes of the largest command or response (`TPM_PT_MAX_COMMAND_SIZE`): enough for an ML-DSA-87 signature or public key.
pub const MAX_COMMAND_SIZE: usize = 8192;
/// Bytes of the largest digest (`TPM_PT_MAX_DIGEST`).
pub const MAX_DIGEST: usize = 64;
/// Bytes of the largest name: a hash algorithm and a digest.
pub const MAX_NAME: usize = 2 + MAX_DIGEST;
/// Bytes of the largest `TPM2B_MAX_BUFFER` (`TPM_PT_INPUT_BUFFER`).
pub const MAX_BUFFER: usize = 1024;
/// Bytes that one `TPM2_NV_Read` or `TPM2_NV_Write` moves (`TPM_PT_NV_BUFFER_MAX`).
pub const MAX_NV_BUFFER: usize = 1024;
/// Bytes of the largest NV index (`TPM_PT_NV_INDEX_MAX`).
pub const MAX_NV_INDEX: usize = 16 * 1024;
/// Bytes of the largest RSA modulus.
pub const MAX_RSA_KEY: usize = 512;
/// Bytes of the largest elliptic-curve coordinate (BN P-638).
pub const MAX_ECC_KEY: usize = 80;
/// Bytes of the largest symmetric key.
pub const MAX_SYM_KEY: usize = 32;
/// Bytes of the largest symmetric block.
pub const MAX_SYM_BLOCK: usize = 16;
/// Bytes of data that may be sealed (`MAX_SYM_DATA`).
pub const MAX_SYM_DATA: usize = 128;
/// Bytes of the largest `TPM2B_SENSITIVE_DATA`.
pub const MAX_SENSITIVE_DATA: usize = MAX_SYM_DATA;
/// Bytes of the largest private area: the integrity value, IV, auth value, seed and five CRT values of an RSA-4096 key.
pub const MAX_PRIVATE: usize = 2048;
/// Bytes of the largest encrypted secret: a ciphertext of ML-KEM-1024.
pub const MAX_ENCRYPTED_SECRET: usize = MAX_KEM_CIPHERTEXT;
/// Bytes of the largest ciphertext of a key encapsulation mechanism (ML-KEM-1024).
pub const MAX_KEM_CIPHERTEXT: usize = 1568;
/// Bytes of the largest shared secret of a key encapsulation mechanism: that of DHKEM with SHA-512.
pub const MAX_SHARED_SECRET_SIZE: usize = MAX_DIGEST;
/// Bytes of the largest ML-KEM public key (ML-KEM-1024).
pub const MAX_MLKEM_PUB_SIZE: usize = 1568;
/// Bytes of the largest ML-DSA public key (ML-DSA-87).
pub const MAX_MLDSA_PUB_SIZE: usize = 2592;
/// Bytes of the largest ML-DSA signature (ML-DSA-87).
pub const MAX_MLDSA_SIG_SIZE: usize = 4627;
/// Bytes of the largest context of a signature (`MAX_SIGNATURE_CTX_SIZE`): that of ML-DSA.
pub const MAX_SIGNATURE_CTX_SIZE: usize = 255;
/// Bytes of the largest object template: that of an ML-DSA-87 key.
pub const MAX_TEMPLATE: usize = MAX_MLDSA_PUB_SIZE + 256;
/// Bytes of the largest credential: an integrity value and an encrypted digest, both sized.
pub const MAX_ID_OBJECT: usize = (2 + MAX_DIGEST) * 2;
/// Bytes of the largest `TPMS_ATTEST`: that of an NV index's contents, with names, qualifying data and clock.
pub const MAX_ATTEST: usize = MAX_NV_BUFFER + 512;
/// Bytes of the largest creation data.
pub const MAX_CREATION_DATA: usize = 512;
/// Bytes of the largest saved context.
pub const MAX_CONTEXT: usize = MAX_COMMAND_SIZE - 64;
/// Bytes of `TPMS_PCR_SELECT`: 24 PCRs.
pub const PCR_SELECT_MAX: usize = 3;
/// The number of PCRs in a bank.
pub const IMPLEMENTATION_PCR: u32 = 24;
/// Banks of PCRs in one selection: one for each hash algorithm.
pub const HASH_COUNT: usize = 8;
/// Bytes of one capability answer (`MAX_CAP_BUFFER`).
pub const MAX_CAP_BUFFER: usize = 1024;
/// Digests in a `TPML_DIGEST`.
pub const MAX_DIGEST_LIST: usize = 8;
/// Bytes of a label (`LABEL_MAX_BUFFER`).
pub const LABEL_MAX_BUFFER: usize = 48;
