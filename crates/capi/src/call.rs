//! The way in and out of every function: arguments, results, errors, panics.

use std::{
    cell::RefCell,
    ffi::{CStr, CString, c_char},
    panic::{AssertUnwindSafe, catch_unwind},
    ptr, slice,
};

use ironroot_application::{Error, ErrorKind, Result};

use crate::ironroot_buffer;

/// What a call returns.
#[repr(C)]
#[allow(non_camel_case_types, clippy::upper_case_acronyms)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ironroot_code {
    /// It did what it says.
    IRONROOT_OK = 0,
    /// An argument that cannot be used: missing, malformed, out of range.
    IRONROOT_ARGUMENT = 1,
    /// No TPM answers.
    IRONROOT_CONNECTION = 2,
    /// The TPM refused, or its answer does not check out; see ironroot_error_response_code.
    IRONROOT_TPM = 3,
    /// The key cannot be had, or cannot do this.
    IRONROOT_KEY = 4,
    /// The list of names, or a file.
    IRONROOT_FILE = 5,
    /// What was given does not hold: a token, a ciphertext, a password, a condition, a certificate.
    IRONROOT_REFUSED = 6,
    /// The product secret or the device value is missing, weak, or another one than at first.
    IRONROOT_INITIALIZATION = 7,
    /// Called in the wrong order, or after a defect.
    IRONROOT_STATE = 8,
    /// The machine gave no random bytes or no memory.
    IRONROOT_SYSTEM = 9,
    /// A defect of this library: please report it.
    IRONROOT_DEFECT = 10,
}

impl From<ErrorKind> for ironroot_code {
    fn from(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::Argument => Self::IRONROOT_ARGUMENT,
            ErrorKind::Connection => Self::IRONROOT_CONNECTION,
            ErrorKind::Tpm => Self::IRONROOT_TPM,
            ErrorKind::Key => Self::IRONROOT_KEY,
            ErrorKind::File => Self::IRONROOT_FILE,
            ErrorKind::Refused => Self::IRONROOT_REFUSED,
            ErrorKind::Initialization => Self::IRONROOT_INITIALIZATION,
            ErrorKind::State => Self::IRONROOT_STATE,
            ErrorKind::System => Self::IRONROOT_SYSTEM,
            ErrorKind::Defect => Self::IRONROOT_DEFECT,
        }
    }
}

/// What the thread's last call said.
struct Said {
    text: CString,
    response_code: u32,
}

thread_local! {
    static SAID: RefCell<Said> = RefCell::new(Said { text: CString::default(), response_code: 0 });
}

/// Why this thread's last call failed, for people; empty if it did not. Valid until the thread's next call or its end.
#[unsafe(no_mangle)]
pub extern "C" fn ironroot_error_message() -> *const c_char {
    SAID.try_with(|said| said.try_borrow().map_or(c"".as_ptr(), |said| said.text.as_ptr())).unwrap_or(c"".as_ptr())
}

/// The TPM's response code, if this thread's last call failed because the TPM refused; else 0.
#[unsafe(no_mangle)]
pub extern "C" fn ironroot_error_response_code() -> u32 {
    SAID.try_with(|said| said.try_borrow().map_or(0, |said| said.response_code)).unwrap_or(0)
}

/// The library's version.
#[unsafe(no_mangle)]
pub extern "C" fn ironroot_version() -> *const c_char {
    const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "\0");
    VERSION.as_ptr().cast()
}

/// Runs one call, and remembers why it failed.
pub fn call(action: impl FnOnce() -> Result) -> ironroot_code {
    let result = catch_unwind(AssertUnwindSafe(action)).unwrap_or_else(|_| {
        Err(Error::new(ErrorKind::Defect, "a defect of the library: its code panicked; please report what it printed"))
    });
    let (code, said) = match &result {
        Ok(()) => (ironroot_code::IRONROOT_OK, Said { text: CString::default(), response_code: 0 }),
        Err(error) => (error.kind().into(), said(error)),
    };
    // At the end of a thread there may be no place left for it.
    let _ = SAID.try_with(|place| place.try_borrow_mut().map(|mut place| *place = said));
    code
}

fn said(error: &Error) -> Said {
    let mut text = error.to_string();
    text.retain(|character| character != '\0');
    Said { text: CString::new(text).unwrap_or_default(), response_code: error.response_code().unwrap_or(0) }
}

/// Runs a call whose result is a handle.
///
/// # Safety
/// `out` is NULL or may be written.
pub unsafe fn give<T>(out: *mut *mut T, action: impl FnOnce() -> Result<T>) -> ironroot_code {
    call(|| {
        // SAFETY: the caller's promise.
        unsafe { put(out, ptr::null_mut()) }?;
        let made = Box::into_raw(Box::new(action()?));
        // SAFETY: the caller's promise.
        unsafe { put(out, made) }
    })
}

/// Runs a call whose result is bytes.
///
/// # Safety
/// `out` is NULL or may be written.
pub unsafe fn give_bytes<B: AsRef<[u8]>>(
    out: *mut ironroot_buffer,
    action: impl FnOnce() -> Result<B>,
) -> ironroot_code {
    call(|| {
        // SAFETY: the caller's promise.
        unsafe { put(out, ironroot_buffer::EMPTY) }?;
        let buffer = ironroot_buffer::of(action()?.as_ref());
        // SAFETY: the caller's promise.
        unsafe { put(out, buffer) }
    })
}

/// Runs a call whose result is a truth value.
///
/// # Safety
/// `out` is NULL or may be written.
pub unsafe fn give_bool(out: *mut bool, action: impl FnOnce() -> Result<bool>) -> ironroot_code {
    call(|| {
        // SAFETY: the caller's promise.
        unsafe { put(out, false) }?;
        let value = action()?;
        // SAFETY: the caller's promise.
        unsafe { put(out, value) }
    })
}

/// # Safety
/// `out` is NULL or may be written; what is there is not read.
unsafe fn put<T>(out: *mut T, value: T) -> Result {
    if out.is_null() {
        return Err(missing("the place for the result"));
    }
    // SAFETY: the caller's promise.
    unsafe { out.write(value) };
    Ok(())
}

/// What a handle stands for.
///
/// # Safety
/// `handle` is NULL or one of ours, not freed while `'a` lasts.
pub unsafe fn handle<'a, T>(handle: *const T, what: &str) -> Result<&'a T> {
    // SAFETY: the caller's promise.
    unsafe { handle.as_ref() }.ok_or_else(|| missing(what))
}

/// Takes a handle away from its owner, whose pointer becomes NULL.
///
/// # Safety
/// `place` is NULL or points to NULL or to a handle of ours that is not used elsewhere.
#[cfg(feature = "in-process")]
pub unsafe fn take<T>(place: *mut *mut T, what: &str) -> Result<T> {
    // SAFETY: the caller's promise.
    let place = unsafe { place.as_mut() }.ok_or_else(|| missing(what))?;
    let taken = std::mem::replace(place, ptr::null_mut());
    if taken.is_null() {
        let text = format!("{what} is NULL: the step before failed, or this one was taken already");
        return Err(Error::new(ErrorKind::State, text));
    }
    // SAFETY: `give` made it with `Box::into_raw`, and the owner no longer has it; a place for a T may be without one.
    let mut place = unsafe { Box::from_raw(taken.cast::<std::mem::MaybeUninit<T>>()) };
    // SAFETY: there is a T in it, which is read once; the box does not drop it.
    let value = unsafe { place.assume_init_read() };
    // Moving secrets leaves them behind.
    zeroize::Zeroize::zeroize(std::slice::from_mut(&mut *place));
    Ok(value)
}

/// Frees what a handle stands for.
///
/// # Safety
/// `handle` is NULL or one of ours that nobody uses any more.
pub unsafe fn free<T>(handle: *mut T) {
    if handle.is_null() {
        return;
    }
    let drop = || {
        // SAFETY: `give` made it with `Box::into_raw`; the caller gives it up.
        drop(unsafe { Box::from_raw(handle) });
    };
    // A panic must not reach C; there is nobody to tell.
    let _ = catch_unwind(AssertUnwindSafe(drop));
}

/// Text that has to be there.
///
/// # Safety
/// `text` is NULL or ends with a zero byte, and does not change while `'a` lasts.
pub unsafe fn text<'a>(text: *const c_char, what: &str) -> Result<&'a str> {
    // SAFETY: the caller's promise.
    unsafe { optional(text, what) }?.ok_or_else(|| missing(what))
}

/// Text, or NULL for a default.
///
/// # Safety
/// As [`text`].
pub unsafe fn optional<'a>(text: *const c_char, what: &str) -> Result<Option<&'a str>> {
    if text.is_null() {
        return Ok(None);
    }
    // SAFETY: the caller's promise.
    let text = unsafe { CStr::from_ptr(text) };
    text.to_str().map(Some).map_err(|error| Error::argument(format!("{what} is not UTF-8: {error}")))
}

/// Texts up to a NULL; none if there is no array.
///
/// # Safety
/// `texts` is NULL or an array of texts as for [`text`], with a NULL at its end.
pub unsafe fn texts<'a>(texts: *const *const c_char, what: &str) -> Result<Vec<&'a str>> {
    let mut all = Vec::new();
    if texts.is_null() {
        return Ok(all);
    }
    for at in 0.. {
        // SAFETY: the NULL at the end has not been met before `at`, so the array goes on.
        let next = unsafe { *texts.add(at) };
        // SAFETY: the caller's promise.
        match unsafe { optional(next, what) }? {
            Some(text) => all.push(text),
            None => break,
        }
    }
    Ok(all)
}

/// Bytes.
///
/// # Safety
/// `data` is NULL or has `length` bytes, which do not change while `'a` lasts.
pub unsafe fn bytes<'a>(data: *const u8, length: usize, what: &str) -> Result<&'a [u8]> {
    if length == 0 {
        return Ok(&[]);
    }
    if data.is_null() {
        return Err(missing(what));
    }
    if isize::try_from(length).is_err() {
        return Err(Error::argument(format!("the length of {what} is not possible")));
    }
    // SAFETY: the caller's promise; the length was checked.
    Ok(unsafe { slice::from_raw_parts(data, length) })
}

/// Bytes that may be written.
///
/// # Safety
/// As [`bytes`], and nobody else looks at them.
#[cfg(feature = "in-process")]
pub unsafe fn bytes_mut<'a>(data: *mut u8, length: usize, what: &str) -> Result<&'a mut [u8]> {
    if data.is_null() || isize::try_from(length).is_err() {
        return Err(missing(what));
    }
    // SAFETY: the caller's promise; the length was checked.
    Ok(unsafe { slice::from_raw_parts_mut(data, length) })
}

fn missing(what: &str) -> Error {
    Error::argument(format!("{what} is NULL"))
}
