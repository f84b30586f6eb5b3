//! ML-KEM.

use ironroot_crypto::{
    CryptoError, MlKemPrivateKey, MlKemProvider,
    mlkem::{MESSAGE_SIZE, SECRET_SIZE, SEED_SIZE},
};
use ironroot_wire::TpmiMlkemParms;
use zeroize::Zeroizing;

use crate::{
    Host,
    lattice::{ML_KEM_SUCCESS, MlKem, ml_kem},
};

impl MlKemProvider for Host {
    fn ml_kem_load(&self, set: TpmiMlkemParms, seed: &[u8]) -> Result<Box<dyn MlKemPrivateKey>, CryptoError> {
        let seed: &[u8; SEED_SIZE] = seed.try_into().map_err(|_| CryptoError::Value)?;
        Ok(Box::new(PrivateKey::from_seed(ml_kem(set), seed)?))
    }

    fn ml_kem_check_public(&self, set: TpmiMlkemParms, public: &[u8]) -> Result<(), CryptoError> {
        check_public(ml_kem(set), public)
    }

    fn ml_kem_encapsulate(
        &self,
        set: TpmiMlkemParms,
        public: &[u8],
        message: &[u8; MESSAGE_SIZE],
    ) -> Result<(Zeroizing<Vec<u8>>, Vec<u8>), CryptoError> {
        let library = ml_kem(set);
        check_public(library, public)?;
        let (mut secret, mut secret_size) = (Zeroizing::new(vec![0; SECRET_SIZE]), SECRET_SIZE);
        let (mut ciphertext, mut size) = (vec![0; library.ciphertext_size], library.ciphertext_size);
        // SAFETY: the buffers have the sizes that the function writes, which it is told and compares; the public key was
        // checked to have the size of the parameter set, and the message has the 32 bytes that it reads.
        let status = unsafe {
            (library.encapsulate)(
                ciphertext.as_mut_ptr(),
                &raw mut size,
                secret.as_mut_ptr(),
                &raw mut secret_size,
                public.as_ptr(),
                message.as_ptr(),
            )
        };
        succeeded(status)?;
        Ok((secret, ciphertext))
    }
}

fn check_public(library: &MlKem, public: &[u8]) -> Result<(), CryptoError> {
    if public.len() != library.public_size {
        return Err(CryptoError::Value);
    }
    // SAFETY: the pointer and size are those of a slice, and the size is the parameter set's.
    let status = unsafe { (library.check)(public.as_ptr(), public.len()) };
    succeeded(status).map_err(|_| CryptoError::Value)
}

fn succeeded(status: std::ffi::c_int) -> Result<(), CryptoError> {
    if status == ML_KEM_SUCCESS { Ok(()) } else { Err(CryptoError::Internal) }
}

/// A private key in its expanded encoding, with the public key and its hash.
pub struct PrivateKey {
    library: &'static MlKem,
    secret: Zeroizing<Vec<u8>>,
    public: Vec<u8>,
}

impl PrivateKey {
    fn from_seed(library: &'static MlKem, seed: &[u8; SEED_SIZE]) -> Result<Self, CryptoError> {
        let (mut public, mut public_size) = (vec![0; library.public_size], library.public_size);
        let (mut secret, mut size) = (Zeroizing::new(vec![0; library.secret_size]), library.secret_size);
        // SAFETY: the buffers have the sizes that the function writes, which it is told and compares, and the seed has the
        // 64 bytes that it reads.
        let status = unsafe {
            (library.key_pair)(
                public.as_mut_ptr(),
                &raw mut public_size,
                secret.as_mut_ptr(),
                &raw mut size,
                seed.as_ptr(),
            )
        };
        succeeded(status)?;
        Ok(Self { library, secret, public })
    }
}

impl MlKemPrivateKey for PrivateKey {
    fn public(&self) -> &[u8] {
        &self.public
    }

    fn decapsulate(&self, ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        if ciphertext.len() != self.library.ciphertext_size {
            return Err(CryptoError::Value);
        }
        let (mut secret, mut size) = (Zeroizing::new(vec![0; SECRET_SIZE]), SECRET_SIZE);
        // SAFETY: the buffer has the size that the function writes, which it is told and compares; the ciphertext was
        // checked to have, and the secret key was made with, the size of the parameter set.
        let status = unsafe {
            (self.library.decapsulate)(secret.as_mut_ptr(), &raw mut size, ciphertext.as_ptr(), self.secret.as_ptr())
        };
        succeeded(status)?;
        Ok(secret)
    }
}

#[cfg(test)]
mod tests;
