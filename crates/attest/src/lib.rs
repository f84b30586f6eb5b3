//! Verification of TPM evidence: credential activation, EK certificates
