//! `ironroot._native`: each function is one of `ironroot-application`, with Python's types around it.

mod key;
mod tls;
mod tpm;

use ironroot_application::ErrorKind;
use pyo3::{create_exception, exceptions::PyException, prelude::*};

create_exception!(ironroot, IronrootError, PyException, "What failed, why, and what to do next.");

/// An error as an exception, with its kind and the TPM's response code.
fn raised(error: ironroot_application::Error) -> PyErr {
    let exception = IronrootError::new_err(error.to_string());
    Python::attach(|py| {
        let value = exception.value(py);
        // An exception takes attributes; were it otherwise, the text would still be there.
        let _ = value.setattr("kind", kind(error.kind()));
        let _ = value.setattr("response_code", error.response_code());
    });
    exception
}

const fn kind(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Argument => "argument",
        ErrorKind::Connection => "connection",
        ErrorKind::Tpm => "tpm",
        ErrorKind::Key => "key",
        ErrorKind::File => "file",
        ErrorKind::Refused => "refused",
        ErrorKind::Initialization => "initialization",
        ErrorKind::State => "state",
        ErrorKind::System => "system",
        ErrorKind::Defect => "defect",
    }
}

/// The module.
#[pymodule]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add("IronrootError", module.py().get_type::<IronrootError>())?;
    module.add_class::<tpm::Tpm>()?;
    module.add_class::<key::Key>()?;
    module.add_class::<tls::TlsContext>()?;
    module.add_class::<tls::TlsConnection>()?;
    module.add_function(wrap_pyfunction!(tpm::connect, module)?)?;
    module.add_function(wrap_pyfunction!(tpm::start, module)?)?;
    module.add_function(wrap_pyfunction!(tpm::encrypt, module)?)?;
    module.add_function(wrap_pyfunction!(tpm::key_kinds, module)?)?;
    module.add_function(wrap_pyfunction!(key::jwt_verify, module)?)
}
