//! Revocation as other people's programs see it: OpenSSL's verifier and OCSP client, curl, nginx.
#![allow(missing_docs, clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test")]

mod support;

use std::{
    fs,
    net::TcpListener,
    path::Path,
    process::{Child, Command},
    time::Duration,
};

use ironroot_provision::{
    revocation::{decommission, revoke},
    store::{CertificateRecord, Location, Selection, Store},
};
use support::{Factory, audit_key, code, config, now, start};
use x509_cert::ext::pkix::CrlReason;

/// Runs a program in the folder; whether it succeeded, and what it said.
fn run(folder: &Path, command: &str) -> (bool, String) {
    let mut words = command.split(' ');
    let output = Command::new(words.next().unwrap()).args(words).current_dir(folder).output().expect(command);
    (
        output.status.success(),
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)),
    )
}

fn succeeds(folder: &Path, command: &str) -> String {
    let (ok, text) = run(folder, command);
    assert!(ok, "{command}: {text}");
    text
}

fn fails(folder: &Path, command: &str) -> String {
    let (ok, text) = run(folder, command);
    assert!(!ok, "{command} succeeded: {text}");
    text
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Does something with the database from outside of the service, as the operator's command does.
fn with_store<T>(folder: &Path, work: impl AsyncFnOnce(&Store) -> T) -> T {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(async {
        let store = Store::open(
            &Location::File(folder.join("service/provision.sqlite")),
            audit_key(&folder.join("service")),
            None,
        )
        .await
        .unwrap();
        let result = work(&store).await;
        store.close().await;
        result
    })
}

fn seconds() -> i64 {
    i64::try_from(now()).unwrap()
}

fn revoke_subject(folder: &Path, subject: &str, reason: CrlReason) -> Vec<CertificateRecord> {
    let selection = Selection { subject: Some(subject.into()), ..Selection::default() };
    with_store(folder, async |store| revoke(store, &selection, reason, seconds()).await.unwrap())
}

struct Nginx(Child);

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// nginx in the foreground, which wants a client certificate of the CA that is not on the list, and staples an OCSP response.
fn nginx(folder: &Path, port: u16) -> Nginx {
    let configuration = format!(
        "daemon off; master_process off; pid {0}/nginx.pid; error_log {0}/nginx.log; events {{}} http {{ access_log off; \
         client_body_temp_path {0}/t1; proxy_temp_path {0}/t2; fastcgi_temp_path {0}/t3; uwsgi_temp_path {0}/t4; \
         scgi_temp_path {0}/t5; server {{ listen 127.0.0.1:{port} ssl; ssl_certificate {0}/three.pem; \
         ssl_certificate_key {0}/three.key; ssl_client_certificate {0}/ca.pem; ssl_crl {0}/crl.pem; ssl_verify_client on; \
         ssl_stapling on; ssl_stapling_file {0}/three.ocsp; return 200 welcome; }} }}",
        folder.display()
    );
    fs::write(folder.join("nginx.conf"), configuration).unwrap();
    let path = folder.join("nginx.conf");
    let child =
        Command::new("nginx").arg("-c").arg(path).arg("-p").arg(folder).spawn().expect("apt install nginx-light");
    let nginx = Nginx(child);
    for _ in 0..400 {
        if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return nginx;
        }
        std::thread::sleep(Duration::from_millis(25));
    }
    panic!("nginx does not listen: {:?}", fs::read_to_string(folder.join("nginx.log")));
}

#[test]
fn other_peoples_programs_see_what_was_revoked() {
    let (temporary, factory) = (tempfile::tempdir().unwrap(), Factory::new("maker"));
    let folder = temporary.path();
    let mut config = config(&folder.join("service"), &factory);
    config.listen.set_port(free_port());
    let url = format!("http://{}", config.listen);
    config.public_url = Some(url.clone());
    let (service, client) = start(config);
    fs::write(folder.join("ca.pem"), service.authority_pem()).unwrap();
    let mut tpms: Vec<_> = (1..=3).map(|seed| factory.make_tpm(seed)).collect();
    for (tpm, name) in tpms.iter_mut().zip(["one", "two", "three"]) {
        fs::write(folder.join(format!("{name}.pem")), tpm.enrol(&client, &format!("CN={name}"))).unwrap();
        fs::write(folder.join(format!("{name}.key")), tpm.ik_pem()).unwrap();
    }
    let fetch = |folder: &Path| {
        succeeds(folder, &format!("curl -sSf -o crl.der {url}/v1/crl"));
        succeeds(folder, &format!("curl -sSf -H accept:application/x-pem-file -o crl.pem {url}/v1/crl"));
        let text = succeeds(folder, "openssl crl -inform DER -in crl.der -CAfile ca.pem -noout -text -crlnumber");
        assert!(text.contains("verify OK"), "{text}");
        text
    };

    // Where to ask is in the certificate; nothing is revoked yet.
    let text = succeeds(folder, "openssl x509 -in one.pem -noout -text");
    assert!(
        text.contains(&format!("OCSP - URI:{url}/v1/ocsp")) && text.contains(&format!("URI:{url}/v1/crl/")),
        "{text}"
    );
    let place = text.split("URI:").find(|part| part.contains("/v1/crl/")).unwrap().split_whitespace().next().unwrap();
    succeeds(folder, &format!("curl -sSf -o named.der {place}"));
    let list = fetch(folder);
    assert!(list.contains("crlNumber=0x01") || list.contains("crlNumber=01"), "{list}");
    assert!(list.contains("No Revoked Certificates"), "{list}");
    let ocsp = format!("openssl ocsp -issuer ca.pem -CAfile ca.pem -url {url}/v1/ocsp");
    for name in ["one", "two", "three"] {
        succeeds(folder, &format!("openssl verify -x509_strict -crl_check -CAfile ca.pem -CRLfile crl.pem {name}.pem"));
        let text = succeeds(folder, &format!("{ocsp} -cert {name}.pem"));
        assert!(text.contains(&format!("{name}.pem: good")) && text.contains("Response verify OK"), "{text}");
    }

    // One is revoked: the list has it at once, with a higher number, and so has OCSP.
    let revoked = revoke_subject(folder, "CN=one", CrlReason::KeyCompromise);
    assert_eq!(revoked.len(), 1);
    assert!(revoke_subject(folder, "CN=one", CrlReason::Superseded).is_empty(), "once is enough");
    let list = fetch(folder);
    assert!(list.contains("crlNumber=0x02") || list.contains("crlNumber=02"), "{list}");
    assert!(list.contains("Key Compromise") && list.to_lowercase().contains(&revoked[0].serial), "{list}");
    let said = fails(folder, "openssl verify -crl_check -CAfile ca.pem -CRLfile crl.pem one.pem");
    assert!(said.contains("certificate revoked"), "{said}");
    succeeds(folder, "openssl verify -crl_check -CAfile ca.pem -CRLfile crl.pem two.pem");
    let text = succeeds(folder, &format!("{ocsp} -cert one.pem -cert two.pem"));
    assert!(text.contains("one.pem: revoked") && text.contains("Reason: keyCompromise"), "{text}");
    assert!(text.contains("two.pem: good") && text.contains("Response verify OK"), "{text}");
    assert!(!text.contains("no nonce in response"), "{text}");
    let text = succeeds(
        folder,
        &format!("openssl ocsp -sha256 -issuer ca.pem -CAfile ca.pem -url {url}/v1/ocsp -serial 0x4711"),
    );
    assert!(text.contains("4711: unknown"), "{text}");

    // By GET, and to be stapled: without a nonce.
    succeeds(folder, "openssl ocsp -issuer ca.pem -cert three.pem -no_nonce -reqout three.req");
    let request = ironroot_provision::protocol::to_base64(&fs::read(folder.join("three.req")).unwrap());
    let request = request.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    succeeds(folder, &format!("curl -sSf -o three.ocsp {url}/v1/ocsp/{request}"));
    let text =
        succeeds(folder, "openssl ocsp -respin three.ocsp -issuer ca.pem -cert three.pem -CAfile ca.pem -no_nonce");
    assert!(text.contains("three.pem: good"), "{text}");

    // Somebody else's certificates are none of its business; garbage is malformed.
    succeeds(
        folder,
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout o.key -out other.pem -subj /CN=other",
    );
    let text =
        run(folder, &format!("openssl ocsp -issuer other.pem -CAfile ca.pem -url {url}/v1/ocsp -cert other.pem")).1;
    assert!(text.contains("unauthorized"), "{text}");
    succeeds(folder, &format!("curl -sSf -o bad.ocsp --data-binary garbage {url}/v1/ocsp"));
    assert_eq!(fs::read(folder.join("bad.ocsp")).unwrap(), [0x30, 3, 0x0a, 1, 1]);
    succeeds(folder, &format!("curl -sSf -o bad.ocsp {url}/v1/ocsp/!!!"));
    assert_eq!(fs::read(folder.join("bad.ocsp")).unwrap(), [0x30, 3, 0x0a, 1, 1]);

    // nginx lets the others in.
    let port = free_port();
    let _nginx = nginx(folder, port);
    let visit = format!("curl -sSk https://127.0.0.1:{port}/");
    assert_eq!(succeeds(folder, &format!("{visit} --cert two.pem --key two.key")), "welcome");
    let said = run(folder, &format!("{visit} --cert one.pem --key one.key")).1;
    assert!(said.contains("400") && said.contains("certificate error"), "{said}");
    let text = run(
        folder,
        &format!("openssl s_client -connect 127.0.0.1:{port} -status -CAfile ca.pem -cert two.pem -key two.key"),
    )
    .1;
    assert!(text.contains("OCSP Response Status: successful") && text.contains("Cert Status: good"), "{text}");

    // The revoked key gets no other certificate; a device out of service gets none at all.
    let parameters = tpms[0].parameters("CN=one");
    let answer = tpms[0].answer(&client, &parameters);
    assert_eq!(code(client.certificate(&answer)), "key_revoked");
    tpms[0].renew_ik();
    fs::write(folder.join("again.pem"), tpms[0].enrol(&client, "CN=one")).unwrap();
    let ended = with_store(folder, async |store| decommission(store, "CN=two", seconds()).await.unwrap());
    assert_eq!(ended.len(), 1);
    tpms[1].renew_ik();
    let parameters = tpms[1].parameters("CN=two");
    let answer = tpms[1].answer(&client, &parameters);
    assert_eq!(code(client.certificate(&answer)), "device_decommissioned");

    // By date: whatever is left.
    let all =
        Selection { issued_from: Some(seconds() - 3600), issued_before: Some(seconds() + 1), ..Selection::default() };
    let rest = with_store(folder, async |store| revoke(store, &all, CrlReason::Superseded, seconds()).await.unwrap());
    assert_eq!(rest.len(), 2, "{rest:?}");
    let list = fetch(folder);
    assert_eq!(list.matches("Serial Number:").count(), 4, "{list}");
    // "superseded" says nothing against the key: it gets a new certificate, and not the revoked one again.
    fs::write(folder.join("new.pem"), tpms[2].enrol(&client, "CN=three")).unwrap();
    succeeds(folder, "openssl verify -crl_check -CAfile ca.pem -CRLfile crl.pem new.pem");
    fails(folder, "openssl verify -crl_check -CAfile ca.pem -CRLfile crl.pem three.pem");
    with_store(folder, async |store| assert!(store.verify_audit(&[]).await.unwrap().is_ok()));
}
