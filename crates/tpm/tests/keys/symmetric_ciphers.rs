//! Every block cipher through bytes, in encryption and in message authentication codes: beside libtpms where it has the
//! cipher, and OpenSSL.

use crate::common::{self, TestTpm, password};
use crate::outside::*;
use crate::peer::Both;
use crate::templates::{keys::*, *};
use ironroot_tpm::Profile;
use ironroot_wire::{
    TpmiAlgSymObject::{Aes, Camellia, Sm4, Tdes},
    TpmiSymKeyBits::{Bits128, Bits192, Bits256},
    *,
};

const KEY: TpmiDhObject = TpmiDhObject(0x8000_0000);
const SEQUENCE: TpmiDhObject = TpmiDhObject(0x8000_0001);
const BOTH_WAYS: A = A(A::USER_WITH_AUTH.0 | A::DECRYPT.0 | A::SIGN_ENCRYPT.0);
const SIGNS: A = A(A::USER_WITH_AUTH.0 | A::SIGN_ENCRYPT.0);
const DECRYPTS: A = A(A::USER_WITH_AUTH.0 | A::DECRYPT.0);

/// Each cipher with each size of key, its name in OpenSSL and whether libtpms has it.
const CIPHERS: [(TpmiAlgSymObject, TpmiSymKeyBits, &str, bool); 9] = [
    (Aes, Bits128, "aes-128", true),
    (Aes, Bits192, "aes-192", false),
    (Aes, Bits256, "aes-256", true),
    (Camellia, Bits128, "camellia-128", true),
    (Camellia, Bits192, "camellia-192", false),
    (Camellia, Bits256, "camellia-256", true),
    (Sm4, Bits128, "sm4", false),
    (Tdes, Bits128, "des-ede", true),
    (Tdes, Bits192, "des-ede3", true),
];

fn auth() -> [TpmsAuthCommand; 1] {
    [password(b"")]
}

fn key_bytes(bits: TpmiSymKeyBits) -> Vec<u8> {
    (1..=32).take(usize::from(bits.value() / 8)).collect()
}

fn load(
    algorithm: TpmiAlgSymObject,
    key_bits: TpmiSymKeyBits,
    mode: Option<TpmiAlgSymMode>,
    attributes: A,
) -> LoadExternal {
    load_key(algorithm, key_bits, mode, attributes, &key_bytes(key_bits))
}

fn load_key(
    algorithm: TpmiAlgSymObject,
    key_bits: TpmiSymKeyBits,
    mode: Option<TpmiAlgSymMode>,
    attributes: A,
    key: &[u8],
) -> LoadExternal {
    let (public, private) = cipher_pair(TpmtSymDefObject { algorithm, key_bits, mode }, attributes, key);
    load_external(public, Some(private), NULL)
}

fn crypt(data: &[u8], decrypt: bool, mode: Option<TpmiAlgCipherMode>, iv: &[u8]) -> EncryptDecrypt2 {
    EncryptDecrypt2 {
        key_handle: KEY,
        in_data: Tpm2bMaxBuffer::from_slice(data).unwrap(),
        decrypt: TpmiYesNo(decrypt),
        mode,
        iv_in: Tpm2bIv::from_slice(iv).unwrap(),
    }
}

fn crypt_deprecated(data: &[u8], decrypt: bool, mode: Option<TpmiAlgCipherMode>, iv: &[u8]) -> EncryptDecrypt {
    let EncryptDecrypt2 { key_handle, in_data, decrypt, mode, iv_in } = crypt(data, decrypt, mode, iv);
    EncryptDecrypt { key_handle, decrypt, mode, iv_in, in_data }
}

fn mac(data: &[u8], in_scheme: Option<TpmiAlgMacScheme>) -> Mac {
    Mac { handle: KEY, buffer: Tpm2bMaxBuffer::from_slice(data).unwrap(), in_scheme }
}

fn mac_start(in_scheme: Option<TpmiAlgMacScheme>) -> MacStart {
    MacStart { handle: KEY, auth: Tpm2bAuth::default(), in_scheme }
}

fn update(data: &[u8]) -> SequenceUpdate {
    SequenceUpdate { sequence_handle: SEQUENCE, buffer: Tpm2bMaxBuffer::from_slice(data).unwrap() }
}

fn complete(data: &[u8]) -> SequenceComplete {
    let buffer = Tpm2bMaxBuffer::from_slice(data).unwrap();
    SequenceComplete { sequence_handle: SEQUENCE, buffer, hierarchy: TpmiRhHierarchy(NULL) }
}

fn flush(both: &mut Both) {
    both.same(&FlushContext { flush_handle: TpmiDhContext(KEY.0) }, &[]).unwrap();
}

/// The name of a cipher in a mode.
fn in_openssl(name: &str, mode: TpmiAlgCipherMode) -> Option<String> {
    use TpmiAlgCipherMode as M;
    match mode {
        M::Ctr if name.starts_with("des") => None,
        M::Ecb if name.starts_with("des") => Some(name.into()),
        M::Ctr => Some(format!("{name}-ctr")),
        M::Ofb => Some(format!("{name}-ofb")),
        M::Cbc => Some(format!("{name}-cbc")),
        M::Cfb => Some(format!("{name}-cfb")),
        M::Ecb => Some(format!("{name}-ecb")),
    }
}

#[test]
fn every_cipher_in_every_mode_is_openssls() {
    for (algorithm, bits, name, _) in CIPHERS {
        let mut tpm = TestTpm::with_profile(Profile::EVERYTHING);
        tpm.run(&load(algorithm, bits, None, BOTH_WAYS)).unwrap();
        let block = algorithm.block_size();
        for &mode in TpmiAlgCipherMode::EVERY {
            let Some(theirs) = in_openssl(name, mode) else { continue };
            let iv: Vec<u8> =
                if mode == TpmiAlgCipherMode::Ecb { vec![] } else { (0xF0..=0xFF).rev().take(block).collect() };
            let sizes = [1, 15, block, 40, 1000, 1024].into_iter();
            let whole = matches!(mode, TpmiAlgCipherMode::Cbc | TpmiAlgCipherMode::Ecb);
            for size in sizes.filter(|size| !whole || size % block == 0) {
                let plain: Vec<u8> = (0..size).map(|at| at as u8).collect();
                let expected = openssl_encrypt(&theirs, &key_bytes(bits), &iv, &plain);
                let out = tpm.run_auth(&crypt(&plain, false, Some(mode), &iv)).unwrap();
                assert_eq!(out.out_data.as_slice(), expected, "{theirs} {size}");
                let back = tpm.run_auth(&crypt(&expected, true, Some(mode), &iv)).unwrap();
                assert_eq!((back.out_data.as_slice(), &back.iv_out), (&plain[..], &out.iv_out), "{theirs} {size}");
                let other = tpm.run_auth(&crypt_deprecated(&plain, false, Some(mode), &iv)).unwrap();
                assert_eq!((other.out_data, other.iv_out), (out.out_data, out.iv_out), "{theirs} {size}");
            }
        }
    }
}

#[test]
fn every_cipher_and_chaining_value_is_libtpms() {
    let mut both = Both::started_with_tdes();
    for (algorithm, bits, ..) in CIPHERS.into_iter().filter(|cipher| cipher.3) {
        both.same(&load(algorithm, bits, None, BOTH_WAYS), &[]).unwrap();
        let block = algorithm.block_size();
        for &mode in TpmiAlgCipherMode::EVERY {
            let iv = vec![0xFE; if mode == TpmiAlgCipherMode::Ecb { 0 } else { block }];
            let whole = matches!(mode, TpmiAlgCipherMode::Cbc | TpmiAlgCipherMode::Ecb);
            for size in [0, 5, block, block + 3, 4 * block, 1024].into_iter().filter(|size| !whole || size % block == 0)
            {
                let plain: Vec<u8> = (0..size).map(|at| at as u8).collect();
                let out = both.same(&crypt(&plain, false, Some(mode), &iv), &auth()).unwrap();
                let back = both.same(&crypt_deprecated(&out.out_data, true, Some(mode), &iv), &auth()).unwrap();
                assert_eq!(back.out_data.as_slice(), plain);
                both.same(&crypt_deprecated(&plain, false, Some(mode), &out.iv_out), &auth()).unwrap();
            }
        }
        flush(&mut both);
    }
}

#[test]
fn cmac_is_openssls_however_the_message_is_cut() {
    for (algorithm, bits, name, _) in CIPHERS {
        // OpenSSL takes two keys of TDES as three.
        let openssl_name = if algorithm == Tdes { "des-ede3-cbc".into() } else { format!("{name}-cbc") };
        let mut key = key_bytes(bits);
        if (algorithm, bits) == (Tdes, Bits128) {
            key.extend_from_within(..8);
        }
        let mut tpm = TestTpm::with_profile(Profile::EVERYTHING);
        tpm.run(&load(algorithm, bits, Some(TpmiAlgSymMode::Cmac), SIGNS)).unwrap();
        for size in [0, 1, 7, 8, 9, 15, 16, 17, 32, 1000] {
            let message: Vec<u8> = (0..size).map(|at| at as u8).collect();
            let expected = openssl_cmac(&openssl_name, &key, &message);
            let at_once = tpm.run_auth(&mac(&message, None)).unwrap().out_mac;
            assert_eq!(at_once.as_slice(), expected, "{name} {size}");
            for cut in [1, 8, 16, 100] {
                assert_eq!(tpm.run_auth(&mac_start(None)).unwrap().sequence_handle, SEQUENCE);
                let mut pieces: Vec<&[u8]> = message.chunks(cut.max(size / 20)).collect();
                let last = pieces.pop().unwrap_or_default();
                for piece in pieces {
                    tpm.run_auth(&update(piece)).unwrap();
                }
                let done = tpm.run_auth(&complete(last)).unwrap();
                assert_eq!(done.result.as_slice(), expected, "{name} {size} {cut}");
                assert_eq!(done.validation, no_ticket());
            }
        }
    }
}

/// But for TDES: libtpms makes the subkeys of blocks of 64 bits with the constant of 128 (0x87 for 0x1B, SP 800-38B, 5.3).
#[test]
fn cmac_is_libtpms() {
    let mut both = Both::started();
    for (algorithm, bits, ..) in CIPHERS.into_iter().filter(|cipher| cipher.3 && cipher.0 != Tdes) {
        for (mode, scheme) in [
            (Some(TpmiAlgSymMode::Cmac), None),
            (Some(TpmiAlgSymMode::Cmac), Some(TpmiAlgMacScheme::Cmac)),
            (None, Some(TpmiAlgMacScheme::Cmac)),
        ] {
            both.same(&load(algorithm, bits, mode, SIGNS), &[]).unwrap();
            for size in [0, 1, 8, 16, 33, 1024] {
                let whole = both.same(&mac(&vec![0x5A; size], scheme), &auth()).unwrap();
                both.same(&mac_start(scheme), &auth()).unwrap();
                both.same(&update(&vec![0x5A; size / 3]), &auth()).unwrap();
                let done = both.same(&complete(&vec![0x5A; size - size / 3]), &auth()).unwrap();
                assert_eq!(done.result, whole.out_mac);
            }
            flush(&mut both);
        }
    }
}

/// A sequence leaves the TPM and comes back, by its context and by a power cycle of the host.
#[test]
fn a_cmac_sequence_is_saved_with_its_key() {
    for (algorithm, bits, ..) in CIPHERS {
        let mut tpm = TestTpm::with_profile(Profile::EVERYTHING);
        tpm.run(&load(algorithm, bits, Some(TpmiAlgSymMode::Cmac), SIGNS)).unwrap();
        let expected = tpm.run_auth(&mac(&[7; 50], None)).unwrap().out_mac;
        tpm.run_auth(&mac_start(None)).unwrap();
        tpm.run_auth(&update(&[7; 21])).unwrap();
        let saved = tpm.run(&ContextSave { save_handle: TpmiDhContext(SEQUENCE.0) }).unwrap().context;
        let volatile = tpm.tpm.save_volatile();
        tpm.reopen();
        tpm.tpm.restore_volatile(tpm.now, &volatile).unwrap();
        assert_eq!(tpm.run_auth(&complete(&[7; 29])).unwrap().result, expected, "{algorithm:?} {bits:?}");
        assert_eq!(tpm.run(&ContextLoad { context: saved }).unwrap().loaded_handle.0, SEQUENCE.0);
        assert_eq!(tpm.run_auth(&complete(&[7; 29])).unwrap().result, expected, "{algorithm:?} {bits:?}");
    }
}

/// Part 3, 15.5 and 15.6: a TPM without CMAC answers the same code as `TPM2_HMAC`.
#[test]
fn a_tpm_without_cmac_has_tpm2_hmac() {
    let rules =
        ironroot_wire::Rules { algorithms: Profile::HOST.rules.algorithms.without(0x003F), ..Profile::HOST.rules };
    let mut tpm = TestTpm::with_profile(Profile { rules, ..Profile::HOST });
    tpm.run(&load(Aes, Bits128, None, SIGNS)).unwrap();
    let sha256 = Some(TpmiAlgMacScheme::Sha256);
    assert_eq!(tpm.run_auth(&mac(b"", sha256)), Err(TpmRc::TYPE.handle(1)));
    assert_eq!(tpm.run_auth(&mac_start(sha256)), Err(TpmRc::TYPE.handle(1)));
    assert_eq!(tpm.run_auth(&mac(b"", Some(TpmiAlgMacScheme::Cmac))), Err(TpmRc::HASH.parameter(2)));
    assert_eq!(tpm.run_auth(&mac_start(Some(TpmiAlgMacScheme::Cmac))), Err(TpmRc::HASH.parameter(2)));
    assert_eq!(
        tpm.run(&load(Aes, Bits128, Some(TpmiAlgSymMode::Cmac), SIGNS)),
        Err(TpmRc::MODE.parameter(2)),
        "no such mode"
    );
    let (public, private) = hmac_pair(b"a key");
    let handle = tpm.run(&load_external(public, Some(private), NULL)).unwrap().object_handle;
    let handle = TpmiDhObject(handle.0);
    let out = tpm.run_auth(&Mac { handle, ..mac(b"data", None) }).unwrap().out_mac;
    assert_eq!(out.as_slice(), &ironroot_crypto::hmac(TpmiAlgHash::Sha256, b"a key", &[b"data"])[..]);
    // With CMAC the code is TPM2_MAC's, which takes the schemes of both.
    let mut tpm = TestTpm::started();
    tpm.run(&load(Aes, Bits128, None, SIGNS)).unwrap();
    let unknown = Some(TpmiAlgMacScheme::Cmac);
    assert!(tpm.run_auth(&mac(b"", unknown)).is_ok());
    let command = common::encode(&mac(b"", unknown), &auth());
    let changed = [&command[..command.len() - 2], &[0x00, 0x43]].concat();
    assert_eq!(common::rc(&tpm.raw(&changed)), TpmRc::SYMMETRIC.parameter(2));
}

#[test]
fn a_cipher_that_the_profile_lacks_is_unknown() {
    let mut tpm = TestTpm::started();
    for mode in [None, Some(TpmiAlgSymMode::Cfb)] {
        assert_eq!(tpm.run(&load(Tdes, Bits192, mode, BOTH_WAYS)), Err(TpmRc::SYMMETRIC.parameter(2)));
    }
    let parms = |algorithm, key_bits| TestParms {
        parameters: TpmtPublicParms::Symcipher(TpmsSymcipherParms {
            sym: TpmtSymDefObject { algorithm, key_bits, mode: Some(TpmiAlgSymMode::Cmac) },
        }),
    };
    assert_eq!(tpm.run(&parms(Tdes, Bits192)), Err(TpmRc::SYMMETRIC.parameter(1)));
    for (algorithm, bits, ..) in CIPHERS.into_iter().filter(|cipher| cipher.0 != Tdes) {
        assert!(tpm.run(&parms(algorithm, bits)).is_ok(), "{algorithm:?} {bits:?}");
    }
    assert_eq!(tpm.run(&parms(Sm4, Bits256)), Err(TpmRc::VALUE.parameter(1)));
    assert!(TestTpm::with_profile(Profile::EVERYTHING).run(&parms(Tdes, Bits128)).is_ok());
    assert_eq!(TestTpm::with_profile(Profile::EVERYTHING).run(&parms(Tdes, Bits256)), Err(TpmRc::VALUE.parameter(1)));
}

/// Part 1, 22.1.3: the mode decides whether a key that signs encrypts or authenticates; one that decrypts has a mode that
/// encrypts.
#[test]
fn attributes_and_modes_go_together_as_in_libtpms() {
    let mut both = Both::started_with_tdes();
    let modes = [None, Some(TpmiAlgSymMode::Cmac), Some(TpmiAlgSymMode::Cfb), Some(TpmiAlgSymMode::Ecb)];
    for attributes in [SIGNS, DECRYPTS, BOTH_WAYS, A::USER_WITH_AUTH] {
        for (algorithm, bits) in [(Aes, Bits128), (Camellia, Bits256), (Tdes, Bits192)] {
            for mode in modes {
                if both.same_code(&load(algorithm, bits, mode, attributes), &[]).0.is_ok() {
                    flush(&mut both);
                }
                let public =
                    |attributes| cipher_pair(TpmtSymDefObject { algorithm, key_bits: bits, mode }, attributes, &[]).0;
                for more in [A::NONE, A::RESTRICTED] {
                    let template = without_unique(public(OWN | attributes | more));
                    if both.same_code(&create_primary(OWNER, template), &auth()).0.is_ok() {
                        flush(&mut both);
                    }
                }
            }
        }
    }
}

fn without_unique(mut public: TpmtPublic) -> TpmtPublic {
    if let PublicKind::Symcipher(_, unique) = &mut public.kind {
        *unique = Tpm2bDigest::default();
    }
    public
}

/// Part 1, 8.4.10.4.
#[test]
fn weak_keys_are_refused_as_by_libtpms() {
    let mut both = Both::started_with_tdes();
    let [one, two, three, weak] =
        ["0123456789abcdef", "23456789abcdef01", "456789abcdef0123", "1f1f01010e0e0101"].map(bytes);
    let refused = Err(TpmRc::KEY.parameter(1));
    for (bits, key, expected) in [
        (Bits192, [&one[..], &two, &three].concat(), Ok(())),
        (Bits192, [&one[..], &two, &one].concat(), Ok(())),
        (Bits192, [&one[..], &one, &two].concat(), refused),
        (Bits192, [&one[..], &two, &two].concat(), refused),
        (Bits192, [&one[..], &weak, &two].concat(), refused),
        (Bits128, [&one[..], &two].concat(), Ok(())),
        (Bits128, [&one[..], &one].concat(), refused),
        (Bits128, vec![0; 16], refused),
        (Bits192, [&one[..], &two].concat(), Err(TpmRc::KEY_SIZE.parameter(1))),
    ] {
        let command = load_key(Tdes, bits, None, BOTH_WAYS, &key);
        assert_eq!(both.same_code(&command, &[]).0.map(|_| flush(&mut both)), expected, "{key:02x?}");
        // The same key brought to TPM2_CreatePrimary.
        let public = without_unique(load_template(Tdes, bits));
        let mut create = create_primary(OWNER, public);
        create.in_sensitive = secret(b"", &key);
        let (ours, _) = both.same_code(&create, &auth());
        assert_eq!(ours.map(|_| flush(&mut both)), expected.map_err(|rc| rc.base()), "{key:02x?}");
    }
}

/// A weak key in a duplicate without wrappers.
fn import_weak(parent: u32) -> (Import, TpmtPublic) {
    let sym = TpmtSymDefObject { algorithm: Tdes, key_bits: Bits128, mode: None };
    let (public, private) = cipher_pair(sym, DECRYPTS, &[0; 16]);
    let private = private.to_bytes();
    let duplicate = [&(private.len() as u16).to_be_bytes()[..], &private].concat();
    let import = Import {
        parent_handle: TpmiDhObject(parent),
        encryption_key: Tpm2bData::default(),
        object_public: Tpm2b(public.clone()),
        duplicate: Tpm2bPrivate::from_slice(&duplicate).unwrap(),
        in_sym_seed: Tpm2bEncryptedSecret::default(),
        symmetric_alg: None,
    };
    (import, public)
}

#[test]
fn weak_keys_are_refused_however_they_come() {
    let mut tpm = TestTpm::with_profile(Profile::EVERYTHING);
    tpm.row("a weak symmetric key", &load_key(Tdes, Bits128, None, DECRYPTS, &[0; 16]), TpmRc::KEY.parameter(1));
    let parent = tpm.run_auth(&create_primary(OWNER, ecc_srk())).unwrap().object_handle.0;
    let (import, _) = import_weak(parent);
    tpm.row("a weak symmetric key", &import, TpmRc::KEY.parameter(3));
    // A parent that may have holders elsewhere takes what it is given, and finds out when it loads it.
    let mobile = tpm.run_auth(&create(parent, ecc(MOBILE | STORAGE, aes128(), None), b"", b"")).unwrap();
    let load =
        Load { parent_handle: TpmiDhObject(parent), in_private: mobile.out_private, in_public: mobile.out_public };
    let mobile = tpm.run_auth(&load).unwrap().object_handle.0;
    let (import, public) = import_weak(mobile);
    let in_private = tpm.run_auth(&import).unwrap().out_private;
    let load = Load { parent_handle: TpmiDhObject(mobile), in_private, in_public: Tpm2b(public) };
    tpm.row("a weak symmetric key", &load, TpmRc::KEY.parameter(1));
}

fn load_template(algorithm: TpmiAlgSymObject, key_bits: TpmiSymKeyBits) -> TpmtPublic {
    let attributes = OWN.without(A::SENSITIVE_DATA_ORIGIN) | A::DECRYPT | SIGN;
    cipher_pair(TpmtSymDefObject { algorithm, key_bits, mode: None }, attributes, &[]).0
}

/// A created key of each cipher works, leaves the TPM in a private area and comes back.
#[test]
fn created_keys_of_every_cipher_are_loaded_again_and_used() {
    let mut tpm = TestTpm::with_profile(Profile::EVERYTHING);
    for (algorithm, key_bits, ..) in CIPHERS {
        let parent_cipher = TpmtSymDefObject { algorithm, key_bits, mode: Some(TpmiAlgSymMode::Cfb) };
        let parent = without_unique(cipher_pair(parent_cipher, OWN | STORAGE, &[]).0);
        let parent = tpm.run_auth(&create_primary(OWNER, parent)).unwrap().object_handle.0;
        let sym = TpmtSymDefObject { algorithm, key_bits, mode: None };
        let child = without_unique(cipher_pair(sym, OWN | A::DECRYPT | SIGN, &[]).0);
        let made = tpm.run_auth(&create(parent, child, b"", b"")).unwrap();
        let load =
            Load { parent_handle: TpmiDhObject(parent), in_private: made.out_private, in_public: made.out_public };
        let handle = tpm.run_auth(&load).unwrap().object_handle;
        let iv = vec![0; algorithm.block_size()];
        let mode = Some(TpmiAlgCipherMode::Cfb);
        let encrypted = EncryptDecrypt2 { key_handle: TpmiDhObject(handle.0), ..crypt(b"message", false, mode, &iv) };
        let encrypted = tpm.run_auth(&encrypted).unwrap().out_data;
        let again = tpm.run_auth(&load).unwrap().object_handle;
        let decrypt = EncryptDecrypt2 { key_handle: TpmiDhObject(again.0), ..crypt(&encrypted, true, mode, &iv) };
        assert_eq!(tpm.run_auth(&decrypt).unwrap().out_data.as_slice(), b"message", "{algorithm:?}");
        for handle in [parent, handle.0, again.0] {
            tpm.run(&FlushContext { flush_handle: TpmiDhContext(handle) }).unwrap();
        }
    }
}
