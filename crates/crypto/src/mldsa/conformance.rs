//! ML-DSA's part of the suite that every provider passes.

use alloc::{vec, vec::Vec};

use ironroot_wire::{TpmiAlgHash, TpmiMldsaParms};

use super::{MU_SIZE, Mu, pre_hashed};
use crate::{
    CryptoError, Drbg, Provider, Random,
    conformance::{Checks, Failure},
    digest,
    vectors::{algorithm, hex, rows},
};

/// Runs everything that needs one provider: published vectors, wrong sizes, damaged signatures.
///
/// # Errors
/// The first check that failed.
pub fn run(provider: &dyn Provider, checks: &mut Checks) -> Result<(), Failure> {
    generation(provider, checks)?;
    signatures(provider, checks)?;
    verification(provider, checks)?;
    TpmiMldsaParms::EVERY.iter().try_for_each(|&set| edges(provider, set, checks))
}

/// Compares two providers on random keys and messages.
///
/// # Errors
/// The first difference.
pub fn compare(one: &dyn Provider, other: &dyn Provider, rounds: u32, checks: &mut Checks) -> Result<(), Failure> {
    for &set in TpmiMldsaParms::EVERY {
        for round in 0..rounds {
            let what = format_args!("{} and {}, {set:?}, round {round}", one.name(), other.name());
            let mut random = Drbg::from_seed(b"agreement", &[&set.value().to_be_bytes(), &round.to_be_bytes()]);
            let (mut seed, mut mu, mut randomness) = ([0; 32], [0; MU_SIZE], [0; 32]);
            random.fill(&mut seed);
            random.fill(&mut mu);
            random.fill(&mut randomness);
            let ours = checks.succeeds(what, one.ml_dsa_load(set, &seed))?;
            let theirs = checks.succeeds(what, other.ml_dsa_load(set, &seed))?;
            checks.equal(what, ours.public(), theirs.public())?;
            let signature = checks.succeeds(what, ours.sign_mu(&mu, &mut Bytes(&randomness)))?;
            checks.equal(what, theirs.sign_mu(&mu, &mut Bytes(&randomness)), Ok(signature.clone()))?;
            for provider in [one, other] {
                checks.equal(what, provider.ml_dsa_verify_mu(set, ours.public(), &mu, &signature), Ok(()))?;
            }
        }
    }
    Ok(())
}

/// NIST's key generation.
fn generation(provider: &dyn Provider, checks: &mut Checks) -> Result<(), Failure> {
    for row in rows(include_str!("../../vectors/mldsa_keygen.txt")) {
        let [set, seed, public] = row[..] else { return Err(malformed(&row)) };
        let key = checks.succeeds(format_args!("{row:?}"), provider.ml_dsa_load(named(set), &hex(seed)))?;
        checks.equal(format_args!("{row:?}"), &*sha256(key.public()), &hex(public))?;
    }
    Ok(())
}

/// Known answers: the same bytes, and that they verify.
fn signatures(provider: &dyn Provider, checks: &mut Checks) -> Result<(), Failure> {
    for row in rows(include_str!("../../vectors/mldsa_sign.txt")) {
        let [set, hash, seed, context, message, randomness, expected] = row[..] else { return Err(malformed(&row)) };
        let (what, set) = (format_args!("{row:?}"), named(set));
        let key = checks.succeeds(what, provider.ml_dsa_load(set, &hex(seed)))?;
        let mu = if hash == "-" {
            let mut mu = checks.succeeds(what, Mu::new(key.public(), &hex(context)))?;
            mu.update(&hex(message));
            mu.finish()
        } else {
            let digest = digest(algorithm(hash), &[&hex(message)]);
            checks.succeeds(what, pre_hashed(key.public(), &hex(context), algorithm(hash), &digest))?
        };
        let signature = checks.succeeds(what, key.sign_mu(&mu, &mut Bytes(&hex(randomness))))?;
        checks.equal(what, &*sha256(&signature), &hex(expected))?;
        checks.equal(what, provider.ml_dsa_verify_mu(set, key.public(), &mu, &signature), Ok(()))?;
    }
    Ok(())
}

/// NIST's signature verification.
fn verification(provider: &dyn Provider, checks: &mut Checks) -> Result<(), Failure> {
    let mut public = Vec::new();
    for row in rows(include_str!("../../vectors/mldsa_verify.txt")) {
        if let [_, "key", key] = row[..] {
            public = hex(key);
            continue;
        }
        let [set, mu, signature, outcome] = row[..] else { return Err(malformed(&row)) };
        let what = format_args!("ML-DSA-{set} {mu}");
        let bytes = checks.succeeds(what, hex(mu).try_into())?;
        let verified = provider.ml_dsa_verify_mu(named(set), &public, &bytes, &hex(signature));
        let expected = if outcome == "P" { Ok(()) } else { Err(CryptoError::Invalid) };
        checks.equal(what, verified, expected)?;
    }
    Ok(())
}

/// What must be refused.
fn edges(provider: &dyn Provider, set: TpmiMldsaParms, checks: &mut Checks) -> Result<(), Failure> {
    let what = format_args!("edges of {set:?}");
    for size in [0, 1, 31, 33, 64] {
        checks.equal(what, provider.ml_dsa_load(set, &vec![1; size]).err(), Some(CryptoError::Value))?;
    }
    let key = checks.succeeds(what, provider.ml_dsa_load(set, &[1; 32]))?;
    let public = key.public();
    checks.equal(what, public.len(), set.public_size())?;
    checks.equal(what, provider.ml_dsa_check_public(set, public), Ok(()))?;
    let mu = [9; MU_SIZE];
    let mut random = Drbg::from_seed(b"edges", &[]);
    let signature = checks.succeeds(what, key.sign_mu(&mu, &mut random))?;
    checks.equal(what, signature.len(), set.signature_size())?;
    checks.equal(what, provider.ml_dsa_verify_mu(set, public, &mu, &signature), Ok(()))?;
    // Hedged: another signature of the same message.
    let another = checks.succeeds(what, key.sign_mu(&mu, &mut random))?;
    checks.holds(what, another != signature)?;
    checks.equal(what, provider.ml_dsa_verify_mu(set, public, &mu, &another), Ok(()))?;

    for wrong in [&[], public.get(1..).unwrap_or_default(), &[public, &[0]].concat()] {
        checks.equal(what, provider.ml_dsa_check_public(set, wrong), Err(CryptoError::Value))?;
        let refused = provider.ml_dsa_verify_mu(set, wrong, &mu, &signature);
        checks.equal(what, refused, Err(CryptoError::Value))?;
    }
    for wrong in [&[], signature.get(1..).unwrap_or_default(), &[&signature[..], &[0]].concat()] {
        let refused = provider.ml_dsa_verify_mu(set, public, &mu, wrong);
        checks.equal(what, refused, Err(CryptoError::Invalid))?;
    }
    checks.equal(what, provider.ml_dsa_verify_mu(set, public, &[8; MU_SIZE], &signature), Err(CryptoError::Invalid))?;
    let last = signature.len().saturating_sub(1);
    for at in (0..signature.len()).step_by(197).chain([last]) {
        for bit in [0x01, 0x80] {
            let mut changed = signature.clone();
            changed.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= bit);
            let refused = provider.ml_dsa_verify_mu(set, public, &mu, &changed);
            checks.equal(what, refused, Err(CryptoError::Invalid))?;
        }
    }
    Ok(())
}

/// Gives these bytes and nothing else.
pub(crate) struct Bytes<'a>(pub &'a [u8]);

impl Random for Bytes<'_> {
    fn fill(&mut self, out: &mut [u8]) {
        let (now, rest) = self.0.split_at_checked(out.len()).unwrap_or_default();
        out.iter_mut().zip(now).for_each(|(to, from)| *to = *from);
        self.0 = rest;
    }
}

pub(crate) fn named(set: &str) -> TpmiMldsaParms {
    match set {
        "44" => TpmiMldsaParms::MlDsa44,
        "65" => TpmiMldsaParms::MlDsa65,
        _ => TpmiMldsaParms::MlDsa87,
    }
}

fn sha256(data: &[u8]) -> Vec<u8> {
    digest(TpmiAlgHash::Sha256, &[data]).to_vec()
}

fn malformed(row: &[&str]) -> Failure {
    Failure(alloc::format!("a malformed vector: {row:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PORTABLE;

    #[test]
    fn the_portable_provider_conforms() {
        let mut checks = Checks::default();
        run(&PORTABLE, &mut checks).unwrap();
        assert!(checks.passed() > 500, "{}", checks.passed());
    }
}
