//! The library's curves. For those that it does not have by name, its generic arithmetic is given their numbers, once.
//!
//! That generic arithmetic (`EC_GFp_mont_method`) is what the library uses for secp256k1 as well: fields in Montgomery's
//! form of fixed width, multiplication with a table that is read in constant time.

use std::{ptr::NonNull, sync::OnceLock};

use aws_lc_sys as c;
use ironroot_crypto::{CryptoError, ecc::parameters};
use ironroot_wire::TpmEccCurve;

use crate::number::{Number, Scratch, done, made};

/// The curve. It lives as long as the program: nobody frees it, and any thread may read it.
pub fn group(curve: TpmEccCurve) -> Result<*const c::EC_GROUP, CryptoError> {
    static P192: Made = Made::new();
    static BN_P256: Made = Made::new();
    static SM2_P256: Made = Made::new();
    static BP_P256_R1: Made = Made::new();
    static BP_P384_R1: Made = Made::new();
    static BP_P512_R1: Made = Made::new();
    Ok(match curve {
        // SAFETY: takes no arguments; gives the address of a constant.
        TpmEccCurve::NistP224 => unsafe { c::EC_group_p224() },
        // SAFETY: takes no arguments; gives the address of a constant.
        TpmEccCurve::NistP256 => unsafe { c::EC_group_p256() },
        // SAFETY: takes no arguments; gives the address of a constant.
        TpmEccCurve::NistP384 => unsafe { c::EC_group_p384() },
        // SAFETY: takes no arguments; gives the address of a constant.
        TpmEccCurve::NistP521 => unsafe { c::EC_group_p521() },
        TpmEccCurve::NistP192 => P192.get(curve)?,
        TpmEccCurve::BnP256 => BN_P256.get(curve)?,
        TpmEccCurve::Sm2P256 => SM2_P256.get(curve)?,
        TpmEccCurve::BpP256R1 => BP_P256_R1.get(curve)?,
        TpmEccCurve::BpP384R1 => BP_P384_R1.get(curve)?,
        TpmEccCurve::BpP512R1 => BP_P512_R1.get(curve)?,
        TpmEccCurve::BnP638 | TpmEccCurve::Curve25519 | TpmEccCurve::Curve448 => return Err(CryptoError::Unsupported),
    })
}

/// A curve that is made at its first use and then kept.
struct Made(OnceLock<Group>);

impl Made {
    const fn new() -> Self {
        Self(OnceLock::new())
    }

    /// Two threads may make it at once; one of them keeps its own.
    fn get(&self, curve: TpmEccCurve) -> Result<*const c::EC_GROUP, CryptoError> {
        if let Some(group) = self.0.get() {
            return Ok(group.0.as_ptr());
        }
        let made = Group::new(curve)?;
        Ok(self.0.get_or_init(|| made).0.as_ptr())
    }
}

/// A curve of our numbers.
struct Group(NonNull<c::EC_GROUP>);

// SAFETY: memory that this value alone owns, bound to no thread.
unsafe impl Send for Group {}
// SAFETY: once it is made, C only reads it and counts its users atomically.
unsafe impl Sync for Group {}

impl Group {
    fn new(curve: TpmEccCurve) -> Result<Self, CryptoError> {
        let numbers = parameters(curve);
        let scratch = Scratch::new()?;
        let (p, a, b) =
            (Number::from_bytes(numbers.p)?, Number::from_bytes(numbers.a)?, Number::from_bytes(numbers.b)?);
        // SAFETY: every pointer is to a live number, which C copies; `made` sorts out the null pointer.
        let group = unsafe { c::EC_GROUP_new_curve_GFp(p.as_ptr(), a.as_ptr(), b.as_ptr(), scratch.as_ptr()) };
        let group = Self(made(group)?);
        group.set_generator(curve, &scratch)?;
        Ok(group)
    }

    fn set_generator(&self, curve: TpmEccCurve, scratch: &Scratch) -> Result<(), CryptoError> {
        let numbers = parameters(curve);
        let (x, y) = (Number::from_bytes(numbers.gx)?, Number::from_bytes(numbers.gy)?);
        let (n, h) = (Number::from_bytes(numbers.n)?, Number::from_bytes(numbers.h)?);
        // SAFETY: the group is live; `made` sorts out the null pointer.
        let point = made(unsafe { c::EC_POINT_new(self.0.as_ptr()) })?;
        // SAFETY: every pointer is to a live value of its type, and the point belongs to the group.
        let placed = unsafe {
            c::EC_POINT_set_affine_coordinates_GFp(
                self.0.as_ptr(),
                point.as_ptr(),
                x.as_ptr(),
                y.as_ptr(),
                scratch.as_ptr(),
            )
        };
        let set = done(placed).and_then(|()| {
            // SAFETY: as above; C copies the point and the numbers.
            done(unsafe { c::EC_GROUP_set_generator(self.0.as_ptr(), point.as_ptr(), n.as_ptr(), h.as_ptr()) })
        });
        // SAFETY: made above, freed once; the group has its own copy.
        unsafe { c::EC_POINT_free(point.as_ptr()) };
        set
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // SAFETY: made by `EC_GROUP_new_curve_GFp`, owned by this value, freed once.
        unsafe { c::EC_GROUP_free(self.0.as_ptr()) };
    }
}
