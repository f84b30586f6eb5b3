//! Why a daemon cannot start, in words that say what to do.

use std::io;
use std::path::PathBuf;

use crate::engine::EngineError;
use crate::sandbox::SandboxError;

/// Why a daemon did not start, or did not stop in order.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    /// No door was asked for.
    #[error("no address to listen on was given; ask for at least one of mssim, swtpm or a UNIX socket")]
    NoDoor,
    /// A TCP address could not be taken.
    #[error("cannot listen on {address} ({door}): {source}; {}", advice(.source, .address))]
    Listen {
        /// Which door: "simulator command port" and the like.
        door: &'static str,
        /// The address, host and port.
        address: String,
        /// What the operating system said.
        source: io::Error,
    },
    /// Two neighbouring free ports were not found for a door that needs them.
    #[error("found no two neighbouring free TCP ports on {host} for the {door}; give a port instead of 0")]
    NoPortPair {
        /// Which door.
        door: &'static str,
        /// The host address.
        host: String,
    },
    /// The port next to the given one does not exist.
    #[error(
        "port 65535 cannot be used for the {door}: its second channel is expected at the next port; take a lower one"
    )]
    NoNextPort {
        /// Which door.
        door: &'static str,
    },
    /// Another process answers on the UNIX socket.
    #[error("cannot listen on {} ({door}): another program answers there; stop it or choose another path", .path.display())]
    SocketInUse {
        /// Which door.
        door: &'static str,
        /// The socket's path.
        path: PathBuf,
    },
    /// A file that is not a socket is in the way.
    #[error("cannot listen on {} ({door}): a file that is not a socket is there, and it was left alone; move it or choose another path", .path.display())]
    NotASocket {
        /// Which door.
        door: &'static str,
        /// The path.
        path: PathBuf,
    },
    /// A UNIX socket could not be made.
    #[error("cannot listen on {} ({door}): {source}; check that its folder exists and is writable, and that the path is shorter than 108 bytes", .path.display())]
    Socket {
        /// Which door.
        door: &'static str,
        /// The path.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A thread or another resource of the process could not be had.
    #[error("cannot start the daemon: {0}")]
    Resources(#[source] io::Error),
    /// The process cannot be restricted.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    /// The TPM did not power on.
    #[error("the TPM does not start: {0}")]
    PowerOn(#[source] EngineError),
    /// The TPM refused `TPM2_Startup`.
    #[error("the TPM refused TPM2_Startup with response code {0:#x}")]
    Startup(u32),
}

impl DaemonError {
    /// Whether it is only that somebody else has the address.
    pub(crate) fn is_in_use(&self) -> bool {
        matches!(self, Self::Listen { source, .. } if source.kind() == io::ErrorKind::AddrInUse)
    }
}

/// What a person can do about an address that cannot be taken.
fn advice(error: &io::Error, address: &str) -> String {
    let port = address.rsplit(':').next().unwrap_or(address);
    match error.kind() {
        io::ErrorKind::AddrInUse => format!(
            "another program listens there (`ss -ltnp 'sport = :{port}'` shows which): stop it, or choose another port, or 0 for any"
        ),
        io::ErrorKind::PermissionDenied => format!("port {port} needs privileges: choose one above 1023"),
        io::ErrorKind::AddrNotAvailable => "this machine has no such address: try 127.0.0.1".to_owned(),
        _ => "check the address".to_owned(),
    }
}
