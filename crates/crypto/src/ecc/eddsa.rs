//! EdDSA (RFC 8032): Ed25519 and Ed448, pure, with a context, and of a message that was hashed before.
//!
//! Signatures are deterministic. Verification checks `S * B - k * A = R` on encodings (without the cofactor, as RFC 8032
//! allows), demands canonical encodings of the public key and of S, and so gives one answer on every provider.

use alloc::vec::Vec;

use ironroot_wire::{TpmEccCurve, TpmiAlgHash};
use zeroize::Zeroizing;

use super::edwards::{Curve448, Curve25519, Group};
use crate::{CryptoError, Hasher, Shake256, digest, shake::shake256};

/// Bytes of a prehashed message (RFC 8032, 5.1 and 5.2), whichever curve: SHA-512 or 64 bytes of SHAKE256.
pub const PREHASH_SIZE: usize = 64;
/// The longest context.
pub const MAX_CONTEXT: usize = 255;

/// Bytes of a private key, of a public key and of each half of a signature.
///
/// # Errors
/// [`CryptoError::Unsupported`] on a curve that EdDSA does not use.
pub fn key_size(curve: TpmEccCurve) -> Result<usize, CryptoError> {
    match curve {
        TpmEccCurve::Curve25519 => Ok(Curve25519::SIZE),
        TpmEccCurve::Curve448 => Ok(Curve448::SIZE),
        _ => Err(CryptoError::Unsupported),
    }
}

/// What is signed besides the message: whether that is its hash, and a context.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Domain<'a> {
    /// Whether the message is a hash of [`PREHASH_SIZE`] bytes (HashEdDSA).
    pub prehashed: bool,
    /// The context, at most [`MAX_CONTEXT`] bytes; a context makes Ed25519 the Ed25519ctx of RFC 8032.
    pub context: &'a [u8],
}

impl Domain<'_> {
    /// PureEdDSA without a context: Ed25519 and Ed448.
    pub const PURE: Self = Self { prehashed: false, context: &[] };
    /// HashEdDSA without a context: Ed25519ph and Ed448ph.
    pub const PREHASHED: Self = Self { prehashed: true, context: &[] };

    /// # Errors
    /// [`CryptoError::Value`] if the message should be a hash and is not, or the context is too long.
    fn check(&self, message: &[u8]) -> Result<(), CryptoError> {
        let hashed = !self.prehashed || message.len() == PREHASH_SIZE;
        if hashed && self.context.len() <= MAX_CONTEXT { Ok(()) } else { Err(CryptoError::Value) }
    }

    /// `dom2` or `dom4` (RFC 8032, 2): nothing for Ed25519 itself.
    fn prefix(&self, curve: TpmEccCurve) -> Result<Vec<u8>, CryptoError> {
        let name: &[u8] = match curve {
            TpmEccCurve::Curve25519 if !self.prehashed && self.context.is_empty() => return Ok(Vec::new()),
            TpmEccCurve::Curve25519 => b"SigEd25519 no Ed25519 collisions",
            TpmEccCurve::Curve448 => b"SigEd448",
            _ => return Err(CryptoError::Unsupported),
        };
        let length = u8::try_from(self.context.len()).map_err(|_| CryptoError::Value)?;
        Ok([name, &[u8::from(self.prehashed), length], self.context].concat())
    }
}

/// The hash of a message for HashEdDSA.
///
/// # Errors
/// [`CryptoError::Unsupported`] on a curve that EdDSA does not use.
pub fn prehash(curve: TpmEccCurve, message: &[u8]) -> Result<[u8; PREHASH_SIZE], CryptoError> {
    let mut hash = Prehash::new(curve)?;
    hash.update(message);
    Ok(hash.finish())
}

/// The running hash of a curve: SHA-512 or SHAKE256.
#[derive(Debug, Clone)]
enum Hash {
    Sha512(Hasher),
    Shake256(Shake256),
}

impl Hash {
    fn new(curve: TpmEccCurve) -> Result<Self, CryptoError> {
        match curve {
            TpmEccCurve::Curve25519 => Ok(Self::Sha512(Hasher::new(TpmiAlgHash::Sha512))),
            TpmEccCurve::Curve448 => Ok(Self::Shake256(Shake256::new())),
            _ => Err(CryptoError::Unsupported),
        }
    }

    fn update(&mut self, data: &[u8]) {
        match self {
            Self::Sha512(hash) => hash.update(data),
            Self::Shake256(hash) => hash.update(data),
        }
    }

    fn finish<const N: usize>(self) -> [u8; N] {
        let mut out = [0; N];
        match self {
            Self::Sha512(hash) => out.iter_mut().zip(hash.finish().iter()).for_each(|(to, from)| *to = *from),
            Self::Shake256(hash) => hash.finish(&mut out),
        }
        out
    }

    fn save(&self) -> Zeroizing<Vec<u8>> {
        match self {
            Self::Sha512(hash) => hash.save(),
            Self::Shake256(hash) => hash.save(),
        }
    }

    fn restore(curve: TpmEccCurve, saved: &[u8]) -> Result<Self, CryptoError> {
        match curve {
            TpmEccCurve::Curve25519 => Hasher::restore(TpmiAlgHash::Sha512, saved).map(Self::Sha512),
            TpmEccCurve::Curve448 => Shake256::restore(saved).map(Self::Shake256),
            _ => Err(CryptoError::Unsupported),
        }
    }
}

/// The running hash of a message for HashEdDSA.
#[derive(Debug, Clone)]
pub struct Prehash(Hash);

impl Prehash {
    /// Starts.
    ///
    /// # Errors
    /// [`CryptoError::Unsupported`] on a curve that EdDSA does not use.
    pub fn new(curve: TpmEccCurve) -> Result<Self, CryptoError> {
        Hash::new(curve).map(Self)
    }

    /// Adds a part of the message.
    pub fn update(&mut self, data: &[u8]) {
        self.0.update(data);
    }

    /// The hash.
    #[must_use]
    pub fn finish(self) -> [u8; PREHASH_SIZE] {
        self.0.finish()
    }

    /// The state, for [`Self::restore`] by the same release.
    #[must_use]
    pub fn save(&self) -> Zeroizing<Vec<u8>> {
        self.0.save()
    }

    /// The state that was saved.
    ///
    /// # Errors
    /// [`CryptoError`] if it is none of this curve.
    pub fn restore(curve: TpmEccCurve, saved: &[u8]) -> Result<Self, CryptoError> {
        Hash::restore(curve, saved).map(Self)
    }
}

/// A running verification: the message goes by in parts, after the signature's R.
#[derive(Debug, Clone)]
pub struct Verification {
    curve: TpmEccCurve,
    hash: Hash,
}

impl Verification {
    /// Starts, with the first half of the signature to come.
    ///
    /// # Errors
    /// [`CryptoError::Unsupported`] on a curve that EdDSA does not use; [`CryptoError::Value`] if `r` or the context has a
    /// wrong length; [`CryptoError::Point`] if the public key has.
    pub fn new(curve: TpmEccCurve, public: &[u8], domain: Domain<'_>, r: &[u8]) -> Result<Self, CryptoError> {
        let size = key_size(curve)?;
        if r.len() != size {
            return Err(CryptoError::Value);
        }
        if public.len() != size {
            return Err(CryptoError::Point);
        }
        let mut hash = Hash::new(curve)?;
        for part in [&domain.prefix(curve)?, r, public] {
            hash.update(part);
        }
        Ok(Self { curve, hash })
    }

    /// Adds a part of the message.
    pub fn update(&mut self, data: &[u8]) {
        self.hash.update(data);
    }

    /// Verifies. `public` and the signature's R are those that the verification began with.
    ///
    /// # Errors
    /// [`CryptoError::Point`] if the public key is not the canonical encoding of a point; [`CryptoError::Invalid`] if the
    /// signature is wrong.
    pub fn finish(self, public: &[u8], signature: &[u8]) -> Result<(), CryptoError> {
        match self.curve {
            TpmEccCurve::Curve25519 => check::<Curve25519>(&self.hash.finish::<64>(), public, signature),
            _ => check::<Curve448>(&self.hash.finish::<114>(), public, signature),
        }
    }

    /// The state, for [`Self::restore`] by the same release.
    #[must_use]
    pub fn save(&self) -> Zeroizing<Vec<u8>> {
        self.hash.save()
    }

    /// The state that was saved.
    ///
    /// # Errors
    /// [`CryptoError`] if it is none of this curve.
    pub fn restore(curve: TpmEccCurve, saved: &[u8]) -> Result<Self, CryptoError> {
        Ok(Self { curve, hash: Hash::restore(curve, saved)? })
    }
}

/// RFC 8032, 5.1.7 and 5.2.7, steps 1 and 3.
fn check<G: Group>(challenge: &[u8], public: &[u8], signature: &[u8]) -> Result<(), CryptoError> {
    if !G::is_point(public) {
        return Err(CryptoError::Point);
    }
    let (r, s) = signature.split_at_checked(G::SIZE).ok_or(CryptoError::Invalid)?;
    let s = G::canonical(s).ok_or(CryptoError::Invalid)?;
    let commitment = G::commitment(&s, &G::reduce(challenge), public);
    if commitment.is_some_and(|commitment| commitment == r) { Ok(()) } else { Err(CryptoError::Invalid) }
}

/// A private key's number and prefix (RFC 8032, 5.1.5 and 5.2.5).
struct Expanded(Zeroizing<Vec<u8>>);

impl Expanded {
    fn new(curve: TpmEccCurve, private: &[u8]) -> Result<Self, CryptoError> {
        if private.len() != key_size(curve)? {
            return Err(CryptoError::Value);
        }
        Ok(Self(Zeroizing::new(match curve {
            TpmEccCurve::Curve25519 => digest(TpmiAlgHash::Sha512, &[private]).to_vec(),
            _ => shake256::<114>(&[private]).to_vec(),
        })))
    }

    fn halves(&self) -> (&[u8], &[u8]) {
        self.0.split_at(self.0.len() / 2)
    }
}

/// The public key.
pub(crate) fn public(curve: TpmEccCurve, private: &[u8]) -> Result<Vec<u8>, CryptoError> {
    let expanded = Expanded::new(curve, private)?;
    let (number, _) = expanded.halves();
    Ok(match curve {
        TpmEccCurve::Curve25519 => Curve25519::base_multiple(&Curve25519::clamped(number)),
        _ => Curve448::base_multiple(&Curve448::clamped(number)),
    })
}

/// Whether this encodes a point, canonically.
pub(crate) fn check_public(curve: TpmEccCurve, public: &[u8]) -> Result<(), CryptoError> {
    let valid = match curve {
        TpmEccCurve::Curve25519 => Curve25519::is_point(public),
        TpmEccCurve::Curve448 => Curve448::is_point(public),
        _ => return Err(CryptoError::Unsupported),
    };
    if valid { Ok(()) } else { Err(CryptoError::Point) }
}

/// Signs.
pub(crate) fn sign(
    curve: TpmEccCurve,
    private: &[u8],
    domain: Domain<'_>,
    message: &[u8],
) -> Result<Vec<u8>, CryptoError> {
    domain.check(message)?;
    let expanded = Expanded::new(curve, private)?;
    match curve {
        TpmEccCurve::Curve25519 => sign_in::<Curve25519, 64>(curve, &expanded, domain, message),
        _ => sign_in::<Curve448, 114>(curve, &expanded, domain, message),
    }
}

/// RFC 8032, 5.1.6 and 5.2.6. The public key is computed and not taken from the caller: with another one the signature
/// would give the private key away.
fn sign_in<G: Group, const WIDE: usize>(
    curve: TpmEccCurve,
    expanded: &Expanded,
    domain: Domain<'_>,
    message: &[u8],
) -> Result<Vec<u8>, CryptoError> {
    let (number, prefix) = expanded.halves();
    let private = G::clamped(number);
    let public = G::base_multiple(&private);
    let domain = domain.prefix(curve)?;
    let hashed = |parts: [&[u8]; 4]| -> Result<Zeroizing<G::Scalar>, CryptoError> {
        let mut hash = Hash::new(curve)?;
        parts.into_iter().for_each(|part| hash.update(part));
        Ok(G::reduce(&*Zeroizing::new(hash.finish::<WIDE>())))
    };
    let nonce = hashed([&domain, prefix, message, &[]])?;
    let mut signature = G::base_multiple(&nonce);
    let challenge = hashed([&domain, &signature, &public, message])?;
    signature.extend(G::respond(&nonce, &challenge, &private));
    Ok(signature)
}

/// Verifies.
pub(crate) fn verify(
    curve: TpmEccCurve,
    public: &[u8],
    domain: Domain<'_>,
    message: &[u8],
    signature: &[u8],
) -> Result<(), CryptoError> {
    check_public(curve, public)?;
    domain.check(message)?;
    let r = signature.get(..key_size(curve)?).ok_or(CryptoError::Invalid)?;
    let mut running = Verification::new(curve, public, domain, r)?;
    running.update(message);
    running.finish(public, signature)
}
