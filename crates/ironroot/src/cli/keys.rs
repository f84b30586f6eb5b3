//! The command line of keys that applications use: `key`, `csr`, `cert`, `jwt`.

use std::{path::PathBuf, str::FromStr};

use clap::{Args, Subcommand, ValueEnum};
use ironroot_client::{Tcti, wire::TpmHandle};
use ironroot_keys::{JwtAlgorithm, KeyAlgorithm, KeyReference, Pcrs};

use super::stored_keys::{Approve, Create, ExportTss2, Import, Parent};
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

/// Where a result goes.
#[derive(Debug, Default, Args)]
pub struct Output {
    /// Where the result goes [default: standard output].
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// What a command makes something else of.
#[derive(Debug, Args)]
pub struct Files {
    /// The data [default: standard input].
    #[arg(long, short, value_name = "FILE")]
    pub input: Option<PathBuf>,
    /// Where it goes.
    #[command(flatten)]
    pub to: Output,
}

/// Whom a certificate names.
#[derive(Debug, Args)]
pub struct Names {
    /// The subject, as RFC 4514 writes names: CN=dev1,O=Example [default: CN=NAME].
    #[arg(long, value_name = "NAME")]
    pub subject: Option<String>,
    /// A DNS name that the certificate shall have; any number of times.
    #[arg(long, value_name = "NAME")]
    pub dns: Vec<String>,
}

/// The terms of a certificate.
#[derive(Debug, Args)]
pub struct Terms {
    /// For how many days.
    #[arg(long, default_value_t = 365, value_parser = clap::value_parser!(u32).range(1..=36_500))]
    pub days: u32,
    /// What it is for.
    #[arg(long, value_enum, default_value_t = Usage::Both)]
    pub usage: Usage,
}

/// A key that is used: by name, in a file, at a handle.
#[derive(Debug, Clone, Args)]
pub struct Used {
    /// The key: NAME (or name:NAME), file:PATH (a TSS2 PRIVATE KEY file) or handle:0x81…
    #[arg(value_name = "KEY")]
    pub reference: KeyReference,
    /// A named key's kind, if the list of names does not have it.
    #[command(flatten)]
    pub kind: Kind,
    /// The auth value of a key in a file or at a handle, if it has one: file=FILE, fd=NUMBER or env=NAME.
    #[arg(long, value_name = "SOURCE=WHERE")]
    pub key_auth: Option<AuthSource>,
    /// The TPM.
    #[command(flatten)]
    pub tpm: TpmAccess,
}

/// `key`.
#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// Make the key with this name (the TPM makes the same one each time), and remember the name; or, with --stored, make a key of
    /// its own with its file.
    Create(Create),
    /// List the names.
    List(TpmAccess),
    /// Show a key: its kind, fingerprint and public key.
    Show(Show),
    /// Take a name off the list, and the key out of its persistent handle. The same name still gives the same key.
    Remove(Remove),
    /// Keep a key in the TPM at a persistent handle, for programs that know handles only.
    ExportHandle(ExportHandle),
    /// Write a key as a TSS2 PRIVATE KEY file: a stored key for its TPM, or a key from outside encrypted to another TPM's parent.
    ExportTss2(ExportTss2),
    /// Take a private key that was made outside (PEM) into the TPM, with a file of its own.
    Import(Import),
    /// Print the public area of the parent that keys are encrypted to elsewhere.
    Parent(Parent),
    /// Add a signer's approval of the values that PCRs have now to a file that was made with --signed-by.
    Approve(Approve),
}

/// `key show`.
#[derive(Debug, Args)]
pub struct Show {
    /// The key.
    #[command(flatten)]
    pub key: Used,
    /// Show the public key for `ironroot encrypt --public-key`, of the same name, and nothing else.
    #[arg(long)]
    pub encryption: bool,
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
    pub key: Used,
    /// Whose it is.
    #[command(flatten)]
    pub names: Names,
    /// Where it goes.
    #[command(flatten)]
    pub to: Output,
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

/// `cert`.
#[derive(Debug, Subcommand)]
pub enum CertCommand {
    /// Make a certificate for a key, signed by the key itself.
    SelfSigned(SelfSigned),
    /// Issue a certificate for a request, with a key as the CA's.
    Issue(Issue),
}

/// What a certificate is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Usage {
    /// TLS clients and servers.
    Both,
    /// TLS clients.
    Client,
    /// TLS servers.
    Server,
}

/// `cert self-signed`.
#[derive(Debug, Args)]
pub struct SelfSigned {
    /// The key.
    #[command(flatten)]
    pub key: Used,
    /// Whose it is.
    #[command(flatten)]
    pub names: Names,
    /// How long it holds, and for what.
    #[command(flatten)]
    pub terms: Terms,
    /// A CA's certificate, for `cert issue`.
    #[arg(long, conflicts_with = "usage")]
    pub ca: bool,
    /// Where it goes.
    #[command(flatten)]
    pub to: Output,
}

/// `cert issue`.
#[derive(Debug, Args)]
pub struct Issue {
    /// The CA's key.
    #[command(flatten)]
    pub ca: Used,
    /// The CA's certificate (PEM).
    #[arg(long, value_name = "FILE")]
    pub ca_cert: PathBuf,
    /// The request (PEM).
    #[arg(long, value_name = "FILE")]
    pub csr: PathBuf,
    /// How long it holds, and for what.
    #[command(flatten)]
    pub terms: Terms,
    /// Where it goes.
    #[command(flatten)]
    pub to: Output,
}

/// `jwt`.
#[derive(Debug, Subcommand)]
pub enum JwtCommand {
    /// Sign claims with a key.
    Sign(JwtSign),
    /// Verify a token, and print its claims.
    Verify(JwtVerify),
}

/// `jwt sign`.
#[derive(Debug, Args)]
pub struct JwtSign {
    /// The key.
    #[command(flatten)]
    pub key: Used,
    /// The algorithm: ES256, ES384, ES512, RS256, PS256 or EdDSA [default: the key's first].
    #[arg(long, value_name = "ALG")]
    pub alg: Option<JwtAlgorithm>,
    /// The key's identifier in the header (kid).
    #[arg(long, value_name = "ID")]
    pub key_id: Option<String>,
    /// A file with claims, a JSON object; - is standard input.
    #[arg(long, value_name = "FILE")]
    pub claims: Option<PathBuf>,
    /// A claim; VALUE is JSON if it can be, and text otherwise. Any number of times.
    #[arg(long, value_name = "NAME=VALUE")]
    pub claim: Vec<String>,
    /// Who issues it (iss).
    #[arg(long, value_name = "NAME")]
    pub issuer: Option<String>,
    /// Of whom it speaks (sub).
    #[arg(long, value_name = "NAME")]
    pub subject: Option<String>,
    /// For whom it is (aud).
    #[arg(long, value_name = "NAME")]
    pub audience: Option<String>,
    /// After how many seconds it ends (exp).
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    pub expires_in: u64,
    /// Without an end.
    #[arg(long, conflicts_with = "expires_in")]
    pub endless: bool,
}

/// `jwt verify`.
#[derive(Debug, Args)]
pub struct JwtVerify {
    /// The token; - is standard input.
    pub token: String,
    /// The key that has to have signed it: NAME, file:PATH or handle:0x81…
    #[arg(long, value_name = "KEY", required_unless_present = "public_key")]
    pub key: Option<KeyReference>,
    /// The public key that has to have signed it, a PEM file with a PUBLIC KEY or a CERTIFICATE; no TPM is needed.
    #[arg(long, value_name = "FILE", conflicts_with = "key")]
    pub public_key: Option<PathBuf>,
    /// The named key's kind, if the list of names does not have it.
    #[command(flatten)]
    pub kind: Kind,
    /// The auth value of a key in a file, if it has one: file=FILE, fd=NUMBER or env=NAME.
    #[arg(long, value_name = "SOURCE=WHERE")]
    pub key_auth: Option<AuthSource>,
    /// An algorithm that is accepted; any number of times [default: every one that the key can have].
    #[arg(long, value_name = "ALG")]
    pub alg: Vec<JwtAlgorithm>,
    /// Who we are: the token has to be for us (aud).
    #[arg(long, value_name = "NAME")]
    pub audience: Option<String>,
    /// Who has to have issued it (iss).
    #[arg(long, value_name = "NAME")]
    pub issuer: Option<String>,
    /// How many seconds the clocks may differ.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub leeway: u64,
    /// Accept a token without an end.
    #[arg(long)]
    pub endless: bool,
    /// The TPM.
    #[command(flatten)]
    pub tpm: TpmAccess,
}

/// `secret`.
#[derive(Debug, Subcommand)]
pub enum SecretCommand {
    /// A secret that is the same on this device for ever, and another on each device.
    Unique(Secret),
    /// A secret that all devices of the product share.
    Global(GlobalSecret),
    /// Put the base of global secrets into a TPM: once, in the factory.
    Provision(ProvisionSecrets),
}

/// `secret unique`.
#[derive(Debug, Args)]
pub struct Secret {
    /// The secret's name.
    pub name: String,
    /// Its length in bytes, 1 to 8160. Another length is another secret.
    pub length: usize,
    /// Print the bytes themselves, instead of hexadecimal.
    #[arg(long, conflicts_with = "json")]
    pub raw: bool,
    /// The TPM.
    #[command(flatten)]
    pub tpm: TpmAccess,
}

/// `secret global`.
#[derive(Debug, Args)]
pub struct GlobalSecret {
    /// The secret.
    #[command(flatten)]
    pub secret: Secret,
    /// Compute it from the product secret (or its white-box tables) in this file, without a TPM.
    #[arg(long, value_name = "FILE")]
    pub product_secret: Option<PathBuf>,
}

/// In which hierarchy something is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum KeptBy {
    /// The platform's: TPM2_Clear leaves it alone.
    Platform,
    /// The owner's: TPM2_Clear removes it.
    Owner,
}

/// `secret provision`.
#[derive(Debug, Args)]
pub struct ProvisionSecrets {
    /// The file with the product secret, or its white-box tables.
    #[arg(long, value_name = "FILE")]
    pub product_secret: PathBuf,
    /// Where the TPM keeps it.
    #[arg(long, value_enum, default_value_t = KeptBy::Platform)]
    pub hierarchy: KeptBy,
    /// The TPM.
    #[command(flatten)]
    pub tpm: TpmAccess,
}

/// `encrypt`.
#[derive(Debug, Args)]
pub struct Encrypt {
    /// The name under which the device decrypts.
    #[arg(required_unless_present = "public_key", conflicts_with = "public_key")]
    pub name: Option<String>,
    /// Encrypt to this public key instead, without a TPM: the PEM file that `ironroot key show NAME --encryption` prints on the
    /// device.
    #[arg(long, value_name = "FILE")]
    pub public_key: Option<PathBuf>,
    /// What comes and goes.
    #[command(flatten)]
    pub files: Files,
    /// The TPM.
    #[command(flatten)]
    pub tpm: TpmAccess,
}

/// `decrypt`.
#[derive(Debug, Args)]
pub struct Decrypt {
    /// The name for which it was encrypted.
    pub name: String,
    /// What comes and goes.
    #[command(flatten)]
    pub files: Files,
    /// The TPM.
    #[command(flatten)]
    pub tpm: TpmAccess,
}

/// `seal`.
#[derive(Debug, Args)]
pub struct Seal {
    /// What comes and goes.
    #[command(flatten)]
    pub files: Files,
    /// It opens with this password only: file=FILE, fd=NUMBER or env=NAME.
    #[arg(long, value_name = "SOURCE=WHERE")]
    pub password: Option<AuthSource>,
    /// It opens only while these PCRs have the values that they have now: sha256:0,7.
    #[arg(long, value_name = "BANK:LIST")]
    pub pcr: Option<Pcrs>,
    /// It opens only with PCR values that the holder of this key (PEM, RSA or ECDSA) approves later; see `ironroot policy`.
    #[arg(long, value_name = "FILE", conflicts_with = "pcr")]
    pub signed_by: Option<PathBuf>,
    /// The TPM.
    #[command(flatten)]
    pub tpm: TpmAccess,
}

/// `unseal`.
#[derive(Debug, Args)]
pub struct Unseal {
    /// The sealed data.
    pub file: PathBuf,
    /// Where it goes.
    #[command(flatten)]
    pub to: Output,
    /// The password: file=FILE, fd=NUMBER or env=NAME.
    #[arg(long, value_name = "SOURCE=WHERE")]
    pub password: Option<AuthSource>,
    /// The PCRs whose values the signer has approved.
    #[arg(long, value_name = "BANK:LIST", requires = "approval")]
    pub pcr: Option<Pcrs>,
    /// The signer's signature of what `ironroot policy` prints.
    #[arg(long, value_name = "FILE", requires = "pcr")]
    pub approval: Option<PathBuf>,
    /// The TPM.
    #[command(flatten)]
    pub tpm: TpmAccess,
}

/// `policy`.
#[derive(Debug, Args)]
pub struct Policy {
    /// The PCRs: sha256:0,7.
    #[arg(long, value_name = "BANK:LIST")]
    pub pcr: Pcrs,
    /// Where it goes.
    #[command(flatten)]
    pub to: Output,
    /// The TPM.
    #[command(flatten)]
    pub tpm: TpmAccess,
}
