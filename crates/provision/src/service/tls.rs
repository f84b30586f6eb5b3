//! TLS for the service: its certificate is the identity CA's or comes from files; clients may show one of the CA's, which is then
//! verified, and which routes that want one ask for.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use der::asn1::Ia5String;
use ironroot_crypto::Provider;
use rustls::{
    RootCertStore, ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, pem::PemObject as _},
    server::{ClientHello, ResolvesServerCert, WebPkiClientVerifier},
    sign::CertifiedKey,
};
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use x509_cert::{ext::pkix::name::GeneralName, name::Name};

use super::{Clock, StartError, TlsConfig};
use crate::{
    authority::{Authorities, AuthorityError, CertificateSigner as _, FileKey, Lifetime, random_serial},
    files,
};

/// How long a client may take for the handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How long a server certificate by the identity CA holds, in seconds; the next one is made after two thirds.
const LIFETIME: u64 = 90 * 24 * 60 * 60;

/// The certificate (DER) that the client of this connection has shown, and whose key it has.
#[derive(Debug, Clone)]
pub(super) struct ClientCertificate(pub Vec<u8>);

/// What turns a connection into one with TLS.
#[derive(Clone)]
pub(super) struct Tls(TlsAcceptor);

impl Tls {
    /// TLS 1.3 and 1.2 as the configuration says.
    ///
    /// # Errors
    /// [`StartError::Tls`], [`StartError::Authority`].
    pub fn new(
        config: &TlsConfig,
        authorities: &Arc<Authorities>,
        provider: &Arc<dyn Provider>,
        clock: &Clock,
    ) -> Result<Self, StartError> {
        let failed = |what: &str, error: &dyn std::fmt::Display| StartError::Tls(format!("{what}: {error}"));
        let mut roots = RootCertStore::empty();
        for certificate in authorities.certificates((clock)()) {
            let der = CertificateDer::from(certificate.der().to_vec());
            roots.add(der).map_err(|error| failed("the identity CA's certificate", &error))?;
        }
        let crypto = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&crypto))
            .allow_unauthenticated()
            .build()
            .map_err(|error| failed("client certificates", &error))?;
        let builder = ServerConfig::builder_with_provider(crypto)
            .with_safe_default_protocol_versions()
            .map_err(|error| failed("TLS", &error))?
            .with_client_cert_verifier(verifier);
        let mut server = match &config.files {
            Some((certificate, key)) => {
                let text = files::read_text(certificate)?.unwrap_or_default();
                let chain = CertificateDer::pem_slice_iter(text.as_bytes())
                    .collect::<Result<Vec<_>, _>>()
                    .map_err(|error| failed(&certificate.display().to_string(), &error))?;
                let secret = files::read_secret(key)?.unwrap_or_default();
                let private = PrivateKeyDer::from_pem_slice(&secret)
                    .map_err(|error| failed(&key.display().to_string(), &error))?;
                builder
                    .with_single_cert(chain, private)
                    .map_err(|error| failed(&certificate.display().to_string(), &error))?
            }
            None => {
                let issuer = OwnCertificate {
                    names: config.names.clone(),
                    authorities: Arc::clone(authorities),
                    provider: Arc::clone(provider),
                    clock: Arc::clone(clock),
                    present: Mutex::default(),
                };
                issuer.present()?;
                builder.with_cert_resolver(Arc::new(issuer))
            }
        };
        server.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self(TlsAcceptor::from(Arc::new(server))))
    }

    /// The handshake; and the client's certificate, if it has shown one.
    pub async fn accept(
        &self,
        stream: TcpStream,
    ) -> std::io::Result<(TlsStream<TcpStream>, Option<ClientCertificate>)> {
        let stream = tokio::time::timeout(HANDSHAKE, self.0.accept(stream))
            .await
            .map_err(|_| std::io::Error::new(std::io::ErrorKind::TimedOut, "the TLS handshake takes too long"))??;
        let certificates = stream.get_ref().1.peer_certificates();
        let client = certificates.and_then(|chain| chain.first()).map(|first| ClientCertificate(first.to_vec()));
        Ok((stream, client))
    }
}

/// A certificate for the service by its own CA, with a key that lives as long as the process.
struct OwnCertificate {
    names: Vec<String>,
    authorities: Arc<Authorities>,
    provider: Arc<dyn Provider>,
    clock: Clock,
    present: Mutex<Option<(u64, Arc<CertifiedKey>)>>,
}

impl std::fmt::Debug for OwnCertificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "OwnCertificate({:?})", self.names)
    }
}

impl ResolvesServerCert for OwnCertificate {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.present().map_err(|error| tracing::error!(%error, "no certificate for TLS")).ok()
    }
}

impl OwnCertificate {
    fn present(&self) -> Result<Arc<CertifiedKey>, StartError> {
        let now = (self.clock)();
        let mut present = self.present.lock().unwrap_or_else(PoisonError::into_inner);
        match &*present {
            Some((renew_at, key)) if now < *renew_at => Ok(Arc::clone(key)),
            _ => {
                let key = Arc::new(self.issue(now)?);
                *present = Some((now.saturating_add(LIFETIME / 3 * 2), Arc::clone(&key)));
                Ok(key)
            }
        }
    }

    fn issue(&self, now: u64) -> Result<CertifiedKey, StartError> {
        let key = FileKey::generate(Arc::clone(&self.provider))?;
        let names = self.names.iter().map(|name| general_name(name)).collect::<Result<Vec<_>, AuthorityError>>()?;
        let first = self.names.first().map_or("provisioning", String::as_str);
        let escaped: String = first.bytes().map(|byte| format!("\\{byte:02X}")).collect();
        let subject = format!("CN={escaped}").parse::<Name>().map_err(AuthorityError::from)?;
        let (serial, lifetime) = (random_serial()?, Lifetime::starting(now, LIFETIME));
        let current = self.authorities.current();
        let certificate = current.issue_server(key.public_key(), &subject, names, &serial, lifetime)?;
        // Clients may still trust an earlier key of the CA alone: cross-certificates lead there.
        let others = self.authorities.cross_certificates(now).map(|certificate| certificate.der().to_vec());
        let chain = std::iter::once(certificate).chain(others).map(CertificateDer::from).collect();
        let private = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.to_pkcs8()?.to_vec()));
        let signing = rustls::crypto::aws_lc_rs::sign::any_supported_type(&private)
            .map_err(|error| StartError::Tls(format!("the service's TLS key: {error}")))?;
        Ok(CertifiedKey::new(chain, signing))
    }
}

/// A host name or an address.
fn general_name(name: &str) -> Result<GeneralName, AuthorityError> {
    use std::net::IpAddr;
    Ok(match name.parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => GeneralName::IpAddress(der::asn1::OctetString::new(address.octets())?),
        Ok(IpAddr::V6(address)) => GeneralName::IpAddress(der::asn1::OctetString::new(address.octets())?),
        Err(_) => GeneralName::DnsName(Ia5String::new(name)?),
    })
}
