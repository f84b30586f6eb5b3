//! Named keys: what they survive, what is told apart, what is said when they cannot be had.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{Folder, shared};
use ironroot_client::{
    ClientError,
    templates::{self, KeyType},
    testing::TestTpm,
    wire::*,
};
use ironroot_crypto::digest;
use ironroot_keys::{KeyAlgorithm, KeyError, KeyList, NamedKeys, TpmKey, csr, fingerprint, named_template};

const DOCUMENT: &str = include_str!("../../../docs/derivations.md");
/// What Debian's swtpm makes; Ironroot makes all.
const EVERYWHERE: [KeyAlgorithm; 4] =
    [KeyAlgorithm::EccP256, KeyAlgorithm::EccP384, KeyAlgorithm::EccP521, KeyAlgorithm::Rsa2048];

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn print_of(keys: &NamedKeys, name: &str, kind: KeyAlgorithm) -> String {
    fingerprint(&keys.key(name, kind).unwrap()).unwrap()
}

#[test]
fn the_documents_templates() {
    let block = DOCUMENT.split("```vectors-named-keys-v1\n").nth(1).unwrap().split("```").next().unwrap();
    for kind in KeyAlgorithm::ALL {
        let template = named_template("web", kind).unwrap().to_bytes();
        let line = format!("SHA256(template \"web\", {kind}) = {}", hex(&digest(TpmiAlgHash::Sha256, &[&template])));
        assert!(block.lines().any(|known| known == line), "not in docs/derivations.md: {line}");
        assert_eq!(kind.name().parse(), Ok(kind));
    }
}

#[test]
fn the_same_name_is_the_same_key_after_clear_and_other_names_and_kinds_are_others() {
    let server = TestTpm::start().unwrap();
    let mut seen: Vec<(String, KeyAlgorithm, String)> = Vec::new();
    let tpm = shared(&server);
    for kind in EVERYWHERE {
        for name in ["web", "cloud", "Web", "wéb"] {
            seen.push((name.into(), kind, print_of(&NamedKeys::new(&tpm), name, kind)));
        }
    }
    for (at, (name, kind, print)) in seen.iter().enumerate() {
        assert!(seen.iter().take(at).all(|(_, _, other)| other != print), "{name} {kind} is not a key of its own");
    }
    tpm.lock().unwrap().clear(TpmHandle::LOCKOUT).unwrap();
    drop(tpm);
    let keys = NamedKeys::new(&shared(&server));
    for (name, kind, print) in &seen {
        assert_eq!(&print_of(&keys, name, *kind), print, "{name} {kind} after TPM2_Clear");
    }
    if server.is_own_swtpm() {
        let other = TestTpm::start().unwrap();
        assert_ne!(print_of(&NamedKeys::new(&shared(&other)), "web", KeyAlgorithm::EccP256), seen[0].2);
    }
}

#[test]
fn a_named_key_signs_and_requests_certificates() {
    let (server, folder) = (TestTpm::start().unwrap(), Folder::new());
    let keys = NamedKeys::new(&shared(&server));
    for kind in EVERYWHERE {
        let key = keys.key("web", kind).unwrap();
        folder.write("dev.csr", csr(&key, "CN=dev1", &["dev1.example"]).unwrap().to_pem().unwrap());
        let text = folder.openssl("req -in dev.csr -verify -noout");
        assert!(text.contains("verify OK"), "{kind}: {text}");
        folder.write("public.pem", key.spki_pem().unwrap());
        folder.openssl("pkey -pubin -in public.pem -outform DER -out public.der");
        assert_eq!(std::fs::read(folder.path("public.der")).unwrap(), key.spki_der().unwrap());
    }
}

#[test]
fn an_endorsement_auth_value_is_asked_for_and_never_sent() {
    let server = TestTpm::start().unwrap();
    if !server.is_own_swtpm() {
        return; // It would stay in a TPM that others use; this TPM's own scripts set one.
    }
    let tpm = shared(&server);
    let open = print_of(&NamedKeys::new(&tpm), "web", KeyAlgorithm::EccP256);
    tpm.lock().unwrap().hierarchy_change_auth(TpmHandle::ENDORSEMENT, b"owner of endorsements").unwrap();
    drop(tpm);
    let tpm = shared(&server);
    let error = NamedKeys::new(&tpm).key("web", KeyAlgorithm::EccP256).unwrap_err().to_string();
    assert!(error.contains("--endorsement-auth") && error.contains("\"web\""), "{error}");
    let wrong = NamedKeys::with_endorsement_auth(&tpm, b"another").unwrap();
    assert!(matches!(wrong.key("web", KeyAlgorithm::EccP256), Err(KeyError::Named { .. })));
    let right = NamedKeys::with_endorsement_auth(&tpm, b"owner of endorsements").unwrap();
    for _ in 0..5 {
        assert_eq!(print_of(&right, "web", KeyAlgorithm::EccP256), open);
    }
    assert_eq!(tpm.lock().unwrap().handles(TpmHandle::HMAC_SESSION_FIRST).unwrap(), [], "a session stayed");
}

#[test]
fn names_and_kinds_that_cannot_be_are_refused_with_the_reason() {
    let server = TestTpm::start().unwrap();
    let keys = NamedKeys::new(&shared(&server));
    let long = "n".repeat(129);
    for (name, reason) in [
        ("", "it is empty"),
        (long.as_str(), "longer than 128"),
        ("a\nb", "control characters"),
        (" web", "white space"),
        ("web ", "white space"),
    ] {
        let error = keys.key(name, KeyAlgorithm::EccP256).unwrap_err().to_string();
        assert!(error.contains(reason), "{name:?}: {error}");
    }
    if server.is_own_swtpm() {
        for kind in [KeyAlgorithm::Ed25519, KeyAlgorithm::MlDsa65] {
            let error = keys.key("web", kind).unwrap_err().to_string();
            assert!(error.contains("does not make keys of the kind") && error.contains(kind.name()), "{error}");
        }
        // What others left in the TPM's three places.
        let held: Vec<TpmKey> = ["a", "b", "c"].map(|name| keys.key(name, KeyAlgorithm::EccP256).unwrap()).into();
        let error = keys.key("web", KeyAlgorithm::EccP256).unwrap_err().to_string();
        assert!(error.contains("no free place"), "{error}");
        drop(held);
        keys.key("web", KeyAlgorithm::EccP256).unwrap();
    }
}

#[test]
fn a_persistent_key_is_the_named_one_and_nobody_elses_handle_is_taken() {
    let server = TestTpm::start().unwrap();
    let tpm = shared(&server);
    let keys = NamedKeys::new(&tpm);
    let handle = TpmHandle(0x8100_7001);
    let print = print_of(&keys, "web", KeyAlgorithm::EccP256);
    for _ in 0..2 {
        let key = keys.persist("web", KeyAlgorithm::EccP256, handle).unwrap();
        assert_eq!((key.handle(), fingerprint(&key).unwrap()), (handle, print.clone()));
    }
    assert!(keys.at_handle(handle, &print).unwrap().is_some());
    assert!(keys.at_handle(handle, &print_of(&keys, "cloud", KeyAlgorithm::EccP256)).unwrap().is_none());
    let error = keys.persist("cloud", KeyAlgorithm::EccP256, handle).unwrap_err().to_string();
    assert!(error.contains("another object is there"), "{error}");
    for nobodys in [0x8180_0001, 0x0150_0001, 0x8000_0000] {
        let error = keys.persist("web", KeyAlgorithm::EccP256, TpmHandle(nobodys)).unwrap_err().to_string();
        assert!(error.contains("0x81000000 to 0x817fffff"), "{error}");
    }
    keys.evict(handle).unwrap();
    assert!(keys.at_handle(handle, &print).unwrap().is_none());
}

#[test]
fn the_list_knows_kinds_and_notices_another_tpm() {
    let (server, folder) = (TestTpm::start().unwrap(), Folder::new());
    let keys = NamedKeys::new(&shared(&server));
    let list = KeyList::at(folder.path("below/keys.json"));
    assert!(list.entries().unwrap().is_empty());
    let error = list.open(&keys, "web", None).unwrap_err().to_string();
    assert!(error.contains("has no \"web\"") && error.contains("--ecc"), "{error}");

    let (key, new) = list.create(&keys, "web", KeyAlgorithm::EccP384).unwrap();
    let print = fingerprint(&key).unwrap();
    drop(key);
    assert!(new && !list.create(&keys, "web", KeyAlgorithm::EccP384).unwrap().1);
    let error = list.create(&keys, "web", KeyAlgorithm::Rsa2048).unwrap_err().to_string();
    assert!(error.contains("as ecc-p384") && error.contains("rsa-2048 would be another key"), "{error}");
    assert_eq!(fingerprint(&list.open(&keys, "web", None).unwrap()).unwrap(), print);

    // A handle that the list remembers is used; one that is gone is no obstacle.
    let handle = TpmHandle(0x8100_7002);
    drop(keys.persist("web", KeyAlgorithm::EccP384, handle).unwrap());
    list.set_handle("web", Some(handle)).unwrap();
    assert_eq!(list.open(&keys, "web", None).unwrap().handle(), handle);
    keys.evict(handle).unwrap();
    let made = list.open(&keys, "web", None).unwrap();
    assert_eq!((made.handle().kind(), fingerprint(&made).unwrap()), (HandleKind::Transient, print));
    drop(made);

    // Without the list the key is the same, if the kind is said.
    let empty = KeyList::at(folder.path("other.json"));
    drop(empty.open(&keys, "web", Some(KeyAlgorithm::EccP384)).unwrap());
    if server.is_own_swtpm() {
        let other = NamedKeys::new(&shared(&TestTpm::start().unwrap()));
        drop(other);
        let other = TestTpm::start().unwrap();
        let error = list.open(&NamedKeys::new(&shared(&other)), "web", None).unwrap_err().to_string();
        assert!(error.contains("another TPM than then"), "{error}");
    }
    assert_eq!(list.remove("web").unwrap().unwrap().algorithm, "ecc-p384");
    assert_eq!(list.remove("web").unwrap(), None);
}

#[test]
fn a_list_that_is_broken_is_named_and_left_alone() {
    let folder = Folder::new();
    let path = folder.write("keys.json", "{\"version\":1,\"keys\":{\"web\":");
    let error = KeyList::at(&path).entries().unwrap_err().to_string();
    assert!(error.contains("keys.json") && error.contains("it is only a list"), "{error}");
    assert!(KeyList::at(&path).remove("web").is_err());
    assert_eq!(folder.read("keys.json"), "{\"version\":1,\"keys\":{\"web\":");
    let newer = folder.write("newer.json", "{\"version\":2,\"keys\":{}}");
    assert!(KeyList::at(newer).entries().unwrap_err().to_string().contains("version 2"));
}

#[test]
fn many_writers_lose_no_name() {
    let (server, folder) = (TestTpm::start_tcp().unwrap(), Folder::new());
    let keys = NamedKeys::new(&shared(&server));
    let list = KeyList::at(folder.path("keys.json"));
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let (keys, list) = (&keys, &list);
            scope.spawn(move || {
                for number in 0..10 {
                    // The TPM has few places: whoever finds them taken tries again.
                    while let Err(error) = list.create(keys, &format!("{writer}-{number}"), KeyAlgorithm::EccP256) {
                        let full = matches!(&error, KeyError::Named { source: ClientError::Tpm { rc, .. }, .. } if *rc == TpmRc::OBJECT_MEMORY);
                        assert!(full, "{error}");
                    }
                }
            });
        }
    });
    assert_eq!(list.entries().unwrap().len(), 40);
}

#[test]
fn a_key_that_is_no_named_one_is_not_taken_for_it() {
    let server = TestTpm::start().unwrap();
    let tpm = shared(&server);
    let keys = NamedKeys::new(&tpm);
    let print = print_of(&keys, "web", KeyAlgorithm::EccP256);
    let other =
        TpmKey::primary(&tpm, TpmHandle::ENDORSEMENT, &templates::signing_key(KeyType::P256, false), b"").unwrap();
    let handle = TpmHandle(0x8100_7003);
    tpm.lock().unwrap().evict_control(TpmHandle::OWNER, other.handle(), handle).unwrap();
    assert!(keys.at_handle(handle, &print).unwrap().is_none());
    keys.evict(handle).unwrap();
}
