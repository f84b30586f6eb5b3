//! Keys, certificate requests and key files against OpenSSL and its tpm2 provider.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{Folder, shared};
use ironroot_client::{
    templates::{self, KeyType},
    testing::TestTpm,
    wire::*,
};
use ironroot_keys::{KeyError, KeyFile, SharedTpm, TpmKey, csr};

const KEYS: [KeyType; 3] = [KeyType::P256, KeyType::P384, KeyType::RSA_2048];

#[test]
fn openssl_accepts_the_certificate_request_of_every_kind_of_key() {
    let (server, folder) = (TestTpm::start().unwrap(), Folder::new());
    let tpm = shared(&server);
    for key_type in KEYS {
        let (key, _) = TpmKey::generate(&tpm, TpmHandle::OWNER, key_type, b"pin").unwrap();
        let request = csr(&key, "CN=dev1,O=Example Factory,C=DE", &["dev1.example", "localhost"]).unwrap();
        folder.write("dev.csr", request.to_pem().unwrap());
        let text = folder.openssl("req -in dev.csr -verify -noout -subject -text");
        assert!(text.contains("verify OK"), "{text}");
        assert!(text.contains("CN = dev1") && text.contains("DNS:dev1.example, DNS:localhost"), "{text}");
    }
}

#[test]
fn openssl_accepts_certificate_requests_of_keys_with_fixed_schemes() {
    let (server, folder) = (TestTpm::start().unwrap(), Folder::new());
    let tpm = shared(&server);
    let pss = TpmtPublic {
        kind: match templates::signing_key(KeyType::RSA_2048, false).kind {
            PublicKind::Rsa(parms, unique) => {
                let scheme = Some(TpmtRsaScheme::Rsapss(TpmiAlgHash::Sha256));
                PublicKind::Rsa(TpmsRsaParms { scheme, ..parms }, unique)
            }
            other => panic!("not RSA: {other:?}"),
        },
        ..templates::signing_key(KeyType::RSA_2048, false)
    };
    let restricted = KEYS.map(|key_type| templates::signing_key(key_type, true));
    for template in restricted.into_iter().chain([pss]) {
        let key = TpmKey::primary(&tpm, TpmHandle::ENDORSEMENT, &template, b"").unwrap();
        // Long names make a request that takes more than one command to hash.
        let names: Vec<String> = (0..40).map(|n| format!("a-rather-long-name-{n}.factory.example")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let request = csr(&key, "CN=identity", &names).unwrap();
        folder.write("dev.csr", request.to_pem().unwrap());
        let text = folder.openssl("req -in dev.csr -verify -noout");
        assert!(text.contains("verify OK"), "{text}");
    }
}

#[test]
fn public_keys_are_what_openssl_reads() {
    let (server, folder) = (TestTpm::start().unwrap(), Folder::new());
    let tpm = shared(&server);
    for key_type in KEYS {
        let (key, _) = TpmKey::generate(&tpm, TpmHandle::OWNER, key_type, b"").unwrap();
        folder.write("public.der", key.spki_der().unwrap());
        folder.write("message", b"a message");
        for scheme in key.schemes() {
            folder.write("signature", key.sign(&scheme, b"a message").unwrap());
            let digest = match scheme.hash().unwrap() {
                TpmiAlgHash::Sha384 => "sha384",
                TpmiAlgHash::Sha512 => "sha512",
                _ => "sha256",
            };
            let padding = match scheme {
                TpmtSigScheme::Rsapss(_) => " -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest",
                _ => "",
            };
            let text = folder.openssl(&format!(
                "dgst -{digest} -keyform DER -verify public.der -signature signature{padding} message"
            ));
            assert!(text.contains("Verified OK"), "{scheme:?}: {text}");
        }
    }
}

#[test]
fn keys_that_openssl_made_are_loaded_and_used() {
    let (server, folder) = (TestTpm::start().unwrap(), Folder::new());
    for arguments in ["EC -pkeyopt group:P-256", "EC -pkeyopt group:P-384", "RSA -pkeyopt bits:2048"] {
        folder.openssl_tpm2(&server, &format!("genpkey -algorithm {arguments} -out key.pem"));
        let file = KeyFile::from_pem(&folder.read("key.pem")).unwrap();
        assert!(file.empty_auth);
        assert_eq!(file.parent, TpmHandle::OWNER);
        let tpm = shared(&server);
        let key = file.load(&tpm, b"").unwrap();
        folder.write("dev.csr", csr(&key, "CN=made by OpenSSL", &[]).unwrap().to_pem().unwrap());
        drop((key, tpm));
        let text = folder.openssl("req -in dev.csr -verify -noout -subject");
        assert!(text.contains("verify OK") && text.contains("made by OpenSSL"), "{text}");
    }
}

#[test]
fn keys_that_we_made_are_loaded_and_used_by_openssl() {
    let (server, folder) = (TestTpm::start().unwrap(), Folder::new());
    for key_type in KEYS {
        let tpm = shared(&server);
        let (key, file) = TpmKey::generate(&tpm, TpmHandle::OWNER, key_type, b"").unwrap();
        let spki = key.spki_der().unwrap();
        drop((key, tpm));
        folder.write("key.pem", file.to_pem().unwrap());
        folder.openssl_tpm2(&server, "pkey -in key.pem -pubout -outform DER -out public.der");
        assert_eq!(std::fs::read(folder.path("public.der")).unwrap(), spki);
        folder.openssl_tpm2(&server, "req -new -key key.pem -subj /CN=signed_by_OpenSSL -out dev.csr");
        let text = folder.openssl("req -in dev.csr -verify -noout");
        assert!(text.contains("verify OK"), "{text}");
    }
}

#[test]
fn keys_under_a_persistent_parent_and_with_an_auth_value() {
    let (server, folder) = (TestTpm::start().unwrap(), Folder::new());
    let at = TpmHandle(0x8100_0F11);
    let tpm = shared(&server);
    {
        let mut tpm = tpm.lock().unwrap();
        if tpm.read_public(at).is_ok() {
            tpm.evict_control(TpmHandle::OWNER, at, at).unwrap();
        }
        let srk = tpm.create_primary(TpmHandle::OWNER, &templates::srk_rsa2048(), b"").unwrap();
        tpm.evict_control(TpmHandle::OWNER, srk.handle, at).unwrap();
        tpm.flush(srk.handle).unwrap();
    }
    let (key, file) = TpmKey::generate(&tpm, at, KeyType::P256, b"pin").unwrap();
    drop(key);
    let again = KeyFile::from_der(&file.to_der().unwrap()).unwrap();
    assert_eq!(again, file);
    assert!(!again.empty_auth);
    let key = again.load(&tpm, b"pin").unwrap();
    csr(&key, "CN=dev", &[]).unwrap();
    let wrong = again.load(&tpm, b"nip").unwrap();
    let error = csr(&wrong, "CN=dev", &[]).unwrap_err();
    assert!(error.to_string().contains("TPM_RC_AUTH_FAIL"), "{error}");
    drop((key, wrong, tpm));
    folder.write("key.pem", file.to_pem().unwrap());
    folder.openssl_tpm2(&server, "req -new -key key.pem -passin pass:pin -subj /CN=x -out dev.csr");
    folder.openssl("req -in dev.csr -verify -noout");
    server.connect().unwrap().evict_control(TpmHandle::OWNER, at, at).unwrap();
}

#[test]
fn persistent_keys_sign() {
    let (server, folder) = (TestTpm::start().unwrap(), Folder::new());
    let at = TpmHandle(0x8100_0F12);
    let mut tpm = server.connect().unwrap();
    if tpm.read_public(at).is_ok() {
        tpm.evict_control(TpmHandle::OWNER, at, at).unwrap();
    }
    let primary = tpm.create_primary(TpmHandle::OWNER, &templates::signing_key(KeyType::P256, false), b"").unwrap();
    tpm.evict_control(TpmHandle::OWNER, primary.handle, at).unwrap();
    tpm.flush(primary.handle).unwrap();
    let tpm = SharedTpm::new(tpm);
    let key = TpmKey::persistent(&tpm, at, b"").unwrap();
    folder.write("dev.csr", csr(&key, "CN=persistent", &[]).unwrap().to_pem().unwrap());
    folder.openssl("req -in dev.csr -verify -noout");
    drop(key);
    let mut tpm = tpm.lock().unwrap();
    assert!(tpm.read_public(at).is_ok(), "a persistent key stays when its user goes");
    tpm.evict_control(TpmHandle::OWNER, at, at).unwrap();
}

#[test]
fn a_key_of_another_tpm_is_refused() {
    let (one, other) = (TestTpm::start().unwrap(), TestTpm::start().unwrap());
    if !one.is_own_swtpm() {
        return; // Both are the same shared TPM.
    }
    let (_key, file) = TpmKey::generate(&shared(&one), TpmHandle::OWNER, KeyType::P256, b"").unwrap();
    let error = file.load(&shared(&other), b"").unwrap_err();
    assert!(error.to_string().contains("TPM_RC_INTEGRITY"), "{error}");
}

#[test]
fn keys_leave_no_traces_in_the_tpms_memory() {
    let server = TestTpm::start().unwrap();
    let tpm = shared(&server);
    for _ in 0..5 {
        let (key, _) = TpmKey::generate(&tpm, TpmHandle::OWNER, KeyType::P256, b"").unwrap();
        key.sign(&key.schemes()[0], b"message").unwrap();
    }
    assert!(tpm.lock().unwrap().handles(TpmHandle::TRANSIENT_FIRST).unwrap().is_empty());
}

#[test]
fn keys_come_back_after_the_tpm_was_restarted() {
    let (server, folder) = (TestTpm::start().unwrap(), Folder::new());
    let tpm = shared(&server);
    let (filed, _) = TpmKey::generate(&tpm, TpmHandle::OWNER, KeyType::P256, b"pin").unwrap();
    let template = templates::signing_key(KeyType::P256, true);
    let derived = TpmKey::primary(&tpm, TpmHandle::ENDORSEMENT, &template, b"pin").unwrap();
    {
        let mut tpm = tpm.lock().unwrap();
        tpm.shutdown(TpmSu::Clear).unwrap();
        tpm.transport().power_cycle().unwrap();
        tpm.startup(TpmSu::Clear).unwrap();
        assert!(tpm.handles(TpmHandle::TRANSIENT_FIRST).unwrap().is_empty());
    }
    for key in [&filed, &derived] {
        folder.write("dev.csr", csr(key, "CN=dev", &[]).unwrap().to_pem().unwrap());
        folder.openssl("req -in dev.csr -verify -noout");
    }
}

#[test]
fn many_threads_sign_with_one_key() {
    let server = TestTpm::start().unwrap();
    let tpm = shared(&server);
    let (key, _) = TpmKey::generate(&tpm, TpmHandle::OWNER, KeyType::P256, b"").unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..5 {
                    key.sign(&key.schemes()[0], b"message").unwrap();
                }
            });
        }
    });
}

#[test]
fn broken_key_files_are_refused_with_the_reason() {
    let server = TestTpm::start().unwrap();
    let tpm = shared(&server);
    let (_, file) = TpmKey::generate(&tpm, TpmHandle::OWNER, KeyType::P256, b"").unwrap();
    let der = file.to_der().unwrap();
    for length in 0..der.len() {
        assert!(matches!(KeyFile::from_der(&der[..length]), Err(KeyError::KeyFile(_))), "{length} bytes");
    }
    // A changed byte in the frame or in the kind of the file is refused; anywhere else it is understood or refused, and
    // never makes a panic.
    for at in 0..der.len() {
        let mut other = der.clone();
        other[at] ^= 0x55;
        let result = KeyFile::from_der(&other);
        assert!(at >= 11 || matches!(result, Err(KeyError::KeyFile(_))), "byte {at}");
    }
    let error = KeyFile::from_pem("-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n").unwrap_err();
    assert!(error.to_string().contains("key file"), "{error}");
}

#[test]
fn decryption_keys_are_no_signing_keys() {
    let server = TestTpm::start().unwrap();
    let tpm = shared(&server);
    let error = TpmKey::primary(&tpm, TpmHandle::OWNER, &templates::srk_p256(), b"").unwrap_err();
    assert!(matches!(error, KeyError::Unsuitable(_)), "{error}");
    assert!(tpm.lock().unwrap().handles(TpmHandle::TRANSIENT_FIRST).unwrap().is_empty(), "it was left in the TPM");
}
