//! Packages that are whole open; any other is refused before anything of it can be seen.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use std::{fs, os::unix::fs::PermissionsExt as _, path::PathBuf};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use ironroot_client::{testing::TestTpm, wire::TpmHandle};
use ironroot_keys::{EncryptionKey, KeyAlgorithm, NamedKeys, SharedTpm, TpmKey, VerifyingKey, sign_jwt};
use ironroot_package::{
    CHUNK, ContentKey, Description, Manifest, Package, PackageError, Readers, Sealed, VersionFloor, build,
};
use tempfile::TempDir;

/// A TPM with a signer's key, and a folder with what is packed.
struct Bench {
    _tpm: TestTpm,
    keys: NamedKeys,
    folder: TempDir,
}

impl Bench {
    fn new() -> Self {
        let tpm = TestTpm::start().unwrap();
        let keys = NamedKeys::new(&SharedTpm::new(tpm.connect().unwrap()));
        let folder = TempDir::new().unwrap();
        let source = folder.path().join("source");
        fs::create_dir_all(source.join("bin")).unwrap();
        fs::write(source.join("bin/run"), b"#!/bin/sh\necho 1\n").unwrap();
        fs::set_permissions(source.join("bin/run"), fs::Permissions::from_mode(0o755)).unwrap();
        fs::write(source.join("empty"), b"").unwrap();
        fs::write(source.join("config.json"), br#"{"a": 1}"#).unwrap();
        Self { _tpm: tpm, keys, folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn key(&self) -> TpmKey {
        self.keys.key("signer", KeyAlgorithm::EccP256).unwrap()
    }

    fn signer(&self) -> VerifyingKey {
        VerifyingKey::from_public(self.key().public()).unwrap()
    }

    fn try_build(&self, version: u64, readers: Readers<'_>) -> Result<Vec<u8>, PackageError> {
        let mut out = Vec::new();
        let description = Description { name: "app", version, readers };
        build(&self.path("source"), &description, &self.key(), &mut out, &mut |_, _| ())?;
        Ok(out)
    }

    fn build(&self, version: u64, readers: Readers<'_>) -> Vec<u8> {
        self.try_build(version, readers).unwrap()
    }

    fn sealed(&self, package: &[u8]) -> Option<Sealed> {
        Package::begin(package, &self.signer()).unwrap().manifest().sealed.clone()
    }

    fn unpack(&self, package: &[u8], key: Option<&ContentKey>) -> Result<Manifest, PackageError> {
        let package = Package::begin(package, &self.signer())?;
        package.unpack(key, &self.path("out"), &mut |_| Ok(()), &mut |_, _| ())
    }

    /// What was opened is what was packed, and goes away for the next one.
    fn check_and_remove(&self, more: &[&str]) {
        for name in ["bin/run", "empty", "config.json"].iter().chain(more) {
            let read = |side: &str| fs::read(self.path(side).join(name)).unwrap();
            assert!(read("source") == read("out"), "{name}");
        }
        assert_eq!(fs::metadata(self.path("out/bin/run")).unwrap().permissions().mode() & 0o111, 0o111);
        assert_eq!(fs::metadata(self.path("out/empty")).unwrap().permissions().mode() & 0o111, 0);
        fs::remove_dir_all(self.path("out")).unwrap();
    }

    fn nothing_is_left(&self) {
        let names: Vec<_> = fs::read_dir(self.folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["source"]);
    }
}

fn refusal<T: std::fmt::Debug>(result: Result<T, PackageError>) -> String {
    match result.unwrap_err() {
        PackageError::Refused(why) => why,
        other => panic!("{other}"),
    }
}

#[test]
fn a_package_for_everybody_opens() {
    let bench = Bench::new();
    let manifest = bench.unpack(&bench.build(1, Readers::Everybody), None).unwrap();
    assert_eq!((manifest.name.as_str(), manifest.version, manifest.files.len()), ("app", 1, 3));
    bench.check_and_remove(&[]);
}

#[test]
fn a_package_for_a_product_opens_with_its_secret_alone() {
    let bench = Bench::new();
    let (ours, other) = ([1; 32], [2; 32]);
    let package = bench.build(1, Readers::Product(&ours));
    let sealed = bench.sealed(&package).unwrap();
    bench.keys.provision_global(&ours, false).unwrap();
    for key in [ContentKey::from_product(&sealed, &ours), ContentKey::of_device(&sealed, &bench.keys, "any")] {
        bench.unpack(&package, Some(&key.unwrap())).unwrap();
        bench.check_and_remove(&[]);
    }
    bench.unpack(&package, Some(&ContentKey::from_product(&sealed, &ours).unwrap())).unwrap();
    let mode = fs::metadata(bench.path("out")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700, "what was sealed is its owner's alone");
    fs::remove_dir_all(bench.path("out")).unwrap();
    let wrong = ContentKey::from_product(&sealed, &other).unwrap();
    assert!(refusal(bench.unpack(&package, Some(&wrong))).contains("does not open"));
    assert!(refusal(bench.unpack(&package, None)).contains("no key"));
    bench.nothing_is_left();
    // What is built on a device of the product is for the same devices; no two packages share a key.
    let again = bench.build(1, Readers::SameProduct(&bench.keys));
    let of_first = ContentKey::from_product(&sealed, &ours).unwrap();
    assert!(refusal(bench.unpack(&again, Some(&of_first))).contains("does not open"));
    let own = ContentKey::from_product(&bench.sealed(&again).unwrap(), &ours).unwrap();
    bench.unpack(&again, Some(&own)).unwrap();
    bench.check_and_remove(&[]);
}

#[test]
fn a_package_for_devices_opens_on_them_alone() {
    let (bench, second, foreign) = (Bench::new(), Bench::new(), Bench::new());
    let devices: Vec<EncryptionKey> =
        [&bench, &second].map(|device| device.keys.encryption_key("package").unwrap()).into();
    let package = bench.build(1, Readers::Devices(&devices));
    let sealed = bench.sealed(&package).unwrap();
    for device in [&bench, &second] {
        let key = ContentKey::of_device(&sealed, &device.keys, "package").unwrap();
        bench.unpack(&package, Some(&key)).unwrap();
        bench.check_and_remove(&[]);
    }
    assert!(refusal(ContentKey::of_device(&sealed, &foreign.keys, "package")).contains("not for this device"));
    assert!(refusal(ContentKey::of_device(&sealed, &bench.keys, "other")).contains("not for this device"));
    assert!(refusal(ContentKey::from_product(&sealed, &[1; 32])).contains("single devices"));
}

#[test]
fn every_flipped_bit_is_refused() {
    let bench = Bench::new();
    let signer = bench.signer();
    for readers in [Readers::Everybody, Readers::Product(&[1; 32])] {
        let mut package = bench.build(1, readers);
        let key = bench.sealed(&package).map(|sealed| ContentKey::from_product(&sealed, &[1; 32]).unwrap());
        let verify = |package: &[u8]| Package::begin(package, &signer).and_then(|read| read.verify(&mut |_, _| ()));
        verify(&package).unwrap();
        for at in 0..package.len() {
            for bit in 0..8 {
                package[at] ^= 1 << bit;
                refusal(verify(&package));
                package[at] ^= 1 << bit;
            }
        }
        for end in 0..package.len() {
            refusal(verify(&package[..end]));
        }
        package.push(0);
        assert!(refusal(verify(&package)).contains("behind its end"));
        package.pop();
        // The same through the door that leaves files: none does.
        for at in (0..package.len()).step_by(37) {
            package[at] ^= 0x10;
            refusal(bench.unpack(&package, key.as_ref()));
            package[at] ^= 0x10;
        }
        bench.nothing_is_left();
        bench.unpack(&package, key.as_ref()).unwrap();
        bench.check_and_remove(&[]);
    }
}

#[test]
fn only_its_signer_counts() {
    let (bench, other) = (Bench::new(), Bench::new());
    let package = bench.build(1, Readers::Everybody);
    assert!(refusal(Package::begin(package.as_slice(), &other.signer())).contains("not this key's"));
}

#[test]
fn an_older_version_does_not_come_back() {
    let bench = Bench::new();
    let floor = VersionFloor::new(bench.keys.tpm(), TpmHandle(0x0150_0001));
    assert_eq!(floor.version().unwrap(), None);
    for version in [3, 3, 4, 70_000] {
        floor.check(version).unwrap();
        floor.raise(version).unwrap();
        assert_eq!(floor.version().unwrap(), Some(version));
    }
    for old in [0, 3, 69_999] {
        assert!(refusal(floor.check(old)).contains("70000 already"));
        refusal(floor.raise(old));
    }
    assert_eq!(floor.version().unwrap(), Some(70_000));
    // A floor that cannot be raised keeps the folder from appearing.
    let package = bench.build(5, Readers::Everybody);
    let begun = Package::begin(package.as_slice(), &bench.signer()).unwrap();
    let raise = &mut |manifest: &Manifest| floor.raise(manifest.version);
    refusal(begun.unpack(None, &bench.path("out"), raise, &mut |_, _| ()));
    bench.nothing_is_left();
}

#[test]
fn what_is_there_stays() {
    let bench = Bench::new();
    let package = bench.build(1, Readers::Everybody);
    fs::create_dir(bench.path("out")).unwrap();
    assert!(bench.unpack(&package, None).unwrap_err().to_string().contains("there already"));
    assert!(fs::read_dir(bench.path("out")).unwrap().next().is_none());
}

#[test]
fn chunks_end_where_they_should() {
    let bench = Bench::new();
    let chunk = usize::try_from(CHUNK).unwrap();
    let sizes = [("under", chunk - 1), ("exact", chunk), ("over", chunk + 1), ("twice", 2 * chunk)];
    for (name, size) in sizes {
        let content: Vec<u8> = (0..size).map(|at| (at / 251) as u8).collect();
        fs::write(bench.path("source").join(name), content).unwrap();
    }
    for readers in [Readers::Everybody, Readers::Product(&[1; 32])] {
        let mut package = bench.build(1, readers);
        let key = bench.sealed(&package).map(|sealed| ContentKey::from_product(&sealed, &[1; 32]).unwrap());
        bench.unpack(&package, key.as_ref()).unwrap();
        bench.check_and_remove(&sizes.map(|(name, _)| name));
        let middle = package.len() / 2;
        package[middle] ^= 1;
        assert!(refusal(bench.unpack(&package, key.as_ref())).contains("has been changed"));
    }
}

#[test]
fn what_cannot_be_packed_is_named() {
    let bench = Bench::new();
    let said = || bench.try_build(1, Readers::Everybody).unwrap_err().to_string();
    let link = bench.path("source/link");
    std::os::unix::fs::symlink("/etc/passwd", &link).unwrap();
    assert!(said().contains(link.to_str().unwrap()) && said().contains("only files and folders"));
    fs::remove_file(&link).unwrap();
    let reserved = bench.path("source/META-INF");
    fs::create_dir(&reserved).unwrap();
    fs::write(reserved.join("x"), b"").unwrap();
    assert!(said().contains("is the manifest's"));
}

/// A signer's mistake or malice: what a manifest must not say is refused although it is signed.
#[test]
fn a_signature_does_not_excuse_a_manifest() {
    let bench = Bench::new();
    let one = |file: &str| format!(r#"{{"name":"app","version":1,"files":[{file}]}}"#);
    for (manifest, why) in [
        (one(r#"{"path":"../x","size":0,"crc32":0,"sha256":[]}"#), "relative path"),
        (one(r#"{"path":"/x","size":0,"crc32":0,"sha256":[]}"#), "relative path"),
        (one(r#"{"path":"x","size":1,"crc32":0,"sha256":[]}"#), "number of chunks"),
        (one(r#"{"path":"x","size":0,"crc32":0,"sha256":[],"more":1}"#), "understood"),
        (r#"{"name":"app","version":-1,"files":[]}"#.into(), "understood"),
        (r#"{"name":"","version":1,"files":[]}"#.into(), "the name"),
    ] {
        let forged = signed(&bench, manifest.as_bytes());
        let said = refusal(Package::begin(forged.as_slice(), &bench.signer()));
        assert!(said.contains(why), "{manifest}: {said}");
    }
}

/// The front of a package whose manifest is anything, signed by the right key, with headers written by another hand (APPNOTE 4.3.7).
fn signed(bench: &Bench, manifest: &[u8]) -> Vec<u8> {
    let digest = ironroot_crypto::digest(ironroot_wire::TpmiAlgHash::Sha256, &[manifest]);
    let claims = serde_json::json!({
        "format": "ironroot-package/1", "manifest-size": manifest.len(), "manifest-sha256": BASE64.encode(digest),
    });
    let token = sign_jwt(&bench.key(), None, None, claims.as_object().unwrap()).unwrap();
    let mut out = Vec::new();
    for (name, bytes) in [("META-INF/signature.jwt", token.as_bytes()), ("META-INF/manifest.json", manifest)] {
        let size = u32::try_from(bytes.len()).unwrap().to_le_bytes();
        out.extend_from_slice(b"PK\x03\x04\x14\0\0\x08\0\0\0\0\x21\0");
        out.extend_from_slice(&crc32fast::hash(bytes).to_le_bytes());
        out.extend_from_slice(&[size, size].concat());
        out.extend_from_slice(&u16::try_from(name.len()).unwrap().to_le_bytes());
        out.extend_from_slice(&[0, 0]);
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(bytes);
    }
    out
}
