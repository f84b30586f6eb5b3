//! Authentication in TLS with a key in a TPM, for rustls: the handshake's signature is made by the TPM.
//!
//! From nothing to mutual TLS: five lines of shell and five of Rust.
//!
//! ```sh
//! ironroot key create authority
//! ironroot cert self-signed authority --ca >ca.crt
//! ironroot key create web
//! ironroot csr web --dns localhost >web.csr
//! ironroot cert issue authority --ca-cert ca.crt --csr web.csr >web.crt
//! ```
//!
//! ```no_run
//! # use std::{fs::read_to_string, io::Write, net::TcpStream, sync::Arc};
//! # use ironroot_client::Tpm;
//! # use ironroot_keys::{KeyList, KeyReference, SharedTpm, tls};
//! # use rustls::{ClientConnection, StreamOwned};
//! let tpm = SharedTpm::new(Tpm::from_env()?);
//! let key = "web".parse::<KeyReference>()?.open(&tpm, KeyList::of_user, None, None)?;
//! let config = tls::client_config(key, &read_to_string("web.crt")?, &read_to_string("ca.crt")?)?;
//! let connection = ClientConnection::new(config, "localhost".try_into()?)?;
//! StreamOwned::new(connection, TcpStream::connect("localhost:8443")?).write_all(b"hello\n")?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A server is the same with [`server_config`] and `ServerConnection`; `examples/mutual-tls.rs` is both.

use std::sync::Arc;

use ironroot_client::{
    templates::KeyType,
    wire::{PublicKind, TpmEccCurve, TpmiAlgHash, TpmtPublic, TpmtSigScheme},
};
use rustls::{
    ClientConfig, RootCertStore, ServerConfig, SignatureAlgorithm, SignatureScheme,
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::{CertificateDer, SubjectPublicKeyInfoDer, pem::PemObject as _},
    server::WebPkiClientVerifier,
    sign::{CertifiedKey, Signer, SigningKey, SingleCertAndKey},
};

use crate::{KeyError, TpmKey};

/// A key in a TPM as rustls sees it.
#[derive(Debug, Clone)]
pub struct TlsKey {
    key: Arc<TpmKey>,
    spki: SubjectPublicKeyInfoDer<'static>,
}

impl TlsKey {
    /// Makes a key available to rustls.
    ///
    /// # Errors
    /// [`KeyError::Unsuitable`] if TLS has no signature scheme for it.
    pub fn new(key: Arc<TpmKey>) -> Result<Self, KeyError> {
        let spki = SubjectPublicKeyInfoDer::from(key.spki_der()?);
        let this = Self { key, spki };
        if this.schemes().next().is_none() {
            return Err(KeyError::unsuitable("TLS has no signature scheme for it"));
        }
        Ok(this)
    }

    /// The key with its certificate chain, the key's own first.
    ///
    /// # Errors
    /// [`KeyError::Unsuitable`] if the first certificate is for another key.
    pub fn certified(self, chain: Vec<CertificateDer<'static>>) -> Result<CertifiedKey, KeyError> {
        let certified = CertifiedKey::new(chain, Arc::new(self));
        certified
            .keys_match()
            .map_err(|error| KeyError::unsuitable(format!("the certificate is not for this key: {error}")))?;
        Ok(certified)
    }

    /// Presents this key and chain whenever a server (or a client) asks: for
    /// `ClientConfig::builder()…with_client_cert_resolver` and its counterpart in servers.
    ///
    /// # Errors
    /// As [`TlsKey::certified`].
    pub fn resolver(self, chain: Vec<CertificateDer<'static>>) -> Result<Arc<SingleCertAndKey>, KeyError> {
        Ok(Arc::new(SingleCertAndKey::from(self.certified(chain)?)))
    }

    fn schemes(&self) -> impl Iterator<Item = (SignatureScheme, TpmtSigScheme)> {
        let public = self.key.public().clone();
        self.key.schemes().into_iter().filter_map(move |scheme| Some((tls_scheme(&public, &scheme)?, scheme)))
    }
}

impl SigningKey for TlsKey {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        let (tls, tpm) = self.schemes().find(|(tls, _)| offered.contains(tls))?;
        Some(Box::new(TlsSigner { key: Arc::clone(&self.key), tls, tpm }))
    }

    fn public_key(&self) -> Option<SubjectPublicKeyInfoDer<'_>> {
        Some(self.spki.clone())
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        match self.key.public().kind {
            PublicKind::Rsa(..) => SignatureAlgorithm::RSA,
            PublicKind::Ecc(_, _) if self.schemes().any(|(tls, _)| tls == SignatureScheme::ED25519) => {
                SignatureAlgorithm::ED25519
            }
            _ => SignatureAlgorithm::ECDSA,
        }
    }
}

/// A client's configuration for mutual TLS 1.3 and 1.2: it presents `chain_pem`, the key's own certificate first, and trusts the authorities
/// in `ca_pem`.
///
/// # Errors
/// [`KeyError::Chain`] if the certificates cannot be used, [`KeyError::Unsuitable`] if they are for another key.
pub fn client_config(key: TpmKey, chain_pem: &str, ca_pem: &str) -> Result<Arc<ClientConfig>, KeyError> {
    let resolver = TlsKey::new(Arc::new(key))?.resolver(certificates(chain_pem)?)?;
    let builder = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| unusable(&error))?;
    Ok(Arc::new(builder.with_root_certificates(roots(ca_pem)?).with_client_cert_resolver(resolver)))
}

/// A server's configuration for mutual TLS 1.3 and 1.2: it presents `chain_pem`, the key's own certificate first, and lets only clients in whose
/// certificates the authorities in `ca_pem` have signed.
///
/// # Errors
/// As [`client_config`].
pub fn server_config(key: TpmKey, chain_pem: &str, ca_pem: &str) -> Result<Arc<ServerConfig>, KeyError> {
    let resolver = TlsKey::new(Arc::new(key))?.resolver(certificates(chain_pem)?)?;
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots(ca_pem)?), provider())
        .build()
        .map_err(|error| unusable(&error))?;
    let builder = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| unusable(&error))?;
    Ok(Arc::new(builder.with_client_cert_verifier(verifier).with_cert_resolver(resolver)))
}

/// The process's provider, or else AWS-LC's: nobody has to install one first.
#[must_use]
pub fn provider() -> Arc<CryptoProvider> {
    CryptoProvider::get_default().cloned().unwrap_or_else(|| Arc::new(aws_lc_rs::default_provider()))
}

/// A chain of certificates (PEM), the key's own first.
///
/// # Errors
/// [`KeyError::Chain`] if there is none, or one that is not PEM.
pub fn certificates(pem: &str) -> Result<Vec<CertificateDer<'static>>, KeyError> {
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(pem.as_bytes())
        .collect::<Result<_, _>>()
        .map_err(|error| KeyError::Chain(error.to_string()))?;
    if certificates.is_empty() {
        return Err(none());
    }
    Ok(certificates)
}

/// CAs to trust (PEM). One that cannot be used is left out, as long as there is another: systems have certificates that only some programs
/// understand.
///
/// # Errors
/// [`KeyError::Chain`] if none can be used.
pub fn roots(pem: &str) -> Result<RootCertStore, KeyError> {
    let (mut roots, mut reason) = (RootCertStore::empty(), None);
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let added = match certificate {
            Ok(certificate) => roots.add(certificate).map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        if let Err(error) = added {
            reason = Some(error);
        }
    }
    match reason {
        _ if !roots.is_empty() => Ok(roots),
        Some(reason) => Err(KeyError::Chain(format!("none of the CAs' certificates is one: {reason}"))),
        None => Err(none()),
    }
}

fn none() -> KeyError {
    KeyError::Chain("there is no PEM certificate".into())
}

fn unusable(error: &dyn std::fmt::Display) -> KeyError {
    KeyError::Chain(error.to_string())
}

/// One signature of one handshake.
#[derive(Debug)]
struct TlsSigner {
    key: Arc<TpmKey>,
    tls: SignatureScheme,
    tpm: TpmtSigScheme,
}

impl Signer for TlsSigner {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rustls::Error> {
        self.key
            .sign(&self.tpm, message)
            .map_err(|error| rustls::Error::General(format!("the TPM did not sign: {error}")))
    }

    fn scheme(&self) -> SignatureScheme {
        self.tls
    }
}

/// TLS 1.3 ties each curve to one hash (RFC 8446, 4.2.3); other combinations have no scheme.
fn tls_scheme(public: &TpmtPublic, scheme: &TpmtSigScheme) -> Option<SignatureScheme> {
    use TpmiAlgHash::{Sha256, Sha384, Sha512};
    match (scheme, &public.kind) {
        (TpmtSigScheme::Eddsa(()), PublicKind::Ecc(parms, _)) if parms.curve_id == TpmEccCurve::Curve25519 => {
            Some(SignatureScheme::ED25519)
        }
        (TpmtSigScheme::Rsassa(Sha256), _) => Some(SignatureScheme::RSA_PKCS1_SHA256),
        (TpmtSigScheme::Rsassa(Sha384), _) => Some(SignatureScheme::RSA_PKCS1_SHA384),
        (TpmtSigScheme::Rsassa(Sha512), _) => Some(SignatureScheme::RSA_PKCS1_SHA512),
        (TpmtSigScheme::Rsapss(Sha256), _) => Some(SignatureScheme::RSA_PSS_SHA256),
        (TpmtSigScheme::Rsapss(Sha384), _) => Some(SignatureScheme::RSA_PSS_SHA384),
        (TpmtSigScheme::Rsapss(Sha512), _) => Some(SignatureScheme::RSA_PSS_SHA512),
        (TpmtSigScheme::Ecdsa(hash), PublicKind::Ecc(parms, _)) if *hash == KeyType::Ecc(parms.curve_id).hash() => {
            match hash {
                Sha256 => Some(SignatureScheme::ECDSA_NISTP256_SHA256),
                Sha384 => Some(SignatureScheme::ECDSA_NISTP384_SHA384),
                Sha512 => Some(SignatureScheme::ECDSA_NISTP521_SHA512),
                _ => None,
            }
        }
        _ => None,
    }
}
