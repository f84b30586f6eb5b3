//! The second key of a state on the command line: `--key file=…`, as swtpm's users know it.

use std::{fs::File, io::Read as _, os::unix::fs::PermissionsExt as _, path::PathBuf, str::FromStr};

use ironroot_store::{KEY_SIZE, SecondKey};
use zeroize::Zeroizing;

use crate::failure::{Failure, Result};

/// No passphrase is longer, in bytes.
const LONGEST: u64 = 4096;

/// Where a second key comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySource {
    from: From,
    is_passphrase: bool,
    format: Format,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum From {
    File(PathBuf),
    Descriptor(u32),
}

/// How a key file holds its 32 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    /// Told by its length.
    Any,
    Binary,
    Hex,
}

impl FromStr for KeySource {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let mut parts = text.split(',');
        let (name, value) = parts.next().and_then(|part| part.split_once('=')).unwrap_or((text, ""));
        let descriptor = || value.parse().map(From::Descriptor).map_err(|_| format!("{value} is no file descriptor"));
        let (from, is_passphrase) = match name {
            _ if value.is_empty() => return Err(FORMS.into()),
            "file" => (From::File(value.into()), false),
            "fd" => (descriptor()?, false),
            "pwdfile" => (From::File(value.into()), true),
            "pwdfd" => (descriptor()?, true),
            _ => return Err(FORMS.into()),
        };
        let mut format = Format::Any;
        for part in parts {
            format = match part {
                "format=binary" if !is_passphrase => Format::Binary,
                "format=hex" if !is_passphrase => Format::Hex,
                _ if part.starts_with("mode=") || part.starts_with("kdf=") => {
                    return Err(format!(
                        "{part}: a state has one cipher (XChaCha20-Poly1305) and one way to stretch a \
                                        passphrase (argon2id); leave it out"
                    ));
                }
                _ => return Err(format!("{part}: not understood; {FORMS}")),
            };
        }
        Ok(Self { from, is_passphrase, format })
    }
}

const FORMS: &str =
    "expected file=FILE[,format=hex|binary], fd=NUMBER[,format=hex|binary], pwdfile=FILE or pwdfd=NUMBER";

impl KeySource {
    /// Reads the key.
    ///
    /// # Errors
    /// Which file, why, and what it should hold.
    pub fn load(&self) -> Result<SecondKey> {
        let path = match &self.from {
            From::File(path) => path.clone(),
            From::Descriptor(number) => PathBuf::from(format!("/proc/self/fd/{number}")),
        };
        let what = if self.is_passphrase { "the passphrase" } else { "the key" };
        let failed = |why: String| Failure::new(format!("{}: {what} cannot be used: {why}", path.display()));
        let file = File::open(&path).map_err(|error| failed(error.to_string()))?;
        let metadata = file.metadata().map_err(|error| failed(error.to_string()))?;
        if matches!(self.from, From::File(_)) && metadata.is_file() && metadata.permissions().mode() & 0o077 != 0 {
            tracing::warn!("{}: others than its owner can get at {what}; run chmod 600 on it", path.display());
        }
        // Reserved whole, so that no copy stays behind when the vector grows.
        let mut bytes = Zeroizing::new(Vec::with_capacity(LONGEST as usize + 2));
        file.take(LONGEST + 2).read_to_end(&mut bytes).map_err(|error| failed(error.to_string()))?;
        if self.is_passphrase { passphrase(&mut bytes) } else { self.key(&bytes) }.map_err(failed)
    }

    fn key(&self, bytes: &[u8]) -> std::result::Result<SecondKey, String> {
        let wrong = || format!("it holds {} bytes, not 32 (or 64 hexadecimal digits)", bytes.len());
        if self.format != Format::Hex && bytes.len() == KEY_SIZE {
            let mut key = Zeroizing::new([0; KEY_SIZE]);
            key.copy_from_slice(bytes);
            return Ok(SecondKey::Key(key));
        }
        let digits = bytes.trim_ascii();
        if self.format == Format::Binary || digits.len() != 2 * KEY_SIZE {
            return Err(wrong());
        }
        let mut key = Zeroizing::new([0; KEY_SIZE]);
        for (byte, pair) in key.iter_mut().zip(digits.chunks(2)) {
            let digits = std::str::from_utf8(pair).map_err(|_| wrong())?;
            *byte = u8::from_str_radix(digits, 16).map_err(|_| "it is not hexadecimal".to_owned())?;
        }
        Ok(SecondKey::Key(key))
    }
}

/// A passphrase is a file's contents without the end of its last line.
fn passphrase(bytes: &mut Zeroizing<Vec<u8>>) -> std::result::Result<SecondKey, String> {
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
    }
    if bytes.last() == Some(&b'\r') {
        bytes.pop();
    }
    if bytes.is_empty() {
        return Err("it is empty".into());
    }
    if bytes.len() as u64 > LONGEST {
        return Err(format!("it is longer than {LONGEST} bytes"));
    }
    Ok(SecondKey::Passphrase(std::mem::take(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forms_of_the_command_line() {
        for good in ["file=k", "file=k,format=hex", "fd=3", "fd=3,format=binary", "pwdfile=p", "pwdfd=4"] {
            assert!(good.parse::<KeySource>().is_ok(), "{good}");
        }
        for bad in ["", "k", "file=", "fd=x", "pwdfile=p,format=hex", "file=k,mode=aes-256-cbc", "pwdfile=p,kdf=sha512"]
        {
            assert!(bad.parse::<KeySource>().is_err(), "{bad}");
        }
    }

    #[test]
    fn keys_in_both_formats_and_nothing_else() {
        let load = |spec: &str, bytes: &[u8]| {
            let path = std::env::temp_dir().join(format!("ironroot-key-{}", std::process::id()));
            std::fs::write(&path, bytes).unwrap();
            spec.replace('@', path.to_str().unwrap()).parse::<KeySource>().unwrap().load()
        };
        let key = |spec, bytes: &[u8]| match load(spec, bytes) {
            Ok(SecondKey::Key(key)) => Some(*key),
            _ => None,
        };
        let hex = "0a".repeat(32);
        assert_eq!(key("file=@", &[10; 32]), Some([10; 32]));
        assert_eq!(key("file=@", format!("{hex}\n").as_bytes()), Some([10; 32]));
        assert_eq!(key("file=@,format=hex", hex.as_bytes()), Some([10; 32]));
        assert_eq!(key("file=@,format=binary", hex.as_bytes()), None);
        assert_eq!(key("file=@,format=hex", &[10; 32]), None);
        assert_eq!(key("file=@", &[10; 31]), None);
        assert_eq!(key("file=@", "zz".repeat(32).as_bytes()), None);
        let words = |bytes: &[u8]| match load("pwdfile=@", bytes) {
            Ok(SecondKey::Passphrase(words)) => Some(words.to_vec()),
            _ => None,
        };
        assert_eq!(words(b"two words\n"), Some(b"two words".to_vec()));
        assert_eq!(words(b" two words"), Some(b" two words".to_vec()));
        assert_eq!(words(b"\n"), None);
        assert_eq!(words(&[b'a'; 5000]), None);
    }
}
