//! Bytes that the library gives.

use std::ptr;

use zeroize::Zeroize;

/// Bytes that the library gives, for ironroot_buffer_free. A zero byte follows them.
#[repr(C)]
#[allow(non_camel_case_types)]
pub struct ironroot_buffer {
    /// The bytes; NULL if there are none. Read them, and leave the two members as they are.
    pub data: *mut u8,
    /// How many, without the zero byte at the end.
    pub length: usize,
}

impl ironroot_buffer {
    pub(crate) const EMPTY: Self = Self { data: ptr::null_mut(), length: 0 };

    /// A copy, in one allocation that is neither grown nor moved, so that wiping it leaves nothing.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let mut copy = Vec::with_capacity(bytes.len() + 1);
        copy.extend_from_slice(bytes);
        copy.push(0);
        let data = Box::into_raw(copy.into_boxed_slice());
        Self { data: data.cast(), length: bytes.len() }
    }
}

/// Wipes a buffer and frees it. It is empty afterwards; freeing an empty one does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ironroot_buffer_free(buffer: *mut ironroot_buffer) {
    // SAFETY: by the contract it is NULL or a buffer that this library filled or that is empty.
    let Some(buffer) = (unsafe { buffer.as_mut() }) else { return };
    let ironroot_buffer { data, length } = std::mem::replace(buffer, ironroot_buffer::EMPTY);
    if data.is_null() {
        return;
    }
    // SAFETY: `of` made it so: one boxed slice, a byte longer than `length`; nobody else frees it, for the caller's copy of
    // the pointer was just taken away.
    let mut bytes = unsafe { Box::from_raw(ptr::slice_from_raw_parts_mut(data, length + 1)) };
    bytes.zeroize();
}
