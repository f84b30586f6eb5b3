//! The name that programs which link the shared library ask the dynamic loader for.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libironroot.so.0");
}
