//! The functions of PKCS #11, as C calls them: pointers become slices and templates here, and nowhere else. Nothing crosses this
//! boundary but a `CK_RV`: a panic is `CKR_GENERAL_ERROR`.
//!
//! What a caller of C has to see to, and what `SAFETY` comments here mean by "the caller's": a pointer is null, or it points to as much memory as the standard says
//! (with the length that is given beside it), which nobody else changes during the call. Alignment is not taken for granted.
//!
//! Programs find the functions in the lists. Only what gives the lists has a name in the library: other modules have the same names, and the
//! dynamic linker would mix them up.
#![expect(unsafe_code, non_snake_case, reason = "this is where C calls, by the standard's names")]

mod general;
mod lists;
mod memory;
mod objects;
mod operations;
mod process;
mod unsupported;

pub use lists::{C_GetFunctionList, C_GetInterface, C_GetInterfaceList};
