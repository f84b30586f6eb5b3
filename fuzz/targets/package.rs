//! Application packages: bytes from nowhere are none; a signer's package with anything edited is refused, and not a byte of a
//! changed chunk is passed on; and a manifest that says anything at all, under the right signature, is refused or stays in its folder.
#![no_main]

#[allow(dead_code, unused_imports)]
mod prelude;

use std::path::{Component, Path};
use std::sync::{LazyLock, Mutex, PoisonError};

use ironroot_client::{InProcess, Tpm as Client, wire::TpmSu};
use ironroot_keys::{KeyAlgorithm, NamedKeys, SharedTpm, TpmKey, VerifyingKey, sign_jwt};
use ironroot_package::{Description, Package, PackageError, Readers, build};
use ironroot_platform::memory::{MemoryStorage, TestEntropy};
use ironroot_tpm::{Profile, Tpm};
use libfuzzer_sys::fuzz_target;
use sha2::{Digest, Sha256};

/// A signer, and what it has signed.
struct Sample {
    key: Mutex<TpmKey>,
    signer: VerifyingKey,
    packages: [Vec<u8>; 2],
    /// What is in it, as it is stored, one file behind the other.
    contents: [Vec<u8>; 2],
}

static SAMPLE: LazyLock<Sample> = LazyLock::new(|| {
    let storage = Box::new(MemoryStorage::new());
    let entropy = Box::new(TestEntropy::new(7));
    let tpm = Tpm::manufacture(storage, entropy, &ironroot_crypto_host::HOST, Profile::HOST, prelude::seeds())
        .expect("an empty store takes a TPM");
    let tpm = Mutex::new(tpm);
    let mut client = Client::new(InProcess(move |command: &[u8]| {
        tpm.lock().unwrap_or_else(PoisonError::into_inner).execute(0, 0, command)
    }));
    client.startup(TpmSu::Clear).expect("it starts");
    let keys = NamedKeys::new(&SharedTpm::new(client));
    let key = keys.key("signer", KeyAlgorithm::EccP256).expect("the TPM makes keys");
    let folder = tempfile::tempdir().expect("a folder for files");
    std::fs::create_dir(folder.path().join("bin")).expect("it can be written");
    for (name, content) in [("bin/run", &b"#!/bin/sh\n"[..]), ("empty", b""), ("data", &[7; 100])] {
        std::fs::write(folder.path().join(name), content).expect("it can be written");
    }
    let signer = VerifyingKey::from_public(key.public()).expect("it is a key of ECDSA");
    let packages = [Readers::Everybody, Readers::Product(&[1; 32])].map(|readers| {
        let mut out = Vec::new();
        let description = Description { name: "app", version: 1, readers };
        build(folder.path(), &description, &key, &mut out, &mut |_, _| ()).expect("the folder can be packed");
        out
    });
    let contents = [0, 1].map(|number: usize| read(&packages[number], &signer).expect("it is as it was built"));
    Sample { key: Mutex::new(key), signer, packages, contents }
});

/// Everything that is passed on, if the whole package is right.
fn read(package: &[u8], signer: &VerifyingKey) -> Result<Vec<u8>, (PackageError, Vec<u8>)> {
    let mut passed = Vec::new();
    let begun = Package::begin(package, signer).map_err(|error| (error, Vec::new()))?;
    let result = begun.read(&mut |_, chunk| {
        passed.extend_from_slice(chunk);
        Ok(())
    });
    match result {
        Ok(_) => Ok(passed),
        Err(error) => Err((error, passed)),
    }
}

/// Each edit is three bytes: where (from the front or from the back), and what to flip.
fn edited(which: usize, edits: &[u8]) {
    let (original, content) = (&SAMPLE.packages[which], &SAMPLE.contents[which]);
    let mut package = original.clone();
    for edit in edits.chunks_exact(3) {
        let at = usize::from(u16::from_be_bytes([edit[0], edit[1]]));
        let length = package.len();
        match edit[2] {
            0 => package.truncate(at),
            1 => package.push(edit[1]),
            flip if length > 0 => package[at % length] ^= flip,
            _ => {}
        }
    }
    match read(&package, &SAMPLE.signer) {
        Ok(passed) => assert!(package == *original && passed == *content, "a changed package was taken"),
        Err((error, passed)) => {
            assert!(package != *original, "the package was refused: {error}");
            assert!(content.starts_with(&passed), "a changed chunk was passed on");
        }
    }
}

/// A manifest of one's own, and what is behind it.
fn signed(manifest: &[u8], rest: &[u8]) {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
    let claims = serde_json::json!({
        "format": "ironroot-package/1",
        "manifest-size": manifest.len(),
        "manifest-sha256": BASE64.encode(Sha256::digest(manifest)),
    });
    let Some(claims) = claims.as_object() else { return };
    let key = SAMPLE.key.lock().unwrap_or_else(PoisonError::into_inner);
    let token = sign_jwt(&key, None, None, claims).expect("the key signs");
    drop(key);
    let mut package = Vec::new();
    for (name, bytes) in [("META-INF/signature.jwt", token.as_bytes()), ("META-INF/manifest.json", manifest)] {
        let size = u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes();
        package.extend_from_slice(b"PK\x03\x04\x14\0\0\x08\0\0\0\0\x21\0");
        package.extend_from_slice(&crc32fast::hash(bytes).to_le_bytes());
        package.extend_from_slice(&[size, size].concat());
        package.extend_from_slice(&[u8::try_from(name.len()).unwrap_or(u8::MAX), 0, 0, 0]);
        package.extend_from_slice(name.as_bytes());
        package.extend_from_slice(bytes);
    }
    package.extend_from_slice(rest);
    let Ok(begun) = Package::begin(package.as_slice(), &SAMPLE.signer) else { return };
    for file in &begun.manifest().files {
        let mut parts = Path::new(&file.path).components();
        assert!(parts.all(|part| matches!(part, Component::Normal(_))), "{:?} leaves its folder", file.path);
    }
    let _ = begun.verify(&mut |_, _| ());
}

fuzz_target!(|input: &[u8]| {
    let Some((kind, rest)) = input.split_first() else { return };
    match kind % 4 {
        0 => assert!(read(rest, &SAMPLE.signer).is_err(), "bytes from nowhere are a package"),
        1 => edited(0, rest),
        2 => edited(1, rest),
        _ => match rest.iter().position(|byte| *byte == 0) {
            Some(end) => signed(&rest[..end], &rest[end + 1..]),
            None => signed(rest, &[]),
        },
    }
});
