//! Public keys as PKCS #11 shows them, and what they verify; there is nothing for the TPM to do here.

use der::{
    Decode as _, Encode as _, Sequence,
    asn1::{ObjectIdentifier, UintRef},
};
use ironroot_client::wire::{TpmEccCurve, TpmiAlgHash};
use ironroot_crypto::{EccPoint, EccProvider as _, EdwardsProvider as _, PORTABLE, digest, ecc::eddsa::Domain, rsa};
use ironroot_keys::KeyAlgorithm;
use spki::SubjectPublicKeyInfoOwned;

/// How many bytes of the fingerprint are a key's `CKA_ID`.
const ID: usize = 20;

/// A public key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PublicKey {
    /// DER, `SubjectPublicKeyInfo`.
    pub spki: Vec<u8>,
    pub kind: PublicKind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PublicKind {
    Rsa {
        n: Vec<u8>,
        e: Vec<u8>,
    },
    /// The point is in the uncompressed form.
    Ec {
        curve: TpmEccCurve,
        point: Vec<u8>,
    },
    Ed25519(Vec<u8>),
}

#[derive(Sequence)]
struct RsaPublicKey<'a> {
    modulus: UintRef<'a>,
    exponent: UintRef<'a>,
}

impl PublicKey {
    /// From the DER of a `SubjectPublicKeyInfo`; `None` for kinds that are not shown.
    pub(crate) fn from_spki(spki: &[u8]) -> Option<Self> {
        let info = SubjectPublicKeyInfoOwned::from_der(spki).ok()?;
        let bits = info.subject_public_key.as_bytes()?;
        let kind = match info.algorithm.oid.to_string().as_str() {
            "1.2.840.113549.1.1.1" => {
                let key = RsaPublicKey::from_der(bits).ok()?;
                PublicKind::Rsa { n: key.modulus.as_bytes().to_vec(), e: key.exponent.as_bytes().to_vec() }
            }
            "1.3.101.112" if bits.len() == 32 => PublicKind::Ed25519(bits.to_vec()),
            "1.2.840.10045.2.1" => {
                let oid: ObjectIdentifier = info.algorithm.parameters.as_ref()?.decode_as().ok()?;
                let curve = [TpmEccCurve::NistP256, TpmEccCurve::NistP384, TpmEccCurve::NistP521]
                    .into_iter()
                    .find(|curve| curve_oid(*curve) == Some(oid))?;
                if bits.first() != Some(&4) || bits.len() != 1 + 2 * curve.field_size() {
                    return None;
                }
                PublicKind::Ec { curve, point: bits.to_vec() }
            }
            _ => return None,
        };
        Some(Self { spki: spki.to_vec(), kind })
    }

    /// SHA-256 of the DER, as everywhere in Ironroot.
    pub(crate) fn fingerprint(&self) -> String {
        hex(&digest(TpmiAlgHash::Sha256, &[&self.spki]))
    }

    /// Its kind, if it is one of those that named keys have.
    pub(crate) fn algorithm(&self) -> Option<KeyAlgorithm> {
        KeyAlgorithm::ALL.into_iter().find(|kind| match &self.kind {
            PublicKind::Rsa { n, .. } => bits(*kind).map(usize::from) == Some(8 * n.len()),
            PublicKind::Ec { curve: own, .. } => curve(*kind) == Some(*own),
            PublicKind::Ed25519(_) => *kind == KeyAlgorithm::Ed25519,
        })
    }

    /// Whether a signature of a digest is this key's; `None` if it does not have the form of one.
    pub(crate) fn verifies_rsa(&self, scheme: rsa::SignatureScheme, digest: &[u8], signature: &[u8]) -> Option<bool> {
        let PublicKind::Rsa { n, e } = &self.kind else { return None };
        let e = e.iter().try_fold(0_u32, |sum, byte| sum.checked_mul(256)?.checked_add(u32::from(*byte)))?;
        Some(rsa::verify(&PORTABLE, rsa::RsaPublic { n, e }, scheme, digest, signature).is_ok())
    }

    /// Whether r and s, one behind the other, are this key's signature of a digest.
    pub(crate) fn verifies_ecdsa(&self, digest: &[u8], signature: &[u8]) -> Option<bool> {
        let PublicKind::Ec { curve, point } = &self.kind else { return None };
        let (x, y) = point.get(1..)?.split_at_checked(curve.field_size())?;
        let (r, s) = signature.split_at_checked(curve.field_size())?;
        let point = EccPoint { x: x.to_vec(), y: y.to_vec() };
        Some(s.len() == r.len() && PORTABLE.ecdsa_verify(*curve, &point, digest, r, s).is_ok())
    }

    /// Whether this key has signed the message with Ed25519.
    pub(crate) fn verifies_eddsa(&self, message: &[u8], signature: &[u8]) -> Option<bool> {
        let PublicKind::Ed25519(key) = &self.kind else { return None };
        Some(PORTABLE.eddsa_verify(TpmEccCurve::Curve25519, key, Domain::PURE, message, signature).is_ok())
    }
}

/// A key's `CKA_ID`: the first bytes of its fingerprint, which is in hexadecimal.
pub(crate) fn id(fingerprint: &str) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok()).unwrap_or(0);
    let pairs = fingerprint.as_bytes().chunks(2).take(ID);
    pairs.map(|pair| pair.iter().fold(0, |sum: u8, byte| sum.wrapping_mul(16) | digit(*byte))).collect()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The curve of a kind of key, for ECDSA.
pub(crate) const fn curve(algorithm: KeyAlgorithm) -> Option<TpmEccCurve> {
    match algorithm {
        KeyAlgorithm::EccP256 => Some(TpmEccCurve::NistP256),
        KeyAlgorithm::EccP384 => Some(TpmEccCurve::NistP384),
        KeyAlgorithm::EccP521 => Some(TpmEccCurve::NistP521),
        _ => None,
    }
}

/// The bits of a modulus.
pub(crate) const fn bits(algorithm: KeyAlgorithm) -> Option<u16> {
    match algorithm {
        KeyAlgorithm::Rsa2048 => Some(2048),
        KeyAlgorithm::Rsa3072 => Some(3072),
        KeyAlgorithm::Rsa4096 => Some(4096),
        _ => None,
    }
}

fn curve_oid(curve: TpmEccCurve) -> Option<ObjectIdentifier> {
    match curve {
        TpmEccCurve::NistP256 => Some(ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7")),
        TpmEccCurve::NistP384 => Some(ObjectIdentifier::new_unwrap("1.3.132.0.34")),
        TpmEccCurve::NistP521 => Some(ObjectIdentifier::new_unwrap("1.3.132.0.35")),
        TpmEccCurve::Curve25519 => Some(ObjectIdentifier::new_unwrap("1.3.101.112")),
        _ => None,
    }
}

/// `CKA_EC_PARAMS` of a kind of key: the curve's object identifier.
pub(crate) fn ec_params(algorithm: KeyAlgorithm) -> Option<Vec<u8>> {
    let curve = match algorithm {
        KeyAlgorithm::Ed25519 => TpmEccCurve::Curve25519,
        other => curve(other)?,
    };
    curve_oid(curve)?.to_der().ok()
}

/// The kind of key that `CKA_EC_PARAMS` asks for. Edwards curves have a name, too (PKCS #11 3.0, 2.3.10).
pub(crate) fn from_ec_params(params: &[u8]) -> Option<KeyAlgorithm> {
    use KeyAlgorithm::{EccP256, EccP384, EccP521, Ed25519};
    if params == b"\x13\x0cedwards25519" {
        return Some(Ed25519);
    }
    [EccP256, EccP384, EccP521, Ed25519].into_iter().find(|kind| ec_params(*kind).as_deref() == Some(params))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_the_fingerprints_first_bytes() {
        assert_eq!(id("00ff10").as_slice(), [0, 255, 16]);
        assert_eq!(id(&"ab".repeat(32)), [0xab; 20]);
    }

    #[test]
    fn curves_are_known_by_their_identifiers() {
        assert_eq!(ec_params(KeyAlgorithm::EccP256).unwrap(), *b"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07");
        for kind in [KeyAlgorithm::EccP256, KeyAlgorithm::EccP384, KeyAlgorithm::EccP521, KeyAlgorithm::Ed25519] {
            assert_eq!(from_ec_params(&ec_params(kind).unwrap()), Some(kind));
        }
        assert_eq!(from_ec_params(b""), None);
        assert_eq!(ec_params(KeyAlgorithm::Rsa2048), None);
    }
}
