//! Which key a certificate authority signs with, on the command line.

use std::{path::PathBuf, str::FromStr};

use clap::Args;
use ironroot_keys::KeyReference;
use ironroot_provision::authority::Pkcs11Uri;

use crate::auth_source::AuthSource;

/// The key of a certificate authority, and what opens it.
#[derive(Debug, Clone, Args)]
pub struct CaKeyArguments {
    /// The identity CA's key: pkcs11:… (RFC 7512), file:PATH (PEM, encrypted or not, or a TSS2 PRIVATE KEY), handle:0x81… or NAME
    /// (keys in the TPM) [default: a new key in the folder, in plain text, for demonstrations]. Each time a CA's key was replaced
    /// (`ironroot ca rotate`), the older ones are given, too, until their last certificates have expired.
    #[arg(long = "ca-key", value_name = "KEY")]
    pub ca_keys: Vec<CaKeyReference>,
    /// The token's PIN, the file's passphrase or the TPM key's auth value: file=FILE, fd=NUMBER or env=NAME.
    #[arg(long, value_name = "SOURCE=WHERE")]
    pub ca_pin: Option<AuthSource>,
    /// The token's PKCS #11 module, if the URI does not say module-path.
    #[arg(long, value_name = "FILE")]
    pub pkcs11_module: Option<PathBuf>,
}

/// How a CA key is named.
#[derive(Debug, Clone)]
pub enum CaKeyReference {
    /// In a PKCS #11 token.
    Pkcs11(Box<Pkcs11Uri>),
    /// In a file, which is a TPM's if it says so.
    File(PathBuf),
    /// In a TPM.
    Tpm(KeyReference),
}

impl FromStr for CaKeyReference {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.starts_with("pkcs11:") {
            return Ok(Self::Pkcs11(Box::new(text.parse()?)));
        }
        match text.parse::<KeyReference>().map_err(|error| error.to_string())? {
            KeyReference::File(path) => Ok(Self::File(path)),
            reference => Ok(Self::Tpm(reference)),
        }
    }
}
