//! CA keys in files: what OpenSSL writes is read, what is written OpenSSL reads, and what is signed OpenSSL verifies.
#![allow(missing_docs, clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test")]

mod support;

use std::{os::unix::fs::PermissionsExt as _, path::Path, process::Command, str::FromStr as _, sync::Arc};

use ironroot_provision::authority::{Authority, FileKey, Lifetime, random_serial};
use support::{now, provider};
use x509_cert::name::Name;

const PASSPHRASE: &str = "correct horse battery staple";

fn openssl(folder: &Path, arguments: &str) -> String {
    let output = Command::new("openssl")
        .current_dir(folder)
        .env("PASSPHRASE", PASSPHRASE)
        .args(arguments.split(' '))
        .output()
        .expect("openssl");
    assert!(output.status.success(), "openssl {arguments}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn open(folder: &Path, file: &str, passphrase: Option<&str>) -> Result<FileKey, String> {
    let path = folder.join(file);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    match FileKey::open(&path, passphrase.map(str::as_bytes), &provider()) {
        Ok(key) => Ok(key.expect("the file")),
        Err(error) => Err(error.to_string()),
    }
}

/// A root with this key, as OpenSSL verifies it.
fn check_root(folder: &Path, key: FileKey) {
    let subject = Name::from_str("CN=root").unwrap();
    let root = Authority::new_root(Arc::new(key), &subject, &random_serial().unwrap(), Lifetime::starting(now(), 3600))
        .unwrap();
    std::fs::write(folder.join("root.pem"), root.certificate_pem().unwrap()).unwrap();
    openssl(folder, "verify -check_ss_sig -x509_strict -CAfile root.pem root.pem");
}

#[test]
fn keys_that_openssl_made_sign_roots_that_openssl_verifies() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for (file, command) in [
        ("p256", "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out p256"),
        ("p384", "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out p384"),
        ("rsa", "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out rsa"),
        ("sec1", "ecparam -name secp384r1 -genkey -out sec1"),
    ] {
        openssl(folder, command);
        check_root(folder, open(folder, file, None).unwrap());
        openssl(folder, &format!("pkcs8 -topk8 -in {file} -out {file}.enc -passout env:PASSPHRASE"));
        check_root(folder, open(folder, &format!("{file}.enc"), Some(PASSPHRASE)).unwrap());
    }
    openssl(folder, "pkcs8 -topk8 -scrypt -in p256 -out scrypt -passout env:PASSPHRASE");
    check_root(folder, open(folder, "scrypt", Some(PASSPHRASE)).unwrap());
}

#[test]
fn an_encrypted_key_opens_with_its_passphrase_only_here_and_in_openssl() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let path = folder.join("ca.key");
    FileKey::open_or_create(&path, Some(PASSPHRASE.as_bytes()), provider()).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----"), "{text}");
    assert!(openssl(folder, "pkey -in ca.key -passin env:PASSPHRASE -noout -text").contains("P-256"));
    let details = openssl(folder, "asn1parse -in ca.key");
    for word in ["PBES2", "PBKDF2", "hmacWithSHA256", "aes-256-cbc"] {
        assert!(details.contains(word), "{word}: {details}");
    }
    check_root(folder, open(folder, "ca.key", Some(PASSPHRASE)).unwrap());
    assert!(open(folder, "ca.key", Some("wrong")).err().unwrap().contains("passphrase is wrong"));
    assert!(open(folder, "ca.key", None).err().unwrap().contains("give its passphrase"));
}

#[test]
fn what_is_no_key_is_refused_with_a_reason() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    openssl(folder, "genpkey -algorithm ED25519 -out ed25519");
    assert!(open(folder, "ed25519", None).err().unwrap().contains("none of ECDSA and RSA"));
    for (contents, why) in [
        ("", "no PEM block"),
        ("-----BEGIN PRIVATE KEY-----\n", "PEM"),
        ("-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n", "not \"CERTIFICATE\""),
        ("-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n", ""),
        ("-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAA=\n-----END ENCRYPTED PRIVATE KEY-----\n", ""),
    ] {
        std::fs::write(folder.join("key"), contents).unwrap();
        let error = open(folder, "key", Some("x")).err().unwrap();
        assert!(error.contains(why) && error.contains("key cannot be used"), "{contents}: {error}");
    }
}
