//! The lists of functions, which is all that a program looks up by name.

use std::{ffi::c_void, ptr};

use cryptoki_sys::*;

use super::{
    general::*,
    memory::{bytes, deliver, get, put},
    objects::*,
    operations::*,
    process::call,
    unsupported::*,
};
use crate::error::Rv;

/// A list of functions of this name and version, each under its own name.
macro_rules! list {
    ($list:ident: $type:ident, $major:literal . $minor:literal, $($name:ident),*) => {
        static $list: $type = $type { version: CK_VERSION { major: $major, minor: $minor }, $($name: Some($name)),* };
    };
}

list! {
    VERSION_2_40: CK_FUNCTION_LIST, 2 . 40,
    C_Initialize, C_Finalize, C_GetInfo, C_GetFunctionList, C_GetSlotList, C_GetSlotInfo, C_GetTokenInfo,
    C_GetMechanismList, C_GetMechanismInfo, C_InitToken, C_InitPIN, C_SetPIN, C_OpenSession, C_CloseSession,
    C_CloseAllSessions, C_GetSessionInfo, C_GetOperationState, C_SetOperationState, C_Login, C_Logout,
    C_CreateObject, C_CopyObject, C_DestroyObject, C_GetObjectSize, C_GetAttributeValue, C_SetAttributeValue,
    C_FindObjectsInit, C_FindObjects, C_FindObjectsFinal, C_EncryptInit, C_Encrypt, C_EncryptUpdate,
    C_EncryptFinal, C_DecryptInit, C_Decrypt, C_DecryptUpdate, C_DecryptFinal, C_DigestInit, C_Digest,
    C_DigestUpdate, C_DigestKey, C_DigestFinal, C_SignInit, C_Sign, C_SignUpdate, C_SignFinal, C_SignRecoverInit,
    C_SignRecover, C_VerifyInit, C_Verify, C_VerifyUpdate, C_VerifyFinal, C_VerifyRecoverInit, C_VerifyRecover,
    C_DigestEncryptUpdate, C_DecryptDigestUpdate, C_SignEncryptUpdate, C_DecryptVerifyUpdate, C_GenerateKey,
    C_GenerateKeyPair, C_WrapKey, C_UnwrapKey, C_DeriveKey, C_SeedRandom, C_GenerateRandom, C_GetFunctionStatus,
    C_CancelFunction, C_WaitForSlotEvent
}

list! {
    VERSION_3_0: CK_FUNCTION_LIST_3_0, 3 . 0,
    C_Initialize, C_Finalize, C_GetInfo, C_GetFunctionList, C_GetSlotList, C_GetSlotInfo, C_GetTokenInfo,
    C_GetMechanismList, C_GetMechanismInfo, C_InitToken, C_InitPIN, C_SetPIN, C_OpenSession, C_CloseSession,
    C_CloseAllSessions, C_GetSessionInfo, C_GetOperationState, C_SetOperationState, C_Login, C_Logout,
    C_CreateObject, C_CopyObject, C_DestroyObject, C_GetObjectSize, C_GetAttributeValue, C_SetAttributeValue,
    C_FindObjectsInit, C_FindObjects, C_FindObjectsFinal, C_EncryptInit, C_Encrypt, C_EncryptUpdate,
    C_EncryptFinal, C_DecryptInit, C_Decrypt, C_DecryptUpdate, C_DecryptFinal, C_DigestInit, C_Digest,
    C_DigestUpdate, C_DigestKey, C_DigestFinal, C_SignInit, C_Sign, C_SignUpdate, C_SignFinal, C_SignRecoverInit,
    C_SignRecover, C_VerifyInit, C_Verify, C_VerifyUpdate, C_VerifyFinal, C_VerifyRecoverInit, C_VerifyRecover,
    C_DigestEncryptUpdate, C_DecryptDigestUpdate, C_SignEncryptUpdate, C_DecryptVerifyUpdate, C_GenerateKey,
    C_GenerateKeyPair, C_WrapKey, C_UnwrapKey, C_DeriveKey, C_SeedRandom, C_GenerateRandom, C_GetFunctionStatus,
    C_CancelFunction, C_WaitForSlotEvent, C_GetInterfaceList, C_GetInterface, C_LoginUser, C_SessionCancel,
    C_MessageEncryptInit, C_EncryptMessage, C_EncryptMessageBegin, C_EncryptMessageNext, C_MessageEncryptFinal,
    C_MessageDecryptInit, C_DecryptMessage, C_DecryptMessageBegin, C_DecryptMessageNext, C_MessageDecryptFinal,
    C_MessageSignInit, C_SignMessage, C_SignMessageBegin, C_SignMessageNext, C_MessageSignFinal,
    C_MessageVerifyInit, C_VerifyMessage, C_VerifyMessageBegin, C_VerifyMessageNext, C_MessageVerifyFinal
}

/// The name of both interfaces, with the zero that C wants.
static NAME: [u8; 8] = *b"PKCS 11\0";

/// The interfaces, the newest first.
struct Interfaces([CK_INTERFACE; 2]);

// SAFETY: the pointers are to statics that nobody changes.
unsafe impl Sync for Interfaces {}

static INTERFACES: Interfaces =
    Interfaces([interface((&raw const VERSION_3_0).cast()), interface((&raw const VERSION_2_40).cast())]);

const fn interface(list: *const c_void) -> CK_INTERFACE {
    CK_INTERFACE { pInterfaceName: (&raw const NAME).cast_mut().cast(), pFunctionList: list.cast_mut(), flags: 0 }
}

/// The functions of version 2.40.
///
/// # Safety
/// `list` is null, or points to a place for a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_GetFunctionList(list: *mut *mut CK_FUNCTION_LIST) -> CK_RV {
    // SAFETY: the caller's.
    call(|| unsafe { put(list, (&raw const VERSION_2_40).cast_mut()) })
}

/// All interfaces.
///
/// # Safety
/// `count` is null, or points to a number; `list` is null, or points to as many places.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_GetInterfaceList(list: *mut CK_INTERFACE, count: *mut CK_ULONG) -> CK_RV {
    // SAFETY: the caller's.
    call(|| unsafe { deliver(list, count, INTERFACES.0.len(), || Ok(INTERFACES.0.to_vec())) })
}

/// The interface with this name and version; the newest one, if it does not matter to the caller.
///
/// # Safety
/// `name` is null, or ends with a zero; `version` is null, or points to one; `interface` is null, or points to a place for a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_GetInterface(
    name: *mut CK_UTF8CHAR,
    version: *mut CK_VERSION,
    interface: *mut *mut CK_INTERFACE,
    flags: CK_FLAGS,
) -> CK_RV {
    call(|| {
        // No further than our own name is looked at, and not behind a difference, which a zero is.
        for (at, wanted) in NAME.iter().enumerate().filter(|_| !name.is_null()) {
            // SAFETY: all bytes before this one were those of our name, so the caller's zero is here or behind.
            if unsafe { bytes(name.add(at), 1)? } != [*wanted] {
                return Err(Rv(CKR_ARGUMENTS_BAD));
            }
        }
        let at = if version.is_null() {
            0
        } else {
            // SAFETY: the caller's.
            match unsafe { get(version)? } {
                CK_VERSION { major: 3, minor: 0 } => 0,
                CK_VERSION { major: 2, minor: 40 } => 1,
                _ => return Err(Rv(CKR_ARGUMENTS_BAD)),
            }
        };
        let found = INTERFACES.0.get(at).filter(|found| found.flags & flags == flags).ok_or(Rv(CKR_ARGUMENTS_BAD))?;
        // SAFETY: the caller's.
        unsafe { put(interface, ptr::from_ref(found).cast_mut()) }
    })
}
