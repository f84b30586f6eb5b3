//! The secrets that a daemon starts with, and post-quantum keys, leave its memory when they should, and never get into its log:
//! `memory.rs` for those.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![cfg(feature = "service")]

mod support;

use std::fs;

use ironroot_client::{Tpm, wire::*};
use ironroot_crypto::{MlDsaProvider as _, MlKemProvider as _, PORTABLE, Shake256, digest};
use support::{search::*, *};

const SHA512: TpmiAlgHash = TpmiAlgHash::Sha512;

/// Loads a key that was made outside, with its private half.
fn load(tpm: &mut Tpm, kind: PublicKind, attributes: TpmaObject, private: TpmuSensitiveComposite) -> TpmHandle {
    let public = TpmtPublic {
        name_alg: Some(TpmiAlgHash::Sha256),
        object_attributes: TpmaObject::USER_WITH_AUTH | attributes,
        auth_policy: Tpm2bDigest::default(),
        kind,
    };
    let sensitive =
        TpmtSensitive { auth_value: Tpm2bAuth::default(), seed_value: SeedValue::default(), sensitive: private };
    let loaded = tpm
        .run(&LoadExternal {
            in_private: Tpm2bOption(Some(sensitive)),
            in_public: Tpm2b(TpmtPublicPlus(public)),
            hierarchy: TpmiRhHierarchy(TpmHandle::NULL.0),
        })
        .unwrap();
    let handle = TpmHandle(loaded.object_handle.0);
    tpm.set_name(handle, &loaded.name);
    handle
}

/// A seed of this many bytes, as one secret for each 32 of them.
fn seed(names: &[&'static str]) -> (Vec<u8>, Vec<Secret>) {
    let secrets: Vec<Secret> = names.iter().map(|name| secret(name)).collect();
    (secrets.iter().flat_map(|secret| secret.bytes.clone()).collect(), secrets)
}

/// An ML-KEM-768 key that decapsulates: its seed, what follows from it (FIPS 203, algorithm 13), and the shared secrets.
fn kem(tpm: &mut Tpm) -> (TpmHandle, Vec<Secret>) {
    let (seed, mut secrets) = seed(&["ML-KEM's d", "ML-KEM's z"]);
    let expanded = digest(TpmiAlgHash::Sha3_512, &[&seed[..32], &[3]]);
    secrets.push(Secret { name: "ML-KEM's sigma", bytes: expanded[32..].to_vec() });
    let set = TpmiMlkemParms::MlKem768;
    let public = PORTABLE.ml_kem_load(set, &seed).unwrap().public().try_into().unwrap();
    let parms = TpmsMlkemParms { symmetric: None, parameter_set: set };
    let private = TpmuSensitiveComposite::Mlkem(Tpm2bPrivateKeyMlkem::from_slice(&seed).unwrap());
    let handle = load(tpm, PublicKind::Mlkem(parms, public), TpmaObject::DECRYPT, private);
    for _ in 0..3 {
        let sent = tpm.run(&Encapsulate { key_handle: TpmiDhObject(handle.0) }).unwrap();
        let received =
            tpm.run(&Decapsulate { key_handle: TpmiDhObject(handle.0), ciphertext: sent.ciphertext }).unwrap();
        assert_eq!(received.shared_secret, sent.shared_secret);
        secrets.push(Secret { name: "a shared secret of ML-KEM", bytes: received.shared_secret.to_vec() });
    }
    (handle, secrets)
}

/// An ML-DSA-65 key that signs: its seed, and what follows from it (FIPS 204, algorithm 6, line 1).
fn dsa(tpm: &mut Tpm) -> (TpmHandle, Vec<Secret>) {
    let (seed, mut secrets) = seed(&["ML-DSA's xi"]);
    let mut expanded = [0; 128];
    let mut hash = Shake256::new();
    hash.update(&seed);
    hash.update(&[6, 5]);
    hash.finish(&mut expanded);
    secrets.push(Secret { name: "ML-DSA's rho'", bytes: expanded[32..96].to_vec() });
    secrets.push(Secret { name: "ML-DSA's K", bytes: expanded[96..].to_vec() });
    let set = TpmiMldsaParms::MlDsa65;
    let public = PORTABLE.ml_dsa_load(set, &seed).unwrap().public().try_into().unwrap();
    let parms = TpmsMldsaParms { parameter_set: set, allow_external_mu: AllowExternalMu(true) };
    let private = TpmuSensitiveComposite::Mldsa(Tpm2bPrivateKeyMldsa::from_slice(&seed).unwrap());
    let handle = load(tpm, PublicKind::Mldsa(parms, public), TpmaObject::SIGN_ENCRYPT, private);
    for message in 0..3 {
        tpm.run(&SignDigest {
            key_handle: TpmiDhObject(handle.0),
            context: Tpm2bSignatureCtx::default(),
            digest: Tpm2bDigest::from_slice(&digest(SHA512, &[&[message]])).unwrap(),
            validation: TpmtTkHashcheck {
                tag: TpmSt::Hashcheck,
                hierarchy: TpmiRhHierarchy(TpmHandle::NULL.0),
                digest: Tpm2bDigest::default(),
            },
        })
        .unwrap();
    }
    (handle, secrets)
}

#[test]
fn post_quantum_keys_are_gone_when_they_are_flushed() {
    let folder = Folder::new();
    let daemon = Daemon::start(&folder, &["--debuggable"]);
    let mut tpm = daemon.mssim();
    tpm.startup(TpmSu::Clear).unwrap();
    let mut all = Vec::new();
    for make in [kem, dsa] {
        let (handle, secrets) = make(&mut tpm);
        let seeds: Vec<_> = secrets.iter().filter(|one| one.name.ends_with(" d") || one.name.ends_with("xi")).collect();
        assert_there("with the key loaded", &daemon, &seeds);
        let shared: Vec<_> = secrets.iter().filter(|one| one.name.starts_with("a shared secret")).collect();
        assert_gone("when the answer is sent", &daemon, &shared);
        // Through another connection, so that what the first left on its thread's stack stays.
        let mut other = daemon.swtpm();
        other.flush(handle).unwrap();
        assert_gone("after the flush", &daemon, &secrets.iter().collect::<Vec<_>>());
        all.extend(secrets);
    }
    let (status, log) = daemon.end("TERM");
    assert!(status.success(), "{status}: {log}");
    assert!(log.matches("command").count() >= 10, "the log is not verbose: {log}");
    assert_not_logged(&log, &all.iter().collect::<Vec<_>>());
}

/// HKDF with SHA-512, as docs/derivations.md has it.
mod derivations {
    use ironroot_client::wire::TpmiAlgHash;
    use ironroot_crypto::hmac;

    pub fn extract(salt: &[u8], input: &[u8]) -> Vec<u8> {
        hmac(TpmiAlgHash::Sha512, salt, &[input]).to_vec()
    }

    /// The first block.
    pub fn expand(key: &[u8], info: &[u8]) -> Vec<u8> {
        hmac(TpmiAlgHash::Sha512, key, &[info, &[1]]).to_vec()
    }
}

/// The two master keys, what they come from, and the secret of the firmware.
fn masters(product: &[u8], device: &[u8]) -> Vec<Secret> {
    use derivations::{expand, extract};
    let root = extract(b"ironroot/anchor/v1", product);
    let salt = expand(&root, b"ironroot/anchor/v1/device salt");
    let secret = |name, bytes| Secret { name, bytes };
    vec![
        secret("the global master", expand(&root, b"ironroot/anchor/v1/global master")),
        secret("the device master", extract(&salt, device)),
        secret("the root of the masters", root),
        secret("the device salt", salt),
        secret("the device value", device.to_vec()),
        secret("the product secret", product.to_vec()),
    ]
}

#[test]
fn master_keys_and_second_keys_are_gone_when_the_daemon_serves() {
    for kind in ["file", "pwdfile"] {
        let folder = Folder::new();
        let device = secret("the device value");
        fs::write(folder.join("device"), &device.bytes).unwrap();
        let second = match kind {
            "file" => secret("the second key"),
            _ => {
                let words = secret("").bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
                Secret { name: "the passphrase", bytes: words.into_bytes() }
            }
        };
        fs::write(folder.join("second"), &second.bytes).unwrap();
        let source = format!("file:{}", folder.join("device").display());
        let key = format!("{kind}={}", folder.join("second").display());
        let options = ["--debuggable", "--device-source", &source, "--key", &key];
        // Manufactured, and opened.
        for _ in 0..2 {
            let daemon = Daemon::start(&folder, &options);
            let product = fs::read(folder.join("state.product-secret")).unwrap();
            let mut secrets = masters(&product, &device.bytes);
            secrets.push(Secret { name: second.name, bytes: second.bytes.clone() });
            let secrets: Vec<_> = secrets.iter().collect();
            assert_gone("before the first command", &daemon, &secrets);
            let mut tpm = daemon.mssim();
            tpm.startup(TpmSu::Clear).unwrap();
            // Enough changes for compactions, which seal the state anew.
            for round in 0..40_u8 {
                tpm.hierarchy_change_auth(TpmHandle::OWNER, &[round | 1; 20]).unwrap();
                tpm.set_auth(TpmHandle::OWNER, &[round | 1; 20]);
            }
            tpm.hierarchy_change_auth(TpmHandle::OWNER, b"").unwrap();
            assert_gone("after work", &daemon, &secrets);
            let (status, log) = daemon.end("TERM");
            assert!(status.success(), "{status}: {log}");
            assert_not_logged(&log, &secrets);
        }
    }
}
