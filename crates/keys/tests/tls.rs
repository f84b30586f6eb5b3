//! TLS 1.3 in which a client's key is in a TPM: against rustls, and against `openssl s_server`.
#![cfg(feature = "tls")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    process::{Command, Stdio},
    sync::Arc,
    time::Duration,
};

use common::{Folder, shared};
use ironroot_client::{
    templates::{self, KeyType},
    testing::TestTpm,
    wire::TpmHandle,
};
use ironroot_keys::{SharedTpm, TpmKey, csr, tls::TlsKey};
use rustls::{
    ClientConfig, ClientConnection, ProtocolVersion, RootCertStore, ServerConfig, ServerConnection, StreamOwned,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
    server::WebPkiClientVerifier,
};

const KEYS: [KeyType; 3] = [KeyType::P256, KeyType::P384, KeyType::RSA_2048];

fn roots(folder: &Folder) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(folder.path("ca.pem")).unwrap()).unwrap();
    roots
}

/// A client whose key is in the TPM, with a certificate of the test's CA.
fn client(folder: &Folder, key: TpmKey) -> Arc<ClientConfig> {
    folder.write("client.csr", csr(&key, "CN=device", &[]).unwrap().to_pem().unwrap());
    folder.certify_client("client");
    let certificate = CertificateDer::from_pem_file(folder.path("client.pem")).unwrap();
    let resolver = TlsKey::new(Arc::new(key)).unwrap().resolver(vec![certificate]).unwrap();
    let config = ClientConfig::builder_with_protocol_versions(&[&rustls::version::TLS13])
        .with_root_certificates(roots(folder))
        .with_client_cert_resolver(resolver);
    Arc::new(config)
}

fn connect(config: &Arc<ClientConfig>, port: u16) -> StreamOwned<ClientConnection, TcpStream> {
    let name = ServerName::try_from("localhost").unwrap();
    let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    StreamOwned::new(ClientConnection::new(Arc::clone(config), name).unwrap(), stream)
}

fn generate(tpm: &SharedTpm, key_type: KeyType) -> TpmKey {
    TpmKey::generate(tpm, TpmHandle::OWNER, key_type, b"pin").unwrap().0
}

#[test]
fn a_rustls_server_accepts_the_tpms_key_and_no_other_client() {
    let (server, folder) = (TestTpm::start().unwrap(), Folder::new());
    folder.make_ca();
    let tpm = shared(&server);
    let verifier = WebPkiClientVerifier::builder(Arc::new(roots(&folder))).build().unwrap();
    let config = Arc::new(
        ServerConfig::builder()
            .with_client_cert_verifier(verifier)
            .with_single_cert(
                vec![CertificateDer::from_pem_file(folder.path("server.pem")).unwrap()],
                PrivateKeyDer::from_pem_file(folder.path("server.key")).unwrap(),
            )
            .unwrap(),
    );
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let serve = |listener: TcpListener, rounds: usize| {
        std::thread::spawn(move || {
            let serve_one = |stream: TcpStream| -> std::io::Result<Vec<u8>> {
                stream.set_read_timeout(Some(Duration::from_secs(20)))?;
                let mut tls = StreamOwned::new(ServerConnection::new(Arc::clone(&config)).unwrap(), stream);
                let mut request = [0; 5];
                tls.read_exact(&mut request)?;
                let peer = tls.conn.peer_certificates().unwrap()[0].to_vec();
                tls.write_all(b"hello, device")?;
                tls.conn.send_close_notify();
                tls.flush()?;
                Ok(peer)
            };
            (0..rounds).map(|_| serve_one(listener.accept().unwrap().0)).collect::<Vec<_>>()
        })
    };
    let rounds = serve(listener, KEYS.len() + 1);
    let mut certificates = Vec::new();
    for key_type in KEYS {
        let config = client(&folder, generate(&tpm, key_type));
        certificates.push(CertificateDer::from_pem_file(folder.path("client.pem")).unwrap().to_vec());
        let mut tls = connect(&config, port);
        tls.write_all(b"hello").unwrap();
        let mut answer = String::new();
        tls.read_to_string(&mut answer).unwrap();
        assert_eq!(answer, "hello, device");
        assert_eq!(tls.conn.protocol_version(), Some(ProtocolVersion::TLSv1_3));
    }
    let anonymous = ClientConfig::builder().with_root_certificates(roots(&folder)).with_no_client_auth();
    let mut tls = connect(&Arc::new(anonymous), port);
    let refused = tls.write_all(b"hello").and_then(|()| tls.read_to_end(&mut Vec::new()).map(|_| ()));
    assert!(refused.is_err(), "a client without a certificate got through");
    let seen = rounds.join().unwrap();
    for (seen, own) in seen.iter().zip(&certificates) {
        assert_eq!(seen.as_ref().unwrap(), own);
    }
    assert!(seen.last().unwrap().is_err());
}

#[test]
fn restricted_identity_keys_authenticate_too() {
    let (server, folder) = (TestTpm::start().unwrap(), Folder::new());
    folder.make_ca();
    let tpm = shared(&server);
    let template = templates::signing_key(KeyType::P256, true);
    let key = TpmKey::primary(&tpm, TpmHandle::ENDORSEMENT, &template, b"").unwrap();
    let config = client(&folder, key);
    let (mut process, port) = s_server(&folder);
    let mut tls = connect(&config, port);
    tls.write_all(b"ping\n").unwrap();
    let mut answer = String::new();
    BufReader::new(&mut tls).read_line(&mut answer).unwrap();
    assert_eq!(answer, "gnip\n");
    process.kill().unwrap();
    process.wait().unwrap();
}

#[test]
fn openssl_s_server_accepts_the_tpms_key() {
    let (server, folder) = (TestTpm::start().unwrap(), Folder::new());
    folder.make_ca();
    let tpm = shared(&server);
    for key_type in KEYS {
        let config = client(&folder, generate(&tpm, key_type));
        let (mut process, port) = s_server(&folder);
        let mut tls = connect(&config, port);
        tls.write_all(b"ping\n").unwrap();
        let mut answer = String::new();
        BufReader::new(&mut tls).read_line(&mut answer).unwrap();
        assert_eq!(answer, "gnip\n");
        process.kill().unwrap();
        process.wait().unwrap();
    }
}

#[test]
fn a_certificate_of_another_key_is_refused() {
    let (server, folder) = (TestTpm::start().unwrap(), Folder::new());
    folder.make_ca();
    let tpm = shared(&server);
    let certificate = CertificateDer::from_pem_file(folder.path("server.pem")).unwrap();
    let key = TlsKey::new(Arc::new(generate(&tpm, KeyType::P256))).unwrap();
    let error = key.certified(vec![certificate]).unwrap_err();
    assert!(error.to_string().contains("not for this key"), "{error}");
}

/// `openssl s_server` that demands a client certificate of the CA and answers each line reversed; and its port.
fn s_server(folder: &Folder) -> (std::process::Child, u16) {
    let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
    let mut process = Command::new("openssl")
        .args(["s_server", "-accept", &port.to_string(), "-cert", "server.pem", "-key", "server.key"])
        .args(["-CAfile", "ca.pem", "-Verify", "2", "-verify_return_error", "-tls1_3", "-rev"])
        .current_dir(folder.folder())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    // It says ACCEPT once it listens; the rest of its output is read away, so that it never blocks.
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    assert!(lines.by_ref().any(|line| line.unwrap().starts_with("ACCEPT")), "openssl s_server did not start");
    std::thread::spawn(move || lines.for_each(drop));
    (process, port)
}

#[test]
fn rcgen_makes_requests_and_certificates_that_the_tpm_signs() {
    let (server, folder) = (TestTpm::start().unwrap(), Folder::new());
    let tpm = shared(&server);
    for key_type in KEYS {
        let key = Arc::new(generate(&tpm, key_type));
        let signer = ironroot_keys::RcgenKey::new(Arc::clone(&key)).unwrap();
        let parameters = rcgen::CertificateParams::new(vec!["localhost".into()]).unwrap();
        folder.write("rcgen.csr", parameters.serialize_request(&signer).unwrap().pem().unwrap());
        let said = folder.openssl("req -in rcgen.csr -verify -noout -pubkey");
        assert!(said.contains("verify OK") && said.contains(key.spki_pem().unwrap().trim()), "{said}");
        folder.write("rcgen.pem", parameters.self_signed(&signer).unwrap().pem());
        assert!(folder.openssl("verify -check_ss_sig -CAfile rcgen.pem rcgen.pem").contains("OK"));
    }
}
