//! Tests of Curve25519 and Curve448, on the provider that the TPM uses.

use alloc::vec::Vec;

use ironroot_crypto::{
    CryptoError, Provider,
    ecc::eddsa::{Domain, key_size, prehash},
};
use ironroot_wire::TpmEccCurve;

use super::vectors as v;

const MESSAGE: &[u8] = b"message";

/// The two keys of a curve, what one agrees on with another, and the signatures that the other makes.
pub struct Edwards {
    curve: TpmEccCurve,
    x_public: &'static [u8],
    peer: &'static [u8],
    shared: &'static [u8],
    ed_public: &'static [u8],
    signature: &'static [u8],
    hash_signature: &'static [u8],
}

impl Edwards {
    /// `None` on another curve.
    pub const fn new(curve: TpmEccCurve) -> Option<Self> {
        Some(match curve {
            TpmEccCurve::Curve25519 => Self {
                curve,
                x_public: &v::X25519_PUBLIC,
                peer: &v::X25519_PEER,
                shared: &v::X25519_SHARED,
                ed_public: &v::ED25519_PUBLIC,
                signature: &v::ED25519_SIGNATURE,
                hash_signature: &v::ED25519PH_SIGNATURE,
            },
            TpmEccCurve::Curve448 => Self {
                curve,
                x_public: &v::X448_PUBLIC,
                peer: &v::X448_PEER,
                shared: &v::X448_SHARED,
                ed_public: &v::ED448_PUBLIC,
                signature: &v::ED448_SIGNATURE,
                hash_signature: &v::ED448PH_SIGNATURE,
            },
            _ => return None,
        })
    }

    /// A private key of so many bytes.
    fn private(size: usize) -> Vec<u8> {
        (1..=u8::MAX).take(size).collect()
    }

    fn x_private(&self) -> Vec<u8> {
        Self::private(self.x_public.len())
    }

    fn ed_private(&self) -> Result<Vec<u8>, CryptoError> {
        key_size(self.curve).map(Self::private)
    }

    /// The public keys.
    pub fn key_pairs(&self, provider: &dyn Provider) -> Result<bool, CryptoError> {
        Ok(provider.x_public(self.curve, &self.x_private())? == self.x_public
            && provider.eddsa_public(self.curve, &self.ed_private()?)? == self.ed_public)
    }

    /// What X25519 or X448 agrees on.
    pub fn ecdh(&self, provider: &dyn Provider) -> Result<bool, CryptoError> {
        Ok(*provider.x_multiply(self.curve, &self.x_private(), self.peer)? == self.shared)
    }

    /// A signature of the message itself.
    pub fn eddsa(&self, provider: &dyn Provider) -> Result<bool, CryptoError> {
        self.signs(provider, Domain::PURE, MESSAGE, self.signature)
    }

    /// A signature of the message's hash.
    pub fn hash_eddsa(&self, provider: &dyn Provider) -> Result<bool, CryptoError> {
        self.signs(provider, Domain::PREHASHED, &prehash(self.curve, MESSAGE)?, self.hash_signature)
    }

    /// The signature is the known one; it verifies, and does not for another message.
    fn signs(
        &self,
        provider: &dyn Provider,
        domain: Domain<'_>,
        message: &[u8],
        known: &[u8],
    ) -> Result<bool, CryptoError> {
        let verify = |message: &[u8]| provider.eddsa_verify(self.curve, self.ed_public, domain, message, known);
        let other = prehash(self.curve, known)?;
        Ok(provider.eddsa_sign(self.curve, &self.ed_private()?, domain, message)? == known
            && verify(message).is_ok()
            && verify(&other) == Err(CryptoError::Invalid))
    }
}
