//! Keys on Curve25519 and Curve448 through bytes: how they are made, loaded and kept, and what X25519 and X448 agree on.
//! OpenSSL makes the keys from outside and checks what the TPM computes.

use crate::common::TestTpm;
use crate::curves::*;
use crate::outside::{self, load_external};
use crate::templates::{keys::*, *};
use ironroot_crypto::kdfa;
use ironroot_tpm::Profile;
use ironroot_wire::*;

fn made(tpm: &mut TestTpm, hierarchy: u32, public: TpmtPublic) -> (TpmiDhObject, TpmtPublic) {
    let made = tpm.run_auth(&create_primary(hierarchy, public)).unwrap();
    (TpmiDhObject(made.object_handle.0), made.out_public.0)
}

fn flush(tpm: &mut TestTpm, handle: TpmiDhObject) {
    tpm.run(&FlushContext { flush_handle: TpmiDhContext(handle.0) }).unwrap();
}

fn load(tpm: &mut TestTpm, public: TpmtPublic, private: Option<TpmtSensitive>) -> Result<TpmiDhObject, TpmRc> {
    tpm.run(&load_external(public, private, NULL)).map(|loaded| TpmiDhObject(loaded.object_handle.0))
}

#[test]
fn primary_keys_come_back_with_points_of_their_form() {
    let mut tpm = TestTpm::started();
    for template in every_kind() {
        let (key, public) = made(&mut tpm, OWNER, template.clone());
        let PublicKind::Ecc(parms, _) = &public.kind else { panic!() };
        let signs = public.object_attributes.contains(SIGN);
        let size = if signs { ed_size(parms.curve_id) } else { x_size(parms.curve_id) };
        assert_eq!(coordinate(&public).len(), size);
        let (again, same) = made(&mut tpm, OWNER, template.clone());
        assert_eq!(public, same);
        let (other, another) = made(&mut tpm, ENDORSEMENT, template.clone());
        assert_ne!(public, another);
        [key, again, other].into_iter().for_each(|key| flush(&mut tpm, key));
    }
}

#[test]
fn children_are_created_loaded_saved_and_kept() {
    let mut tpm = TestTpm::started();
    for parent in [ecc_srk(), storage(TpmEccCurve::Curve25519), storage(TpmEccCurve::Curve448)] {
        let (parent, _) = made(&mut tpm, OWNER, parent);
        for template in every_kind() {
            let template = outside::with(template.clone(), template.object_attributes.without(A::NO_DA));
            let created = tpm.run_auth(&create(parent.0, template, b"", b"")).unwrap();
            let load = Load {
                parent_handle: parent,
                in_private: created.out_private.clone(),
                in_public: created.out_public.clone(),
            };
            let loaded = tpm.run_auth(&load).unwrap();
            let key = TpmiDhObject(loaded.object_handle.0);
            let read = tpm.run(&ReadPublic { object_handle: key }).unwrap();
            assert_eq!((&read.out_public.0.0, &read.name), (&created.out_public.0, &loaded.name));
            let saved = tpm.run(&ContextSave { save_handle: TpmiDhContext(key.0) }).unwrap();
            flush(&mut tpm, key);
            let key = TpmiDhObject(tpm.run(&ContextLoad { context: saved.context }).unwrap().loaded_handle.0);
            assert_eq!(tpm.run(&ReadPublic { object_handle: key }).unwrap(), read);
            let persistent = TpmiDhPersistent(0x8100_0001);
            let evict = |object_handle| EvictControl {
                auth: TpmiRhProvision(OWNER),
                object_handle,
                persistent_handle: persistent,
            };
            tpm.run_auth(&evict(key)).unwrap();
            let kept = TpmiDhObject(persistent.0);
            assert_eq!(tpm.run(&ReadPublic { object_handle: kept }).unwrap(), read);
            tpm.run_auth(&evict(kept)).unwrap();
            flush(&mut tpm, key);
        }
        flush(&mut tpm, parent);
    }
}

#[test]
fn a_key_is_kept_over_a_power_cycle() {
    let mut tpm = TestTpm::started();
    for curve in CURVES {
        let (key, public) = made(&mut tpm, OWNER, x_key(curve, OWN));
        let persistent = TpmiDhPersistent(0x8100_0002 + u32::from(curve.value()));
        let evict = EvictControl { auth: TpmiRhProvision(OWNER), object_handle: key, persistent_handle: persistent };
        tpm.run_auth(&evict).unwrap();
        tpm.power_cycle();
        let kept = TpmiDhObject(persistent.0);
        assert_eq!(tpm.run(&ReadPublic { object_handle: kept }).unwrap().out_public.0.0, public);
        let point = ec_point(&openssl_public(&public, &vec![9; x_size(curve)]), &[]);
        let z = tpm.run_auth(&EcdhZGen { key_handle: kept, in_point: Tpm2b(point) }).unwrap().out_point.0;
        assert_eq!(*z.x, openssl_agrees(&public, &vec![9; x_size(curve)]));
    }
}

#[test]
fn schemes_are_for_their_curves() {
    let mut tpm = TestTpm::started();
    let hash = TpmiAlgHash::Sha256;
    let ecdh = Some(TpmtEccScheme::Ecdh(hash));
    let eddsa = Some(TpmtEccScheme::Eddsa(()));
    let ecdsa = Some(TpmtEccScheme::Ecdsa(hash));
    let hash_eddsa = Some(TpmtEccScheme::HashEddsa(()));
    let scheme = TpmRc::SCHEME.parameter(2);
    for curve in CURVES {
        for (template, expected) in [
            // Not both forms in one key: each key but a storage key has a scheme (Part 2, 12.2.3.5).
            (ecc(OWN | SIGN, None, None), scheme),
            (ecc(OWN | SIGN | A::DECRYPT, None, None), scheme),
            (ecc(OWN | SIGN | A::DECRYPT, None, eddsa.clone()), scheme),
            (ecc(OWN | A::DECRYPT, None, None), scheme),
            (ecc(OWN | A::DECRYPT, None, eddsa.clone()), scheme),
            (ecc(OWN | A::DECRYPT, None, hash_eddsa.clone()), scheme),
            (ecc(OWN | SIGN, None, ecdh.clone()), scheme),
            (ecc(OWN | SIGN, None, ecdsa.clone()), scheme),
            (ecc(OWN | STORAGE, aes128(), ecdh.clone()), scheme),
            (ecc(OWN | STORAGE, None, None), TpmRc::SYMMETRIC.parameter(2)),
            (ecc(OWN | A::DECRYPT, aes128(), ecdh.clone()), TpmRc::SYMMETRIC.parameter(2)),
        ] {
            let refused = tpm.run_auth(&create_primary(OWNER, on(curve, template.clone()))).err();
            assert_eq!(refused, Some(expected), "{template:?}");
        }
    }
    for edwards in [eddsa, hash_eddsa] {
        let refused = tpm.run_auth(&create_primary(OWNER, ecc(OWN | SIGN, None, edwards))).err();
        assert_eq!(refused, Some(scheme), "EdDSA on P-256");
    }
}

#[test]
fn keys_from_outside_are_loaded_if_they_are_keys() {
    let mut tpm = TestTpm::started();
    for curve in CURVES {
        for (template, size) in [
            (eddsa(curve, PLAIN), ed_size(curve)),
            (hash_eddsa(curve, PLAIN), ed_size(curve)),
            (x_key(curve, PLAIN), x_size(curve)),
        ] {
            let (public, secret) = outside_key(template, &vec![7; size]);
            let key = load(&mut tpm, public.clone(), Some(secret.clone())).unwrap();
            flush(&mut tpm, key);
            let key = load(&mut tpm, public.clone(), None).unwrap();
            flush(&mut tpm, key);

            let x = coordinate(&public);
            let point = Some(TpmRc::ECC_POINT.parameter(2));
            let refused = load(&mut tpm, public.clone(), Some(private(&vec![8; size]))).err();
            assert_eq!(refused, Some(TpmRc::BINDING), "another private value");
            for other in [size - 1, size + 1] {
                let refused = load(&mut tpm, public.clone(), Some(private(&vec![7; other]))).err();
                assert_eq!(refused, Some(TpmRc::KEY_SIZE.parameter(1)), "a private value of another size");
            }
            for (x, y) in [(&x[1..], &[][..]), (&x, &[1]), (&x, &x), (&[&x[..], &[0]].concat(), &[]), (&[], &[])] {
                let wrong = at(x, y, public.clone());
                assert_eq!(load(&mut tpm, wrong.clone(), None).err(), point, "{} and {}", x.len(), y.len());
                let refused = load(&mut tpm, wrong, Some(secret.clone())).err();
                assert_eq!(refused, Some(TpmRc::BINDING), "{} and {}", x.len(), y.len());
            }
        }
        // Above the prime, in the form that has only one encoding of each point.
        let above = at(&vec![0xff; ed_size(curve)], &[], eddsa(curve, PLAIN));
        assert_eq!(load(&mut tpm, above, None).err(), Some(TpmRc::ECC_POINT.parameter(2)));
        for small in of_small_order(curve) {
            let public = at(&small, &[], x_key(curve, PLAIN));
            assert_eq!(load(&mut tpm, public, None).err(), Some(TpmRc::ECC_POINT.parameter(2)), "{small:x?}");
        }
    }
}

#[test]
fn agreements_are_those_of_rfc_7748() {
    let mut tpm = TestTpm::started();
    for curve in CURVES {
        let own = vec![0x31; x_size(curve)];
        let (public, secret) = outside_key(x_key(curve, PLAIN), &own);
        let key = load(&mut tpm, public.clone(), Some(secret)).unwrap();
        let peer = vec![0x42; x_size(curve)];
        let point = ec_point(&openssl_public(&public, &peer), &[]);
        let z_gen = |point: TpmsEccPoint| EcdhZGen { key_handle: key, in_point: Tpm2b(point) };
        let z = tpm.run_auth(&z_gen(point.clone())).unwrap().out_point.0;
        assert_eq!((&*z.x, &*z.y), (&openssl_agrees(&public, &peer)[..], &[][..]));

        // With an ephemeral key of the TPM's own.
        let generated = tpm.run(&EcdhKeyGen { key_handle: key }).unwrap();
        let (z, sent) = (generated.z_point.0, generated.pub_point.0);
        assert_eq!((sent.x.len(), sent.y.len()), (x_size(curve), 0));
        assert_eq!(openssl_agrees(&at(&sent.x, &[], public.clone()), &own), *z.x);
        assert_eq!(tpm.run_auth(&z_gen(sent)).unwrap().out_point.0, z);

        let refused = TpmRc::ECC_POINT.parameter(1);
        for wrong in [
            ec_point(&point.x, &point.x),
            ec_point(&point.x, &[0]),
            ec_point(&point.x[1..], &[]),
            ec_point(&[&point.x[..], &[0]].concat(), &[]),
            ec_point(&[], &[]),
        ] {
            assert_eq!(tpm.run_auth(&z_gen(wrong)).err(), Some(refused));
        }
        for small in of_small_order(curve) {
            tpm.row("the point is not on the curve", &z_gen(ec_point(&small, &[])), refused);
        }
        flush(&mut tpm, key);
        // A point of EdDSA is none to multiply.
        let (signing, _) = made(&mut tpm, OWNER, eddsa(curve, OWN));
        let refused = tpm.run(&EcdhKeyGen { key_handle: signing }).err();
        assert_eq!(refused, Some(TpmRc::KEY.handle(1)));
        let refused = tpm.run_auth(&EcdhZGen { key_handle: signing, in_point: Tpm2b(point) }).err();
        assert_eq!(refused, Some(TpmRc::ATTRIBUTES.handle(1)));
        flush(&mut tpm, signing);
    }
}

const PARENT_KEY: &[u8] = b"the secret of a derivation parent";

#[test]
fn derived_keys_are_the_start_of_the_stream() {
    let mut tpm = TestTpm::started();
    let mut command = create_primary(OWNER, keyedhash(A::USER_WITH_AUTH | STORAGE, derivation()));
    command.in_sensitive = secret(b"", PARENT_KEY);
    let parent = tpm.run_auth(&command).unwrap().object_handle;
    let attributes = A::USER_WITH_AUTH | A::FIXED_PARENT;
    for curve in CURVES {
        for template in [eddsa(curve, attributes), hash_eddsa(curve, attributes), x_key(curve, attributes)] {
            let mut bytes = template.to_bytes();
            bytes.truncate(bytes.len() - 4);
            for part in [b"label", b"thing"] {
                Tpm2bLabel::from_slice(part).unwrap().marshal(&mut bytes);
            }
            let create = CreateLoaded {
                parent_handle: TpmiDhParent(parent.0),
                in_sensitive: secret(b"", b""),
                in_public: Tpm2bTemplate::from_slice(&bytes).unwrap(),
            };
            let derived = tpm.run_auth(&create).unwrap();
            let stream = kdfa(TpmiAlgHash::Sha256, PARENT_KEY, b"label", b"thing", &[], 8192);
            let size = if template.object_attributes.contains(SIGN) { ed_size(curve) } else { x_size(curve) };
            assert_eq!(coordinate(&derived.out_public.0), openssl_public(&template, &stream[..size]));
            flush(&mut tpm, TpmiDhObject(derived.object_handle.0));
        }
    }
}

#[test]
fn profiles_without_the_curves_do_not_know_them() {
    for profile in [Profile::COMPATIBLE, Profile::PC_CLIENT, Profile::SMALL_ECC, Profile::FIPS] {
        let mut tpm = TestTpm::with_profile(profile);
        for curve in CURVES {
            let refused = tpm.run_auth(&create_primary(OWNER, storage(curve))).err();
            assert_eq!(refused, Some(TpmRc::CURVE.parameter(2)), "{}", profile.name);
        }
        let refused = tpm.run_auth(&create_primary(OWNER, eddsa(TpmEccCurve::Curve25519, OWN))).err();
        assert_eq!(refused, Some(TpmRc::SCHEME.parameter(2)), "{}", profile.name);
    }
}

#[test]
fn capabilities_and_parameters_tell_of_the_curves() {
    let mut tpm = TestTpm::started();
    let curves = GetCapability { capability: TpmCap::EccCurves, property: 0x40, property_count: 10 };
    let TpmsCapabilityData::EccCurves(found) = tpm.run(&curves).unwrap().capability_data else { panic!() };
    assert_eq!(found.to_vec(), CURVES);
    let algorithms = GetCapability { capability: TpmCap::Algs, property: 0x60, property_count: 2 };
    let TpmsCapabilityData::Algorithms(found) = tpm.run(&algorithms).unwrap().capability_data else { panic!() };
    let signing = TpmaAlgorithm::ASYMMETRIC.with(TpmaAlgorithm::SIGNING);
    assert_eq!(
        found.iter().map(|entry| (entry.alg, entry.alg_properties)).collect::<Vec<_>>(),
        [(TpmAlgId::EDDSA, signing), (TpmAlgId::HASH_EDDSA, signing)]
    );
    for curve in CURVES {
        let parameters = tpm.run(&EccParameters { curve_id: curve }).unwrap().parameters;
        assert_eq!(parameters.g_x.last(), Some(if curve == TpmEccCurve::Curve25519 { &9 } else { &5 }));
        assert_eq!(parameters.p.len(), x_size(curve));
    }
    for template in every_kind() {
        tpm.run(&TestParms { parameters: template.parms() }).unwrap();
    }
}
