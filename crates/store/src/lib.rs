//! Encrypted, authenticated, atomic state storage
