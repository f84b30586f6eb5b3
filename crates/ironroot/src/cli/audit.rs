//! The command line of the audit.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::batch::ServicePlace;

/// `audit`.
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Check every event against the chain, its signed end, and checkpoints that were kept.
    Verify(AuditVerify),
    /// Print all events, the signed end of their chain, and the key that signed it.
    Export(AuditExport),
}

/// `audit verify`.
#[derive(Debug, Args)]
pub struct AuditVerify {
    /// A checkpoint that was kept elsewhere (of `audit export`, or a copy of the folder's audit.checkpoint), against an older copy of the
    /// database in the place of the newest; may be given several times. The folder's own is always compared.
    #[arg(long = "checkpoint", value_name = "FILE")]
    pub checkpoints: Vec<PathBuf>,
    /// Which service.
    #[command(flatten)]
    pub place: ServicePlace,
}

/// `audit export`.
#[derive(Debug, Args)]
pub struct AuditExport {
    /// The form.
    #[arg(long, value_enum, default_value_t = AuditForm::Json)]
    pub format: AuditForm,
    /// Which service.
    #[command(flatten)]
    pub place: ServicePlace,
}

/// The form of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum AuditForm {
    /// One object: public key, checkpoint, events.
    Json,
    /// The events, a line each.
    Csv,
}
