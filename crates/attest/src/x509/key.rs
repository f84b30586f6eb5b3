//! Public keys, from whatever describes them, in one comparable form.

use core::fmt;

use der::{
    Decode, Encode, Sequence,
    asn1::{Any, BitString, Null, ObjectIdentifier, UintRef},
};
use ironroot_crypto::EccPoint;
use ironroot_wire::{PublicKind, TpmEccCurve, TpmtPublic};
use spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};

use super::oids;

/// Why a public key is not usable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyError {
    /// The algorithm is not RSA or ECC.
    Algorithm(ObjectIdentifier),
    /// The curve is not P-256, P-384 or P-521.
    Curve,
    /// The key's encoding is wrong.
    Encoding,
    /// An RSA modulus below 2,048 or above 4,096 bits, or an exponent that is even, below 3 or above 32 bits.
    RsaSize,
    /// The TPM object is not an asymmetric key.
    NotAsymmetric,
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Algorithm(oid) => write!(f, "unknown key algorithm {oid}"),
            Self::Curve => f.write_str("the curve is not P-256, P-384 or P-521"),
            Self::Encoding => f.write_str("the key is not encoded as its standard says"),
            Self::RsaSize => f.write_str("the RSA modulus or exponent is outside the accepted range"),
            Self::NotAsymmetric => f.write_str("the TPM object is not an asymmetric key"),
        }
    }
}

impl std::error::Error for KeyError {}

impl From<der::Error> for KeyError {
    fn from(_: der::Error) -> Self {
        Self::Encoding
    }
}

/// A public key. Two values are equal if and only if they are the same key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PublicKey {
    /// An RSA key.
    Rsa {
        /// The modulus, big-endian, without leading zeros.
        modulus: Vec<u8>,
        /// The public exponent.
        exponent: u32,
    },
    /// A key on an elliptic curve.
    Ecc {
        /// The curve.
        curve: TpmEccCurve,
        /// The point, its coordinates as long as the field. Not checked to be on the curve: its user does that.
        point: EccPoint,
    },
}

/// `RSAPublicKey` (RFC 8017, A.1.1).
#[derive(Sequence)]
struct RsaPublicKey<'a> {
    modulus: UintRef<'a>,
    exponent: UintRef<'a>,
}

impl PublicKey {
    /// An RSA key from its numbers, big-endian.
    ///
    /// # Errors
    /// [`KeyError::RsaSize`].
    pub fn rsa(modulus: &[u8], exponent: u32) -> Result<Self, KeyError> {
        let zeros = modulus.iter().take_while(|byte| **byte == 0).count();
        let modulus = modulus.get(zeros..).unwrap_or_default();
        let high_bit = modulus.first().is_some_and(|byte| *byte >= 0x80);
        if !(256..=512).contains(&modulus.len()) || !high_bit || exponent < 3 || exponent.is_multiple_of(2) {
            return Err(KeyError::RsaSize);
        }
        Ok(Self::Rsa { modulus: modulus.to_vec(), exponent })
    }

    /// A key on a curve from its coordinates, big-endian, of any length that fits the field.
    ///
    /// # Errors
    /// [`KeyError::Curve`] if the curve is not P-256, P-384 or P-521; [`KeyError::Encoding`] if a coordinate is longer than
    /// the field.
    pub fn ecc(curve: TpmEccCurve, x: &[u8], y: &[u8]) -> Result<Self, KeyError> {
        curve_oid(curve)?;
        let size = curve.field_size();
        let fixed = |coordinate: &[u8]| {
            let zeros = coordinate.iter().take_while(|byte| **byte == 0).count();
            let digits = coordinate.get(zeros..).unwrap_or_default();
            let padding = size.checked_sub(digits.len()).ok_or(KeyError::Encoding)?;
            Ok::<_, KeyError>([&vec![0; padding], digits].concat())
        };
        Ok(Self::Ecc { curve, point: EccPoint { x: fixed(x)?, y: fixed(y)? } })
    }

    /// The key of a TPM object.
    ///
    /// # Errors
    /// [`KeyError`]; an RSA modulus that is not as long as the public area says is a [`KeyError::RsaSize`].
    pub fn from_public(public: &TpmtPublic) -> Result<Self, KeyError> {
        match &public.kind {
            PublicKind::Rsa(parms, modulus) => {
                if modulus.len() != parms.key_bits.bytes() {
                    return Err(KeyError::RsaSize);
                }
                Self::rsa(modulus, if parms.exponent == 0 { 65_537 } else { parms.exponent })
            }
            PublicKind::Ecc(parms, point) => Self::ecc(parms.curve_id, &point.x, &point.y),
            _ => Err(KeyError::NotAsymmetric),
        }
    }

    /// The key of an X.509 `SubjectPublicKeyInfo`.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn from_spki(info: &SubjectPublicKeyInfoOwned) -> Result<Self, KeyError> {
        let bytes = info.subject_public_key.as_bytes().ok_or(KeyError::Encoding)?;
        let algorithm = info.algorithm.oid;
        if algorithm == oids::RSA_ENCRYPTION || algorithm == oids::RSAES_OAEP {
            let key = RsaPublicKey::from_der(bytes).map_err(|_| KeyError::Encoding)?;
            let exponent = key
                .exponent
                .as_bytes()
                .iter()
                .try_fold(0u32, |value, byte| value.checked_mul(256).map(|value| value | u32::from(*byte)));
            return Self::rsa(key.modulus.as_bytes(), exponent.ok_or(KeyError::RsaSize)?);
        }
        if algorithm != oids::EC_PUBLIC_KEY {
            return Err(KeyError::Algorithm(algorithm));
        }
        let parameters = info.algorithm.parameters.as_ref().ok_or(KeyError::Curve)?;
        let curve = curve_of(parameters.decode_as().map_err(|_| KeyError::Curve)?)?;
        let size = curve.field_size();
        let (form, coordinates) = bytes.split_first().ok_or(KeyError::Encoding)?;
        let (x, y) = coordinates.split_at_checked(size).ok_or(KeyError::Encoding)?;
        if *form != 4 || y.len() != size {
            return Err(KeyError::Encoding);
        }
        Self::ecc(curve, x, y)
    }

    /// The key as an X.509 `SubjectPublicKeyInfo`.
    ///
    /// # Errors
    /// [`KeyError::Encoding`], which no key made here gives.
    pub fn to_spki(&self) -> Result<SubjectPublicKeyInfoOwned, KeyError> {
        let (oid, parameters, key) = match self {
            Self::Rsa { modulus, exponent } => {
                let exponent = exponent.to_be_bytes();
                let key = RsaPublicKey { modulus: UintRef::new(modulus)?, exponent: UintRef::new(&exponent)? };
                (oids::RSA_ENCRYPTION, Any::encode_from(&Null)?, key.to_der()?)
            }
            Self::Ecc { curve, point } => {
                let key = [&[4], point.x.as_slice(), point.y.as_slice()].concat();
                (oids::EC_PUBLIC_KEY, Any::encode_from(&curve_oid(*curve)?)?, key)
            }
        };
        Ok(SubjectPublicKeyInfoOwned {
            algorithm: AlgorithmIdentifierOwned { oid, parameters: Some(parameters) },
            subject_public_key: BitString::from_bytes(&key)?,
        })
    }
}

fn curve_of(oid: ObjectIdentifier) -> Result<TpmEccCurve, KeyError> {
    match oid {
        oids::P256 => Ok(TpmEccCurve::NistP256),
        oids::P384 => Ok(TpmEccCurve::NistP384),
        oids::P521 => Ok(TpmEccCurve::NistP521),
        _ => Err(KeyError::Curve),
    }
}

fn curve_oid(curve: TpmEccCurve) -> Result<ObjectIdentifier, KeyError> {
    match curve {
        TpmEccCurve::NistP256 => Ok(oids::P256),
        TpmEccCurve::NistP384 => Ok(oids::P384),
        TpmEccCurve::NistP521 => Ok(oids::P521),
        _ => Err(KeyError::Curve),
    }
}
