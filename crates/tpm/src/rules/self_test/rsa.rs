//! Tests of RSA, on the provider that the TPM uses.

use ironroot_crypto::{
    CryptoError, Drbg, Provider, RsaPrivateKey,
    rsa::{self, DEFAULT_EXPONENT, EncryptionScheme, RsaCrt, RsaPublic, SignatureScheme},
};
use ironroot_wire::{TpmAlgId, TpmiAlgHash};

use super::vectors as v;

const SHA256: TpmiAlgHash = TpmiAlgHash::Sha256;
const MESSAGE: &[u8] = b"message";
const OAEP: EncryptionScheme<'_> = EncryptionScheme::Oaep { hash: SHA256, label: b"TEST\0" };

/// Whether an algorithm passes; `None` if its test is not here.
pub fn test(provider: &dyn Provider, alg: TpmAlgId) -> Option<bool> {
    let passed = match alg {
        TpmAlgId::RSA => Rsa::new(provider).and_then(|rsa| rsa.raw()),
        TpmAlgId::RSASSA => Rsa::new(provider).and_then(|rsa| rsa.pkcs1()),
        TpmAlgId::RSAPSS => Rsa::new(provider).and_then(|rsa| rsa.pss()),
        TpmAlgId::RSAES => Rsa::new(provider).and_then(|rsa| rsa.decryption(EncryptionScheme::Pkcs1, &v::RSAES)),
        TpmAlgId::OAEP => Rsa::new(provider).and_then(|rsa| rsa.decryption(OAEP, &v::OAEP)),
        _ => return None,
    };
    Some(passed == Ok(true))
}

/// Random numbers that are the same each time.
pub(super) fn random() -> Drbg {
    Drbg::from_seed(b"self-test", &[])
}

struct Rsa<'a> {
    provider: &'a dyn Provider,
    key: alloc::boxed::Box<dyn RsaPrivateKey>,
}

impl<'a> Rsa<'a> {
    fn new(provider: &'a dyn Provider) -> Result<Self, CryptoError> {
        let key = provider.rsa_load(&RsaCrt::from_prime(&v::RSA_MODULUS, DEFAULT_EXPONENT, &v::RSA_PRIME)?)?;
        Ok(Self { provider, key })
    }

    const fn public() -> RsaPublic<'static> {
        RsaPublic { n: &v::RSA_MODULUS, e: DEFAULT_EXPONENT }
    }

    /// The private and the public operation undo each other.
    fn raw(&self) -> Result<bool, CryptoError> {
        let number = self.key.private(&v::RSASSA, &mut random())?;
        Ok(self.provider.rsa_public(&v::RSA_MODULUS, DEFAULT_EXPONENT, &number)? == v::RSASSA)
    }

    fn pkcs1(&self) -> Result<bool, CryptoError> {
        let scheme = SignatureScheme::Pkcs1(SHA256);
        let signature = rsa::sign(self.key.as_ref(), scheme, &v::SHA256, &mut random())?;
        Ok(signature == v::RSASSA && self.verifies(scheme, &v::RSASSA))
    }

    fn pss(&self) -> Result<bool, CryptoError> {
        let scheme = SignatureScheme::Pss(SHA256);
        let signature = rsa::sign(self.key.as_ref(), scheme, &v::SHA256, &mut random())?;
        Ok(self.verifies(scheme, &signature) && self.verifies(scheme, &v::RSAPSS))
    }

    /// Accepts the signature of the right digest, and of no other.
    fn verifies(&self, scheme: SignatureScheme, signature: &[u8]) -> bool {
        let verify = |digest: &[u8]| rsa::verify(self.provider, Self::public(), scheme, digest, signature);
        verify(&v::SHA256).is_ok() && verify(&v::KDFA[..32]) == Err(CryptoError::Invalid)
    }

    /// Decrypts what another program has encrypted, and what it has encrypted itself.
    fn decryption(&self, scheme: EncryptionScheme<'_>, known: &[u8]) -> Result<bool, CryptoError> {
        let own = rsa::encrypt(self.provider, Self::public(), scheme, MESSAGE, &mut random())?;
        let decrypts = |bytes: &[u8]| {
            rsa::decrypt(self.key.as_ref(), scheme, bytes, &mut random()).map(|message| message.as_slice() == MESSAGE)
        };
        Ok(decrypts(known)? && decrypts(&own)?)
    }
}
