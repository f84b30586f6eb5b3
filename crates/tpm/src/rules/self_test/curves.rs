//! Tests of elliptic curves and their schemes, on the provider that the TPM uses.

use alloc::vec::Vec;

use ironroot_crypto::{
    CryptoError, EccPoint, Provider,
    ecc::{
        exchange::{Exchange, Parties, agree},
        schnorr, sm2,
    },
    hash,
};
use ironroot_wire::{TpmAlgId, TpmEccCurve, TpmiAlgHash};

use self::answers::{Answers, answers};
use super::{edwards::Edwards, rsa::random, vectors as v};
use crate::profile::Profile;

mod answers;

const SHA256: TpmiAlgHash = TpmiAlgHash::Sha256;
const P256: TpmEccCurve = TpmEccCurve::NistP256;

/// Whether an algorithm passes, on all curves of the profile; `None` if its test is not here.
pub fn test(provider: &dyn Provider, profile: &Profile, alg: TpmAlgId) -> Option<bool> {
    let passed = match alg {
        TpmAlgId::ECSCHNORR => ecschnorr(provider),
        TpmAlgId::ECDAA => ecdaa(provider),
        TpmAlgId::SM2 => sm2(provider),
        TpmAlgId::ECMQV => ecmqv(provider),
        alg if ON_EVERY_CURVE.contains(&alg) => every_curve(provider, profile, alg),
        _ => return None,
    };
    Some(passed == Ok(true))
}

/// What is tested on every curve, as far as it is for that curve.
const ON_EVERY_CURVE: &[TpmAlgId] =
    &[TpmAlgId::ECDSA, TpmAlgId::ECDH, TpmAlgId::ECC, TpmAlgId::EDDSA, TpmAlgId::HASH_EDDSA];

/// Tests one curve: its keys, and the schemes that are tested on every curve.
///
/// # Errors
/// The algorithm that failed.
pub fn test_curve(provider: &dyn Provider, curve: TpmEccCurve) -> Result<(), TpmAlgId> {
    let failed = ON_EVERY_CURVE.iter().find(|alg| one_curve(provider, curve, **alg) != Ok(true));
    failed.map_or(Ok(()), |alg| Err(*alg))
}

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

/// A curve with its known answers.
struct Curve {
    curve: TpmEccCurve,
    scalar: Vec<u8>,
    public: EccPoint,
    answers: &'static Answers,
}

impl Curve {
    /// `None` if there are no known answers for the curve.
    fn new(curve: TpmEccCurve) -> Option<Self> {
        let answers = answers(curve)?;
        let front: &[u8] = if curve == TpmEccCurve::NistP521 { &[0, 1] } else { &[] };
        let scalar = front.iter().copied().chain(1..).take(answers.x.len()).collect();
        Some(Self { curve, scalar, public: EccPoint { x: answers.x.to_vec(), y: answers.y.to_vec() }, answers })
    }

    fn key_pair(&self, provider: &dyn Provider) -> Result<bool, CryptoError> {
        Ok(provider.ecc_base_multiply(self.curve, &self.scalar)? == self.public)
    }

    fn ecdsa(&self, provider: &dyn Provider) -> Result<bool, CryptoError> {
        let verify = |digest: &[u8], r: &[u8], s: &[u8]| provider.ecdsa_verify(self.curve, &self.public, digest, r, s);
        let (known_r, known_s) = (self.answers.r, self.answers.s);
        let (r, s) = provider.ecdsa_sign(self.curve, &self.scalar, &v::SHA256, &mut random())?;
        Ok(verify(&v::SHA256, known_r, known_s).is_ok()
            && verify(&v::SHA256, &r, &s).is_ok()
            && verify(&v::KDFA[..32], known_r, known_s) == Err(CryptoError::Invalid))
    }

    fn ecdh(&self, provider: &dyn Provider) -> Result<bool, CryptoError> {
        let shared = provider.ecc_multiply(self.curve, &self.scalar, &self.public)?;
        Ok(shared.x == self.answers.shared)
    }
}

/// The private key 01 02 03 … of 32 bytes, from any first byte.
fn scalar(first: u8) -> Vec<u8> {
    (first..).take(32).collect()
}

fn point([x, y]: &[[u8; 32]; 2]) -> EccPoint {
    EccPoint { x: x.to_vec(), y: y.to_vec() }
}

/// Accepts the known signature and its own, and none of another digest.
fn ecschnorr(provider: &dyn Provider) -> Result<bool, CryptoError> {
    let public = provider.ecc_base_multiply(P256, &scalar(1))?;
    let verify = |digest: &[u8], r: &[u8], s: &[u8]| schnorr::verify(provider, (P256, SHA256), &public, digest, (r, s));
    let [known_r, known_s] = &v::ECSCHNORR;
    let (r, s) = schnorr::sign(provider, (P256, SHA256), &scalar(1), &v::SHA256, &mut random())?;
    Ok(verify(&v::SHA256, known_r, known_s).is_ok()
        && verify(&v::SHA256, &r, &s).is_ok()
        && verify(&v::KDFA[..32], known_r, known_s) == Err(CryptoError::Invalid))
}

/// The signature brings back the point that was committed to: `[s]G = E + [H(k || digest)]Q`.
fn ecdaa(provider: &dyn Provider) -> Result<bool, CryptoError> {
    let (key, committed) = (scalar(1), scalar(3));
    let public = provider.ecc_base_multiply(P256, &key)?;
    let commitment = provider.ecc_base_multiply(P256, &committed)?;
    let (k, s) = schnorr::sign_committed((P256, SHA256), &key, &committed, &v::SHA256, &mut random())?;
    let mut one = alloc::vec![0; 31];
    one.push(1);
    let challenge = hash::digest(SHA256, &[&k, &v::SHA256]);
    let sum = provider.ecc_combine(P256, [(&one, &commitment), (&challenge, &public)])?;
    Ok(provider.ecc_base_multiply(P256, &s)? == sum)
}

/// Accepts the known signature and its own, and none of another digest.
fn sm2(provider: &dyn Provider) -> Result<bool, CryptoError> {
    let (curve, public) = (TpmEccCurve::Sm2P256, point(&v::SM2_PUBLIC));
    let verify = |digest: &[u8], r: &[u8], s: &[u8]| sm2::verify(provider, curve, &public, digest, (r, s));
    let [known_r, known_s] = &v::SM2_SIGNATURE;
    let (r, s) = sm2::sign(provider, curve, &v::SM2_SCALAR, &v::SM2_DIGEST, &mut random())?;
    Ok(verify(&v::SM2_DIGEST, known_r, known_s).is_ok()
        && verify(&v::SM2_DIGEST, &r, &s).is_ok()
        && verify(&v::KDFA[..32], known_r, known_s) == Err(CryptoError::Invalid))
}

fn ecmqv(provider: &dyn Provider) -> Result<bool, CryptoError> {
    let parties = Parties {
        static_scalar: &scalar(1),
        ephemeral_scalar: &scalar(3),
        ephemeral: &point(&v::MQV_EPHEMERAL),
        peer_static: &point(&v::MQV_PEER_STATIC),
        peer_ephemeral: &point(&v::MQV_PEER_EPHEMERAL),
    };
    let shared = agree(provider, P256, Exchange::Mqv, &parties)?;
    let [x, y] = &v::MQV_SHARED;
    Ok(shared.is_some_and(|shared| shared.x == x && shared.y == y))
}
