//! swtpm's command line: `swtpm socket …`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use ironroot_anchor::machine::Source;
use ironroot_host::sandbox::Seccomp;

use crate::{
    counter::CounterPlace,
    log::LogPlace,
    pid::PidPlace,
    second_key::KeySource,
    swtpm_options::{Channel, Flags, Locality, StatePath},
};

/// `swtpm`.
#[derive(Debug, Subcommand)]
pub enum SwtpmCommand {
    /// Run a TPM behind sockets.
    Socket(Box<SwtpmSocket>),
}

/// `swtpm socket`. What swtpm has and this program has not is taken and refused with a reason.
#[derive(Debug, Args)]
pub struct SwtpmSocket {
    /// A TPM 2.0. There is no other here, and swtpm's default is another.
    #[arg(long)]
    pub tpm2: bool,
    /// The TPM's folder; a TPM is manufactured in an empty one [default: the environment's TPM_PATH].
    #[arg(long, value_name = "dir=DIR|backend-uri=dir://DIR")]
    pub tpmstate: Option<StatePath>,
    /// The data channel.
    #[arg(long, value_name = "type=tcp,port=PORT[,bindaddr=ADDRESS][,disconnect]|type=unixio,path=PATH[,mode=0…]")]
    pub server: Option<Channel>,
    /// The control channel.
    #[arg(long, value_name = "type=unixio,path=PATH[,mode=0…]|type=tcp,port=PORT[,bindaddr=ADDRESS][,terminate]")]
    pub ctrl: Option<Channel>,
    /// The data channel's port, on 127.0.0.1 [default: the environment's TPM_PORT, if there is no channel at all].
    #[arg(short, long, conflicts_with = "server")]
    pub port: Option<u16>,
    /// End when the data channel's client hangs up.
    #[arg(short, long)]
    pub terminate: bool,
    /// What happens at the start and at the end: not-need-init, startup-clear, startup-state, startup-none,
    /// disable-auto-shutdown.
    #[arg(long, default_value = "")]
    pub flags: Flags,
    /// Refuse locality 4.
    #[arg(long, value_name = "reject-locality-4")]
    pub locality: Option<Locality>,
    /// What the state is sealed under beside the device value.
    #[arg(long, value_name = "file=FILE|fd=NUMBER|pwdfile=FILE|pwdfd=NUMBER")]
    pub key: Option<KeySource>,
    /// Where the process's number is written.
    #[arg(long, value_name = "file=FILE|fd=NUMBER")]
    pub pid: Option<PidPlace>,
    /// Where diagnostics go, and how many: level 0 errors, 1 warnings, 2 what happens, 5 every command.
    #[arg(long, value_name = "[file=FILE|fd=NUMBER][,level=NUMBER][,prefix=TEXT][,truncate]")]
    pub log: Option<LogPlace>,
    /// Go into the background when the TPM can be used.
    #[arg(short, long)]
    pub daemon: bool,
    /// Become this user before any file is touched.
    #[arg(short, long, value_name = "USER")]
    pub runas: Option<String>,
    /// What happens at a system call that the daemon does not need.
    #[arg(long, value_name = "action=kill|log|none", default_value_t = Seccomp::Kill)]
    pub seccomp: Seccomp,
    /// Say what there is of swtpm.
    #[arg(long)]
    pub print_capabilities: bool,
    /// The file with the product secret; made for a new TPM [default: DIR.product-secret, beside the folder].
    #[arg(long, value_name = "FILE")]
    pub product_secret: Option<PathBuf>,
    /// The device value's source for a new TPM [default: this machine's best].
    #[arg(long, value_name = "SOURCE")]
    pub device_source: Option<Source>,
    /// A counter against old copies of the state.
    #[arg(long, value_name = "file=DIR|witness=HOST:PORT")]
    pub counter: Option<CounterPlace>,
    /// The profile of a new TPM.
    #[arg(long, value_name = "NAME|FILE")]
    pub profile: Option<String>,
    /// Not here: a connected descriptor.
    #[arg(short, long, hide = true)]
    pub fd: Option<String>,
    /// Not here.
    #[arg(long, hide = true)]
    pub migration_key: Option<String>,
    /// Not here.
    #[arg(long, hide = true)]
    pub migration: Option<String>,
    /// Not here.
    #[arg(long, hide = true)]
    pub print_states: bool,
}
