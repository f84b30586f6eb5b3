//! Two providers give the same RSA keys, signatures and messages.

use ironroot_wire::TpmiAlgHash;

use crate::{
    Drbg, Provider, Random,
    conformance::{Checks, Failure},
    rsa::{self, EncryptionScheme, RsaCrt, SignatureScheme},
};

/// Compares two providers: `rounds` keys of 1024 bits and a quarter as many of 2048, the same in every run.
///
/// # Errors
/// The first difference.
pub fn run(one: &dyn Provider, other: &dyn Provider, rounds: u32, checks: &mut Checks) -> Result<(), Failure> {
    for (bits, rounds) in [(1024, rounds), (2048, rounds.div_ceil(4))] {
        for round in 0..rounds {
            keys(one, other, bits, round, checks)?;
        }
    }
    Ok(())
}

fn keys(one: &dyn Provider, other: &dyn Provider, bits: u16, round: u32, checks: &mut Checks) -> Result<(), Failure> {
    let what = format_args!("{} and {}, RSA-{bits}, round {round}", one.name(), other.name());
    let random = || Drbg::from_seed(b"agreement", &[&bits.to_be_bytes(), &round.to_be_bytes()]);
    let key = checks.succeeds(what, RsaCrt::generate(one, &mut random(), bits, rsa::DEFAULT_EXPONENT, &rsa::never))?;
    let same =
        checks.succeeds(what, RsaCrt::generate(other, &mut random(), bits, rsa::DEFAULT_EXPONENT, &rsa::never))?;
    checks.holds(what, key == same)?;

    let (ours, theirs) = (checks.succeeds(what, one.rsa_load(&key))?, checks.succeeds(what, other.rsa_load(&key))?);
    let mut digest = [0; 32];
    random().fill(&mut digest);
    for scheme in [SignatureScheme::Pkcs1(TpmiAlgHash::Sha256), SignatureScheme::Pss(TpmiAlgHash::Sha256)] {
        let signature = checks.succeeds(what, rsa::sign(&*ours, scheme, &digest, &mut random()))?;
        checks.equal(what, rsa::sign(&*theirs, scheme, &digest, &mut random()), Ok(signature.clone()))?;
        checks.equal(what, rsa::verify(other, key.public(), scheme, &digest, &signature), Ok(()))?;
    }
    let scheme = EncryptionScheme::Oaep { hash: TpmiAlgHash::Sha256, label: b"SECRET\0" };
    let encrypted = checks.succeeds(what, rsa::encrypt(one, key.public(), scheme, &digest, &mut random()))?;
    let again = rsa::encrypt(other, key.public(), scheme, &digest, &mut random());
    checks.equal(what, again, Ok(encrypted.clone()))?;
    let decrypted = checks.succeeds(what, rsa::decrypt(&*theirs, scheme, &encrypted, &mut random()))?;
    checks.equal(what, &decrypted[..], &digest[..])
}
