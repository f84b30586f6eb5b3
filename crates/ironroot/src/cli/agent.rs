//! `ironroot agent` on the command line.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use ironroot_image::SlotName;
use ironroot_keys::Pcrs;

use super::keys::TpmAccess;

/// `agent`.
#[derive(Debug, Subcommand)]
pub enum AgentCommand {
    /// Get a certificate for the device's identity key, and renew it for ever.
    #[cfg(feature = "agent")]
    Run(Run),
    /// Make the TPM's counter of versions, and print what others need to seal images to this device.
    Prepare(Prepare),
    /// Install the first image.
    Install(Bring),
    /// Write a newer image into the inactive slot, and boot it next, on trial. After an interruption the same command goes on.
    Update(Bring),
    /// End the trial: the image works. Nothing older is taken any more.
    Confirm(Confirm),
    /// Go back to the other slot.
    Rollback(AgentAccess),
    /// Print the slot to boot, and count down a trial: once at each boot, as early as possible, unless the boot loader counts.
    Boot(AgentAccess),
    /// Show the slots.
    Status(AgentAccess),
}

/// Which device.
#[derive(Debug, Args)]
pub struct AgentAccess {
    /// The agent's configuration (TOML).
    #[arg(long, value_name = "FILE", default_value = "/etc/ironroot/agent.toml")]
    pub config: PathBuf,
    /// The TPM, if the configuration does not name it.
    #[command(flatten)]
    pub tpm: TpmAccess,
}

/// `agent run`.
#[cfg(feature = "agent")]
#[derive(Debug, Args)]
pub struct Run {
    /// End when there is a certificate that is good for a while, or with what failed.
    #[arg(long)]
    pub once: bool,
    /// Ask for a new certificate now, also if the old one is good.
    #[arg(long)]
    pub renew: bool,
    /// The device.
    #[command(flatten)]
    pub device: AgentAccess,
}

/// `agent prepare`.
#[derive(Debug, Args)]
pub struct Prepare {
    /// The device.
    #[command(flatten)]
    pub device: AgentAccess,
    /// Bind blobs to the values that these PCRs have now: sha256:0,7, for example.
    #[arg(long, value_name = "BANK:LIST", value_parser = pcrs)]
    pub pcrs: Option<(String, Pcrs)>,
    /// The counter's value before the first image, from an earlier record of this device (counter.value), if it has confirmed images
    /// since.
    #[arg(long, value_name = "NUMBER")]
    pub base: Option<u64>,
    /// Where it goes [default: standard output].
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// `agent install` and `agent update`.
#[derive(Debug, Args)]
pub struct Bring {
    /// The image; - is standard input.
    pub image: PathBuf,
    /// This device's blob for it.
    #[arg(long, value_name = "FILE")]
    pub blob: PathBuf,
    /// The device.
    #[command(flatten)]
    pub device: AgentAccess,
}

/// `agent confirm`.
#[derive(Debug, Args)]
pub struct Confirm {
    /// The slot that runs now, as the kernel's command line has it, for example: another one than is to be booted is not confirmed.
    #[arg(long, value_name = "a|b")]
    pub running: Option<SlotName>,
    /// The device.
    #[command(flatten)]
    pub device: AgentAccess,
}

fn pcrs(text: &str) -> Result<(String, Pcrs), String> {
    Ok((text.to_owned(), text.parse()?))
}
