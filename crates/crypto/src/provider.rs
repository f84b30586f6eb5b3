//! What a provider of public-key primitives supplies. Providers know nothing of TPMs: no schemes, no paddings.
//!
//! All numbers are big-endian byte strings; results have the fixed length of their modulus or field. Everything that
//! touches a private value is constant-time in that value.

use alloc::{boxed::Box, vec::Vec};
use core::fmt;
use ironroot_wire::{TpmEccCurve, TpmiMldsaParms, TpmiMlkemParms};
use zeroize::Zeroizing;

use crate::{
    Random,
    ecc::{eddsa, edwards},
    rsa::RsaCrt,
};

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
    /// Whoever waits for a long computation does not want it any more.
    Cancelled,
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
            Self::Cancelled => "the computation was cancelled",
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

    /// `a * P + b * Q`, where nothing is secret: for verification and the public half of key agreement. The numbers are
    /// below the order and may be zero.
    ///
    /// # Errors
    /// [`CryptoError::Point`] if a point is not on the curve or the sum is infinity; [`CryptoError::Value`] if a number is
    /// not below the order.
    fn ecc_combine(&self, curve: TpmEccCurve, terms: [(&[u8], &EccPoint); 2]) -> Result<EccPoint, CryptoError>;

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

/// Curve25519 and Curve448 in the forms of RFC 7748 (X25519, X448) and RFC 8032 (Ed25519, Ed448). Keys, points and
/// signatures are those RFCs' byte strings, in their fixed lengths. Other curves are [`CryptoError::Unsupported`].
pub trait EdwardsProvider {
    /// The public key of X25519 or X448.
    ///
    /// # Errors
    /// [`CryptoError::Value`] if the private key has another length.
    fn x_public(&self, curve: TpmEccCurve, private: &[u8]) -> Result<Vec<u8>, CryptoError> {
        edwards::x_public(curve, private)
    }

    /// X25519 or X448 (RFC 7748, 5). Private keys of any value are keys; a coordinate above the prime is taken modulo it.
    ///
    /// # Errors
    /// [`CryptoError::Value`] if the private key has another length; [`CryptoError::Point`] if the coordinate has, or if
    /// the result is zero (the point was of small order).
    fn x_multiply(&self, curve: TpmEccCurve, private: &[u8], point: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        edwards::x_multiply(curve, private, point)
    }

    /// The public key of Ed25519 or Ed448.
    ///
    /// # Errors
    /// [`CryptoError::Value`] if the private key has another length.
    fn eddsa_public(&self, curve: TpmEccCurve, private: &[u8]) -> Result<Vec<u8>, CryptoError> {
        eddsa::public(curve, private)
    }

    /// Checks that a public key of EdDSA is the canonical encoding of a point.
    ///
    /// # Errors
    /// [`CryptoError::Point`] if it is not.
    fn eddsa_check_public(&self, curve: TpmEccCurve, public: &[u8]) -> Result<(), CryptoError> {
        eddsa::check_public(curve, public)
    }

    /// Signs with Ed25519 or Ed448; if the domain is prehashed, the message is the hash.
    ///
    /// # Errors
    /// [`CryptoError::Value`] if the private key has another length, or the context more than 255 bytes.
    fn eddsa_sign(
        &self,
        curve: TpmEccCurve,
        private: &[u8],
        domain: eddsa::Domain<'_>,
        message: &[u8],
    ) -> Result<Vec<u8>, CryptoError> {
        eddsa::sign(curve, private, domain, message)
    }

    /// Verifies a signature of Ed25519 or Ed448; if the domain is prehashed, the message is the hash.
    ///
    /// # Errors
    /// [`CryptoError::Invalid`] if the signature is wrong; [`CryptoError::Point`] if the public key is; [`CryptoError::Value`]
    /// if the context has more than 255 bytes.
    fn eddsa_verify(
        &self,
        curve: TpmEccCurve,
        public: &[u8],
        domain: eddsa::Domain<'_>,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), CryptoError> {
        eddsa::verify(curve, public, domain, message, signature)
    }
}

/// A point whose coordinates are secret (a shared secret).
#[derive(Clone, Default, zeroize::Zeroize)]
pub struct EccSecretPoint {
    /// The x coordinate.
    pub x: Vec<u8>,
    /// The y coordinate.
    pub y: Vec<u8>,
}

/// ML-KEM (FIPS 203). A private key is its seed `d || z`; keys and ciphertexts have the encodings and lengths of FIPS 203.
pub trait MlKemProvider {
    /// Expands a private key from its 64-byte seed (FIPS 203, algorithm 16: `d || z`), so that each later operation pays
    /// for the operation alone. Equal seeds give equal keys on every provider.
    ///
    /// # Errors
    /// [`CryptoError::Value`] if the seed has another length.
    fn ml_kem_load(&self, set: TpmiMlkemParms, seed: &[u8]) -> Result<Box<dyn MlKemPrivateKey>, CryptoError>;

    /// Checks the length of a public key and that its coefficients are below the modulus (FIPS 203, 7.2).
    ///
    /// # Errors
    /// [`CryptoError::Value`] if the check fails.
    fn ml_kem_check_public(&self, set: TpmiMlkemParms, public: &[u8]) -> Result<(), CryptoError>;

    /// Encapsulation (FIPS 203, algorithm 17) of the random `message`; the public key is checked first. Gives the
    /// 32-byte shared secret and the ciphertext.
    ///
    /// # Errors
    /// [`CryptoError::Value`] as for [`MlKemProvider::ml_kem_check_public`].
    fn ml_kem_encapsulate(
        &self,
        set: TpmiMlkemParms,
        public: &[u8],
        message: &[u8; 32],
    ) -> Result<(Zeroizing<Vec<u8>>, Vec<u8>), CryptoError>;
}

/// A prepared ML-KEM private key.
pub trait MlKemPrivateKey: Send + Sync {
    /// The encoded public key.
    fn public(&self) -> &[u8];

    /// Decapsulation (FIPS 203, algorithm 18): the 32-byte shared secret. A ciphertext that was not made for the key
    /// gives a secret that nobody else knows (implicit rejection), in the same time.
    ///
    /// # Errors
    /// [`CryptoError::Value`] if the ciphertext has another length than the parameter set's.
    fn decapsulate(&self, ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError>;
}

/// ML-DSA (FIPS 204). A private key is its seed; messages come as their representative mu, which
/// [`crate::mldsa::Mu`] computes, so that one primitive serves ML-DSA, HashML-DSA and external mu.
pub trait MlDsaProvider {
    /// Expands a private key from its 32-byte seed (FIPS 204, algorithm 6: xi), so that each later operation pays for the
    /// operation alone. Equal seeds give equal keys on every provider.
    ///
    /// # Errors
    /// [`CryptoError::Value`] if the seed has another length.
    fn ml_dsa_load(&self, set: TpmiMldsaParms, seed: &[u8]) -> Result<Box<dyn MlDsaPrivateKey>, CryptoError>;

    /// Checks a public key. Every string of the right length is one.
    ///
    /// # Errors
    /// [`CryptoError::Value`] if the length is wrong.
    fn ml_dsa_check_public(&self, set: TpmiMldsaParms, public: &[u8]) -> Result<(), CryptoError> {
        if public.len() == set.public_size() { Ok(()) } else { Err(CryptoError::Value) }
    }

    /// Verifies a signature of the message representative `mu` (FIPS 204, algorithm 8 from line 7).
    ///
    /// # Errors
    /// [`CryptoError::Invalid`] if the signature is wrong or has another length; [`CryptoError::Value`] if the public
    /// key has.
    fn ml_dsa_verify_mu(
        &self,
        set: TpmiMldsaParms,
        public: &[u8],
        mu: &[u8; 64],
        signature: &[u8],
    ) -> Result<(), CryptoError>;
}

/// A prepared ML-DSA private key.
pub trait MlDsaPrivateKey: Send + Sync {
    /// The encoded public key.
    fn public(&self) -> &[u8];

    /// Signs the message representative `mu` (FIPS 204, algorithm 7 from line 7), hedged with 32 bytes of `random`: the
    /// same bytes give the same signature on every provider.
    ///
    /// # Errors
    /// [`CryptoError::Internal`] if no signature was found, which has negligible probability.
    fn sign_mu(&self, mu: &[u8; 64], random: &mut dyn Random) -> Result<Vec<u8>, CryptoError>;
}

/// A provider of public-key primitives.
pub trait Provider: RsaProvider + EccProvider + EdwardsProvider + MlKemProvider + MlDsaProvider + Send + Sync {
    /// The provider's name, for people.
    fn name(&self) -> &'static str;
}
