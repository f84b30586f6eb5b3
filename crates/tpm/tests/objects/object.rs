//! The object commands through bytes: creation, loading, protection, credentials, auth values.

use crate::common::{TestTpm, password, seeds};
use crate::templates::*;
use ironroot_crypto::{PORTABLE, hash::digest};
use ironroot_platform::memory::{MemoryStorage, TestEntropy};
use ironroot_tpm::{Profile, Tpm};
use ironroot_wire::*;

fn portable() -> TestTpm {
    let storage = MemoryStorage::new();
    let entropy = Box::new(TestEntropy::new(9));
    let tpm = Tpm::manufacture(Box::new(storage.clone()), entropy, &PORTABLE, Profile::HOST, seeds()).unwrap();
    let mut tpm = TestTpm { tpm, storage, now: 1, locality: 0, profile: Profile::HOST };
    tpm.startup(TpmSu::Clear).unwrap();
    tpm
}

fn srk(tpm: &mut TestTpm) -> CreatePrimaryResponse {
    tpm.run_auth(&create_primary(OWNER, ecc_srk())).unwrap()
}

fn load(
    tpm: &mut TestTpm,
    parent: u32,
    private: &Tpm2bPrivate,
    public: &Tpm2b<TpmtPublic>,
) -> Result<LoadResponse, TpmRc> {
    tpm.run_auth(&Load { parent_handle: TpmiDhObject(parent), in_private: private.clone(), in_public: public.clone() })
}

fn read_public(tpm: &mut TestTpm, handle: u32) -> ReadPublicResponse {
    tpm.run(&ReadPublic { object_handle: TpmiDhObject(handle) }).unwrap()
}

fn name_of(public: &TpmtPublic) -> Vec<u8> {
    let alg = public.name_alg.unwrap();
    [&alg.to_bytes()[..], &digest(alg, &[&public.to_bytes()])].concat()
}

#[test]
fn endorsement_keys_come_back_on_another_provider_and_after_a_new_manufacture() {
    let (mut host, mut other) = (TestTpm::started(), portable());
    for hierarchy in [ENDORSEMENT, PLATFORM] {
        for template in [ecc_srk(), rsa_srk(), symcipher(OWN | A::DECRYPT), keyedhash(OWN | SIGN, hmac_sha256())] {
            let command = create_primary(hierarchy, template.clone());
            let one = host.run_auth(&command).unwrap();
            let two = other.run_auth(&command).unwrap();
            let again = host.run_auth(&command).unwrap();
            assert_eq!(one.name, again.name);
            // The unique value of a symmetric object covers its seedValue, which shProof goes into here.
            let covers_proof = hierarchy == ENDORSEMENT
                && matches!(template.kind, PublicKind::Symcipher(..) | PublicKind::Keyedhash(..));
            assert_eq!(one.name == two.name, !covers_proof, "{template:?}");
        }
    }
    // The owner's keys mix in what TPM2_Clear replaces, and so belong to one manufacture.
    let command = create_primary(OWNER, ecc_srk());
    assert_ne!(host.run_auth(&command).unwrap().name, other.run_auth(&command).unwrap().name);
}

#[test]
fn names_qualified_names_and_creation_data_are_as_computed_outside() {
    let mut tpm = TestTpm::started();
    let parent = srk(&mut tpm);
    let sha = TpmiAlgHash::Sha256;
    assert_eq!(parent.name.as_slice(), name_of(&parent.out_public.0));
    let seed = OWNER.to_be_bytes();
    assert_eq!(parent.creation_data.0.parent_name.as_slice(), seed);
    assert_eq!(parent.creation_data.0.parent_qualified_name.as_slice(), seed);
    assert_eq!(parent.creation_data.0.parent_name_alg, TpmAlgId::NULL);
    assert_eq!(parent.creation_data.0.locality, TpmaLocality::LOC_ZERO);
    let qualified = [&sha.to_bytes()[..], &digest(sha, &[&seed, &parent.name])].concat();
    let public = read_public(&mut tpm, parent.object_handle.0);
    assert_eq!(public.qualified_name.as_slice(), qualified);
    assert_eq!(public.out_public.0.0, parent.out_public.0);

    let pcrs = TpmlPcrSelection::new(vec![
        TpmsPcrSelection { hash: TpmiAlgHash::Sha256, pcr_select: TpmsPcrSelect::of(&[0, 16]) },
        // SHA-1 is not allocated: it is left out of what comes back.
        TpmsPcrSelection { hash: TpmiAlgHash::Sha1, pcr_select: TpmsPcrSelect::of(&[1]) },
    ]);
    let mut command = create(parent.object_handle.0, ecdsa(OWN), b"auth", b"");
    command.outside_info = Tpm2bData::from_slice(b"made by a test").unwrap();
    command.creation_pcr = pcrs;
    tpm.locality = 3;
    let child = tpm.run_auth(&command).unwrap();
    tpm.locality = 0;
    let data = &child.creation_data.0;
    assert_eq!(data.locality, TpmaLocality::LOC_THREE);
    assert_eq!(data.parent_name, parent.name);
    assert_eq!(data.parent_qualified_name.as_slice(), qualified);
    assert_eq!(data.parent_name_alg, TpmAlgId::SHA256);
    assert_eq!(data.outside_info.as_slice(), b"made by a test");
    assert_eq!(data.pcr_digest.as_slice(), &*digest(sha, &[&[0; 32], &[0; 32]]));
    assert!(data.pcr_select[1].pcr_select.is_empty());
    assert_eq!(child.creation_hash.as_slice(), &*digest(sha, &[&data.to_bytes()]));
    assert_eq!(child.creation_ticket.hierarchy.0, OWNER);
    assert_eq!(child.creation_ticket.digest.len(), 64);

    let loaded = load(&mut tpm, parent.object_handle.0, &child.out_private, &child.out_public).unwrap();
    assert_eq!(loaded.name.as_slice(), name_of(&child.out_public.0));
    let child_qualified = [&sha.to_bytes()[..], &digest(sha, &[&qualified, &loaded.name])].concat();
    assert_eq!(read_public(&mut tpm, loaded.object_handle.0).qualified_name.as_slice(), child_qualified);
}

#[test]
fn every_type_of_object_is_created_and_loaded_under_every_type_of_parent() {
    let mut tpm = TestTpm::started();
    let parents = [ecc_srk(), rsa_srk(), symcipher(OWN | STORAGE)];
    for parent in parents {
        let parent = tpm.run_auth(&create_primary(OWNER, parent)).unwrap().object_handle.0;
        let kinds = [
            (ecdsa(OWN), &b""[..]),
            (rsassa(OWN), b""),
            (ecc_srk(), b""),
            (symcipher(OWN | A::DECRYPT | SIGN), b""),
            (symcipher(OWN.without(A::SENSITIVE_DATA_ORIGIN) | A::DECRYPT), b"a key of 16 byte"),
            (keyedhash(OWN | SIGN, hmac_sha256()), b""),
            (keyedhash(OWN.without(A::SENSITIVE_DATA_ORIGIN) | SIGN, hmac_sha256()), b"key"),
            (keyedhash(OWN | STORAGE, derivation()), b""),
            (sealed(), b"secret"),
        ];
        for (template, data) in kinds {
            let made = tpm.run_auth(&create(parent, template.clone(), b"", data)).unwrap();
            let loaded = load(&mut tpm, parent, &made.out_private, &made.out_public).unwrap();
            assert_eq!(loaded.name.as_slice(), name_of(&made.out_public.0), "{template:?}");
            let flush = FlushContext { flush_handle: TpmiDhContext(loaded.object_handle.0) };
            tpm.run(&flush).unwrap();
        }
    }
}

#[test]
fn keys_of_every_size_curve_and_name_algorithm_are_created_and_loaded() {
    let mut tpm = TestTpm::started();
    let parent = srk(&mut tpm).object_handle.0;
    let with_bits = |bits: u16| {
        let mut template = rsassa(OWN);
        if let PublicKind::Rsa(parms, _) = &mut template.kind {
            parms.key_bits = TpmiRsaKeyBits::new(bits);
        }
        template
    };
    let with_curve = |curve: TpmEccCurve| {
        let mut template = ecdsa(OWN);
        if let PublicKind::Ecc(parms, _) = &mut template.kind {
            parms.curve_id = curve;
        }
        template
    };
    let mut templates = vec![with_bits(3072), with_bits(4096)];
    templates.extend([TpmEccCurve::NistP256, TpmEccCurve::NistP384, TpmEccCurve::NistP521].map(with_curve));
    templates.extend(TpmiAlgHash::EVERY.iter().map(|&alg| TpmtPublic { name_alg: Some(alg), ..ecdsa(OWN) }));
    for template in templates {
        let made = tpm.run_auth(&create(parent, template.clone(), b"", b"")).unwrap();
        let loaded = load(&mut tpm, parent, &made.out_private, &made.out_public).unwrap();
        assert_eq!(loaded.name.as_slice(), name_of(&made.out_public.0));
        match &made.out_public.0.kind {
            PublicKind::Rsa(parms, modulus) => assert_eq!(modulus.len(), parms.key_bits.bytes()),
            PublicKind::Ecc(parms, point) => {
                assert_eq!([point.x.len(), point.y.len()], [parms.curve_id.field_size(); 2]);
            }
            _ => {}
        }
        let flush = FlushContext { flush_handle: TpmiDhContext(loaded.object_handle.0) };
        tpm.run(&flush).unwrap();
    }
    let unknown = tpm.run_auth(&create(parent, with_bits(1024), b"", b""));
    assert_eq!(unknown.map(|_| ()), Err(TpmRc::VALUE.parameter(2)));
}

#[test]
fn sealed_data_comes_back_with_the_right_auth_value_only() {
    let mut tpm = TestTpm::started();
    let parent = srk(&mut tpm).object_handle.0;
    let data = [0xA5; 128];
    // Trailing zeros of an auth value do not count.
    let made = tpm.run_auth(&create(parent, sealed(), b"pass\0\0", &data)).unwrap();
    let item = load(&mut tpm, parent, &made.out_private, &made.out_public).unwrap().object_handle.0;
    let unseal = Unseal { item_handle: TpmiDhObject(item) };
    assert_eq!(tpm.run_with(&unseal, &[password(b"pass")]).unwrap().out_data.as_slice(), data);
    assert_eq!(tpm.run_with(&unseal, &[password(b"pass\0")]).unwrap().out_data.as_slice(), data);
    assert_eq!(tpm.run_with(&unseal, &[password(b"wrong")]).unwrap_err().base(), TpmRc::AUTH_FAIL);
    // Keys are not sealed data.
    let made = tpm.run_auth(&create(parent, keyedhash(OWN | SIGN, hmac_sha256()), b"", b"")).unwrap();
    let key = load(&mut tpm, parent, &made.out_private, &made.out_public).unwrap().object_handle.0;
    assert_eq!(tpm.run_auth(&Unseal { item_handle: TpmiDhObject(key) }), Err(TpmRc::ATTRIBUTES.handle(1)));
    assert_eq!(tpm.run_auth(&Unseal { item_handle: TpmiDhObject(parent) }), Err(TpmRc::TYPE.handle(1)));
}

#[test]
fn a_private_area_that_was_changed_does_not_load() {
    let mut tpm = TestTpm::started();
    let parent = srk(&mut tpm).object_handle.0;
    let other = tpm.run_auth(&create_primary(OWNER, rsa_srk())).unwrap().object_handle.0;
    let made = tpm.run_auth(&create(parent, ecdsa(OWN), b"", b"")).unwrap();
    let blob = made.out_private.to_vec();
    for at in 0..blob.len() {
        let mut changed = blob.clone();
        changed[at] ^= 1;
        let changed = Tpm2bPrivate::from_slice(&changed).unwrap();
        let error = load(&mut tpm, parent, &changed, &made.out_public).unwrap_err();
        let expected = if at == 0 { TpmRc::SIZE } else { TpmRc::INTEGRITY };
        assert_eq!(error, expected.parameter(1), "byte {at}");
    }
    for length in 1..blob.len() {
        let cut = Tpm2bPrivate::from_slice(&blob[..length]).unwrap();
        let error = load(&mut tpm, parent, &cut, &made.out_public).unwrap_err();
        assert!(
            [TpmRc::INSUFFICIENT.parameter(1), TpmRc::INTEGRITY.parameter(1)].contains(&error),
            "{length}: {error}"
        );
    }
    assert_eq!(load(&mut tpm, parent, &Tpm2bPrivate::default(), &made.out_public), Err(TpmRc::SIZE.parameter(1)));
    assert_eq!(load(&mut tpm, other, &made.out_private, &made.out_public), Err(TpmRc::INTEGRITY.parameter(1)));
    let mut public = made.out_public.clone();
    public.0.object_attributes = public.0.object_attributes.with(A::NO_DA);
    assert_eq!(load(&mut tpm, parent, &made.out_private, &public), Err(TpmRc::INTEGRITY.parameter(1)));
    assert!(load(&mut tpm, parent, &made.out_private, &made.out_public).is_ok());
}

#[test]
fn two_private_areas_of_one_object_differ_and_the_length_of_the_auth_value_does_not_show() {
    let mut tpm = TestTpm::started();
    let parent = srk(&mut tpm).object_handle.0;
    let short = tpm.run_auth(&create(parent, sealed(), b"", b"data")).unwrap();
    let long = tpm.run_auth(&create(parent, sealed(), &[7; 32], b"data")).unwrap();
    assert_eq!(short.out_private.len(), long.out_private.len());
    let item = load(&mut tpm, parent, &short.out_private, &short.out_public).unwrap().object_handle.0;
    let change = ObjectChangeAuth {
        object_handle: TpmiDhObject(item),
        parent_handle: TpmiDhObject(parent),
        new_auth: Tpm2bAuth::default(),
    };
    let one = tpm.run_auth(&change).unwrap().out_private;
    let two = tpm.run_auth(&change).unwrap().out_private;
    assert_ne!(one, two);
}

#[test]
fn templates_that_contradict_themselves_are_refused() {
    let mut tpm = TestTpm::started();
    let parent = srk(&mut tpm).object_handle.0;
    let given = OWN.without(A::SENSITIVE_DATA_ORIGIN);
    let attributes = TpmRc::ATTRIBUTES.parameter(2);
    let scheme = TpmRc::SCHEME.parameter(2);
    let symmetric = TpmRc::SYMMETRIC.parameter(2);
    let oaep = Some(TpmtRsaScheme::Oaep(TpmiAlgHash::Sha256));
    let with_policy = |size: usize| {
        let mut template = ecdsa(OWN);
        template.auth_policy = Tpm2bDigest::from_slice(&vec![0; size]).unwrap();
        template
    };
    let with_kdf = {
        let mut template = ecdsa(OWN);
        if let PublicKind::Ecc(parms, _) = &mut template.kind {
            parms.kdf = Some(TpmtKdfScheme::Kdf1Sp800_108(TpmiAlgHash::Sha256));
        }
        template
    };
    let with_name_alg = {
        let mut template = ecc_srk();
        template.name_alg = Some(TpmiAlgHash::Sha384);
        template
    };
    let with_exponent = |exponent: u32| {
        let mut template = rsassa(OWN);
        if let PublicKind::Rsa(parms, _) = &mut template.kind {
            parms.exponent = exponent;
        }
        template
    };
    let xor = |kdf| Some(TpmtKeyedhashScheme::Xor(TpmsSchemeXor { hash_alg: TpmiAlgHash::Sha256, kdf }));
    let rows: &[(&str, TpmtPublic, &[u8], TpmRc)] = &[
        ("no data, not generated", keyedhash(given | SIGN, hmac_sha256()), b"", attributes),
        ("data, and generated", keyedhash(OWN | SIGN, hmac_sha256()), b"x", attributes),
        ("generated data object", keyedhash(OWN, None), b"", attributes),
        ("private key from outside", ecdsa(given), b"x", attributes),
        ("restricted key from outside", symcipher(given | STORAGE), b"0123456789abcdef", attributes),
        ("fixedTPM without fixedParent", ecdsa(OWN.without(A::FIXED_PARENT)), b"", attributes),
        ("fixedParent without fixedTPM", ecdsa(OWN.without(A::FIXED_TPM)), b"", attributes),
        ("encryptedDuplication with fixedTPM", ecdsa(OWN | A::ENCRYPTED_DUPLICATION), b"", attributes),
        ("restricted for both", ecc(OWN | STORAGE | SIGN, None, None), b"", attributes),
        ("restricted for neither", keyedhash(given | A::RESTRICTED, None), b"x", attributes),
        ("a key for nothing", ecc(OWN, None, None), b"", attributes),
        ("firmwareLimited", ecdsa(OWN | A::FIRMWARE_LIMITED), b"", attributes),
        ("svnLimited", ecdsa(OWN | A::SVN_LIMITED), b"", attributes),
        ("x509sign without sign", ecc(OWN | A::DECRYPT | A::X509_SIGN, None, None), b"", attributes),
        ("x509sign of a symmetric key", keyedhash(OWN | SIGN | A::X509_SIGN, hmac_sha256()), b"", attributes),
        ("policy of 20 bytes", with_policy(20), b"", TpmRc::SIZE.parameter(2)),
        ("restricted signing key without scheme", ecc(OWN | SIGN | A::RESTRICTED, None, None), b"", scheme),
        ("scheme for one of two uses", rsa(OWN | SIGN | A::DECRYPT, None, oaep.clone()), b"", scheme),
        ("decryption scheme of a signing key", rsa(OWN | SIGN, None, oaep.clone()), b"", scheme),
        (
            "signing scheme of a decryption key",
            rsa(OWN | A::DECRYPT, None, Some(TpmtRsaScheme::Rsapss(TpmiAlgHash::Sha256))),
            b"",
            scheme,
        ),
        ("scheme of a storage key", rsa(OWN | STORAGE, aes128(), oaep), b"", scheme),
        ("HMAC key without scheme", keyedhash(OWN | SIGN, None), b"", scheme),
        ("scheme of sealed data", keyedhash(given, hmac_sha256()), b"x", scheme),
        ("HMAC scheme of a decryption key", keyedhash(OWN | A::DECRYPT, hmac_sha256()), b"", scheme),
        ("derivation parent with another KDF", keyedhash(OWN | STORAGE, xor(Some(TpmiAlgKdf::Mgf1))), b"", scheme),
        ("derivation parent without KDF", keyedhash(OWN | STORAGE, xor(None)), b"", scheme),
        ("cipher of a signing key", ecc(OWN | SIGN, aes128(), None), b"", symmetric),
        ("storage key without cipher", ecc(OWN | STORAGE, None, None), b"", symmetric),
        (
            "storage key with another cipher than its parent",
            ecc(OWN | STORAGE, aes(TpmiSymKeyBits::Bits256), None),
            b"",
            symmetric,
        ),
        ("storage key with another name algorithm than its parent", with_name_alg, b"", TpmRc::HASH.parameter(2)),
        ("ECC key with a KDF", with_kdf, b"", TpmRc::KDF.parameter(2)),
        ("exponent 3", with_exponent(3), b"", TpmRc::RANGE),
        ("exponent that is no prime", with_exponent(65_539 * 3), b"", TpmRc::RANGE),
        ("AES key of 15 bytes", symcipher(given | A::DECRYPT), &[0; 15], TpmRc::KEY_SIZE),
        ("HMAC key longer than the block", keyedhash(given | SIGN, hmac_sha256()), &[0; 65], TpmRc::SIZE),
    ];
    for (what, template, data, expected) in rows {
        let result = tpm.run_auth(&create(parent, template.clone(), b"", data));
        assert_eq!(result.map(|_| ()), Err(*expected), "{what}");
    }
    let long_auth = create(parent, ecdsa(OWN), &[1; 33], b"");
    assert_eq!(tpm.run_auth(&long_auth).map(|_| ()), Err(TpmRc::SIZE.parameter(1)));
}

#[test]
fn children_of_a_parent_that_may_move_may_move_too() {
    let mut tpm = TestTpm::started();
    let root = srk(&mut tpm).object_handle.0;
    for group in [A::NONE, A::ENCRYPTED_DUPLICATION] {
        let made = tpm.run_auth(&create(root, ecc(MOBILE | STORAGE | group, aes128(), None), b"", b"")).unwrap();
        let parent = load(&mut tpm, root, &made.out_private, &made.out_public).unwrap().object_handle.0;
        let other = if group == A::NONE { A::ENCRYPTED_DUPLICATION } else { A::NONE };
        for (attributes, expected) in [
            (MOBILE | group, Ok(())),
            (MOBILE | A::FIXED_PARENT | group, Ok(())),
            (MOBILE | other, Err(TpmRc::ATTRIBUTES.parameter(2))),
            (OWN, Err(TpmRc::ATTRIBUTES.parameter(2))),
        ] {
            let made = tpm.run_auth(&create(parent, rsassa(attributes), b"", b""));
            assert_eq!(made.as_ref().map(|_| ()), expected.as_ref().map(|_| ()), "{attributes:?}");
            if let Ok(made) = made {
                load(&mut tpm, parent, &made.out_private, &made.out_public).unwrap();
            }
        }
    }
}

#[test]
fn only_storage_parents_have_children() {
    let mut tpm = TestTpm::started();
    let signer = tpm.run_auth(&create_primary(OWNER, ecdsa(OWN))).unwrap().object_handle.0;
    let deriver = tpm.run_auth(&create_primary(OWNER, keyedhash(OWN | STORAGE, derivation()))).unwrap().object_handle.0;
    for parent in [signer, deriver] {
        let result = tpm.run_auth(&create(parent, ecdsa(OWN), b"", b""));
        assert_eq!(result.map(|_| ()), Err(TpmRc::TYPE.handle(1)));
    }
}

#[test]
fn slots_run_out_and_come_back() {
    let mut tpm = TestTpm::started();
    let parent = srk(&mut tpm).object_handle.0;
    let made = tpm.run_auth(&create(parent, sealed(), b"", b"x")).unwrap();
    let mut last = 0;
    for _ in 1..Profile::HOST.loaded_objects {
        last = load(&mut tpm, parent, &made.out_private, &made.out_public).unwrap().object_handle.0;
    }
    assert_eq!(load(&mut tpm, parent, &made.out_private, &made.out_public), Err(TpmRc::OBJECT_MEMORY));
    let primary = tpm.run_auth(&create_primary(OWNER, ecc_srk()));
    assert_eq!(primary.map(|_| ()), Err(TpmRc::OBJECT_MEMORY));
    tpm.run(&FlushContext { flush_handle: TpmiDhContext(last) }).unwrap();
    assert_eq!(load(&mut tpm, parent, &made.out_private, &made.out_public).unwrap().object_handle.0, last);
}

#[test]
fn a_new_auth_value_is_in_the_new_private_area_only() {
    let mut tpm = TestTpm::started();
    let parent = srk(&mut tpm).object_handle.0;
    let stranger = tpm.run_auth(&create_primary(OWNER, rsa_srk())).unwrap().object_handle.0;
    for template in [sealed(), rsassa(OWN)] {
        let data: &[u8] = if matches!(template.kind, PublicKind::Rsa(..)) { b"" } else { b"data" };
        let made = tpm.run_auth(&create(parent, template, b"old", data)).unwrap();
        let old = load(&mut tpm, parent, &made.out_private, &made.out_public).unwrap().object_handle.0;
        let mut change = ObjectChangeAuth {
            object_handle: TpmiDhObject(old),
            parent_handle: TpmiDhObject(parent),
            new_auth: Tpm2bAuth::from_slice(b"new\0").unwrap(),
        };
        let private = tpm.run_with(&change, &[password(b"old")]).unwrap().out_private;
        let new = load(&mut tpm, parent, &private, &made.out_public).unwrap().object_handle.0;
        for (handle, right, wrong) in [(old, b"old", b"new"), (new, b"new", b"old")] {
            change.object_handle = TpmiDhObject(handle);
            assert!(tpm.run_with(&change, &[password(right)]).is_ok());
            assert_eq!(tpm.run_with(&change, &[password(wrong)]).unwrap_err().base(), TpmRc::AUTH_FAIL);
        }
        change.parent_handle = TpmiDhObject(stranger);
        assert_eq!(tpm.run_with(&change, &[password(b"new")]), Err(TpmRc::TYPE.handle(2)));
        change.new_auth = Tpm2bAuth::from_slice(&[1; 33]).unwrap();
        assert_eq!(tpm.run_with(&change, &[password(b"new")]), Err(TpmRc::SIZE.parameter(1)));
    }
    // A primary object has no private area.
    let change = ObjectChangeAuth {
        object_handle: TpmiDhObject(stranger),
        parent_handle: TpmiDhObject(parent),
        new_auth: Tpm2bAuth::default(),
    };
    assert_eq!(tpm.run_auth(&change), Err(TpmRc::TYPE.handle(2)));
}

#[test]
fn credentials_are_activated_by_their_object_only() {
    let mut tpm = TestTpm::started();
    for template in [ecc_srk(), rsa_srk()] {
        let key = tpm.run_auth(&create_primary(ENDORSEMENT, template.clone())).unwrap();
        let identity = tpm.run_auth(&create_primary(OWNER, ecdsa(OWN | A::RESTRICTED))).unwrap();
        let other = tpm.run_auth(&create_primary(OWNER, rsassa(OWN))).unwrap();
        // The maker has the public area alone.
        let maker = tpm
            .run(&LoadExternal {
                in_private: Tpm2bOption(None),
                in_public: Tpm2b(TpmtPublicPlus(key.out_public.0.clone())),
                hierarchy: TpmiRhHierarchy(NULL),
            })
            .unwrap();
        let make = MakeCredential {
            handle: TpmiDhObject(maker.object_handle.0),
            credential: CertInfo::from_slice(b"the credential").unwrap(),
            object_name: identity.name.clone(),
        };
        let made = tpm.run(&make).unwrap();
        let activate = |object: u32, key: u32, made: &MakeCredentialResponse| ActivateCredential {
            activate_handle: TpmiDhObject(object),
            key_handle: TpmiDhObject(key),
            credential_blob: made.credential_blob.clone(),
            secret: made.secret.clone(),
        };
        let (object, key) = (identity.object_handle.0, key.object_handle.0);
        let opened = tpm.run_auth(&activate(object, key, &made)).unwrap();
        assert_eq!(opened.cert_info.as_slice(), b"the credential");
        let wrong_object = tpm.run_auth(&activate(other.object_handle.0, key, &made));
        assert_eq!(wrong_object, Err(TpmRc::INTEGRITY.parameter(1)));
        assert_eq!(tpm.run_auth(&activate(object, other.object_handle.0, &made)), Err(TpmRc::TYPE.handle(2)));
        let public_only = tpm.run_auth(&activate(object, maker.object_handle.0, &made));
        assert_eq!(public_only.unwrap_err().base(), TpmRc::AUTH_UNAVAILABLE);

        for at in 0..made.credential_blob.len() {
            let mut blob = made.credential_blob.to_vec();
            blob[at] ^= 0x80;
            let changed =
                MakeCredentialResponse { credential_blob: Tpm2bIdObject::from_slice(&blob).unwrap(), ..made.clone() };
            let error = tpm.run_auth(&activate(object, key, &changed)).unwrap_err();
            assert!(
                [TpmRc::INTEGRITY.parameter(1), TpmRc::SIZE.parameter(1), TpmRc::INSUFFICIENT.parameter(1)]
                    .contains(&error),
                "{at}: {error}"
            );
        }
        let mut secret = made.secret.to_vec();
        *secret.last_mut().unwrap() ^= 1;
        let changed =
            MakeCredentialResponse { secret: Tpm2bEncryptedSecret::from_slice(&secret).unwrap(), ..made.clone() };
        let expected = if matches!(template.kind, PublicKind::Ecc(..)) { TpmRc::ECC_POINT } else { TpmRc::VALUE };
        assert_eq!(tpm.run_auth(&activate(object, key, &changed)), Err(expected.parameter(2)));
        let short =
            MakeCredentialResponse { secret: Tpm2bEncryptedSecret::from_slice(&secret[..20]).unwrap(), ..made.clone() };
        let error = tpm.run_auth(&activate(object, key, &short)).unwrap_err();
        assert!([TpmRc::SIZE.parameter(2), TpmRc::INSUFFICIENT.parameter(2)].contains(&error), "{error}");

        let long = MakeCredential { credential: CertInfo::from_slice(&[1; 33]).unwrap(), ..make.clone() };
        assert_eq!(tpm.run(&long), Err(TpmRc::SIZE.parameter(1)));
        let signer = MakeCredential { handle: TpmiDhObject(object), ..make };
        assert_eq!(tpm.run(&signer), Err(TpmRc::TYPE.handle(1)));
        for handle in [object, key, other.object_handle.0, maker.object_handle.0] {
            tpm.run(&FlushContext { flush_handle: TpmiDhContext(handle) }).unwrap();
        }
    }
}
