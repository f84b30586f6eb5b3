//! Keys that both TPMs are given, so that their results can be compared byte by byte.

use crate::{
    bytes::{Bytes, unhex},
    dice::Dice,
    public::{self, *},
};

/// An RSA key that OpenSSL generated for these tests: the modulus and a prime.
const RSA_N: &str = "c568ece565204ea1686705cb4a476afbdb48eb4c5c86bffbe328c1bd01bea66125de09a08dd837d34ee6d93df61c9ebf\
    7a6e94f6f2cd2d679cbbceb6d239fea9cea7364a02eaba3bf4bcb76c2cdff7889c716599491637a14f4094450beb5424\
    f4d4be028aae4706fbcfa50fc893fa46a652cd38344d99fa85e6bbc1cf4a7e685e31fbb9ba4fc827d599362240ef283a\
    7309c95d4e13f983e5d8ed23ec30c355717ff8f15165b406af73c1c88d6e2b664cab8ed1028c4b42cc21fb6135ff5a2b\
    9ef280284363383cc611225a1b00cb3ea8ad73d2f16a951a394adc5d191e60ac84a3d18995fe9f5a493e005677100e0d\
    9004c6ee6051c9971106c3c113060193";
const RSA_P: &str = "ea3167160d05a7eb1a985f14c1c9c3565a7aea312058aad62afed32762f969bc039e3c7c3d700f310e4bc4dc365b8a8a\
    932a1c2eef11284dd4c94d62f7e9c5dfef9f1a35bff699ea6cf0bc3714abef29ba29521eeab0b25f1ce55904a26c24b8\
    bf48aafed848468368c3bdce2e7361e7aeeab984969639a3c3f2125d81eb978d";

/// The keys of RFC 6979, A.2.5 to A.2.7: curve, d, x, y.
const CURVES: [(u16, &str, &str, &str); 3] = [
    (
        3,
        "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721",
        "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6",
        "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299",
    ),
    (
        4,
        "6b9d3dad2e1b8c1c05b19875b6659f4de23c3b667bf297ba9aa47740787137d896d5724e4c70a825f872c9ea60d2edf5",
        "ec3a4e415b4e19a4568618029f427fa5da9a8bc4ae92e02e06aae5286b300c64def8f0ea9055866064a254515480bc13",
        "8015d9b72d7d57244ea8ef9ac0c621896708a59367f9dfb9f54ca84b3f1c9db1288b231c3ae0d4fe7344fd2533264720",
    ),
    (
        5,
        "00fad06daa62ba3b25d2fb40133da757205de67f5bb0018fee8c86e1b68c7e75caa896eb32f1f47c70855836a6d16fcc1466f6d8fbec67db89ec0c08b0e996b83538",
        "01894550d0785932e00eaa23b694f213f8c3121f86dc97a04e5a7167db4e5bcd371123d46e45db6b5d5370a7f20fb633155d38ffa16d2bd761dcac474b9a2f5023a4",
        "00493101c962cd4d2fddf782285e64584139c2f91b47f87ff82354d6630f746a28a0db25741b5b34a828008b22acc23f924faafbd4d33f81ea66956dfeaa2bfdfcf5",
    ),
];

/// The curves of [`ecc`], as it numbers them, and their identifiers.
pub fn curves() -> impl Iterator<Item = (usize, u16)> {
    CURVES.iter().map(|curve| curve.0).enumerate()
}

/// A key: its public area and its `TPMT_SENSITIVE`.
#[derive(Debug, Clone)]
pub struct Key {
    pub public: Public,
    pub auth: Vec<u8>,
    pub seed: Vec<u8>,
    pub secret: Vec<u8>,
}

impl Key {
    /// `TPMT_SENSITIVE`.
    pub fn sensitive(&self) -> Vec<u8> {
        Bytes::new().u16(self.public.alg).sized(&self.auth).sized(&self.seed).sized(&self.secret).0
    }

    /// With another name algorithm, which a symmetric key's unique value depends on.
    pub fn named(mut self, name_alg: u16) -> Self {
        self.public.name_alg = name_alg;
        self.bind()
    }

    fn bind(mut self) -> Self {
        if matches!(self.public.alg, KEYEDHASH | SYMCIPHER) {
            self.seed.resize(digest_size(self.public.name_alg), 9);
            let unique = if self.public.is_parent() {
                // As libtpms wants it; the specification's form is in the rules.
                public::hash(self.public.name_alg)
                    .map_or_else(Vec::new, |alg| ironroot_crypto::hmac(alg, &self.seed, &[&self.secret]).to_vec())
            } else {
                digest(self.public.name_alg, &[&self.seed, &self.secret])
            };
            self.public.unique = Bytes::new().sized(&unique).0;
        }
        self
    }
}

fn key(public: Public, secret: Vec<u8>) -> Key {
    Key { public, auth: Vec::new(), seed: Vec::new(), secret }.bind()
}

/// The RSA key with a scheme.
pub fn rsa(attributes: u32, sym: Option<u16>, scheme: u16, hash: u16) -> Key {
    let mut public = public::rsa(attributes, sym, scheme, hash, 2048);
    public.unique = Bytes::new().sized(&unhex(RSA_N)).0;
    key(public, unhex(RSA_P))
}

/// The key on a curve.
pub fn ecc(attributes: u32, sym: Option<u16>, scheme: u16, hash: u16, curve: usize) -> Key {
    let (id, d, x, y) = CURVES[curve % CURVES.len()];
    let mut public = public::ecc(attributes, sym, scheme, hash, id);
    public.unique = Bytes::new().sized(&unhex(x)).sized(&unhex(y)).0;
    key(public, unhex(d))
}

pub fn hmac(attributes: u32, hash: u16) -> Key {
    key(public::keyedhash(attributes, HMAC, hash), vec![0x6B; digest_size(hash)])
}

pub fn sealed(attributes: u32, data: &[u8]) -> Key {
    key(public::keyedhash(attributes, NULL, SHA256), data.to_vec())
}

pub fn derivation(attributes: u32, hash: u16) -> Key {
    key(public::keyedhash(attributes, XOR, hash), vec![0x7D; 32])
}

pub fn cipher(attributes: u32, alg: u16, bits: u16, mode: u16) -> Key {
    key(public::symcipher(attributes, alg, bits, mode), vec![0x35; usize::from(bits / 8)])
}

/// One of the keys, with a use that fits it, on one of these curves.
pub fn any(dice: &mut Dice, curves: &[usize]) -> Key {
    use attributes::{DECRYPT, NO_DA, SIGN, USER_WITH_AUTH};
    let mut plain = USER_WITH_AUTH;
    if !dice.one_in(4) {
        plain |= NO_DA;
    }
    let uses = dice.pick(&[SIGN, DECRYPT, SIGN | DECRYPT]);
    let hash = dice.pick(&HASHES);
    let key = match dice.below(12) {
        0..=1 if uses == SIGN => rsa(plain | SIGN, None, dice.pick(&[NULL, RSASSA, RSAPSS]), hash),
        0..=1 if uses == DECRYPT => rsa(plain | DECRYPT, None, dice.pick(&[NULL, RSAES, OAEP]), hash),
        0..=1 => rsa(plain | uses, None, NULL, hash),
        2..=5 if uses == SIGN => ecc(plain | SIGN, None, dice.pick(&[NULL, ECDSA]), hash, dice.pick(curves)),
        2..=5 if uses == DECRYPT => ecc(plain | DECRYPT, None, dice.pick(&[NULL, ECDH]), hash, dice.pick(curves)),
        2..=5 => ecc(plain | uses, None, NULL, hash, dice.pick(curves)),
        6..=7 => {
            let mut key = hmac(plain | SIGN, hash);
            if dice.one_in(3) {
                key.public = public::keyedhash(plain | SIGN, NULL, hash);
            }
            key
        }
        8 => sealed(plain, &dice.bytes(20)),
        _ => {
            let mode = dice.pick(&[NULL, 0x40, 0x41, 0x42, 0x43, 0x44]);
            cipher(plain | dice.pick(&[SIGN, DECRYPT, SIGN | DECRYPT]), AES, dice.pick(&[128, 256]), mode)
        }
    };
    let name_alg = dice.pick(&[SHA256, SHA256, SHA256, SHA1, SHA384, SHA512]);
    let mut key = key.named(name_alg);
    if dice.flag() {
        let size = dice.below(10);
        key.auth = auth(dice, size);
    }
    key
}

/// An auth value, which does not end with 0.
pub fn auth(dice: &mut Dice, size: usize) -> Vec<u8> {
    dice.bytes(size).iter().map(|byte| byte | 1).collect()
}
