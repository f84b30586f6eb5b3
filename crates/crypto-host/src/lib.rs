//! The fast cryptographic provider for hosts
