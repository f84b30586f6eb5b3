//! Published vectors of RSA.

use alloc::vec::Vec;

use ironroot_wire::TpmiAlgHash;
use zeroize::Zeroizing;

use crate::{
    Drbg, Provider, Random,
    conformance::{Checks, Failure},
    rsa::{self, EncryptionScheme, RsaCrt, RsaPublic, SignatureScheme, oaep, pss},
    vectors::{algorithm as named, hex, rows},
};

pub(super) fn run(provider: &dyn Provider, checks: &mut Checks) -> Result<(), Failure> {
    verification(provider, checks)?;
    signatures(provider, checks)?;
    messages(provider, checks)?;
    generation(provider, checks)
}

/// NIST's signature verification.
fn verification(provider: &dyn Provider, checks: &mut Checks) -> Result<(), Failure> {
    for row in rows(include_str!("../../../vectors/rsa_verify.txt")) {
        let [scheme, hash, n, e, digest, signature, outcome] = row[..] else { return Err(malformed(&row)) };
        let scheme = signature_scheme(scheme, hash);
        let n = hex(n);
        let public = RsaPublic { n: &n, e: u32::from_str_radix(e, 16).unwrap_or_default() };
        let verified = rsa::verify(provider, public, scheme, &hex(digest), &hex(signature));
        checks.equal(format_args!("{row:?}"), verified.is_ok(), outcome == "P")?;
    }
    Ok(())
}

/// RSA Laboratories' signatures: the same bytes, and that they verify.
fn signatures(provider: &dyn Provider, checks: &mut Checks) -> Result<(), Failure> {
    for row in rows(include_str!("../../../vectors/rsa_sign.txt")) {
        let [scheme, hash, n, prime, digest, salt, signature] = row[..] else { return Err(malformed(&row)) };
        let what = format_args!("{row:?}");
        let (key, digest, expected) = (recovered(n, prime, checks)?, hex(digest), hex(signature));
        let private = checks.succeeds(what, provider.rsa_load(&key))?;
        let mut random = generator();
        let found = match signature_scheme(scheme, hash) {
            scheme @ SignatureScheme::Pkcs1(_) => rsa::sign(&*private, scheme, &digest, &mut random),
            SignatureScheme::Pss(hash) => {
                let encoded = pss::encode_with_salt(hash, &digest, private.size(), &hex(salt));
                let encoded = checks.succeeds(what, encoded)?;
                private.private(&encoded, &mut random).map(|signature| signature.to_vec())
            }
        };
        checks.equal(what, found, Ok(expected.clone()))?;
        let verified = rsa::verify(provider, key.public(), signature_scheme(scheme, hash), &digest, &expected);
        checks.equal(what, verified, Ok(()))?;
    }
    Ok(())
}

/// RSA Laboratories' messages: their decryption, and with a known seed their encryption.
fn messages(provider: &dyn Provider, checks: &mut Checks) -> Result<(), Failure> {
    for row in rows(include_str!("../../../vectors/rsa_decrypt.txt")) {
        let [scheme, hash, label, n, prime, message, seed, ciphertext] = row[..] else { return Err(malformed(&row)) };
        let what = format_args!("{row:?}");
        let (key, label) = (recovered(n, prime, checks)?, hex(label));
        let scheme = match scheme {
            "pkcs1" => EncryptionScheme::Pkcs1,
            _ => EncryptionScheme::Oaep { hash: named(hash), label: &label },
        };
        let private = checks.succeeds(what, provider.rsa_load(&key))?;
        let decrypted = rsa::decrypt(&*private, scheme, &hex(ciphertext), &mut generator());
        checks.equal(what, decrypted.map(|message| message.to_vec()), Ok(hex(message)))?;
        if seed != "-" {
            let seed = Zeroizing::new(hex(seed));
            let encoded = oaep::encode_with_seed(named(hash), &label, &hex(message), private.size(), seed);
            let encoded = checks.succeeds(what, encoded)?;
            checks.equal(what, provider.rsa_public(&key.n, key.e, &encoded), Ok(hex(ciphertext)))?;
        }
    }
    Ok(())
}

/// Keys that an independent program found from the same starts. If one of these fails, primary keys have changed.
fn generation(provider: &dyn Provider, checks: &mut Checks) -> Result<(), Failure> {
    for row in rows(include_str!("../../../vectors/rsa_generate.txt")) {
        let [bits, e, start_of_p, start_of_q, p, q] = row[..] else { return Err(malformed(&row)) };
        let what = format_args!("{row:?}");
        let mut random = Starts { starts: [hex(start_of_q), hex(start_of_p)].into(), rest: generator() };
        let (bits, e) = (bits.parse().unwrap_or_default(), u32::from_str_radix(e, 16).unwrap_or_default());
        let key = checks.succeeds(what, RsaCrt::generate(provider, &mut random, bits, e, &rsa::never))?;
        checks.equal(what, (&*key.p, &*key.q), (&hex(p), &hex(q)))?;
        checks.equal(what, RsaCrt::from_prime(&key.n, e, &key.q), Ok(key.clone()))?;
        let private = checks.succeeds(what, provider.rsa_load(&key))?;
        let scheme = SignatureScheme::Pss(TpmiAlgHash::Sha256);
        let signature = checks.succeeds(what, rsa::sign(&*private, scheme, &[7; 32], &mut generator()))?;
        checks.equal(what, rsa::verify(provider, key.public(), scheme, &[7; 32], &signature), Ok(()))?;
    }
    Ok(())
}

/// Gives the starts of the primes first, and then random bytes.
struct Starts {
    starts: Vec<Vec<u8>>,
    rest: Drbg,
}

impl Random for Starts {
    fn fill(&mut self, out: &mut [u8]) {
        match self.starts.pop() {
            Some(start) => out.iter_mut().zip(start).for_each(|(to, from)| *to = from),
            None => self.rest.fill(out),
        }
    }
}

fn generator() -> Drbg {
    Drbg::from_seed(b"rsa vectors", &[])
}

fn recovered(n: &str, prime: &str, checks: &mut Checks) -> Result<RsaCrt, Failure> {
    let key = RsaCrt::from_prime(&hex(n), rsa::DEFAULT_EXPONENT, &hex(prime));
    checks.succeeds(format_args!("the key of {n}"), key)
}

fn signature_scheme(scheme: &str, hash: &str) -> SignatureScheme {
    if scheme == "pkcs1" { SignatureScheme::Pkcs1(named(hash)) } else { SignatureScheme::Pss(named(hash)) }
}

fn malformed(row: &[&str]) -> Failure {
    Failure(alloc::format!("a malformed vector: {row:?}"))
}
