//! The command line of keys with files of their own: `key create --stored`, `export-tss2`, `import`, `parent`, `approve`.

use std::path::PathBuf;

use clap::Args;
use ironroot_client::wire::{HandleKind, TpmHandle};
use ironroot_keys::{KeyReference, Pcrs};

use super::keys::{Kind, Output, TpmAccess};
use crate::auth_source::AuthSource;

/// `key create`.
#[derive(Debug, Args)]
pub struct Create {
    /// The key's name.
    #[arg(required_unless_present = "stored", conflicts_with = "stored")]
    pub name: Option<String>,
    /// Make a key of its own instead, and write it to this TSS2 PRIVATE KEY file, which must not be there yet. Without the file the
    /// key is lost, and after TPM2_Clear, too.
    #[arg(long, value_name = "FILE")]
    pub stored: Option<PathBuf>,
    /// Its kind [default: --ecc p256].
    #[command(flatten)]
    pub kind: Kind,
    /// Of a stored key: its parent.
    #[command(flatten)]
    pub under: Under,
    /// Of a stored key: what has to hold.
    #[command(flatten)]
    pub conditions: KeyConditions,
    /// The TPM.
    #[command(flatten)]
    pub tpm: TpmAccess,
}

/// Where a stored key belongs.
#[derive(Debug, Clone, Args)]
pub struct Under {
    /// The parent: owner, endorsement, platform (made there from the template of such files), or a storage key's persistent handle.
    #[arg(long, value_name = "HIERARCHY|HANDLE", default_value = "owner", value_parser = parent)]
    pub parent: TpmHandle,
    /// Make the parent in the hierarchy an RSA key instead of one on P-256.
    #[arg(long)]
    pub rsa_parent: bool,
}

/// What has to hold before a stored key is used.
#[derive(Debug, Clone, Args)]
pub struct KeyConditions {
    /// It has this auth value: file=FILE, fd=NUMBER or env=NAME.
    #[arg(long, value_name = "SOURCE=WHERE")]
    pub auth: Option<AuthSource>,
    /// It can be used only while these PCRs have the values that they have now: sha256:0,7.
    #[arg(long, value_name = "BANK:LIST")]
    pub pcr: Option<Pcrs>,
    /// It can be used only with PCR values that the holder of this key (PEM, RSA or ECDSA) approves; see `ironroot policy` and `ironroot
    /// key approve`.
    #[arg(long, value_name = "FILE", conflicts_with = "pcr")]
    pub signed_by: Option<PathBuf>,
    /// What the key is for, in words that stand in its file.
    #[arg(long, value_name = "TEXT")]
    pub description: Option<String>,
}

/// `key export-tss2`.
#[derive(Debug, Args)]
pub struct ExportTss2 {
    /// The key: file:PATH of a stored key, or of a plain private key (PEM) with --parent-public.
    #[arg(value_name = "KEY")]
    pub reference: KeyReference,
    /// Encrypt a plain private key to this parent in a TPM elsewhere: what `ironroot key parent` or `tpm2_readpublic` wrote there, or a PEM.
    #[arg(long, value_name = "FILE")]
    pub parent_public: Option<PathBuf>,
    /// With --parent-public: what the parent is on that TPM.
    #[command(flatten)]
    pub under: Under,
    /// With --parent-public: the key's new auth value: file=FILE, fd=NUMBER or env=NAME.
    #[arg(long, value_name = "SOURCE=WHERE", requires = "parent_public")]
    pub auth: Option<AuthSource>,
    /// With --parent-public: what the key is for, in words that stand in its file.
    #[arg(long, value_name = "TEXT", requires = "parent_public")]
    pub description: Option<String>,
    /// Write DER instead of PEM.
    #[arg(long)]
    pub der: bool,
    /// Where the file goes.
    #[command(flatten)]
    pub to: Output,
    /// The TPM.
    #[command(flatten)]
    pub tpm: TpmAccess,
}

/// `key import`.
#[derive(Debug, Args)]
pub struct Import {
    /// The private key (PEM, not encrypted): RSA, ECDSA on P-256, P-384 or P-521, Ed25519; - is standard input.
    pub file: PathBuf,
    /// The TSS2 PRIVATE KEY file that the key becomes, which must not be there yet.
    #[arg(long, value_name = "FILE")]
    pub stored: PathBuf,
    /// Its parent.
    #[command(flatten)]
    pub under: Under,
    /// What has to hold.
    #[command(flatten)]
    pub conditions: KeyConditions,
    /// The TPM.
    #[command(flatten)]
    pub tpm: TpmAccess,
}

/// `key parent`.
#[derive(Debug, Args)]
pub struct Parent {
    /// The parent.
    #[command(flatten)]
    pub under: Under,
    /// Where its public area (TPM2B_PUBLIC) goes.
    #[command(flatten)]
    pub to: Output,
    /// The TPM.
    #[command(flatten)]
    pub tpm: TpmAccess,
}

/// `key approve`.
#[derive(Debug, Args)]
pub struct Approve {
    /// The TSS2 PRIVATE KEY file: a key, or sealed data.
    pub file: PathBuf,
    /// The PCRs whose values the signer has approved.
    #[arg(long, value_name = "BANK:LIST")]
    pub pcr: Pcrs,
    /// The signer's signature (SHA-256) of what `ironroot policy` prints.
    #[arg(long, value_name = "FILE")]
    pub approval: PathBuf,
    /// What people call this approval.
    #[arg(long, value_name = "TEXT")]
    pub name: Option<String>,
    /// The TPM.
    #[command(flatten)]
    pub tpm: TpmAccess,
}

fn parent(text: &str) -> Result<TpmHandle, String> {
    match text {
        "owner" => Ok(TpmHandle::OWNER),
        "endorsement" => Ok(TpmHandle::ENDORSEMENT),
        "platform" => Ok(TpmHandle::PLATFORM),
        _ => super::number(text)
            .map(TpmHandle)
            .ok()
            .filter(|handle| handle.kind() == HandleKind::Persistent)
            .ok_or_else(|| "expected owner, endorsement, platform or a persistent handle such as 0x81000001".into()),
    }
}
