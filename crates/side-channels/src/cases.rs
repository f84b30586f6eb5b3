//! What is run with marked secrets: every path on which a private key or another secret goes, on each provider.

use ironroot_crypto::{PORTABLE, Provider};
use ironroot_crypto_host::HOST;

pub mod controls;
mod ecc;
mod edwards;
mod lattice;
pub mod rsa;
pub mod symmetric;
mod tpm;

pub use rsa::{LABEL as RSA_LABEL, key_bytes as rsa_key};

/// One run of one operation.
pub struct Case {
    /// `provider/family/operation`; the provider is `both` where the code is the same.
    pub name: String,
    /// Prepares without marks, marks, runs the operation, and takes the marks off its result.
    pub run: Box<dyn Fn()>,
}

/// All of them.
#[must_use]
pub fn all() -> Vec<Case> {
    let mut all = List(Vec::new());
    controls::list(&mut all);
    symmetric::list(&mut all);
    for (name, provider) in [("portable", &PORTABLE as &'static dyn Provider), ("host", &HOST)] {
        rsa::list(&mut all, name, provider);
        ecc::list(&mut all, name, provider);
        edwards::list(&mut all, name, provider);
        lattice::list(&mut all, name, provider);
    }
    tpm::list(&mut all);
    all.0
}

struct List(Vec<Case>);

impl List {
    fn add(&mut self, name: impl Into<String>, run: impl Fn() + 'static) {
        self.0.push(Case { name: name.into(), run: Box::new(run) });
    }
}
