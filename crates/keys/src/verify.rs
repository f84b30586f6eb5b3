//! [`VerifyingKey`]: a public key outside of a TPM, and what it verifies.

use der::{Decode as _, DecodePem as _};
use ironroot_client::wire::{PublicKind, TpmEccCurve, TpmiAlgHash, TpmtPublic};
use ironroot_crypto::{
    EccPoint, EccProvider as _, EdwardsProvider as _, PORTABLE, digest,
    ecc::eddsa::Domain,
    rsa::{self, RsaPublic, SignatureScheme},
};
use spki::SubjectPublicKeyInfoOwned;
use x509_cert::Certificate;

use crate::{
    KeyError,
    algorithms::{self, EcdsaSigValue, RsaPublicKey},
};

/// A public key for signatures: RSA, ECDSA on P-256, P-384 and P-521, or Ed25519.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyingKey {
    pub(crate) spki: SubjectPublicKeyInfoOwned,
    pub(crate) kind: Kind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    Rsa { n: Vec<u8>, e: u32 },
    Ecdsa { curve: TpmEccCurve, point: EccPoint },
    Ed25519(Vec<u8>),
}

/// How a signature was made; hashes and curves are said apart, as X.509 and JOSE do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SignedWith {
    Pkcs1(TpmiAlgHash),
    Pss(TpmiAlgHash),
    /// r and s, each as long as the curve's order.
    Ecdsa(TpmiAlgHash),
    Ed25519,
}

/// The two numbers of a public key, big-endian: x and y of an ECC key, n and e of an RSA key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicNumbers {
    /// x, or the modulus.
    pub first: Vec<u8>,
    /// y, or the exponent.
    pub second: Vec<u8>,
}

impl VerifyingKey {
    /// The numbers of an RSA key, or of an ECC key with two coordinates.
    #[must_use]
    pub fn numbers(&self) -> Option<PublicNumbers> {
        match &self.kind {
            Kind::Rsa { n, e } => {
                let second = e.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect();
                Some(PublicNumbers { first: n.clone(), second })
            }
            Kind::Ecdsa { point, .. } => Some(PublicNumbers { first: point.x.to_vec(), second: point.y.to_vec() }),
            Kind::Ed25519(_) => None,
        }
    }

    /// The public half of a TPM's key.
    ///
    /// # Errors
    /// [`KeyError::Unsuitable`] for other kinds of keys than this type has.
    pub fn from_public(public: &TpmtPublic) -> Result<Self, KeyError> {
        Self::from_spki(algorithms::spki(public)?)
    }

    /// A PEM `PUBLIC KEY`, or a certificate's key. The certificate itself is not checked.
    ///
    /// # Errors
    /// [`KeyError::Unsuitable`] for anything else.
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        let spki = if pem.contains("BEGIN CERTIFICATE-") {
            let certificate =
                Certificate::from_pem(pem).map_err(|error| KeyError::unsuitable(format!("no certificate: {error}")))?;
            certificate.tbs_certificate().subject_public_key_info().clone()
        } else {
            SubjectPublicKeyInfoOwned::from_pem(pem)
                .map_err(|error| KeyError::unsuitable(format!("expected a PEM PUBLIC KEY or CERTIFICATE: {error}")))?
        };
        Self::from_spki(spki)
    }

    pub(crate) fn from_spki(spki: SubjectPublicKeyInfoOwned) -> Result<Self, KeyError> {
        let broken = || KeyError::unsuitable("its public key is malformed");
        let other = || {
            KeyError::unsuitable("only RSA, ECDSA on P-256, P-384 and P-521, and Ed25519 are verified outside of a TPM")
        };
        let bits = spki.subject_public_key.as_bytes().ok_or_else(broken)?;
        let kind = match spki.algorithm.oid.to_string().as_str() {
            "1.2.840.113549.1.1.1" => {
                let key = RsaPublicKey::from_der(bits).map_err(|_| broken())?;
                Kind::Rsa { n: key.modulus.as_bytes().to_vec(), e: key.public_exponent }
            }
            "1.3.101.112" if bits.len() == 32 => Kind::Ed25519(bits.to_vec()),
            "1.2.840.10045.2.1" => {
                let curve = spki.algorithm.parameters.as_ref().ok_or_else(broken)?;
                let curve: der::asn1::ObjectIdentifier = curve.decode_as().map_err(|_| other())?;
                let curve = match curve.to_string().as_str() {
                    "1.2.840.10045.3.1.7" => TpmEccCurve::NistP256,
                    "1.3.132.0.34" => TpmEccCurve::NistP384,
                    "1.3.132.0.35" => TpmEccCurve::NistP521,
                    _ => return Err(other()),
                };
                let point = point(curve, bits).ok_or_else(broken)?;
                PORTABLE.ecc_check_point(curve, &point).map_err(|_| broken())?;
                Kind::Ecdsa { curve, point }
            }
            _ => return Err(other()),
        };
        Ok(Self { spki, kind })
    }

    /// The curve, if it is an ECDSA key.
    pub(crate) const fn curve(&self) -> Option<TpmEccCurve> {
        match &self.kind {
            Kind::Ecdsa { curve, .. } => Some(*curve),
            _ => None,
        }
    }

    pub(crate) const fn is_rsa(&self) -> bool {
        matches!(self.kind, Kind::Rsa { .. })
    }

    pub(crate) const fn is_ed25519(&self) -> bool {
        matches!(self.kind, Kind::Ed25519(_))
    }

    /// Whether a signature is this key's. Whatever is wrong with it, it is not.
    pub(crate) fn verifies(&self, with: SignedWith, message: &[u8], signature: &[u8]) -> bool {
        let result = match (&self.kind, with) {
            (Kind::Rsa { n, e }, SignedWith::Pkcs1(hash)) => {
                let scheme = SignatureScheme::Pkcs1(hash);
                rsa::verify(&PORTABLE, RsaPublic { n, e: *e }, scheme, &digest(hash, &[message]), signature)
            }
            (Kind::Rsa { n, e }, SignedWith::Pss(hash)) => {
                let scheme = SignatureScheme::Pss(hash);
                rsa::verify(&PORTABLE, RsaPublic { n, e: *e }, scheme, &digest(hash, &[message]), signature)
            }
            (Kind::Ecdsa { curve, point }, SignedWith::Ecdsa(hash)) => {
                let Some((r, s)) = halves(*curve, signature) else { return false };
                PORTABLE.ecdsa_verify(*curve, point, &digest(hash, &[message]), r, s)
            }
            (Kind::Ed25519(public), SignedWith::Ed25519) => {
                PORTABLE.eddsa_verify(TpmEccCurve::Curve25519, public, Domain::PURE, message, signature)
            }
            _ => return false,
        };
        result.is_ok()
    }

    /// Whether a signature of X.509 is this key's.
    pub(crate) fn verifies_x509(
        &self,
        algorithm: &spki::AlgorithmIdentifierOwned,
        message: &[u8],
        signature: &[u8],
    ) -> Result<bool, KeyError> {
        use TpmiAlgHash::{Sha256, Sha384, Sha512};
        let with = match algorithm.oid.to_string().as_str() {
            "1.2.840.113549.1.1.11" => SignedWith::Pkcs1(Sha256),
            "1.2.840.113549.1.1.12" => SignedWith::Pkcs1(Sha384),
            "1.2.840.113549.1.1.13" => SignedWith::Pkcs1(Sha512),
            "1.2.840.10045.4.3.2" => SignedWith::Ecdsa(Sha256),
            "1.2.840.10045.4.3.3" => SignedWith::Ecdsa(Sha384),
            "1.2.840.10045.4.3.4" => SignedWith::Ecdsa(Sha512),
            "1.3.101.112" => SignedWith::Ed25519,
            other => return Err(KeyError::unsuitable(format!("signatures with {other} are not verified here"))),
        };
        if let (SignedWith::Ecdsa(_), Some(curve)) = (with, self.curve()) {
            let Some((r, s)) = numbers(signature) else { return Ok(false) };
            let size = curve.field_size();
            let raw = [padded(&r, size), padded(&s, size)];
            let [Some(r), Some(s)] = raw else { return Ok(false) };
            return Ok(self.verifies(with, message, &[r, s].concat()));
        }
        Ok(self.verifies(with, message, signature))
    }
}

/// r and s of a DER `Ecdsa-Sig-Value`.
pub(crate) fn numbers(signature: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let value = EcdsaSigValue::from_der(signature).ok()?;
    Some((value.r.as_bytes().to_vec(), value.s.as_bytes().to_vec()))
}

/// r and s of a signature of a TPM, in the form of JOSE (RFC 7518, 3.4): each as long as the curve's order.
pub(crate) fn raw_ecdsa(public: &TpmtPublic, r: &[u8], s: &[u8]) -> Result<Vec<u8>, KeyError> {
    let PublicKind::Ecc(parms, _) = &public.kind else { return Err(KeyError::unsuitable("it is no key of ECDSA")) };
    let size = parms.curve_id.field_size();
    match (padded(r, size), padded(s, size)) {
        (Some(r), Some(s)) => Ok([r, s].concat()),
        _ => Err(KeyError::unsuitable("its signature is longer than its curve allows")),
    }
}

fn halves(curve: TpmEccCurve, signature: &[u8]) -> Option<(&[u8], &[u8])> {
    let size = curve.field_size();
    if signature.len() == 2 * size { signature.split_at_checked(size) } else { None }
}

/// With leading zeros up to the size.
pub(crate) fn padded(number: &[u8], size: usize) -> Option<Vec<u8>> {
    let missing = size.checked_sub(number.len())?;
    Some([&vec![0; missing], number].concat())
}

/// SEC 1, 2.3.4, the uncompressed form alone.
fn point(curve: TpmEccCurve, bytes: &[u8]) -> Option<EccPoint> {
    let size = curve.field_size();
    let coordinates = bytes.strip_prefix(&[4]).filter(|rest| rest.len() == 2 * size)?;
    let (x, y) = coordinates.split_at_checked(size)?;
    Some(EccPoint { x: x.to_vec(), y: y.to_vec() })
}
