//! The caller's memory: read and written with every check that can be made.

use std::{ptr, slice};

use cryptoki_sys::*;

use crate::{
    attributes::Attribute,
    error::{Result, Rv},
    mechanisms::Request,
};

/// No template has more attributes, and none of them more bytes.
const MAX_TEMPLATE: CK_ULONG = 1024;
const MAX_VALUE: CK_ULONG = 1 << 20;

/// The caller's bytes; null is fine for none.
///
/// # Safety
/// `data` is the caller's, with `length` bytes.
pub(super) unsafe fn bytes<'a>(data: *const u8, length: CK_ULONG) -> Result<&'a [u8]> {
    let length = usize::try_from(length).ok().filter(|length| isize::try_from(*length).is_ok());
    match length.ok_or(Rv(CKR_ARGUMENTS_BAD))? {
        0 => Ok(&[]),
        _ if data.is_null() => Err(Rv(CKR_ARGUMENTS_BAD)),
        // SAFETY: not null, at most isize::MAX bytes, and the caller's.
        length => Ok(unsafe { slice::from_raw_parts(data, length) }),
    }
}

/// Writes to where the caller points.
///
/// # Safety
/// `to` is the caller's.
pub(super) unsafe fn put<T>(to: *mut T, value: T) -> Result<()> {
    if to.is_null() {
        return Err(Rv(CKR_ARGUMENTS_BAD));
    }
    // SAFETY: not null, and the caller's; it need not be aligned.
    unsafe { to.write_unaligned(value) };
    Ok(())
}

/// Reads what the caller points to.
///
/// # Safety
/// `from` is the caller's.
pub(super) unsafe fn get<T: Copy>(from: *const T) -> Result<T> {
    if from.is_null() {
        return Err(Rv(CKR_ARGUMENTS_BAD));
    }
    // SAFETY: not null, and the caller's; the standard's structures are numbers and pointers, which may have any value.
    Ok(unsafe { from.read_unaligned() })
}

/// The convention of results of any length (PKCS #11, 5.2): without a buffer the caller learns the length; a buffer that is too small is an error
/// that changes nothing; only with room for `size` elements they are made.
///
/// # Safety
/// `length` is the caller's; `buffer` is, too, with as many elements as `length` says.
pub(super) unsafe fn deliver<T: Copy>(
    buffer: *mut T,
    length: *mut CK_ULONG,
    size: usize,
    make: impl FnOnce() -> Result<Vec<T>>,
) -> Result<()> {
    // SAFETY: as promised above.
    let room = unsafe { get(length)? };
    let needed = CK_ULONG::try_from(size).map_err(|_| Rv(CKR_FUNCTION_FAILED))?;
    if buffer.is_null() || room < needed {
        // SAFETY: as promised above.
        unsafe { put(length, needed)? };
        return if buffer.is_null() { Ok(()) } else { Err(Rv(CKR_BUFFER_TOO_SMALL)) };
    }
    let data = make()?;
    if data.len() > size {
        return Err(Rv(CKR_FUNCTION_FAILED));
    }
    for (at, item) in data.iter().enumerate() {
        // SAFETY: `at` is less than `size`, and the buffer has room for that many; it need not be aligned.
        unsafe { buffer.add(at).write_unaligned(*item) };
    }
    // SAFETY: as promised above.
    unsafe { put(length, CK_ULONG::try_from(data.len()).unwrap_or(needed)) }
}

/// Fills the caller's buffer.
///
/// # Safety
/// `to` is the caller's, with as many bytes as `data` has.
pub(super) unsafe fn fill(to: *mut u8, data: &[u8]) {
    // SAFETY: as promised above; our own data is not in it.
    unsafe { ptr::copy_nonoverlapping(data.as_ptr(), to, data.len()) };
}

/// The caller's mechanism; `None` for null, which ends an operation.
///
/// # Safety
/// `mechanism` is the caller's, and so is its parameter.
pub(super) unsafe fn mechanism(mechanism: *const CK_MECHANISM) -> Result<Option<Request>> {
    if mechanism.is_null() {
        return Ok(None);
    }
    // SAFETY: as promised above.
    let CK_MECHANISM { mechanism: kind, pParameter, ulParameterLen } = unsafe { get(mechanism)? };
    if ulParameterLen > MAX_VALUE {
        return Err(Rv(CKR_MECHANISM_PARAM_INVALID));
    }
    // SAFETY: as promised above.
    let parameter = unsafe { bytes(pParameter.cast(), ulParameterLen) }.map_err(|_| Rv(CKR_MECHANISM_PARAM_INVALID))?;
    Ok(Some(Request { kind, parameter: parameter.to_vec() }))
}

/// How many attributes the caller has.
fn count(template: *const CK_ATTRIBUTE, count: CK_ULONG) -> Result<usize> {
    if count > MAX_TEMPLATE || (template.is_null() && count > 0) {
        return Err(Rv(CKR_ARGUMENTS_BAD));
    }
    usize::try_from(count).map_err(|_| Rv(CKR_ARGUMENTS_BAD))
}

/// The caller's template.
///
/// # Safety
/// `attributes` is the caller's, with `number` attributes, and so are their values.
pub(super) unsafe fn template(attributes: *const CK_ATTRIBUTE, number: CK_ULONG) -> Result<Vec<Attribute>> {
    (0..count(attributes, number)?)
        .map(|at| {
            // SAFETY: `at` is less than `number`; the rest as promised above.
            let CK_ATTRIBUTE { type_, pValue, ulValueLen } = unsafe { get(attributes.add(at))? };
            if ulValueLen > MAX_VALUE {
                return Err(Rv(CKR_ATTRIBUTE_VALUE_INVALID));
            }
            // SAFETY: as promised above.
            Ok((type_, unsafe { bytes(pValue.cast(), ulValueLen)? }.to_vec()))
        })
        .collect()
}

/// Answers a template, each attribute by itself (PKCS #11, 5.7.5): what cannot be said has the length "unavailable", and the call tells one of the
/// reasons. What is no reason of one attribute ends the call.
///
/// # Safety
/// As [`template`]; the values have as much room as their lengths say.
pub(super) unsafe fn answer(
    attributes: *mut CK_ATTRIBUTE,
    number: CK_ULONG,
    mut value: impl FnMut(CK_ATTRIBUTE_TYPE) -> Result<Vec<u8>>,
) -> Result<()> {
    let mut outcome = Ok(());
    for at in 0..count(attributes, number)? {
        // SAFETY: `at` is less than `number`; the rest as promised above.
        let place = unsafe { attributes.add(at) };
        // SAFETY: as promised above.
        let mut attribute = unsafe { get(place)? };
        let room = attribute.ulValueLen;
        attribute.ulValueLen = CK_UNAVAILABLE_INFORMATION;
        match value(attribute.type_) {
            Ok(data) => {
                let needed = CK_ULONG::try_from(data.len()).map_err(|_| Rv(CKR_FUNCTION_FAILED))?;
                if attribute.pValue.is_null() {
                    attribute.ulValueLen = needed;
                } else if room >= needed {
                    // SAFETY: not null, and the caller says that there is room.
                    unsafe { fill(attribute.pValue.cast(), &data) };
                    attribute.ulValueLen = needed;
                } else {
                    outcome = Err(Rv(CKR_BUFFER_TOO_SMALL));
                }
            }
            // The last is of a public key that cannot be made again before login.
            Err(error @ Rv(CKR_ATTRIBUTE_SENSITIVE | CKR_ATTRIBUTE_TYPE_INVALID | CKR_USER_NOT_LOGGED_IN)) => {
                outcome = Err(error);
            }
            Err(error) => return Err(error),
        }
        // SAFETY: as promised above.
        unsafe { put(place, attribute)? };
    }
    outcome
}
