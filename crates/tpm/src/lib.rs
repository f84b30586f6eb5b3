//! A TPM 2.0
