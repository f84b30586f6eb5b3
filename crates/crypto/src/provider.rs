//! What a provider of public-key primitives supplies. Providers know nothing of TPMs: no schemes, no paddings.
//!
//! All numbers are big-endian byte strings; results have the fixed length of their modulus or field. Everything that
//! touches a private value is constant-time in that value.

use alloc::{boxed::Box, vec::Vec};
use core::fmt;
use ironroot_wire::TpmEccCurve;
use zeroize::Zeroizing;

use crate::{Random, rsa::RsaCrt};

/// Why a primitive refused. Deliberately coarse: padding failures must be indistinguishable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CryptoError {
    /// An input has the wrong size or is out of range (a number not below its modulus, an even modulus, …).
    Value,
    /// The point is not on the curve, or is the point at infinity.
    Point,
    /// The padding, signature or integrity value is wrong.
    Invalid,
    /// The provider does not have the algorithm, curve or size.
    Unsupported,
    /// The key's numbers do not belong together.
    Key,
    /// A computation went wrong (failed self-check, library out of memory): the result was withheld.
    Internal,
}

impl fmt::Display for CryptoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Value => "a value is out of range",
            Self::Point => "the point is not on the curve",
            Self::Invalid => "the check failed",
            Self::Unsupported => "the algorithm, curve or size is not supported",
            Self::Key => "the key is not consistent",
            Self::Internal => "an internal computation failed",
        })
    }
}

impl core::error::Error for CryptoError {}

/// A point in affine coordinates, each as long as the field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EccPoint {
    /// The x coordinate.
    pub x: Vec<u8>,
    /// The y coordinate.
    pub y: Vec<u8>,
}

/// RSA primitives.
pub trait RsaProvider {
    /// RSAEP/RSAVP1 (RFC 8017, 5.1.1): `input ^ exponent mod modulus`. `modulus` and `input` have the same length.
    ///
    /// # Errors
    /// [`CryptoError::Value`] if `input` is not below `modulus`, if `modulus` is even or its top bit is clear, or if
    /// `exponent` is even or 1; [`CryptoError::Unsupported`] for another length than 1024, 2048, 3072 or 4096 bits.
    fn rsa_public(&self, modulus: &[u8], exponent: u32, input: &[u8]) -> Result<Vec<u8>, CryptoError>;

    /// Prepares a private key, so that each later operation pays for the operation alone.
    ///
    /// # Errors
    /// [`CryptoError::Key`] if the numbers cannot be a key.
    fn rsa_load(&self, key: &RsaCrt) -> Result<Box<dyn RsaPrivateKey>, CryptoError>;

    /// The index of the first of `candidates` that is a prime, as far as Miller-Rabin with every one of `bases` can
    /// tell, or `None`. The result depends on primality only (an error has negligible probability), never on the
    /// provider, so every provider finds the same first prime.
    ///
    /// The candidates are secret, big-endian, of one length, have their top bit set and are 3 modulo 4 (one
    /// exponentiation per base decides). A base is as long, random, and lies between 2 and half the largest number of
    /// that length.
    ///
    /// # Errors
    /// [`CryptoError::Value`] if a candidate or base is not as described; [`CryptoError::Unsupported`] for a length that
    /// is not half of a supported modulus.
    fn first_prime(
        &self,
        candidates: &[Zeroizing<Vec<u8>>],
        bases: &[Zeroizing<Vec<u8>>],
    ) -> Result<Option<usize>, CryptoError>;
}

/// A prepared RSA private key.
pub trait RsaPrivateKey: Send + Sync {
    /// Bytes of the modulus.
    fn size(&self) -> usize;

    /// RSADP/RSASP1 (RFC 8017, 5.1.2) with blinding, checked against the public exponent before it is released. `input`
    /// is as long as the modulus. A provider may take the blinding values from a generator of its own.
    ///
    /// # Errors
    /// [`CryptoError::Value`] if `input` is not below the modulus; [`CryptoError::Internal`] if the check fails.
    fn private(&self, input: &[u8], random: &mut dyn Random) -> Result<Zeroizing<Vec<u8>>, CryptoError>;
}

/// Elliptic-curve primitives on prime-order curves. Scalars are as long as the order and coordinates as the field; more or
/// fewer leading zeros are accepted ([`crate::ecc::fixed_size`]).
pub trait EccProvider {
    /// `scalar * G`.
    ///
    /// # Errors
    /// [`CryptoError::Value`] unless `0 < scalar < n`; [`CryptoError::Unsupported`].
    fn ecc_base_multiply(&self, curve: TpmEccCurve, scalar: &[u8]) -> Result<EccPoint, CryptoError>;

    /// `scalar * point`; the point is checked to be on the curve.
    ///
    /// # Errors
    /// [`CryptoError::Point`] if the point is not on the curve or the product is infinity; [`CryptoError::Value`] as above.
    fn ecc_multiply(
        &self,
        curve: TpmEccCurve,
        scalar: &[u8],
        point: &EccPoint,
    ) -> Result<Zeroizing<EccSecretPoint>, CryptoError>;

    /// Checks that a point is on the curve and not infinity.
    ///
    /// # Errors
    /// [`CryptoError::Point`] if it is not.
    fn ecc_check_point(&self, curve: TpmEccCurve, point: &EccPoint) -> Result<(), CryptoError>;

    /// ECDSA (FIPS 186-5, 6.4.1) of a digest; the per-message number comes from `random` mixed with the key and digest
    /// (hedged RFC 6979, [`crate::ecc::nonce`], so that all providers sign alike). Returns r and s, each as long as the
    /// order. A digest of any length is allowed.
    ///
    /// # Errors
    /// [`CryptoError::Value`] as above; [`CryptoError::Internal`] if r or s came out as zero.
    fn ecdsa_sign(
        &self,
        curve: TpmEccCurve,
        scalar: &[u8],
        digest: &[u8],
        random: &mut dyn Random,
    ) -> Result<(Vec<u8>, Vec<u8>), CryptoError>;

    /// ECDSA verification (FIPS 186-5, 6.4.2). `r` and `s` may be shorter or longer than the order (leading zeros).
    ///
    /// # Errors
    /// [`CryptoError::Invalid`] if the signature is wrong; [`CryptoError::Point`] if the public key is.
    fn ecdsa_verify(
        &self,
        curve: TpmEccCurve,
        public: &EccPoint,
        digest: &[u8],
        r: &[u8],
        s: &[u8],
    ) -> Result<(), CryptoError>;
}

/// A point whose coordinates are secret (a shared secret).
#[derive(Clone, Default, zeroize::Zeroize)]
pub struct EccSecretPoint {
    /// The x coordinate.
    pub x: Vec<u8>,
    /// The y coordinate.
    pub y: Vec<u8>,
}

/// A provider of public-key primitives.
pub trait Provider: RsaProvider + EccProvider + Send + Sync {
    /// The provider's name, for people.
    fn name(&self) -> &'static str;
}
