//! DHKEM (RFC 9180, 4.1), the key encapsulation of elliptic curves with HKDF that `TPM2_Encapsulate()` and
//! `TPM2_Decapsulate()` do (Part 1, 44.4), on P-256, P-384, P-521, X25519 and X448.
//!
//! Public keys and encapsulations are serialized: `04 || x || y` on the NIST curves, the coordinate of RFC 7748 on the
//! others. The hash must be the one that RFC 9180, 7.1 pairs with the curve: no other pair has an identifier.

use alloc::{vec, vec::Vec};

use ironroot_wire::{TpmEccCurve, TpmiAlgHash};
use zeroize::Zeroizing;

use crate::{
    CryptoError, EccPoint, Provider, Random,
    ecc::{field_size, generate, is_weierstrass},
    kdf::{hkdf_expand, hkdf_extract},
};

/// The identifier of a curve and hash (RFC 9180, 7.1).
///
/// # Errors
/// [`CryptoError::Unsupported`] if there is none.
pub fn identifier(curve: TpmEccCurve, hash: TpmiAlgHash) -> Result<u16, CryptoError> {
    match (curve, hash) {
        (TpmEccCurve::NistP256, TpmiAlgHash::Sha256) => Ok(0x0010),
        (TpmEccCurve::NistP384, TpmiAlgHash::Sha384) => Ok(0x0011),
        (TpmEccCurve::NistP521, TpmiAlgHash::Sha512) => Ok(0x0012),
        (TpmEccCurve::Curve25519, TpmiAlgHash::Sha256) => Ok(0x0020),
        (TpmEccCurve::Curve448, TpmiAlgHash::Sha512) => Ok(0x0021),
        _ => Err(CryptoError::Unsupported),
    }
}

/// A new shared secret, as long as the digest, and its encapsulation for the holder of `public`.
///
/// # Errors
/// [`CryptoError::Unsupported`] as [`identifier`]; [`CryptoError::Point`] if the public key is malformed, not on the curve
/// or of small order.
pub fn encapsulate(
    provider: &dyn Provider,
    (curve, hash): (TpmEccCurve, TpmiAlgHash),
    public: &[u8],
    random: &mut dyn Random,
) -> Result<(Zeroizing<Vec<u8>>, Vec<u8>), CryptoError> {
    identifier(curve, hash)?;
    let private = if is_weierstrass(curve) {
        generate(provider, curve, random)?.0
    } else {
        let mut private = Zeroizing::new(vec![0; field_size(curve)]);
        random.fill(&mut private);
        private
    };
    encapsulate_with(provider, (curve, hash), public, &private)
}

/// With this ephemeral private key.
fn encapsulate_with(
    provider: &dyn Provider,
    (curve, hash): (TpmEccCurve, TpmiAlgHash),
    public: &[u8],
    ephemeral: &[u8],
) -> Result<(Zeroizing<Vec<u8>>, Vec<u8>), CryptoError> {
    let shared = agree(provider, curve, ephemeral, public)?;
    let encapsulation = serialized_public(provider, curve, ephemeral)?;
    Ok((extract_and_expand(curve, hash, &shared, [&encapsulation, public])?, encapsulation))
}

/// The shared secret of an encapsulation. `public` is the serialized public key of `private`.
///
/// # Errors
/// [`CryptoError::Unsupported`] as [`identifier`]; [`CryptoError::Point`] if the encapsulation is malformed, not on the
/// curve or of small order; [`CryptoError::Value`] if the private key is out of range.
pub fn decapsulate(
    provider: &dyn Provider,
    (curve, hash): (TpmEccCurve, TpmiAlgHash),
    private: &[u8],
    public: &[u8],
    encapsulation: &[u8],
) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
    identifier(curve, hash)?;
    let shared = agree(provider, curve, private, encapsulation)?;
    extract_and_expand(curve, hash, &shared, [encapsulation, public])
}

/// A point as RFC 9180, 7.1.1 serializes it.
#[must_use]
pub fn serialize(curve: TpmEccCurve, point: &EccPoint) -> Vec<u8> {
    if is_weierstrass(curve) { [&[4], &point.x[..], &point.y].concat() } else { point.x.clone() }
}

fn deserialize(curve: TpmEccCurve, serialized: &[u8]) -> Result<EccPoint, CryptoError> {
    let size = field_size(curve);
    let (Some((&4, coordinates)), true) =
        (serialized.split_first(), serialized.len() == size.saturating_mul(2).saturating_add(1))
    else {
        return Err(CryptoError::Point);
    };
    let (x, y) = coordinates.split_at_checked(size).ok_or(CryptoError::Point)?;
    Ok(EccPoint { x: x.to_vec(), y: y.to_vec() })
}

fn agree(
    provider: &dyn Provider,
    curve: TpmEccCurve,
    private: &[u8],
    public: &[u8],
) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
    if !is_weierstrass(curve) {
        return provider.x_multiply(curve, private, public);
    }
    let product = provider.ecc_multiply(curve, private, &deserialize(curve, public)?)?;
    Ok(Zeroizing::new(product.x.clone()))
}

fn serialized_public(provider: &dyn Provider, curve: TpmEccCurve, private: &[u8]) -> Result<Vec<u8>, CryptoError> {
    if !is_weierstrass(curve) {
        return provider.x_public(curve, private);
    }
    Ok(serialize(curve, &provider.ecc_base_multiply(curve, private)?))
}

/// `ExtractAndExpand` with the labels of RFC 9180, 4.
fn extract_and_expand(
    curve: TpmEccCurve,
    hash: TpmiAlgHash,
    shared: &[u8],
    context: [&[u8]; 2],
) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
    let size = u16::try_from(hash.digest_size()).map_err(|_| CryptoError::Value)?;
    let suite = [b"HPKE-v1", &b"KEM"[..], &identifier(curve, hash)?.to_be_bytes()].concat();
    let key = hkdf_extract(hash, &[], &[&suite, b"eae_prk", shared]);
    let [encapsulation, public] = context;
    let info = [&size.to_be_bytes(), &suite[..], b"shared_secret", encapsulation, public];
    hkdf_expand(hash, &key, &info, hash.digest_size())
}

#[cfg(any(test, feature = "conformance"))]
pub(crate) mod conformance;
#[cfg(test)]
mod tests;
