//! Signatures on certificates and requests: RSASSA-PKCS1-v1_5, RSASSA-PSS and ECDSA with the SHA-2 family. SHA-1 and
//! smaller RSA keys are refused, whoever signed.

use core::fmt;

use der::{
    AnyRef, Decode, Sequence,
    asn1::{ContextSpecific, ObjectIdentifier, UintRef},
};
use ironroot_crypto::{
    CryptoError, Provider, digest,
    rsa::{RsaPublic, SignatureScheme},
};
use ironroot_wire::TpmiAlgHash;
use spki::{AlgorithmIdentifierOwned, AlgorithmIdentifierRef};

use super::{
    key::{KeyError, PublicKey},
    oids,
};

/// Why a signature was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignatureError {
    /// The algorithm, or its parameters, is not accepted.
    Algorithm(ObjectIdentifier),
    /// The signer's key does not fit the algorithm.
    WrongKey,
    /// The signer's key is not usable.
    Key(KeyError),
    /// The signature is not the key's signature of these bytes.
    Invalid,
}

impl fmt::Display for SignatureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Algorithm(oid) => write!(f, "the signature algorithm {oid} is not accepted"),
            Self::WrongKey => f.write_str("the signer's key does not fit the signature algorithm"),
            Self::Key(error) => write!(f, "the signer's key is not usable: {error}"),
            Self::Invalid => f.write_str("the signature is wrong"),
        }
    }
}

impl std::error::Error for SignatureError {}

/// `ECDSA-Sig-Value` (RFC 3279, 2.2.3).
#[derive(Sequence)]
struct EcdsaSignature<'a> {
    r: UintRef<'a>,
    s: UintRef<'a>,
}

enum Algorithm {
    Rsa(SignatureScheme),
    Ecdsa(TpmiAlgHash),
}

/// Checks that `key` made `signature` over `message` with the algorithm.
///
/// # Errors
/// [`SignatureError`].
pub fn verify_signature(
    provider: &dyn Provider,
    key: &PublicKey,
    algorithm: &AlgorithmIdentifierOwned,
    message: &[u8],
    signature: &[u8],
) -> Result<(), SignatureError> {
    let invalid = |_: CryptoError| SignatureError::Invalid;
    match (algorithm_of(algorithm)?, key) {
        (Algorithm::Rsa(scheme), PublicKey::Rsa { modulus, exponent }) => {
            let (SignatureScheme::Pkcs1(hash) | SignatureScheme::Pss(hash)) = scheme;
            let public = RsaPublic { n: modulus, e: *exponent };
            let digest = digest(hash, &[message]);
            ironroot_crypto::rsa::verify(provider, public, scheme, &digest, signature).map_err(invalid)
        }
        (Algorithm::Ecdsa(hash), PublicKey::Ecc { curve, point }) => {
            let value = EcdsaSignature::from_der(signature).map_err(|_| SignatureError::Invalid)?;
            let digest = digest(hash, &[message]);
            provider.ecdsa_verify(*curve, point, &digest, value.r.as_bytes(), value.s.as_bytes()).map_err(invalid)
        }
        _ => Err(SignatureError::WrongKey),
    }
}

fn algorithm_of(algorithm: &AlgorithmIdentifierOwned) -> Result<Algorithm, SignatureError> {
    Ok(match algorithm.oid {
        oids::SHA256_WITH_RSA => Algorithm::Rsa(SignatureScheme::Pkcs1(TpmiAlgHash::Sha256)),
        oids::SHA384_WITH_RSA => Algorithm::Rsa(SignatureScheme::Pkcs1(TpmiAlgHash::Sha384)),
        oids::SHA512_WITH_RSA => Algorithm::Rsa(SignatureScheme::Pkcs1(TpmiAlgHash::Sha512)),
        oids::RSASSA_PSS => {
            Algorithm::Rsa(SignatureScheme::Pss(pss_hash(algorithm).ok_or(SignatureError::Algorithm(algorithm.oid))?))
        }
        oids::ECDSA_WITH_SHA256 => Algorithm::Ecdsa(TpmiAlgHash::Sha256),
        oids::ECDSA_WITH_SHA384 => Algorithm::Ecdsa(TpmiAlgHash::Sha384),
        oids::ECDSA_WITH_SHA512 => Algorithm::Ecdsa(TpmiAlgHash::Sha512),
        other => return Err(SignatureError::Algorithm(other)),
    })
}

/// The hash of `RSASSA-PSS-params` (RFC 4055, 3.1), if the mask uses the same and the trailer is the default. Absent
/// fields mean SHA-1, which is not accepted. The salt may have any length: PSS is as strong with a short one.
fn pss_hash(algorithm: &AlgorithmIdentifierOwned) -> Option<TpmiAlgHash> {
    let parameters: AnyRef<'_> = algorithm.parameters.as_ref()?.into();
    let (mut hash, mut mask) = (None, None);
    let fields = parameters.sequence(|reader| {
        let mut fields = Vec::new();
        while !der::Reader::is_finished(reader) {
            fields.push(ContextSpecific::<AnyRef<'_>>::decode(reader)?);
        }
        Ok::<_, der::Error>(fields)
    });
    for field in fields.ok()? {
        match field.tag_number.value() {
            0 => hash = Some(hash_of(field.value.decode_as().ok()?)?),
            1 => {
                let generator: AlgorithmIdentifierRef<'_> = field.value.decode_as().ok()?;
                if generator.oid != oids::MGF1 {
                    return None;
                }
                mask = Some(hash_of(generator.parameters?.decode_as().ok()?)?);
            }
            2 => {}
            3 if field.value.value() == [1] => {}
            _ => return None,
        }
    }
    hash.filter(|_| hash == mask)
}

fn hash_of(algorithm: AlgorithmIdentifierRef<'_>) -> Option<TpmiAlgHash> {
    match algorithm.oid {
        oids::SHA256 => Some(TpmiAlgHash::Sha256),
        oids::SHA384 => Some(TpmiAlgHash::Sha384),
        oids::SHA512 => Some(TpmiAlgHash::Sha512),
        _ => None,
    }
}
