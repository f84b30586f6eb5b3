//! The message representative mu of ML-DSA and HashML-DSA (FIPS 204, algorithms 2 to 5 and line 6 of algorithm 7).
//!
//! `tr = SHAKE256(pk, 64)`, `mu = SHAKE256(tr || M', 64)`, where M' is `0 || length of ctx || ctx || M` for ML-DSA and
//! `1 || length of ctx || ctx || OID || PH(M)` for HashML-DSA.

use alloc::vec::Vec;

use ironroot_wire::TpmiAlgHash;
use zeroize::Zeroizing;

use super::MU_SIZE;
use crate::{CryptoError, Shake256, shake::shake256};

/// The most bytes that a context may have.
pub const MAX_CONTEXT_SIZE: usize = 255;

/// The mu of ML-DSA of a message that comes in parts. It can be saved in mid-stream.
#[derive(Clone, Debug)]
pub struct Mu(Shake256);

impl Mu {
    /// Starts the mu of a message that is signed, or was, with the key of this encoded public key and in this context.
    ///
    /// # Errors
    /// [`CryptoError::Value`] if the context has more than 255 bytes.
    pub fn new(public: &[u8], context: &[u8]) -> Result<Self, CryptoError> {
        Self::start(public, 0, context)
    }

    fn start(public: &[u8], domain: u8, context: &[u8]) -> Result<Self, CryptoError> {
        let size = u8::try_from(context.len()).map_err(|_| CryptoError::Value)?;
        let mut shake = Shake256::new();
        shake.update(&shake256::<64>(&[public]));
        shake.update(&[domain, size]);
        shake.update(context);
        Ok(Self(shake))
    }

    /// Adds a part of the message.
    pub fn update(&mut self, data: &[u8]) {
        self.0.update(data);
    }

    /// Ends the message.
    #[must_use]
    pub fn finish(self) -> [u8; MU_SIZE] {
        let mut mu = [0; MU_SIZE];
        self.0.finish(&mut mu);
        mu
    }

    /// The running state as bytes, for [`Mu::restore`] by the same release. It may be as secret as the message.
    #[must_use]
    pub fn save(&self) -> Zeroizing<Vec<u8>> {
        self.0.save()
    }

    /// The running state that [`Mu::save`] gave the bytes of.
    ///
    /// # Errors
    /// [`CryptoError::Value`] if the bytes are not a state.
    pub fn restore(saved: &[u8]) -> Result<Self, CryptoError> {
        Shake256::restore(saved).map(Self)
    }
}

/// The mu of HashML-DSA: of a message's digest, for the key of this encoded public key and in this context.
///
/// # Errors
/// [`CryptoError::Value`] if the context has more than 255 bytes or the digest another size than the algorithm's.
pub fn pre_hashed(
    public: &[u8],
    context: &[u8],
    hash: TpmiAlgHash,
    digest: &[u8],
) -> Result<[u8; MU_SIZE], CryptoError> {
    if digest.len() != hash.digest_size() {
        return Err(CryptoError::Value);
    }
    let mut mu = Mu::start(public, 1, context)?;
    mu.update(object_identifier(hash));
    mu.update(digest);
    Ok(mu.finish())
}

/// An identifier of NIST's arc of hashes, 2.16.840.1.101.3.4.2.
macro_rules! nist {
    ($number:literal) => {
        &[0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, $number]
    };
}

/// The DER encoding of a hash's object identifier.
fn object_identifier(hash: TpmiAlgHash) -> &'static [u8] {
    match hash {
        // 1.3.14.3.2.26
        TpmiAlgHash::Sha1 => &[0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02, 0x1a],
        // 1.2.156.10197.1.401
        TpmiAlgHash::Sm3_256 => &[0x06, 0x08, 0x2a, 0x81, 0x1c, 0xcf, 0x55, 0x01, 0x83, 0x11],
        TpmiAlgHash::Sha256 => nist!(1),
        TpmiAlgHash::Sha384 => nist!(2),
        TpmiAlgHash::Sha512 => nist!(3),
        TpmiAlgHash::Sha3_256 => nist!(8),
        TpmiAlgHash::Sha3_384 => nist!(9),
        TpmiAlgHash::Sha3_512 => nist!(10),
    }
}

#[cfg(test)]
mod tests;
