//! A pure-Rust TPM 2.0 client
