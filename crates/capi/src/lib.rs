//! The C API. What a caller has to know is in the header, `include/ironroot.h`, which is made from this source.
//!
//! Each function is one line of `ironroot-application` between the reading of arguments and the writing of a result; `call.rs` has both, and
//! stops panics. **The contract that makes the `unsafe` blocks sound** is the header's preamble: a pointer that is not NULL points to
//! what its type says (text ends with a zero byte, bytes have the length that comes with them, a handle is one that this library gave and
//! that has not been freed), for as long as the call lasts.

mod buffer;
mod call;
mod key;
#[cfg(feature = "in-process")]
mod startup;
mod tpm;

pub use buffer::{ironroot_buffer, ironroot_buffer_free};
pub use call::{ironroot_code, ironroot_error_message, ironroot_error_response_code, ironroot_version};
pub use key::*;
#[cfg(feature = "in-process")]
pub use startup::*;
pub use tpm::*;
