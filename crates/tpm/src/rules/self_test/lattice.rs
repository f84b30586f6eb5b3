//! Tests of ML-KEM and ML-DSA, on the provider that the TPM uses.

use ironroot_crypto::{
    CryptoError, Provider, Random, hash,
    mldsa::{Mu, pre_hashed},
};
use ironroot_wire::{Rules, TpmAlgId, TpmiAlgHash, TpmiMldsaParms, TpmiMlkemParms};

use super::vectors as v;
use crate::profile::Profile;

const SHA256: TpmiAlgHash = TpmiAlgHash::Sha256;

/// Whether an algorithm passes; `None` if its test is not here.
pub fn test(provider: &dyn Provider, profile: &Profile, alg: TpmAlgId) -> Option<bool> {
    let rules = &profile.rules;
    let passed = match alg {
        TpmAlgId::MLKEM => every(TpmiMlkemParms::EVERY, |set| rules.has_mlkem(set), |set| kem(provider, set)),
        TpmAlgId::MLDSA => every_signature(provider, rules),
        // What it has of its own, and the signature that it shares with ML-DSA.
        TpmAlgId::HASH_MLDSA => hashed().and_then(|same| Ok(same && every_signature(provider, rules)?)),
        _ => return None,
    };
    Some(passed == Ok(true))
}

fn every<T: Copy>(
    sets: &[T],
    present: impl Fn(T) -> bool,
    test: impl Fn(T) -> Result<bool, CryptoError>,
) -> Result<bool, CryptoError> {
    for &set in sets.iter().filter(|set| present(**set)) {
        if !test(set)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn every_signature(provider: &dyn Provider, rules: &Rules) -> Result<bool, CryptoError> {
    every(TpmiMldsaParms::EVERY, |set| rules.has_mldsa(set), |set| signature(provider, set))
}

/// A key, an encapsulation, its decapsulation and a rejection, all known.
fn kem(provider: &dyn Provider, set: TpmiMlkemParms) -> Result<bool, CryptoError> {
    let (public, ciphertext, secret, rejected) = match set {
        TpmiMlkemParms::MlKem512 => {
            (&v::MLKEM_512_PUBLIC, &v::MLKEM_512_CIPHERTEXT, &v::MLKEM_512_SECRET, &v::MLKEM_512_REJECTED)
        }
        TpmiMlkemParms::MlKem768 => {
            (&v::MLKEM_768_PUBLIC, &v::MLKEM_768_CIPHERTEXT, &v::MLKEM_768_SECRET, &v::MLKEM_768_REJECTED)
        }
        TpmiMlkemParms::MlKem1024 => {
            (&v::MLKEM_1024_PUBLIC, &v::MLKEM_1024_CIPHERTEXT, &v::MLKEM_1024_SECRET, &v::MLKEM_1024_REJECTED)
        }
    };
    let key = provider.ml_kem_load(set, &v::MLKEM_SEED)?;
    let (shared, sent) = provider.ml_kem_encapsulate(set, key.public(), &v::MLKEM_MESSAGE)?;
    let zeros = alloc::vec![0; set.ciphertext_size()];
    Ok(is_digest(key.public(), public)
        && is_digest(&sent, ciphertext)
        && *shared == secret[..]
        && *key.decapsulate(&sent)? == secret[..]
        && *key.decapsulate(&zeros)? == rejected[..])
}

/// A key and a signature, both known; the signature verifies, and that of another message does not.
fn signature(provider: &dyn Provider, set: TpmiMldsaParms) -> Result<bool, CryptoError> {
    let (public, expected) = match set {
        TpmiMldsaParms::MlDsa44 => (&v::MLDSA_44_PUBLIC, &v::MLDSA_44_SIGNATURE),
        TpmiMldsaParms::MlDsa65 => (&v::MLDSA_65_PUBLIC, &v::MLDSA_65_SIGNATURE),
        TpmiMldsaParms::MlDsa87 => (&v::MLDSA_87_PUBLIC, &v::MLDSA_87_SIGNATURE),
    };
    let key = provider.ml_dsa_load(set, &v::MLDSA_SEED)?;
    let mut mu = Mu::new(key.public(), &v::MLDSA_CONTEXT)?;
    mu.update(&v::MLDSA_MESSAGE);
    let mu = mu.finish();
    let signature = key.sign_mu(&mu, &mut Zeros)?;
    let verify = |mu| provider.ml_dsa_verify_mu(set, key.public(), mu, &signature);
    Ok(is_digest(key.public(), public)
        && is_digest(&signature, expected)
        && verify(&mu).is_ok()
        && verify(&v::HASH_MLDSA_MU) == Err(CryptoError::Invalid))
}

/// The representative of a digest.
fn hashed() -> Result<bool, CryptoError> {
    let public: [u8; 32] = core::array::from_fn(|index| u8::try_from(index).unwrap_or_default());
    Ok(pre_hashed(&public, b"context", SHA256, &v::SHA256)? == v::HASH_MLDSA_MU)
}

fn is_digest(data: &[u8], expected: &[u8; 32]) -> bool {
    *hash::digest(SHA256, &[data]) == expected[..]
}

/// The randomness of the deterministic variant (FIPS 204, algorithm 2).
struct Zeros;

impl Random for Zeros {
    fn fill(&mut self, out: &mut [u8]) {
        out.fill(0);
    }
}
