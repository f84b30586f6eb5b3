//! Objects and random numbers (PKCS #11, 5.7, 5.18 and 5.21).

use cryptoki_sys::*;
use zeroize::Zeroize as _;

use super::{
    memory::{answer, deliver, fill, mechanism, put, template},
    process::with,
};
use crate::error::Rv;

pub(super) unsafe extern "C" fn C_CreateObject(
    session: CK_SESSION_HANDLE,
    attributes: *mut CK_ATTRIBUTE,
    count: CK_ULONG,
    _object: *mut CK_OBJECT_HANDLE,
) -> CK_RV {
    with(|module| {
        // SAFETY: the caller's.
        let mut attributes = unsafe { template(attributes, count)? };
        let result = module.create_object(session, &attributes);
        // It may be a private key that a program wants to bring in.
        attributes.iter_mut().for_each(|(_, value)| value.zeroize());
        result
    })
}

pub(super) extern "C" fn C_CopyObject(
    session: CK_SESSION_HANDLE,
    object: CK_OBJECT_HANDLE,
    _attributes: *mut CK_ATTRIBUTE,
    _count: CK_ULONG,
    _copy: *mut CK_OBJECT_HANDLE,
) -> CK_RV {
    with(|module| module.has_object(session, object).and(Err(Rv(CKR_ACTION_PROHIBITED))))
}

pub(super) extern "C" fn C_DestroyObject(session: CK_SESSION_HANDLE, object: CK_OBJECT_HANDLE) -> CK_RV {
    with(|module| module.destroy(session, object))
}

pub(super) unsafe extern "C" fn C_GetObjectSize(
    session: CK_SESSION_HANDLE,
    object: CK_OBJECT_HANDLE,
    size: *mut CK_ULONG,
) -> CK_RV {
    with(|module| {
        module.has_object(session, object)?;
        // SAFETY: the caller's.
        unsafe { put(size, CK_UNAVAILABLE_INFORMATION) }
    })
}

pub(super) unsafe extern "C" fn C_GetAttributeValue(
    session: CK_SESSION_HANDLE,
    object: CK_OBJECT_HANDLE,
    attributes: *mut CK_ATTRIBUTE,
    count: CK_ULONG,
) -> CK_RV {
    with(|module| {
        module.has_object(session, object)?;
        // SAFETY: the caller's.
        unsafe { answer(attributes, count, |kind| module.attribute(object, kind)) }
    })
}

pub(super) extern "C" fn C_SetAttributeValue(
    session: CK_SESSION_HANDLE,
    object: CK_OBJECT_HANDLE,
    _attributes: *mut CK_ATTRIBUTE,
    _count: CK_ULONG,
) -> CK_RV {
    with(|module| module.has_object(session, object).and(Err(Rv(CKR_ATTRIBUTE_READ_ONLY))))
}

pub(super) unsafe extern "C" fn C_FindObjectsInit(
    session: CK_SESSION_HANDLE,
    attributes: *mut CK_ATTRIBUTE,
    count: CK_ULONG,
) -> CK_RV {
    with(|module| {
        // SAFETY: the caller's.
        let attributes = unsafe { template(attributes, count)? };
        module.find_init(session, &attributes)
    })
}

pub(super) unsafe extern "C" fn C_FindObjects(
    session: CK_SESSION_HANDLE,
    objects: *mut CK_OBJECT_HANDLE,
    most: CK_ULONG,
    count: *mut CK_ULONG,
) -> CK_RV {
    with(|module| {
        if objects.is_null() || count.is_null() {
            return Err(Rv(CKR_ARGUMENTS_BAD));
        }
        let found = module.find(session, usize::try_from(most).unwrap_or(usize::MAX))?;
        let mut room = most;
        // SAFETY: the buffer is the caller's, with `most` places; the length is our own.
        unsafe { deliver(objects, &raw mut room, found.len(), || Ok(found))? };
        // SAFETY: the caller's.
        unsafe { put(count, room) }
    })
}

pub(super) extern "C" fn C_FindObjectsFinal(session: CK_SESSION_HANDLE) -> CK_RV {
    with(|module| module.find_final(session))
}

pub(super) unsafe extern "C" fn C_GenerateKeyPair(
    session: CK_SESSION_HANDLE,
    request: *mut CK_MECHANISM,
    public: *mut CK_ATTRIBUTE,
    public_count: CK_ULONG,
    private: *mut CK_ATTRIBUTE,
    private_count: CK_ULONG,
    public_key: *mut CK_OBJECT_HANDLE,
    private_key: *mut CK_OBJECT_HANDLE,
) -> CK_RV {
    with(|module| {
        if public_key.is_null() || private_key.is_null() {
            return Err(Rv(CKR_ARGUMENTS_BAD));
        }
        // SAFETY: the caller's.
        let request = unsafe { mechanism(request)? }.ok_or(Rv(CKR_ARGUMENTS_BAD))?;
        // SAFETY: the caller's.
        let (public, private) = unsafe { (template(public, public_count)?, template(private, private_count)?) };
        let (public, private) = module.generate(session, &request, &public, &private)?;
        // SAFETY: the caller's.
        unsafe { put(public_key, public).and(put(private_key, private)) }
    })
}

pub(super) extern "C" fn C_SeedRandom(session: CK_SESSION_HANDLE, _seed: *mut CK_BYTE, _length: CK_ULONG) -> CK_RV {
    with(|module| module.session(session).and(Err(Rv(CKR_RANDOM_SEED_NOT_SUPPORTED))))
}

pub(super) unsafe extern "C" fn C_GenerateRandom(
    session: CK_SESSION_HANDLE,
    data: *mut CK_BYTE,
    length: CK_ULONG,
) -> CK_RV {
    with(|module| {
        let length = usize::try_from(length).map_err(|_| Rv(CKR_ARGUMENTS_BAD))?;
        if data.is_null() && length > 0 {
            return Err(Rv(CKR_ARGUMENTS_BAD));
        }
        let random = module.random(session, length)?;
        if random.len() != length {
            return Err(Rv(CKR_FUNCTION_FAILED));
        }
        if length > 0 {
            // SAFETY: not null, and the caller's, with `length` bytes, which is how many there are.
            unsafe { fill(data, &random) };
        }
        Ok(())
    })
}
