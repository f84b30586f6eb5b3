//! The classes of the published defects of other TPMs, each as a test that names it: what crashed, leaked or weakened them
//! is refused here, with the code that Part 3 asks for, or does no harm.
//!
//! State files, state blobs and the channels around the TPM have theirs in crates/store/tests/known_defects.rs,
//! crates/host/tests/known_defects.rs and in the unit tests of crates/tpm/src/volatile.rs.

use crate::common::{TestTpm, decode, encode, frame, password, policy, rc, seeds};
use crate::outside::{encrypt, load_external, no_ticket, openssl_encrypt};
use crate::policies::start;
use crate::templates::{keys::*, *};
use ironroot_crypto::hash::digest;
use ironroot_platform::{
    RecordKey,
    memory::{TestEntropy, VolatileStorage},
};
use ironroot_tpm::{Profile, Tpm};
use ironroot_wire::*;

const SHA256: TpmiAlgHash = TpmiAlgHash::Sha256;

fn session(tpm: &mut TestTpm, symmetric: Option<TpmtSymDef>) -> u32 {
    let command = StartAuthSession {
        tpm_key: None,
        bind: None,
        nonce_caller: Tpm2bNonce::from_slice(&[3; 16]).unwrap(),
        encrypted_salt: Tpm2bEncryptedSecret::default(),
        session_type: TpmSe::Hmac,
        symmetric,
        auth_hash: SHA256,
    };
    tpm.run(&command).unwrap().session_handle.0
}

/// The parameter's size field lay partly or wholly behind the command, or promised more than there was: two bytes were written,
/// or read, behind the buffer.
#[test]
fn cve_2023_1017_and_cve_2023_1018_parameter_decryption_stays_inside_the_command() {
    for symmetric in [TpmtSymDef::Cipher(aes128().unwrap()), TpmtSymDef::Xor(SHA256)] {
        for promised in
            [None, Some(&[][..]), Some(&[0][..]), Some(&[0, 1]), Some(&[0, 3, 1, 2]), Some(&[0xFF, 0xFF, 1])]
        {
            let mut tpm = TestTpm::started();
            let handle = session(&mut tpm, Some(symmetric));
            let authorization = TpmsAuthCommand {
                session_handle: TpmiShAuthSession(handle),
                nonce: Tpm2bNonce::from_slice(&[4; 16]).unwrap(),
                session_attributes: TpmaSession::CONTINUE_SESSION | TpmaSession::DECRYPT,
                hmac: Tpm2bAuth::default(),
            };
            let mut area = Vec::new();
            authorization.marshal(&mut area);
            let mut body = (area.len() as u32).to_bytes();
            body.extend_from_slice(&area);
            body.extend_from_slice(promised.unwrap_or_default());
            let answer = rc(&tpm.raw(&frame(TpmSt::Sessions, Hash::INFO.code.0, &body)));
            // There is no first parameter, or it is cut off: TPM_RC_INSUFFICIENT or TPM_RC_SIZE of parameter 1.
            assert!(
                [TpmRc::INSUFFICIENT.parameter(1), TpmRc::SIZE.parameter(1)].contains(&answer),
                "{symmetric:?} {promised:?}: {answer}"
            );
            tpm.run(&GetRandom { bytes_requested: 4 }).unwrap();
        }
    }
}

/// The scheme that a caller chose was used with a key of another type, and its hash as the index of a table.
#[test]
fn cve_2025_2884_and_cve_2025_49133_a_scheme_is_held_against_the_type_of_the_key() {
    let mut tpm = TestTpm::started();
    let (public, private) = hmac_pair(&[7; 32]);
    let plain = without_scheme(&public);
    let schemes = [
        TpmtSigScheme::Ecdsa(SHA256),
        TpmtSigScheme::Rsassa(SHA256),
        TpmtSigScheme::Rsapss(SHA256),
        TpmtSigScheme::Ecschnorr(SHA256),
        TpmtSigScheme::Sm2(SHA256),
        TpmtSigScheme::Ecdaa(TpmsSchemeEcdaa { hash_alg: SHA256, count: 1 }),
    ];
    for public in [public, plain] {
        let key = tpm.run(&load_external(public, Some(private.clone()), NULL)).unwrap().object_handle;
        for scheme in &schemes {
            let sign = Sign {
                key_handle: TpmiDhObject(key.0),
                digest: Tpm2bDigest::from_slice(&[5; 32]).unwrap(),
                in_scheme: Some(scheme.clone()),
                validation: no_ticket(),
            };
            assert_eq!(tpm.run_auth(&sign).err(), Some(TpmRc::SCHEME.parameter(2)), "{scheme:?}");
        }
        tpm.run(&FlushContext { flush_handle: TpmiDhContext(key.0) }).unwrap();
    }
    // A size field of 65,535 where a digest of at most 64 bytes belongs, and nothing behind it.
    let key = tpm.run(&load_external(ec_public(), Some(ec_private()), NULL)).unwrap().object_handle;
    let mut area = Vec::new();
    password(b"").marshal(&mut area);
    let body = [&key.0.to_be_bytes()[..], &(area.len() as u32).to_be_bytes(), &area, &[0xFF, 0xFF]].concat();
    let answer = rc(&tpm.raw(&frame(TpmSt::Sessions, Sign::INFO.code.0, &body)));
    assert_eq!(answer, TpmRc::SIZE.parameter(1));
}

/// Without a scheme, the key has to be one that could also decrypt.
fn without_scheme(public: &TpmtPublic) -> TpmtPublic {
    let mut public = public.clone();
    public.object_attributes = public.object_attributes.with(A::DECRYPT);
    if let PublicKind::Keyedhash(parms, _) = &mut public.kind {
        parms.scheme = None;
    }
    public
}

/// The chaining value that came back was the one that went in, or that of the wrong block.
#[test]
fn cve_2021_3446_and_cve_2026_21444_the_chaining_value_goes_on() {
    let mut tpm = TestTpm::started();
    let any_mode = TpmtSymDefObject { mode: None, ..aes128().unwrap() };
    let (public, private) = cipher_pair(any_mode, PLAIN | A::SIGN_ENCRYPT | A::DECRYPT, &[0x2B; 16]);
    let key = tpm.run(&load_external(public, Some(private), NULL)).unwrap().object_handle;
    let message: Vec<u8> = (0..96).collect();
    for (mode, name) in [
        (TpmiAlgCipherMode::Cbc, "aes-128-cbc"),
        (TpmiAlgCipherMode::Cfb, "aes-128-cfb"),
        (TpmiAlgCipherMode::Ofb, "aes-128-ofb"),
        (TpmiAlgCipherMode::Ctr, "aes-128-ctr"),
    ] {
        let mut iv = [9; 16].to_vec();
        let mut made = Vec::new();
        for piece in message.chunks(32) {
            let command = EncryptDecrypt2 {
                key_handle: TpmiDhObject(key.0),
                in_data: Tpm2bMaxBuffer::from_slice(piece).unwrap(),
                decrypt: TpmiYesNo(false),
                mode: Some(mode),
                iv_in: Tpm2bIv::from_slice(&iv).unwrap(),
            };
            let answer = tpm.run_auth(&command).unwrap();
            assert_ne!(answer.iv_out[..], iv[..], "{name}");
            iv = answer.iv_out.to_vec();
            made.extend_from_slice(&answer.out_data);
        }
        assert_eq!(made, openssl_encrypt(name, &[0x2B; 16], &[9; 16], &message), "{name}");
    }
}

/// Wrong paddings could be told apart. (That they take the same time is measured by `cargo xtask timing`.)
#[test]
fn cve_2026_6727_wrong_oaep_paddings_are_all_the_same_error() {
    let mut tpm = TestTpm::started();
    let mut public = rsa(PLAIN | A::DECRYPT, None, Some(TpmtRsaScheme::Oaep(SHA256)));
    if let PublicKind::Rsa(_, unique) = &mut public.kind {
        *unique = Tpm2bPublicKeyRsa::from_slice(&bytes(RSA_N)).unwrap();
    }
    let key = tpm.run(&load_external(public.clone(), Some(rsa_private()), NULL)).unwrap().object_handle;
    let mut decrypt = |cipher: &[u8]| {
        let command = RsaDecrypt {
            key_handle: TpmiDhObject(key.0),
            cipher_text: Tpm2bPublicKeyRsa::from_slice(cipher).unwrap(),
            in_scheme: None,
            label: Tpm2bData::default(),
        };
        tpm.run_auth(&command).map(|answer| answer.message.to_vec())
    };
    const OAEP: &[&str] = &["-pkeyopt", "rsa_padding_mode:oaep", "-pkeyopt", "rsa_oaep_md:sha256"];
    assert_eq!(decrypt(&encrypt(&public, b"message", OAEP)).as_deref(), Ok(&b"message"[..]));
    // The encoded message: a zero, the masked seed (32 bytes), the masked data block: label hash (32), zeros, 01, message.
    let mut codes = Vec::new();
    for wrong in wrong_encodings() {
        let cipher = encrypt(&public, &wrong, &["-pkeyopt", "rsa_padding_mode:none"]);
        codes.push(decrypt(&cipher).unwrap_err());
    }
    // Part 3, TPM2_RSA_Decrypt: TPM_RC_VALUE, "cipherText is not properly padded", and nothing more.
    codes.dedup();
    assert_eq!(codes, [TpmRc::VALUE.parameter(1)]);
}

/// Encoded messages of 256 bytes with each part of OAEP wrong in turn.
fn wrong_encodings() -> Vec<Vec<u8>> {
    let mask = |seed: &[u8], length: usize| -> Vec<u8> {
        let blocks = (0..).map(|counter: u32| digest(SHA256, &[seed, &counter.to_be_bytes()]).to_vec());
        blocks.take(length.div_ceil(32)).flatten().take(length).collect()
    };
    let xor = |a: &[u8], b: &[u8]| -> Vec<u8> { a.iter().zip(b).map(|(a, b)| a ^ b).collect() };
    let encode = |first: u8, label: &[u8], padding: &[u8], separator: u8| {
        let mut block = [&digest(SHA256, &[label])[..], padding].concat();
        block.resize(223 - 8, 0);
        block.push(separator);
        block.extend_from_slice(b"message");
        let seed = [0x5A; 32];
        let masked = xor(&block, &mask(&seed, 223));
        [&[first], xor(&seed, &mask(&masked, 32)).as_slice(), &masked].concat()
    };
    assert_eq!(encode(0, b"", b"", 1).len(), 256);
    vec![
        encode(1, b"", b"", 1),
        encode(0, b"other", b"", 1),
        encode(0, b"", b"\x02", 1),
        encode(0, b"", b"\0\0\xFF", 1),
        encode(0, b"", b"", 2),
        // No separator anywhere.
        encode(0, b"", &[0; 183], 0),
        vec![0; 256],
        [&[0][..], &[0x11; 255]].concat(),
    ]
}

/// The two highest bits of the primes were not forced, so that keys had up to 64 bits less than they promised.
#[test]
fn cve_2021_3505_primes_have_their_full_length() {
    let mut tpm = TestTpm::started();
    for unique in 0..6 {
        let mut public = rsassa(OWN);
        if let PublicKind::Rsa(_, modulus) = &mut public.kind {
            *modulus = Tpm2bPublicKeyRsa::from_slice(&[unique; 4]).unwrap();
        }
        let made = tpm.run_auth(&create_primary(OWNER, public)).unwrap();
        let PublicKind::Rsa(_, modulus) = &made.out_public.0.kind else { panic!("an RSA key") };
        // Both primes are at least 3/4 of 2^1024 if each has its two highest bits, so the product is at least 9/16 of 2^2048.
        assert!(modulus.len() == 256 && modulus[0] >= 0x90, "{:02x?}", &modulus[..4]);
        tpm.run(&FlushContext { flush_handle: TpmiDhContext(made.object_handle.0) }).unwrap();
    }
}

/// The template hash of a policy was compared after a walk over sizes that nobody had checked.
#[test]
fn libtpms_615_the_template_is_looked_at_inside_the_command() {
    let mut tpm = TestTpm::started();
    let session = start(&mut tpm, TpmSe::Policy, SHA256);
    let hash = Tpm2bDigest::from_slice(&[6; 32]).unwrap();
    tpm.run(&PolicyTemplate { policy_session: session.handle, template_hash: hash.clone() }).unwrap();
    let change = HierarchyChangeAuth { auth_handle: TpmiRhHierarchyAuth(OWNER), new_auth: Tpm2bAuth::default() };
    tpm.run_auth(&change).unwrap();
    let set = SetPrimaryPolicy {
        auth_handle: TpmiRhHierarchyPolicy(OWNER),
        auth_policy: Tpm2bDigest::from_slice(&digest(SHA256, &[&[0; 32], &0x190_u32.to_be_bytes(), &hash])).unwrap(),
        hash_alg: Some(SHA256),
    };
    tpm.run_auth(&set).unwrap();
    let whole = encode(&create_primary(OWNER, ecc_srk()), &[policy(session.handle.0)]);
    let parameters = whole.len() - 10 - 4 - 4 - 9;
    for left in 0..parameters {
        let mut cut = whole[..whole.len() - left - 1].to_vec();
        let size = cut.len() as u32;
        cut[2..6].copy_from_slice(&size.to_be_bytes());
        assert_ne!(rc(&tpm.raw(&cut)), TpmRc::SUCCESS, "{left} bytes less");
    }
    // Sizes of 65,535 at each place of the two structures.
    for place in whole.len() - parameters..whole.len() - 1 {
        let mut changed = whole.clone();
        changed[place..place + 2].fill(0xFF);
        assert_ne!(rc(&tpm.raw(&changed)), TpmRc::SUCCESS, "at {place}");
    }
    assert!(decode::<GetRandom>(&tpm.raw(&encode(&GetRandom { bytes_requested: 8 }, &[]))).is_ok());
}

/// More sequences in the partial certificate than the parser had room for.
#[test]
fn libtpms_617_certificates_with_too_many_parts_are_refused() {
    let mut tpm = TestTpm::started();
    let key = tpm.run_auth(&create_primary(OWNER, with_x509(ecdsa(OWN)))).unwrap().object_handle;
    let sequence = [0x30, 2, 5, 0];
    for count in 0..20 {
        let inner = sequence.repeat(count);
        for outer in [
            vec![0x30, inner.len() as u8],
            vec![0x30, 0x81, inner.len() as u8],
            vec![0x30, 0x84, 0xFF, 0xFF, 0xFF, 0xFF],
        ] {
            let command = CertifyX509 {
                object_handle: TpmiDhObject(key.0),
                sign_handle: TpmiDhObject(key.0),
                reserved: Tpm2bData::default(),
                in_scheme: None,
                partial_certificate: Tpm2bMaxBuffer::from_slice(&[outer, inner.clone()].concat()).unwrap(),
            };
            let answer = tpm.run_with(&command, &[password(b""), password(b"")]);
            assert_eq!(answer.err(), Some(TpmRc::VALUE.parameter(3)), "{count} sequences");
        }
    }
}

fn with_x509(mut public: TpmtPublic) -> TpmtPublic {
    public.object_attributes = public.object_attributes.with(A::X509_SIGN);
    public
}

/// An auth value longer than the digest of its object's name algorithm was padded by a negative number of bytes.
#[test]
fn libtpms_619_an_imported_auth_value_that_is_too_long_is_refused() {
    let mut tpm = TestTpm::started();
    let parent = tpm.run_auth(&create_primary(OWNER, ecc_srk())).unwrap().object_handle;
    let (mut public, mut private) = hmac_pair(&[7; 20]);
    public.name_alg = Some(TpmiAlgHash::Sha1);
    if let PublicKind::Keyedhash(_, unique) = &mut public.kind {
        *unique = Tpm2bDigest::from_slice(&digest(TpmiAlgHash::Sha1, &[&[9; 20], &[7; 20]])).unwrap();
    }
    private.seed_value = SeedValue::from_slice(&[9; 20]).unwrap();
    for size in [0, 20, 21, 32, 64] {
        private.auth_value = Tpm2bAuth::from_slice(&vec![1; size]).unwrap();
        let mut sensitive = (private.to_bytes().len() as u16).to_bytes();
        sensitive.extend_from_slice(&private.to_bytes());
        let command = Import {
            parent_handle: TpmiDhObject(parent.0),
            encryption_key: Tpm2bData::default(),
            object_public: Tpm2b(public.clone()),
            duplicate: Tpm2bPrivate::from_slice(&sensitive).unwrap(),
            in_sym_seed: Tpm2bEncryptedSecret::default(),
            symmetric_alg: None,
        };
        let answer = tpm.run_auth(&command).map(drop);
        let expected = if size > 20 { Err(TpmRc::SIZE.parameter(3)) } else { Ok(()) };
        assert_eq!(answer, expected, "an auth value of {size} bytes");
    }
}

/// Records of the state were skipped over, or read, by the sizes that stand in them.
#[test]
fn libtpms_614_every_record_of_the_state_may_be_cut_anywhere() {
    let mut tpm = TestTpm::started();
    let key = tpm.run_auth(&create_primary(OWNER, ecdsa(OWN))).unwrap().object_handle;
    let keep = EvictControl {
        auth: TpmiRhProvision(OWNER),
        object_handle: TpmiDhObject(key.0),
        persistent_handle: TpmiDhPersistent(0x8100_0001),
    };
    tpm.run_auth(&keep).unwrap();
    let define = NvDefineSpace {
        auth_handle: TpmiRhProvision(OWNER),
        auth: Tpm2bAuth::from_slice(b"auth").unwrap(),
        public_info: Tpm2b(TpmsNvPublic {
            nv_index: TpmiRhNvIndex(0x0150_0001),
            name_alg: SHA256,
            attributes: TpmaNv::OWNERWRITE | TpmaNv::OWNERREAD | TpmaNv::AUTHREAD,
            auth_policy: Tpm2bDigest::default(),
            data_size: 16,
        }),
    };
    tpm.run_auth(&define).unwrap();
    tpm.run(&Shutdown { shutdown_type: TpmSu::State }).unwrap();
    let whole = tpm.storage.records();
    let open = |records| {
        let storage = Box::new(VolatileStorage::new(records));
        let entropy = Box::new(TestEntropy::new(3));
        let provider = &ironroot_crypto_host::HOST;
        let Ok(mut opened) = Tpm::open(storage, entropy, provider, Profile::HOST, seeds()) else { return false };
        // What was believed must do no harm later either.
        opened.execute(0, 1, &encode(&Startup { startup_type: TpmSu::State }, &[]));
        opened.execute(0, 2, &encode(&GetRandom { bytes_requested: 4 }, &[]));
        true
    };
    assert!(open(whole.clone()));
    let mut refused = 0;
    for (&RecordKey(number), record) in &whole {
        for length in 0..record.len() {
            let mut records = whole.clone();
            records.insert(RecordKey(number), record[..length].to_vec().into());
            refused += usize::from(!open(records));
            // A size of 65,535 there.
            let mut changed = record.to_vec();
            changed.iter_mut().skip(length).take(2).for_each(|byte| *byte = 0xFF);
            let mut records = whole.clone();
            records.insert(RecordKey(number), changed.into());
            open(records);
        }
    }
    let cuts: usize = whole.values().map(|record| record.len()).sum();
    assert_eq!(refused, cuts, "a record that was cut is refused");
}
