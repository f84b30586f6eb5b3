//! The keys of authorities: in a PKCS #11 token, in a TPM, or, for a bench, in a file. Never in the database.

mod file;
mod pkcs11;
mod pkcs11_uri;
#[cfg(feature = "tpm")]
mod tpm;

use der::{
    Any, Encode, Sequence,
    asn1::{Null, UintRef},
};
use ironroot_attest::x509::{PublicKey, oids};
use ironroot_crypto::Drbg;
use ironroot_wire::{TpmEccCurve, TpmiAlgHash};
use spki::AlgorithmIdentifierOwned;
use zeroize::Zeroizing;

use super::AuthorityError;

pub use file::FileKey;
pub use pkcs11::{Pkcs11Key, pin_of};
pub use pkcs11_uri::Pkcs11Uri;
#[cfg(feature = "tpm")]
pub use tpm::TpmSigner;

/// Something that signs certificates.
pub trait CertificateSigner: Send + Sync {
    /// The public key.
    fn public_key(&self) -> &PublicKey;

    /// The signature algorithm.
    fn algorithm(&self) -> AlgorithmIdentifierOwned;

    /// Signs a message. Returns the signature as X.509 has it.
    ///
    /// # Errors
    /// [`AuthorityError`].
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, AuthorityError>;
}

/// How keys outside of TPMs sign: ECDSA with the hash that fits the curve, RSA with RSASSA-PKCS1-v1_5 and SHA-256, which every
/// verifier knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SignatureKind {
    Ecdsa(TpmiAlgHash),
    Rsa,
}

impl SignatureKind {
    fn of(key: &PublicKey) -> Result<Self, &'static str> {
        match key {
            PublicKey::Rsa { .. } => Ok(Self::Rsa),
            PublicKey::Ecc { curve: TpmEccCurve::NistP256, .. } => Ok(Self::Ecdsa(TpmiAlgHash::Sha256)),
            PublicKey::Ecc { curve: TpmEccCurve::NistP384, .. } => Ok(Self::Ecdsa(TpmiAlgHash::Sha384)),
            PublicKey::Ecc { curve: TpmEccCurve::NistP521, .. } => Ok(Self::Ecdsa(TpmiAlgHash::Sha512)),
            _ => Err("it is none of P-256, P-384, P-521 and RSA"),
        }
    }

    fn algorithm(self) -> AlgorithmIdentifierOwned {
        match self {
            // RFC 4055, clause 5: the parameters are NULL. Encoding a NULL does not fail.
            Self::Rsa => {
                AlgorithmIdentifierOwned { oid: oids::SHA256_WITH_RSA, parameters: Any::encode_from(&Null).ok() }
            }
            Self::Ecdsa(hash) => AlgorithmIdentifierOwned {
                oid: match hash {
                    TpmiAlgHash::Sha384 => oids::ECDSA_WITH_SHA384,
                    TpmiAlgHash::Sha512 => oids::ECDSA_WITH_SHA512,
                    _ => oids::ECDSA_WITH_SHA256,
                },
                parameters: None,
            },
        }
    }
}

/// `ECDSA-Sig-Value` (RFC 3279).
#[derive(Sequence)]
struct EcdsaSignature<'a> {
    r: UintRef<'a>,
    s: UintRef<'a>,
}

/// A signature of ECDSA as X.509 has it, from its two numbers.
fn ecdsa_signature(r: &[u8], s: &[u8]) -> Result<Vec<u8>, AuthorityError> {
    Ok(EcdsaSignature { r: UintRef::new(r)?, s: UintRef::new(s)? }.to_der()?)
}

/// A generator with fresh entropy of the operating system.
pub(crate) fn fresh_random() -> Result<Drbg, AuthorityError> {
    let mut seed = Zeroizing::new([0; 48]);
    getrandom::fill(seed.as_mut_slice()).map_err(|_| AuthorityError::Entropy)?;
    Ok(Drbg::new(seed.as_slice(), &[], b"ironroot provisioning"))
}
