//! `TPM2_EncryptDecrypt2`, `TPM2_Hash` and `TPM2_HMAC` through bytes, beside libtpms.

use crate::common::{self, TestTpm, password};
use crate::outside::*;
use crate::peer::Both;
use crate::templates::{keys::*, *};
use ironroot_wire::*;

const KEY: TpmiDhObject = TpmiDhObject(0x8000_0000);
const MODES: &[TpmiAlgCipherMode] = TpmiAlgCipherMode::EVERY;

fn auth() -> [TpmsAuthCommand; 1] {
    [password(b"")]
}

fn aes_key(key: &[u8], mode: Option<TpmiAlgSymMode>, attributes: A) -> LoadExternal {
    let (mut public, private) = aes_pair(key);
    let key_bits = match key.len() {
        16 => TpmiSymKeyBits::Bits128,
        24 => TpmiSymKeyBits::Bits192,
        _ => TpmiSymKeyBits::Bits256,
    };
    if let PublicKind::Symcipher(parms, _) = &mut public.kind {
        parms.sym = TpmtSymDefObject { algorithm: TpmiAlgSymObject::Aes, key_bits, mode };
    }
    load_external(with(public, attributes), Some(private), NULL)
}

fn cipher(data: &[u8], decrypt: bool, mode: Option<TpmiAlgCipherMode>, iv: &[u8]) -> EncryptDecrypt2 {
    EncryptDecrypt2 {
        key_handle: KEY,
        in_data: Tpm2bMaxBuffer::from_slice(data).unwrap(),
        decrypt: TpmiYesNo(decrypt),
        mode,
        iv_in: Tpm2bIv::from_slice(iv).unwrap(),
    }
}

const BOTH_WAYS: A = A(A::USER_WITH_AUTH.0 | A::DECRYPT.0 | A::SIGN_ENCRYPT.0);

#[test]
fn every_mode_is_libtpms_both_ways_and_in_pieces() {
    for key in [&[0x2B; 16][..], &[0x2B; 32]] {
        let mut both = Both::started();
        both.same(&aes_key(key, None, BOTH_WAYS), &[]).unwrap();
        for &mode in MODES {
            let start: &[u8] = if mode == TpmiAlgCipherMode::Ecb { &[] } else { &[0xFE; 16] };
            let whole = matches!(mode, TpmiAlgCipherMode::Cbc | TpmiAlgCipherMode::Ecb);
            for size in [0, 16, 33, 48, 1024].into_iter().filter(|size| !whole || size % 16 == 0) {
                let plain: Vec<u8> = (0..size).map(|at| at as u8).collect();
                let out = both.same(&cipher(&plain, false, Some(mode), start), &auth()).unwrap();
                let back = both.same(&cipher(&out.out_data, true, Some(mode), start), &auth()).unwrap();
                assert_eq!(back.out_data.as_slice(), plain);
                both.same(&cipher(&plain, false, Some(mode), &out.iv_out), &auth()).unwrap();
            }
        }
    }
}

#[test]
fn errors_of_encryption() {
    let mut both = Both::started();
    both.same(&aes_key(&[1; 16], Some(TpmiAlgSymMode::Cbc), BOTH_WAYS), &[]).unwrap();
    let iv = [0; 16];
    let mut run = |command: EncryptDecrypt2| {
        // libtpms counts the parameters as TPM2_EncryptDecrypt has them; the codes are the same.
        let (ours, theirs) = both.both(&command, &auth());
        assert_eq!(ours.as_ref().err().map(|rc| rc.base()), theirs.err().map(|rc| rc.base()), "{command:?}");
        ours.map(|_| ())
    };
    assert_eq!(run(cipher(&[0; 16], false, None, &iv)), Ok(()));
    assert_eq!(run(cipher(&[0; 16], false, Some(TpmiAlgCipherMode::Cfb), &iv)), Err(TpmRc::MODE.parameter(3)));
    assert_eq!(run(cipher(&[0; 16], false, None, &iv[1..])), Err(TpmRc::SIZE.parameter(4)));
    assert_eq!(run(cipher(&[0; 15], false, None, &iv)), Err(TpmRc::SIZE.parameter(1)));
    let mut other = Both::started();
    other.same(&aes_key(&[1; 16], None, A::USER_WITH_AUTH | A::DECRYPT), &[]).unwrap();
    let mut run = |command: EncryptDecrypt2| other.ours.run_auth(&command).map(|_| ());
    assert_eq!(run(cipher(&[0; 16], true, None, &iv)), Err(TpmRc::MODE.parameter(3)));
    assert_eq!(run(cipher(&[0; 16], true, Some(TpmiAlgCipherMode::Ecb), &iv)), Err(TpmRc::SIZE.parameter(4)));
    assert_eq!(run(cipher(&[0; 17], true, Some(TpmiAlgCipherMode::Ecb), &[])), Err(TpmRc::SIZE.parameter(1)));
    let encrypts = cipher(&[0; 16], false, Some(TpmiAlgCipherMode::Cfb), &iv);
    assert_eq!(other.same(&encrypts, &auth()), Err(TpmRc::ATTRIBUTES.handle(1)));
    let mut third = Both::started();
    third.same(&load_external(rsa_public(), Some(rsa_private()), NULL), &[]).unwrap();
    assert_eq!(third.same(&encrypts, &auth()), Err(TpmRc::KEY.handle(1)));
    // A symmetric storage key is restricted.
    let mut ours = TestTpm::started();
    ours.run_auth(&create_primary(OWNER, symcipher(OWN | STORAGE))).unwrap();
    assert_eq!(ours.run_auth(&cipher(&[0; 16], true, None, &iv)), Err(TpmRc::ATTRIBUTES.handle(1)));
}

fn hash(data: &[u8], hash_alg: TpmiAlgHash, hierarchy: u32) -> Hash {
    Hash { data: Tpm2bMaxBuffer::from_slice(data).unwrap(), hash_alg, hierarchy: TpmiRhHierarchy(hierarchy) }
}

#[test]
fn digests_are_libtpms_and_tickets_say_what_is_safe() {
    let mut both = Both::started();
    let generated = [0xFF, 0x54, 0x43, 0x47, 0x80, 0x17];
    for alg in [TpmiAlgHash::Sha1, TpmiAlgHash::Sha256, TpmiAlgHash::Sha384, TpmiAlgHash::Sha512] {
        for (data, safe) in [
            (&b""[..], true),
            (b"abc", true),
            (&generated[..3], true),
            (&generated[..4], false),
            (&generated[..], false),
            (&[0x5A; 1024], true),
        ] {
            for hierarchy in [OWNER, ENDORSEMENT, PLATFORM, NULL] {
                let (ours, theirs) = both.both(&hash(data, alg, hierarchy), &[]);
                let (ours, theirs) = (ours.unwrap(), theirs.unwrap());
                assert_eq!(ours.out_hash, theirs.out_hash);
                assert_eq!(ours.validation.hierarchy, theirs.validation.hierarchy);
                assert_eq!(ours.validation.digest.is_empty(), theirs.validation.digest.is_empty());
                assert_eq!(ours.validation.digest.is_empty(), !safe || hierarchy == NULL);
            }
        }
    }
    let sha3 = both.ours.run(&hash(b"abc", TpmiAlgHash::Sha3_256, NULL)).unwrap().out_hash;
    assert_eq!(sha3.as_slice(), bytes("3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532"));
}

#[test]
fn errors_of_hash() {
    let mut both = Both::started();
    let mut run = |body: &[u8]| {
        let command = common::frame(TpmSt::NoSessions, 0x17D, body);
        (common::rc(&both.ours.raw(&command)), common::rc(&both.theirs.raw(&command)))
    };
    let same = |rc: TpmRc| (rc, rc);
    assert_eq!(run(&[0, 0, 0, 0x10, 0x40, 0, 0, 7]), same(TpmRc::HASH.parameter(2)));
    assert_eq!(run(&[0, 0, 0, 0x0B, 0x40, 0, 0, 8]), same(TpmRc::VALUE.parameter(3)));
    assert_eq!(run(&[4, 1, 0, 0x0B, 0x40, 0, 0, 7]), same(TpmRc::SIZE.parameter(1)));
    assert_eq!(run(&[0, 0, 0, 0x0B, 0x40, 0, 0]), same(TpmRc::INSUFFICIENT.parameter(3)));
}

fn hmac(data: &[u8], hash_alg: Option<TpmiAlgHash>) -> Hmac {
    Hmac { handle: KEY, buffer: Tpm2bMaxBuffer::from_slice(data).unwrap(), hash_alg }
}

/// Table 79.
#[test]
fn hmacs_are_libtpms_with_the_hash_of_the_key_or_the_callers() {
    let (sha1, sha256) = (TpmiAlgHash::Sha1, TpmiAlgHash::Sha256);
    let (public, private) = hmac_pair(b"a key");
    let mut both = Both::started();
    both.same(&load_external(public.clone(), Some(private.clone()), NULL), &[]).unwrap();
    let own = both.same(&hmac(b"data", None), &auth()).unwrap();
    assert_eq!(both.same(&hmac(b"data", Some(sha256)), &auth()).unwrap(), own);
    assert_eq!(both.same(&hmac(b"data", Some(sha1)), &auth()), Err(TpmRc::VALUE.parameter(2)));
    assert_eq!(own.out_hmac.as_slice(), &ironroot_crypto::hmac(sha256, b"a key", &[b"data"])[..]);

    let free = with_keyedhash_scheme(with(public, BOTH_WAYS), None);
    let mut both = Both::started();
    both.same(&load_external(free, Some(private), NULL), &[]).unwrap();
    assert_eq!(both.same(&hmac(b"data", None), &auth()), Err(TpmRc::VALUE.parameter(2)));
    for hash in [sha1, sha256, TpmiAlgHash::Sha384, TpmiAlgHash::Sha512] {
        both.same(&hmac(&[7; 1024], Some(hash)), &auth()).unwrap();
    }
}

#[test]
fn errors_of_hmac() {
    let sha256 = Some(TpmiAlgHash::Sha256);
    let mut both = Both::started();
    both.same(&load_external(ec_public(), Some(ec_private()), NULL), &[]).unwrap();
    assert_eq!(both.same(&hmac(b"", sha256), &auth()), Err(TpmRc::TYPE.handle(1)));
    let start = HmacStart { handle: KEY, auth: Tpm2bAuth::default(), hash_alg: sha256 };
    assert_eq!(both.same(&start, &auth()), Err(TpmRc::TYPE.handle(1)));
    // Sealed data is no key; a restricted key signs only with a ticket.
    let sealed = with_keyedhash_scheme(with(hmac_pair(b"key").0, PLAIN), None);
    let mut both = Both::started();
    both.same(&load_external(sealed, Some(hmac_pair(b"key").1), NULL), &[]).unwrap();
    assert_eq!(both.same(&hmac(b"", sha256), &auth()), Err(TpmRc::KEY.handle(1)));
    assert_eq!(both.same(&start, &auth()), Err(TpmRc::KEY.handle(1)));
    let mut both = Both::started();
    let restricted = create_primary(OWNER, keyedhash(OWN | SIGN | A::RESTRICTED, hmac_sha256()));
    let (ours, theirs) = both.same_code(&restricted, &auth());
    assert!(ours.is_ok() && theirs.is_ok());
    assert_eq!(both.same(&hmac(b"", sha256), &auth()), Err(TpmRc::ATTRIBUTES.handle(1)));
    assert_eq!(both.same(&start, &auth()), Err(TpmRc::ATTRIBUTES.handle(1)));
}

fn deprecated(command: EncryptDecrypt2) -> EncryptDecrypt {
    let EncryptDecrypt2 { key_handle, in_data, decrypt, mode, iv_in } = command;
    EncryptDecrypt { key_handle, decrypt, mode, iv_in, in_data }
}

/// Each error condition of Part 3, 15.2 and 15.3; the parameters stand in another order.
#[test]
fn rows_of_encryption() {
    let (iv, data) = ([0; 16], [0; 16]);
    let cbc = Some(TpmiAlgCipherMode::Cbc);
    let aes = |mode, attributes| aes_key(&[1; 16], mode, attributes);
    let (encrypts, decrypts) = (A::USER_WITH_AUTH | SIGN, A::USER_WITH_AUTH | A::DECRYPT);
    let plain = |mode, iv: &[u8], data: &[u8]| cipher(data, false, mode, iv);
    let mode = |at| TpmRc::MODE.parameter(at);
    let size = |at| TpmRc::SIZE.parameter(at);
    let attributes = (TpmRc::ATTRIBUTES.handle(1), TpmRc::ATTRIBUTES.handle(1));
    for (condition, key, command, (first, second)) in [
        ("decryption by a key that does not decrypt", aes(None, encrypts), cipher(&data, true, cbc, &iv), attributes),
        ("encryption by a key that does not encrypt", aes(None, decrypts), plain(cbc, &iv, &data), attributes),
        (
            "another mode than the key's",
            aes(Some(TpmiAlgSymMode::Cfb), encrypts),
            plain(cbc, &iv, &data),
            (mode(2), mode(3)),
        ),
        ("no mode at all", aes(None, encrypts), plain(None, &iv, &data), (mode(2), mode(3))),
        ("ivIn is not a block", aes(None, encrypts), plain(cbc, &iv[1..], &data), (size(3), size(4))),
        (
            "CBC or ECB data that are not whole blocks",
            aes(None, encrypts),
            plain(cbc, &iv, &data[1..]),
            (size(4), size(1)),
        ),
        (
            "not a symmetric cipher key",
            load_external(rsa_public(), Some(rsa_private()), NULL),
            plain(cbc, &iv, &data),
            (TpmRc::KEY.handle(1), TpmRc::KEY.handle(1)),
        ),
    ] {
        let mut tpm = TestTpm::started();
        tpm.run(&key).unwrap();
        tpm.row(condition, &deprecated(command.clone()), first);
        tpm.row(condition, &command, second);
    }
    let mut tpm = TestTpm::started();
    tpm.run_auth(&create_primary(OWNER, symcipher(OWN | STORAGE))).unwrap();
    let command = cipher(&data, true, None, &iv);
    tpm.row("a restricted key", &deprecated(command.clone()), attributes.0);
    tpm.row("a restricted key", &command, attributes.1);
}

/// A key in CMAC mode does not encrypt, and CMAC is no mode of encryption.
#[test]
fn cmac_does_not_encrypt() {
    let mut both = Both::started();
    let attributes = A::USER_WITH_AUTH | SIGN;
    both.same(&aes_key(&[1; 16], Some(TpmiAlgSymMode::Cmac), attributes), &[]).unwrap();
    let iv = [0; 16];
    for mode in [None, Some(TpmiAlgCipherMode::Cfb)] {
        let command = cipher(&[0; 16], false, mode, &iv);
        assert_eq!(both.same(&command, &auth()), Err(TpmRc::MODE.handle(1)));
        assert_eq!(both.same(&deprecated(command), &auth()), Err(TpmRc::MODE.handle(1)));
    }
    let mut bytes = common::encode(&deprecated(cipher(&[0; 16], false, None, &iv)), &auth());
    let at = bytes.len() - 2 - 16 - 2 - 16 - 2;
    bytes[at..at + 2].copy_from_slice(&[0x00, 0x3F]);
    let answers = (common::rc(&both.ours.raw(&bytes)), common::rc(&both.theirs.raw(&bytes)));
    assert_eq!(answers, (TpmRc::MODE.parameter(2), TpmRc::MODE.parameter(2)));
}

fn mac(data: &[u8], in_scheme: Option<TpmiAlgMacScheme>) -> Mac {
    Mac { handle: KEY, buffer: Tpm2bMaxBuffer::from_slice(data).unwrap(), in_scheme }
}

/// Each error condition of Part 3, 15.5, 15.6, 17.2 and 17.3 (tables 79 and 82), and what libtpms says. Keyed hash and
/// cipher keys take different ways.
#[test]
fn rows_of_macs() {
    let (public, private) = hmac_pair(b"key");
    let keyed = |attributes, scheme| {
        let public = with_keyedhash_scheme(with(public.clone(), attributes), scheme);
        load_external(public, Some(private.clone()), NULL)
    };
    let aes = |mode, attributes| aes_key(&[1; 16], mode, attributes);
    let (signs, decrypts) = (A::USER_WITH_AUTH | SIGN, A::USER_WITH_AUTH | A::DECRYPT);
    let (sha1, sha256, cmac) =
        (Some(TpmiAlgMacScheme::Sha1), Some(TpmiAlgMacScheme::Sha256), Some(TpmiAlgMacScheme::Cmac));
    let cmac_mode = Some(TpmiAlgSymMode::Cmac);
    let value = TpmRc::VALUE.parameter(2);
    let not_signing = "a key that does not sign";
    let other = "another scheme than the key's";
    let none = "no scheme at all";
    for (condition, key, scheme, expected, libtpms) in [
        (
            "a key that makes no MAC",
            load_external(ec_public(), Some(ec_private()), NULL),
            sha256,
            TpmRc::TYPE.handle(1),
            None,
        ),
        (not_signing, keyed(PLAIN, None), sha256, TpmRc::KEY.handle(1), None),
        (not_signing, aes(None, decrypts), cmac, TpmRc::KEY.handle(1), None),
        (other, keyed(signs, hmac_sha256()), sha1, value, None),
        (other, keyed(signs, hmac_sha256()), cmac, value, None),
        (other, aes(cmac_mode, signs), sha256, value, None),
        (other, aes(Some(TpmiAlgSymMode::Cfb), signs), cmac, value, None),
        // Part 3, 15.6.1: "required to be a valid hash", "required to be a valid block cipher mode for authentication".
        (other, keyed(BOTH_WAYS, None), cmac, value, Some(TpmRc::SCHEME.parameter(2))),
        (other, aes(None, signs), sha256, value, Some(TpmRc::SCHEME.parameter(2))),
        (none, keyed(BOTH_WAYS, None), None, value, None),
        (none, aes(None, signs), None, value, None),
    ] {
        let mut both = Both::started();
        both.same(&key, &[]).unwrap();
        let start = MacStart { handle: KEY, auth: Tpm2bAuth::default(), in_scheme: scheme };
        both.ours.row(condition, &mac(b"data", scheme), expected);
        both.ours.row(condition, &start, expected);
        let theirs = libtpms.unwrap_or(expected);
        assert_eq!(both.theirs.run(&mac(b"data", scheme), &auth()).err(), Some(theirs), "{condition}");
        assert_eq!(both.theirs.run(&start, &auth()).err(), Some(theirs), "{condition}");
    }
    // A key in a mode that encrypts has no scheme to fall back on, which Part 3 does not say.
    let mut both = Both::started();
    both.same(&aes(Some(TpmiAlgSymMode::Cfb), signs), &[]).unwrap();
    assert_eq!(both.same(&mac(b"data", None), &auth()), Err(TpmRc::SCHEME.parameter(2)));
}

#[test]
fn restricted_keys_make_no_macs() {
    for template in [
        keyedhash(OWN | SIGN | A::RESTRICTED, hmac_sha256()),
        with_mode(symcipher(OWN | SIGN | A::RESTRICTED), Some(TpmiAlgSymMode::Cmac)),
    ] {
        let mut both = Both::started();
        let (ours, theirs) = both.same_code(&create_primary(OWNER, template), &auth());
        assert!(ours.is_ok() && theirs.is_ok());
        let start = MacStart { handle: KEY, auth: Tpm2bAuth::default(), in_scheme: None };
        both.ours.row("a restricted key", &mac(b"", None), TpmRc::ATTRIBUTES.handle(1));
        both.ours.row("a restricted key", &start, TpmRc::ATTRIBUTES.handle(1));
        assert_eq!(both.theirs.run(&mac(b"", None), &auth()), Err(TpmRc::ATTRIBUTES.handle(1)));
        assert_eq!(both.theirs.run(&start, &auth()), Err(TpmRc::ATTRIBUTES.handle(1)));
    }
}

fn with_mode(mut public: TpmtPublic, mode: Option<TpmiAlgSymMode>) -> TpmtPublic {
    if let PublicKind::Symcipher(parms, _) = &mut public.kind {
        parms.sym.mode = mode;
    }
    public
}
