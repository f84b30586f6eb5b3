//! A CA key in a file, for a bench: P-256, P-384, P-521 or RSA, as OpenSSL writes and reads it, encrypted under a passphrase
//! (PKCS #8 with PBES2, RFC 8018) or, for demonstrations, in the clear.

use std::{path::Path, sync::Arc};

use der::{
    Any, Decode, Encode, Sequence,
    asn1::{BitString, ObjectIdentifier, OctetString, OctetStringRef, UintRef},
};
use ironroot_attest::x509::{PublicKey, oids};
use ironroot_crypto::{
    CryptoError, Provider, RsaPrivateKey, digest, ecc,
    rsa::{RsaCrt, SignatureScheme},
};
use ironroot_wire::{TpmEccCurve, TpmiAlgHash};
use pkcs5::{EncryptionScheme, pbes2};
use spki::AlgorithmIdentifierOwned;
use zeroize::Zeroizing;

use super::{AuthorityError, CertificateSigner, SignatureKind, ecdsa_signature, fresh_random};
use crate::files;

/// The curve of keys that are made here.
const CURVE: TpmEccCurve = TpmEccCurve::NistP256;
const SEC1: &str = "EC PRIVATE KEY";
const PKCS8: &str = "PRIVATE KEY";
const ENCRYPTED: &str = "ENCRYPTED PRIVATE KEY";
/// Rounds of PBKDF2 with HMAC-SHA-256, as OWASP advises.
const ITERATIONS: u32 = 600_000;

/// A key in this process's memory.
pub struct FileKey {
    provider: Arc<dyn Provider>,
    private: Private,
    public: PublicKey,
    kind: SignatureKind,
}

enum Private {
    Ecc { curve: TpmEccCurve, scalar: Zeroizing<Vec<u8>> },
    Rsa(Box<dyn RsaPrivateKey>),
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

/// `PrivateKeyInfo` (RFC 5958), without attributes.
#[derive(Sequence)]
struct PrivateKeyInfo<'a> {
    version: u8,
    algorithm: AlgorithmIdentifierOwned,
    private_key: &'a OctetStringRef,
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", optional = "true")]
    public_key: Option<BitString>,
}

/// `EncryptedPrivateKeyInfo` (RFC 5958).
#[derive(Sequence)]
struct EncryptedPrivateKeyInfo {
    scheme: EncryptionScheme,
    encrypted: OctetString,
}

/// `RSAPrivateKey` (RFC 8017, A.1.2) with two primes.
#[derive(Sequence)]
struct RsaKey<'a> {
    version: u8,
    modulus: UintRef<'a>,
    public_exponent: u32,
    private_exponent: UintRef<'a>,
    prime1: UintRef<'a>,
    prime2: UintRef<'a>,
    exponent1: UintRef<'a>,
    exponent2: UintRef<'a>,
    coefficient: UintRef<'a>,
}

impl FileKey {
    /// The key in the file. A new one on P-256 is made if there is none: encrypted if there is a passphrase, else in the clear.
    ///
    /// # Errors
    /// [`AuthorityError`].
    pub fn open_or_create(
        path: &Path,
        passphrase: Option<&[u8]>,
        provider: Arc<dyn Provider>,
    ) -> Result<Self, AuthorityError> {
        loop {
            if let Some(key) = Self::open(path, passphrase, &provider)? {
                return Ok(key);
            }
            let key = Self::generate(Arc::clone(&provider))?;
            if files::create_secret(path, key.to_pem(passphrase)?.as_bytes())? {
                return Ok(key);
            }
        }
    }

    /// The key in the file; `None` if there is no file.
    ///
    /// # Errors
    /// [`AuthorityError`].
    pub fn open(
        path: &Path,
        passphrase: Option<&[u8]>,
        provider: &Arc<dyn Provider>,
    ) -> Result<Option<Self>, AuthorityError> {
        let Some(pem) = files::read_secret(path)? else { return Ok(None) };
        let key = Self::from_pem(&pem, passphrase, Arc::clone(provider)).map_err(|why| AuthorityError::Key {
            key: path.display().to_string(),
            why: if is_encrypted(&pem) { why } else { format!("{why}. If it is damaged, restore it from a backup") },
        })?;
        Ok(Some(key))
    }

    /// A fresh key on P-256 in memory.
    ///
    /// # Errors
    /// [`AuthorityError`].
    pub fn generate(provider: Arc<dyn Provider>) -> Result<Self, AuthorityError> {
        let scalar = ecc::generate_scalar(CURVE, &mut fresh_random()?);
        Self::from_scalar(CURVE, scalar, provider).map_err(AuthorityError::Signing)
    }

    fn from_scalar(
        curve: TpmEccCurve,
        scalar: Zeroizing<Vec<u8>>,
        provider: Arc<dyn Provider>,
    ) -> Result<Self, CryptoError> {
        let point = provider.ecc_base_multiply(curve, &scalar)?;
        let public = PublicKey::Ecc { curve, point };
        let kind = SignatureKind::of(&public).map_err(|_| CryptoError::Unsupported)?;
        Ok(Self { provider, private: Private::Ecc { curve, scalar }, public, kind })
    }

    fn from_pem(pem: &[u8], passphrase: Option<&[u8]>, provider: Arc<dyn Provider>) -> Result<Self, String> {
        // OpenSSL writes a block with the curve in front of the key.
        let start =
            pem.windows(11).enumerate().filter(|(_, window)| window.starts_with(b"-----BEGIN ")).map(|(at, _)| at);
        let pem = start
            .filter_map(|at| pem.get(at..))
            .find(|block| !block.starts_with(b"-----BEGIN EC PARAMETERS"))
            .ok_or("it holds no PEM block")?;
        let (label, der) = der::pem::decode_vec(block(pem)).map_err(|error| error.to_string())?;
        let der = Zeroizing::new(der);
        match label {
            SEC1 => Self::from_sec1(&der, None, provider),
            PKCS8 => Self::from_pkcs8(&der, provider),
            ENCRYPTED => {
                Self::from_pkcs8(&decrypt(&der, passphrase.ok_or("it is encrypted: give its passphrase")?)?, provider)
            }
            "RSA PRIVATE KEY" => Self::from_pkcs1(&der, provider),
            other => {
                Err(format!("a PEM block \"{ENCRYPTED}\", \"{PKCS8}\" or \"{SEC1}\" is expected, not \"{other}\""))
            }
        }
    }

    fn from_sec1(der: &[u8], curve: Option<ObjectIdentifier>, provider: Arc<dyn Provider>) -> Result<Self, String> {
        let key = EcPrivateKey::from_der(der).map_err(|error| error.to_string())?;
        let curve = match curve.or(key.parameters) {
            Some(oids::P256) | None => TpmEccCurve::NistP256,
            Some(oids::P384) => TpmEccCurve::NistP384,
            Some(oids::P521) => TpmEccCurve::NistP521,
            Some(_) => return Err("its curve is none of P-256, P-384 and P-521".into()),
        };
        let scalar = Zeroizing::new(key.private_key.as_bytes().to_vec());
        Self::from_scalar(curve, scalar, provider).map_err(|error| error.to_string())
    }

    fn from_pkcs8(der: &[u8], provider: Arc<dyn Provider>) -> Result<Self, String> {
        let info = PrivateKeyInfo::from_der(der).map_err(|error| error.to_string())?;
        let inner = info.private_key.as_bytes();
        match info.algorithm.oid {
            oids::RSA_ENCRYPTION => Self::from_pkcs1(inner, provider),
            oids::EC_PUBLIC_KEY => {
                let curve = info.algorithm.parameters.as_ref().and_then(|curve| curve.decode_as().ok());
                Self::from_sec1(inner, curve, provider)
            }
            other => Err(format!("its algorithm ({other}) is none of ECDSA and RSA")),
        }
    }

    fn from_pkcs1(der: &[u8], provider: Arc<dyn Provider>) -> Result<Self, String> {
        let numbers = RsaKey::from_der(der).map_err(|error| error.to_string())?;
        let (modulus, exponent) = (numbers.modulus.as_bytes(), numbers.public_exponent);
        let public = PublicKey::rsa(modulus, exponent).map_err(|error| error.to_string())?;
        let key =
            RsaCrt::from_prime(modulus, exponent, numbers.prime1.as_bytes()).map_err(|error| error.to_string())?;
        let private = Private::Rsa(provider.rsa_load(&key).map_err(|error| error.to_string())?);
        Ok(Self { provider, private, public, kind: SignatureKind::Rsa })
    }

    /// The key as PEM: encrypted PKCS #8 under a passphrase, else PKCS #8 in the clear.
    fn to_pem(&self, passphrase: Option<&[u8]>) -> Result<Zeroizing<String>, AuthorityError> {
        let info = self.to_pkcs8()?;
        let (label, der) = match passphrase {
            Some(passphrase) => (ENCRYPTED, Zeroizing::new(encrypt(&info, passphrase)?)),
            None => (PKCS8, info),
        };
        der::pem::encode_string(label, der::pem::LineEnding::LF, &der)
            .map(Zeroizing::new)
            .map_err(|error| damaged(&error))
    }

    /// The key as `PrivateKeyInfo`, which TLS libraries take.
    ///
    /// # Errors
    /// [`AuthorityError::Damaged`] for an RSA key, which is not given out again.
    pub fn to_pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, AuthorityError> {
        let (Private::Ecc { scalar, .. }, PublicKey::Ecc { point, .. }) = (&self.private, &self.public) else {
            return Err(damaged(&"it is no key on a curve"));
        };
        let public = BitString::from_bytes(&[&[4], point.x.as_slice(), point.y.as_slice()].concat())?;
        let key = EcPrivateKey {
            version: 1,
            private_key: OctetStringRef::new(scalar)?,
            parameters: None,
            public_key: Some(public),
        };
        let inner = Zeroizing::new(key.to_der()?);
        let algorithm = super::super::spki_of(&self.public)?.algorithm;
        let info =
            PrivateKeyInfo { version: 0, algorithm, private_key: OctetStringRef::new(&inner)?, public_key: None };
        Ok(Zeroizing::new(info.to_der()?))
    }
}

impl CertificateSigner for FileKey {
    fn public_key(&self) -> &PublicKey {
        &self.public
    }

    fn algorithm(&self) -> AlgorithmIdentifierOwned {
        self.kind.algorithm()
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, AuthorityError> {
        let random = &mut fresh_random()?;
        match (&self.private, self.kind) {
            (Private::Ecc { curve, scalar }, SignatureKind::Ecdsa(hash)) => {
                let digest = digest(hash, &[message]);
                let (r, s) =
                    self.provider.ecdsa_sign(*curve, scalar, &digest, random).map_err(AuthorityError::Signing)?;
                ecdsa_signature(&r, &s)
            }
            (Private::Rsa(key), SignatureKind::Rsa) => {
                let hash = TpmiAlgHash::Sha256;
                let digest = digest(hash, &[message]);
                ironroot_crypto::rsa::sign(&**key, SignatureScheme::Pkcs1(hash), &digest, random)
                    .map_err(AuthorityError::Signing)
            }
            _ => Err(AuthorityError::Signing(CryptoError::Unsupported)),
        }
    }
}

/// Up to the end of the first PEM block.
fn block(pem: &[u8]) -> &[u8] {
    const END: &[u8] = b"\n-----END ";
    let end = pem.windows(END.len()).position(|window| window == END).map(|at| at.saturating_add(END.len()));
    let line =
        end.and_then(|end| pem.get(end..)?.iter().position(|byte| *byte == b'\n').map(|at| end.saturating_add(at)));
    line.and_then(|line| pem.get(..=line)).unwrap_or(pem)
}

fn is_encrypted(pem: &[u8]) -> bool {
    pem.windows(ENCRYPTED.len()).any(|window| window == ENCRYPTED.as_bytes())
}

fn encrypt(info: &[u8], passphrase: &[u8]) -> Result<Vec<u8>, AuthorityError> {
    let (mut salt, mut iv) = ([0; 16], [0; 16]);
    for bytes in [&mut salt, &mut iv] {
        getrandom::fill(bytes).map_err(|_| AuthorityError::Entropy)?;
    }
    let parameters =
        pbes2::Parameters::generate_pbkdf2_sha256_aes256cbc(ITERATIONS, &salt, iv).map_err(|error| damaged(&error))?;
    let encrypted = parameters.encrypt(passphrase, info).map_err(|error| damaged(&error))?;
    Ok(EncryptedPrivateKeyInfo { scheme: parameters.into(), encrypted: OctetString::new(encrypted)? }.to_der()?)
}

fn decrypt(der: &[u8], passphrase: &[u8]) -> Result<Zeroizing<Vec<u8>>, String> {
    let outer = EncryptedPrivateKeyInfo::from_der(der).map_err(|error| error.to_string())?;
    let wrong = |_| "the passphrase is wrong, or it is encrypted in another way than PBES2 with AES (openssl pkcs8 -topk8 makes one that is read)";
    let info = Zeroizing::new(outer.scheme.decrypt(passphrase, outer.encrypted.as_bytes()).map_err(wrong)?);
    // One wrong passphrase in 256 leaves something that is padded properly.
    Any::from_der(&info).map_err(|_| "the passphrase is wrong")?;
    Ok(info)
}

fn damaged(why: &dyn std::fmt::Display) -> AuthorityError {
    AuthorityError::Damaged { what: "the key".into(), why: why.to_string() }
}
