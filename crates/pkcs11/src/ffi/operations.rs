//! Digests and signatures (PKCS #11, 5.12 to 5.15).

use cryptoki_sys::*;

use super::{
    memory::{bytes, deliver, mechanism},
    process::with,
};
use crate::module::Kind::{Sign, Verify};

pub(super) unsafe extern "C" fn C_DigestInit(session: CK_SESSION_HANDLE, request: *mut CK_MECHANISM) -> CK_RV {
    with(|module| {
        // SAFETY: the caller's.
        let request = unsafe { mechanism(request)? };
        module.digest_init(session, request.as_ref())
    })
}

pub(super) unsafe extern "C" fn C_Digest(
    session: CK_SESSION_HANDLE,
    data: *mut CK_BYTE,
    length: CK_ULONG,
    digest: *mut CK_BYTE,
    digest_length: *mut CK_ULONG,
) -> CK_RV {
    with(|module| {
        // SAFETY: the caller's.
        let data = unsafe { bytes(data, length)? };
        let size = module.digest_size(session)?;
        let make = || module.digest_update(session, data).and_then(|()| module.digest_final(session));
        // SAFETY: the caller's.
        unsafe { deliver(digest, digest_length, size, make) }
    })
}

pub(super) unsafe extern "C" fn C_DigestUpdate(
    session: CK_SESSION_HANDLE,
    data: *mut CK_BYTE,
    length: CK_ULONG,
) -> CK_RV {
    with(|module| {
        // SAFETY: the caller's.
        module.digest_update(session, unsafe { bytes(data, length)? })
    })
}

pub(super) unsafe extern "C" fn C_DigestFinal(
    session: CK_SESSION_HANDLE,
    digest: *mut CK_BYTE,
    digest_length: *mut CK_ULONG,
) -> CK_RV {
    with(|module| {
        let size = module.digest_size(session)?;
        // SAFETY: the caller's.
        unsafe { deliver(digest, digest_length, size, || module.digest_final(session)) }
    })
}

pub(super) unsafe extern "C" fn C_SignInit(
    session: CK_SESSION_HANDLE,
    request: *mut CK_MECHANISM,
    key: CK_OBJECT_HANDLE,
) -> CK_RV {
    with(|module| {
        // SAFETY: the caller's.
        let request = unsafe { mechanism(request)? };
        module.operation_init(Sign, session, request.as_ref(), key)
    })
}

pub(super) unsafe extern "C" fn C_Sign(
    session: CK_SESSION_HANDLE,
    data: *mut CK_BYTE,
    length: CK_ULONG,
    signature: *mut CK_BYTE,
    signature_length: *mut CK_ULONG,
) -> CK_RV {
    with(|module| {
        // SAFETY: the caller's.
        let data = unsafe { bytes(data, length)? };
        let size = module.signature_size(session)?;
        let make = || module.operation_update(Sign, session, data).and_then(|()| module.sign(session));
        // SAFETY: the caller's.
        unsafe { deliver(signature, signature_length, size, make) }
    })
}

pub(super) unsafe extern "C" fn C_SignUpdate(
    session: CK_SESSION_HANDLE,
    data: *mut CK_BYTE,
    length: CK_ULONG,
) -> CK_RV {
    with(|module| {
        // SAFETY: the caller's.
        module.operation_update(Sign, session, unsafe { bytes(data, length)? })
    })
}

pub(super) unsafe extern "C" fn C_SignFinal(
    session: CK_SESSION_HANDLE,
    signature: *mut CK_BYTE,
    signature_length: *mut CK_ULONG,
) -> CK_RV {
    with(|module| {
        let size = module.signature_size(session)?;
        // SAFETY: the caller's.
        unsafe { deliver(signature, signature_length, size, || module.sign(session)) }
    })
}

pub(super) unsafe extern "C" fn C_VerifyInit(
    session: CK_SESSION_HANDLE,
    request: *mut CK_MECHANISM,
    key: CK_OBJECT_HANDLE,
) -> CK_RV {
    with(|module| {
        // SAFETY: the caller's.
        let request = unsafe { mechanism(request)? };
        module.operation_init(Verify, session, request.as_ref(), key)
    })
}

pub(super) unsafe extern "C" fn C_Verify(
    session: CK_SESSION_HANDLE,
    data: *mut CK_BYTE,
    length: CK_ULONG,
    signature: *mut CK_BYTE,
    signature_length: CK_ULONG,
) -> CK_RV {
    with(|module| {
        // SAFETY: the caller's.
        let (data, signature) = unsafe { (bytes(data, length)?, bytes(signature, signature_length)?) };
        module.operation_update(Verify, session, data)?;
        module.verify(session, signature)
    })
}

pub(super) unsafe extern "C" fn C_VerifyUpdate(
    session: CK_SESSION_HANDLE,
    data: *mut CK_BYTE,
    length: CK_ULONG,
) -> CK_RV {
    with(|module| {
        // SAFETY: the caller's.
        module.operation_update(Verify, session, unsafe { bytes(data, length)? })
    })
}

pub(super) unsafe extern "C" fn C_VerifyFinal(
    session: CK_SESSION_HANDLE,
    signature: *mut CK_BYTE,
    signature_length: CK_ULONG,
) -> CK_RV {
    with(|module| {
        // SAFETY: the caller's.
        module.verify(session, unsafe { bytes(signature, signature_length)? })
    })
}
