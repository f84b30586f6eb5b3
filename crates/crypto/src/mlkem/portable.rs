//! ML-KEM of the portable provider, on RustCrypto's implementation, which is constant-time in everything secret.

use alloc::{boxed::Box, vec::Vec};

use ironroot_wire::TpmiMlkemParms;
use ml_kem::{
    Decapsulate, Encapsulate, FromSeed, Key, KeyExport, MlKem512, MlKem768, MlKem1024, Seed, TryKeyInit,
    array::sizes::U64,
};
use zeroize::{Zeroize, Zeroizing};

use super::{MESSAGE_SIZE, SEED_SIZE};
use crate::{CryptoError, MlKemPrivateKey, MlKemProvider, Portable, Random, random::AsRng};

/// Calls a function that is generic over the parameter set.
macro_rules! on {
    ($set:expr, $function:ident($($argument:expr),*)) => {
        match $set {
            TpmiMlkemParms::MlKem512 => $function::<MlKem512>($($argument),*),
            TpmiMlkemParms::MlKem768 => $function::<MlKem768>($($argument),*),
            TpmiMlkemParms::MlKem1024 => $function::<MlKem1024>($($argument),*),
        }
    };
}

impl MlKemProvider for Portable {
    fn ml_kem_load(&self, set: TpmiMlkemParms, seed: &[u8]) -> Result<Box<dyn MlKemPrivateKey>, CryptoError> {
        let seed: &[u8; SEED_SIZE] = seed.try_into().map_err(|_| CryptoError::Value)?;
        Ok(on!(set, load(seed)))
    }

    fn ml_kem_check_public(&self, set: TpmiMlkemParms, public: &[u8]) -> Result<(), CryptoError> {
        on!(set, check_public(public))
    }

    fn ml_kem_encapsulate(
        &self,
        set: TpmiMlkemParms,
        public: &[u8],
        message: &[u8; MESSAGE_SIZE],
    ) -> Result<(Zeroizing<Vec<u8>>, Vec<u8>), CryptoError> {
        on!(set, encapsulate(public, message))
    }
}

/// What the library's parameter sets have in common.
trait Set: FromSeed<SeedSize = U64, DecapsulationKey: Decapsulate<Kem = Self> + Send + Sync> {}
impl<P: FromSeed<SeedSize = U64, DecapsulationKey: Decapsulate<Kem = P> + Send + Sync>> Set for P {}

struct PrivateKey<P: Set> {
    key: P::DecapsulationKey,
    public: Vec<u8>,
}

impl<P: Set> MlKemPrivateKey for PrivateKey<P> {
    fn public(&self) -> &[u8] {
        &self.public
    }

    fn decapsulate(&self, ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        self.key.decapsulate_slice(ciphertext).map(|mut secret| moved(&mut secret)).map_err(|_| CryptoError::Value)
    }
}

fn load<P: Set>(seed: &[u8; SEED_SIZE]) -> Box<dyn MlKemPrivateKey> {
    let mut seed = Seed::from(*seed);
    let (key, public) = P::from_seed(&seed);
    seed.zeroize();
    Box::new(PrivateKey::<P> { key, public: public.to_bytes().to_vec() })
}

fn check_public<P: Set>(public: &[u8]) -> Result<(), CryptoError> {
    decode::<P>(public).map(|_| ())
}

fn encapsulate<P: Set>(
    public: &[u8],
    message: &[u8; MESSAGE_SIZE],
) -> Result<(Zeroizing<Vec<u8>>, Vec<u8>), CryptoError> {
    let (ciphertext, mut secret) = decode::<P>(public)?.encapsulate_with_rng(&mut AsRng(&mut Message(message)));
    Ok((moved(&mut secret), ciphertext.to_vec()))
}

/// Decodes a public key; the library refuses coefficients that are not below the modulus.
fn decode<P: Set>(public: &[u8]) -> Result<P::EncapsulationKey, CryptoError> {
    let public = Key::<P::EncapsulationKey>::try_from(public).map_err(|_| CryptoError::Value)?;
    P::EncapsulationKey::new(&public).map_err(|_| CryptoError::Value)
}

/// Moves a secret off the stack.
fn moved(secret: &mut [u8]) -> Zeroizing<Vec<u8>> {
    let kept = Zeroizing::new(secret.to_vec());
    secret.zeroize();
    kept
}

/// Gives the message where the library draws it.
struct Message<'a>(&'a [u8; MESSAGE_SIZE]);

impl Random for Message<'_> {
    fn fill(&mut self, out: &mut [u8]) {
        out.iter_mut().zip(self.0).for_each(|(to, from)| *to = *from);
    }
}

#[cfg(test)]
mod tests;
