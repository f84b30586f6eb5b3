//! A hundred thousand calls of whatever functions, with whatever arguments a program may get wrong: none may crash, and the module works afterwards.
#![allow(unsafe_code, non_snake_case, reason = "this is how C calls")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::macro_metavars_in_unsafe, reason = "a test")]

mod common;

use std::ptr;

use common::*;
use cryptoki_sys::*;

const CALLS: usize = 100_000;
const ROOM: usize = 4096;

/// A small generator: every run makes the same calls.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }

    fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[usize::try_from(self.below(choices.len().try_into().unwrap())).unwrap()]
    }
}

/// What the functions get: pointers are null or have more room than any length that goes with them.
struct Caller {
    dice: Dice,
    sessions: Vec<CK_SESSION_HANDLE>,
    bytes: Vec<u8>,
    template: Vec<CK_ATTRIBUTE>,
    request: CK_MECHANISM,
    length: CK_ULONG,
    handles: Vec<CK_OBJECT_HANDLE>,
}

impl Caller {
    fn session(&mut self) -> CK_SESSION_HANDLE {
        if self.dice.below(8) == 0 {
            self.dice.below(9)
        } else {
            let sessions = self.sessions.clone();
            self.dice.one_of(&sessions)
        }
    }

    fn object(&mut self) -> CK_OBJECT_HANDLE {
        self.dice.one_of(&[0, 1, 1, 2, 2, 3, CK_ULONG::MAX])
    }

    fn data(&mut self) -> *mut u8 {
        if self.dice.below(6) == 0 { ptr::null_mut() } else { self.bytes.as_mut_ptr() }
    }

    fn count(&mut self) -> CK_ULONG {
        self.dice.one_of(&[0, 1, 20, 32, 32, 48, 64, 65, 256, 4096])
    }

    fn length(&mut self) -> *mut CK_ULONG {
        self.length = self.count();
        if self.dice.below(8) == 0 { ptr::null_mut() } else { &raw mut self.length }
    }

    fn request(&mut self) -> *mut CK_MECHANISM {
        let kinds =
            [CKM_ECDSA, CKM_ECDSA_SHA256, CKM_RSA_PKCS, CKM_RSA_PKCS_PSS, CKM_EDDSA, CKM_SHA256, 0, CKM_AES_CBC];
        let ulParameterLen = self.dice.one_of(&[0, 0, 0, 24, 4096, CK_ULONG::MAX]);
        self.request =
            CK_MECHANISM { mechanism: self.dice.one_of(&kinds), pParameter: self.data().cast(), ulParameterLen };
        if self.dice.below(12) == 0 { ptr::null_mut() } else { &raw mut self.request }
    }

    /// A template of up to eight attributes whose values have room for their lengths.
    fn template(&mut self) -> (*mut CK_ATTRIBUTE, CK_ULONG) {
        let kinds = [CKA_CLASS, CKA_LABEL, CKA_ID, CKA_EC_POINT, CKA_VALUE, CKA_TOKEN, CKA_EC_PARAMS, CKA_MODULUS, 77];
        for at in 0..8 {
            let (type_, ulValueLen) = (self.dice.one_of(&kinds), self.count());
            self.template[at] = CK_ATTRIBUTE { type_, pValue: self.data().cast(), ulValueLen };
        }
        let count = self.dice.one_of(&[0, 1, 2, 8, CK_ULONG::MAX]);
        (if self.dice.below(8) == 0 { ptr::null_mut() } else { self.template.as_mut_ptr() }, count)
    }

    #[allow(clippy::too_many_lines, reason = "a line a function")]
    fn call(&mut self) -> CK_RV {
        let (session, object) = (self.session(), self.object());
        let (data, count, length, request) = (self.data(), self.count(), self.length(), self.request());
        let (template, number) = self.template();
        let (flags, found) = (self.dice.below(8), self.handles.as_mut_ptr());
        let out = self.handles.as_mut_ptr().cast::<u8>();
        match self.dice.below(40) {
            0 => call!(C_GetSlotList, 1, found, length),
            1 => call!(C_GetMechanismList, 0, data.cast(), length),
            2 => call!(C_GetMechanismInfo, flags, count, data.cast()),
            3 => call!(C_GetTokenInfo, flags, data.cast()),
            4 => call!(C_GetSlotInfo, flags, data.cast()),
            5 => call!(C_GetSessionInfo, session, data.cast()),
            6 => call!(C_Login, session, flags, data, count.min(64)),
            7 => call!(C_Logout, session),
            8 => call!(C_CreateObject, session, template, number, found),
            9 => call!(C_CopyObject, session, object, template, number, found),
            10 => call!(C_GetObjectSize, session, object, length),
            11..=13 => call!(C_GetAttributeValue, session, object, template, number),
            14 => call!(C_SetAttributeValue, session, object, template, number),
            15 => call!(C_FindObjectsInit, session, template, number),
            16 => call!(C_FindObjects, session, found, count.min(64), length),
            17 => call!(C_FindObjectsFinal, session),
            18 => call!(C_DigestInit, session, request),
            19 => call!(C_Digest, session, data, count, out, length),
            20 => call!(C_DigestUpdate, session, data, count),
            21 => call!(C_DigestFinal, session, out, length),
            22..=24 => call!(C_SignInit, session, request, object),
            25 => call!(C_Sign, session, data, count, out, length),
            26 => call!(C_SignUpdate, session, data, count),
            27 => call!(C_SignFinal, session, out, length),
            28 => call!(C_VerifyInit, session, request, object),
            29 => call!(C_Verify, session, data, count, out, 64),
            30 => call!(C_VerifyUpdate, session, data, count),
            31 => call!(C_VerifyFinal, session, data, count),
            32 => call!(C_GenerateKeyPair, session, request, template, number, template, number, found, found),
            33 => call!(C_GenerateRandom, session, data, count),
            34 => call!(C_SessionCancel, session, self.dice.below(1 << 20)),
            35 => call!(C_DecryptInit, session, request, object),
            36 => call!(C_WrapKey, session, request, object, object, data, length),
            37 => call!(C_DeriveKey, session, request, object, template, number, found),
            38 => call!(C_OpenSession, flags, CKF_SERIAL_SESSION, ptr::null_mut(), None, ptr::null_mut()),
            _ => call!(C_MessageSignInit, session, request, object),
        }
    }
}

#[test]
fn random_calls_do_not_crash() {
    let _program = Program::start();
    let first = open();
    let (_, private) = generate_p256(first, "web");
    let empty = CK_ATTRIBUTE { type_: 0, pValue: ptr::null_mut(), ulValueLen: 0 };
    let mut caller = Caller {
        dice: Dice(0x1234_5678_9abc_def1),
        sessions: vec![first, open(), open()],
        bytes: vec![0; ROOM],
        template: vec![empty; 8],
        request: mechanism(0),
        length: 0,
        handles: vec![0; ROOM],
    };
    let mut codes = std::collections::BTreeMap::new();
    for _ in 0..CALLS {
        *codes.entry(caller.call()).or_insert(0_usize) += 1;
    }
    println!("{codes:?}");
    assert!(codes.len() > 15, "the calls should go wrong in more ways: {codes:?}");
    assert!(codes[&CKR_OK] > CALLS / 20, "and some should go well: {codes:?}");
    assert!(!codes.contains_key(&CKR_GENERAL_ERROR), "a panic: {codes:?}");
    let session = open();
    assert!(sign(session, &mechanism(CKM_ECDSA), private, &[1; 32]).is_ok());
}
