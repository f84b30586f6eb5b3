//! ML-DSA.

use ironroot_crypto::{
    CryptoError, MlDsaPrivateKey, MlDsaProvider, Random,
    mldsa::{MU_SIZE, RANDOM_SIZE, SEED_SIZE},
};
use ironroot_wire::TpmiMldsaParms;
use zeroize::Zeroizing;

use crate::{
    Host,
    lattice::{MlDsa, ml_dsa},
    number::done,
};

impl MlDsaProvider for Host {
    fn ml_dsa_load(&self, set: TpmiMldsaParms, seed: &[u8]) -> Result<Box<dyn MlDsaPrivateKey>, CryptoError> {
        let seed: &[u8; SEED_SIZE] = seed.try_into().map_err(|_| CryptoError::Value)?;
        Ok(Box::new(PrivateKey::from_seed(ml_dsa(set), seed)?))
    }

    fn ml_dsa_verify_mu(
        &self,
        set: TpmiMldsaParms,
        public: &[u8],
        mu: &[u8; MU_SIZE],
        signature: &[u8],
    ) -> Result<(), CryptoError> {
        self.ml_dsa_check_public(set, public)?;
        if signature.len() != ml_dsa(set).signature_size {
            return Err(CryptoError::Invalid);
        }
        // SAFETY: the public key was checked to have the size of the parameter set; the other pointers and sizes are those
        // of slices.
        let status = unsafe {
            (ml_dsa(set).verify)(public.as_ptr(), signature.as_ptr(), signature.len(), mu.as_ptr(), mu.len())
        };
        done(status).map_err(|_| CryptoError::Invalid)
    }
}

/// A private key in its expanded encoding. The library expands the public matrix for each signature.
struct PrivateKey {
    library: &'static MlDsa,
    private: Zeroizing<Vec<u8>>,
    public: Vec<u8>,
}

impl PrivateKey {
    fn from_seed(library: &'static MlDsa, seed: &[u8; SEED_SIZE]) -> Result<Self, CryptoError> {
        let mut public = vec![0; library.public_size];
        let mut private = Zeroizing::new(vec![0; library.private_size]);
        // SAFETY: the buffers have the sizes that the function writes (those of the parameter set), and the seed has the 32
        // bytes that it reads.
        done(unsafe { (library.key_pair)(public.as_mut_ptr(), private.as_mut_ptr(), seed.as_ptr()) })?;
        Ok(Self { library, private, public })
    }
}

impl MlDsaPrivateKey for PrivateKey {
    fn public(&self) -> &[u8] {
        &self.public
    }

    fn sign_mu(&self, mu: &[u8; MU_SIZE], random: &mut dyn Random) -> Result<Vec<u8>, CryptoError> {
        let mut randomness = Zeroizing::new([0; RANDOM_SIZE]);
        random.fill(&mut *randomness);
        let (mut signature, mut size) = (vec![0; self.library.signature_size], 0);
        // SAFETY: the signature has the size that the function writes; the private key was made with the size of the
        // parameter set, mu's pointer and size are those of an array, the prefix is null with size 0, which is not read
        // when the message is a mu, and the randomness has the 32 bytes that it reads.
        done(unsafe {
            (self.library.sign)(
                self.private.as_ptr(),
                signature.as_mut_ptr(),
                &raw mut size,
                mu.as_ptr(),
                mu.len(),
                std::ptr::null(),
                0,
                randomness.as_ptr(),
            )
        })?;
        Ok(signature)
    }
}

#[cfg(test)]
mod tests;
