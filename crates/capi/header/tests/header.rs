//! The header in the repository is the one that the source gives.

use std::{fs, path::Path};

const SOURCES: [&str; 5] = ["buffer", "call", "key", "startup", "tpm"];

#[test]
fn the_header_is_the_one_that_the_source_gives() {
    let capi = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let path = capi.join("include/ironroot.h");
    let mut builder =
        cbindgen::Builder::new().with_config(cbindgen::Config::from_file(capi.join("cbindgen.toml")).unwrap());
    let mut functions = 0;
    for name in SOURCES {
        let source = capi.join("src").join(name).with_extension("rs");
        functions += fs::read_to_string(&source).unwrap().matches("#[unsafe(no_mangle)]").count();
        builder = builder.with_src(source);
    }
    let files = fs::read_dir(capi.join("src")).unwrap().count();
    assert_eq!(files, SOURCES.len() + 1, "a file beside lib.rs is not in the list above");
    let mut made = Vec::new();
    builder.generate().unwrap().write(&mut made);
    let made = String::from_utf8(made).unwrap();
    let seen = made.lines().filter(|line| line.contains(" ironroot_") || line.contains(" *ironroot_"));
    let seen = seen.filter(|line| line.contains('(') && !line.trim_start().starts_with(['/', '*'])).count();
    assert_eq!(seen, functions, "cbindgen has not seen every function");
    if std::env::var_os("IRONROOT_WRITE_HEADER").is_some() {
        fs::write(&path, &made).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == made,
        "{} is old: write it with IRONROOT_WRITE_HEADER=1 cargo test -p ironroot-capi-header",
        path.display()
    );
}
