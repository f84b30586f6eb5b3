//! What a token of signing keys does not do: each function says so, to callers that are entitled to an answer.

use std::ffi::c_void;

use cryptoki_sys::*;

use super::process::with;
use crate::error::Rv;

/// Functions that look at their session, touch nothing, and refuse.
macro_rules! refused {
    ($($name:ident($($argument:ty),*) $code:ident;)*) => {$(
                pub(super) extern "C" fn $name(session: CK_SESSION_HANDLE, $(_: $argument),*) -> CK_RV {
            with(|module| module.session(session).and(Err(Rv($code))))
        }
    )*};
}

refused! {
    C_InitPIN(*mut CK_UTF8CHAR, CK_ULONG) CKR_FUNCTION_NOT_SUPPORTED;
    C_SetPIN(*mut CK_UTF8CHAR, CK_ULONG, *mut CK_UTF8CHAR, CK_ULONG) CKR_FUNCTION_NOT_SUPPORTED;
    C_GetOperationState(*mut CK_BYTE, *mut CK_ULONG) CKR_FUNCTION_NOT_SUPPORTED;
    C_SetOperationState(*mut CK_BYTE, CK_ULONG, CK_OBJECT_HANDLE, CK_OBJECT_HANDLE) CKR_FUNCTION_NOT_SUPPORTED;
    C_EncryptInit(*mut CK_MECHANISM, CK_OBJECT_HANDLE) CKR_FUNCTION_NOT_SUPPORTED;
    C_Encrypt(*mut CK_BYTE, CK_ULONG, *mut CK_BYTE, *mut CK_ULONG) CKR_FUNCTION_NOT_SUPPORTED;
    C_EncryptUpdate(*mut CK_BYTE, CK_ULONG, *mut CK_BYTE, *mut CK_ULONG) CKR_FUNCTION_NOT_SUPPORTED;
    C_EncryptFinal(*mut CK_BYTE, *mut CK_ULONG) CKR_FUNCTION_NOT_SUPPORTED;
    C_DecryptInit(*mut CK_MECHANISM, CK_OBJECT_HANDLE) CKR_FUNCTION_NOT_SUPPORTED;
    C_Decrypt(*mut CK_BYTE, CK_ULONG, *mut CK_BYTE, *mut CK_ULONG) CKR_FUNCTION_NOT_SUPPORTED;
    C_DecryptUpdate(*mut CK_BYTE, CK_ULONG, *mut CK_BYTE, *mut CK_ULONG) CKR_FUNCTION_NOT_SUPPORTED;
    C_DecryptFinal(*mut CK_BYTE, *mut CK_ULONG) CKR_FUNCTION_NOT_SUPPORTED;
    C_DigestKey(CK_OBJECT_HANDLE) CKR_KEY_INDIGESTIBLE;
    C_SignRecoverInit(*mut CK_MECHANISM, CK_OBJECT_HANDLE) CKR_FUNCTION_NOT_SUPPORTED;
    C_SignRecover(*mut CK_BYTE, CK_ULONG, *mut CK_BYTE, *mut CK_ULONG) CKR_FUNCTION_NOT_SUPPORTED;
    C_VerifyRecoverInit(*mut CK_MECHANISM, CK_OBJECT_HANDLE) CKR_FUNCTION_NOT_SUPPORTED;
    C_VerifyRecover(*mut CK_BYTE, CK_ULONG, *mut CK_BYTE, *mut CK_ULONG) CKR_FUNCTION_NOT_SUPPORTED;
    C_DigestEncryptUpdate(*mut CK_BYTE, CK_ULONG, *mut CK_BYTE, *mut CK_ULONG) CKR_FUNCTION_NOT_SUPPORTED;
    C_DecryptDigestUpdate(*mut CK_BYTE, CK_ULONG, *mut CK_BYTE, *mut CK_ULONG) CKR_FUNCTION_NOT_SUPPORTED;
    C_SignEncryptUpdate(*mut CK_BYTE, CK_ULONG, *mut CK_BYTE, *mut CK_ULONG) CKR_FUNCTION_NOT_SUPPORTED;
    C_DecryptVerifyUpdate(*mut CK_BYTE, CK_ULONG, *mut CK_BYTE, *mut CK_ULONG) CKR_FUNCTION_NOT_SUPPORTED;
    C_GenerateKey(*mut CK_MECHANISM, *mut CK_ATTRIBUTE, CK_ULONG, *mut CK_OBJECT_HANDLE) CKR_FUNCTION_NOT_SUPPORTED;
    C_WrapKey(*mut CK_MECHANISM, CK_OBJECT_HANDLE, CK_OBJECT_HANDLE, *mut CK_BYTE, *mut CK_ULONG) CKR_FUNCTION_NOT_SUPPORTED;
    C_UnwrapKey(*mut CK_MECHANISM, CK_OBJECT_HANDLE, *mut CK_BYTE, CK_ULONG, *mut CK_ATTRIBUTE, CK_ULONG, *mut CK_OBJECT_HANDLE) CKR_FUNCTION_NOT_SUPPORTED;
    C_DeriveKey(*mut CK_MECHANISM, CK_OBJECT_HANDLE, *mut CK_ATTRIBUTE, CK_ULONG, *mut CK_OBJECT_HANDLE) CKR_FUNCTION_NOT_SUPPORTED;
    C_GetFunctionStatus() CKR_FUNCTION_NOT_PARALLEL;
    C_CancelFunction() CKR_FUNCTION_NOT_PARALLEL;
    C_MessageEncryptInit(*mut CK_MECHANISM, CK_OBJECT_HANDLE) CKR_FUNCTION_NOT_SUPPORTED;
    C_EncryptMessage(*mut c_void, CK_ULONG, *mut CK_BYTE, CK_ULONG, *mut CK_BYTE, CK_ULONG, *mut CK_BYTE, *mut CK_ULONG) CKR_FUNCTION_NOT_SUPPORTED;
    C_EncryptMessageBegin(*mut c_void, CK_ULONG, *mut CK_BYTE, CK_ULONG) CKR_FUNCTION_NOT_SUPPORTED;
    C_EncryptMessageNext(*mut c_void, CK_ULONG, *mut CK_BYTE, CK_ULONG, *mut CK_BYTE, *mut CK_ULONG, CK_FLAGS) CKR_FUNCTION_NOT_SUPPORTED;
    C_MessageEncryptFinal() CKR_FUNCTION_NOT_SUPPORTED;
    C_MessageDecryptInit(*mut CK_MECHANISM, CK_OBJECT_HANDLE) CKR_FUNCTION_NOT_SUPPORTED;
    C_DecryptMessage(*mut c_void, CK_ULONG, *mut CK_BYTE, CK_ULONG, *mut CK_BYTE, CK_ULONG, *mut CK_BYTE, *mut CK_ULONG) CKR_FUNCTION_NOT_SUPPORTED;
    C_DecryptMessageBegin(*mut c_void, CK_ULONG, *mut CK_BYTE, CK_ULONG) CKR_FUNCTION_NOT_SUPPORTED;
    C_DecryptMessageNext(*mut c_void, CK_ULONG, *mut CK_BYTE, CK_ULONG, *mut CK_BYTE, *mut CK_ULONG, CK_FLAGS) CKR_FUNCTION_NOT_SUPPORTED;
    C_MessageDecryptFinal() CKR_FUNCTION_NOT_SUPPORTED;
    C_MessageSignInit(*mut CK_MECHANISM, CK_OBJECT_HANDLE) CKR_FUNCTION_NOT_SUPPORTED;
    C_SignMessage(*mut c_void, CK_ULONG, *mut CK_BYTE, CK_ULONG, *mut CK_BYTE, *mut CK_ULONG) CKR_FUNCTION_NOT_SUPPORTED;
    C_SignMessageBegin(*mut c_void, CK_ULONG) CKR_FUNCTION_NOT_SUPPORTED;
    C_SignMessageNext(*mut c_void, CK_ULONG, *mut CK_BYTE, CK_ULONG, *mut CK_BYTE, *mut CK_ULONG) CKR_FUNCTION_NOT_SUPPORTED;
    C_MessageSignFinal() CKR_FUNCTION_NOT_SUPPORTED;
    C_MessageVerifyInit(*mut CK_MECHANISM, CK_OBJECT_HANDLE) CKR_FUNCTION_NOT_SUPPORTED;
    C_VerifyMessage(*mut c_void, CK_ULONG, *mut CK_BYTE, CK_ULONG, *mut CK_BYTE, CK_ULONG) CKR_FUNCTION_NOT_SUPPORTED;
    C_VerifyMessageBegin(*mut c_void, CK_ULONG) CKR_FUNCTION_NOT_SUPPORTED;
    C_VerifyMessageNext(*mut c_void, CK_ULONG, *mut CK_BYTE, CK_ULONG, *mut CK_BYTE, CK_ULONG) CKR_FUNCTION_NOT_SUPPORTED;
    C_MessageVerifyFinal() CKR_FUNCTION_NOT_SUPPORTED;
}
