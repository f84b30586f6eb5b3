//! Edge values, damaged messages and what must be refused.

use alloc::{vec, vec::Vec};

use ironroot_wire::TpmiAlgHash;
use zeroize::Zeroizing;

use crate::{
    CryptoError, Drbg, Provider, Random, RsaPrivateKey,
    conformance::{Checks, Failure},
    hash::digest,
    rsa::{self, EncryptionScheme, RsaCrt, RsaPublic, SignatureScheme, mgf, oaep, pss},
};

const HASHES: [TpmiAlgHash; 8] = [
    TpmiAlgHash::Sha1,
    TpmiAlgHash::Sha256,
    TpmiAlgHash::Sha384,
    TpmiAlgHash::Sha512,
    TpmiAlgHash::Sm3_256,
    TpmiAlgHash::Sha3_256,
    TpmiAlgHash::Sha3_384,
    TpmiAlgHash::Sha3_512,
];

const LABEL: &[u8] = b"DUPLICATE\0";

/// A key, prepared, and random bytes.
struct Bench<'a> {
    provider: &'a dyn Provider,
    key: RsaCrt,
    private: alloc::boxed::Box<dyn RsaPrivateKey>,
    random: Drbg,
}

pub(super) fn run(provider: &dyn Provider, checks: &mut Checks) -> Result<(), Failure> {
    for bits in [1024_u16, 2048] {
        let mut random = Drbg::from_seed(b"rsa edges", &[&bits.to_be_bytes()]);
        let key = RsaCrt::generate(provider, &mut random, bits, rsa::DEFAULT_EXPONENT, &rsa::never);
        let key = checks.succeeds(format_args!("generation"), key)?;
        let private = checks.succeeds(format_args!("loading"), provider.rsa_load(&key))?;
        let mut bench = Bench { provider, key, private, random };
        bench.numbers(checks)?;
        bench.refused_keys(checks)?;
        bench.signatures(checks)?;
        bench.messages(checks)?;
        bench.damaged_oaep(checks)?;
        bench.damaged_pkcs1(checks)?;
        bench.primality(checks)?;
    }
    Ok(())
}

impl Bench<'_> {
    fn size(&self) -> usize {
        self.key.n.len()
    }

    /// A number of the modulus's size.
    fn number(&self, low: u8) -> Vec<u8> {
        let mut number = vec![0; self.size()];
        if let Some(last) = number.last_mut() {
            *last = low;
        }
        number
    }

    /// The modulus, with something added to its (odd) last byte.
    fn modulus_and(&self, offset: u8) -> Vec<u8> {
        let mut number = self.key.n.clone();
        if let Some(last) = number.last_mut() {
            *last = last.wrapping_add(offset);
        }
        number
    }

    /// The ends of the range of both operations.
    fn numbers(&mut self, checks: &mut Checks) -> Result<(), Failure> {
        let (n, e) = (self.key.n.clone(), self.key.e);
        for fixed in [self.number(0), self.number(1), self.modulus_and(0xff)] {
            let what = format_args!("a number that is its own power");
            let private = self.private.private(&fixed, &mut self.random).map(|number| number.to_vec());
            checks.equal(what, private, Ok(fixed.clone()))?;
            checks.equal(what, self.provider.rsa_public(&n, e, &fixed), Ok(fixed))?;
        }
        for input in [self.number(2), self.modulus_and(0xfe), self.modulus_and(0xfd)] {
            let what = format_args!("the private operation undoes the public one");
            let public = checks.succeeds(what, self.provider.rsa_public(&n, e, &input))?;
            let back = self.private.private(&public, &mut self.random).map(|number| number.to_vec());
            checks.equal(what, back, Ok(input))?;
        }
        let long = [&[0], self.number(5).as_slice()].concat();
        let short = self.number(5).split_off(1);
        let mut above = self.number(0);
        above.fill(0xff);
        for refused in [n.clone(), above, long, short, Vec::new()] {
            let what = format_args!("a number that is not below the modulus, or of another size");
            let private = self.private.private(&refused, &mut self.random).map(|number| number.to_vec());
            checks.equal(what, private, Err(CryptoError::Value))?;
            checks.equal(what, self.provider.rsa_public(&n, e, &refused), Err(CryptoError::Value))?;
        }
        let input = self.number(5);
        for exponent in [0, 1, 2, 65_536] {
            let what = format_args!("exponent {exponent}");
            checks.equal(what, self.provider.rsa_public(&n, exponent, &input), Err(CryptoError::Value))?;
        }
        let expected = (0..3).fold(1_u8, |power, _| power.wrapping_mul(5));
        checks.equal(format_args!("5 ^ 3"), self.provider.rsa_public(&n, 3, &input), Ok(self.number(expected)))?;
        let even = self.modulus_and(1);
        checks.equal(format_args!("even"), self.provider.rsa_public(&even, e, &input), Err(CryptoError::Value))?;
        let small = self.number(15);
        let low = self.number(5);
        checks.equal(format_args!("small"), self.provider.rsa_public(&small, e, &low), Err(CryptoError::Value))?;
        for size in [0, 1, 64, 127, 129, 1024] {
            let what = format_args!("a modulus of {size} bytes");
            let found = self.provider.rsa_public(&vec![0xff; size], e, &vec![1; size]);
            checks.equal(what, found, Err(CryptoError::Unsupported))?;
        }
        Ok(())
    }

    /// Numbers that do not belong together: either not loaded, or no result.
    fn refused_keys(&mut self, checks: &mut Checks) -> Result<(), Failure> {
        let flip = |number: &[u8]| {
            let mut changed = Zeroizing::new(number.to_vec());
            if let Some(byte) = changed.get_mut(20) {
                *byte ^= 1;
            }
            changed
        };
        let key = &self.key;
        let unloadable = [
            RsaCrt { n: flip(&key.n).to_vec(), ..key.clone() },
            RsaCrt { p: flip(&key.p), ..key.clone() },
            RsaCrt { q: flip(&key.q), ..key.clone() },
            RsaCrt { e: 65_536, ..key.clone() },
            RsaCrt { e: 1, ..key.clone() },
            RsaCrt { dp: Zeroizing::new(key.dp.iter().skip(1).copied().collect()), ..key.clone() },
            RsaCrt { p: key.q.clone(), q: Zeroizing::new(Vec::new()), ..key.clone() },
        ];
        for (index, key) in unloadable.iter().enumerate() {
            let what = format_args!("unloadable key {index}");
            checks.equal(what, self.provider.rsa_load(key).err(), Some(CryptoError::Key))?;
        }
        let faulty = [
            RsaCrt { dp: flip(&key.dp), ..key.clone() },
            RsaCrt { dq: flip(&key.dq), ..key.clone() },
            RsaCrt { qinv: flip(&key.qinv), ..key.clone() },
            RsaCrt { e: 65_539, ..key.clone() },
        ];
        let input = self.number(77);
        for (index, key) in faulty.iter().enumerate() {
            // A result with one wrong half would give the primes away.
            let what = format_args!("faulty key {index}");
            let private = checks.succeeds(what, self.provider.rsa_load(key))?;
            let found = private.private(&input, &mut self.random).map(|number| number.to_vec());
            checks.equal(what, found, Err(CryptoError::Internal))?;
        }
        Ok(())
    }

    fn signatures(&mut self, checks: &mut Checks) -> Result<(), Failure> {
        for hash in HASHES {
            for scheme in [SignatureScheme::Pkcs1(hash), SignatureScheme::Pss(hash)] {
                let what = format_args!("{} bytes, {scheme:?}", self.size());
                let message = digest(hash, &[b"message"]).to_vec();
                let signature = rsa::sign(&*self.private, scheme, &message, &mut self.random);
                let signature = checks.succeeds(what, signature)?;
                let verify = |public: RsaPublic<'_>, digest: &[u8], signature: &[u8]| {
                    rsa::verify(self.provider, public, scheme, digest, signature)
                };
                let public = self.key.public();
                checks.equal(what, verify(public, &message, &signature), Ok(()))?;
                for at in [0, self.size() / 2, self.size().saturating_sub(1)] {
                    let mut changed = signature.clone();
                    changed.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 1);
                    checks.equal(what, verify(public, &message, &changed), Err(CryptoError::Invalid))?;
                }
                let other = digest(hash, &[b"other"]);
                checks.equal(what, verify(public, &other, &signature), Err(CryptoError::Invalid))?;
                checks.equal(what, verify(public, &[], &signature), Err(CryptoError::Value))?;
                for refused in [&[][..], &[&[0], signature.as_slice()].concat(), &self.key.n] {
                    checks.equal(what, verify(public, &message, refused), Err(CryptoError::Invalid))?;
                }
            }
            let scheme = match hash {
                TpmiAlgHash::Sha256 => SignatureScheme::Pkcs1(TpmiAlgHash::Sha3_256),
                _ => SignatureScheme::Pkcs1(TpmiAlgHash::Sha256),
            };
            let what = format_args!("a digest of another hash");
            if hash.digest_size() != 32 {
                let message = digest(hash, &[b"message"]).to_vec();
                let found = rsa::sign(&*self.private, scheme, &message, &mut self.random);
                checks.equal(what, found, Err(CryptoError::Value))?;
            }
            self.salts(hash, checks)?;
        }
        Ok(())
    }

    /// A salt of any length verifies; ours is the longest that FIPS 186-5 allows.
    fn salts(&mut self, hash: TpmiAlgHash, checks: &mut Checks) -> Result<(), Failure> {
        let what = format_args!("{} bytes, {hash:?}", self.size());
        let room = self.size().saturating_sub(hash.digest_size()).saturating_sub(2);
        checks.equal(what, pss::salt_size(hash, self.size()), Ok(room.min(hash.digest_size())))?;
        let message = digest(hash, &[b"message"]);
        for size in [0, 1, 20, room] {
            let encoded = pss::encode_with_salt(hash, &message, self.size(), &vec![0; size]);
            let encoded = checks.succeeds(what, encoded)?;
            let signature = checks.succeeds(what, self.private.private(&encoded, &mut self.random))?;
            let scheme = SignatureScheme::Pss(hash);
            let verified = rsa::verify(self.provider, self.key.public(), scheme, &message, &signature);
            checks.equal(what, verified, Ok(()))?;
        }
        let long = vec![0; room.saturating_add(1)];
        let found = pss::encode_with_salt(hash, &message, self.size(), &long);
        checks.equal(what, found, Err(CryptoError::Value))
    }

    fn messages(&mut self, checks: &mut Checks) -> Result<(), Failure> {
        let oaep = |hash| EncryptionScheme::Oaep { hash, label: LABEL };
        let size = self.size();
        let mut cases = vec![(EncryptionScheme::Pkcs1, size.saturating_sub(11))];
        cases.extend(HASHES.into_iter().filter_map(|hash| Some((oaep(hash), oaep::max_message_size(hash, size)?))));
        for (scheme, longest) in cases {
            for length in [0, 1, 16, longest] {
                let what = format_args!("{size} bytes, {scheme:?}, {length}");
                let message: Vec<u8> = (0..=255).cycle().take(length.min(longest)).collect();
                let public = self.key.public();
                let encrypted = rsa::encrypt(self.provider, public, scheme, &message, &mut self.random);
                let encrypted = checks.succeeds(what, encrypted)?;
                let decrypted = rsa::decrypt(&*self.private, scheme, &encrypted, &mut self.random);
                checks.equal(what, decrypted.map(|message| message.to_vec()), Ok(message))?;
            }
            let what = format_args!("{size} bytes, {scheme:?}, too long");
            let message = vec![1; longest.saturating_add(1)];
            let found = rsa::encrypt(self.provider, self.key.public(), scheme, &message, &mut self.random);
            checks.equal(what, found, Err(CryptoError::Value))?;
        }
        // Unpadded: a shorter message is the same number, what comes back has the size of the modulus.
        let what = format_args!("unpadded");
        let scheme = EncryptionScheme::Raw;
        let encrypted = rsa::encrypt(self.provider, self.key.public(), scheme, &[9], &mut self.random);
        let encrypted = checks.succeeds(what, encrypted)?;
        let decrypted = rsa::decrypt(&*self.private, scheme, &encrypted, &mut self.random);
        checks.equal(what, decrypted.map(|message| message.to_vec()), Ok(self.number(9)))?;
        let n = self.key.n.clone();
        let found = rsa::encrypt(self.provider, self.key.public(), scheme, &n, &mut self.random);
        checks.equal(what, found, Err(CryptoError::Value))?;
        let found = rsa::decrypt(&*self.private, scheme, &n, &mut self.random).map(|message| message.to_vec());
        checks.equal(what, found, Err(CryptoError::Value))
    }

    /// Decrypts what an attacker padded as they liked.
    fn decrypted(
        &mut self,
        scheme: EncryptionScheme<'_>,
        encoded: &[u8],
        checks: &mut Checks,
    ) -> Result<Result<Vec<u8>, CryptoError>, Failure> {
        let encrypted = self.provider.rsa_public(&self.key.n, self.key.e, encoded);
        let encrypted = checks.succeeds(format_args!("encryption of a damaged padding"), encrypted)?;
        Ok(rsa::decrypt(&*self.private, scheme, &encrypted, &mut self.random).map(|message| message.to_vec()))
    }

    fn damaged_oaep(&mut self, checks: &mut Checks) -> Result<(), Failure> {
        let hash = TpmiAlgHash::Sha256;
        let scheme = EncryptionScheme::Oaep { hash, label: LABEL };
        // EM = first || masked seed || masked (label hash || tail)
        let encoded = |first: u8, label: &[u8], tail: &[u8]| {
            let mut seed = vec![0x5a; hash.digest_size()];
            let mut db = [&digest(hash, &[label]), tail].concat();
            mgf::mask(hash, &seed, &mut db);
            mgf::mask(hash, &db, &mut seed);
            [&[first], seed.as_slice(), db.as_slice()].concat()
        };
        let room = self.size().saturating_sub(hash.digest_size().saturating_mul(2)).saturating_sub(1);
        let tail = |start: &[u8]| {
            let mut tail = start.to_vec();
            tail.resize(room, 0x77);
            tail
        };
        let zeros = vec![0; room];
        let good = encoded(0, LABEL, &tail(&[0, 0, 1]));
        let what = format_args!("a good padding");
        let found = self.decrypted(scheme, &good, checks)?;
        checks.holds(what, found.is_ok())?;
        let damaged = [
            ("first octet", encoded(1, LABEL, &tail(&[0, 0, 1]))),
            ("label", encoded(0, b"DUPLICATE", &tail(&[0, 0, 1]))),
            ("padding", encoded(0, LABEL, &tail(&[0, 2, 1]))),
            ("padding's first octet", encoded(0, LABEL, &tail(&[2, 0, 1]))),
            ("no separator", encoded(0, LABEL, &zeros)),
            ("all", encoded(1, b"", &zeros)),
            ("nothing", self.number(0)),
        ];
        for (what, encoded) in damaged {
            let found = self.decrypted(scheme, &encoded, checks)?;
            checks.equal(format_args!("OAEP: {what}"), found, Err(CryptoError::Invalid))?;
        }
        Ok(())
    }

    fn damaged_pkcs1(&mut self, checks: &mut Checks) -> Result<(), Failure> {
        let encoded = |start: &[u8], padding: usize, end: &[u8]| {
            let mut encoded = start.to_vec();
            encoded.resize(start.len().saturating_add(padding), 0x77);
            encoded.extend_from_slice(end);
            encoded.resize(self.size(), 0x66);
            encoded
        };
        let cases = [
            ("good", true, encoded(&[0, 2], 8, &[0])),
            ("second octet", false, encoded(&[0, 1], 8, &[0])),
            ("first octet", false, encoded(&[1, 2], 8, &[0])),
            ("short padding", false, encoded(&[0, 2], 7, &[0])),
            ("short padding, another zero", false, encoded(&[0, 2], 7, &[0, 1, 0])),
            ("no padding", false, encoded(&[0, 2], 0, &[0])),
            ("no separator", false, encoded(&[0, 2], 8, &[1])),
            ("nothing", false, self.number(0)),
        ];
        for (what, good, encoded) in cases {
            let found = self.decrypted(EncryptionScheme::Pkcs1, &encoded, checks)?;
            let what = format_args!("PKCS #1 v1.5: {what}");
            if good {
                checks.holds(what, found.is_ok())?;
            } else {
                checks.equal(what, found, Err(CryptoError::Invalid))?;
            }
        }
        Ok(())
    }

    /// The test for primes: the place of the first, products of primes, bad arguments.
    fn primality(&mut self, checks: &mut Checks) -> Result<(), Failure> {
        let (p, q) = (self.key.p.clone(), self.key.q.clone());
        let composite = |prime: &[u8]| {
            let mut number = Zeroizing::new(prime.to_vec());
            number.iter_mut().rev().skip(1).take(1).for_each(|byte| *byte ^= 1);
            number
        };
        let bases: Vec<_> = (0..5)
            .map(|_| {
                let mut base = Zeroizing::new(vec![0; p.len()]);
                self.random.fill(&mut base);
                base.iter_mut().take(1).for_each(|byte| *byte &= 0x7f);
                base
            })
            .collect();
        let (no, another) = (composite(&p), composite(&q));
        let what = format_args!("the first prime");
        let cases = [
            (vec![], None),
            (vec![&no], None),
            (vec![&p], Some(0)),
            (vec![&no, &p], Some(1)),
            (vec![&p, &no], Some(0)),
            (vec![&no, &another, &q], Some(2)),
            (vec![&no, &another, &no, &p, &q], Some(3)),
            (vec![&no, &another, &no], None),
        ];
        for (candidates, expected) in cases {
            let candidates: Vec<_> = candidates.into_iter().cloned().collect();
            checks.equal(what, self.provider.first_prime(&candidates, &bases), Ok(expected))?;
        }
        let what = format_args!("bad arguments");
        let mut one_modulo_four = p.clone();
        one_modulo_four.iter_mut().rev().take(1).for_each(|byte| *byte ^= 2);
        let mut without_top = p.clone();
        without_top.iter_mut().take(1).for_each(|byte| *byte &= 0x7f);
        for candidate in [one_modulo_four, without_top] {
            checks.equal(what, self.provider.first_prime(&[candidate], &bases), Err(CryptoError::Value))?;
        }
        let mut small = vec![0; p.len()];
        small.iter_mut().rev().take(1).for_each(|byte| *byte = 1);
        for base in [vec![0; p.len()], small, vec![0xff; p.len()], vec![3]] {
            let found = self.provider.first_prime(core::slice::from_ref(&p), &[Zeroizing::new(base)]);
            checks.equal(what, found, Err(CryptoError::Value))?;
        }
        checks.equal(what, self.provider.first_prime(core::slice::from_ref(&p), &[]), Err(CryptoError::Value))
    }
}
