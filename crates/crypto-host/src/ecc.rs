//! Elliptic curves: multiplication and ECDSA. BN P-638 is too large for the library: the portable arithmetic does it.

use std::ptr::NonNull;

use aws_lc_sys as c;
use ironroot_crypto::{
    CryptoError, EccPoint, EccProvider, EccSecretPoint, PORTABLE, Random,
    ecc::{field_size, fixed_size, nonce, order_size, parameters},
};
use ironroot_wire::TpmEccCurve;
use subtle::{Choice, ConstantTimeEq};
use zeroize::Zeroizing;

use crate::{
    Host,
    groups::group,
    number::{Number, Scratch, done, made},
};

impl EccProvider for Host {
    fn ecc_base_multiply(&self, curve: TpmEccCurve, scalar: &[u8]) -> Result<EccPoint, CryptoError> {
        if portable(curve) {
            return PORTABLE.ecc_base_multiply(curve, scalar);
        }
        let scalar = scalar_from(curve, scalar)?;
        let scratch = Scratch::new()?;
        let mut product = Point::new(curve)?;
        product.set_base_multiple(&scalar, &scratch)?;
        let point = product.coordinates(&scratch)?;
        Ok(EccPoint { x: point.x.clone(), y: point.y.clone() })
    }

    fn ecc_multiply(
        &self,
        curve: TpmEccCurve,
        scalar: &[u8],
        point: &EccPoint,
    ) -> Result<Zeroizing<EccSecretPoint>, CryptoError> {
        if portable(curve) {
            return PORTABLE.ecc_multiply(curve, scalar, point);
        }
        let scalar = scalar_from(curve, scalar)?;
        let scratch = Scratch::new()?;
        let point = Point::from_coordinates(curve, point, &scratch)?;
        let mut product = Point::new(curve)?;
        product.set_multiple(&point, &scalar, &scratch)?;
        // The order is prime, so the product of a scalar and a point of the curve is never infinity; were it, it would
        // have no coordinates.
        product.coordinates(&scratch).map_err(|_| CryptoError::Point)
    }

    fn ecc_check_point(&self, curve: TpmEccCurve, point: &EccPoint) -> Result<(), CryptoError> {
        if portable(curve) {
            return PORTABLE.ecc_check_point(curve, point);
        }
        Point::from_coordinates(curve, point, &Scratch::new()?).map(|_| ())
    }

    fn ecc_combine(&self, curve: TpmEccCurve, terms: [(&[u8], &EccPoint); 2]) -> Result<EccPoint, CryptoError> {
        if portable(curve) {
            return PORTABLE.ecc_combine(curve, terms);
        }
        let scratch = Scratch::new()?;
        let [first, second] = terms.map(|(number, point)| -> Result<Point, CryptoError> {
            let number = fixed_size(number, order_size(curve))?;
            if number.as_slice() >= parameters(curve).n {
                return Err(CryptoError::Value);
            }
            let point = Point::from_coordinates(curve, point, &scratch)?;
            let mut product = Point::new(curve)?;
            product.set_multiple(&point, &Number::from_bytes(&number)?, &scratch)?;
            Ok(product)
        });
        let mut sum = Point::new(curve)?;
        sum.set_sum(&first?, &second?, &scratch)?;
        let point = sum.coordinates(&scratch).map_err(|_| CryptoError::Point)?;
        Ok(EccPoint { x: point.x.clone(), y: point.y.clone() })
    }

    fn ecdsa_sign(
        &self,
        curve: TpmEccCurve,
        scalar: &[u8],
        digest: &[u8],
        random: &mut dyn Random,
    ) -> Result<(Vec<u8>, Vec<u8>), CryptoError> {
        if portable(curve) {
            return PORTABLE.ecdsa_sign(curve, scalar, digest, random);
        }
        let nonce = nonce(curve, scalar, digest, random)?;
        let mut key = Key::new(curve)?;
        key.set_private(&scalar_from(curve, scalar)?)?;
        key.sign(digest, &nonce)?.halves(order_size(curve))
    }

    fn ecdsa_verify(
        &self,
        curve: TpmEccCurve,
        public: &EccPoint,
        digest: &[u8],
        r: &[u8],
        s: &[u8],
    ) -> Result<(), CryptoError> {
        if portable(curve) {
            return PORTABLE.ecdsa_verify(curve, public, digest, r, s);
        }
        let mut key = Key::new(curve)?;
        key.set_public(&Point::from_coordinates(curve, public, &Scratch::new()?)?)?;
        let half = |number: &[u8]| fixed_size(number, order_size(curve)).map_err(|_| CryptoError::Invalid);
        let signature = Signature::new([Number::from_bytes(&half(r)?)?, Number::from_bytes(&half(s)?)?])?;
        key.verify(digest, &signature)
    }
}

/// Whether the library has no room for the curve's numbers (it has 66 bytes).
fn portable(curve: TpmEccCurve) -> bool {
    curve == TpmEccCurve::BnP638
}

/// A scalar above zero and below the order, checked in constant time.
fn scalar_from(curve: TpmEccCurve, scalar: &[u8]) -> Result<Number, CryptoError> {
    let scalar = fixed_size(scalar, order_size(curve))?;
    let mut borrow = 0_u16;
    for (byte, order) in scalar.iter().rev().zip(parameters(curve).n.iter().rev()) {
        borrow = u16::from(*byte).wrapping_sub(u16::from(*order)).wrapping_sub(borrow) >> 15;
    }
    let is_zero = scalar.iter().fold(0, |any, byte| any | byte).ct_eq(&0);
    if bool::from(borrow.ct_eq(&1) & (is_zero ^ Choice::from(1))) {
        Number::from_bytes(&scalar)
    } else {
        Err(CryptoError::Value)
    }
}

/// A point of a curve; erased when it is dropped.
struct Point {
    pointer: NonNull<c::EC_POINT>,
    group: *const c::EC_GROUP,
    curve: TpmEccCurve,
}

impl Point {
    /// Infinity, to be written.
    fn new(curve: TpmEccCurve) -> Result<Self, CryptoError> {
        let group = group(curve)?;
        // SAFETY: the group is a constant; `made` sorts out the null pointer.
        let pointer = made(unsafe { c::EC_POINT_new(group) })?;
        Ok(Self { pointer, group, curve })
    }

    /// The point of these coordinates, if it is on the curve.
    fn from_coordinates(curve: TpmEccCurve, point: &EccPoint, scratch: &Scratch) -> Result<Self, CryptoError> {
        let coordinate = |number: &[u8]| {
            let fixed = fixed_size(number, field_size(curve)).map_err(|_| CryptoError::Point)?;
            Number::from_bytes(&fixed)
        };
        let (x, y) = (coordinate(&point.x)?, coordinate(&point.y)?);
        let result = Self::new(curve)?;
        // SAFETY: every pointer is to a live value of its type, and the point belongs to the group.
        let status = unsafe {
            c::EC_POINT_set_affine_coordinates_GFp(
                result.group,
                result.pointer.as_ptr(),
                x.as_ptr(),
                y.as_ptr(),
                scratch.as_ptr(),
            )
        };
        done(status).map_err(|_| CryptoError::Point)?;
        Ok(result)
    }

    /// `self = scalar * G`.
    fn set_base_multiple(&mut self, scalar: &Number, scratch: &Scratch) -> Result<(), CryptoError> {
        // SAFETY: every pointer is to a live value of its type or null where the function allows it.
        done(unsafe {
            c::EC_POINT_mul(
                self.group,
                self.pointer.as_ptr(),
                scalar.as_ptr(),
                std::ptr::null(),
                std::ptr::null(),
                scratch.as_ptr(),
            )
        })
    }

    /// `self = scalar * point`, of the same curve.
    fn set_multiple(&mut self, point: &Self, scalar: &Number, scratch: &Scratch) -> Result<(), CryptoError> {
        // SAFETY: as in `set_base_multiple`.
        done(unsafe {
            c::EC_POINT_mul(
                self.group,
                self.pointer.as_ptr(),
                std::ptr::null(),
                point.pointer.as_ptr(),
                scalar.as_ptr(),
                scratch.as_ptr(),
            )
        })
    }

    /// `self = first + second`, of the same curve.
    fn set_sum(&mut self, first: &Self, second: &Self, scratch: &Scratch) -> Result<(), CryptoError> {
        // SAFETY: as in `set_base_multiple`.
        done(unsafe {
            c::EC_POINT_add(
                self.group,
                self.pointer.as_ptr(),
                first.pointer.as_ptr(),
                second.pointer.as_ptr(),
                scratch.as_ptr(),
            )
        })
    }

    fn coordinates(&self, scratch: &Scratch) -> Result<Zeroizing<EccSecretPoint>, CryptoError> {
        let (mut x, mut y) = (Number::new()?, Number::new()?);
        // SAFETY: every pointer is to a live value of its type; C refuses infinity.
        done(unsafe {
            c::EC_POINT_get_affine_coordinates_GFp(
                self.group,
                self.pointer.as_ptr(),
                x.as_mut_ptr(),
                y.as_mut_ptr(),
                scratch.as_ptr(),
            )
        })?;
        let size = field_size(self.curve);
        let bytes = |number: &Number| number.to_bytes(size).map(|mut bytes| std::mem::take(&mut *bytes));
        Ok(Zeroizing::new(EccSecretPoint { x: bytes(&x)?, y: bytes(&y)? }))
    }
}

impl Drop for Point {
    fn drop(&mut self) {
        // SAFETY: made by `EC_POINT_new`, owned by this value, freed once.
        unsafe { c::EC_POINT_clear_free(self.pointer.as_ptr()) };
    }
}

/// An ECDSA key: private for signing or public for verification.
struct Key(NonNull<c::EC_KEY>);

impl Key {
    fn new(curve: TpmEccCurve) -> Result<Self, CryptoError> {
        // SAFETY: takes no arguments; `made` sorts out the null pointer.
        let key = Self(made(unsafe { c::EC_KEY_new() })?);
        let group = group(curve)?;
        // SAFETY: the key is live and the group a constant.
        done(unsafe { c::EC_KEY_set_group(key.0.as_ptr(), group) })?;
        Ok(key)
    }

    fn set_private(&mut self, scalar: &Number) -> Result<(), CryptoError> {
        // SAFETY: both pointers are to live values; C copies the scalar.
        done(unsafe { c::EC_KEY_set_private_key(self.0.as_ptr(), scalar.as_ptr()) })
    }

    fn set_public(&mut self, point: &Point) -> Result<(), CryptoError> {
        // SAFETY: both pointers are to live values; C copies the point.
        done(unsafe { c::EC_KEY_set_public_key(self.0.as_ptr(), point.pointer.as_ptr()) })
    }

    /// Signs with a per-message number of ours. The C function's name warns of callers who choose it badly or twice;
    /// ours is RFC 6979's, hedged (`ironroot_crypto::ecc::nonce`), so that every provider makes the same signature. Its
    /// arithmetic is the one that the library's own signatures use.
    fn sign(&self, digest: &[u8], nonce: &[u8]) -> Result<Signature, CryptoError> {
        // SAFETY: the key is live and has a private part; pointers and lengths are those of slices.
        let pointer = unsafe {
            c::ECDSA_sign_with_nonce_and_leak_private_key_for_testing(
                digest.as_ptr(),
                digest.len(),
                self.0.as_ptr(),
                nonce.as_ptr(),
                nonce.len(),
            )
        };
        made(pointer).map(Signature)
    }

    fn verify(&self, digest: &[u8], signature: &Signature) -> Result<(), CryptoError> {
        // SAFETY: the key is live and has a public part, the signature has both numbers; pointer and length are those
        // of a slice.
        let status =
            unsafe { c::ECDSA_do_verify(digest.as_ptr(), digest.len(), signature.0.as_ptr(), self.0.as_ptr()) };
        done(status).map_err(|_| CryptoError::Invalid)
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        // SAFETY: made by `EC_KEY_new`, owned by this value, freed once; AWS-LC erases what it frees.
        unsafe { c::EC_KEY_free(self.0.as_ptr()) };
    }
}

/// A signature: r and s.
struct Signature(NonNull<c::ECDSA_SIG>);

impl Signature {
    fn new(mut numbers: [Number; 2]) -> Result<Self, CryptoError> {
        // SAFETY: takes no arguments; `made` sorts out the null pointer.
        let signature = Self(made(unsafe { c::ECDSA_SIG_new() })?);
        let [r, s] = numbers.each_mut().map(Number::as_mut_ptr);
        // SAFETY: all pointers are to live values. On success the signature owns the numbers, on failure we still do.
        done(unsafe { c::ECDSA_SIG_set0(signature.0.as_ptr(), r, s) })?;
        Number::release(numbers);
        Ok(signature)
    }

    fn halves(&self, size: usize) -> Result<(Vec<u8>, Vec<u8>), CryptoError> {
        let half = |number: *const c::BIGNUM| {
            let mut bytes = vec![0; size];
            // SAFETY: the number is the signature's, alive as long as it; C writes `size` bytes or reports that the
            // number does not fit.
            done(unsafe { c::BN_bn2bin_padded(bytes.as_mut_ptr(), size, number) })?;
            Ok(bytes)
        };
        // SAFETY: the signature is live and always has an r.
        let r = unsafe { c::ECDSA_SIG_get0_r(self.0.as_ptr()) };
        // SAFETY: the signature is live and always has an s.
        let s = unsafe { c::ECDSA_SIG_get0_s(self.0.as_ptr()) };
        Ok((half(r)?, half(s)?))
    }
}

impl Drop for Signature {
    fn drop(&mut self) {
        // SAFETY: made by `ECDSA_SIG_new` or by signing, owned by this value, freed once.
        unsafe { c::ECDSA_SIG_free(self.0.as_ptr()) };
    }
}
