//! `ironroot package` on the command line.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use ironroot_client::wire::TpmHandle;

use super::keys::{TpmAccess, Used};

/// `package`.
#[derive(Debug, Subcommand)]
pub enum PackageCommand {
    /// Pack a folder, signed by a key in the TPM.
    Build(PackageBuild),
    /// Verify every byte of a package, without opening what is sealed. No TPM is needed.
    Verify(PackageVerify),
    /// Open a package into a new folder, which appears when everything has been verified, or not at all.
    Open(PackageOpen),
}

/// `package build`.
#[derive(Debug, Args)]
pub struct PackageBuild {
    /// The signer's key.
    #[command(flatten)]
    pub key: Used,
    /// The folder. Files and folders only; empty folders are left out.
    pub folder: PathBuf,
    /// What the package is called.
    #[arg(long, value_name = "NAME")]
    pub package: String,
    /// Its number: one with a lower number never replaces one with a higher number.
    #[arg(long, value_name = "NUMBER")]
    pub number: u64,
    /// Seal it to the devices of the product, by the global secrets of this TPM (or of --product-secret).
    #[arg(long, conflicts_with = "to_device")]
    pub to_product: bool,
    /// With --to-product, take the product secret (or its white-box tables) from this file.
    #[arg(long, value_name = "FILE", requires = "to_product")]
    pub product_secret: Option<PathBuf>,
    /// Seal it to the device with this public key, the PEM file that `ironroot key show package --encryption` prints there; any number
    /// of times.
    #[arg(long, value_name = "FILE")]
    pub to_device: Vec<PathBuf>,
    /// Where the package goes: a file that does not exist yet.
    #[arg(long, short, value_name = "FILE")]
    pub output: PathBuf,
}

/// Which package, and whose.
#[derive(Debug, Args)]
pub struct PackageFrom {
    /// The package; - is standard input.
    pub file: PathBuf,
    /// The signer's public key: a PEM file with a PUBLIC KEY or a CERTIFICATE.
    #[arg(long, value_name = "FILE")]
    pub signed_by: PathBuf,
    /// What the package has to be called.
    #[arg(long, value_name = "NAME")]
    pub package: Option<String>,
}

/// `package verify`.
#[derive(Debug, Args)]
pub struct PackageVerify {
    /// The package.
    #[command(flatten)]
    pub from: PackageFrom,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// `package open`.
#[derive(Debug, Args)]
pub struct PackageOpen {
    /// The package.
    #[command(flatten)]
    pub from: PackageFrom,
    /// The folder: one that does not exist yet.
    pub into: PathBuf,
    /// Refuse versions below the highest that was opened with this NV index of the TPM, and raise it: 0x01500001, for example. One
    /// for each package.
    #[arg(long, value_name = "INDEX", value_parser = index, requires = "package")]
    pub floor: Option<TpmHandle>,
    /// The name under which this device decrypts what is sealed to it.
    #[arg(long, value_name = "NAME", default_value = "package")]
    pub decrypt_as: String,
    /// Open what is sealed to the product with the product secret (or its white-box tables) in this file, without a TPM.
    #[arg(long, value_name = "FILE")]
    pub product_secret: Option<PathBuf>,
    /// The TPM.
    #[command(flatten)]
    pub tpm: TpmAccess,
}

fn index(text: &str) -> Result<TpmHandle, String> {
    match super::number(text) {
        Ok(number @ 0x0100_0000..=0x01ff_ffff) => Ok(TpmHandle(number)),
        _ => Err("expected an NV index, 0x01000000 to 0x01ffffff".into()),
    }
}
