//! `ironroot image` on the command line.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::keys::{TpmAccess, Used};

/// `image`.
#[derive(Debug, Subcommand)]
pub enum ImageCommand {
    /// Build an image from a recipe, signed by a key in the TPM and encrypted with a key of its own.
    Build(ImageBuild),
    /// Make a blob for each of these devices, which opens the image on that device and nowhere else.
    DeviceBlob(DeviceBlobs),
    /// Verify every byte of an image, and show what is in it. No TPM is needed.
    Verify(ImageVerify),
}

/// `image build`.
#[derive(Debug, Args)]
pub struct ImageBuild {
    /// The signer's key.
    #[command(flatten)]
    pub key: Used,
    /// The recipe (TOML): name, sequence, vendor, class, and the components with their files.
    pub recipe: PathBuf,
    /// Where the image goes: a file that does not exist yet.
    #[arg(long, short, value_name = "FILE")]
    pub output: PathBuf,
    /// Where the image's key goes, sealed to this TPM, for `ironroot image device-blob`: a file that does not exist yet.
    #[arg(long, value_name = "FILE")]
    pub image_key: PathBuf,
}

/// `image device-blob`.
#[derive(Debug, Args)]
pub struct DeviceBlobs {
    /// The image's key, as `ironroot image build` wrote it with this TPM.
    #[arg(long, value_name = "FILE")]
    pub image_key: PathBuf,
    /// What `ironroot agent prepare` printed on each device.
    #[arg(required = true, value_name = "DEVICE")]
    pub devices: Vec<PathBuf>,
    /// The folder for the blobs: DEVICE's fingerprint, then .blob; made if it is not there.
    #[arg(long, short, value_name = "DIR")]
    pub output: PathBuf,
    /// The TPM.
    #[command(flatten)]
    pub tpm: TpmAccess,
}

/// `image verify`.
#[derive(Debug, Args)]
pub struct ImageVerify {
    /// The image; - is standard input.
    pub file: PathBuf,
    /// The signer's public key: a PEM file with a PUBLIC KEY or a CERTIFICATE.
    #[arg(long, value_name = "FILE")]
    pub signed_by: PathBuf,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}
