//! Nothing but a test: that `include/ironroot.h` is what the C API's source gives. A package of its own, so that nobody who builds the C API
//! builds cbindgen, and the test builds nothing but cbindgen.
#![forbid(unsafe_code)]
