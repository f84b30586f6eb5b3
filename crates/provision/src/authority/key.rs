//! The keys of authorities. For a bench a file; the trait is what a PKCS#11 token or a TPM key implements.

use std::{path::Path, sync::Arc};

use der::{
    Decode, Encode, Sequence,
    asn1::{BitString, ObjectIdentifier, OctetStringRef, UintRef},
};
use ironroot_attest::x509::{PublicKey, oids};
use ironroot_crypto::{CryptoError, Drbg, Provider, digest, ecc};
use ironroot_wire::{TpmEccCurve, TpmiAlgHash};
use spki::AlgorithmIdentifierOwned;
use zeroize::Zeroizing;

use super::AuthorityError;
use crate::files;

const CURVE: TpmEccCurve = TpmEccCurve::NistP256;
const PEM_LABEL: &str = "EC PRIVATE KEY";

/// Something that signs certificates.
pub trait CertificateSigner: Send + Sync {
    /// The public key.
    fn public_key(&self) -> &PublicKey;

    /// The signature algorithm.
    fn algorithm(&self) -> AlgorithmIdentifierOwned;

    /// Signs a message. Returns the signature as X.509 has it.
    ///
    /// # Errors
    /// [`AuthorityError`].
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, AuthorityError>;
}

/// A P-256 key in a file that only its owner may read (SEC 1 `ECPrivateKey` in PEM, as OpenSSL writes it).
pub struct FileKey {
    provider: Arc<dyn Provider>,
    scalar: Zeroizing<Vec<u8>>,
    public: PublicKey,
}

/// `ECPrivateKey` (RFC 5915).
#[derive(Sequence)]
struct EcPrivateKey<'a> {
    version: u8,
    private_key: &'a OctetStringRef,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    parameters: Option<ObjectIdentifier>,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    public_key: Option<BitString>,
}

/// `ECDSA-Sig-Value` (RFC 3279).
#[derive(Sequence)]
struct EcdsaSignature<'a> {
    r: UintRef<'a>,
    s: UintRef<'a>,
}

impl FileKey {
    /// The key in the file, which is made if there is none.
    ///
    /// # Errors
    /// [`AuthorityError`].
    pub fn open_or_create(path: &Path, provider: Arc<dyn Provider>) -> Result<Self, AuthorityError> {
        loop {
            if let Some(pem) = files::read_secret(path)? {
                return Self::from_pem(&pem, provider)
                    .map_err(|why| AuthorityError::Damaged { what: path.display().to_string(), why });
            }
            let key = Self::generate(Arc::clone(&provider))?;
            if files::create_secret(path, key.to_pem()?.as_bytes())? {
                return Ok(key);
            }
        }
    }

    /// A fresh key in memory.
    ///
    /// # Errors
    /// [`AuthorityError`].
    pub fn generate(provider: Arc<dyn Provider>) -> Result<Self, AuthorityError> {
        let scalar = ecc::generate_scalar(CURVE, &mut fresh_random()?);
        Self::from_scalar(scalar, provider).map_err(AuthorityError::Signing)
    }

    fn from_scalar(scalar: Zeroizing<Vec<u8>>, provider: Arc<dyn Provider>) -> Result<Self, CryptoError> {
        let point = provider.ecc_base_multiply(CURVE, &scalar)?;
        let public = PublicKey::Ecc { curve: CURVE, point };
        Ok(Self { provider, scalar, public })
    }

    fn from_pem(pem: &[u8], provider: Arc<dyn Provider>) -> Result<Self, String> {
        let (label, der) = der::pem::decode_vec(pem).map_err(|error| error.to_string())?;
        let der = Zeroizing::new(der);
        if label != PEM_LABEL {
            return Err(format!("a PEM block \"{PEM_LABEL}\" is expected"));
        }
        let key = EcPrivateKey::from_der(&der).map_err(|error| error.to_string())?;
        if key.parameters.is_some_and(|curve| curve != oids::P256) {
            return Err("the key is not on P-256".into());
        }
        let scalar = Zeroizing::new(key.private_key.as_bytes().to_vec());
        Self::from_scalar(scalar, provider).map_err(|error| error.to_string())
    }

    fn to_pem(&self) -> Result<Zeroizing<String>, AuthorityError> {
        let key = EcPrivateKey {
            version: 1,
            private_key: OctetStringRef::new(&self.scalar)?,
            parameters: Some(oids::P256),
            public_key: match &self.public {
                PublicKey::Ecc { point, .. } => {
                    Some(BitString::from_bytes(&[&[4], point.x.as_slice(), point.y.as_slice()].concat())?)
                }
                PublicKey::Rsa { .. } => None,
            },
        };
        let der = Zeroizing::new(key.to_der()?);
        der::pem::encode_string(PEM_LABEL, der::pem::LineEnding::LF, &der)
            .map(Zeroizing::new)
            .map_err(|error| AuthorityError::Damaged { what: "the key".into(), why: error.to_string() })
    }
}

impl CertificateSigner for FileKey {
    fn public_key(&self) -> &PublicKey {
        &self.public
    }

    fn algorithm(&self) -> AlgorithmIdentifierOwned {
        AlgorithmIdentifierOwned { oid: oids::ECDSA_WITH_SHA256, parameters: None }
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, AuthorityError> {
        let digest = digest(TpmiAlgHash::Sha256, &[message]);
        let (r, s) = self
            .provider
            .ecdsa_sign(CURVE, &self.scalar, &digest, &mut fresh_random()?)
            .map_err(AuthorityError::Signing)?;
        Ok(EcdsaSignature { r: UintRef::new(&r)?, s: UintRef::new(&s)? }.to_der()?)
    }
}

/// A generator with fresh entropy of the operating system.
pub(crate) fn fresh_random() -> Result<Drbg, AuthorityError> {
    let mut seed = Zeroizing::new([0; 48]);
    getrandom::fill(seed.as_mut_slice()).map_err(|_| AuthorityError::Entropy)?;
    Ok(Drbg::new(seed.as_slice(), &[], b"ironroot provisioning"))
}
