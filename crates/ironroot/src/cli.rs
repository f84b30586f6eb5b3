//! The command line.

#[cfg(feature = "keys")]
pub mod agent;
#[cfg(feature = "service")]
pub mod audit;
#[cfg(feature = "service")]
pub mod batch;
#[cfg(feature = "service")]
pub mod ca;
#[cfg(feature = "service")]
pub mod ca_key;
#[cfg(feature = "service")]
pub mod factory;
#[cfg(feature = "keys")]
pub mod image;
#[cfg(feature = "keys")]
pub mod keys;
#[cfg(feature = "keys")]
pub mod package;
#[cfg(feature = "service")]
pub mod provision;
#[cfg(feature = "keys")]
pub mod stored_keys;

mod swtpm;
mod witness;

use std::{net::SocketAddr, path::PathBuf, str::FromStr};

use clap::{Args, Parser, Subcommand, ValueEnum};
use ironroot_anchor::machine::Source;
use ironroot_host::sandbox::{Seccomp, trial};

use crate::{counter::CounterPlace, log::LogPlace, pid::PidPlace, second_key::KeySource};

pub use swtpm::{SwtpmCommand, SwtpmSocket};
pub use witness::{ConnectorArguments, WitnessCommand, WitnessEnrol, WitnessList, WitnessServe, WitnessWithdraw};

/// A TPM 2.0 in software, and provisioning for it.
#[derive(Debug, Parser)]
#[command(name = "ironroot", version, about, max_term_width = 100)]
pub struct Cli {
    /// Say more on standard error; twice for everything but secrets.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show a device identity from end to end: TPM, provisioning, TLS, and the attacks that fail.
    #[cfg(feature = "service")]
    Demo(Demo),
    /// Run a TPM and the provisioning service until Ctrl-C.
    #[cfg(feature = "service")]
    Up(Up),
    /// Run the provisioning service for a fleet.
    #[cfg(feature = "service")]
    #[command(subcommand)]
    Provision(provision::ProvisionCommand),
    /// Count the devices that a factory makes: batches of a provisioning service.
    #[cfg(feature = "service")]
    #[command(subcommand)]
    Batch(batch::BatchCommand),
    /// Check or export what a provisioning service wrote down.
    #[cfg(feature = "service")]
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// Try a provisioning service out with a simulated factory.
    #[cfg(feature = "service")]
    #[command(subcommand)]
    Factory(factory::FactoryCommand),
    /// Revoke device certificates, take devices out of service, replace the CA's key.
    #[cfg(feature = "service")]
    #[command(subcommand)]
    Ca(ca::CaCommand),
    /// Run a TPM alone, as a daemon in the foreground.
    Tpm(Tpm),
    /// Run a TPM with swtpm's command line (what the program does, too, if its name is swtpm).
    #[command(subcommand)]
    Swtpm(SwtpmCommand),
    /// Print the settings for a shell: eval "$(ironroot env)".
    Env(Env),
    /// Look at a TPM's state, back it up, give it other keys, go on after a rollback.
    #[command(subcommand)]
    State(StateCommand),
    /// Keep the counters of other machines' TPMs, against old copies of their states.
    #[command(subcommand)]
    Witness(WitnessCommand),
    /// Make connections for a daemon in its sandbox (started by `ironroot tpm`).
    #[command(hide = true)]
    Connector(ConnectorArguments),
    /// List or show the profiles that a TPM can be manufactured with.
    #[command(subcommand)]
    Profile(ProfileCommand),
    /// Keys in this or any other TPM 2.0: by name (the same name is the same key, and nothing is stored), or with files.
    #[cfg(feature = "keys")]
    #[command(subcommand)]
    Key(keys::KeyCommand),
    /// Make a certificate request for a key.
    #[cfg(feature = "keys")]
    Csr(keys::CsrArguments),
    /// Look at what makes this machine this machine, and take repairs over.
    #[command(subcommand)]
    Device(DeviceCommand),
    /// Hide a product secret in white-box tables, and attack them.
    #[command(subcommand)]
    Whitebox(WhiteboxCommand),
    /// Make certificates with keys in a TPM: self-signed, or as a local CA.
    #[cfg(feature = "keys")]
    #[command(subcommand)]
    Cert(keys::CertCommand),
    /// Sign and verify JSON Web Tokens.
    #[cfg(feature = "keys")]
    #[command(subcommand)]
    Jwt(keys::JwtCommand),
    /// Secrets by name: unique to this device, or common to the product.
    #[cfg(feature = "keys")]
    #[command(subcommand)]
    Secret(keys::SecretCommand),
    /// Encrypt to a device and a name.
    #[cfg(feature = "keys")]
    Encrypt(keys::Encrypt),
    /// Decrypt what was encrypted to this device and a name.
    #[cfg(feature = "keys")]
    Decrypt(keys::Decrypt),
    /// Seal data: this TPM alone gives it back, under conditions.
    #[cfg(feature = "keys")]
    Seal(keys::Seal),
    /// Give back sealed data.
    #[cfg(feature = "keys")]
    Unseal(keys::Unseal),
    /// Print what a signer signs (with SHA-256) to approve the values that PCRs have now, for `seal --signed-by`.
    #[cfg(feature = "keys")]
    Policy(keys::Policy),
    /// Build, verify and open signed and encrypted application packages.
    #[cfg(feature = "keys")]
    #[command(subcommand)]
    Package(package::PackageCommand),
    /// Build signed, encrypted device images, and blobs that open them on one device each.
    #[cfg(feature = "keys")]
    #[command(subcommand)]
    Image(image::ImageCommand),
    /// On a device: install images, update, confirm or roll back.
    #[cfg(feature = "keys")]
    #[command(subcommand)]
    Agent(agent::AgentCommand),
    /// Explain a TPM response code.
    Explain(Explain),
    /// Look for what is wrong with a TPM's folder and this machine.
    Doctor(Doctor),
    /// Try one thing that the sandbox forbids (for `doctor --sandbox` and tests).
    #[command(hide = true)]
    Trial(Trial),
    /// Print a completion script for a shell.
    Completions(Completions),
    /// Print the manual page.
    Man,
}

impl Command {
    /// Where its diagnostics go, if that was said.
    pub fn log(&self) -> Option<&LogPlace> {
        match self {
            Self::Tpm(arguments) => arguments.log.as_ref(),
            Self::Swtpm(SwtpmCommand::Socket(arguments)) => arguments.log.as_ref(),
            _ => None,
        }
    }
}

/// `demo`.
#[derive(Debug, Args)]
pub struct Demo {
    /// A new folder for what the demonstration leaves [default: ironroot-demo, or the next free number behind it].
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,
    /// Print the timeline as JSON.
    #[arg(long)]
    pub json: bool,
}

/// `up`.
#[derive(Debug, Args)]
pub struct Up {
    /// The folder for TPM, factory and service; made if it is not there.
    #[arg(long, value_name = "DIR", default_value = "ironroot-state")]
    pub state: PathBuf,
    /// The simulator protocol's command port; the platform port is the next one. Port 0 takes a free pair.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:2321")]
    pub mssim: SocketAddr,
    /// swtpm's data channel: an address, or unix:PATH. The control channel is at the next port, or at PATH.ctrl.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:2331")]
    pub swtpm: Endpoint,
    /// The provisioning service's address. Port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8480")]
    pub service: SocketAddr,
    /// The device value's source for a new TPM [default: this machine's best].
    #[arg(long, value_name = "SOURCE")]
    pub device_source: Option<Source>,
    /// What happens at a system call that TPM and service do not need.
    #[arg(long, value_name = "action=kill|log|none", default_value_t = Seccomp::Kill)]
    pub seccomp: Seccomp,
    /// Print one JSON object instead of text.
    #[arg(long)]
    pub json: bool,
}

/// `tpm`.
#[derive(Debug, Args)]
pub struct Tpm {
    /// The TPM's folder; a TPM is manufactured in an empty one.
    #[arg(long, value_name = "DIR")]
    pub state: PathBuf,
    /// The sealed state is on this block device, or in this file of fixed size, and not in the folder, which then holds the rest only. A new
    /// one begins with 1024 bytes of zeros. To be given at each start.
    #[arg(long, value_name = "DEVICE")]
    pub state_device: Option<PathBuf>,
    /// The file with the product secret, or with white-box tables of it (see `ironroot whitebox`); made for a new TPM [default: DIR.product-secret, beside the folder].
    #[arg(long, value_name = "FILE")]
    pub product_secret: Option<PathBuf>,
    /// The device value's source for a new TPM [default: this machine's best].
    #[arg(long, value_name = "SOURCE")]
    pub device_source: Option<Source>,
    /// How hard the device value has to be to copy: with less, no TPM is made or opened.
    #[arg(long, value_enum, value_name = "GRADE", default_value_t = DeviceGrade::Weak)]
    pub device_grade: DeviceGrade,
    /// What the state is sealed under beside the device value.
    #[command(flatten)]
    pub access: Sealed,
    /// The profile of a new TPM, by name or as a JSON file (see `ironroot profile`) [default: host]. A TPM keeps its
    /// profile for life.
    #[arg(long, value_name = "NAME|FILE")]
    pub profile: Option<String>,
    /// The simulator protocol's command port; the platform port is the next one. Port 0 takes a free pair.
    #[arg(long, value_name = "ADDRESS", required_unless_present = "swtpm")]
    pub mssim: Option<SocketAddr>,
    /// swtpm's data channel: an address, or unix:PATH. The control channel is at the next port, or at PATH.ctrl.
    #[arg(long, value_name = "ADDRESS")]
    pub swtpm: Option<Endpoint>,
    /// What happens to the TPM at the start.
    #[arg(long, value_enum, default_value_t = Start::PowerOn)]
    pub start: Start,
    /// What an acknowledged change survives.
    #[arg(long, value_enum, default_value_t = Durable::Power)]
    pub durability: Durable,
    /// Do not send TPM2_Shutdown before the end: the end is then a power failure for the TPM.
    #[arg(long)]
    pub no_auto_shutdown: bool,
    /// Where the daemon's number is written, once it can serve; a file is removed at the end.
    #[arg(long, value_name = "file=FILE|fd=NUMBER")]
    pub pid: Option<PidPlace>,
    /// Where diagnostics go, and how many: level 0 errors, 1 warnings, 2 what happens, 5 every command.
    #[arg(long, value_name = "[file=FILE|fd=NUMBER][,level=NUMBER][,prefix=TEXT][,truncate]")]
    pub log: Option<LogPlace>,
    /// Become this user (name or number) before any file is touched. Root alone can.
    #[arg(long, value_name = "USER")]
    pub runas: Option<String>,
    /// What happens at a system call that the daemon does not need: it dies (kill), the kernel's audit log says so (log), or
    /// system calls are not restricted (none).
    #[arg(long, value_name = "action=kill|log|none", default_value_t = Seccomp::Kill)]
    pub seccomp: Seccomp,
    /// Let debuggers of the same user look into the process, and at its secrets.
    #[arg(long)]
    pub debuggable: bool,
    /// Print one JSON object instead of text.
    #[arg(long)]
    pub json: bool,
}

/// How hard a device value is to copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DeviceGrade {
    /// Copied with the disk.
    Weak,
    /// Not on the disk, but readable and settable in software.
    Modest,
    /// Fused into the chip, readable by privileged programs.
    Good,
    /// Never leaves the hardware except to the secure world.
    Strong,
}

/// `device`.
#[derive(Debug, Subcommand)]
pub enum DeviceCommand {
    /// Show this machine's sources of a device value: how long they stay, how hard they are to copy, and why.
    Sources(DeviceSources),
    /// After a repair: take the values that the sources of a threshold have now over, for a TPM that still opens.
    Refresh(DeviceRefresh),
}

/// `device sources`.
#[derive(Debug, Args)]
pub struct DeviceSources {
    /// Sources to grade, combined ones too [default: those that this machine may have by itself].
    #[arg(value_name = "SOURCE")]
    pub sources: Vec<Source>,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// `device refresh`.
#[derive(Debug, Args)]
pub struct DeviceRefresh {
    /// The TPM's folder.
    #[arg(long, value_name = "DIR")]
    pub state: PathBuf,
    /// The file with the product secret, or with white-box tables of it [default: DIR.product-secret].
    #[arg(long, value_name = "FILE")]
    pub product_secret: Option<PathBuf>,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// `profile`.
#[derive(Debug, Subcommand)]
pub enum ProfileCommand {
    /// List the built-in profiles.
    List(ProfileList),
    /// Show a profile in the form of a file.
    Show(ProfileShow),
}

/// `profile list`.
#[derive(Debug, Args)]
pub struct ProfileList {
    /// Print one JSON object with everything that the profiles hold.
    #[arg(long)]
    pub json: bool,
}

/// `profile show`.
#[derive(Debug, Args)]
pub struct ProfileShow {
    /// The name of a built-in profile, or a file.
    #[arg(value_name = "NAME|FILE")]
    pub profile: String,
    /// Print JSON on one line.
    #[arg(long)]
    pub json: bool,
}

/// What happens to the TPM when the daemon starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Start {
    /// Off until a client powers it on.
    Off,
    /// On, waiting for TPM2_Startup.
    PowerOn,
    /// On, after TPM2_Startup(CLEAR).
    Clear,
    /// On, after TPM2_Startup(STATE).
    State,
}

/// What an acknowledged change survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Durable {
    /// A power cut.
    Power,
    /// The death of the process, but not a power cut.
    Process,
}

/// `env`.
#[derive(Debug, Args)]
pub struct Env {
    /// The folder of `ironroot up`.
    #[arg(long, value_name = "DIR", default_value = "ironroot-state")]
    pub state: PathBuf,
    /// Print JSON instead of exports.
    #[arg(long)]
    pub json: bool,
}

/// `explain`.
#[derive(Debug, Args)]
pub struct Explain {
    /// The code, such as 0x9a2 or 2466.
    #[arg(value_parser = number)]
    pub code: u32,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// `doctor`.
#[derive(Debug, Args)]
pub struct Doctor {
    /// The TPM's folder to look at.
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,
    /// The file with the product secret [default: DIR.product-secret].
    #[arg(long, value_name = "FILE")]
    pub product_secret: Option<PathBuf>,
    /// Try on this machine everything that the daemon's sandbox forbids.
    #[arg(long)]
    pub sandbox: bool,
    /// What the state is sealed under beside the device value.
    #[command(flatten)]
    pub access: Sealed,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// `trial`.
#[derive(Debug, Args)]
pub struct Trial {
    /// Its name.
    pub trial: trial::Trial,
    /// The folder that the sandbox leaves.
    #[arg(long)]
    pub inside: PathBuf,
    /// A folder that it does not leave, with a file `file` in it.
    #[arg(long)]
    pub outside: PathBuf,
    /// An address where somebody listens.
    #[arg(long)]
    pub listener: SocketAddr,
    /// As the provisioning service has it.
    #[arg(long)]
    pub service: bool,
    /// As the process has it that makes connections for a daemon.
    #[arg(long)]
    pub connector: bool,
    /// Without any sandbox: to see that it is the sandbox that forbids.
    #[arg(long)]
    pub bare: bool,
}

/// What a state is sealed under beside the device value, and what counts for it.
#[derive(Debug, Clone, Default, Args)]
pub struct Sealed {
    /// A key (32 bytes, raw or in hexadecimal) or a passphrase beside the device value: file=FILE, fd=NUMBER, pwdfile=FILE
    /// or pwdfd=NUMBER. A new TPM is sealed under it.
    #[arg(long, value_name = "SOURCE=WHERE")]
    pub key: Option<KeySource>,
    /// A counter against old copies of the state: in a folder on another disk, `file=DIR[,advance=commit|sessions]`, or kept by
    /// another machine, `witness=HOST:PORT[,key=FILE][,advance=commit|sessions]`, FILE being what `ironroot witness enrol` wrote.
    /// A new TPM is bound to it; one that has none is refused; one that has its counter elsewhere by now is told where.
    #[arg(long, value_name = "file=DIR|witness=HOST:PORT")]
    pub counter: Option<CounterPlace>,
    /// The name of this TPM among several of this device. Each has an identity and a key of its own.
    #[arg(long, value_name = "NAME")]
    pub instance: Option<String>,
}

/// `state`.
#[derive(Debug, Subcommand)]
pub enum StateCommand {
    /// Show what is in a state: versions, numbers, keys and sizes of records; never values.
    Inspect(StateReport),
    /// Read everything, and fail with the first thing that is wrong and its place.
    Verify(StateReport),
    /// Write an encrypted backup that opens on this device only.
    Export(Export),
    /// Make a state from a backup, in a folder that has none.
    Import(Import),
    /// Seal a state anew, under other keys or with another counter. The TPM stays the same.
    Rekey(Rekey),
    /// Go on with an old copy of a state, or without a counter that was lost. What was committed since is lost.
    AcceptRollback(AcceptRollback),
}

/// Where a state is, and what opens it.
#[derive(Debug, Args)]
pub struct StatePlace {
    /// The TPM's folder.
    #[arg(long, value_name = "DIR")]
    pub state: PathBuf,
    /// The file with the product secret [default: DIR.product-secret].
    #[arg(long, value_name = "FILE")]
    pub product_secret: Option<PathBuf>,
    /// What the state is sealed under beside the device value.
    #[command(flatten)]
    pub access: Sealed,
}

/// `state inspect`, `state verify`.
#[derive(Debug, Args)]
pub struct StateReport {
    /// The state.
    #[command(flatten)]
    pub place: StatePlace,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// `state export`.
#[derive(Debug, Args)]
pub struct Export {
    /// The state.
    #[command(flatten)]
    pub place: StatePlace,
    /// The backup; a file that is there is not overwritten.
    #[arg(long, value_name = "FILE")]
    pub output: PathBuf,
    /// The backup's key or passphrase, in the forms of --key.
    #[arg(long, value_name = "SOURCE=WHERE")]
    pub backup_key: KeySource,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// `state import`.
#[derive(Debug, Args)]
pub struct Import {
    /// The new state.
    #[command(flatten)]
    pub place: StatePlace,
    /// The backup.
    #[arg(long, value_name = "FILE")]
    pub input: PathBuf,
    /// The backup's key or passphrase, in the forms of --key.
    #[arg(long, value_name = "SOURCE=WHERE")]
    pub backup_key: KeySource,
    /// The device value's source [default: the one that the backup names].
    #[arg(long, value_name = "SOURCE")]
    pub device_source: Option<Source>,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// `state rekey`.
#[derive(Debug, Args)]
pub struct Rekey {
    /// The state, and what opens it now.
    #[command(flatten)]
    pub place: StatePlace,
    /// The new key or passphrase, in the forms of --key [default: the old one, with fresh keys made from it].
    #[arg(long, value_name = "SOURCE=WHERE", conflicts_with = "remove_key")]
    pub new_key: Option<KeySource>,
    /// Seal under the device value alone.
    #[arg(long)]
    pub remove_key: bool,
    /// Give the state a counter, or another one, in the form of --counter.
    #[arg(long, value_name = "file=DIR|witness=HOST:PORT", conflicts_with = "remove_counter")]
    pub new_counter: Option<CounterPlace>,
    /// Let the state expect no counter.
    #[arg(long)]
    pub remove_counter: bool,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// `state accept-rollback`.
#[derive(Debug, Args)]
pub struct AcceptRollback {
    /// The state.
    #[command(flatten)]
    pub place: StatePlace,
    /// Why; kept in the state's history.
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// The old counter is lost: go on with this one, in the form of --counter.
    #[arg(long, value_name = "file=DIR|witness=HOST:PORT")]
    pub new_counter: Option<CounterPlace>,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// `whitebox`.
#[derive(Debug, Subcommand)]
pub enum WhiteboxCommand {
    /// Make white-box tables from a product secret, for --product-secret or to be compiled in.
    Generate(WhiteboxGenerate),
    /// Attack white-box tables, and for comparison tables without external encodings and a key that is a plain constant.
    Assess(WhiteboxAssess),
    /// Hold a key in memory to be searched for (for `assess`).
    #[command(hide = true)]
    Hold(WhiteboxHold),
}

/// `whitebox assess`.
#[derive(Debug, Args)]
pub struct WhiteboxAssess {
    /// The file of tables, in the form `data`.
    #[arg(value_name = "FILE")]
    pub tables: PathBuf,
    /// How many traces are recorded for differential computation analysis.
    #[arg(long, value_name = "NUMBER", default_value_t = 4096, value_parser = clap::value_parser!(u16).range(16..=32_000))]
    pub traces: u16,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// `whitebox hold`.
#[derive(Debug, Args)]
pub struct WhiteboxHold {
    /// The tables; without them, standard input begins with a key of 16 bytes.
    #[arg(long)]
    pub tables: Option<PathBuf>,
}

/// `whitebox generate`.
#[derive(Debug, Args)]
pub struct WhiteboxGenerate {
    /// The file with the product secret, 32 bytes; - is standard input. Keep it away from devices.
    #[arg(long, value_name = "FILE")]
    pub product_secret: PathBuf,
    /// What is written; a file that is there is not overwritten.
    #[arg(long, value_name = "FILE")]
    pub output: PathBuf,
    /// In which form.
    #[arg(long, value_enum, default_value_t = TableFormat::Data)]
    pub format: TableFormat,
    /// What stands between the caller and the cipher. No device can be made with tables that have none.
    #[arg(long, value_enum, default_value_t = ExternalEncodings::Affine)]
    pub external: ExternalEncodings,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// In which form tables are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TableFormat {
    /// A file to be read by the daemon.
    Data,
    /// A Rust module with the bytes, for the crate ironroot-whitebox.
    Rust,
    /// A C file with the bytes and the functions that evaluate them.
    C,
}

/// What stands between the caller and the cipher in the tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExternalEncodings {
    /// Two secret affine maps of 128 bits.
    Affine,
    /// Nothing: plain AES-128, for comparison.
    None,
}

/// `completions`.
#[derive(Debug, Args)]
pub struct Completions {
    /// The shell.
    pub shell: clap_complete::Shell,
}

/// A TCP address or the path of a UNIX socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// TCP.
    Tcp(SocketAddr),
    /// A UNIX socket.
    Unix(PathBuf),
}

impl FromStr for Endpoint {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.strip_prefix("unix:") {
            Some("") => Err("a path is missing behind unix:".into()),
            Some(path) => Ok(Self::Unix(path.into())),
            None => text
                .parse()
                .map(Self::Tcp)
                .map_err(|_| "expected an address such as 127.0.0.1:2321, or unix:PATH".into()),
        }
    }
}

fn number(text: &str) -> Result<u32, String> {
    let parsed = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => u32::from_str_radix(digits, 16),
        None => text.parse(),
    };
    parsed.map_err(|_| format!("{text} is not a number: write 0x9a2 or 2466"))
}
