//! Mutual TLS 1.3 and 1.2 with rustls and keys in a TPM (TPM2TOOLS_TCTI says which): both ends sign with a key that is named as KEY =
//! NAME, file:PATH or handle:0x81…; CERT and CA are PEM files.
//!
//!   mutual-tls serve KEY CERT CA            serves until standard input ends; prints its address first
//!   mutual-tls get ADDRESS KEY CERT CA [1.2|1.3]   KEY may be plain:PATH, a key as it is, to compare with
//!   mutual-tls handshakes SECONDS KEY CERT CA   full handshakes per second, both ends here; plain:PATH as well
use std::{
    env, fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use ironroot_client::{Tpm, wire::TpmSu};
use ironroot_keys::{KeyList, KeyReference, SharedTpm, TpmKey, tls};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection, StreamOwned,
    client::Resumption,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _},
    server::{NoServerSessionStorage, WebPkiClientVerifier},
    version::{TLS12, TLS13},
};

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> Result {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default(); // Only the first time counts.
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["serve", key, cert, ca] => serve(key, cert, ca),
        ["get", address, key, cert, ca, version @ ..] => get(address, key, cert, ca, version.first().copied()),
        ["handshakes", seconds, key, cert, ca] => handshakes(seconds.parse()?, key, cert, ca),
        _ => Err("see the first lines of this program for its arguments".into()),
    }
}

fn open(key: &str) -> Result<TpmKey> {
    let mut tpm = Tpm::from_env()?;
    tpm.startup(TpmSu::Clear)?;
    Ok(key.parse::<KeyReference>()?.open(&SharedTpm::new(tpm), KeyList::of_user, None, None)?)
}

fn serve(key: &str, cert: &str, ca: &str) -> Result {
    let config = tls::server_config(open(key)?, &fs::read_to_string(cert)?, &fs::read_to_string(ca)?)?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    println!("{address}");
    let ending = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            // Whoever started this ends it by closing its standard input; the connection wakes the server up to see that.
            let _ = std::io::stdin().read_to_end(&mut Vec::new());
            ending.store(true, Ordering::SeqCst);
            let _ = TcpStream::connect(address);
        });
        for stream in listener.incoming().flatten() {
            if ending.load(Ordering::SeqCst) {
                break;
            }
            if let Err(error) = answer(&config, stream) {
                eprintln!("a client got no answer: {error}");
            }
        }
    });
    // The key is dropped here, and its place in the TPM with it.
    Ok(())
}

fn answer(config: &Arc<ServerConfig>, stream: TcpStream) -> Result {
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    let mut tls = StreamOwned::new(ServerConnection::new(Arc::clone(config))?, stream);
    let mut request = [0; 6];
    tls.read_exact(&mut request)?;
    let client = tls.conn.peer_certificates().map_or(0, <[_]>::len);
    let version = tls.conn.protocol_version();
    writeln!(tls, "hello over {version:?} to a client with {client} certificate")?;
    tls.conn.send_close_notify();
    tls.flush()?;
    Ok(())
}

fn get(address: &str, key: &str, cert: &str, ca: &str, version: Option<&str>) -> Result {
    let versions = match version {
        None => vec![&TLS13, &TLS12],
        Some("1.2") => vec![&TLS12],
        Some(_) => vec![&TLS13],
    };
    let builder = ClientConfig::builder_with_protocol_versions(&versions).with_root_certificates(roots(ca)?);
    let config = match key.strip_prefix("plain:") {
        Some(path) => {
            let chain = vec![CertificateDer::from_pem_file(cert)?];
            Arc::new(builder.with_client_auth_cert(chain, PrivateKeyDer::from_pem_file(path)?)?)
        }
        None => {
            let config = tls::client_config(open(key)?, &fs::read_to_string(cert)?, &fs::read_to_string(ca)?)?;
            match version {
                None => config,
                Some(_) => Arc::new(builder.with_client_cert_resolver(Arc::clone(&config.client_auth_cert_resolver))),
            }
        }
    };
    let stream = TcpStream::connect(address)?;
    let mut tls = StreamOwned::new(ClientConnection::new(config, ServerName::try_from("localhost")?)?, stream);
    tls.write_all(b"hello\n")?;
    let mut text = String::new();
    tls.read_to_string(&mut text)?;
    print!("{text}");
    Ok(())
}

fn roots(ca: &str) -> Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(ca)?)?;
    Ok(roots)
}

/// How many full handshakes a second one connection after another makes; each end signs once.
fn handshakes(seconds: u64, key: &str, cert: &str, ca: &str) -> Result {
    let chain = vec![CertificateDer::from_pem_file(cert)?];
    let verifier = WebPkiClientVerifier::builder(Arc::new(roots(ca)?)).build()?;
    let server = ServerConfig::builder().with_client_cert_verifier(verifier);
    let client = ClientConfig::builder().with_root_certificates(roots(ca)?);
    let (mut server, mut client) = match key.strip_prefix("plain:") {
        Some(path) => {
            let key = PrivateKeyDer::from_pem_file(path)?;
            (server.with_single_cert(chain.clone(), key.clone_key())?, client.with_client_auth_cert(chain, key)?)
        }
        None => {
            let resolver = tls::TlsKey::new(Arc::new(open(key)?))?.resolver(chain)?;
            (server.with_cert_resolver(resolver.clone()), client.with_client_cert_resolver(resolver))
        }
    };
    server.session_storage = Arc::new(NoServerSessionStorage {});
    server.send_tls13_tickets = 0;
    client.resumption = Resumption::disabled();
    let (server, client) = (Arc::new(server), Arc::new(client));
    let (begin, mut count) = (Instant::now(), 0_u32);
    while begin.elapsed() < Duration::from_secs(seconds) {
        let mut one = ClientConnection::new(Arc::clone(&client), ServerName::try_from("localhost")?)?;
        let mut other = ServerConnection::new(Arc::clone(&server))?;
        while one.is_handshaking() || other.is_handshaking() {
            let mut wire = Vec::new();
            one.write_tls(&mut wire)?;
            let mut rest = wire.as_slice();
            while !rest.is_empty() {
                other.read_tls(&mut rest)?;
                other.process_new_packets()?;
            }
            wire.clear();
            other.write_tls(&mut wire)?;
            let mut rest = wire.as_slice();
            while !rest.is_empty() {
                one.read_tls(&mut rest)?;
                one.process_new_packets()?;
            }
        }
        count += 1;
    }
    println!("{:.1}", f64::from(count) / begin.elapsed().as_secs_f64());
    Ok(())
}
