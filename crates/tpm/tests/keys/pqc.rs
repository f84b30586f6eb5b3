//! ML-KEM and ML-DSA keys through bytes. The TPM computes with AWS-LC; RustCrypto makes what it is sent and checks what it
//! answers.

use crate::common::{self, TestTpm, password, policy};
use crate::in_process::Shared;
use crate::outside::*;
use crate::policies::{duplication_policy, duplication_session};
use crate::templates::{keys::*, pq::*, *};
use ironroot_client::{Auth, ParameterCipher, SessionOptions};
use ironroot_crypto::{digest, kdfa};
use ironroot_wire::*;

const SHA256: TpmiAlgHash = TpmiAlgHash::Sha256;

fn made(tpm: &mut TestTpm, hierarchy: u32, public: TpmtPublic) -> (TpmiDhObject, TpmtPublic) {
    let made = tpm.run_auth(&create_primary(hierarchy, public)).unwrap();
    (TpmiDhObject(made.object_handle.0), made.out_public.0)
}

fn loaded(tpm: &mut TestTpm, parent: TpmiDhObject, private: Tpm2bPrivate, public: &TpmtPublic) -> TpmiDhObject {
    let load = Load { parent_handle: parent, in_private: private, in_public: Tpm2b(public.clone()) };
    TpmiDhObject(tpm.run_auth(&load).unwrap().object_handle.0)
}

fn flush(tpm: &mut TestTpm, handle: TpmiDhObject) {
    tpm.run(&FlushContext { flush_handle: TpmiDhContext(handle.0) }).unwrap();
}

fn decapsulate(key: TpmiDhObject, ciphertext: &[u8]) -> Decapsulate {
    Decapsulate { key_handle: key, ciphertext: Tpm2bKemCiphertext::from_slice(ciphertext).unwrap() }
}

/// Every kind of post-quantum key.
fn every_kind() -> Vec<TpmtPublic> {
    let kem = KEM_SETS.iter().flat_map(|&set| [mlkem_storage(set), mlkem_plain(set)]);
    let dsa = DSA_SETS.iter().flat_map(|&set| {
        [mldsa(OWN, set, true), mldsa(OWN | A::RESTRICTED, set, false), hash_mldsa(OWN, set, TpmiAlgHash::Sha384)]
    });
    kem.chain(dsa).collect()
}

#[test]
fn primary_keys_come_back_and_hierarchies_differ() {
    let mut tpm = TestTpm::started();
    for template in every_kind() {
        let (key, public) = made(&mut tpm, OWNER, template.clone());
        let (again, same) = made(&mut tpm, OWNER, template.clone());
        assert_eq!(public, same);
        let (other, another) = made(&mut tpm, ENDORSEMENT, template.clone());
        assert_ne!(public, another);
        [key, again, other].into_iter().for_each(|key| flush(&mut tpm, key));
    }
}

#[test]
fn secrets_are_encapsulated_and_decapsulated() {
    let mut tpm = TestTpm::started();
    for set in KEM_SETS {
        let (key, public) = made(&mut tpm, OWNER, mlkem_plain(set));
        let sent = tpm.run(&Encapsulate { key_handle: key }).unwrap();
        assert_eq!((sent.shared_secret.len(), sent.ciphertext.len()), (32, set.ciphertext_size()));
        let received = tpm.run_auth(&decapsulate(key, &sent.ciphertext)).unwrap();
        assert_eq!(received.shared_secret, sent.shared_secret);
        let again = tpm.run(&Encapsulate { key_handle: key }).unwrap();
        assert_ne!(again.shared_secret, sent.shared_secret);
        // From the other library.
        let (secret, ciphertext) = other_library_encapsulates(&public, &[5; 32]);
        assert_eq!(*tpm.run_auth(&decapsulate(key, &ciphertext)).unwrap().shared_secret, secret);
        // Implicit rejection: a changed ciphertext gives another secret and no error.
        let mut changed = ciphertext.clone();
        changed[7] ^= 1;
        let rejected = tpm.run_auth(&decapsulate(key, &changed)).unwrap().shared_secret;
        assert!(*rejected != secret && rejected.len() == 32);
        for wrong in [&ciphertext[1..], &[]] {
            assert_eq!(tpm.run_auth(&decapsulate(key, wrong)).err(), Some(TpmRc::SIZE.parameter(1)));
        }
        flush(&mut tpm, key);
    }
}

#[test]
fn encapsulation_is_for_kem_keys() {
    let mut tpm = TestTpm::started();
    let (signing, _) = made(&mut tpm, OWNER, mldsa(OWN, TpmiMldsaParms::MlDsa44, true));
    tpm.row("not a KEM key", &Encapsulate { key_handle: signing }, TpmRc::KEY.handle(1));
    tpm.row("not a KEM key", &decapsulate(signing, &[0; 768]), TpmRc::KEY.handle(1));
    let (storage, public) = made(&mut tpm, OWNER, mlkem_storage(TpmiMlkemParms::MlKem512));
    let sent = tpm.run(&Encapsulate { key_handle: storage }).unwrap();
    tpm.row("a restricted key", &decapsulate(storage, &sent.ciphertext), TpmRc::ATTRIBUTES.handle(1));
    // Attributes of a public area that comes alone are not looked at.
    let mut neither = public;
    neither.object_attributes = PLAIN;
    if let PublicKind::Mlkem(parms, _) = &mut neither.kind {
        parms.symmetric = None;
    }
    let neither = TpmiDhObject(tpm.run(&load_external(neither, None, NULL)).unwrap().object_handle.0);
    tpm.run(&Encapsulate { key_handle: neither }).unwrap();
    // Without its private area a key decapsulates nothing.
    assert!(tpm.run_auth(&decapsulate(neither, &sent.ciphertext)).is_err());
}

#[test]
fn keys_have_children_and_are_loaded_again() {
    let mut tpm = TestTpm::started();
    let (parent, _) = made(&mut tpm, OWNER, mlkem_storage(TpmiMlkemParms::MlKem768));
    for template in every_kind() {
        let child = tpm.run_auth(&create(parent.0, template, b"", b"")).unwrap();
        let key = loaded(&mut tpm, parent, child.out_private, &child.out_public.0);
        // Saved and loaded, persistent and after a power cycle it is the same key.
        let context = tpm.run(&ContextSave { save_handle: TpmiDhContext(key.0) }).unwrap().context;
        flush(&mut tpm, key);
        let key = TpmiDhObject(tpm.run(&ContextLoad { context }).unwrap().loaded_handle.0);
        let public = tpm.run(&ReadPublic { object_handle: key }).unwrap().out_public.0.0;
        assert_eq!(public, child.out_public.0);
        if let PublicKind::Mlkem(parms, _) = &public.kind
            && parms.symmetric.is_none()
        {
            let (secret, ciphertext) = other_library_encapsulates(&public, &[6; 32]);
            assert_eq!(*tpm.run_auth(&decapsulate(key, &ciphertext)).unwrap().shared_secret, secret);
        }
        flush(&mut tpm, key);
    }
    // A sealed object under an ML-KEM parent, which survives in NV.
    let evict = EvictControl {
        auth: TpmiRhProvision(OWNER),
        object_handle: parent,
        persistent_handle: TpmiDhPersistent(0x8100_0001),
    };
    tpm.run_auth(&evict).unwrap();
    let sealed = tpm.run_auth(&create(parent.0, sealed(), b"", b"a secret")).unwrap();
    tpm.power_cycle();
    let item = loaded(&mut tpm, TpmiDhObject(0x8100_0001), sealed.out_private, &sealed.out_public.0);
    assert_eq!(&*tpm.run_auth(&Unseal { item_handle: item }).unwrap().out_data, b"a secret");
}

#[test]
fn templates_that_make_no_sense_are_refused() {
    let mut tpm = TestTpm::started();
    let set = TpmiMlkemParms::MlKem512;
    let dsa = TpmiMldsaParms::MlDsa44;
    let with = |mut public: TpmtPublic, attributes| {
        public.object_attributes = attributes;
        public
    };
    for (template, expected) in [
        (mlkem(OWN | SIGN, set, None), TpmRc::ATTRIBUTES),
        (mlkem(OWN | SIGN | A::DECRYPT, set, None), TpmRc::ATTRIBUTES),
        (mlkem(OWN, set, None), TpmRc::ATTRIBUTES),
        (mlkem(OWN | A::DECRYPT | A::X509_SIGN, set, None), TpmRc::ATTRIBUTES),
        (mlkem(OWN | STORAGE, set, None), TpmRc::SYMMETRIC),
        (mlkem(OWN | A::DECRYPT, set, aes128()), TpmRc::SYMMETRIC),
        (with(mldsa(OWN, dsa, false), OWN | A::DECRYPT), TpmRc::ATTRIBUTES),
        (with(mldsa(OWN, dsa, false), OWN | A::DECRYPT | SIGN), TpmRc::ATTRIBUTES),
        (with(hash_mldsa(OWN, dsa, SHA256), OWN | STORAGE), TpmRc::ATTRIBUTES),
        (with(mldsa(OWN, dsa, false), OWN), TpmRc::ATTRIBUTES),
        (with(mldsa(OWN, dsa, false), OWN.without(A::SENSITIVE_DATA_ORIGIN) | SIGN), TpmRc::ATTRIBUTES),
    ] {
        let refused = tpm.run_auth(&create_primary(OWNER, template.clone())).err();
        assert_eq!(refused, Some(expected.parameter(2)), "{template:?}");
    }
}

#[test]
fn parameters_are_tested_and_reported() {
    let mut tpm = TestTpm::started();
    for template in every_kind() {
        tpm.run(&TestParms { parameters: template.parms() }).unwrap();
    }
    // Parameter sets that do not exist.
    for (alg, set) in [(0x00A0_u16, 4_u16), (0x00A1, 0), (0x00A2, 4)] {
        let mut body = alg.to_be_bytes().to_vec();
        if alg == 0x00A0 {
            body.extend([0, 0x10]);
        }
        body.extend(set.to_be_bytes());
        body.extend([0, 0x0B]);
        let response = tpm.raw(&common::frame(TpmSt::NoSessions, TestParms::INFO.code.0, &body));
        assert_eq!(common::rc(&response), TpmRc::PARMS.parameter(1), "{alg:#x}");
    }
    let property =
        GetCapability { capability: TpmCap::TpmProperties, property: TpmPt::ML_PARAMETER_SETS.0, property_count: 1 };
    let TpmsCapabilityData::TpmProperties(found) = tpm.run(&property).unwrap().capability_data else { panic!() };
    assert_eq!((found[0].property, found[0].value), (TpmPt::ML_PARAMETER_SETS, 0x7F));
    let algorithms = GetCapability { capability: TpmCap::Algs, property: 0xA0, property_count: 3 };
    let TpmsCapabilityData::Algorithms(found) = tpm.run(&algorithms).unwrap().capability_data else { panic!() };
    assert_eq!(
        found.iter().map(|entry| entry.alg).collect::<Vec<_>>(),
        [TpmAlgId::MLKEM, TpmAlgId::MLDSA, TpmAlgId::HASH_MLDSA]
    );
}

#[test]
fn keys_from_outside_are_loaded_if_they_are_keys() {
    let mut tpm = TestTpm::started();
    for set in KEM_SETS {
        let (public, private) = outside_mlkem(PLAIN | A::DECRYPT, set, &[9; 64]);
        let whole = tpm.run(&load_external(public.clone(), Some(private.clone()), NULL)).unwrap().object_handle;
        let (secret, ciphertext) = other_library_encapsulates(&public, &[5; 32]);
        let whole = TpmiDhObject(whole.0);
        assert_eq!(*tpm.run_auth(&decapsulate(whole, &ciphertext)).unwrap().shared_secret, secret);
        flush(&mut tpm, whole);
        let alone = TpmiDhObject(tpm.run(&load_external(public.clone(), None, OWNER)).unwrap().object_handle.0);
        tpm.run(&Encapsulate { key_handle: alone }).unwrap();
        flush(&mut tpm, alone);
        // Not that key, a short seed, and a public key with a coefficient of 3329.
        let (_, other) = outside_mlkem(PLAIN | A::DECRYPT, set, &[8; 64]);
        let refused = tpm.run(&load_external(public.clone(), Some(other), NULL)).err();
        assert_eq!(refused, Some(TpmRc::BINDING));
        let short = TpmuSensitiveComposite::Mlkem(Tpm2bPrivateKeyMlkem::from_slice(&[9; 63]).unwrap());
        let refused = tpm.run(&load_external(public.clone(), Some(sensitive(short)), NULL)).err();
        assert_eq!(refused, Some(TpmRc::KEY_SIZE.parameter(1)));
        let mut bad = public.clone();
        if let PublicKind::Mlkem(_, unique) = &mut bad.kind {
            let mut bytes = unique.to_vec();
            bytes[..2].copy_from_slice(&[0x01, 0x0d]);
            *unique = bytes.as_slice().try_into().unwrap();
        }
        assert_eq!(tpm.run(&load_external(bad, None, OWNER)).err(), Some(TpmRc::KEY.parameter(2)));
        let refused = tpm.run(&load_external(mlkem(PLAIN | A::DECRYPT, set, None), None, OWNER)).err();
        assert_eq!(refused, Some(TpmRc::KEY.parameter(2)), "no public key at all");
    }
    for set in DSA_SETS {
        let (public, private) = outside_mldsa(PLAIN, set, &[9; 32]);
        let key = tpm.run(&load_external(public.clone(), Some(private), NULL)).unwrap().object_handle;
        let key = TpmiDhObject(key.0);
        let sign = SignDigest {
            key_handle: key,
            context: Tpm2bSignatureCtx::default(),
            digest: Tpm2bDigest::from_slice(&mu(&public, b"", b"message")).unwrap(),
            validation: no_ticket(),
        };
        let signature = tpm.run_auth(&sign).unwrap().signature;
        assert!(other_library_verifies(&public, b"", b"message", &signature));
        flush(&mut tpm, key);
        let (_, other) = outside_mldsa(PLAIN, set, &[8; 32]);
        let refused = tpm.run(&load_external(public, Some(other), NULL)).err();
        assert_eq!(refused, Some(TpmRc::BINDING));
        let refused = tpm.run(&load_external(mldsa(PLAIN, set, true), None, OWNER)).err();
        assert_eq!(refused, Some(TpmRc::KEY.parameter(2)));
    }
}

#[test]
fn credentials_are_made_and_activated() {
    let mut tpm = TestTpm::started();
    for set in KEM_SETS {
        let (ek, ek_public) = made(&mut tpm, ENDORSEMENT, mlkem_storage(set));
        let (ak, _) = made(&mut tpm, OWNER, mldsa(OWN | A::RESTRICTED, TpmiMldsaParms::MlDsa44, false));
        let name = tpm.run(&ReadPublic { object_handle: ak }).unwrap().name;
        let credential = CertInfo::from_slice(b"a credential").unwrap();
        let make = MakeCredential { handle: ek, credential: credential.clone(), object_name: name.clone() };
        let sent = tpm.run(&make).unwrap();
        let activate = ActivateCredential {
            activate_handle: ak,
            key_handle: ek,
            credential_blob: sent.credential_blob.clone(),
            secret: sent.secret.clone(),
        };
        let got = tpm.run_with(&activate, &[password(b""), password(b"")]).unwrap();
        assert_eq!(*got.cert_info, *credential);
        // Another secret, of the right size: rejected without saying why, so the credential's integrity is wrong.
        let mut changed = sent.secret.to_vec();
        changed[0] ^= 1;
        let secret = Tpm2bEncryptedSecret::from_slice(&changed).unwrap();
        let wrong = ActivateCredential { secret, ..clone_of(&activate) };
        let refused = tpm.run_with(&wrong, &[password(b""), password(b"")]).err();
        assert_eq!(refused, Some(TpmRc::INTEGRITY.parameter(1)));
        let secret = Tpm2bEncryptedSecret::from_slice(&changed[1..]).unwrap();
        let wrong = ActivateCredential { secret, ..clone_of(&activate) };
        let refused = tpm.run_with(&wrong, &[password(b""), password(b"")]).err();
        assert_eq!(refused, Some(TpmRc::SIZE.parameter(2)));
        // The secret of the protocol is what the text says (Part 1, 47.4), computed by the other library.
        let (shared, ciphertext) = other_library_encapsulates(&ek_public, &[4; 32]);
        let PublicKind::Mlkem(_, unique) = &ek_public.kind else { panic!() };
        let seed = kdfa(SHA256, &shared, b"IDENTITY", &ciphertext, unique, 256);
        let blob = credential_for(&seed, &name, b"by the other library");
        let own = ActivateCredential {
            credential_blob: Tpm2bIdObject::from_slice(&blob).unwrap(),
            secret: Tpm2bEncryptedSecret::from_slice(&ciphertext).unwrap(),
            ..clone_of(&activate)
        };
        let got = tpm.run_with(&own, &[password(b""), password(b"")]).unwrap();
        assert_eq!(&*got.cert_info, b"by the other library");
        [ek, ak].into_iter().for_each(|key| flush(&mut tpm, key));
    }
}

fn clone_of(command: &ActivateCredential) -> ActivateCredential {
    ActivateCredential {
        activate_handle: command.activate_handle,
        key_handle: command.key_handle,
        credential_blob: command.credential_blob.clone(),
        secret: command.secret.clone(),
    }
}

/// A credential blob for AES-128 and SHA-256 (Part 1, 21.4).
fn credential_for(seed: &[u8], name: &[u8], credential: &[u8]) -> Vec<u8> {
    let key = kdfa(SHA256, seed, b"STORAGE", name, &[], 128);
    let mut identity = Tpm2bDigest::from_slice(credential).unwrap().to_bytes();
    ironroot_crypto::cfb_encrypt(ironroot_wire::TpmiAlgSymObject::Aes, &key, &[0; 16], &mut identity).unwrap();
    let mac_key = kdfa(SHA256, seed, b"INTEGRITY", &[], &[], 256);
    let mac = ironroot_crypto::hmac(SHA256, &mac_key, &[&identity, name]);
    let mut blob = Tpm2bDigest::from_slice(&mac).unwrap().to_bytes();
    blob.extend(identity);
    blob
}

#[test]
fn sessions_are_salted_with_every_parameter_set() {
    let shared = Shared::started();
    let mut client = shared.client();
    for set in KEM_SETS {
        let key = client.create_primary(TpmHandle::OWNER, &mlkem_storage(set), b"").unwrap();
        let options = SessionOptions::hmac().cipher(ParameterCipher::Aes128Cfb).salted(key.handle, &key.public);
        let mut session = client.start_session(&options).unwrap().encrypting();
        for _ in 0..2 {
            let random = client.run_with(&GetRandom { bytes_requested: 16 }, &mut [Auth::Session(&mut session)]);
            assert_eq!(random.unwrap().random_bytes.len(), 16);
        }
        client.end_session(session).unwrap();
    }
}

#[test]
fn salts_of_the_wrong_size_are_refused() {
    let mut tpm = TestTpm::started();
    let (key, _) = made(&mut tpm, OWNER, mlkem_storage(TpmiMlkemParms::MlKem512));
    let start = |salt: &[u8]| StartAuthSession {
        tpm_key: Some(key),
        bind: None,
        nonce_caller: Tpm2bNonce::from_slice(&[3; 16]).unwrap(),
        encrypted_salt: Tpm2bEncryptedSecret::from_slice(salt).unwrap(),
        session_type: TpmSe::Hmac,
        symmetric: None,
        auth_hash: SHA256,
    };
    assert_eq!(tpm.run(&start(&[0; 767])).err(), Some(TpmRc::VALUE.parameter(2)));
    assert_eq!(tpm.run(&start(&[])).err(), Some(TpmRc::VALUE.parameter(2)));
    // Any string of the right size is a salt, by implicit rejection; nobody knows which.
    tpm.run(&start(&[0; 768])).unwrap();
}

#[test]
fn keys_move_between_ml_kem_parents() {
    let mut here = TestTpm::started();
    let mut there = TestTpm::started();
    let (old, _) = made(&mut here, OWNER, mlkem_storage(TpmiMlkemParms::MlKem512));
    let (new, new_public) = made(&mut there, ENDORSEMENT, mlkem_storage(TpmiMlkemParms::MlKem1024));
    let target = TpmiDhObject(here.run(&load_external(new_public.clone(), None, OWNER)).unwrap().object_handle.0);
    let mut kinds = vec![
        mlkem(MOBILE | A::DECRYPT, TpmiMlkemParms::MlKem768, None),
        mldsa(MOBILE, TpmiMldsaParms::MlDsa87, true),
        hash_mldsa(MOBILE, TpmiMldsaParms::MlDsa44, SHA256),
        ecdsa(MOBILE),
    ];
    for template in &mut kinds {
        template.auth_policy = duplication_policy();
        let child = here.run_auth(&create(old.0, template.clone(), b"", b"")).unwrap();
        let public = child.out_public.0;
        let key = loaded(&mut here, old, child.out_private, &public);
        let duplicate = Duplicate {
            object_handle: key,
            new_parent_handle: Some(target),
            encryption_key_in: Tpm2bData::default(),
            symmetric_alg: None,
        };
        let session = duplication_session(&mut here);
        let sent = here.run_with(&duplicate, &[policy(session)]).unwrap();
        let import = |objects: &TpmtPublic, seed: Tpm2bEncryptedSecret| Import {
            parent_handle: new,
            encryption_key: Tpm2bData::default(),
            object_public: Tpm2b(objects.clone()),
            duplicate: sent.duplicate.clone(),
            in_sym_seed: seed,
            symmetric_alg: None,
        };
        let mut changed = sent.out_sym_seed.to_vec();
        changed[3] ^= 0x10;
        let wrong = import(&public, Tpm2bEncryptedSecret::from_slice(&changed).unwrap());
        assert_eq!(there.run_auth(&wrong).err(), Some(TpmRc::INTEGRITY.parameter(3)));
        let out_private = there.run_auth(&import(&public, sent.out_sym_seed.clone())).unwrap().out_private;
        let moved = loaded(&mut there, new, out_private, &public);
        let name = |tpm: &mut TestTpm, key| tpm.run(&ReadPublic { object_handle: key }).unwrap().name;
        assert_eq!(name(&mut there, moved), name(&mut here, key));
        if matches!(public.kind, PublicKind::Mlkem(..)) {
            let (secret, ciphertext) = other_library_encapsulates(&public, &[2; 32]);
            assert_eq!(*there.run_auth(&decapsulate(moved, &ciphertext)).unwrap().shared_secret, secret);
        }
        flush(&mut here, key);
        flush(&mut there, moved);
    }
}

#[test]
fn duplicates_are_rewrapped_for_another_ml_kem_parent() {
    let mut tpm = TestTpm::started();
    let (old, _) = made(&mut tpm, OWNER, mlkem_storage(TpmiMlkemParms::MlKem512));
    let (new, _) = made(&mut tpm, ENDORSEMENT, mlkem_storage(TpmiMlkemParms::MlKem768));
    let mut template = mldsa(MOBILE, TpmiMldsaParms::MlDsa44, true);
    template.auth_policy = duplication_policy();
    let child = tpm.run_auth(&create(old.0, template, b"", b"")).unwrap();
    let public = child.out_public.0;
    let key = loaded(&mut tpm, old, child.out_private, &public);
    let duplicate = Duplicate {
        object_handle: key,
        new_parent_handle: Some(old),
        encryption_key_in: Tpm2bData::default(),
        symmetric_alg: None,
    };
    let session = duplication_session(&mut tpm);
    let sent = tpm.run_with(&duplicate, &[policy(session)]).unwrap();
    let name = tpm.run(&ReadPublic { object_handle: key }).unwrap().name;
    let rewrap = Rewrap {
        old_parent: Some(old),
        new_parent: Some(new),
        in_duplicate: sent.duplicate,
        name,
        in_sym_seed: sent.out_sym_seed,
    };
    let again = tpm.run_auth(&rewrap).unwrap();
    let import = Import {
        parent_handle: new,
        encryption_key: Tpm2bData::default(),
        object_public: Tpm2b(public.clone()),
        duplicate: again.out_duplicate,
        in_sym_seed: again.out_sym_seed,
        symmetric_alg: None,
    };
    let out_private = tpm.run_auth(&import).unwrap().out_private;
    loaded(&mut tpm, new, out_private, &public);
}

#[test]
fn attestations_are_signed_with_ml_dsa() {
    let mut tpm = TestTpm::started();
    for template in [
        mldsa(OWN | A::RESTRICTED, TpmiMldsaParms::MlDsa65, false),
        hash_mldsa(OWN | A::RESTRICTED, TpmiMldsaParms::MlDsa87, TpmiAlgHash::Sha512),
    ] {
        let (key, public) = made(&mut tpm, ENDORSEMENT, template);
        let nonce = Tpm2bData::from_slice(b"qualifying data").unwrap();
        let selection = TpmsPcrSelection { hash: SHA256, pcr_select: TpmsPcrSelect::of(&[0, 16]) };
        let schemes = match public.kind {
            PublicKind::Mldsa(..) => [None, Some(TpmtSigScheme::Mldsa(()))],
            _ => [None, Some(TpmtSigScheme::HashMldsa(()))],
        };
        for in_scheme in schemes {
            let quote = Quote {
                sign_handle: Some(key),
                qualifying_data: nonce.clone(),
                in_scheme,
                pcr_select: TpmlPcrSelection::new(vec![selection]),
            };
            let quoted = tpm.run_auth(&quote).unwrap();
            assert!(other_library_verifies(&public, b"", &quoted.quoted, &quoted.signature.unwrap()));
            let TpmuAttest::Quote(info) = TpmsAttest::from_bytes(&quoted.quoted).unwrap().attested else { panic!() };
            // ML-DSA has no hash of its own: that of the key's name; HashML-DSA has one.
            let hash = if matches!(public.kind, PublicKind::Mldsa(..)) { SHA256 } else { TpmiAlgHash::Sha512 };
            assert_eq!(*info.pcr_digest, *digest(hash, &[&[0; 64]]));
        }
        let other = Quote {
            sign_handle: Some(key),
            qualifying_data: nonce.clone(),
            in_scheme: Some(TpmtSigScheme::Ecdsa(SHA256)),
            pcr_select: TpmlPcrSelection::new(vec![selection]),
        };
        assert_eq!(tpm.run_auth(&other).err(), Some(TpmRc::SCHEME.parameter(2)));
        let certify =
            Certify { object_handle: key, sign_handle: Some(key), qualifying_data: nonce.clone(), in_scheme: None };
        let certified = tpm.run_auth(&certify).unwrap();
        assert!(other_library_verifies(&public, b"", &certified.certify_info, &certified.signature.unwrap()));
        let time = GetTime {
            privacy_admin_handle: TpmiRhEndorsement(ENDORSEMENT),
            sign_handle: Some(key),
            qualifying_data: nonce,
            in_scheme: None,
        };
        let time = tpm.run_auth(&time).unwrap();
        assert!(other_library_verifies(&public, b"", &time.time_info, &time.signature.unwrap()));
        // The deprecated command signs digests only.
        let sign = Sign {
            key_handle: key,
            digest: Tpm2bDigest::from_slice(&[1; 32]).unwrap(),
            in_scheme: None,
            validation: no_ticket(),
        };
        assert_eq!(tpm.run_auth(&sign).err(), Some(TpmRc::SCHEME.parameter(2)));
        flush(&mut tpm, key);
    }
}

#[test]
fn a_derivation_parent_derives_post_quantum_keys() {
    let mut tpm = TestTpm::started();
    let template = keyedhash(OWN | STORAGE, derivation());
    let (parent, _) = made(&mut tpm, OWNER, template);
    for public in every_kind() {
        let mut public = public;
        public.object_attributes = public.object_attributes.without(A::SENSITIVE_DATA_ORIGIN);
        // Label and context stand where the unique value would.
        let whole = public.to_bytes();
        let mut bytes = whole[..whole.len() - 2].to_vec();
        bytes.extend(Tpm2bLabel::from_slice(b"label").unwrap().to_bytes());
        bytes.extend(Tpm2bLabel::from_slice(b"context").unwrap().to_bytes());
        let command = || CreateLoaded {
            parent_handle: TpmiDhParent(parent.0),
            in_sensitive: secret(b"", b""),
            in_public: Tpm2bTemplate::from_slice(&bytes).unwrap(),
        };
        let derived = tpm.run_auth(&command());
        if matches!(&public.kind, PublicKind::Mlkem(parms, _) if parms.symmetric.is_some()) {
            // A storage key that cannot leave its parent has the parent's cipher, and this parent has none.
            assert_eq!(derived.err(), Some(TpmRc::SYMMETRIC.parameter(2)));
            continue;
        }
        let (one, two) = (derived.unwrap(), tpm.run_auth(&command()).unwrap());
        assert_eq!(one.out_public, two.out_public);
        [one, two].iter().for_each(|key| flush(&mut tpm, TpmiDhObject(key.object_handle.0)));
    }
}
