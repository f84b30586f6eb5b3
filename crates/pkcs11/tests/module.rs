//! The module as a program uses it, with swtpm as the TPM: keys, signatures, the conventions of the standard, and what does not belong.
#![allow(unsafe_code, non_snake_case, reason = "this is how C calls")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::macro_metavars_in_unsafe, reason = "a test")]

mod common;

use std::ptr;

use common::*;
use cryptoki_sys::*;
use ironroot_client::wire::TpmHandle;
use ironroot_client::wire::TpmiAlgHash::{Sha256, Sha384};
use ironroot_crypto::digest;

#[test]
fn a_key_is_made_found_used_and_taken_off_the_list() {
    let _program = Program::start();
    let session = open();
    assert!(find(session, &mut []).is_empty());
    let (public, private) = generate_p256(session, "web");
    assert_eq!(find(session, &mut []).len(), 2);
    assert_eq!(generate_p256(session, "web"), (public, private), "the same name is the same key");
    let class = CKO_PRIVATE_KEY.to_ne_bytes();
    let point = value(session, public, CKA_EC_POINT).unwrap();
    assert_eq!((point.len(), &point[..3]), (67, [4, 65, 4].as_slice()));
    let mut template = [attribute(CKA_CLASS, &class), attribute(CKA_LABEL, b"web"), attribute(CKA_EC_POINT, &point)];
    assert_eq!(find(session, &mut template), [private]);
    assert!(find(session, &mut [attribute(CKA_LABEL, b"ssh")]).is_empty());
    let id = value(session, private, CKA_ID).unwrap();
    let spki = value(session, public, CKA_PUBLIC_KEY_INFO).unwrap();
    assert_eq!(id, digest(Sha256, &[&spki])[..20]);
    for (kind, expected) in [
        (CKA_SENSITIVE, 1),
        (CKA_ALWAYS_SENSITIVE, 1),
        (CKA_EXTRACTABLE, 0),
        (CKA_NEVER_EXTRACTABLE, 1),
        (CKA_PRIVATE, 0),
        (CKA_SIGN, 1),
        (CKA_DECRYPT, 0),
    ] {
        assert_eq!(value(session, private, kind), Ok(vec![expected]), "{kind:#x}");
    }
    assert_eq!(value(session, private, CKA_VALUE), Err(CKR_ATTRIBUTE_SENSITIVE));
    assert_eq!(value(session, public, CKA_MODULUS), Err(CKR_ATTRIBUTE_TYPE_INVALID));

    // Hashed by the module, and by the program: with digests shorter and longer than the curve.
    let signature = sign(session, &mechanism(CKM_ECDSA_SHA256), private, b"message").unwrap();
    let hash = digest(Sha256, &[b"message"]);
    assert_eq!(verify(session, &mechanism(CKM_ECDSA), public, &hash, &signature), CKR_OK);
    assert_eq!(verify(session, &mechanism(CKM_ECDSA), public, &hash[1..], &signature), CKR_SIGNATURE_INVALID);
    assert_eq!(verify(session, &mechanism(CKM_ECDSA), public, &hash, &signature[1..]), CKR_SIGNATURE_LEN_RANGE);
    for data in [&hash[..20], &digest(Sha384, &[b"message"]), &hash] {
        let signature = sign(session, &mechanism(CKM_ECDSA), private, data).unwrap();
        assert_eq!(verify(session, &mechanism(CKM_ECDSA), public, data, &signature), CKR_OK);
    }
    assert_eq!(sign(session, &mechanism(CKM_ECDSA), private, &[]), Err(CKR_DATA_LEN_RANGE));
    assert_eq!(sign(session, &mechanism(CKM_RSA_PKCS), private, &hash), Err(CKR_KEY_TYPE_INCONSISTENT));
    assert_eq!(sign(session, &mechanism(CKM_ECDSA), public, &hash), Err(CKR_KEY_FUNCTION_NOT_PERMITTED));
    assert_eq!(sign(session, &mechanism(CKM_AES_CBC), private, &hash), Err(CKR_MECHANISM_INVALID));
    assert_eq!(sign(session, &mechanism(CKM_ECDSA), 999, &hash), Err(CKR_KEY_HANDLE_INVALID));

    assert_eq!(call!(C_DestroyObject, session, public), CKR_ACTION_PROHIBITED);
    assert_eq!(call!(C_DestroyObject, session, private), CKR_OK);
    assert_eq!(call!(C_DestroyObject, session, private), CKR_OBJECT_HANDLE_INVALID);
    assert!(find(session, &mut []).is_empty());
    assert_eq!(sign(session, &mechanism(CKM_ECDSA), private, &hash), Err(CKR_KEY_HANDLE_INVALID));
    // A name is taken off the list; the key cannot be: the same name gives it again.
    let (again, _) = generate_p256(session, "web");
    assert_eq!(value(session, again, CKA_EC_POINT), Ok(point));
}

#[test]
fn rsa_keys_sign_with_both_paddings() {
    let _program = Program::start();
    let session = open();
    let bits = CK_ULONG::to_ne_bytes(2048);
    let mut public = [attribute(CKA_MODULUS_BITS, &bits), attribute(CKA_LABEL, b"rsa")];
    let (rv, public, private) = generate(session, CKM_RSA_PKCS_KEY_PAIR_GEN, &mut public, &mut []);
    assert_eq!(rv, CKR_OK);
    assert_eq!(value(session, public, CKA_MODULUS).unwrap().len(), 256);
    assert_eq!(value(session, private, CKA_PUBLIC_EXPONENT), Ok(vec![1, 0, 1]));
    assert_eq!(value(session, private, CKA_PRIVATE_EXPONENT), Err(CKR_ATTRIBUTE_SENSITIVE));
    let hash = digest(Sha256, &[b"message"]);
    let prefix = [0x30, 0x31, 0x30, 13, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1, 5, 0, 4, 0x20];
    let info = [prefix.as_slice(), &hash].concat();
    let signature = sign(session, &mechanism(CKM_RSA_PKCS), private, &info).unwrap();
    assert_eq!(sign(session, &mechanism(CKM_SHA256_RSA_PKCS), private, b"message"), Ok(signature.clone()));
    assert_eq!(verify(session, &mechanism(CKM_SHA256_RSA_PKCS), public, b"message", &signature), CKR_OK);
    assert_eq!(sign(session, &mechanism(CKM_RSA_PKCS), private, &hash), Err(CKR_DATA_INVALID));

    let parameters = CK_RSA_PKCS_PSS_PARAMS { hashAlg: CKM_SHA256, mgf: CKG_MGF1_SHA256, sLen: 32 };
    let pss = |kind| CK_MECHANISM {
        mechanism: kind,
        pParameter: (&raw const parameters).cast_mut().cast(),
        ulParameterLen: size_of::<CK_RSA_PKCS_PSS_PARAMS>().try_into().unwrap(),
    };
    let signature = sign(session, &pss(CKM_RSA_PKCS_PSS), private, &hash).unwrap();
    assert_eq!(verify(session, &pss(CKM_SHA256_RSA_PKCS_PSS), public, b"message", &signature), CKR_OK);
    assert_eq!(verify(session, &pss(CKM_RSA_PKCS_PSS), public, &[0; 32], &signature), CKR_SIGNATURE_INVALID);
    assert_eq!(sign(session, &pss(CKM_RSA_PKCS_PSS), private, &hash[1..]), Err(CKR_DATA_LEN_RANGE));
}

#[test]
fn results_of_any_length_come_in_two_calls_or_in_pieces() {
    let _program = Program::start();
    let session = open();
    let (public, private) = generate_p256(session, "web");
    assert_eq!(call!(C_SignInit, session, &mut mechanism(CKM_ECDSA_SHA256), private), CKR_OK);
    assert_eq!(call!(C_SignInit, session, &mut mechanism(CKM_ECDSA_SHA256), private), CKR_OPERATION_ACTIVE);
    let (mut buffer, mut length) = ([0_u8; 64], 0);
    let mut message = *b"in two pieces";
    assert_eq!(call!(C_SignUpdate, session, message.as_mut_ptr(), 4), CKR_OK);
    assert_eq!(call!(C_SignUpdate, session, message[4..].as_mut_ptr(), 9), CKR_OK);
    assert_eq!(call!(C_SignFinal, session, ptr::null_mut(), &raw mut length), CKR_OK);
    assert_eq!(length, 64);
    length = 63;
    assert_eq!(call!(C_SignFinal, session, buffer.as_mut_ptr(), &raw mut length), CKR_BUFFER_TOO_SMALL);
    assert_eq!((length, buffer), (64, [0; 64]), "nothing is written into a buffer that is too small");
    assert_eq!(call!(C_SignFinal, session, buffer.as_mut_ptr(), &raw mut length), CKR_OK);
    assert_eq!(verify(session, &mechanism(CKM_ECDSA_SHA256), public, &message, &buffer), CKR_OK);
    assert_eq!(call!(C_SignFinal, session, buffer.as_mut_ptr(), &raw mut length), CKR_OPERATION_NOT_INITIALIZED);

    let (mut hash, mut length) = ([0_u8; 32], 0);
    assert_eq!(call!(C_DigestInit, session, &mut mechanism(CKM_SHA256)), CKR_OK);
    assert_eq!(
        call!(C_Digest, session, message.as_mut_ptr(), 13, hash.as_mut_ptr(), &raw mut length),
        CKR_BUFFER_TOO_SMALL
    );
    assert_eq!(call!(C_Digest, session, message.as_mut_ptr(), 13, hash.as_mut_ptr(), &raw mut length), CKR_OK);
    assert_eq!(hash, digest(Sha256, &[&message])[..]);
    // What is running ends with the operation that a null mechanism stands for, and with C_SessionCancel.
    assert_eq!(call!(C_DigestInit, session, &mut mechanism(CKM_SHA256)), CKR_OK);
    assert_eq!(call!(C_DigestInit, session, ptr::null_mut()), CKR_OK);
    assert_eq!(call!(C_SignInit, session, &mut mechanism(CKM_ECDSA), private), CKR_OK);
    assert_eq!(call!(C_SessionCancel, session, CKF_SIGN), CKR_OK);
    assert_eq!(call!(C_SignUpdate, session, message.as_mut_ptr(), 1), CKR_OPERATION_NOT_INITIALIZED);

    // Each attribute is answered by itself.
    let (mut small, mut label) = ([0_u8; 2], [0_u8; 8]);
    let mut asked = [
        attribute(CKA_LABEL, &label),
        attribute(CKA_LABEL, &small),
        attribute(CKA_VALUE, &small),
        attribute(CKA_ISSUER, &small),
    ];
    asked[0].pValue = label.as_mut_ptr().cast();
    asked[1].pValue = small.as_mut_ptr().cast();
    let rv = call!(C_GetAttributeValue, session, private, asked.as_mut_ptr(), 4);
    assert!([CKR_BUFFER_TOO_SMALL, CKR_ATTRIBUTE_SENSITIVE, CKR_ATTRIBUTE_TYPE_INVALID].contains(&rv), "{rv:#x}");
    assert_eq!((asked[0].ulValueLen, &label[..3], small), (3, b"web".as_slice(), [0; 2]));
    assert!(asked[1..].iter().all(|attribute| attribute.ulValueLen == CK_UNAVAILABLE_INFORMATION));
}

#[test]
fn what_is_wrong_has_its_code() {
    let _program = Program::start();
    let mut session = 0;
    let serial = CKF_SERIAL_SESSION;
    assert_eq!(call!(C_Initialize, ptr::null_mut()), CKR_CRYPTOKI_ALREADY_INITIALIZED);
    assert_eq!(call!(C_GetInfo, ptr::null_mut()), CKR_ARGUMENTS_BAD);
    assert_eq!(call!(C_OpenSession, 7, serial, ptr::null_mut(), None, &raw mut session), CKR_SLOT_ID_INVALID);
    assert_eq!(call!(C_OpenSession, 0, 0, ptr::null_mut(), None, &raw mut session), CKR_SESSION_PARALLEL_NOT_SUPPORTED);
    assert_eq!(call!(C_OpenSession, 0, serial, ptr::null_mut(), None, ptr::null_mut()), CKR_ARGUMENTS_BAD);
    assert_eq!(call!(C_OpenSession, 0, serial, ptr::null_mut(), None, &raw mut session), CKR_OK);
    let mut public = [attribute(CKA_EC_PARAMS, P256), attribute(CKA_LABEL, b"web")];
    assert_eq!(generate(session, CKM_EC_KEY_PAIR_GEN, &mut public, &mut []).0, CKR_SESSION_READ_ONLY);
    let class = CKO_PRIVATE_KEY.to_ne_bytes();
    let mut object = [attribute(CKA_CLASS, &class)];
    assert_eq!(call!(C_CreateObject, session, object.as_mut_ptr(), 1, ptr::null_mut()), CKR_ACTION_PROHIBITED);
    assert_eq!(call!(C_CreateObject, session, ptr::null_mut(), 1, ptr::null_mut()), CKR_ARGUMENTS_BAD);
    assert_eq!(call!(C_EncryptInit, session, ptr::null_mut(), 1), CKR_FUNCTION_NOT_SUPPORTED);
    assert_eq!(call!(C_SeedRandom, session, ptr::null_mut(), 0), CKR_RANDOM_SEED_NOT_SUPPORTED);
    let mut random = [0_u8; 100];
    assert_eq!(call!(C_GenerateRandom, session, random.as_mut_ptr(), 100), CKR_OK);
    assert!(random.iter().any(|byte| *byte != 0));
    assert_eq!(call!(C_GenerateRandom, session, ptr::null_mut(), 1), CKR_ARGUMENTS_BAD);
    assert_eq!(call!(C_GenerateRandom, session, random.as_mut_ptr(), CK_ULONG::MAX), CKR_ARGUMENTS_BAD);
    let mut huge = attribute(CKA_LABEL, b"x");
    huge.ulValueLen = CK_ULONG::MAX;
    assert_eq!(call!(C_FindObjectsInit, session, &raw mut huge, 1), CKR_ATTRIBUTE_VALUE_INVALID);
    assert_eq!(call!(C_FindObjectsInit, session, &raw mut huge, CK_ULONG::MAX), CKR_ARGUMENTS_BAD);
    assert_eq!(call!(C_FindObjectsFinal, session), CKR_OPERATION_NOT_INITIALIZED);
    // No PIN is needed, and any is taken.
    assert_eq!(call!(C_Login, session, CKU_SO, ptr::null_mut(), 0), CKR_USER_TYPE_INVALID);
    assert_eq!(call!(C_Login, session, CKU_USER, ptr::null_mut(), 0), CKR_OK);
    assert_eq!(call!(C_Login, session, CKU_USER, ptr::null_mut(), 0), CKR_USER_ALREADY_LOGGED_IN);
    assert_eq!(call!(C_Logout, session), CKR_OK);
    assert_eq!(call!(C_CloseSession, session), CKR_OK);
    assert_eq!(call!(C_CloseSession, session), CKR_SESSION_HANDLE_INVALID);
    assert_eq!(call!(C_WaitForSlotEvent, CKF_DONT_BLOCK, ptr::null_mut(), ptr::null_mut()), CKR_NO_EVENT);
    assert_eq!(call!(C_Finalize, ptr::null_mut()), CKR_OK);
    assert_eq!(call!(C_Finalize, ptr::null_mut()), CKR_CRYPTOKI_NOT_INITIALIZED);
    assert_eq!(call!(C_CloseSession, session), CKR_CRYPTOKI_NOT_INITIALIZED);
    assert_eq!(call!(C_GetInfo, ptr::null_mut()), CKR_CRYPTOKI_NOT_INITIALIZED);
}

#[test]
fn the_pin_is_the_endorsement_hierarchys_auth_value() {
    let program = Program::start();
    let session = open();
    let (_, private) = generate_p256(session, "web");
    assert_eq!(call!(C_CloseSession, session), CKR_OK);
    program.tpm.connect().unwrap().hierarchy_change_auth(TpmHandle::ENDORSEMENT, b"1234").unwrap();

    let mut info: CK_TOKEN_INFO = unsafe { std::mem::zeroed() };
    assert_eq!(call!(C_GetTokenInfo, 0, &raw mut info), CKR_OK);
    assert_ne!(info.flags & CKF_LOGIN_REQUIRED, 0);
    let session = open();
    let class = CKO_PRIVATE_KEY.to_ne_bytes();
    assert!(find(session, &mut [attribute(CKA_CLASS, &class)]).is_empty());
    assert_eq!(sign(session, &mechanism(CKM_ECDSA), private, &[1; 32]), Err(CKR_USER_NOT_LOGGED_IN));
    let pin = |pin: &[u8]| {
        let (text, length) = (pin.as_ptr().cast_mut(), pin.len().try_into().unwrap());
        call!(C_Login, session, CKU_USER, text, length)
    };
    assert_eq!(pin(b""), CKR_PIN_INCORRECT);
    assert_eq!(pin(b"12345"), CKR_PIN_INCORRECT);
    assert_eq!(pin(&[b'1'; 65]), CKR_PIN_LEN_RANGE);
    assert_eq!(pin(b"1234"), CKR_OK);
    assert_eq!(find(session, &mut [attribute(CKA_CLASS, &class)]), [private]);
    assert_eq!(value(session, private, CKA_PRIVATE), Ok(vec![1]));
    assert!(sign(session, &mechanism(CKM_ECDSA), private, &[1; 32]).is_ok());
    assert_eq!(call!(C_Logout, session), CKR_OK);
    assert_eq!(sign(session, &mechanism(CKM_ECDSA), private, &[1; 32]), Err(CKR_USER_NOT_LOGGED_IN));
    assert_eq!(value(session, private, CKA_LABEL), Err(CKR_OBJECT_HANDLE_INVALID));

    // The empty value is none, though the TPM goes on to say that it was changed.
    assert_eq!(call!(C_CloseSession, session), CKR_OK);
    let mut tpm = program.tpm.connect().unwrap();
    tpm.set_auth(TpmHandle::ENDORSEMENT, b"1234");
    tpm.hierarchy_change_auth(TpmHandle::ENDORSEMENT, b"").unwrap();
    drop(tpm);
    let session = open();
    assert!(sign(session, &mechanism(CKM_ECDSA), private, &[1; 32]).is_ok());
}

#[test]
fn threads_use_one_token() {
    let _program = Program::start();
    let session = open();
    let keys = ["a", "b", "c"].map(|name| generate_p256(session, name));
    std::thread::scope(|scope| {
        for (public, private) in keys {
            scope.spawn(move || {
                let session = open();
                for round in 0..5_u8 {
                    let signature = sign(session, &mechanism(CKM_ECDSA_SHA256), private, &[round]).unwrap();
                    assert_eq!(verify(session, &mechanism(CKM_ECDSA_SHA256), public, &[round], &signature), CKR_OK);
                }
            });
        }
    });
    let mut info: CK_TOKEN_INFO = unsafe { std::mem::zeroed() };
    assert_eq!(call!(C_GetTokenInfo, 0, &raw mut info), CKR_OK);
    assert_eq!((info.ulSessionCount, info.ulRwSessionCount), (4, 4));
}

#[test]
fn a_child_of_fork_starts_afresh_and_leaves_its_parent_alone() {
    let _program = Program::start();
    let session = open();
    let (_, private) = generate_p256(session, "web");
    assert!(sign(session, &mechanism(CKM_ECDSA), private, &[1; 32]).is_ok());
    let child = |action: &dyn Fn() -> CK_RV| {
        // The child calls nothing of the parent's test harness, and ends without unwinding.
        match unsafe { libc::fork() } {
            0 => {
                let rv = action();
                unsafe { libc::_exit(i32::from(rv != CKR_OK)) }
            }
            child => {
                let mut status = -1;
                assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
                status
            }
        }
    };
    let refused = child(&|| {
        let rvs = [call!(C_CloseSession, session), call!(C_Finalize, ptr::null_mut())];
        if rvs == [CKR_CRYPTOKI_NOT_INITIALIZED; 2] { CKR_OK } else { CKR_GENERAL_ERROR }
    });
    assert_eq!(refused, 0);
    assert!(sign(session, &mechanism(CKM_ECDSA), private, &[2; 32]).is_ok(), "the parent goes on");
    // swtpm serves one connection at a time, so the parent leaves it first.
    assert_eq!(call!(C_CloseSession, session), CKR_OK);
    let works = child(&|| {
        let begun = call!(C_Initialize, ptr::null_mut());
        if begun != CKR_OK {
            return begun;
        }
        let session = open();
        let class = CKO_PRIVATE_KEY.to_ne_bytes();
        let found = find(session, &mut [attribute(CKA_CLASS, &class)]);
        let signed = sign(session, &mechanism(CKM_ECDSA), found[0], &[1; 32]);
        signed.map_or_else(|rv| rv, |_| call!(C_Finalize, ptr::null_mut()))
    });
    assert_eq!(works, 0);
    assert!(sign(open(), &mechanism(CKM_ECDSA), private, &[1; 32]).is_ok());
}

#[test]
fn before_initialization_and_without_a_tpm_there_is_a_code_for_it() {
    let mut program = Program::prepare();
    let mut session = 0;
    let serial = CKF_SERIAL_SESSION;
    assert_eq!(call!(C_OpenSession, 0, serial, ptr::null_mut(), None, &raw mut session), CKR_CRYPTOKI_NOT_INITIALIZED);
    program.tpm.kill();
    program.initialize();
    let mut count = 7;
    assert_eq!(call!(C_GetSlotList, CK_TRUE, ptr::null_mut(), &raw mut count), CKR_OK);
    assert_eq!(count, 0);
    assert_eq!(call!(C_GetSlotList, CK_FALSE, ptr::null_mut(), &raw mut count), CKR_OK);
    assert_eq!(count, 1);
    let mut info: CK_TOKEN_INFO = unsafe { std::mem::zeroed() };
    assert_eq!(call!(C_GetTokenInfo, 0, &raw mut info), CKR_TOKEN_NOT_PRESENT);
    assert_eq!(call!(C_OpenSession, 0, serial, ptr::null_mut(), None, &raw mut session), CKR_TOKEN_NOT_PRESENT);
}
