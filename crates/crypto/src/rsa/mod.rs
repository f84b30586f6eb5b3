//! RSA as a TPM uses it (Part 1, annex 43; RFC 8017): keys, paddings and schemes, over any provider.
//!
//! Numbers are big-endian byte strings, as long as the modulus unless said otherwise. Paddings are written once, here;
//! a provider only exponentiates. Removing the padding of a decrypted message takes the same path whatever is wrong
//! with it, and ends in the one error [`CryptoError::Invalid`].
//!
//! Reading order: [`key`] (the private numbers and their generation), [`prime`] and [`sieve`] (the search for a prime,
//! whose result is a promise for ever), the paddings [`pkcs1`], [`pss`], [`oaep`] over [`mgf`], then [`portable`], the
//! pure-Rust provider.

#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
pub mod key;
pub mod mgf;
pub mod oaep;
pub mod pkcs1;
pub mod portable;
pub mod prime;
pub mod pss;
mod residue;
pub mod sieve;

use alloc::{vec, vec::Vec};

use ironroot_wire::TpmiAlgHash;
use zeroize::Zeroizing;

use crate::{CryptoError, Random, RsaPrivateKey, RsaProvider};

pub use key::{DEFAULT_EXPONENT, RsaCrt, is_supported, is_valid_exponent, never};
pub use portable::invert;

/// A public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RsaPublic<'a> {
    /// The modulus, without leading zeros.
    pub n: &'a [u8],
    /// The public exponent (65537 where a TPM structure says 0).
    pub e: u32,
}

/// How a digest is padded before it is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignatureScheme {
    /// RSASSA-PKCS1-v1_5 (`TPM_ALG_RSASSA`).
    Pkcs1(TpmiAlgHash),
    /// RSASSA-PSS (`TPM_ALG_RSAPSS`), the same hash for the mask.
    Pss(TpmiAlgHash),
}

/// How a message is padded before it is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EncryptionScheme<'a> {
    /// No padding (`TPM_ALG_NULL`): the message is the number.
    Raw,
    /// RSAES-PKCS1-v1_5 (`TPM_ALG_RSAES`).
    Pkcs1,
    /// RSAES-OAEP (`TPM_ALG_OAEP`), the same hash for the label and the mask.
    Oaep {
        /// The hash.
        hash: TpmiAlgHash,
        /// The label L, with the terminating zero octet that Part 1, 43.4 demands.
        label: &'a [u8],
    },
}

/// Signs a digest.
///
/// # Errors
/// [`CryptoError::Value`] if `digest` is not as long as the scheme's hash gives, or the key is too small for it;
/// [`CryptoError::Internal`] if the private operation failed its check.
pub fn sign(
    key: &dyn RsaPrivateKey,
    scheme: SignatureScheme,
    digest: &[u8],
    random: &mut dyn Random,
) -> Result<Vec<u8>, CryptoError> {
    let encoded = match scheme {
        SignatureScheme::Pkcs1(hash) => pkcs1::encode_signature(hash, digest, key.size())?,
        SignatureScheme::Pss(hash) => pss::encode(hash, digest, key.size(), random)?,
    };
    Ok(key.private(&encoded, random)?.to_vec())
}

/// Verifies a signature of a digest. A PSS signature may have a salt of any length.
///
/// # Errors
/// [`CryptoError::Invalid`] if the signature is wrong or not as long as the modulus; [`CryptoError::Value`] if `digest`
/// is not as long as the scheme's hash gives or the public key is malformed.
pub fn verify(
    provider: &dyn RsaProvider,
    public: RsaPublic<'_>,
    scheme: SignatureScheme,
    digest: &[u8],
    signature: &[u8],
) -> Result<(), CryptoError> {
    let (SignatureScheme::Pkcs1(hash) | SignatureScheme::Pss(hash)) = scheme;
    if digest.len() != hash.digest_size() {
        return Err(CryptoError::Value);
    }
    if signature.len() != public.n.len() || signature >= public.n {
        return Err(CryptoError::Invalid);
    }
    let encoded = provider.rsa_public(public.n, public.e, signature)?;
    match scheme {
        SignatureScheme::Pkcs1(hash) => pkcs1::verify_signature(hash, digest, &encoded),
        SignatureScheme::Pss(hash) => pss::verify(hash, digest, &encoded),
    }
}

/// Encrypts a message.
///
/// # Errors
/// [`CryptoError::Value`] if the message is too long for the scheme, or (unpadded) not below the modulus.
pub fn encrypt(
    provider: &dyn RsaProvider,
    public: RsaPublic<'_>,
    scheme: EncryptionScheme<'_>,
    message: &[u8],
    random: &mut dyn Random,
) -> Result<Vec<u8>, CryptoError> {
    let size = public.n.len();
    let encoded = match scheme {
        EncryptionScheme::Raw => left_pad(message, size)?,
        EncryptionScheme::Pkcs1 => pkcs1::encode_message(message, size, random)?,
        EncryptionScheme::Oaep { hash, label } => oaep::encode(hash, label, message, size, random)?,
    };
    provider.rsa_public(public.n, public.e, &encoded)
}

/// Decrypts a message. Unpadded, the message is as long as the modulus.
///
/// # Errors
/// [`CryptoError::Invalid`] if the padding is wrong, whatever is wrong with it; [`CryptoError::Value`] if `ciphertext`
/// is longer than the modulus or not below it.
pub fn decrypt(
    key: &dyn RsaPrivateKey,
    scheme: EncryptionScheme<'_>,
    ciphertext: &[u8],
    random: &mut dyn Random,
) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
    let encoded = key.private(&left_pad(ciphertext, key.size())?, random)?;
    match scheme {
        EncryptionScheme::Raw => Ok(encoded),
        EncryptionScheme::Pkcs1 => pkcs1::decode_message(&encoded),
        EncryptionScheme::Oaep { hash, label } => oaep::decode(hash, label, &encoded),
    }
}

/// The number `bytes` with `size` bytes: zeros in front.
fn left_pad(bytes: &[u8], size: usize) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
    let zeros = size.checked_sub(bytes.len()).ok_or(CryptoError::Value)?;
    let mut padded = Zeroizing::new(vec![0; size]);
    for (to, from) in padded.iter_mut().skip(zeros).zip(bytes) {
        *to = *from;
    }
    Ok(padded)
}
