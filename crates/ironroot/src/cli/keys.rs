//! The command line of keys that applications use: `key`, `csr`.

use std::{path::PathBuf, str::FromStr};

use clap::{Args, Subcommand};
use ironroot_client::{Tcti, wire::TpmHandle};
use ironroot_keys::KeyAlgorithm;

use crate::auth_source::AuthSource;

/// Which TPM, what opens it, which list of names.
#[derive(Debug, Clone, Args)]
pub struct TpmAccess {
    /// The TPM: swtpm:…, mssim:… or device:… [default: $TPM2TOOLS_TCTI, else $TCTI, else /dev/tpmrm0 or /dev/tpm0, else swtpm: at
    /// port 2321].
    #[arg(long, value_name = "TCTI", value_parser = Tcti::parse)]
    pub tcti: Option<Tcti>,
    /// The endorsement hierarchy's auth value, if it has one: file=FILE, fd=NUMBER or env=NAME.
    #[arg(long, value_name = "SOURCE=WHERE")]
    pub endorsement_auth: Option<AuthSource>,
    /// The owner hierarchy's auth value, if it has one: file=FILE, fd=NUMBER or env=NAME.
    #[arg(long, value_name = "SOURCE=WHERE")]
    pub owner_auth: Option<AuthSource>,
    /// The list of names [default: $IRONROOT_KEY_LIST, else ironroot/keys.json in the user's data folder].
    #[arg(long, value_name = "FILE")]
    pub list: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// The kind of a key.
#[derive(Debug, Clone, Default, Args)]
#[group(multiple = false)]
pub struct Kind {
    /// An elliptic curve: p256, p384, p521 (ECDSA) or ed25519.
    #[arg(long, value_name = "CURVE", num_args = 0..=1, default_missing_value = "p256", value_parser = curve)]
    pub ecc: Option<KeyAlgorithm>,
    /// RSA: 2048, 3072 or 4096 bits.
    #[arg(long, value_name = "BITS", num_args = 0..=1, default_missing_value = "2048", value_parser = rsa)]
    pub rsa: Option<KeyAlgorithm>,
    /// ML-DSA: 44, 65 or 87.
    #[arg(long, value_name = "SET", num_args = 0..=1, default_missing_value = "65", value_parser = ml_dsa)]
    pub ml_dsa: Option<KeyAlgorithm>,
}

impl Kind {
    /// The kind, if one was named.
    pub fn given(&self) -> Option<KeyAlgorithm> {
        self.ecc.or(self.rsa).or(self.ml_dsa)
    }
}

/// A key by its name.
#[derive(Debug, Clone, Args)]
pub struct Named {
    /// The key's name.
    pub name: String,
    /// Its kind, if the list of names does not have it.
    #[command(flatten)]
    pub kind: Kind,
    /// The TPM.
    #[command(flatten)]
    pub tpm: TpmAccess,
}

/// `key`.
#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// Make the key with this name (the TPM makes the same one each time), and remember the name.
    Create(Named),
    /// List the names.
    List(TpmAccess),
    /// Show a key: its kind, fingerprint and public key.
    Show(Named),
    /// Take a name off the list, and the key out of its persistent handle. The same name still gives the same key.
    Remove(Remove),
    /// Keep a key in the TPM at a persistent handle, for programs that know handles only.
    ExportHandle(ExportHandle),
}

/// `key remove`.
#[derive(Debug, Args)]
pub struct Remove {
    /// The key's name.
    pub name: String,
    /// The TPM.
    #[command(flatten)]
    pub tpm: TpmAccess,
}

/// `key export-handle`.
#[derive(Debug, Args)]
pub struct ExportHandle {
    /// The key.
    #[command(flatten)]
    pub key: Named,
    /// The handle, 0x81000000 to 0x817fffff.
    #[arg(value_parser = handle)]
    pub handle: TpmHandle,
}

/// `csr`.
#[derive(Debug, Args)]
pub struct CsrArguments {
    /// The key.
    #[command(flatten)]
    pub key: Named,
    /// The subject, as RFC 4514 writes names: CN=dev1,O=Example [default: CN=NAME].
    #[arg(long, value_name = "NAME")]
    pub subject: Option<String>,
    /// A DNS name that the certificate shall have; any number of times.
    #[arg(long, value_name = "NAME")]
    pub dns: Vec<String>,
    /// Where the request goes [default: standard output].
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

fn curve(text: &str) -> Result<KeyAlgorithm, String> {
    match text {
        "ed25519" => Ok(KeyAlgorithm::Ed25519),
        _ => kind("ecc", text, "p256, p384, p521 or ed25519"),
    }
}

fn rsa(text: &str) -> Result<KeyAlgorithm, String> {
    kind("rsa", text, "2048, 3072 or 4096")
}

fn ml_dsa(text: &str) -> Result<KeyAlgorithm, String> {
    kind("ml-dsa", text, "44, 65 or 87")
}

fn kind(family: &str, which: &str, choices: &str) -> Result<KeyAlgorithm, String> {
    KeyAlgorithm::from_str(&format!("{family}-{which}")).map_err(|_| format!("expected {choices}"))
}

fn handle(text: &str) -> Result<TpmHandle, String> {
    super::number(text).map(TpmHandle).map_err(|_| format!("{text} is no handle: write 0x81000010, for example"))
}
