//! Tests of RSA and elliptic curves, on the provider that the TPM uses.

use alloc::vec::Vec;

use ironroot_crypto::{
    CryptoError, Drbg, EccPoint, Provider, RsaPrivateKey,
    rsa::{self, DEFAULT_EXPONENT, EncryptionScheme, RsaCrt, RsaPublic, SignatureScheme},
};
use ironroot_wire::{TpmAlgId, TpmEccCurve, TpmiAlgHash};

use super::{edwards::Edwards, vectors as v};
use crate::profile::Profile;

const SHA256: TpmiAlgHash = TpmiAlgHash::Sha256;
const MESSAGE: &[u8] = b"message";
const OAEP: EncryptionScheme<'_> = EncryptionScheme::Oaep { hash: SHA256, label: b"TEST\0" };

/// Whether an algorithm passes; `None` if its test is not here.
pub fn test(provider: &dyn Provider, profile: &Profile, alg: TpmAlgId) -> Option<bool> {
    let passed = match alg {
        TpmAlgId::RSA => Rsa::new(provider).and_then(|rsa| rsa.raw()),
        TpmAlgId::RSASSA => Rsa::new(provider).and_then(|rsa| rsa.pkcs1()),
        TpmAlgId::RSAPSS => Rsa::new(provider).and_then(|rsa| rsa.pss()),
        TpmAlgId::RSAES => Rsa::new(provider).and_then(|rsa| rsa.decryption(EncryptionScheme::Pkcs1, &v::RSAES)),
        TpmAlgId::OAEP => Rsa::new(provider).and_then(|rsa| rsa.decryption(OAEP, &v::OAEP)),
        alg if CURVE_ALGORITHMS.contains(&alg) => every_curve(provider, profile, alg),
        _ => return None,
    };
    Some(passed == Ok(true))
}

/// Random numbers that are the same each time.
fn random() -> Drbg {
    Drbg::from_seed(b"self-test", &[])
}

struct Rsa<'a> {
    provider: &'a dyn Provider,
    key: alloc::boxed::Box<dyn RsaPrivateKey>,
}

impl<'a> Rsa<'a> {
    fn new(provider: &'a dyn Provider) -> Result<Self, CryptoError> {
        let key = provider.rsa_load(&RsaCrt::from_prime(&v::RSA_MODULUS, DEFAULT_EXPONENT, &v::RSA_PRIME)?)?;
        Ok(Self { provider, key })
    }

    const fn public() -> RsaPublic<'static> {
        RsaPublic { n: &v::RSA_MODULUS, e: DEFAULT_EXPONENT }
    }

    /// The private and the public operation undo each other.
    fn raw(&self) -> Result<bool, CryptoError> {
        let number = self.key.private(&v::RSASSA, &mut random())?;
        Ok(self.provider.rsa_public(&v::RSA_MODULUS, DEFAULT_EXPONENT, &number)? == v::RSASSA)
    }

    fn pkcs1(&self) -> Result<bool, CryptoError> {
        let scheme = SignatureScheme::Pkcs1(SHA256);
        let signature = rsa::sign(self.key.as_ref(), scheme, &v::SHA256, &mut random())?;
        Ok(signature == v::RSASSA && self.verifies(scheme, &v::RSASSA))
    }

    fn pss(&self) -> Result<bool, CryptoError> {
        let scheme = SignatureScheme::Pss(SHA256);
        let signature = rsa::sign(self.key.as_ref(), scheme, &v::SHA256, &mut random())?;
        Ok(self.verifies(scheme, &signature) && self.verifies(scheme, &v::RSAPSS))
    }

    /// Accepts the signature of the right digest, and of no other.
    fn verifies(&self, scheme: SignatureScheme, signature: &[u8]) -> bool {
        let verify = |digest: &[u8]| rsa::verify(self.provider, Self::public(), scheme, digest, signature);
        verify(&v::SHA256).is_ok() && verify(&v::KDFA[..32]) == Err(CryptoError::Invalid)
    }

    /// Decrypts what another program has encrypted, and what it has encrypted itself.
    fn decryption(&self, scheme: EncryptionScheme<'_>, known: &[u8]) -> Result<bool, CryptoError> {
        let own = rsa::encrypt(self.provider, Self::public(), scheme, MESSAGE, &mut random())?;
        let decrypts = |bytes: &[u8]| {
            rsa::decrypt(self.key.as_ref(), scheme, bytes, &mut random()).map(|message| message.as_slice() == MESSAGE)
        };
        Ok(decrypts(known)? && decrypts(&own)?)
    }
}

/// A key pair, a signature that it made, and what it agrees on with another.
struct Curve {
    curve: TpmEccCurve,
    scalar: Vec<u8>,
    public: EccPoint,
    signature: (&'static [u8], &'static [u8]),
    peer: EccPoint,
    shared: &'static [u8],
}

/// What is tested on every curve, as far as it is for that curve.
const CURVE_ALGORITHMS: &[TpmAlgId] =
    &[TpmAlgId::ECDSA, TpmAlgId::ECDH, TpmAlgId::ECC, TpmAlgId::EDDSA, TpmAlgId::HASH_EDDSA];

fn every_curve(provider: &dyn Provider, profile: &Profile, alg: TpmAlgId) -> Result<bool, CryptoError> {
    for &curve in TpmEccCurve::EVERY.iter().filter(|curve| profile.rules.has_curve(curve.value())) {
        if !one_curve(provider, curve, alg)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether an algorithm passes on a curve. What is not for the curve passes.
fn one_curve(provider: &dyn Provider, curve: TpmEccCurve, alg: TpmAlgId) -> Result<bool, CryptoError> {
    if let Some(edwards) = Edwards::new(curve) {
        return match alg {
            TpmAlgId::ECC => edwards.key_pairs(provider),
            TpmAlgId::ECDH => edwards.ecdh(provider),
            TpmAlgId::EDDSA => edwards.eddsa(provider),
            TpmAlgId::HASH_EDDSA => edwards.hash_eddsa(provider),
            _ => Ok(true),
        };
    }
    let curve = Curve::new(curve).ok_or(CryptoError::Unsupported)?;
    match alg {
        TpmAlgId::ECC => curve.key_pair(provider),
        TpmAlgId::ECDSA => curve.ecdsa(provider),
        TpmAlgId::ECDH => curve.ecdh(provider),
        _ => Ok(true),
    }
}

/// Tests a curve in all of its algorithms.
///
/// # Errors
/// The algorithm that failed.
pub fn curve(provider: &dyn Provider, curve: TpmEccCurve) -> Result<(), TpmAlgId> {
    let failed = CURVE_ALGORITHMS.iter().find(|alg| one_curve(provider, curve, **alg) != Ok(true));
    failed.map_or(Ok(()), |alg| Err(*alg))
}

impl Curve {
    /// `None` if there are no known answers for the curve.
    fn new(curve: TpmEccCurve) -> Option<Self> {
        let point = |x: &[u8], y: &[u8]| EccPoint { x: x.to_vec(), y: y.to_vec() };
        Some(match curve {
            TpmEccCurve::NistP256 => Self {
                curve,
                scalar: (1..=32).collect(),
                public: point(&v::P256_X, &v::P256_Y),
                signature: (&v::P256_R, &v::P256_S),
                peer: point(&v::P256_PEER_X, &v::P256_PEER_Y),
                shared: &v::P256_SHARED,
            },
            TpmEccCurve::NistP384 => Self {
                curve,
                scalar: (1..=48).collect(),
                public: point(&v::P384_X, &v::P384_Y),
                signature: (&v::P384_R, &v::P384_S),
                peer: point(&v::P384_PEER_X, &v::P384_PEER_Y),
                shared: &v::P384_SHARED,
            },
            TpmEccCurve::NistP521 => Self {
                curve,
                scalar: [0, 1].into_iter().chain(1..=64).collect(),
                public: point(&v::P521_X, &v::P521_Y),
                signature: (&v::P521_R, &v::P521_S),
                peer: point(&v::P521_PEER_X, &v::P521_PEER_Y),
                shared: &v::P521_SHARED,
            },
            _ => return None,
        })
    }

    fn key_pair(&self, provider: &dyn Provider) -> Result<bool, CryptoError> {
        Ok(provider.ecc_base_multiply(self.curve, &self.scalar)? == self.public)
    }

    fn ecdsa(&self, provider: &dyn Provider) -> Result<bool, CryptoError> {
        let verify = |digest: &[u8], r: &[u8], s: &[u8]| provider.ecdsa_verify(self.curve, &self.public, digest, r, s);
        let (known_r, known_s) = self.signature;
        let (r, s) = provider.ecdsa_sign(self.curve, &self.scalar, &v::SHA256, &mut random())?;
        Ok(verify(&v::SHA256, known_r, known_s).is_ok()
            && verify(&v::SHA256, &r, &s).is_ok()
            && verify(&v::KDFA[..32], known_r, known_s) == Err(CryptoError::Invalid))
    }

    fn ecdh(&self, provider: &dyn Provider) -> Result<bool, CryptoError> {
        let shared = provider.ecc_multiply(self.curve, &self.scalar, &self.peer)?;
        Ok(shared.x == self.shared)
    }
}
