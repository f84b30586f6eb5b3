//! TSS2 key files: PEM or DER from anywhere gives a key file or a reason, and what was understood is written again so that
//! it is understood the same.
#![no_main]

use ironroot_keys::KeyFile;
use libfuzzer_sys::fuzz_target;

fn check(file: &KeyFile) {
    let Ok(der) = file.to_der() else { return };
    assert_eq!(KeyFile::from_der(&der).as_ref().ok(), Some(file), "DER");
    let pem = file.to_pem().expect("what has a DER form has a PEM form");
    assert_eq!(KeyFile::from_pem(&pem).as_ref().ok(), Some(file), "PEM");
}

fuzz_target!(|input: &[u8]| {
    if let Ok(file) = KeyFile::from_der(input) {
        check(&file);
    }
    if let Ok(text) = std::str::from_utf8(input)
        && let Ok(file) = KeyFile::from_pem(text)
    {
        check(&file);
    }
});
