//! TLS without sockets; `ironroot/_tls.py` brings them.

use std::sync::{Mutex, MutexGuard};

use ironroot_application::{Error, ErrorKind, TlsConnection as Connection, TlsContext as Context};
use pyo3::{prelude::*, types::PyBytes};

use crate::{key::Key, raised};

/// A client's or a server's side.
#[pyclass(frozen, module = "ironroot._native")]
pub struct TlsContext(Context);

/// One connection.
#[pyclass(frozen, module = "ironroot._native")]
pub struct TlsConnection(Mutex<Connection>);

#[pymethods]
impl TlsContext {
    /// A client, with or without a key and its chain.
    #[staticmethod]
    fn client(roots: &str, key: Option<&Key>, chain: Option<&str>, alpn: Vec<String>) -> PyResult<Self> {
        let alpn: Vec<&str> = alpn.iter().map(String::as_str).collect();
        let identity = key.zip(chain).map(|(key, chain)| (&key.0, chain));
        Context::client(roots, identity, &alpn).map(Self).map_err(raised)
    }

    /// A server.
    #[staticmethod]
    fn server(key: &Key, chain: &str, client_roots: Option<&str>, alpn: Vec<String>) -> PyResult<Self> {
        let alpn: Vec<&str> = alpn.iter().map(String::as_str).collect();
        Context::server(&key.0, chain, client_roots, &alpn).map(Self).map_err(raised)
    }

    /// A new connection.
    fn connection(&self, server_name: Option<&str>) -> PyResult<TlsConnection> {
        self.0.connection(server_name).map(|connection| TlsConnection(Mutex::new(connection))).map_err(raised)
    }
}

impl TlsConnection {
    fn lock(&self) -> Result<MutexGuard<'_, Connection>, Error> {
        self.0.lock().map_err(|_| Error::new(ErrorKind::State, "another thread panicked with this connection"))
    }
}

#[pymethods]
impl TlsConnection {
    /// Takes what came from the peer.
    fn incoming(&self, py: Python<'_>, data: &[u8]) -> PyResult<()> {
        py.detach(|| self.lock()?.incoming(data)).map_err(raised)
    }

    /// What has to go to the peer now.
    fn outgoing<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let bytes = py.detach(|| self.lock()?.outgoing()).map_err(raised)?;
        Ok(PyBytes::new(py, &bytes))
    }

    /// Whether the handshake still goes on.
    fn is_handshaking(&self) -> PyResult<bool> {
        Ok(self.lock().map_err(raised)?.is_handshaking())
    }

    /// Up to so many bytes of the peer's.
    fn read<'py>(&self, py: Python<'py>, most: usize) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &self.lock().map_err(raised)?.read(most)))
    }

    /// How many bytes can be read at once.
    fn pending(&self) -> PyResult<usize> {
        Ok(self.lock().map_err(raised)?.pending())
    }

    /// Whether the peer has said that nothing more will come.
    fn has_ended(&self) -> PyResult<bool> {
        Ok(self.lock().map_err(raised)?.has_ended())
    }

    /// Encrypts for the peer; how much was taken.
    fn write(&self, py: Python<'_>, data: &[u8]) -> PyResult<usize> {
        py.detach(|| self.lock()?.write(data)).map_err(raised)
    }

    /// Says that nothing more will come.
    fn close(&self) -> PyResult<()> {
        self.lock().map_err(raised)?.close();
        Ok(())
    }

    /// The peer's certificate (DER).
    fn peer_certificate<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyBytes>>> {
        Ok(self.lock().map_err(raised)?.peer_certificate().map(|der| PyBytes::new(py, der)))
    }

    /// The protocol's version.
    fn version(&self) -> PyResult<Option<&'static str>> {
        Ok(self.lock().map_err(raised)?.version())
    }

    /// The cipher suite.
    fn cipher(&self) -> PyResult<Option<String>> {
        Ok(self.lock().map_err(raised)?.cipher())
    }

    /// The application's protocol.
    fn alpn(&self) -> PyResult<Option<String>> {
        Ok(self.lock().map_err(raised)?.alpn())
    }
}
