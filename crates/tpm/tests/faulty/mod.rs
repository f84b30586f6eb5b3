//! A cryptographic provider that makes mistakes: what faults in the hardware, or somebody with a laser, would do.
#![allow(dead_code, missing_docs)]

use std::sync::atomic::{AtomicUsize, Ordering};

use ironroot_crypto::{
    CryptoError, EccPoint, EccProvider, EccSecretPoint, EdwardsProvider, MlDsaPrivateKey, MlDsaProvider,
    MlKemPrivateKey, MlKemProvider, PORTABLE, Provider, Random, RsaPrivateKey, RsaProvider, ecc::eddsa::Domain,
    rsa::RsaCrt,
};
use ironroot_crypto_host::HOST;
use ironroot_wire::*;
use zeroize::Zeroizing;

/// What a provider gets wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrong {
    RsaPrivate,
    RsaPublic,
    EccBase,
    EccMultiply,
    EcdsaSign,
    EcdsaVerify,
    XMultiply,
    EddsaSign,
    EddsaVerify,
    KemSecret,
    DsaVerify,
}

/// A provider that makes these mistakes, once the test says so.
pub struct Faulty {
    wrong: &'static [Wrong],
    /// How many more times it gets them right.
    good: AtomicUsize,
}

impl Faulty {
    /// One that goes wrong from the n-th call on, counted from 0.
    pub fn make(wrong: &'static [Wrong], n: usize) -> &'static Self {
        Box::leak(Box::new(Self { wrong, good: AtomicUsize::new(n) }))
    }

    /// One that is right until it breaks.
    pub fn whole(wrong: &'static [Wrong]) -> &'static Self {
        Self::make(wrong, usize::MAX)
    }

    /// From now on it goes wrong.
    pub fn breaks(&self) {
        self.good.store(0, Ordering::SeqCst);
    }

    /// From now on it is right.
    pub fn is_mended(&self) {
        self.good.store(usize::MAX, Ordering::SeqCst);
    }

    fn is(&self, wrong: Wrong) -> bool {
        let spent = |good: usize| good.checked_sub(1);
        self.wrong.contains(&wrong) && self.good.fetch_update(Ordering::SeqCst, Ordering::SeqCst, spent).is_err()
    }

    fn mangle(&self, wrong: Wrong, bytes: &mut [u8]) {
        if self.is(wrong)
            && let Some(last) = bytes.last_mut()
        {
            *last ^= 1;
        }
    }
}

impl Provider for Faulty {
    fn name(&self) -> &'static str {
        "faulty"
    }
}

struct FaultyKey(Box<dyn RsaPrivateKey>, bool);

impl RsaPrivateKey for FaultyKey {
    fn size(&self) -> usize {
        self.0.size()
    }
    fn private(&self, input: &[u8], random: &mut dyn Random) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        let mut output = self.0.private(input, random)?;
        output[9] ^= u8::from(self.1);
        Ok(output)
    }
}

impl RsaProvider for Faulty {
    fn rsa_public(&self, modulus: &[u8], exponent: u32, input: &[u8]) -> Result<Vec<u8>, CryptoError> {
        let mut output = PORTABLE.rsa_public(modulus, exponent, input)?;
        self.mangle(Wrong::RsaPublic, &mut output);
        Ok(output)
    }
    fn rsa_load(&self, key: &RsaCrt) -> Result<Box<dyn RsaPrivateKey>, CryptoError> {
        Ok(Box::new(FaultyKey(PORTABLE.rsa_load(key)?, self.is(Wrong::RsaPrivate))))
    }
    fn first_prime(
        &self,
        candidates: &[Zeroizing<Vec<u8>>],
        bases: &[Zeroizing<Vec<u8>>],
    ) -> Result<Option<usize>, CryptoError> {
        HOST.first_prime(candidates, bases)
    }
}

impl EccProvider for Faulty {
    fn ecc_base_multiply(&self, curve: TpmEccCurve, scalar: &[u8]) -> Result<EccPoint, CryptoError> {
        let mut point = PORTABLE.ecc_base_multiply(curve, scalar)?;
        self.mangle(Wrong::EccBase, &mut point.x);
        Ok(point)
    }
    fn ecc_multiply(
        &self,
        curve: TpmEccCurve,
        scalar: &[u8],
        point: &EccPoint,
    ) -> Result<Zeroizing<EccSecretPoint>, CryptoError> {
        let mut product = PORTABLE.ecc_multiply(curve, scalar, point)?;
        self.mangle(Wrong::EccMultiply, &mut product.x);
        Ok(product)
    }
    fn ecc_combine(&self, curve: TpmEccCurve, terms: [(&[u8], &EccPoint); 2]) -> Result<EccPoint, CryptoError> {
        PORTABLE.ecc_combine(curve, terms)
    }
    fn ecc_check_point(&self, curve: TpmEccCurve, point: &EccPoint) -> Result<(), CryptoError> {
        PORTABLE.ecc_check_point(curve, point)
    }
    fn ecdsa_sign(
        &self,
        curve: TpmEccCurve,
        scalar: &[u8],
        digest: &[u8],
        random: &mut dyn Random,
    ) -> Result<(Vec<u8>, Vec<u8>), CryptoError> {
        let (r, mut s) = PORTABLE.ecdsa_sign(curve, scalar, digest, random)?;
        self.mangle(Wrong::EcdsaSign, &mut s);
        Ok((r, s))
    }
    fn ecdsa_verify(
        &self,
        curve: TpmEccCurve,
        public: &EccPoint,
        digest: &[u8],
        r: &[u8],
        s: &[u8],
    ) -> Result<(), CryptoError> {
        // The dangerous mistake of a verification is to accept.
        if self.is(Wrong::EcdsaVerify) { Ok(()) } else { PORTABLE.ecdsa_verify(curve, public, digest, r, s) }
    }
}

impl EdwardsProvider for Faulty {
    fn x_multiply(&self, curve: TpmEccCurve, private: &[u8], point: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        let mut product = PORTABLE.x_multiply(curve, private, point)?;
        self.mangle(Wrong::XMultiply, &mut product);
        Ok(product)
    }
    fn eddsa_sign(
        &self,
        curve: TpmEccCurve,
        private: &[u8],
        domain: Domain<'_>,
        message: &[u8],
    ) -> Result<Vec<u8>, CryptoError> {
        let mut signature = PORTABLE.eddsa_sign(curve, private, domain, message)?;
        if self.is(Wrong::EddsaSign) {
            // In S, where a fault in the challenge would show.
            let half = signature.len() / 2;
            signature[half + 3] ^= 4;
        }
        Ok(signature)
    }
    fn eddsa_verify(
        &self,
        curve: TpmEccCurve,
        public: &[u8],
        domain: Domain<'_>,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), CryptoError> {
        if self.is(Wrong::EddsaVerify) {
            return Ok(());
        }
        PORTABLE.eddsa_verify(curve, public, domain, message, signature)
    }
}

impl MlKemProvider for Faulty {
    fn ml_kem_load(&self, set: TpmiMlkemParms, seed: &[u8]) -> Result<Box<dyn MlKemPrivateKey>, CryptoError> {
        PORTABLE.ml_kem_load(set, seed)
    }
    fn ml_kem_check_public(&self, set: TpmiMlkemParms, public: &[u8]) -> Result<(), CryptoError> {
        PORTABLE.ml_kem_check_public(set, public)
    }
    fn ml_kem_encapsulate(
        &self,
        set: TpmiMlkemParms,
        public: &[u8],
        message: &[u8; 32],
    ) -> Result<(Zeroizing<Vec<u8>>, Vec<u8>), CryptoError> {
        let (mut secret, ciphertext) = PORTABLE.ml_kem_encapsulate(set, public, message)?;
        self.mangle(Wrong::KemSecret, &mut secret);
        Ok((secret, ciphertext))
    }
}

impl MlDsaProvider for Faulty {
    fn ml_dsa_load(&self, set: TpmiMldsaParms, seed: &[u8]) -> Result<Box<dyn MlDsaPrivateKey>, CryptoError> {
        PORTABLE.ml_dsa_load(set, seed)
    }
    fn ml_dsa_verify_mu(
        &self,
        set: TpmiMldsaParms,
        public: &[u8],
        mu: &[u8; 64],
        signature: &[u8],
    ) -> Result<(), CryptoError> {
        if self.is(Wrong::DsaVerify) { Ok(()) } else { PORTABLE.ml_dsa_verify_mu(set, public, mu, signature) }
    }
}
