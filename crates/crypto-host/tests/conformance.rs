//! The provider for hosts passes the suite of every provider, and gives what the portable one gives.

use ironroot_crypto::{
    PORTABLE,
    conformance::{self, Checks},
    rsa,
};
use ironroot_crypto_host::HOST;

#[test]
fn the_host_provider_conforms() {
    let passed = conformance::run(&HOST).unwrap();
    assert!(passed > 400, "{passed}");
}

#[test]
fn the_host_provider_conforms_for_rsa() {
    let mut checks = Checks::default();
    rsa::conformance::run(&HOST, &mut checks).unwrap();
    assert!(checks.passed() > 600, "{}", checks.passed());
}

#[test]
fn both_providers_agree() {
    let passed = conformance::compare(&HOST, &PORTABLE, 8).unwrap();
    assert!(passed > 30, "{passed}");
}

#[test]
fn both_providers_agree_about_rsa() {
    let mut checks = Checks::default();
    rsa::conformance::compare(&HOST, &PORTABLE, 12, &mut checks).unwrap();
    assert!(checks.passed() > 100, "{}", checks.passed());
}
