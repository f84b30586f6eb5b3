//! What is sent to keys on Curve25519 and Curve448 through bytes: salts, credentials, duplicates. OpenSSL does the other side
//! of the agreement.

use crate::common::{TestTpm, password, policy};
use crate::curves::*;
use crate::in_process::Shared;
use crate::outside::load_external;
use crate::policies::{duplication_policy, duplication_session};
use crate::templates::{keys::*, *};
use ironroot_client::{Auth, ParameterCipher, SessionOptions};
use ironroot_crypto::{digest, kdfa, kdfe};
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

/// What the labeled KEM makes for the holder of a key (Part 1, 44.7), with OpenSSL's agreement: the seed and what is sent.
fn sealed_to(public: &TpmtPublic, label: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let ephemeral = vec![0x35; coordinate(public).len()];
    let own = openssl_public(public, &ephemeral);
    let z = openssl_agrees(public, &ephemeral);
    // The label with its terminator.
    let seed = kdfe(SHA256, &z, &[label, &[0]].concat(), &own, &coordinate(public), 256);
    (seed.to_vec(), ec_point(&own, &[]).to_bytes())
}

/// A credential blob for AES-128 and SHA-256 (Part 1, 21.4).
fn credential_for(seed: &[u8], name: &[u8], credential: &[u8]) -> Vec<u8> {
    let key = kdfa(SHA256, seed, b"STORAGE", name, &[], 128);
    let mut identity = Tpm2bDigest::from_slice(credential).unwrap().to_bytes();
    ironroot_crypto::cfb_encrypt(TpmiAlgSymObject::Aes, &key, &[0; 16], &mut identity).unwrap();
    let mac_key = kdfa(SHA256, seed, b"INTEGRITY", &[], &[], 256);
    let mac = ironroot_crypto::hmac(SHA256, &mac_key, &[&identity, name]);
    let mut blob = Tpm2bDigest::from_slice(&mac).unwrap().to_bytes();
    blob.extend(identity);
    blob
}

#[test]
fn credentials_are_made_and_activated() {
    let mut tpm = TestTpm::started();
    for curve in CURVES {
        let (ek, ek_public) = made(&mut tpm, ENDORSEMENT, storage(curve));
        let (ak, _) = made(&mut tpm, OWNER, eddsa(curve, OWN | A::RESTRICTED));
        let name = tpm.run(&ReadPublic { object_handle: ak }).unwrap().name;
        let credential = CertInfo::from_slice(b"a credential").unwrap();
        let make = MakeCredential { handle: ek, credential: credential.clone(), object_name: name.clone() };
        let sent = tpm.run(&make).unwrap();
        let activate = |blob: &Tpm2bIdObject, secret: &[u8]| ActivateCredential {
            activate_handle: ak,
            key_handle: ek,
            credential_blob: blob.clone(),
            secret: Tpm2bEncryptedSecret::from_slice(secret).unwrap(),
        };
        let auths = [password(b""), password(b"")];
        let got = tpm.run_with(&activate(&sent.credential_blob, &sent.secret), &auths).unwrap();
        assert_eq!(*got.cert_info, *credential);

        let (seed, secret) = sealed_to(&ek_public, b"IDENTITY");
        let blob = Tpm2bIdObject::from_slice(&credential_for(&seed, &name, b"from outside")).unwrap();
        let got = tpm.run_with(&activate(&blob, &secret), &auths).unwrap();
        assert_eq!(&*got.cert_info, b"from outside");

        // Another point, points that are none, and what is no point at all.
        let mut other = sent.secret.to_vec();
        other[3] ^= 1;
        let refused = tpm.run_with(&activate(&sent.credential_blob, &other), &auths).err();
        assert_eq!(refused, Some(TpmRc::INTEGRITY.parameter(1)));
        let x = &sent.secret[2..sent.secret.len() - 2];
        let two = ec_point(x, x).to_bytes();
        let short = ec_point(&x[1..], &[]).to_bytes();
        let small = of_small_order(curve).into_iter().map(|x| ec_point(&x, &[]).to_bytes());
        for wrong in [two, short, ec_point(&[], &[]).to_bytes()].into_iter().chain(small) {
            let refused = tpm.run_with(&activate(&sent.credential_blob, &wrong), &auths).err();
            assert_eq!(refused, Some(TpmRc::ECC_POINT.parameter(2)), "{wrong:x?}");
        }
        [ek, ak].into_iter().for_each(|key| flush(&mut tpm, key));
    }
}

#[test]
fn sessions_are_salted() {
    let shared = Shared::started();
    let mut client = shared.client();
    for curve in CURVES {
        for template in [storage(curve), x_key(curve, OWN)] {
            let key = client.create_primary(TpmHandle::OWNER, &template, b"").unwrap();
            let options = SessionOptions::hmac().cipher(ParameterCipher::Aes128Cfb).salted(key.handle, &key.public);
            let mut session = client.start_session(&options).unwrap().encrypting();
            for _ in 0..2 {
                let random = client.run_with(&GetRandom { bytes_requested: 16 }, &mut [Auth::Session(&mut session)]);
                assert_eq!(random.unwrap().random_bytes.len(), 16);
            }
            client.end_session(session).unwrap();
        }
    }
}

fn import(parent: TpmiDhObject, public: &TpmtPublic, duplicate: &Tpm2bPrivate, seed: &[u8]) -> Import {
    Import {
        parent_handle: parent,
        encryption_key: Tpm2bData::default(),
        object_public: Tpm2b(public.clone()),
        duplicate: duplicate.clone(),
        in_sym_seed: Tpm2bEncryptedSecret::from_slice(seed).unwrap(),
        symmetric_alg: None,
    }
}

#[test]
fn keys_move_between_parents_on_these_curves() {
    let mut here = TestTpm::started();
    let mut there = TestTpm::started();
    for (from, to) in [(CURVES[0], CURVES[1]), (CURVES[1], CURVES[0])] {
        let (old, _) = made(&mut here, OWNER, storage(from));
        let (new, new_public) = made(&mut there, ENDORSEMENT, storage(to));
        let target = TpmiDhObject(here.run(&load_external(new_public, None, OWNER)).unwrap().object_handle.0);
        for mut template in [eddsa(from, MOBILE), hash_eddsa(from, MOBILE), x_key(to, MOBILE), ecdsa(MOBILE)] {
            template.auth_policy = duplication_policy();
            let child = here.run_auth(&create(old.0, template, b"", b"")).unwrap();
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
            let mut changed = sent.out_sym_seed.to_vec();
            changed[5] ^= 0x10;
            let refused = there.run_auth(&import(new, &public, &sent.duplicate, &changed)).err();
            assert_eq!(refused, Some(TpmRc::INTEGRITY.parameter(3)));
            let imported = there.run_auth(&import(new, &public, &sent.duplicate, &sent.out_sym_seed)).unwrap();
            let moved = loaded(&mut there, new, imported.out_private, &public);
            let name = |tpm: &mut TestTpm, key| tpm.run(&ReadPublic { object_handle: key }).unwrap().name;
            assert_eq!(name(&mut there, moved), name(&mut here, key));
            flush(&mut here, key);
            flush(&mut there, moved);
        }
        [old, target].into_iter().for_each(|key| flush(&mut here, key));
        flush(&mut there, new);
    }
}

/// A duplicate that was made outside of any TPM, of a key that OpenSSL made (Part 1, 20.3.2.3).
#[test]
fn keys_of_openssl_are_imported() {
    let mut tpm = TestTpm::started();
    for curve in CURVES {
        let (parent, parent_public) = made(&mut tpm, OWNER, storage(curve));
        for (template, size) in [(eddsa(curve, PLAIN), ed_size(curve)), (x_key(curve, PLAIN), x_size(curve))] {
            let value = vec![0x21; size];
            let (public, secret) = outside_key(template, &value);
            let name = [&SHA256.to_bytes()[..], &digest(SHA256, &[&public.to_bytes()])].concat();
            let sealed = |sensitive: &TpmtSensitive| {
                let (seed, sent) = sealed_to(&parent_public, b"DUPLICATE");
                let key = kdfa(SHA256, &seed, b"STORAGE", &name, &[], 128);
                let area = sensitive.to_bytes();
                let mut inner = [&(area.len() as u16).to_be_bytes()[..], &area].concat();
                ironroot_crypto::cfb_encrypt(TpmiAlgSymObject::Aes, &key, &[0; 16], &mut inner).unwrap();
                let mac_key = kdfa(SHA256, &seed, b"INTEGRITY", &[], &[], 256);
                let mac = ironroot_crypto::hmac(SHA256, &mac_key, &[&inner, &name]);
                let duplicate = [Tpm2bDigest::from_slice(&mac).unwrap().to_bytes(), inner].concat();
                (Tpm2bPrivate::from_slice(&duplicate).unwrap(), sent)
            };
            let (duplicate, sent) = sealed(&secret);
            let imported = tpm.run_auth(&import(parent, &public, &duplicate, &sent)).unwrap();
            let key = loaded(&mut tpm, parent, imported.out_private, &public);
            assert_eq!(*tpm.run(&ReadPublic { object_handle: key }).unwrap().name, *name);
            flush(&mut tpm, key);
            // Not that key's private value, and one of another size.
            let (duplicate, sent) = sealed(&private(&vec![0x22; size]));
            let refused = tpm.run_auth(&import(parent, &public, &duplicate, &sent)).err();
            assert_eq!(refused, Some(TpmRc::BINDING));
            let (duplicate, sent) = sealed(&private(&value[1..]));
            let refused = tpm.run_auth(&import(parent, &public, &duplicate, &sent)).err();
            assert_eq!(refused, Some(TpmRc::KEY_SIZE.parameter(3)));
        }
        flush(&mut tpm, parent);
    }
}
