//! X25519 and Ed25519. Curve448 is not in the library: the portable arithmetic does it.

use aws_lc_sys as c;
use ironroot_crypto::{
    CryptoError, EdwardsProvider, PORTABLE,
    ecc::eddsa::{Domain, MAX_CONTEXT, PREHASH_SIZE},
};
use ironroot_wire::TpmEccCurve;
use zeroize::Zeroizing;

use crate::{Host, number::done};

const SIZE: usize = 32;

impl EdwardsProvider for Host {
    fn x_public(&self, curve: TpmEccCurve, private: &[u8]) -> Result<Vec<u8>, CryptoError> {
        if curve != TpmEccCurve::Curve25519 {
            return PORTABLE.x_public(curve, private);
        }
        let private = sized(private).ok_or(CryptoError::Value)?;
        let mut public = [0; SIZE];
        // SAFETY: both pointers are to 32 bytes, as the function wants.
        unsafe { c::X25519_public_from_private(public.as_mut_ptr(), private.as_ptr()) };
        Ok(public.to_vec())
    }

    fn x_multiply(&self, curve: TpmEccCurve, private: &[u8], point: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        if curve != TpmEccCurve::Curve25519 {
            return PORTABLE.x_multiply(curve, private, point);
        }
        let private = sized(private).ok_or(CryptoError::Value)?;
        let point = sized(point).ok_or(CryptoError::Point)?;
        let mut product = Zeroizing::new(vec![0; SIZE]);
        // SAFETY: all three pointers are to 32 bytes, as the function wants.
        let status = unsafe { c::X25519(product.as_mut_ptr(), private.as_ptr(), point.as_ptr()) };
        done(status).map_err(|_| CryptoError::Point)?;
        Ok(product)
    }

    fn eddsa_public(&self, curve: TpmEccCurve, private: &[u8]) -> Result<Vec<u8>, CryptoError> {
        if curve != TpmEccCurve::Curve25519 {
            return PORTABLE.eddsa_public(curve, private);
        }
        Ok(KeyPair::new(private)?.public.to_vec())
    }

    fn eddsa_sign(
        &self,
        curve: TpmEccCurve,
        private: &[u8],
        domain: Domain<'_>,
        message: &[u8],
    ) -> Result<Vec<u8>, CryptoError> {
        if curve != TpmEccCurve::Curve25519 {
            return PORTABLE.eddsa_sign(curve, private, domain, message);
        }
        if domain.context.len() > MAX_CONTEXT || (domain.prehashed && message.len() != PREHASH_SIZE) {
            return Err(CryptoError::Value);
        }
        KeyPair::new(private)?.sign(domain, message)
    }

    fn eddsa_verify(
        &self,
        curve: TpmEccCurve,
        public: &[u8],
        domain: Domain<'_>,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), CryptoError> {
        if curve == TpmEccCurve::Curve25519
            && let (Some(key), Ok(signature)) = (sized(public), <&[u8; 2 * SIZE]>::try_from(signature))
            && is_usual(key)
            && verify(key, domain, message, signature)
        {
            return Ok(());
        }
        // Everything unusual or wrong is judged, and named, by the portable code.
        PORTABLE.eddsa_verify(curve, public, domain, message, signature)
    }
}

fn sized(bytes: &[u8]) -> Option<&[u8; SIZE]> {
    bytes.try_into().ok()
}

/// Whether the y coordinate is neither near zero nor near the prime. Only there are encodings that are not canonical,
/// which the library takes and we do not.
fn is_usual(public: &[u8; SIZE]) -> bool {
    let mut middle = public.iter().skip(1).take(SIZE - 2);
    let first = middle.next();
    middle.any(|byte| Some(byte) != first) || !matches!(first, Some(0 | 0xff))
}

/// A private key as the library wants it: the seed and the public key.
struct KeyPair {
    public: [u8; SIZE],
    private: Zeroizing<[u8; 2 * SIZE]>,
}

impl KeyPair {
    fn new(private: &[u8]) -> Result<Self, CryptoError> {
        let seed = sized(private).ok_or(CryptoError::Value)?;
        let mut pair = Self { public: [0; SIZE], private: Zeroizing::new([0; 2 * SIZE]) };
        let (public, private) = (pair.public.as_mut_ptr(), pair.private.as_mut_ptr());
        // SAFETY: the pointers are to 32, 64 and 32 bytes, as the function wants.
        unsafe { c::ED25519_keypair_from_seed(public, private, seed.as_ptr()) };
        Ok(pair)
    }

    fn sign(&self, domain: Domain<'_>, message: &[u8]) -> Result<Vec<u8>, CryptoError> {
        let mut signature = vec![0; 2 * SIZE];
        let (out, key) = (signature.as_mut_ptr(), self.private.as_ptr());
        let (context, context_size) = (domain.context.as_ptr(), domain.context.len());
        done(if domain.prehashed {
            // SAFETY: the pointers are to 64 bytes for the signature, 64 of the digest (checked by the caller), 64 of
            // the key, and the context of its length.
            unsafe { c::ED25519ph_sign_digest(out, message.as_ptr(), key, context, context_size) }
        } else if domain.context.is_empty() {
            // SAFETY: the pointers are to 64 bytes for the signature, the message of its length and 64 of the key.
            unsafe { c::ED25519_sign(out, message.as_ptr(), message.len(), key) }
        } else {
            // SAFETY: as above, and the context of its length.
            unsafe { c::ED25519ctx_sign(out, message.as_ptr(), message.len(), key, context, context_size) }
        })?;
        Ok(signature)
    }
}

fn verify(public: &[u8; SIZE], domain: Domain<'_>, message: &[u8], signature: &[u8; 2 * SIZE]) -> bool {
    let (key, signature) = (public.as_ptr(), signature.as_ptr());
    let (context, context_size) = (domain.context.as_ptr(), domain.context.len());
    if domain.prehashed {
        message.len() == PREHASH_SIZE
            // SAFETY: the pointers are to 64 bytes of digest, 64 of the signature, 32 of the key, and the context of its
            // length.
            && done(unsafe { c::ED25519ph_verify_digest(message.as_ptr(), signature, key, context, context_size) }).is_ok()
    } else if domain.context.is_empty() {
        // SAFETY: the pointers are to the message of its length, 64 bytes of the signature and 32 of the key.
        done(unsafe { c::ED25519_verify(message.as_ptr(), message.len(), signature, key) }).is_ok()
    } else {
        // SAFETY: as above, and the context of its length.
        done(unsafe { c::ED25519ctx_verify(message.as_ptr(), message.len(), signature, key, context, context_size) })
            .is_ok()
    }
}
