//! Duplication, import and everything else that crosses the border between two TPMs, through bytes: between ours and the
//! TPM of libtpms in both directions, and between two of ours.

use crate::common::{TestTpm, password, policy};
use crate::libtpms::{Any, Endpoint, Libtpms};
use crate::policies::{self, duplication_policy};
use crate::templates::*;
use ironroot_tpm::Profile;
use ironroot_wire::*;

fn mobile(mut public: TpmtPublic) -> TpmtPublic {
    public.auth_policy = duplication_policy();
    public
}

fn flush(tpm: &mut impl Endpoint, handles: &[u32]) {
    for &handle in handles {
        tpm.run(&FlushContext { flush_handle: TpmiDhContext(handle) }).unwrap();
    }
}

/// A storage key with its public area.
fn srk(tpm: &mut impl Endpoint, public: TpmtPublic) -> (u32, TpmtPublic) {
    let made = tpm.run_auth(&create_primary(OWNER, public)).unwrap();
    (made.object_handle.0, made.out_public.0)
}

fn create_and_load(
    tpm: &mut impl Endpoint,
    parent: u32,
    public: TpmtPublic,
    auth: &[u8],
    data: &[u8],
) -> (u32, TpmtPublic) {
    let made = tpm.run_auth(&create(parent, public, auth, data)).unwrap();
    (load(tpm, parent, made.out_private, &made.out_public.0).unwrap(), made.out_public.0)
}

fn load(tpm: &mut impl Endpoint, parent: u32, private: Tpm2bPrivate, public: &TpmtPublic) -> Result<u32, TpmRc> {
    let command = Load { parent_handle: TpmiDhObject(parent), in_private: private, in_public: Tpm2b(public.clone()) };
    Ok(tpm.run_auth(&command)?.object_handle.0)
}

fn load_public(tpm: &mut impl Endpoint, public: &TpmtPublic) -> u32 {
    let command = LoadExternal {
        in_private: Tpm2bOption(None),
        in_public: Tpm2b(TpmtPublicPlus(public.clone())),
        hierarchy: TpmiRhHierarchy(OWNER),
    };
    tpm.run(&command).unwrap().object_handle.0
}

fn policy_session(tpm: &mut impl Endpoint) -> u32 {
    let start = policies::start_command(TpmSe::Policy, TpmiAlgHash::Sha256);
    let session = tpm.run(&start).unwrap().session_handle;
    tpm.run(&policies::duplication(TpmiShPolicy(session.0))).unwrap();
    session.0
}

fn duplicate(
    tpm: &mut impl Endpoint,
    object: u32,
    new_parent: Option<u32>,
    key: &[u8],
    inner: Option<TpmtSymDefObject>,
) -> Result<DuplicateResponse, TpmRc> {
    let session = policy_session(tpm);
    let command = Duplicate {
        object_handle: TpmiDhObject(object),
        new_parent_handle: new_parent.map(TpmiDhObject),
        encryption_key_in: Tpm2bData::from_slice(key).unwrap(),
        symmetric_alg: inner,
    };
    let result = tpm.run_with(&command, &[policy(session)]);
    flush(tpm, &[session]);
    result
}

fn import(
    parent: u32,
    public: &TpmtPublic,
    made: &DuplicateResponse,
    key: &[u8],
    inner: Option<TpmtSymDefObject>,
) -> Import {
    Import {
        parent_handle: TpmiDhObject(parent),
        encryption_key: Tpm2bData::from_slice(key).unwrap(),
        object_public: Tpm2b(public.clone()),
        duplicate: made.duplicate.clone(),
        in_sym_seed: made.out_sym_seed.clone(),
        symmetric_alg: inner,
    }
}

/// Moves an object of `source` to `target` with each kind of wrapping, and returns the loaded object.
fn travel(
    source: &mut impl Endpoint,
    target: &mut impl Endpoint,
    object: u32,
    public: &TpmtPublic,
    new_root: &TpmtPublic,
) {
    let (parent, parent_public) = srk(target, new_root.clone());
    let outer = load_public(source, &parent_public);
    let key256: Vec<u8> = (0x42..0x62).collect();
    use TpmiAlgSymObject::{Camellia, Tdes};
    let camellia = cfb(Camellia, TpmiSymKeyBits::Bits256);
    let wrappings = [
        (Some(outer), &b""[..], None),
        (Some(outer), b"", aes128()),
        (Some(outer), &key256, aes(TpmiSymKeyBits::Bits256)),
        (None, &key256, aes(TpmiSymKeyBits::Bits256)),
        (Some(outer), b"", camellia),
        (None, &key256, camellia),
        (Some(outer), b"", cfb(Tdes, TpmiSymKeyBits::Bits128)),
        (None, &key256[..24], cfb(Tdes, TpmiSymKeyBits::Bits192)),
        (None, b"", None),
    ];
    for (new_parent, key, inner) in wrappings {
        let what = format!("{} to {}: {:?} {inner:?} of {public:?}", source.name(), target.name(), new_parent);
        let made = duplicate(source, object, new_parent, key, inner).unwrap_or_else(|rc| panic!("{what}: {rc}"));
        assert_eq!(made.out_sym_seed.is_empty(), new_parent.is_none());
        assert_eq!(made.encryption_key_out.is_empty(), inner.is_none() || !key.is_empty());
        let key = if key.is_empty() { made.encryption_key_out.to_vec() } else { key.to_vec() };
        let command = import(parent, public, &made, &key, inner);
        let private = target.run_auth(&command).unwrap_or_else(|rc| panic!("{what}: {rc}")).out_private;
        let loaded = load(target, parent, private, public).unwrap_or_else(|rc| panic!("{what}: {rc}"));
        let unseal = Unseal { item_handle: TpmiDhObject(loaded) };
        if let Ok(opened) = target.run_with(&unseal, &[password(b"auth")]) {
            assert_eq!(opened.out_data.as_slice(), b"sealed", "{what}");
        } else {
            assert!(public.object_attributes.intersects(SIGN | A::DECRYPT), "{what}");
        }
        flush(target, &[loaded]);
    }
    flush(source, &[outer]);
    flush(target, &[parent]);
}

/// A storage key that protects its children with another cipher than AES.
fn other_srk(algorithm: TpmiAlgSymObject) -> TpmtPublic {
    // libtpms has no Camellia-192.
    let tdes = algorithm == TpmiAlgSymObject::Tdes;
    let bits = if tdes { TpmiSymKeyBits::Bits192 } else { TpmiSymKeyBits::Bits256 };
    ecc(OWN | STORAGE | A::NO_DA, cfb(algorithm, bits), None)
}

fn everything_travels(mut source: Any<'_>, mut target: Any<'_>, reference_parents: bool) {
    let from_outside = MOBILE.without(A::SENSITIVE_DATA_ORIGIN);
    let mut kinds = vec![
        (rsassa(MOBILE), &b""[..]),
        (ecdsa(MOBILE), b""),
        (ecc(MOBILE | STORAGE, aes128(), None), b""),
        (symcipher(MOBILE | A::DECRYPT), b""),
        (ecc(MOBILE | STORAGE, cfb(TpmiAlgSymObject::Camellia, TpmiSymKeyBits::Bits256), None), b""),
        (keyedhash(MOBILE | SIGN, hmac_sha256()), b""),
        (keyedhash(from_outside, None), b"sealed"),
    ];
    // The unique value of symmetric parents is an HMAC in the Reference Code and a digest in the specification: ours takes
    // both, libtpms only its own.
    if reference_parents {
        kinds.push((symcipher(MOBILE | STORAGE), b""));
        kinds.push((keyedhash(MOBILE | STORAGE, derivation()), b""));
    }
    let (root, _) = srk(&mut source, ecc_srk());
    for (template, data) in kinds {
        let (object, public) = create_and_load(&mut source, root, mobile(template), b"auth", data);
        for new_root in [ecc_srk(), rsa_srk(), other_srk(TpmiAlgSymObject::Camellia), other_srk(TpmiAlgSymObject::Tdes)]
        {
            travel(&mut source, &mut target, object, &public, &new_root);
        }
        flush(&mut source, &[object]);
    }
}

#[test]
fn objects_travel_between_two_of_ours() {
    let (mut one, mut two) = (TestTpm::with_profile(Profile::EVERYTHING), TestTpm::with_profile(Profile::EVERYTHING));
    everything_travels(Any::Ours(&mut one), Any::Ours(&mut two), true);
}

#[test]
fn objects_travel_from_libtpms_to_ours() {
    let (mut ours, mut peer) = (TestTpm::with_profile(Profile::EVERYTHING), Libtpms::started());
    everything_travels(Any::Peer(&mut peer), Any::Ours(&mut ours), true);
}

#[test]
fn objects_travel_from_ours_to_libtpms() {
    let (mut ours, mut peer) = (TestTpm::with_profile(Profile::EVERYTHING), Libtpms::started());
    everything_travels(Any::Ours(&mut ours), Any::Peer(&mut peer), false);
}

/// A parent that both TPMs have: made by `source`, imported by `target`. Its roots are flushed.
fn shared_parent(source: &mut impl Endpoint, target: &mut impl Endpoint, template: TpmtPublic) -> (u32, u32) {
    let (root, _) = srk(source, ecc_srk());
    let (object, public) = create_and_load(source, root, mobile(template), b"", b"");
    let (new_root, _) = srk(target, ecc_srk());
    let made = duplicate(source, object, None, b"", None).unwrap();
    let private = target.run_auth(&import(new_root, &public, &made, b"", None)).unwrap().out_private;
    let copy = load(target, new_root, private, &public).unwrap();
    flush(source, &[root]);
    flush(target, &[new_root]);
    (object, copy)
}

fn children_load_elsewhere(mut source: Any<'_>, mut target: Any<'_>) {
    let mut parents = vec![
        ecc(MOBILE | STORAGE, aes128(), None),
        rsa(MOBILE | STORAGE, aes(TpmiSymKeyBits::Bits256), None),
        ecc(MOBILE | STORAGE, cfb(TpmiAlgSymObject::Camellia, TpmiSymKeyBits::Bits128), None),
        ecc(MOBILE | STORAGE, cfb(TpmiAlgSymObject::Tdes, TpmiSymKeyBits::Bits192), None),
    ];
    if source.name() == "libtpms" {
        parents.push(symcipher(MOBILE | STORAGE));
    }
    for parent in parents {
        let (here, there) = shared_parent(&mut source, &mut target, parent.clone());
        let from_outside = MOBILE.without(A::SENSITIVE_DATA_ORIGIN);
        for (template, data) in [
            (rsassa(MOBILE), &b""[..]),
            (ecdsa(MOBILE | A::FIXED_PARENT), b""),
            (keyedhash(from_outside, None), b"sealed"),
        ] {
            // What one TPM made is what the other loads, without import.
            let made = source.run_auth(&create(here, template.clone(), b"auth", data)).unwrap();
            let loaded = load(&mut target, there, made.out_private, &made.out_public.0).unwrap_or_else(|rc| {
                panic!("{} to {}, {template:?} under {parent:?}: {rc}", source.name(), target.name())
            });
            if !data.is_empty() {
                let opened =
                    target.run_with(&Unseal { item_handle: TpmiDhObject(loaded) }, &[password(b"auth")]).unwrap();
                assert_eq!(opened.out_data.as_slice(), data);
            }
            flush(&mut target, &[loaded]);
        }
        flush(&mut source, &[here]);
        flush(&mut target, &[there]);
    }
}

#[test]
fn private_areas_of_a_shared_parent_load_on_both_tpms() {
    let (mut ours, mut peer) = (TestTpm::with_profile(Profile::EVERYTHING), Libtpms::started());
    children_load_elsewhere(Any::Ours(&mut ours), Any::Peer(&mut peer));
    children_load_elsewhere(Any::Peer(&mut peer), Any::Ours(&mut ours));
}

#[test]
fn a_shared_derivation_parent_derives_the_same_keys() {
    let (mut ours, mut peer) = (TestTpm::with_profile(Profile::EVERYTHING), Libtpms::started());
    let (there, here) = shared_parent(&mut peer, &mut Any::Ours(&mut ours), keyedhash(MOBILE | STORAGE, derivation()));
    let derived = A::FIXED_PARENT | A::USER_WITH_AUTH;
    let with_curve = |curve: TpmEccCurve| {
        let mut public = ecdsa(derived);
        if let PublicKind::Ecc(parms, _) = &mut public.kind {
            parms.curve_id = curve;
        }
        public
    };
    let sha384 = |mut public: TpmtPublic| {
        public.name_alg = Some(TpmiAlgHash::Sha384);
        public
    };
    let publics = [
        with_curve(TpmEccCurve::NistP256),
        with_curve(TpmEccCurve::NistP384),
        symcipher(derived | A::DECRYPT),
        sha384(symcipher(derived | A::DECRYPT)),
        keyedhash(derived | SIGN, hmac_sha256()),
        keyedhash(derived | SIGN, Some(TpmtKeyedhashScheme::Hmac(TpmiAlgHash::Sha384))),
        sha384(keyedhash(derived | SIGN, hmac_sha256())),
    ];
    for public in publics {
        for (label, context) in [(&b"label"[..], &b"context"[..]), (b"", b""), (b"l", b""), (b"", b"c")] {
            let mut template = public.to_bytes();
            let unique = if matches!(public.kind, PublicKind::Ecc(..)) { 4 } else { 2 };
            template.truncate(template.len() - unique);
            for part in [label, context] {
                Tpm2bLabel::from_slice(part).unwrap().marshal(&mut template);
            }
            let command = |parent: u32| CreateLoaded {
                parent_handle: TpmiDhParent(parent),
                in_sensitive: secret(b"", b""),
                in_public: Tpm2bTemplate::from_slice(&template).unwrap(),
            };
            let one = ours.run_auth(&command(here)).unwrap();
            let two = peer.run_auth(&command(there)).unwrap();
            assert_eq!(one.out_public, two.out_public, "{public:?}");
            assert_eq!(one.name, two.name);
            flush(&mut Any::Ours(&mut ours), &[one.object_handle.0]);
            flush(&mut peer, &[two.object_handle.0]);
        }
    }
}

fn credential_crosses(mut maker: Any<'_>, mut activator: Any<'_>) {
    for root in [ecc_srk(), rsa_srk(), other_srk(TpmiAlgSymObject::Camellia), other_srk(TpmiAlgSymObject::Tdes)] {
        let (key, key_public) = srk(&mut activator, root);
        let identity = activator.run_auth(&create_primary(OWNER, ecdsa(OWN | A::RESTRICTED))).unwrap();
        let handle = load_public(&mut maker, &key_public);
        let make = MakeCredential {
            handle: TpmiDhObject(handle),
            credential: CertInfo::from_slice(b"across the border").unwrap(),
            object_name: identity.name.clone(),
        };
        let made = maker.run(&make).unwrap();
        let activate = ActivateCredential {
            activate_handle: TpmiDhObject(identity.object_handle.0),
            key_handle: TpmiDhObject(key),
            credential_blob: made.credential_blob,
            secret: made.secret,
        };
        let opened = activator.run_auth(&activate).unwrap();
        assert_eq!(opened.cert_info.as_slice(), b"across the border");
        flush(&mut maker, &[handle]);
        flush(&mut activator, &[key, identity.object_handle.0]);
    }
}

#[test]
fn credentials_of_libtpms_are_activated_by_ours_and_the_other_way_round() {
    let (mut ours, mut peer) = (TestTpm::with_profile(Profile::EVERYTHING), Libtpms::started());
    credential_crosses(Any::Peer(&mut peer), Any::Ours(&mut ours));
    credential_crosses(Any::Ours(&mut ours), Any::Peer(&mut peer));
}

#[test]
fn a_rewrapped_duplicate_arrives_at_the_new_parent() {
    let mut tpm = TestTpm::started();
    let mut any = Any::Ours(&mut tpm);
    let (root, _) = srk(&mut any, ecc_srk());
    let (old, _) = srk(&mut any, rsa_srk());
    let (object, public) = create_and_load(&mut any, root, mobile(ecdsa(MOBILE)), b"", b"");
    let name = any.run(&ReadPublic { object_handle: TpmiDhObject(object) }).unwrap().name;
    let made = duplicate(&mut any, object, Some(old), b"", aes128()).unwrap();
    let key = made.encryption_key_out.to_vec();
    let rewrap = Rewrap {
        old_parent: Some(TpmiDhObject(old)),
        new_parent: Some(TpmiDhObject(root)),
        in_duplicate: made.duplicate.clone(),
        name: name.clone(),
        in_sym_seed: made.out_sym_seed.clone(),
    };
    // From the old parent to the new one; to nobody; and from nobody to the new one.
    let direct = any.run_auth(&rewrap).unwrap();
    let nobody = any.run_auth(&Rewrap { new_parent: None, ..rewrap.clone() }).unwrap();
    assert!(nobody.out_sym_seed.is_empty());
    let from_nobody = any
        .run_auth(&Rewrap {
            old_parent: None,
            in_duplicate: nobody.out_duplicate.clone(),
            in_sym_seed: Tpm2bEncryptedSecret::default(),
            ..rewrap.clone()
        })
        .unwrap();
    for wrapped in [direct, nobody, from_nobody] {
        let made = DuplicateResponse {
            encryption_key_out: Tpm2bData::default(),
            duplicate: wrapped.out_duplicate,
            out_sym_seed: wrapped.out_sym_seed,
        };
        let private = any.run_auth(&import(root, &public, &made, &key, aes128())).unwrap().out_private;
        load(&mut any, root, private, &public).unwrap();
    }

    let rows = [
        ("a seed without an old parent", Rewrap { old_parent: None, ..rewrap.clone() }, TpmRc::HANDLE.handle(1)),
        (
            "an old parent without a seed",
            Rewrap { in_sym_seed: Tpm2bEncryptedSecret::default(), ..rewrap.clone() },
            TpmRc::HANDLE.handle(1),
        ),
        (
            "an old parent that is none",
            Rewrap { old_parent: Some(TpmiDhObject(object)), ..rewrap.clone() },
            TpmRc::TYPE.handle(1),
        ),
        (
            "a new parent that is none",
            Rewrap { new_parent: Some(TpmiDhObject(object)), ..rewrap.clone() },
            TpmRc::TYPE.handle(2),
        ),
        (
            "the seed of another key",
            Rewrap { old_parent: Some(TpmiDhObject(root)), ..rewrap.clone() },
            TpmRc::VALUE.parameter(3),
        ),
        (
            "another name",
            Rewrap { name: Tpm2bName::from_slice(b"name").unwrap(), ..rewrap.clone() },
            TpmRc::INTEGRITY.parameter(1),
        ),
        ("nothing", Rewrap { in_duplicate: Tpm2bPrivate::default(), ..rewrap }, TpmRc::INSUFFICIENT.parameter(1)),
    ];
    for (what, command, expected) in rows {
        assert_eq!(any.run_auth(&command).map(|_| ()), Err(expected), "{what}");
    }
}

#[test]
fn duplication_refuses_what_it_must() {
    let mut tpm = TestTpm::started();
    let mut any = Any::Ours(&mut tpm);
    let (root, _) = srk(&mut any, ecc_srk());
    let (symmetric, _) = srk(&mut any, symcipher(OWN | STORAGE));
    let (free, _) = create_and_load(&mut any, root, mobile(ecdsa(MOBILE)), b"", b"");
    let (fixed, _) = create_and_load(&mut any, root, mobile(ecdsa(OWN)), b"", b"");
    let (wrapped, _) = create_and_load(&mut any, root, mobile(ecdsa(MOBILE | A::ENCRYPTED_DUPLICATION)), b"", b"");
    let rows = [
        ("fixedParent", fixed, Some(root), &b""[..], None, TpmRc::ATTRIBUTES.handle(1)),
        ("a symmetric new parent", free, Some(symmetric), b"", None, TpmRc::TYPE.handle(2)),
        ("a new parent that is none", free, Some(free), b"", None, TpmRc::TYPE.handle(2)),
        ("no inner wrapper", wrapped, Some(root), b"", None, TpmRc::SYMMETRIC.parameter(2)),
        ("no new parent", wrapped, None, b"", aes128(), TpmRc::HIERARCHY.handle(2)),
        ("a key for no wrapper", free, Some(root), b"x", None, TpmRc::SIZE.parameter(1)),
        ("a key of another size", free, Some(root), &[0; 15], aes128(), TpmRc::SIZE.parameter(1)),
    ];
    for (what, object, new_parent, key, inner, expected) in rows {
        let result = duplicate(&mut any, object, new_parent, key, inner);
        assert_eq!(result.map(|_| ()), Err(expected), "{what}");
    }
    assert!(duplicate(&mut any, wrapped, Some(root), b"", aes128()).is_ok());
    // The auth value of the object does not authorize its duplication.
    let command = Duplicate {
        object_handle: TpmiDhObject(free),
        new_parent_handle: None,
        encryption_key_in: Tpm2bData::default(),
        symmetric_alg: None,
    };
    assert!(any.run_auth(&command).is_err());
}

#[test]
fn import_refuses_what_it_must() {
    let mut tpm = TestTpm::started();
    let mut any = Any::Ours(&mut tpm);
    let (root, _) = srk(&mut any, ecc_srk());
    let (symmetric, _) = srk(&mut any, symcipher(OWN | STORAGE));
    let (object, public) = create_and_load(&mut any, root, mobile(ecdsa(MOBILE)), b"", b"");
    let made = duplicate(&mut any, object, Some(root), b"", aes128()).unwrap();
    let key = made.encryption_key_out.to_vec();
    let good = import(root, &public, &made, &key, aes128());
    any.run_auth(&good).unwrap();
    let with_attributes = |attributes: A| {
        let mut public = public.clone();
        public.object_attributes = attributes;
        Import { object_public: Tpm2b(public), ..good.clone() }
    };
    let encrypted = MOBILE | SIGN | A::ENCRYPTED_DUPLICATION;
    let none = Tpm2bData::default();
    let rows = [
        ("fixedTPM", with_attributes(OWN | SIGN), TpmRc::ATTRIBUTES.parameter(2)),
        ("fixedParent", with_attributes(MOBILE | A::FIXED_PARENT | SIGN), TpmRc::ATTRIBUTES.parameter(2)),
        (
            "a parent that is none",
            Import { parent_handle: TpmiDhObject(object), ..good.clone() },
            TpmRc::TYPE.handle(1),
        ),
        (
            "a symmetric parent",
            Import { parent_handle: TpmiDhObject(symmetric), ..good.clone() },
            TpmRc::TYPE.handle(1),
        ),
        (
            "a key of another size",
            Import { encryption_key: Tpm2bData::from_slice(&key[1..]).unwrap(), ..good.clone() },
            TpmRc::SIZE.parameter(1),
        ),
        ("a key for no wrapper", Import { symmetric_alg: None, ..good.clone() }, TpmRc::SIZE.parameter(1)),
        (
            "encryptedDuplication without an inner wrapper",
            Import { symmetric_alg: None, encryption_key: none.clone(), ..with_attributes(encrypted) },
            TpmRc::ATTRIBUTES.parameter(1),
        ),
        (
            "encryptedDuplication without an outer wrapper",
            Import { in_sym_seed: Tpm2bEncryptedSecret::default(), ..with_attributes(encrypted) },
            TpmRc::ATTRIBUTES.parameter(4),
        ),
        ("another public area", with_attributes(MOBILE | SIGN | A::NO_DA), TpmRc::INTEGRITY.parameter(3)),
        (
            "a wrong inner key",
            Import { encryption_key: Tpm2bData::from_slice(&[1; 16]).unwrap(), ..good.clone() },
            TpmRc::SIZE.parameter(3),
        ),
        (
            "no duplicate",
            Import { duplicate: Tpm2bPrivate::default(), ..good.clone() },
            TpmRc::INSUFFICIENT.parameter(3),
        ),
        (
            "half a seed",
            Import { in_sym_seed: Tpm2bEncryptedSecret::from_slice(&made.out_sym_seed[..30]).unwrap(), ..good.clone() },
            TpmRc::INSUFFICIENT.parameter(4),
        ),
    ];
    for (what, command, expected) in rows {
        let code = any.run_auth(&command).map(|_| ()).unwrap_err();
        // A wrong key leaves a random size in front, which is either too large, or the digest that follows is wrong.
        let accepted = code == expected || (what == "a wrong inner key" && code == TpmRc::INTEGRITY.parameter(3));
        assert!(accepted, "{what}: {code}");
    }
    for at in 0..made.duplicate.len() {
        let mut blob = made.duplicate.to_vec();
        blob[at] ^= 1;
        let changed = Import { duplicate: Tpm2bPrivate::from_slice(&blob).unwrap(), ..good.clone() };
        let code = any.run_auth(&changed).map(|_| ()).unwrap_err();
        assert!(
            [TpmRc::INTEGRITY.parameter(3), TpmRc::SIZE.parameter(3), TpmRc::INSUFFICIENT.parameter(3)].contains(&code),
            "{at}: {code}"
        );
    }
}

/// A sensitive area in the clear, as it stands in a duplicate without wrappers.
fn clear(sensitive: &[u8]) -> Tpm2bPrivate {
    let mut blob = (sensitive.len() as u16).to_bytes();
    blob.extend_from_slice(sensitive);
    Tpm2bPrivate::from_slice(&blob).unwrap()
}

#[test]
fn hostile_sensitive_areas_are_refused_in_import_and_in_load() {
    let mut tpm = TestTpm::started();
    let mut any = Any::Ours(&mut tpm);
    let (root, _) = srk(&mut any, ecc_srk());
    let (mobile_parent, _) = create_and_load(&mut any, root, ecc(MOBILE | STORAGE, aes128(), None), b"", b"");
    for template in
        [ecdsa(MOBILE), rsassa(MOBILE), symcipher(MOBILE | A::DECRYPT), keyedhash(MOBILE | SIGN, hmac_sha256())]
    {
        let (object, public) = create_and_load(&mut any, root, mobile(template), b"", b"");
        let made = duplicate(&mut any, object, None, b"", None).unwrap();
        let sensitive = made.duplicate[2..].to_vec();
        let mut count = 0;
        // Every bit of the structure: under a parent with fixedTPM the import fails, or the object is unharmed because the
        // bit is in the auth value. Under another parent the load fails.
        for bit in 0..sensitive.len() * 8 {
            let mut changed = sensitive.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            let duplicate = DuplicateResponse { duplicate: clear(&changed), ..made.clone() };
            if let Ok(imported) = any.run_auth(&import(root, &public, &duplicate, b"", None)) {
                let loaded = load(&mut any, root, imported.out_private, &public).unwrap();
                flush(&mut any, &[loaded]);
                assert!((4..36).contains(&(bit / 8)), "bit {bit} of {public:?}");
                count += 1;
            }
            if let Ok(imported) = any.run_auth(&import(mobile_parent, &public, &duplicate, b"", None))
                && let Ok(loaded) = load(&mut any, mobile_parent, imported.out_private, &public)
            {
                flush(&mut any, &[loaded]);
                assert!((4..36).contains(&(bit / 8)), "bit {bit} of {public:?}");
            }
        }
        assert_eq!(count, 256, "{public:?}");
        for length in 0..sensitive.len() {
            let cut = DuplicateResponse { duplicate: clear(&sensitive[..length]), ..made.clone() };
            assert!(any.run_auth(&import(root, &public, &cut, b"", None)).is_err());
        }
        flush(&mut any, &[object]);
    }
}
