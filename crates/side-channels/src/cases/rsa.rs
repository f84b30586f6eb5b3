//! RSA: preparing a key, the private operation in each scheme, and the search for primes.

use ironroot_crypto::{
    CryptoError, Provider, Random, RsaPrivateKey,
    rsa::{self, DEFAULT_EXPONENT, EncryptionScheme, RsaCrt, SignatureScheme, oaep, prime},
};
use ironroot_wire::TpmiAlgHash;
use zeroize::Zeroizing;

use super::List;
use crate::{Numbers, Secrets, memcheck};

const HASH: TpmiAlgHash = TpmiAlgHash::Sha256;
/// The label of OAEP.
pub const LABEL: &[u8] = b"LABEL\0";
/// OAEP as the cases use it.
pub const OAEP: EncryptionScheme<'_> = EncryptionScheme::Oaep { hash: HASH, label: LABEL };

/// The modulus and a prime of a key that is for tests alone.
#[must_use]
pub fn key_bytes() -> (Vec<u8>, Vec<u8>) {
    let mut lines = include_str!("../../keys/rsa2048.txt").lines().filter(|line| !line.starts_with('#'));
    let mut next = || {
        let digits = lines.next().unwrap_or_default();
        (0..digits.len() / 2).filter_map(|at| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).ok()).collect()
    };
    (next(), next())
}

/// The numbers of that key.
#[must_use]
pub fn key() -> RsaCrt {
    let (modulus, prime) = key_bytes();
    RsaCrt::from_prime(&modulus, DEFAULT_EXPONENT, &prime).expect("the key is one")
}

/// The key with its private numbers marked, prepared by the provider.
fn marked(provider: &dyn Provider) -> Box<dyn RsaPrivateKey> {
    let key = key();
    for number in [&key.p, &key.q, &key.dp, &key.dq, &key.qinv] {
        memcheck::secret(number);
    }
    let loaded = provider.rsa_load(&key);
    loaded.expect("the key is one")
}

/// What OAEP's encoding can have wrong with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Padding {
    /// Nothing.
    Valid,
    /// The first octet is not zero.
    FirstOctet,
    /// The label is another.
    Label,
    /// No octet 1 ends the padding.
    Separator,
    /// An octet of the padding is neither 0 nor 1.
    Filling,
}

/// Every kind of wrong padding.
pub const WRONG: [Padding; 4] = [Padding::FirstOctet, Padding::Label, Padding::Separator, Padding::Filling];

/// A ciphertext whose padding is of this kind. The message has 16 bytes.
#[must_use]
pub fn ciphertext(provider: &dyn Provider, padding: Padding, random: &mut dyn Random) -> Vec<u8> {
    let (modulus, _) = key_bytes();
    let (size, digest) = (modulus.len(), HASH.digest_size());
    let mut message = vec![0; 16];
    random.fill(&mut message);
    let mut seed = Zeroizing::new(vec![0; digest]);
    random.fill(&mut seed);
    // Unmasked: lHash, zeros, 1, message. Made anew where the padding is wrong, because the masks depend on it.
    let mut db = ironroot_crypto::digest(HASH, &[LABEL]).to_vec();
    let zeros = oaep::max_message_size(HASH, size).unwrap_or_default() - message.len();
    db.extend(std::iter::repeat_n(0, zeros));
    db.push(1);
    db.extend_from_slice(&message);
    match padding {
        Padding::Valid | Padding::FirstOctet => {}
        Padding::Label => db[0] ^= 1,
        Padding::Separator => db[digest..].fill(0),
        Padding::Filling => db[digest + 3] = 2,
    }
    rsa::mgf::mask(HASH, &seed, &mut db);
    rsa::mgf::mask(HASH, &db, &mut seed);
    // A first octet of 1 keeps the number below the modulus.
    let encoded = [&[u8::from(padding == Padding::FirstOctet)], seed.as_slice(), &db].concat();
    provider.rsa_public(&modulus, DEFAULT_EXPONENT, &encoded).expect("the number is below the modulus")
}

fn decrypt(provider: &dyn Provider, scheme: EncryptionScheme<'_>, ciphertext: &[u8]) -> Result<(), CryptoError> {
    let key = marked(provider);
    let message = rsa::decrypt(key.as_ref(), scheme, ciphertext, &mut Secrets::new());
    message.map(|message| memcheck::public(&message))
}

fn sign(provider: &dyn Provider, scheme: SignatureScheme, public_requests: usize) {
    let key = marked(provider);
    let signature = rsa::sign(key.as_ref(), scheme, &[7; 32], &mut Secrets::after(public_requests));
    memcheck::public(&signature.expect("the digest fits"));
}

pub(super) fn list(all: &mut List, name: &str, provider: &'static dyn Provider) {
    all.add(format!("{name}/RSA-2048/prepare"), move || drop(marked(provider)));
    all.add(format!("{name}/RSA-2048/sign PKCS #1"), move || sign(provider, SignatureScheme::Pkcs1(HASH), 0));
    all.add(format!("{name}/RSA-2048/sign PSS"), move || sign(provider, SignatureScheme::Pss(HASH), 1));
    all.add(format!("{name}/RSA-2048/decrypt OAEP"), move || {
        let ciphertext = ciphertext(provider, Padding::Valid, &mut Numbers::new("oaep"));
        decrypt(provider, OAEP, &ciphertext).expect("the padding is right");
    });
    for padding in WRONG {
        all.add(format!("{name}/RSA-2048/decrypt OAEP, wrong {padding:?}"), move || {
            let ciphertext = ciphertext(provider, padding, &mut Numbers::new("oaep"));
            assert_eq!(memcheck::released(decrypt(provider, OAEP, &ciphertext)), Err(CryptoError::Invalid));
        });
    }
    all.add(format!("{name}/RSA-2048/decrypt PKCS #1"), move || {
        let public = rsa::RsaPublic { n: &key_bytes().0, e: DEFAULT_EXPONENT };
        let scheme = EncryptionScheme::Pkcs1;
        let ciphertext = rsa::encrypt(provider, public, scheme, b"message", &mut Numbers::new("pkcs1"));
        decrypt(provider, scheme, &ciphertext.expect("it fits")).expect("the padding is right");
    });
    all.add(format!("{name}/RSA-2048/decrypt PKCS #1, wrong"), move || {
        let result = decrypt(provider, EncryptionScheme::Pkcs1, &[5; 256]);
        assert_eq!(memcheck::released(result), Err(CryptoError::Invalid));
    });
    all.add(format!("{name}/RSA-2048/decrypt raw"), move || {
        decrypt(provider, EncryptionScheme::Raw, &[5; 256]).expect("there is no padding");
    });
    if name == "portable" {
        // The same code on both.
        all.add("both/RSA-2048/key from a prime", || {
            let (modulus, prime) = key_bytes();
            memcheck::secret(&prime);
            drop(RsaCrt::from_prime(&modulus, DEFAULT_EXPONENT, &prime).expect("the key is one"));
        });
    }
    all.add(format!("{name}/RSA-1024/search for a prime"), move || {
        let mut numbers = Numbers::new("prime");
        let bases = prime::bases(&mut numbers, 64);
        let start = prime::start(Zeroizing::new(numbers.bytes(64)));
        memcheck::secret(&start);
        let found = prime::search(provider, &start, DEFAULT_EXPONENT, &bases, &rsa::never);
        drop(found.expect("the numbers are candidates").expect("there is one"));
    });
}
