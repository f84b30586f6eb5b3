//! TLS with a key in a TPM, without sockets: bytes in, bytes out, so that every language keeps its own.

use std::{
    io::{Read as _, Write as _},
    sync::Arc,
};

use ironroot_keys::tls::{TlsKey, certificates, provider, roots};
use rustls::{
    ClientConfig, Connection, ProtocolVersion, ServerConfig,
    client::ClientConnection,
    pki_types::ServerName,
    server::{ServerConnection, WebPkiClientVerifier},
};

use crate::{Error, ErrorKind, Key, Result};

/// A client's or a server's side, for any number of connections.
#[derive(Clone)]
pub enum TlsContext {
    /// A client's.
    Client(Arc<ClientConfig>),
    /// A server's.
    Server(Arc<ServerConfig>),
}

/// One connection.
pub struct TlsConnection {
    connection: Connection,
    received: Vec<u8>,
    ended: bool,
}

impl TlsContext {
    /// A client that trusts these CAs (PEM), and shows a certificate chain (PEM, the key's own first) of a key if it is asked.
    ///
    /// # Errors
    /// Kind `Argument` for certificates that cannot be used, `Key` for a chain that is not the key's.
    pub fn client(cas: &str, identity: Option<(&Key, &str)>, alpn: &[&str]) -> Result<Self> {
        let builder = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(failed)?
            .with_root_certificates(roots(cas)?);
        let mut config = match identity {
            Some((key, chain)) => builder.with_client_cert_resolver(tls_key(key)?.resolver(certificates(chain)?)?),
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = protocols(alpn);
        Ok(Self::Client(Arc::new(config)))
    }

    /// A server with a key and its certificate chain (PEM, the key's own first). With CAs (PEM), clients have to show a certificate of one
    /// of them.
    ///
    /// # Errors
    /// As [`TlsContext::client`].
    pub fn server(key: &Key, chain: &str, client_cas: Option<&str>, alpn: &[&str]) -> Result<Self> {
        let builder =
            ServerConfig::builder_with_provider(provider()).with_safe_default_protocol_versions().map_err(failed)?;
        let builder = match client_cas {
            None => builder.with_no_client_auth(),
            Some(cas) => {
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots(cas)?), provider());
                builder.with_client_cert_verifier(
                    verifier.build().map_err(|error| Error::argument(format!("the clients' CAs: {error}")))?,
                )
            }
        };
        let mut config = builder.with_cert_resolver(tls_key(key)?.resolver(certificates(chain)?)?);
        config.alpn_protocols = protocols(alpn);
        Ok(Self::Server(Arc::new(config)))
    }

    /// A new connection. A client says with whom (a DNS name or an address), which the server's certificate has to confirm.
    ///
    /// # Errors
    /// Kind `Argument` for a client without a name.
    pub fn connection(&self, server_name: Option<&str>) -> Result<TlsConnection> {
        let connection = match self {
            Self::Client(config) => {
                let name = server_name
                    .ok_or_else(|| Error::argument("a client has to say with whom it connects (server_hostname)"))?;
                let name = ServerName::try_from(name.to_owned())
                    .map_err(|error| Error::argument(format!("\"{name}\" is no server's name: {error}")))?;
                Connection::from(ClientConnection::new(Arc::clone(config), name).map_err(failed)?)
            }
            Self::Server(config) => Connection::from(ServerConnection::new(Arc::clone(config)).map_err(failed)?),
        };
        Ok(TlsConnection { connection, received: Vec::new(), ended: false })
    }
}

impl TlsConnection {
    /// Takes what came from the peer. After an error, what [`TlsConnection::outgoing`] gives tells the peer why.
    ///
    /// # Errors
    /// Kind `Refused` for whatever TLS refuses: a certificate, a changed record, …
    pub fn incoming(&mut self, mut bytes: &[u8]) -> Result {
        while !bytes.is_empty() {
            let taken = self.connection.read_tls(&mut bytes);
            if taken.map_err(|error| Error::new(ErrorKind::Refused, error.to_string()))? == 0 {
                // The peer has said that it ends: what comes behind that counts for nothing.
                break;
            }
            let state = self.connection.process_new_packets().map_err(failed)?;
            let size = state.plaintext_bytes_to_read();
            if size > 0 {
                let start = self.received.len();
                self.received.resize(start + size, 0);
                let place = self.received.get_mut(start..).unwrap_or_default();
                self.connection
                    .reader()
                    .read_exact(place)
                    .map_err(|error| Error::new(ErrorKind::Refused, error.to_string()))?;
            }
            self.ended |= state.peer_has_closed();
        }
        Ok(())
    }

    /// What has to go to the peer now.
    ///
    /// # Errors
    /// None in practice.
    pub fn outgoing(&mut self) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        while self.connection.wants_write() {
            self.connection.write_tls(&mut bytes).map_err(|error| Error::new(ErrorKind::System, error.to_string()))?;
        }
        Ok(bytes)
    }

    /// Whether the handshake still goes on.
    #[must_use]
    pub fn is_handshaking(&self) -> bool {
        self.connection.is_handshaking()
    }

    /// Up to so many bytes that the peer has sent: none if they have yet to come ([`TlsConnection::has_ended`] says whether they will).
    pub fn read(&mut self, most: usize) -> Vec<u8> {
        let rest = self.received.split_off(most.min(self.received.len()));
        std::mem::replace(&mut self.received, rest)
    }

    /// How many bytes can be read at once.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.received.len()
    }

    /// Whether the peer has said that nothing more will come.
    #[must_use]
    pub const fn has_ended(&self) -> bool {
        self.ended
    }

    /// Encrypts for the peer; how much was taken. The rest can go when [`TlsConnection::outgoing`] has been sent.
    ///
    /// # Errors
    /// None in practice.
    pub fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        self.connection.writer().write(bytes).map_err(|error| Error::new(ErrorKind::System, error.to_string()))
    }

    /// Says that nothing more will come.
    pub fn close(&mut self) {
        self.connection.send_close_notify();
    }

    /// The peer's certificate (DER), once the handshake is done.
    #[must_use]
    pub fn peer_certificate(&self) -> Option<&[u8]> {
        self.connection.peer_certificates().and_then(<[_]>::first).map(|certificate| certificate.as_ref())
    }

    /// `TLSv1.3` or `TLSv1.2`.
    #[must_use]
    pub fn version(&self) -> Option<&'static str> {
        match self.connection.protocol_version()? {
            ProtocolVersion::TLSv1_3 => Some("TLSv1.3"),
            ProtocolVersion::TLSv1_2 => Some("TLSv1.2"),
            _ => None,
        }
    }

    /// The cipher suite.
    #[must_use]
    pub fn cipher(&self) -> Option<String> {
        self.connection.negotiated_cipher_suite().map(|suite| format!("{:?}", suite.suite()))
    }

    /// The application's protocol.
    #[must_use]
    pub fn alpn(&self) -> Option<String> {
        self.connection.alpn_protocol().map(|name| String::from_utf8_lossy(name).into_owned())
    }
}

fn tls_key(key: &Key) -> Result<TlsKey> {
    Ok(TlsKey::new(Arc::clone(key.inner()))?)
}

fn protocols(alpn: &[&str]) -> Vec<Vec<u8>> {
    alpn.iter().map(|name| name.as_bytes().to_vec()).collect()
}

fn failed(error: rustls::Error) -> Error {
    Error::new(ErrorKind::Refused, format!("TLS: {error}"))
}
