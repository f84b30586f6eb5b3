//! `TPM2_EncryptDecrypt2`, `TPM2_Hash` and `TPM2_HMAC` through bytes, beside libtpms.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod common;
mod outside;
mod peer;
mod templates;

use common::{TestTpm, password};
use ironroot_wire::*;
use outside::*;
use peer::Both;
use templates::{keys::*, *};

const KEY: TpmiDhObject = TpmiDhObject(0x8000_0000);
const MODES: [TpmiAlgSymMode; 5] =
    [TpmiAlgSymMode::Ctr, TpmiAlgSymMode::Ofb, TpmiAlgSymMode::Cbc, TpmiAlgSymMode::Cfb, TpmiAlgSymMode::Ecb];

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

fn cipher(data: &[u8], decrypt: bool, mode: Option<TpmiAlgSymMode>, iv: &[u8]) -> EncryptDecrypt2 {
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
        for mode in MODES {
            let start: &[u8] = if mode == TpmiAlgSymMode::Ecb { &[] } else { &[0xFE; 16] };
            let whole = matches!(mode, TpmiAlgSymMode::Cbc | TpmiAlgSymMode::Ecb);
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
    assert_eq!(run(cipher(&[0; 16], false, Some(TpmiAlgSymMode::Cfb), &iv)), Err(TpmRc::MODE.parameter(3)));
    assert_eq!(run(cipher(&[0; 16], false, None, &iv[1..])), Err(TpmRc::SIZE.parameter(4)));
    assert_eq!(run(cipher(&[0; 15], false, None, &iv)), Err(TpmRc::SIZE.parameter(1)));
    let mut other = Both::started();
    other.same(&aes_key(&[1; 16], None, A::USER_WITH_AUTH | A::DECRYPT), &[]).unwrap();
    let mut run = |command: EncryptDecrypt2| other.ours.run_auth(&command).map(|_| ());
    assert_eq!(run(cipher(&[0; 16], true, None, &iv)), Err(TpmRc::MODE.parameter(3)));
    assert_eq!(run(cipher(&[0; 16], true, Some(TpmiAlgSymMode::Ecb), &iv)), Err(TpmRc::SIZE.parameter(4)));
    assert_eq!(run(cipher(&[0; 17], true, Some(TpmiAlgSymMode::Ecb), &[])), Err(TpmRc::SIZE.parameter(1)));
    let encrypts = cipher(&[0; 16], false, Some(TpmiAlgSymMode::Cfb), &iv);
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
