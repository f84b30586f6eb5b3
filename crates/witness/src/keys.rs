//! Keys: of the witness, of a state, and the words between them.

use hmac::{Hmac, KeyInit, Mac};
use ironroot_crypto::{CryptoError, Provider, ecc::eddsa::Domain};
use ironroot_wire::TpmEccCurve;
use sha2::Sha256;
use std::fmt;
use zeroize::Zeroizing;

/// An Ed25519 key pair.
pub struct SigningKey {
    seed: Zeroizing<[u8; 32]>,
    public: [u8; 32],
    provider: &'static dyn Provider,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("public", &hex(&self.public)).finish_non_exhaustive()
    }
}

impl SigningKey {
    /// The key pair of a seed (RFC 8032, 5.1.5).
    ///
    /// # Errors
    /// None in practice.
    pub fn new(provider: &'static dyn Provider, seed: Zeroizing<[u8; 32]>) -> Result<Self, CryptoError> {
        let public = provider.eddsa_public(TpmEccCurve::Curve25519, &*seed)?;
        let public = public.try_into().map_err(|_| CryptoError::Value)?;
        Ok(Self { seed, public, provider })
    }

    /// The key with which a state signs what it asks of one witness: from the counter's secret, which is sealed in the state.
    ///
    /// # Errors
    /// None in practice.
    pub fn of_state(
        provider: &'static dyn Provider,
        secret: &[u8; 32],
        witness: &[u8; 32],
    ) -> Result<Self, CryptoError> {
        Self::new(provider, Zeroizing::new(hmac(secret, &[b"ironroot/witness/v1/device", witness])))
    }

    /// The public key.
    #[must_use]
    pub const fn public(&self) -> &[u8; 32] {
        &self.public
    }

    /// The provider that it works with.
    #[must_use]
    pub fn provider(&self) -> &'static dyn Provider {
        self.provider
    }

    /// Signs.
    ///
    /// # Errors
    /// None in practice.
    pub fn sign(&self, message: &[u8]) -> Result<[u8; 64], CryptoError> {
        let signature = self.provider.eddsa_sign(TpmEccCurve::Curve25519, &*self.seed, Domain::PURE, message)?;
        signature.try_into().map_err(|_| CryptoError::Value)
    }
}

/// Whether a signature is that of a public key.
pub fn verifies(provider: &dyn Provider, public: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool {
    provider.eddsa_verify(TpmEccCurve::Curve25519, public, Domain::PURE, message, signature).is_ok()
}

/// HMAC-SHA-256 over several parts. The block that the type wants is the key and zeros, which is what HMAC makes of a short key.
pub fn hmac(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    let mut block = Zeroizing::new([0; 64]);
    block.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
    let mut mac: Hmac<Sha256> = KeyInit::new((&*block).into());
    parts.iter().for_each(|part| Mac::update(&mut mac, part));
    mac.finalize().into_bytes().into()
}

/// Lower-case hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Bytes of exactly this many hexadecimal digits.
#[must_use]
pub fn unhex<const N: usize>(text: &str) -> Option<Zeroizing<[u8; N]>> {
    let digits = text.as_bytes();
    if digits.len() != N.saturating_mul(2) {
        return None;
    }
    let mut out = Zeroizing::new([0; N]);
    for (byte, pair) in out.iter_mut().zip(digits.chunks_exact(2)) {
        let [high, low] = pair.first_chunk()?.map(|digit| char::from(digit).to_digit(16));
        *byte = u8::try_from(high?.saturating_mul(16).saturating_add(low?)).ok()?;
    }
    Some(out)
}
