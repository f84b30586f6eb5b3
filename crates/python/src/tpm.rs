//! A TPM.

use std::{collections::BTreeMap, path::PathBuf};

use ironroot_application::{Application, DeviceIs, ProductIs, SealOptions, Settings, UnsealOptions};
use pyo3::{
    prelude::*,
    types::{PyBytes, PyTuple},
};

use crate::{key::Key, raised};

/// A TPM, and what it does by names. Threads take turns.
#[pyclass(frozen, module = "ironroot")]
pub struct Tpm(Application);

/// Connects to the TPM that a TCTI string names; without one, to what the environment names, or the machine's.
#[pyfunction]
#[pyo3(signature = (tcti=None, *, key_list=None, endorsement_auth=None, owner_auth=None))]
pub fn connect(
    py: Python<'_>,
    tcti: Option<String>,
    key_list: Option<PathBuf>,
    endorsement_auth: Option<Vec<u8>>,
    owner_auth: Option<Vec<u8>>,
) -> PyResult<Tpm> {
    let settings = Settings {
        tcti,
        key_list,
        endorsement_auth: endorsement_auth.map(Into::into),
        owner_auth: owner_auth.map(Into::into),
    };
    py.detach(|| Application::connect(&settings)).map(Tpm).map_err(raised)
}

/// What stands for bytes, or for a name of them.
#[derive(FromPyObject)]
pub enum BytesOr<T> {
    /// The bytes.
    Bytes(Vec<u8>),
    /// The name.
    Name(T),
}

/// A TPM in this process, with its state in a folder. The product is its secret (32 bytes) or a file's path; the device is its value
/// (bytes), or the name of a source, which has to be at least as hard to copy as the grade says.
#[pyfunction]
#[pyo3(signature = (folder, *, product, device, grade="disk", how="either"))]
pub fn start(
    py: Python<'_>,
    folder: PathBuf,
    product: BytesOr<PathBuf>,
    device: BytesOr<String>,
    grade: &str,
    how: &str,
) -> PyResult<Tpm> {
    let mut product = product;
    py.detach(|| {
        let product = match &mut product {
            BytesOr::Bytes(secret) => ProductIs::Secret(secret),
            BytesOr::Name(path) => ProductIs::File(path),
        };
        let device = match &device {
            BytesOr::Bytes(value) => DeviceIs::Value(value),
            BytesOr::Name(source) => DeviceIs::Source(source),
        };
        ironroot_application::start(&folder, product, device, grade, how)
    })
    .map(Tpm)
    .map_err(raised)
}

/// Encrypts to a PEM public key that encryption_key gave; no TPM is needed.
#[pyfunction]
pub fn encrypt<'py>(py: Python<'py>, public_key: &str, data: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
    let sealed = py.detach(|| ironroot_application::encrypt(public_key, data)).map_err(raised)?;
    Ok(PyBytes::new(py, &sealed))
}

/// The kinds of keys that there are.
#[pyfunction]
pub fn key_kinds() -> Vec<&'static str> {
    ironroot_application::key_kinds().collect()
}

#[pymethods]
impl Tpm {
    /// Closes the connection; a TPM in this process is shut down in order. Its keys can no longer be used.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        py.detach(|| self.0.close()).map_err(raised)
    }

    fn __enter__(this: Py<Self>) -> Py<Self> {
        this
    }

    #[pyo3(signature = (*_why))]
    fn __exit__(&self, py: Python<'_>, _why: &Bound<'_, PyTuple>) -> PyResult<()> {
        self.close(py)
    }

    /// The key with this name, which is put into the list of names; the same name and kind give the same key for ever.
    #[pyo3(signature = (name, kind=None))]
    fn create_key(&self, py: Python<'_>, name: &str, kind: Option<&str>) -> PyResult<Key> {
        py.detach(|| self.0.create_key(name, kind)).map(Key).map_err(raised)
    }

    /// The key that NAME, name:NAME, file:PATH or handle:0x81... names.
    #[pyo3(signature = (reference, kind=None, *, auth=None))]
    fn open_key(&self, py: Python<'_>, reference: &str, kind: Option<&str>, auth: Option<&[u8]>) -> PyResult<Key> {
        py.detach(|| self.0.open_key(reference, kind, auth)).map(Key).map_err(raised)
    }

    /// Whether the list has this name.
    fn has_key(&self, py: Python<'_>, name: &str) -> PyResult<bool> {
        py.detach(|| self.0.has_key(name)).map_err(raised)
    }

    /// The list: names and kinds.
    fn keys(&self, py: Python<'_>) -> PyResult<BTreeMap<String, String>> {
        py.detach(|| self.0.key_names()).map(|names| names.into_iter().collect()).map_err(raised)
    }

    /// Takes a name off the list; whether it was there. The same name gives the same key again.
    fn remove_key(&self, py: Python<'_>, name: &str) -> PyResult<bool> {
        py.detach(|| self.0.remove_key(name)).map_err(raised)
    }

    /// The secret with this name: of this device, the same for ever.
    fn unique_secret<'py>(&self, py: Python<'py>, name: &str, length: usize) -> PyResult<Bound<'py, PyBytes>> {
        let secret = py.detach(|| self.0.unique_secret(name, length)).map_err(raised)?;
        Ok(PyBytes::new(py, &secret))
    }

    /// The secret with this name that all devices of the product share.
    fn global_secret<'py>(&self, py: Python<'py>, name: &str, length: usize) -> PyResult<Bound<'py, PyBytes>> {
        let secret = py.detach(|| self.0.global_secret(name, length)).map_err(raised)?;
        Ok(PyBytes::new(py, &secret))
    }

    /// Seals up to 128 bytes that only this TPM gives back; a PEM file.
    #[pyo3(signature = (data, *, password=None, pcrs=None, signer=None))]
    fn seal(
        &self,
        py: Python<'_>,
        data: &[u8],
        password: Option<&[u8]>,
        pcrs: Option<&str>,
        signer: Option<&str>,
    ) -> PyResult<String> {
        let options = SealOptions { password: password.unwrap_or_default(), pcrs, signer };
        py.detach(|| self.0.seal(data, &options)).map_err(raised)
    }

    /// Gives back what was sealed.
    #[pyo3(signature = (pem, *, password=None, approval=None))]
    fn unseal<'py>(
        &self,
        py: Python<'py>,
        pem: &str,
        password: Option<&[u8]>,
        approval: Option<(String, Vec<u8>)>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let approval = approval.as_ref().map(|(pcrs, signature)| (pcrs.as_str(), signature.as_slice()));
        let options = UnsealOptions { password: password.unwrap_or_default(), approval };
        let data = py.detach(|| self.0.unseal(pem, &options)).map_err(raised)?;
        Ok(PyBytes::new(py, &data))
    }

    /// What a signer signs to approve the values that these PCRs have now.
    fn approvable<'py>(&self, py: Python<'py>, pcrs: &str) -> PyResult<Bound<'py, PyBytes>> {
        let policy = py.detach(|| self.0.approvable(pcrs)).map_err(raised)?;
        Ok(PyBytes::new(py, &policy))
    }

    /// The PEM public key to which anybody encrypts for this device and name.
    fn encryption_key(&self, py: Python<'_>, name: &str) -> PyResult<String> {
        py.detach(|| self.0.encryption_key(name)).map_err(raised)
    }

    /// Decrypts what was encrypted to this device and name.
    fn decrypt<'py>(&self, py: Python<'py>, name: &str, ciphertext: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
        let data = py.detach(|| self.0.decrypt(name, ciphertext)).map_err(raised)?;
        Ok(PyBytes::new(py, &data))
    }

    /// Random bytes from the TPM.
    fn random<'py>(&self, py: Python<'py>, length: usize) -> PyResult<Bound<'py, PyBytes>> {
        let random = py.detach(|| self.0.random(length)).map_err(raised)?;
        Ok(PyBytes::new(py, &random))
    }

    /// Sends a command as it is, and gives the response as it came, whatever its response code.
    fn command<'py>(&self, py: Python<'py>, command: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
        let response = py.detach(|| self.0.command(command)).map_err(raised)?;
        Ok(PyBytes::new(py, &response))
    }
}
