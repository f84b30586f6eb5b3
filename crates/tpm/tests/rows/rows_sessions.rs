//! The error conditions that Part 3 names for the commands of clause 11 (error_rows.txt).

use crate::common::TestTpm;
use crate::outside::{load_external, with, with_rsa_scheme};
use crate::policies::start_command;
use crate::templates::{keys::*, *};
use ironroot_wire::*;

const DECRYPT: A = A(A::USER_WITH_AUTH.0 | A::DECRYPT.0);

/// A session whose salt is for a key.
fn salted(key: u32, salt: &[u8]) -> StartAuthSession {
    StartAuthSession {
        tpm_key: Some(TpmiDhObject(key)),
        encrypted_salt: Tpm2bEncryptedSecret::from_slice(salt).unwrap(),
        ..start_command(TpmSe::Hmac, TpmiAlgHash::Sha256)
    }
}

fn load(tpm: &mut TestTpm, public: TpmtPublic, private: Option<TpmtSensitive>) -> u32 {
    tpm.run(&load_external(public, private, NULL)).unwrap().object_handle.0
}

#[test]
fn start_auth_session() {
    let mut tpm = TestTpm::started();
    let plain = || start_command(TpmSe::Hmac, TpmiAlgHash::Sha256);
    let mode = Some(TpmiAlgSymMode::Cbc);
    let cbc = TpmtSymDefObject { algorithm: TpmiAlgSymObject::Aes, key_bits: TpmiSymKeyBits::Bits128, mode };
    let command = StartAuthSession { symmetric: Some(TpmtSymDef::Cipher(cbc)), ..plain() };
    tpm.row("a block cipher in another mode than CFB", &command, TpmRc::MODE.parameter(4));
    for (condition, size) in [("a nonce of less than 16 bytes", 15), ("a nonce larger than the digest of authHash", 33)]
    {
        let command = StartAuthSession { nonce_caller: Tpm2bNonce::from_slice(&[1; 48][..size]).unwrap(), ..plain() };
        tpm.row(condition, &command, TpmRc::SIZE.parameter(1));
    }
    let public_only = load(&mut tpm, with_rsa_scheme(with(rsa_public(), DECRYPT), None), None);
    tpm.row("tpmKey's sensitive area is not loaded", &salted(public_only, &[1; 256]), TpmRc::HANDLE.handle(1));
    let command = StartAuthSession { bind: Some(TpmiDhEntity(public_only)), ..plain() };
    tpm.row("bind's sensitive area is not loaded", &command, TpmRc::HANDLE.handle(2));
}

#[test]
fn salts_of_rsa_keys() {
    let mut tpm = TestTpm::started();
    let public = with_rsa_scheme(with(rsa_public(), DECRYPT), None);
    let key = load(&mut tpm, public.clone(), Some(rsa_private()));
    let value = TpmRc::VALUE.parameter(2);
    tpm.row("the salt is not as long as the RSA modulus", &salted(key, &[1; 255]), value);
    tpm.row("the salt is greater than the RSA modulus", &salted(key, &[0xFF; 256]), value);
    tpm.row("the salt is not OAEP", &salted(key, &[1; 256]), value);
    // A well-formed salt of 33 bytes; the key's nameAlg has 32.
    let command = RsaEncrypt {
        key_handle: TpmiDhObject(key),
        message: Tpm2bRsaMessage::from_slice(&[7; 33]).unwrap(),
        in_scheme: Some(TpmtRsaDecrypt::Oaep(TpmiAlgHash::Sha256)),
        label: Tpm2bData::from_slice(b"SECRET\0").unwrap(),
    };
    let long = tpm.run(&command).unwrap().out_data;
    tpm.row("the salt is larger than the digest of the key's nameAlg", &salted(key, &long), value);
    let right = tpm.run(&RsaEncrypt { message: Tpm2bRsaMessage::from_slice(&[7; 32]).unwrap(), ..command }).unwrap();
    tpm.run(&salted(key, &right.out_data)).unwrap();

    let rsaes = with_rsa_scheme(public, Some(TpmtRsaScheme::Rsaes(())));
    let other = load(&mut tpm, rsaes, Some(rsa_private()));
    tpm.row("the scheme of tpmKey is not OAEP", &salted(other, &[1; 256]), TpmRc::VALUE.handle(1));
    let signing = load(&mut tpm, rsa_public(), Some(rsa_private()));
    tpm.row("tpmKey is not a decryption key", &salted(signing, &[1; 256]), TpmRc::ATTRIBUTES.handle(1));
    let (public, private) = aes_pair(&[1; 16]);
    let cipher = load(&mut tpm, with(public, DECRYPT), Some(private));
    tpm.row("tpmKey is not asymmetric", &salted(cipher, &[1; 16]), TpmRc::KEY.handle(1));
}

#[test]
fn salts_of_ecc_keys() {
    let mut tpm = TestTpm::started();
    let key = tpm.run_auth(&create_primary(OWNER, ecc_srk())).unwrap().object_handle.0;
    let value = TpmRc::VALUE.parameter(2);
    for salt in [&[1][..], &[0, 200, 1], &[0; 5]] {
        tpm.row("the salt of an ECC key is not a point", &salted(key, salt), value);
    }
    let off = ec_point(&bytes(EC_X), &bytes(EC_X)).to_bytes();
    tpm.row("the salt of an ECC key is not on its curve", &salted(key, &off), value);
    let on = ec_point(&bytes(EC_X), &bytes(EC_Y)).to_bytes();
    tpm.run(&salted(key, &on)).unwrap();
}

#[test]
fn there_are_only_so_many_sessions() {
    let mut tpm = TestTpm::started();
    let command = start_command(TpmSe::Hmac, TpmiAlgHash::Sha256);
    let mut first = None;
    while let Ok(response) = tpm.run(&command) {
        first.get_or_insert(response.session_handle.0);
    }
    // All slots are loaded; one that is saved frees its slot.
    let rc = tpm.run(&command).unwrap_err();
    assert_eq!(rc, TpmRc::SESSION_MEMORY);
    let save = ContextSave { save_handle: TpmiDhContext(first.unwrap()) };
    tpm.run(&save).unwrap();
    tpm.run(&command).unwrap();
}

#[test]
fn saved_sessions_use_up_the_handles() {
    let mut tpm = TestTpm::started();
    let command = start_command(TpmSe::Hmac, TpmiAlgHash::Sha256);
    let refused = loop {
        match tpm.run(&command) {
            Ok(started) => {
                tpm.run(&ContextSave { save_handle: TpmiDhContext(started.session_handle.0) }).unwrap();
            }
            Err(rc) => break rc,
        }
    };
    assert_eq!(refused, TpmRc::SESSION_HANDLES);
    tpm.row("no free slot for a session", &command, TpmRc::SESSION_HANDLES);
}
