//! The command line of the identity CA: revocation, and its keys.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{batch::ServicePlace, ca_key::CaKeyArguments, keys::TpmAccess};

/// `ca`.
#[derive(Debug, Subcommand)]
pub enum CaCommand {
    /// Revoke certificates: by serial number, by device, by batch, or by the time of their issue. The service says so from then on.
    Revoke(CaRevoke),
    /// Show a device: its certificates, and where they stand.
    Show(CaShow),
    /// Take a device out of service: revoke its certificates, and give it none any more.
    Decommission(CaDecommission),
    /// Replace the CA's key; old and new sign each other, so that whoever trusts one trusts the other.
    Rotate(CaRotate),
}

/// `ca revoke`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("which").required(true).multiple(true).args(["serial", "device", "batch", "issued_from", "issued_before"]))]
pub struct CaRevoke {
    /// Where.
    #[command(flatten)]
    pub place: ServicePlace,
    /// The certificate with this serial number (hexadecimal).
    #[arg(long, value_name = "HEX")]
    pub serial: Option<String>,
    /// The certificates of the device with this subject, or with the endorsement key of this name (hexadecimal).
    #[arg(long, value_name = "SUBJECT|NAME")]
    pub device: Option<String>,
    /// The certificates of the devices that count in this batch.
    #[arg(long, value_name = "BATCH")]
    pub batch: Option<String>,
    /// Those issued at this time or later: 2026-11-22T00:00:00Z.
    #[arg(long, value_name = "TIME", value_parser = super::ca::time)]
    pub issued_from: Option<i64>,
    /// Those issued before this time.
    #[arg(long, value_name = "TIME", value_parser = super::ca::time)]
    pub issued_before: Option<i64>,
    /// Why (RFC 5280): unspecified, keyCompromise, affiliationChanged, superseded, cessationOfOperation, privilegeWithdrawn. Only
    /// after superseded and affiliationChanged the same key may get another certificate.
    #[arg(long, value_name = "REASON", default_value = "unspecified")]
    pub reason: String,
    /// Say which certificates are meant, and revoke none.
    #[arg(long)]
    pub dry_run: bool,
}

/// `ca show`.
#[derive(Debug, Args)]
pub struct CaShow {
    /// Where.
    #[command(flatten)]
    pub place: ServicePlace,
    /// The device's subject, or the name of its endorsement key (hexadecimal).
    #[arg(value_name = "SUBJECT|NAME")]
    pub device: String,
}

/// `ca decommission`.
#[derive(Debug, Args)]
pub struct CaDecommission {
    /// Where.
    #[command(flatten)]
    pub place: ServicePlace,
    /// The device's subject, or the name of its endorsement key (hexadecimal).
    #[arg(value_name = "SUBJECT|NAME")]
    pub device: String,
}

/// `ca rotate`.
#[derive(Debug, Args)]
pub struct CaRotate {
    /// The service's folder.
    #[arg(long, value_name = "DIR")]
    pub state: PathBuf,
    /// The CA's present key, and before it the new one: --ca-key NEW --ca-key PRESENT. With neither, both are files in the folder, in
    /// plain text.
    #[command(flatten)]
    pub ca_key: CaKeyArguments,
    /// The TPM, if a key is in one.
    #[command(flatten)]
    pub tpm: TpmAccess,
}

/// Seconds of the UNIX epoch from a time as RFC 3339 writes it, in UTC.
///
/// # Errors
/// What is expected.
pub fn time(text: &str) -> Result<i64, String> {
    ironroot_provision::time_from_text(text).ok_or_else(|| format!("{text} is no time such as 2026-11-22T00:00:00Z"))
}
