//! ML-KEM's part of the suite that every provider passes.

use alloc::{vec, vec::Vec};

use ironroot_wire::{TpmiAlgHash, TpmiMlkemParms};

use crate::{
    CryptoError, Drbg, MlKemPrivateKey, Provider, Random,
    conformance::{Checks, Failure},
    digest,
    vectors::{hex, rows},
};

/// Runs everything that needs one provider: published vectors, wrong sizes, public keys out of range, damaged ciphertexts.
///
/// # Errors
/// The first check that failed.
pub fn run(provider: &dyn Provider, checks: &mut Checks) -> Result<(), Failure> {
    generation(provider, checks)?;
    encapsulation(provider, checks)?;
    decapsulation(provider, checks)?;
    TpmiMlkemParms::EVERY.iter().try_for_each(|&set| edges(provider, set, checks))
}

/// Compares two providers on random keys and messages.
///
/// # Errors
/// The first difference.
pub fn compare(one: &dyn Provider, other: &dyn Provider, rounds: u32, checks: &mut Checks) -> Result<(), Failure> {
    for &set in TpmiMlkemParms::EVERY {
        for round in 0..rounds {
            let what = format_args!("{} and {}, {set:?}, round {round}", one.name(), other.name());
            let mut random = Drbg::from_seed(b"agreement", &[&set.value().to_be_bytes(), &round.to_be_bytes()]);
            let (mut seed, mut message) = ([0; 64], [0; 32]);
            random.fill(&mut seed);
            random.fill(&mut message);
            let ours = checks.succeeds(what, one.ml_kem_load(set, &seed))?;
            let theirs = checks.succeeds(what, other.ml_kem_load(set, &seed))?;
            checks.equal(what, ours.public(), theirs.public())?;
            let encapsulated = checks.succeeds(what, one.ml_kem_encapsulate(set, ours.public(), &message))?;
            let same = checks.succeeds(what, other.ml_kem_encapsulate(set, ours.public(), &message))?;
            checks.equal(what, &encapsulated, &same)?;
            let (secret, mut ciphertext) = encapsulated;
            checks.equal(what, theirs.decapsulate(&ciphertext), Ok(secret))?;
            random.fill(&mut ciphertext);
            checks.equal(what, ours.decapsulate(&ciphertext), theirs.decapsulate(&ciphertext))?;
        }
    }
    Ok(())
}

/// NIST's key generation.
fn generation(provider: &dyn Provider, checks: &mut Checks) -> Result<(), Failure> {
    for row in rows(include_str!("../../vectors/mlkem_keygen.txt")) {
        let [set, seed, public] = row[..] else { return Err(malformed(&row)) };
        let key = checks.succeeds(format_args!("{row:?}"), provider.ml_kem_load(named(set), &hex(seed)))?;
        checks.equal(format_args!("{row:?}"), &*sha256(key.public()), &hex(public))?;
    }
    Ok(())
}

/// NIST's encapsulation.
fn encapsulation(provider: &dyn Provider, checks: &mut Checks) -> Result<(), Failure> {
    for row in rows(include_str!("../../vectors/mlkem_encapsulate.txt")) {
        let [set, public, message, ciphertext, secret] = row[..] else { return Err(malformed(&row)) };
        let what = format_args!("ML-KEM-{set} {message}");
        let message = checks.succeeds(what, hex(message).try_into())?;
        checks.equal(what, provider.ml_kem_check_public(named(set), &hex(public)), Ok(()))?;
        let encapsulated = provider.ml_kem_encapsulate(named(set), &hex(public), &message);
        let (found_secret, found) = checks.succeeds(what, encapsulated)?;
        checks.equal(what, (&*sha256(&found), &*found_secret), (&hex(ciphertext), &hex(secret)))?;
    }
    Ok(())
}

/// Known answers, of ciphertexts that were made for the key and of random ones.
fn decapsulation(provider: &dyn Provider, checks: &mut Checks) -> Result<(), Failure> {
    for row in rows(include_str!("../../vectors/mlkem_decapsulate.txt")) {
        let [set, seed, ciphertext, secret] = row[..] else { return Err(malformed(&row)) };
        let what = format_args!("ML-KEM-{set} {seed} {secret}");
        let key = checks.succeeds(what, provider.ml_kem_load(named(set), &hex(seed)))?;
        checks.equal(what, key.decapsulate(&hex(ciphertext)).map(|secret| secret.to_vec()), Ok(hex(secret)))?;
    }
    Ok(())
}

/// What must be refused, and ciphertexts with one bit changed anywhere.
fn edges(provider: &dyn Provider, set: TpmiMlkemParms, checks: &mut Checks) -> Result<(), Failure> {
    let what = format_args!("edges of {set:?}");
    let message = [7; 32];
    for size in [0, 1, 32, 63, 65, 128] {
        checks.equal(what, provider.ml_kem_load(set, &vec![1; size]).err(), Some(CryptoError::Value))?;
    }
    let key = checks.succeeds(what, provider.ml_kem_load(set, &[1; 64]))?;
    checks.equal(what, key.public().len(), set.public_size())?;
    for size in [0, 1, set.public_size().saturating_sub(1), set.public_size().saturating_add(1)] {
        checks.equal(what, provider.ml_kem_check_public(set, &vec![0; size]), Err(CryptoError::Value))?;
        let refused = provider.ml_kem_encapsulate(set, &vec![0; size], &message).err();
        checks.equal(what, refused, Some(CryptoError::Value))?;
    }
    // FIPS 203, 7.2: a coefficient of 12 bits that is 3329 (0xd01) or more, at the start and at the end of the vector.
    let end = set.public_size().saturating_sub(32);
    for (at, bytes, allowed) in [
        (0, [0x00, 0x0d], true),
        (0, [0x01, 0x0d], false),
        (0, [0xff, 0x0f], false),
        (end.saturating_sub(2), [0x00, 0xd0], true),
        (end.saturating_sub(2), [0x10, 0xd0], false),
        (end.saturating_sub(2), [0xf0, 0xff], false),
    ] {
        let mut public = vec![0; set.public_size()];
        public.iter_mut().skip(at).zip(bytes).for_each(|(to, from)| *to = from);
        let expected = if allowed { Ok(()) } else { Err(CryptoError::Value) };
        checks.equal(what, provider.ml_kem_check_public(set, &public), expected)?;
        checks.equal(what, provider.ml_kem_encapsulate(set, &public, &message).is_ok(), allowed)?;
    }
    let (secret, ciphertext) = checks.succeeds(what, provider.ml_kem_encapsulate(set, key.public(), &message))?;
    checks.equal(what, ciphertext.len(), set.ciphertext_size())?;
    checks.equal(what, key.decapsulate(&ciphertext), Ok(secret.clone()))?;
    rejection(&*key, &ciphertext, &secret, checks, what)
}

fn rejection(
    key: &dyn MlKemPrivateKey,
    ciphertext: &[u8],
    secret: &[u8],
    checks: &mut Checks,
    what: core::fmt::Arguments<'_>,
) -> Result<(), Failure> {
    let shorter = ciphertext.get(1..).unwrap_or_default();
    for wrong in [&[], shorter, &[ciphertext, &[0]].concat()] {
        checks.equal(what, key.decapsulate(wrong).err(), Some(CryptoError::Value))?;
    }
    let mut seen = Vec::new();
    for at in (0..ciphertext.len()).step_by(97) {
        let mut changed = ciphertext.to_vec();
        changed.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 1);
        let rejected = checks.succeeds(what, key.decapsulate(&changed))?;
        checks.holds(what, rejected[..] != *secret && rejected.len() == 32 && !seen.contains(&rejected))?;
        checks.equal(what, key.decapsulate(&changed), Ok(rejected.clone()))?;
        seen.push(rejected);
    }
    Ok(())
}

pub(crate) fn named(set: &str) -> TpmiMlkemParms {
    match set {
        "512" => TpmiMlkemParms::MlKem512,
        "768" => TpmiMlkemParms::MlKem768,
        _ => TpmiMlkemParms::MlKem1024,
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
        assert!(checks.passed() > 400, "{}", checks.passed());
    }
}
