//! [`PrivateKey`]: a private key as it lies in a PEM file, outside of any TPM, on its way into one.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use der::{
    Decode as _, Sequence,
    asn1::{BitString, ObjectIdentifier, OctetStringRef, UintRef},
};
use ironroot_client::wire::{
    PublicKind, Tpm2bEccParameter, Tpm2bEccPrivate, Tpm2bPrivateKeyRsa, Tpm2bPublicKeyRsa, TpmEccCurve, TpmiRsaKeyBits,
    TpmsEccParms, TpmsEccPoint, TpmsRsaParms, TpmtEccScheme, TpmuSensitiveComposite,
};
use ironroot_crypto::{EccProvider as _, EdwardsProvider as _, PORTABLE};
use spki::AlgorithmIdentifierOwned;
use zeroize::Zeroizing;

use crate::{KeyError, algorithms::curve_oid};

const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

/// A private key in this process's memory, wiped when it is dropped: RSA, ECDSA on P-256, P-384 and P-521, or Ed25519.
pub struct PrivateKey {
    pub(crate) public: PublicKind,
    pub(crate) sensitive: TpmuSensitiveComposite,
}

/// `PrivateKeyInfo` (RFC 5958), without attributes, which nobody writes.
#[derive(Sequence)]
struct PrivateKeyInfo<'a> {
    version: u8,
    algorithm: AlgorithmIdentifierOwned,
    private_key: &'a OctetStringRef,
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", optional = "true")]
    public_key: Option<BitString>,
}

/// `RSAPrivateKey` (RFC 8017, A.1.2) with two primes.
#[derive(Sequence)]
struct RsaPrivateKey<'a> {
    version: u8,
    modulus: UintRef<'a>,
    public_exponent: u32,
    private_exponent: UintRef<'a>,
    prime1: UintRef<'a>,
    prime2: UintRef<'a>,
    exponent1: UintRef<'a>,
    exponent2: UintRef<'a>,
    coefficient: UintRef<'a>,
}

/// `ECPrivateKey` (RFC 5915, 3).
#[derive(Sequence)]
struct EcPrivateKey<'a> {
    version: u8,
    private_key: &'a OctetStringRef,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    parameters: Option<ObjectIdentifier>,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    public_key: Option<BitString>,
}

impl PrivateKey {
    /// Understands a PEM `PRIVATE KEY` (PKCS #8), `RSA PRIVATE KEY` (PKCS #1) or `EC PRIVATE KEY` (SEC 1), also with other things
    /// in front of it or behind it.
    ///
    /// # Errors
    /// [`KeyError::Unsuitable`] with the reason: an encrypted key, a kind that TPMs do not have.
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        if pem.contains("BEGIN TSS2 PRIVATE KEY-----") {
            return Err(KeyError::unsuitable("it is a TSS2 PRIVATE KEY already: name it as file:PATH"));
        }
        if pem.contains("ENCRYPTED") {
            return Err(KeyError::unsuitable(
                "it is encrypted: openssl pkey -in FILE | ironroot key import - leaves no plain copy on the disk",
            ));
        }
        for (label, understand) in [
            ("PRIVATE KEY", Self::from_pkcs8 as fn(&[u8]) -> Result<Self, KeyError>),
            ("RSA PRIVATE KEY", Self::from_pkcs1),
            ("EC PRIVATE KEY", |der| Self::from_sec1(der, None)),
        ] {
            if let Some(der) = block(pem, label) {
                return understand(&der?);
            }
        }
        Err(KeyError::unsuitable("it holds no PEM PRIVATE KEY, RSA PRIVATE KEY or EC PRIVATE KEY"))
    }

    fn from_pkcs8(der: &[u8]) -> Result<Self, KeyError> {
        let info = PrivateKeyInfo::from_der(der).map_err(malformed)?;
        let inner = info.private_key.as_bytes();
        match info.algorithm.oid {
            RSA_ENCRYPTION => Self::from_pkcs1(inner),
            EC_PUBLIC_KEY => {
                let curve = info.algorithm.parameters.as_ref().and_then(|curve| curve.decode_as().ok());
                Self::from_sec1(inner, curve)
            }
            ED25519 => Self::from_ed25519(<&OctetStringRef>::from_der(inner).map_err(malformed)?.as_bytes()),
            other => Err(KeyError::unsuitable(format!("its algorithm ({other}) is none of RSA, ECDSA and Ed25519"))),
        }
    }

    fn from_pkcs1(der: &[u8]) -> Result<Self, KeyError> {
        let key = RsaPrivateKey::from_der(der).map_err(malformed)?;
        let bits = u16::try_from(key.modulus.as_bytes().len() * 8).unwrap_or(u16::MAX);
        if !matches!(bits, 1024 | 2048 | 3072 | 4096) {
            return Err(KeyError::unsuitable(format!("TPMs have no RSA keys of {bits} bits")));
        }
        // The default exponent has to be said as 0, or some TPMs take it for another.
        let exponent = if key.public_exponent == 65_537 { 0 } else { key.public_exponent };
        let parms = TpmsRsaParms { symmetric: None, scheme: None, key_bits: TpmiRsaKeyBits::new(bits), exponent };
        let modulus = Tpm2bPublicKeyRsa::from_slice(key.modulus.as_bytes()).map_err(too_long)?;
        let prime = Tpm2bPrivateKeyRsa::from_slice(key.prime1.as_bytes()).map_err(too_long)?;
        Ok(Self { public: PublicKind::Rsa(parms, modulus), sensitive: TpmuSensitiveComposite::Rsa(prime) })
    }

    fn from_sec1(der: &[u8], curve: Option<ObjectIdentifier>) -> Result<Self, KeyError> {
        let key = EcPrivateKey::from_der(der).map_err(malformed)?;
        let oid = curve.or(key.parameters).ok_or_else(|| KeyError::unsuitable("its curve is not named"))?;
        let curve = [TpmEccCurve::NistP256, TpmEccCurve::NistP384, TpmEccCurve::NistP521]
            .into_iter()
            .find(|curve| curve_oid(*curve).is_ok_and(|known| known == oid))
            .ok_or_else(|| KeyError::unsuitable(format!("its curve ({oid}) is none of P-256, P-384 and P-521")))?;
        let scalar = key.private_key.as_bytes();
        let point = PORTABLE.ecc_base_multiply(curve, scalar).map_err(|error| {
            KeyError::unsuitable(format!("its private number does not belong to its curve: {error}"))
        })?;
        if let Some(said) = key.public_key.as_ref().and_then(BitString::as_bytes)
            && said != [[4].as_slice(), &point.x, &point.y].concat()
        {
            return Err(KeyError::unsuitable("the public key in it is not its private key's, or is compressed"));
        }
        let parms = TpmsEccParms { symmetric: None, scheme: None, curve_id: curve, kdf: None };
        let coordinate = |bytes: &[u8]| Tpm2bEccParameter::from_slice(bytes).map_err(too_long);
        let point = TpmsEccPoint { x: coordinate(&point.x)?, y: coordinate(&point.y)? };
        let scalar = Tpm2bEccPrivate::from_slice(scalar).map_err(too_long)?;
        Ok(Self { public: PublicKind::Ecc(parms, point), sensitive: TpmuSensitiveComposite::Ecc(scalar) })
    }

    fn from_ed25519(seed: &[u8]) -> Result<Self, KeyError> {
        let curve_id = TpmEccCurve::Curve25519;
        let public = PORTABLE
            .eddsa_public(curve_id, seed)
            .map_err(|error| KeyError::unsuitable(format!("it is no private key of Ed25519: {error}")))?;
        let parms = TpmsEccParms { symmetric: None, scheme: Some(TpmtEccScheme::Eddsa(())), curve_id, kdf: None };
        let x = Tpm2bEccParameter::from_slice(&public).map_err(too_long)?;
        let seed = Tpm2bEccPrivate::from_slice(seed).map_err(too_long)?;
        let point = TpmsEccPoint { x, y: Tpm2bEccParameter::default() };
        Ok(Self { public: PublicKind::Ecc(parms, point), sensitive: TpmuSensitiveComposite::Ecc(seed) })
    }
}

impl std::fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PrivateKey")
    }
}

/// The bytes of the PEM block with this label.
fn block(pem: &str, label: &str) -> Option<Result<Zeroizing<Vec<u8>>, KeyError>> {
    let (_, rest) = pem.split_once(&format!("-----BEGIN {label}-----"))?;
    let Some((body, _)) = rest.split_once("-----END ") else {
        return Some(Err(KeyError::unsuitable("its PEM block has no end")));
    };
    // Reserved whole, so that no copy stays behind when it grows.
    let mut text = Zeroizing::new(Vec::with_capacity(body.len()));
    text.extend(body.bytes().filter(|byte| !byte.is_ascii_whitespace()));
    let decoded = STANDARD.decode(text.as_slice()).map(Zeroizing::new);
    Some(decoded.map_err(|error| KeyError::unsuitable(format!("its PEM block is malformed: {error}"))))
}

fn malformed(error: der::Error) -> KeyError {
    KeyError::unsuitable(format!("its private key is malformed: {error}"))
}

fn too_long(_: ironroot_client::wire::TpmRc) -> KeyError {
    KeyError::unsuitable("its private key has longer numbers than a TPM has room for")
}
