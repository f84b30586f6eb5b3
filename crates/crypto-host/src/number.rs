//! Big numbers, and modular exponentiation on them: the owning types over AWS-LC's `BIGNUM`, `BN_CTX` and `BN_MONT_CTX`.

use std::ptr::NonNull;

use aws_lc_sys as c;
use ironroot_crypto::CryptoError;
use zeroize::Zeroizing;

/// A C function's 1 for success as a result. On failure the thread's queue of error texts is emptied: nobody reads it.
pub fn done(status: std::os::raw::c_int) -> Result<(), CryptoError> {
    if status == 1 { Ok(()) } else { Err(failed()) }
}

/// A C constructor's pointer, unless it is null (out of memory).
pub fn made<T>(pointer: *mut T) -> Result<NonNull<T>, CryptoError> {
    NonNull::new(pointer).ok_or_else(failed)
}

fn failed() -> CryptoError {
    // SAFETY: takes no arguments and touches this thread's error queue only.
    unsafe { c::ERR_clear_error() };
    CryptoError::Internal
}

/// A non-negative number; erased when it is dropped. Its width in words is that of the bytes that it was made from, not
/// that of its value, as constant time demands.
pub struct Number(NonNull<c::BIGNUM>);

// SAFETY: a number is memory that this value alone owns, bound to no thread.
unsafe impl Send for Number {}
// SAFETY: C reads through shared references and writes through exclusive ones.
unsafe impl Sync for Number {}

impl Number {
    /// Zero, to be written by C.
    pub fn new() -> Result<Self, CryptoError> {
        // SAFETY: takes no arguments; `made` sorts out the null pointer.
        made(unsafe { c::BN_new() }).map(Self)
    }

    /// A big-endian number.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CryptoError> {
        let mut number = Self::new()?;
        // SAFETY: the pointer and length are those of a slice, and the target is a live number; C copies.
        let pointer = unsafe { c::BN_bin2bn(bytes.as_ptr(), bytes.len(), number.as_mut_ptr()) };
        made(pointer).map(|_| number)
    }

    /// The same number once more.
    pub fn duplicate(&self) -> Result<Self, CryptoError> {
        // SAFETY: the number is live; `made` sorts out the null pointer.
        made(unsafe { c::BN_dup(self.as_ptr()) }).map(Self)
    }

    /// A small number.
    pub fn from_u32(value: u32) -> Result<Self, CryptoError> {
        Self::from_bytes(&value.to_be_bytes())
    }

    /// Big-endian, in `size` bytes, in a time that depends on `size` only.
    pub fn to_bytes(&self, size: usize) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        let mut bytes = Zeroizing::new(vec![0; size]);
        // SAFETY: C writes `size` bytes, all within the vector, or none and reports that the number does not fit.
        done(unsafe { c::BN_bn2bin_padded(bytes.as_mut_ptr(), size, self.as_ptr()) })?;
        Ok(bytes)
    }

    /// The product of two numbers. Its size shows, no more.
    pub fn product(&self, other: &Self, scratch: &Scratch) -> Result<Self, CryptoError> {
        let mut result = Self::new()?;
        // SAFETY: every pointer is to a live value of its type, and the result is none of the inputs.
        done(unsafe { c::BN_mul(result.as_mut_ptr(), self.as_ptr(), other.as_ptr(), scratch.as_ptr()) })?;
        Ok(result)
    }

    /// For C to read.
    pub fn as_ptr(&self) -> *const c::BIGNUM {
        self.0.as_ptr()
    }

    /// For C to write.
    pub fn as_mut_ptr(&mut self) -> *mut c::BIGNUM {
        self.0.as_ptr()
    }

    /// For C functions that keep the numbers: nobody frees them here any more.
    pub fn release<const COUNT: usize>(numbers: [Self; COUNT]) {
        for number in numbers {
            std::mem::forget(number);
        }
    }
}

impl Drop for Number {
    fn drop(&mut self) {
        // SAFETY: made by `BN_new`, owned by this value, freed once.
        unsafe { c::BN_clear_free(self.as_mut_ptr()) };
    }
}

/// Scratch space for calculations.
pub struct Scratch(NonNull<c::BN_CTX>);

impl Scratch {
    pub fn new() -> Result<Self, CryptoError> {
        // SAFETY: takes no arguments; `made` sorts out the null pointer.
        made(unsafe { c::BN_CTX_new() }).map(Self)
    }

    pub fn as_ptr(&self) -> *mut c::BN_CTX {
        self.0.as_ptr()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // SAFETY: made by `BN_CTX_new`, owned by this value, freed once.
        unsafe { c::BN_CTX_free(self.as_ptr()) };
    }
}

/// An odd modulus with what Montgomery's multiplication needs.
pub struct Modulus {
    number: Number,
    montgomery: NonNull<c::BN_MONT_CTX>,
}

// SAFETY: memory that this value alone owns, bound to no thread.
unsafe impl Send for Modulus {}
// SAFETY: once it is made, C only reads it.
unsafe impl Sync for Modulus {}

impl Modulus {
    /// A public modulus (odd).
    pub fn public(bytes: &[u8], scratch: &Scratch) -> Result<Self, CryptoError> {
        let number = Number::from_bytes(bytes)?;
        // SAFETY: both pointers are to live values; C copies the number.
        let pointer = unsafe { c::BN_MONT_CTX_new_for_modulus(number.as_ptr(), scratch.as_ptr()) };
        Ok(Self { number, montgomery: made(pointer)? })
    }

    /// A secret modulus (odd); only its size shows.
    pub fn secret(bytes: &[u8], scratch: &Scratch) -> Result<Self, CryptoError> {
        let number = Number::from_bytes(bytes)?;
        // SAFETY: both pointers are to live values; C copies the number.
        let pointer = unsafe { c::BN_MONT_CTX_new_consttime(number.as_ptr(), scratch.as_ptr()) };
        Ok(Self { number, montgomery: made(pointer)? })
    }

    /// Montgomery's form of a number below the modulus, made from as many bytes.
    pub fn to_form(&self, number: &Number, scratch: &Scratch) -> Result<Number, CryptoError> {
        let mut result = Number::new()?;
        // SAFETY: every pointer is to a live value of its type, and the result is none of the inputs.
        done(unsafe {
            c::BN_to_montgomery(result.as_mut_ptr(), number.as_ptr(), self.montgomery.as_ptr(), scratch.as_ptr())
        })?;
        Ok(result)
    }

    /// The product of two numbers below the modulus. If one is in Montgomery's form, the product is plain; if both are,
    /// so is the product.
    pub fn multiply(&self, left: &Number, right: &Number, scratch: &Scratch) -> Result<Number, CryptoError> {
        let mut result = Number::new()?;
        // SAFETY: every pointer is to a live value of its type, and the result is none of the inputs.
        done(unsafe {
            c::BN_mod_mul_montgomery(
                result.as_mut_ptr(),
                left.as_ptr(),
                right.as_ptr(),
                self.montgomery.as_ptr(),
                scratch.as_ptr(),
            )
        })?;
        Ok(result)
    }

    /// `base ^ exponent`, in a time that depends on the (public) exponent. `base` is below the modulus.
    pub fn power_of_public(&self, base: &Number, exponent: &Number, scratch: &Scratch) -> Result<Number, CryptoError> {
        let mut result = Number::new()?;
        // SAFETY: every pointer is to a live value of its type, and the result is none of the inputs.
        done(unsafe {
            c::BN_mod_exp_mont(
                result.as_mut_ptr(),
                base.as_ptr(),
                exponent.as_ptr(),
                self.number.as_ptr(),
                scratch.as_ptr(),
                self.montgomery.as_ptr(),
            )
        })?;
        Ok(result)
    }
}

impl Drop for Modulus {
    fn drop(&mut self) {
        // SAFETY: made by one of the constructors, owned by this value, freed (and erased) once.
        unsafe { c::BN_MONT_CTX_free(self.montgomery.as_ptr()) };
    }
}

/// `base ^ exponent` of one secret modulus.
pub struct Power<'a> {
    pub modulus: &'a Modulus,
    pub base: &'a Number,
    pub exponent: &'a Number,
}

impl Power<'_> {
    /// Computes two powers at once, in constant time: with AVX-512 in hardly more than the time of one. Bases are below
    /// their moduli.
    pub fn pair(first: &Power<'_>, second: &Power<'_>, scratch: &Scratch) -> Result<(Number, Number), CryptoError> {
        let mut results = (Number::new()?, Number::new()?);
        // SAFETY: every pointer is to a live value of its type; the results are distinct and none of the inputs.
        done(unsafe {
            c::BN_mod_exp_mont_consttime_x2(
                results.0.as_mut_ptr(),
                first.base.as_ptr(),
                first.exponent.as_ptr(),
                first.modulus.number.as_ptr(),
                first.modulus.montgomery.as_ptr(),
                results.1.as_mut_ptr(),
                second.base.as_ptr(),
                second.exponent.as_ptr(),
                second.modulus.number.as_ptr(),
                second.modulus.montgomery.as_ptr(),
                scratch.as_ptr(),
            )
        })?;
        Ok(results)
    }

    /// Computes one power in constant time.
    pub fn compute(&self, scratch: &Scratch) -> Result<Number, CryptoError> {
        let mut result = Number::new()?;
        // SAFETY: every pointer is to a live value of its type, and the result is none of the inputs.
        done(unsafe {
            c::BN_mod_exp_mont_consttime(
                result.as_mut_ptr(),
                self.base.as_ptr(),
                self.exponent.as_ptr(),
                self.modulus.number.as_ptr(),
                scratch.as_ptr(),
                self.modulus.montgomery.as_ptr(),
            )
        })?;
        Ok(result)
    }
}
