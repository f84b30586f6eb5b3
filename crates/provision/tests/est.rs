//! Enrollment over Secure Transport (RFC 7030) with curl and OpenSSL as the client.
#![allow(missing_docs, clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test")]

mod support;

use std::{
    fs,
    io::Read as _,
    net::{SocketAddr, TcpStream},
    path::Path,
    process::Command,
    time::Duration,
};

use ironroot_provision::{
    ServiceConfig,
    authority::Authorities,
    revocation::revoke,
    service::TlsConfig,
    store::{Location, Selection, Store},
};
use support::{Factory, SoftwareTpm, audit_key, config, now, provider, start};
use x509_cert::ext::pkix::CrlReason;

fn sh(folder: &Path, script: &str) -> (bool, String) {
    let output = Command::new("bash").args(["-o", "pipefail", "-ec", script]).current_dir(folder).output().unwrap();
    (
        output.status.success(),
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)),
    )
}

fn succeeds(folder: &Path, script: &str) -> String {
    let (ok, text) = sh(folder, script);
    assert!(ok, "{script}: {text}");
    text
}

fn service_config(folder: &Path, factory: &Factory) -> ServiceConfig {
    let mut config = config(&folder.join("service"), factory);
    // Always near its end: each renewal gives a new one.
    config.profiles[0].validity = 20 * 24 * 60 * 60;
    config.tls = Some(TlsConfig {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        names: vec!["localhost".into(), "127.0.0.1".into()],
        files: None,
    });
    config
}

/// Posts a request in a file with a client's certificate; the status, and the body in `answer`.
fn post(folder: &Path, url: &str, request: &str, client: &str) -> String {
    succeeds(
        folder,
        &format!(
            "openssl base64 -in {request} -out {request}.b64
            curl -sS -o answer -w '%{{http_code}} %{{content_type}}' --cacert ca.pem {client} -H 'content-type: application/pkcs10' \
            --data-binary @{request}.b64 {url}"
        ),
    )
}

fn refused_with(folder: &Path, url: &str, request: &str, client: &str) -> String {
    let status = post(folder, url, request, client);
    let body: serde_json::Value = serde_json::from_slice(&fs::read(folder.join("answer")).unwrap()).unwrap();
    format!("{} {}", status.split(' ').next().unwrap(), body["error"]["code"].as_str().unwrap())
}

fn device(folder: &Path, tpm: &SoftwareTpm, certificate: &str) {
    fs::write(folder.join("device.pem"), certificate).unwrap();
    fs::write(folder.join("device.key"), tpm.ik_pem()).unwrap();
    succeeds(folder, "openssl req -new -key device.key -subj '/CN=pump 7/O=Acme' -outform DER -out same.csr");
}

#[test]
fn curl_and_openssl_renew_a_devices_certificate() {
    let (temporary, factory) = (tempfile::tempdir().unwrap(), Factory::new("maker"));
    let folder = temporary.path();
    let (service, client) = start(service_config(folder, &factory));
    let address = service.tls_address().unwrap();
    let mut silent = TcpStream::connect(address).unwrap();
    let est = format!("https://localhost:{}/.well-known/est", address.port());
    fs::write(folder.join("ca.pem"), service.authority_pem()).unwrap();
    let mut tpm = factory.make_tpm(1);
    let certificate = tpm.enrol(&client, "O=Acme,CN=pump 7");
    device(folder, &tpm, &certificate);
    let shown = "--cert device.pem --key device.key";

    // The CA's certificates and the attributes: for everybody.
    succeeds(folder, &format!("curl -sSf --cacert ca.pem {est}/cacerts | openssl base64 -d -out cacerts.p7"));
    let text = succeeds(
        folder,
        "openssl pkcs7 -inform DER -in cacerts.p7 -print_certs -out got.pem; openssl x509 -in got.pem -outform DER | cmp - <(openssl x509 -in ca.pem -outform DER) && echo same",
    );
    assert!(text.contains("same"), "{text}");
    let text = succeeds(
        folder,
        &format!("curl -sSf --cacert ca.pem {est}/csrattrs | openssl base64 -d | openssl asn1parse -inform DER"),
    );
    assert!(text.contains("ecdsa-with-SHA256"), "{text}");

    // Renewal, under both names.
    let mut before = succeeds(folder, "openssl x509 -in device.pem -noout -serial");
    for operation in ["simplereenroll", "simpleenroll"] {
        let status = post(folder, &format!("{est}/{operation}"), "same.csr", shown);
        assert!(status.starts_with("200 application/pkcs7-mime; smime-type=certs-only"), "{status}");
        succeeds(
            folder,
            "openssl base64 -d -in answer | openssl pkcs7 -inform DER -print_certs | openssl x509 -out new.pem",
        );
        succeeds(folder, "openssl verify -x509_strict -CAfile ca.pem new.pem");
        let after = succeeds(folder, "openssl x509 -in new.pem -noout -serial");
        assert_ne!(before, after);
        before = after;
        let text =
            succeeds(folder, "openssl x509 -in new.pem -noout -subject -pubkey; openssl pkey -in device.key -pubout");
        assert!(text.contains("pump 7"), "{text}");
        assert_eq!(text.matches("BEGIN PUBLIC KEY").count(), 2);
        succeeds(folder, "cmp <(openssl x509 -in new.pem -noout -pubkey) <(openssl pkey -in device.key -pubout)");
        // The next request shows the new one.
        succeeds(folder, "cp new.pem device.pem");
    }

    // What is not a renewal.
    let renew = format!("{est}/simplereenroll");
    assert_eq!(refused_with(folder, &renew, "same.csr", ""), "403 client_certificate");
    let plain = format!("http://{}/.well-known/est/simplereenroll", service.address());
    assert_eq!(refused_with(folder, &plain, "same.csr", ""), "403 client_certificate");
    succeeds(
        folder,
        "openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout other.key -subj '/CN=pump 7/O=Acme' -outform DER -out new-key.csr",
    );
    assert_eq!(refused_with(folder, &renew, "new-key.csr", shown), "403 new_key");
    succeeds(folder, "openssl req -new -key device.key -subj '/CN=pump 8/O=Acme' -outform DER -out subject.csr");
    assert_eq!(refused_with(folder, &renew, "subject.csr", shown), "403 subject_changed");
    succeeds(
        folder,
        "openssl req -new -key device.key -subj '/CN=pump 7/O=Acme' -addext subjectAltName=DNS:root -outform DER -out san.csr",
    );
    assert_eq!(refused_with(folder, &renew, "san.csr", shown), "403 subject_alternative_name");
    let mut broken = fs::read(folder.join("same.csr")).unwrap();
    *broken.last_mut().unwrap() ^= 1;
    fs::write(folder.join("broken.csr"), broken).unwrap();
    assert_eq!(refused_with(folder, &renew, "broken.csr", shown), "403 csr_signature");
    fs::write(folder.join("garbage"), "garbage").unwrap();
    assert_eq!(refused_with(folder, &renew, "garbage", shown), "400 malformed_csr");
    // A certificate of the same name by somebody else does not get through the handshake.
    succeeds(folder, "openssl req -x509 -key other.key -subj '/CN=pump 7/O=Acme' -out forged.pem -days 3");
    let (ok, text) = sh(
        folder,
        &format!("curl -sS --cacert ca.pem --cert forged.pem --key other.key --data-binary @same.csr.b64 {renew}"),
    );
    assert!(!ok && text.contains("alert"), "{text}");
    // The CA's key is replaced: the device, which trusts the old root, gets a certificate of the new one by the same way.
    service.stop();
    Authorities::rotate(&folder.join("service"), &[], None, &provider(), now()).unwrap();
    let (service, _client) = start(service_config(folder, &factory));
    let est = format!("https://localhost:{}/.well-known/est", service.tls_address().unwrap().port());
    let renew = format!("{est}/simplereenroll");
    let status = post(folder, &renew, "same.csr", shown);
    assert!(status.starts_with("200 "), "{status}");
    succeeds(
        folder,
        "openssl base64 -d -in answer | openssl pkcs7 -inform DER -print_certs | openssl x509 -out new.pem",
    );
    succeeds(
        folder,
        &format!(
            "curl -sSf --cacert ca.pem {est}/cacerts | openssl base64 -d | openssl pkcs7 -inform DER -print_certs -out all.pem"
        ),
    );
    assert_eq!(succeeds(folder, "grep -c BEGIN all.pem").trim(), "4");
    let (ok, _) = sh(folder, "openssl verify -CAfile ca.pem new.pem");
    assert!(!ok, "it is still by the old key");
    succeeds(
        folder,
        "openssl verify -x509_strict -CAfile ca.pem -untrusted service/ca-2.cross.pem new.pem; cp new.pem device.pem",
    );
    assert!(post(folder, &renew, "same.csr", shown).starts_with("200 "), "and shows that from now on");

    // Revoked, it renews nothing.
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(async {
        let store = Store::open(
            &Location::File(folder.join("service/provision.sqlite")),
            audit_key(&folder.join("service")),
            None,
        )
        .await
        .unwrap();
        let selection = Selection { subject: Some("O=Acme,CN=pump 7".into()), ..Selection::default() };
        let at = i64::try_from(now()).unwrap();
        assert!(revoke(&store, &selection, CrlReason::KeyCompromise, at).await.unwrap().len() >= 3);
        store.close().await;
    });
    assert_eq!(refused_with(folder, &renew, "same.csr", shown), "403 key_revoked");

    // Whoever says nothing in the handshake is gone by now, or soon.
    silent.set_read_timeout(Some(Duration::from_secs(15))).unwrap();
    assert_eq!(silent.read(&mut [0; 1]).unwrap(), 0);
}
