//! Which provider of public-key primitives this build runs on.

use ironroot_crypto::Provider;

/// The provider.
#[cfg(feature = "host-crypto")]
pub fn provider() -> &'static dyn Provider {
    &ironroot_crypto_host::HOST
}

/// The provider.
#[cfg(not(feature = "host-crypto"))]
pub fn provider() -> &'static dyn Provider {
    &ironroot_crypto::PORTABLE
}
