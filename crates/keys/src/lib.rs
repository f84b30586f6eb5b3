//! Applications' keys in a TPM: CSR, TLS
