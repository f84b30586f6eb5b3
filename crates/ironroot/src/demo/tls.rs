//! Step 4: a server that accepts only the identity CA, and a client whose key is in the TPM.

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use ironroot_keys::tls::TlsKey;
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection, StreamOwned,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _},
    server::WebPkiClientVerifier,
};

use super::{enrolment::Identity, timeline::Timeline};
use crate::failure::{Failure, Result};

const QUESTION: &[u8] = b"pump-0007 reports: pressure 4.2 bar";
const ANSWER: &[u8] = b"backend: report accepted";
const TIMEOUT: Duration = Duration::from_secs(10);

/// Exchanges a message, and shows that a stranger cannot.
///
/// # Errors
/// What failed in the handshake or after it, or a stranger who got in.
pub fn exchange(identity: &Identity, authority_pem: &str, timeline: &mut Timeline) -> Result {
    let backend = Backend::new(authority_pem)?;
    let chain = certificates(&format!("{}{}", identity.certificate, identity.chain))?;
    let resolver = TlsKey::new(Arc::clone(&identity.key))?.resolver(chain)?;
    let started = Instant::now();
    let config = backend.client().with_client_cert_resolver(resolver);
    let answer = backend.serve_one(config)?;
    if answer != ANSWER {
        return Err(Failure::new("the backend's answer was not the expected one"));
    }
    timeline.timed("handshake, client authenticated by the TPM, message and answer", started.elapsed());

    let stranger = stranger()?;
    let config = backend
        .client()
        .with_client_auth_cert(vec![stranger.cert.der().clone()], key_of(&stranger)?)
        .map_err(|error| Failure::during("the stranger's certificate", error))?;
    match backend.serve_one(config) {
        Ok(_) => Err(Failure::new("the backend accepted a client whose certificate is not the identity CA's")),
        Err(refusal) => {
            timeline.note(format!("a stranger with a certificate of its own is refused: {refusal}"));
            Ok(())
        }
    }
}

struct Backend {
    config: Arc<ServerConfig>,
    roots: Arc<RootCertStore>,
}

impl Backend {
    /// A server with a certificate of its own that lets in clients of one CA.
    fn new(authority_pem: &str) -> Result<Self> {
        let server = stranger()?;
        let mut identity_ca = RootCertStore::empty();
        for certificate in certificates(authority_pem)? {
            identity_ca.add(certificate)?;
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(identity_ca), Arc::clone(&provider)).build()?;
        let config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .with_client_cert_verifier(verifier)
            .with_single_cert(vec![server.cert.der().clone()], key_of(&server)?)?;
        let mut roots = RootCertStore::empty();
        roots.add(server.cert.der().clone())?;
        Ok(Self { config: Arc::new(config), roots: Arc::new(roots) })
    }

    fn client(&self) -> rustls::ConfigBuilder<ClientConfig, rustls::client::WantsClientCert> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            // The provider above has TLS 1.3, so this cannot fail; a client without versions would not connect.
            .unwrap_or_else(|_| ClientConfig::builder())
            .with_root_certificates(Arc::clone(&self.roots))
    }

    /// Serves one connection of a client with `config`, and returns what the client read.
    fn serve_one(&self, config: ClientConfig) -> Result<Vec<u8>> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let server_config = Arc::clone(&self.config);
        let server = thread::spawn(move || serve(&listener, server_config));
        let read = talk(address, config);
        let served = server.join().map_err(|_| Failure::new("the backend ended unexpectedly"))?;
        // The server's word comes first: it says why it refused.
        served.map_err(|error| Failure::during("the backend", error))?;
        Ok(read?)
    }
}

fn serve(listener: &TcpListener, config: Arc<ServerConfig>) -> std::io::Result<()> {
    let (stream, _) = listener.accept()?;
    limit(&stream)?;
    let connection = ServerConnection::new(config).map_err(std::io::Error::other)?;
    let mut tls = StreamOwned::new(connection, stream);
    let mut question = vec![0; QUESTION.len()];
    tls.read_exact(&mut question)?;
    tls.write_all(ANSWER)?;
    tls.conn.send_close_notify();
    tls.flush()
}

fn talk(address: std::net::SocketAddr, config: ClientConfig) -> std::io::Result<Vec<u8>> {
    let stream = TcpStream::connect(address)?;
    limit(&stream)?;
    let name = ServerName::try_from("localhost").map_err(std::io::Error::other)?;
    let connection = ClientConnection::new(Arc::new(config), name).map_err(std::io::Error::other)?;
    let mut tls = StreamOwned::new(connection, stream);
    tls.write_all(QUESTION)?;
    let mut answer = Vec::new();
    tls.read_to_end(&mut answer)?;
    Ok(answer)
}

fn limit(stream: &TcpStream) -> std::io::Result<()> {
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))
}

/// A key with a certificate of its own making.
fn stranger() -> Result<rcgen::CertifiedKey<rcgen::KeyPair>> {
    Ok(rcgen::generate_simple_self_signed(vec!["localhost".to_owned()])?)
}

fn key_of(stranger: &rcgen::CertifiedKey<rcgen::KeyPair>) -> Result<PrivateKeyDer<'static>> {
    PrivateKeyDer::try_from(stranger.signing_key.serialize_der()).map_err(Failure::new)
}

fn certificates(pem: &str) -> Result<Vec<CertificateDer<'static>>> {
    CertificateDer::pem_slice_iter(pem.as_bytes())
        .collect::<std::result::Result<_, _>>()
        .map_err(|error| Failure::during("the certificate chain", error))
}
