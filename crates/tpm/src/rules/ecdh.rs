//! The agreement of a private and a public elliptic-curve value on a secret point (Part 1, 44.7 and 44.8): cofactor
//! Diffie-Hellman on the curves of the short Weierstrass form, whose cofactor is 1, and X25519 and X448.

use alloc::{vec, vec::Vec};

use ironroot_crypto::{
    CryptoError, EccPoint, EccSecretPoint, Provider, Random,
    ecc::{self, fixed_size, order_size},
};
use ironroot_wire::{TpmsEccParms, TpmsEccPoint};
use zeroize::Zeroizing;

use super::{
    edwards::{self, Form},
    secret_sharing::fixed_point,
};
use crate::core_state::Core;

/// A secret, and the public point of the key that was made for it.
pub struct Agreed {
    /// The secret point.
    pub shared: Zeroizing<EccSecretPoint>,
    /// The ephemeral public point.
    pub ephemeral: EccPoint,
}

/// Agrees on a secret with the holder of a key, with a private value that is used once.
///
/// # Errors
/// [`CryptoError::Point`] if the key's point is malformed, not on the curve or of small order; [`CryptoError::Unsupported`]
/// if the key is one of EdDSA.
pub fn encapsulate(tpm: &mut Core, parms: &TpmsEccParms, public: &TpmsEccPoint) -> Result<Agreed, CryptoError> {
    let curve = parms.curve_id;
    match Form::of(parms) {
        None => {
            let (scalar, ephemeral) = ecc::generate(tpm.provider, curve, &mut tpm.random)?;
            Ok(Agreed { shared: multiply(tpm.provider, parms, &scalar, public)?, ephemeral })
        }
        Some(Form::Agreement(curve)) => {
            let mut private = Zeroizing::new(vec![0; ecc::field_size(curve)]);
            tpm.random.fill(&mut private);
            let shared = multiply(tpm.provider, parms, &private, public)?;
            Ok(Agreed { shared, ephemeral: edwards::point_of(tpm.provider.x_public(curve, &private)?) })
        }
        Some(Form::Signature(_)) => Err(CryptoError::Unsupported),
    }
}

/// The product of a key's private value and a point.
///
/// # Errors
/// [`CryptoError::Point`] if the point is malformed, not on the curve or of small order; [`CryptoError::Value`] if the
/// private value is malformed; [`CryptoError::Unsupported`] if the key is one of EdDSA.
pub fn multiply(
    provider: &dyn Provider,
    parms: &TpmsEccParms,
    private: &[u8],
    point: &TpmsEccPoint,
) -> Result<Zeroizing<EccSecretPoint>, CryptoError> {
    let curve = parms.curve_id;
    match Form::of(parms) {
        None => {
            let point = fixed_point(parms, point).map_err(|_| CryptoError::Point)?;
            provider.ecc_multiply(curve, &fixed_size(private, order_size(curve))?, &point)
        }
        Some(form @ Form::Agreement(curve)) => {
            let product = provider.x_multiply(curve, private, form.coordinate(point)?)?;
            Ok(Zeroizing::new(EccSecretPoint { x: product.to_vec(), y: Vec::new() }))
        }
        Some(Form::Signature(_)) => Err(CryptoError::Unsupported),
    }
}
