//! Keys on Curve25519 and Curve448 (Part 1, 44.3.2 and 44.5). What a key is for decides which form it has: one that signs is
//! a key of RFC 8032 (Ed25519, Ed448), any other one of RFC 7748 (X25519, X448).
//!
//! In both forms the private value and the point are the byte strings of their RFC, in full length; the point is in the x
//! coordinate, and y is empty (docs/decisions/0008-curve25519-and-curve448.md).

use alloc::{vec, vec::Vec};

use ironroot_crypto::{
    CryptoError, EccPoint, Provider, Random,
    ecc::{eddsa, field_size, is_weierstrass},
};
use ironroot_wire::{Tpm2bEccPrivate, TpmEccCurve, TpmRc, TpmsEccParms, TpmsEccPoint, TpmtEccScheme};
use zeroize::Zeroizing;

use super::secret_sharing::wire_point;

/// A form of keys on one of the curves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// EdDSA (RFC 8032).
    Signature(TpmEccCurve),
    /// X25519 and X448 (RFC 7748).
    Agreement(TpmEccCurve),
}

impl Form {
    /// The form of a key with these parameters; `None` on another curve.
    #[must_use]
    pub const fn of(parms: &TpmsEccParms) -> Option<Self> {
        match parms.curve_id {
            TpmEccCurve::Curve25519 | TpmEccCurve::Curve448 => {}
            _ => return None,
        }
        match parms.scheme {
            Some(TpmtEccScheme::Eddsa(()) | TpmtEccScheme::HashEddsa(())) => Some(Self::Signature(parms.curve_id)),
            _ => Some(Self::Agreement(parms.curve_id)),
        }
    }

    /// Bytes of a private value, and of a point.
    fn size(self) -> usize {
        match self {
            Self::Signature(curve) => eddsa::key_size(curve).unwrap_or(0),
            Self::Agreement(curve) => field_size(curve),
        }
    }

    fn public(self, provider: &dyn Provider, private: &[u8]) -> Result<Vec<u8>, CryptoError> {
        match self {
            Self::Signature(curve) => provider.eddsa_public(curve, private),
            Self::Agreement(curve) => provider.x_public(curve, private),
        }
    }

    /// A new key pair. Every string of the size is a private value, so it is drawn as it is (and not as Part 1, 44.6 has it
    /// for the other curves).
    ///
    /// # Errors
    /// `TPM_RC_FAILURE` if the provider lacks the curve.
    pub fn generate(
        self,
        provider: &dyn Provider,
        random: &mut dyn Random,
    ) -> Result<(Tpm2bEccPrivate, TpmsEccPoint), TpmRc> {
        let mut private = Zeroizing::new(vec![0; self.size()]);
        random.fill(&mut private);
        let point = self.public(provider, &private).map_err(|_| TpmRc::FAILURE)?;
        Ok((Tpm2bEccPrivate::from_slice(&private)?, wire_point(&point_of(point))?))
    }

    /// The point of a structure.
    ///
    /// # Errors
    /// [`CryptoError::Point`] if it has another size, or a y coordinate.
    pub fn coordinate(self, point: &TpmsEccPoint) -> Result<&[u8], CryptoError> {
        if point.x.len() == self.size() && point.y.is_empty() { Ok(&point.x) } else { Err(CryptoError::Point) }
    }

    /// Checks a point that comes alone. One of RFC 7748 may be any but those of small order, with which nobody can agree on
    /// a secret.
    ///
    /// # Errors
    /// `TPM_RC_ECC_POINT` if it is malformed, not on the curve or of small order.
    pub fn check_public(self, provider: &dyn Provider, point: &TpmsEccPoint) -> Result<(), TpmRc> {
        let checked = self.coordinate(point).and_then(|x| match self {
            Self::Signature(curve) => provider.eddsa_check_public(curve, x),
            Self::Agreement(curve) => provider.x_multiply(curve, &vec![0; self.size()], x).map(|_| ()),
        });
        checked.map_err(|_| TpmRc::ECC_POINT)
    }

    /// Checks a private value, and that it gives the point that it is bound to.
    ///
    /// # Errors
    /// `TPM_RC_KEY_SIZE` if it has another size; `TPM_RC_BINDING` if its point is another one.
    pub fn check_private(
        self,
        provider: &dyn Provider,
        private: &[u8],
        bound_to: Option<&TpmsEccPoint>,
    ) -> Result<Tpm2bEccPrivate, TpmRc> {
        if private.len() != self.size() {
            return Err(TpmRc::KEY_SIZE);
        }
        let own = wire_point(&point_of(self.public(provider, private).map_err(|_| TpmRc::FAILURE)?))?;
        if bound_to.is_some_and(|point| *point != own) {
            return Err(TpmRc::BINDING);
        }
        Tpm2bEccPrivate::from_slice(private)
    }
}

/// A point with this coordinate.
#[must_use]
pub const fn point_of(x: Vec<u8>) -> EccPoint {
    EccPoint { x, y: Vec::new() }
}

/// Whether a scheme is one for the curve of a key (Part 1, 44.3.2; Part 2, 12.2.3.5). On these curves each key but a storage
/// key has a scheme, so that no key is used in both forms.
///
/// # Errors
/// `TPM_RC_SCHEME` if it is not.
pub fn check_scheme(parms: &TpmsEccParms, is_storage_key: bool) -> Result<(), TpmRc> {
    let edwards = matches!(parms.scheme, Some(TpmtEccScheme::Eddsa(()) | TpmtEccScheme::HashEddsa(())));
    let suits = match parms.scheme {
        _ if is_weierstrass(parms.curve_id) => !edwards,
        None => is_storage_key,
        Some(TpmtEccScheme::Ecdh(_)) => true,
        Some(_) => edwards,
    };
    if suits { Ok(()) } else { Err(TpmRc::SCHEME) }
}
