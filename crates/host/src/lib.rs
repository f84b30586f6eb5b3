//! The TPM as a daemon: simulator and swtpm protocols
