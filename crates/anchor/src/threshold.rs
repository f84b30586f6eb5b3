//! A device value from k of n sources: a repaired board keeps its identity, a copied disk does not have it.
//!
//! The value is 32 random bytes, shared out (Shamir) among the sources: each share is masked by a pad from its source's value
//! and from the product's secret, and the masked shares are stored. Byte-exact in docs/derivations.md, "Threshold values".
//!
//! What the stored data gives away: without the product's secret, nothing. With it, k values have to be guessed **at once**
//! before a guess can be told from a wrong one, so their entropies add up, and whoever knows k of them has the value.
//! There is nothing by which a single source could be tried.

use crate::{DeriveError, Product, Purpose};
use alloc::{vec, vec::Vec};
use core::fmt;
use hmac::{Hmac, KeyInit, Mac};
use ironroot_platform::{Entropy, EntropyError};
use sha2::Sha512;
use zeroize::{Zeroize, Zeroizing};

/// No more sources than these.
pub const MAX_SOURCES: usize = 8;
const MAGIC: &[u8; 12] = b"IRONROOT-DH\0";
const VERSION: u8 = 1;
const SIZE: usize = 32;
/// Magic, version, k, n, a zero byte, salt.
const HEADER: usize = 16 + SIZE;

type Block = Zeroizing<[u8; SIZE]>;

/// Why there is no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ThresholdError {
    /// Not 2 ≤ k ≤ n ≤ 8, or another number of values than of sources.
    Shape,
    /// The stored data is not what was written, by its form.
    Form,
    /// Fewer than k sources could be read.
    Missing {
        /// So many could be.
        read: usize,
        /// So many are needed.
        needed: usize,
    },
    /// No k of the values that could be read belong to this device, or the product is another, or the stored data was
    /// changed: these cannot be told apart.
    Refused,
    /// The product's secret cannot be used.
    Derive(DeriveError),
    /// There is no entropy.
    Entropy(EntropyError),
}

impl fmt::Display for ThresholdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shape => write!(f, "a threshold is 2 <= k <= n <= {MAX_SOURCES} sources"),
            Self::Form => f.write_str("the helper data is damaged"),
            Self::Missing { read, needed } => write!(f, "only {read} of the sources can be read, and {needed} are needed"),
            Self::Refused => f.write_str(
                "too few of the sources have the values that the device was made with, or the product secret is another, or \
                 the helper data was changed",
            ),
            Self::Derive(error) => error.fmt(f),
            Self::Entropy(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for ThresholdError {}

impl From<DeriveError> for ThresholdError {
    fn from(error: DeriveError) -> Self {
        Self::Derive(error)
    }
}

impl From<EntropyError> for ThresholdError {
    fn from(error: EntropyError) -> Self {
        Self::Entropy(error)
    }
}

/// A value that was recovered.
pub struct Recovered {
    /// The device value.
    pub value: Zeroizing<[u8; SIZE]>,
    /// For each source, whether it has the value that it was enrolled with.
    pub agrees: Vec<bool>,
}

/// A new value, and the data to be stored, from which `k` of these sources' values give it back.
///
/// # Errors
/// [`ThresholdError`] if the numbers do not fit, or there is no entropy.
pub fn enroll(
    product: &Product,
    k: u8,
    values: &[&[u8]],
    entropy: &mut dyn Entropy,
) -> Result<(Zeroizing<[u8; SIZE]>, Vec<u8>), ThresholdError> {
    let mut value = Zeroizing::new([0; SIZE]);
    entropy.fill(value.as_mut_slice())?;
    let stored = share(product, k, &value, values, entropy)?;
    Ok((value, stored))
}

/// The value, from the stored data and what can be read now (`None` for a source that cannot be).
///
/// # Errors
/// [`ThresholdError`]; never another value.
pub fn recover(product: &Product, stored: &[u8], values: &[Option<&[u8]>]) -> Result<Recovered, ThresholdError> {
    let stored = Stored::parse(stored)?;
    if values.len() != stored.masked.len() {
        return Err(ThresholdError::Shape);
    }
    let key = helper_key(product)?;
    let mut shares: Vec<(u8, Block)> = Vec::new();
    for ((x, masked), value) in (1..).zip(stored.masked).zip(values) {
        if let Some(value) = value {
            shares.push((x, masked_with(masked, &pad(&key, stored.salt, x, value)?)));
        }
    }
    let needed = usize::from(stored.k);
    if shares.len() < needed {
        return Err(ThresholdError::Missing { read: shares.len(), needed });
    }
    for chosen in subsets(shares.len(), needed) {
        let some: Vec<&(u8, Block)> = chosen.iter().filter_map(|index| shares.get(*index)).collect();
        let value = interpolate(&some, 0);
        if tag(&key, &value, stored.before_tag)?.verify_truncated_left(stored.tag).is_ok() {
            // The polynomial is known now, and with it what each source's share has to be.
            let agrees = (1..=u8::try_from(values.len()).unwrap_or(u8::MAX))
                .map(|x| shares.iter().any(|(own, share)| *own == x && *share == interpolate(&some, x)))
                .collect();
            return Ok(Recovered { value, agrees });
        }
    }
    Err(ThresholdError::Refused)
}

/// New data to be stored for a value that was recovered: the sources' values of today, with fresh randomness.
///
/// # Errors
/// [`ThresholdError`] if the numbers do not fit, or there is no entropy.
pub fn share(
    product: &Product,
    k: u8,
    value: &[u8; SIZE],
    values: &[&[u8]],
    entropy: &mut dyn Entropy,
) -> Result<Vec<u8>, ThresholdError> {
    let count = u8::try_from(values.len()).map_err(|_| ThresholdError::Shape)?;
    if k < 2 || k > count || values.len() > MAX_SOURCES {
        return Err(ThresholdError::Shape);
    }
    let key = helper_key(product)?;
    let mut salt = [0; SIZE];
    entropy.fill(&mut salt)?;
    // The polynomial's coefficients, lowest first.
    let mut polynomial = vec![Zeroizing::new(*value)];
    for _ in 1..k {
        let mut coefficient = Zeroizing::new([0; SIZE]);
        entropy.fill(coefficient.as_mut_slice())?;
        polynomial.push(coefficient);
    }
    let mut stored = Vec::new();
    stored.extend_from_slice(MAGIC);
    stored.extend_from_slice(&[VERSION, k, count, 0]);
    stored.extend_from_slice(&salt);
    for (x, source) in (1..).zip(values) {
        let mut share = Zeroizing::new([0; SIZE]);
        for coefficient in polynomial.iter().rev() {
            share.iter_mut().zip(coefficient.iter()).for_each(|(sum, byte)| *sum = mul(*sum, x) ^ byte);
        }
        stored.extend_from_slice(masked_with(&share, &pad(&key, &salt, x, source)?).as_slice());
    }
    let mut code = tag(&key, value, &stored)?.finalize().into_bytes();
    stored.extend_from_slice(code.first_chunk::<SIZE>().ok_or(DeriveError)?);
    code.as_mut_slice().zeroize();
    Ok(stored)
}

struct Stored<'a> {
    k: u8,
    salt: &'a [u8; SIZE],
    masked: &'a [[u8; SIZE]],
    before_tag: &'a [u8],
    tag: &'a [u8; SIZE],
}

impl<'a> Stored<'a> {
    fn parse(bytes: &'a [u8]) -> Result<Self, ThresholdError> {
        let (before_tag, tag) = bytes.split_last_chunk().ok_or(ThresholdError::Form)?;
        let (header, masked) = before_tag.split_first_chunk::<HEADER>().ok_or(ThresholdError::Form)?;
        let (start, salt) = header.split_last_chunk().ok_or(ThresholdError::Form)?;
        let (k, n) = match start.strip_prefix(MAGIC) {
            Some([VERSION, k, n, 0]) => (*k, usize::from(*n)),
            _ => return Err(ThresholdError::Form),
        };
        let (masked, rest) = masked.as_chunks();
        if !rest.is_empty() || masked.len() != n || n > MAX_SOURCES || k < 2 || usize::from(k) > n {
            return Err(ThresholdError::Form);
        }
        Ok(Self { k, salt, masked, before_tag, tag })
    }
}

fn helper_key(product: &Product) -> Result<Zeroizing<Vec<u8>>, ThresholdError> {
    let global = product.global().map_err(|_| DeriveError)?;
    Ok(global.derive(Purpose::DeviceHelper, "", 64)?)
}

fn mac(key: &[u8], parts: &[&[u8]]) -> Result<Hmac<Sha512>, DeriveError> {
    let mut mac = Hmac::<Sha512>::new_from_slice(key).map_err(|_| DeriveError)?;
    parts.iter().for_each(|part| mac.update(part));
    Ok(mac)
}

fn tag(key: &[u8], value: &[u8; SIZE], before: &[u8]) -> Result<Hmac<Sha512>, DeriveError> {
    mac(key, &[b"ironroot/device-helper/v1/tag\0", value, before])
}

fn pad(key: &[u8], salt: &[u8; SIZE], x: u8, value: &[u8]) -> Result<Block, DeriveError> {
    let mut code = mac(key, &[b"ironroot/device-helper/v1/pad\0", salt, &[x], value])?.finalize().into_bytes();
    let pad = code.first_chunk().copied().map(Zeroizing::new).ok_or(DeriveError);
    code.as_mut_slice().zeroize();
    pad
}

fn masked_with(share: &[u8; SIZE], pad: &Block) -> Block {
    let mut out = Zeroizing::new(*share);
    out.iter_mut().zip(pad.iter()).for_each(|(byte, pad)| *byte ^= pad);
    out
}

/// All choices of `count` out of `from` numbers.
fn subsets(from: usize, count: usize) -> impl Iterator<Item = Vec<usize>> {
    let width = u32::try_from(from.min(MAX_SOURCES)).unwrap_or_default();
    (0..1_u32.wrapping_shl(width)).filter(move |set| usize::try_from(set.count_ones()) == Ok(count)).map(move |set| {
        (0..from).filter(|index| set.wrapping_shr(u32::try_from(*index).unwrap_or(31)) & 1 == 1).collect()
    })
}

/// What the polynomial through these shares gives at `at`.
fn interpolate(shares: &[&(u8, Block)], at: u8) -> Block {
    let mut out = Zeroizing::new([0; SIZE]);
    for (x, share) in shares {
        let weight = shares
            .iter()
            .filter(|(other, _)| other != x)
            .fold(1, |product, (other, _)| mul(product, mul(at ^ other, inverse(x ^ other))));
        out.iter_mut().zip(share.iter()).for_each(|(sum, byte)| *sum ^= mul(weight, *byte));
    }
    out
}

/// Multiplication in AES's field, without a branch.
const fn mul(mut a: u8, mut b: u8) -> u8 {
    let mut product = 0;
    let mut bit = 0;
    while bit < 8_u8 {
        product ^= a & (b & 1).wrapping_neg();
        a = (a << 1) ^ (0x1b & (a >> 7).wrapping_neg());
        b >>= 1;
        bit = bit.wrapping_add(1);
    }
    product
}

/// The inverse: the 254th power.
const fn inverse(a: u8) -> u8 {
    let mut power = a;
    let mut out = 1;
    let mut bit = 0;
    while bit < 7_u8 {
        power = mul(power, power);
        out = mul(out, power);
        bit = bit.wrapping_add(1);
    }
    out
}

#[cfg(test)]
mod tests;
