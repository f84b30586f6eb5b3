//! ML-DSA of the portable provider, on RustCrypto's implementation. Signing takes time that depends on how many attempts
//! it needs, which is public; each attempt is constant-time in everything secret.

use alloc::{boxed::Box, vec::Vec};

use ironroot_wire::TpmiMldsaParms;
use ml_dsa::{
    EncodedVerifyingKey, Keypair as _, MlDsa44, MlDsa65, MlDsa87, MlDsaParams, Seed, Signature, SigningKey,
    VerifyingKey,
};
use zeroize::Zeroize;

use super::{MU_SIZE, SEED_SIZE};
use crate::{CryptoError, MlDsaPrivateKey, MlDsaProvider, Portable, Random, random::AsRng};

/// Calls a function that is generic over the parameter set.
macro_rules! on {
    ($set:expr, $function:ident($($argument:expr),*)) => {
        match $set {
            TpmiMldsaParms::MlDsa44 => $function::<MlDsa44>($($argument),*),
            TpmiMldsaParms::MlDsa65 => $function::<MlDsa65>($($argument),*),
            TpmiMldsaParms::MlDsa87 => $function::<MlDsa87>($($argument),*),
        }
    };
}

impl MlDsaProvider for Portable {
    fn ml_dsa_load(&self, set: TpmiMldsaParms, seed: &[u8]) -> Result<Box<dyn MlDsaPrivateKey>, CryptoError> {
        let seed: &[u8; SEED_SIZE] = seed.try_into().map_err(|_| CryptoError::Value)?;
        Ok(on!(set, load(seed)))
    }

    fn ml_dsa_verify_mu(
        &self,
        set: TpmiMldsaParms,
        public: &[u8],
        mu: &[u8; MU_SIZE],
        signature: &[u8],
    ) -> Result<(), CryptoError> {
        on!(set, verify(public, mu, signature))
    }
}

/// A signing key with its matrix and its secrets in the transformed domain.
struct PrivateKey<P: MlDsaParams> {
    key: SigningKey<P>,
    public: Vec<u8>,
}

impl<P: MlDsaParams + Send + Sync + 'static> MlDsaPrivateKey for PrivateKey<P>
where
    SigningKey<P>: Send + Sync,
{
    fn public(&self) -> &[u8] {
        &self.public
    }

    fn sign_mu(&self, mu: &[u8; MU_SIZE], random: &mut dyn Random) -> Result<Vec<u8>, CryptoError> {
        let signature = self.key.expanded_key().sign_mu_randomized(&(*mu).into(), &mut AsRng(random));
        Ok(signature.map_err(|_| CryptoError::Internal)?.encode().to_vec())
    }
}

fn load<P: MlDsaParams + Send + Sync + 'static>(seed: &[u8; SEED_SIZE]) -> Box<dyn MlDsaPrivateKey>
where
    SigningKey<P>: Send + Sync,
{
    let mut seed = Seed::from(*seed);
    let key = SigningKey::<P>::from_seed(&seed);
    seed.zeroize();
    let public = key.verifying_key().encode().to_vec();
    Box::new(PrivateKey { key, public })
}

fn verify<P: MlDsaParams>(public: &[u8], mu: &[u8; MU_SIZE], signature: &[u8]) -> Result<(), CryptoError> {
    let public = EncodedVerifyingKey::<P>::try_from(public).map_err(|_| CryptoError::Value)?;
    let signature = Signature::<P>::try_from(signature).map_err(|_| CryptoError::Invalid)?;
    let valid = VerifyingKey::<P>::decode(&public).verify_mu(&(*mu).into(), &signature);
    if valid { Ok(()) } else { Err(CryptoError::Invalid) }
}

#[cfg(test)]
mod tests;
