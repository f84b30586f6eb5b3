//! The TPM's keys, schemes and signatures in the form of X.509: RFC 3279, RFC 4055, RFC 5480, RFC 5758, RFC 8410 (EdDSA) and
//! RFC 9881 (ML-DSA).

use der::{
    Encode, Sequence,
    asn1::{Any, BitString, ObjectIdentifier, UintRef},
};
use ironroot_client::wire::{
    PublicKind, TpmEccCurve, TpmiAlgHash, TpmiMldsaParms, TpmsEccPoint, TpmtPublic, TpmtSigScheme, TpmtSignature,
};
use spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};

use crate::KeyError;

const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const MGF1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.8");
const RSASSA_PSS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.10");
const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");

/// RFC 3279, 2.3.1.
#[derive(Sequence)]
pub(crate) struct RsaPublicKey<'a> {
    pub(crate) modulus: UintRef<'a>,
    pub(crate) public_exponent: u32,
}

/// RFC 3279, 2.2.3.
#[derive(Sequence)]
pub(crate) struct EcdsaSigValue<'a> {
    pub(crate) r: UintRef<'a>,
    pub(crate) s: UintRef<'a>,
}

/// `RSASSA-PSS-params` (RFC 4055, 3.1) without the trailer field, whose default is the only value.
#[derive(Sequence)]
struct PssParameters {
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    hash: AlgorithmIdentifierOwned,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT")]
    mask: AlgorithmIdentifierOwned,
    #[asn1(context_specific = "2", tag_mode = "EXPLICIT")]
    salt_length: u8,
}

/// The DER `SubjectPublicKeyInfo` of a public area.
///
/// # Errors
/// [`KeyError::Unsuitable`] for anything but RSA, ECC and ML-DSA keys; [`KeyError::Encoding`] for one that holds no proper key.
pub fn spki_der(public: &TpmtPublic) -> Result<Vec<u8>, KeyError> {
    spki(public)?.to_der().map_err(KeyError::encoding("the public key"))
}

pub(crate) fn spki(public: &TpmtPublic) -> Result<SubjectPublicKeyInfoOwned, KeyError> {
    let (algorithm, key) = match &public.kind {
        PublicKind::Rsa(parms, modulus) => {
            let public_exponent = if parms.exponent == 0 { 65_537 } else { parms.exponent };
            let modulus = UintRef::new(modulus).map_err(KeyError::encoding("the modulus"))?;
            let key = RsaPublicKey { modulus, public_exponent }.to_der();
            (with_null(RSA_ENCRYPTION), key.map_err(KeyError::encoding("the public key"))?)
        }
        PublicKind::Ecc(parms, point) if edwards_oid(parms.curve_id).is_some() => {
            (edwards(parms.curve_id)?, point.x.to_vec())
        }
        PublicKind::Mldsa(parms, key) => (ml_dsa(parms.parameter_set), key.to_vec()),
        PublicKind::Ecc(parms, point) => {
            let curve = Any::encode_from(&curve_oid(parms.curve_id)?).map_err(KeyError::encoding("the curve"))?;
            let algorithm = AlgorithmIdentifierOwned { oid: EC_PUBLIC_KEY, parameters: Some(curve) };
            (algorithm, uncompressed(parms.curve_id, point)?)
        }
        _ => return Err(KeyError::unsuitable("only RSA, ECC and ML-DSA keys have a public key for X.509")),
    };
    let subject_public_key = BitString::from_bytes(&key).map_err(KeyError::encoding("the public key"))?;
    Ok(SubjectPublicKeyInfoOwned { algorithm, subject_public_key })
}

/// The `AlgorithmIdentifier` of signatures with this scheme by this key.
///
/// # Errors
/// [`KeyError::Unsuitable`] if X.509 has none for it.
pub(crate) fn signature_algorithm_of(
    public: &TpmtPublic,
    scheme: &TpmtSigScheme,
) -> Result<AlgorithmIdentifierOwned, KeyError> {
    match (scheme, &public.kind) {
        (TpmtSigScheme::Eddsa(()), PublicKind::Ecc(parms, _)) => edwards(parms.curve_id),
        (TpmtSigScheme::Mldsa(()), PublicKind::Mldsa(parms, _)) => Ok(ml_dsa(parms.parameter_set)),
        _ => signature_algorithm(scheme),
    }
}

/// The `AlgorithmIdentifier` of RSA and ECDSA signatures with this scheme.
///
/// # Errors
/// [`KeyError::Unsuitable`] if X.509 has none for it.
pub fn signature_algorithm(scheme: &TpmtSigScheme) -> Result<AlgorithmIdentifierOwned, KeyError> {
    let none = || KeyError::unsuitable(format!("X.509 has no signature algorithm for {scheme:?}"));
    match scheme {
        TpmtSigScheme::Rsassa(hash) => {
            let last = match hash {
                TpmiAlgHash::Sha256 => "1.2.840.113549.1.1.11",
                TpmiAlgHash::Sha384 => "1.2.840.113549.1.1.12",
                TpmiAlgHash::Sha512 => "1.2.840.113549.1.1.13",
                _ => return Err(none()),
            };
            Ok(with_null(ObjectIdentifier::new_unwrap(last)))
        }
        TpmtSigScheme::Ecdsa(hash) => {
            let last = match hash {
                TpmiAlgHash::Sha256 => "1.2.840.10045.4.3.2",
                TpmiAlgHash::Sha384 => "1.2.840.10045.4.3.3",
                TpmiAlgHash::Sha512 => "1.2.840.10045.4.3.4",
                _ => return Err(none()),
            };
            Ok(AlgorithmIdentifierOwned { oid: ObjectIdentifier::new_unwrap(last), parameters: None })
        }
        TpmtSigScheme::Rsapss(hash) => {
            let digest = with_null(hash_oid(*hash).ok_or_else(none)?);
            let inner = Any::encode_from(&digest).map_err(KeyError::encoding("the algorithm"))?;
            let parameters = PssParameters {
                hash: digest,
                mask: AlgorithmIdentifierOwned { oid: MGF1, parameters: Some(inner) },
                salt_length: u8::try_from(hash.digest_size()).unwrap_or(u8::MAX),
            };
            let parameters = Any::encode_from(&parameters).map_err(KeyError::encoding("the algorithm"))?;
            Ok(AlgorithmIdentifierOwned { oid: RSASSA_PSS, parameters: Some(parameters) })
        }
        _ => Err(none()),
    }
}

/// A signature in the form of X.509 and TLS.
pub(crate) fn signature_bytes(signature: &TpmtSignature) -> Result<Vec<u8>, KeyError> {
    match signature {
        TpmtSignature::Rsassa(rsa) | TpmtSignature::Rsapss(rsa) => Ok(rsa.sig.to_vec()),
        TpmtSignature::Ecdsa(ecc) => {
            let number = |bytes| UintRef::new(bytes).map_err(KeyError::encoding("the signature"));
            let value = EcdsaSigValue { r: number(&ecc.signature_r)?, s: number(&ecc.signature_s)? };
            value.to_der().map_err(KeyError::encoding("the signature"))
        }
        TpmtSignature::Eddsa(signature) => Ok(signature.to_vec()),
        TpmtSignature::Mldsa(signature) => Ok(signature.to_vec()),
        _ => Err(KeyError::unsuitable("X.509 signatures are RSASSA, RSAPSS, ECDSA, EdDSA and ML-DSA here")),
    }
}

/// `id-Ed25519` and `id-Ed448` (RFC 8410, 3): one identifier for keys and for signatures, without parameters.
fn edwards(curve: TpmEccCurve) -> Result<AlgorithmIdentifierOwned, KeyError> {
    let oid = edwards_oid(curve).ok_or_else(|| KeyError::unsuitable("it is no key of EdDSA"))?;
    Ok(AlgorithmIdentifierOwned { oid, parameters: None })
}

const fn edwards_oid(curve: TpmEccCurve) -> Option<ObjectIdentifier> {
    match curve {
        TpmEccCurve::Curve25519 => Some(ObjectIdentifier::new_unwrap("1.3.101.112")),
        TpmEccCurve::Curve448 => Some(ObjectIdentifier::new_unwrap("1.3.101.113")),
        _ => None,
    }
}

/// `id-ml-dsa-…` (RFC 9881, 2), for keys and for signatures.
fn ml_dsa(set: TpmiMldsaParms) -> AlgorithmIdentifierOwned {
    let oid = match set {
        TpmiMldsaParms::MlDsa44 => ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.17"),
        TpmiMldsaParms::MlDsa65 => ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.18"),
        TpmiMldsaParms::MlDsa87 => ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.19"),
    };
    AlgorithmIdentifierOwned { oid, parameters: None }
}

fn with_null(oid: ObjectIdentifier) -> AlgorithmIdentifierOwned {
    AlgorithmIdentifierOwned { oid, parameters: Some(Any::null()) }
}

/// The curves that have a name (RFC 5480, 2.1.1.1; RFC 5639, 4.1; GB/T 33560) and keys with two coordinates.
pub(crate) fn curve_oid(curve: TpmEccCurve) -> Result<ObjectIdentifier, KeyError> {
    let name = match curve {
        TpmEccCurve::NistP192 => "1.2.840.10045.3.1.1",
        TpmEccCurve::NistP224 => "1.3.132.0.33",
        TpmEccCurve::NistP256 => "1.2.840.10045.3.1.7",
        TpmEccCurve::NistP384 => "1.3.132.0.34",
        TpmEccCurve::NistP521 => "1.3.132.0.35",
        TpmEccCurve::Sm2P256 => "1.2.156.10197.1.301",
        TpmEccCurve::BpP256R1 => "1.3.36.3.3.2.8.1.1.7",
        TpmEccCurve::BpP384R1 => "1.3.36.3.3.2.8.1.1.11",
        TpmEccCurve::BpP512R1 => "1.3.36.3.3.2.8.1.1.13",
        TpmEccCurve::BnP256 | TpmEccCurve::BnP638 | TpmEccCurve::Curve25519 | TpmEccCurve::Curve448 => {
            return Err(KeyError::unsuitable("its curve has no name in X.509 keys with two coordinates"));
        }
    };
    Ok(ObjectIdentifier::new_unwrap(name))
}

fn hash_oid(hash: TpmiAlgHash) -> Option<ObjectIdentifier> {
    match hash {
        TpmiAlgHash::Sha256 => Some(ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1")),
        TpmiAlgHash::Sha384 => Some(ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.2")),
        TpmiAlgHash::Sha512 => Some(ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.3")),
        _ => None,
    }
}

/// SEC 1, 2.3.3; TPMs may leave leading zeros of a coordinate out.
fn uncompressed(curve: TpmEccCurve, point: &TpmsEccPoint) -> Result<Vec<u8>, KeyError> {
    let size = curve.field_size();
    let mut bytes = vec![4];
    for coordinate in [&point.x, &point.y] {
        let zeros = size.checked_sub(coordinate.len()).filter(|_| !coordinate.is_empty());
        let zeros = zeros.ok_or_else(|| KeyError::unsuitable("its public point does not belong to its curve"))?;
        bytes.extend(std::iter::repeat_n(0, zeros));
        bytes.extend_from_slice(coordinate);
    }
    Ok(bytes)
}
