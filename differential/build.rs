//! What this program defines in front of OpenSSL and the C library has to be visible to libtpms.

fn main() {
    for symbol in ["RAND_bytes", "clock_gettime"] {
        println!("cargo::rustc-link-arg-bins=-Wl,--export-dynamic-symbol={symbol}");
    }
    println!("cargo::rerun-if-changed=build.rs");
}
