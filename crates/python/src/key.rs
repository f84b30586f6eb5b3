//! A key, and tokens.

use ironroot_application::{Certificate, JwtOptions, JwtRules, SignOptions};
use pyo3::{prelude::*, types::PyBytes};

use crate::raised;

/// A key in a TPM. Threads take turns.
#[pyclass(frozen, module = "ironroot")]
pub struct Key(pub(crate) ironroot_application::Key);

#[pymethods]
impl Key {
    /// What it was opened by.
    #[getter]
    fn name(&self) -> &str {
        self.0.name()
    }

    /// The public key (PEM).
    #[getter]
    fn public_key(&self) -> PyResult<String> {
        self.0.public_pem().map_err(raised)
    }

    /// SHA-256 of the public key's DER form, in hexadecimal.
    #[getter]
    fn fingerprint(&self) -> PyResult<String> {
        self.0.fingerprint().map_err(raised)
    }

    /// The public key in the form of RFC 7517.
    #[getter]
    fn jwk<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        parsed(py, &self.0.jwk().map_err(raised)?)
    }

    /// How it can sign, best first.
    #[getter]
    fn schemes(&self) -> Vec<String> {
        self.0.schemes()
    }

    /// Signs a message, with its first scheme if none is named.
    #[pyo3(signature = (message, scheme=None))]
    fn sign<'py>(&self, py: Python<'py>, message: &[u8], scheme: Option<&str>) -> PyResult<Bound<'py, PyBytes>> {
        let signature = py.detach(|| self.0.sign(message, &SignOptions { scheme })).map_err(raised)?;
        Ok(PyBytes::new(py, &signature))
    }

    /// A certificate request (PEM).
    #[pyo3(signature = (subject=None, dns=Vec::new()))]
    fn csr(&self, py: Python<'_>, subject: Option<&str>, dns: Vec<String>) -> PyResult<String> {
        let dns: Vec<&str> = dns.iter().map(String::as_str).collect();
        py.detach(|| self.0.csr(subject, &dns)).map_err(raised)
    }

    /// A certificate for this key by this key (PEM).
    #[pyo3(signature = (subject=None, dns=Vec::new(), *, usage="both", days=365))]
    fn self_signed(
        &self,
        py: Python<'_>,
        subject: Option<&str>,
        dns: Vec<String>,
        usage: &str,
        days: u32,
    ) -> PyResult<String> {
        let dns: Vec<&str> = dns.iter().map(String::as_str).collect();
        py.detach(|| self.0.self_signed(&Certificate { subject, dns: &dns, usage, days })).map_err(raised)
    }

    /// A certificate for a request (PEM) by this key, which is the CA's whose certificate (PEM) is given.
    #[pyo3(signature = (ca_certificate, csr, *, usage="both", days=365))]
    fn issue(&self, py: Python<'_>, ca_certificate: &str, csr: &str, usage: &str, days: u32) -> PyResult<String> {
        py.detach(|| self.0.issue(ca_certificate, csr, usage, days)).map_err(raised)
    }

    /// A JSON Web Token with these claims (what json.dumps takes).
    #[pyo3(signature = (claims, *, expires_in=Some(3600), algorithm=None, key_id=None))]
    fn jwt(
        &self,
        py: Python<'_>,
        claims: &Bound<'_, PyAny>,
        expires_in: Option<u64>,
        algorithm: Option<&str>,
        key_id: Option<&str>,
    ) -> PyResult<String> {
        let claims: String = py.import("json")?.call_method1("dumps", (claims,))?.extract()?;
        let options = JwtOptions { algorithm, key_id, expires_in };
        py.detach(|| self.0.jwt_sign(&claims, &options)).map_err(raised)
    }

    fn __repr__(&self) -> String {
        format!("<ironroot.Key {:?}>", self.0.name())
    }
}

/// Verifies a token with a PEM public key or certificate, and gives its claims. No TPM is needed.
#[pyfunction]
#[pyo3(signature = (token, public_key, *, audience=None, issuer=None, leeway=0, endless=false))]
pub fn jwt_verify<'py>(
    py: Python<'py>,
    token: &str,
    public_key: &str,
    audience: Option<&str>,
    issuer: Option<&str>,
    leeway: u64,
    endless: bool,
) -> PyResult<Bound<'py, PyAny>> {
    let rules = JwtRules { audience, issuer, leeway, endless };
    let claims = py.detach(|| ironroot_application::jwt_verify(token, public_key, &rules)).map_err(raised)?;
    parsed(py, &claims)
}

fn parsed<'py>(py: Python<'py>, json: &str) -> PyResult<Bound<'py, PyAny>> {
    py.import("json")?.call_method1("loads", (json,))
}
