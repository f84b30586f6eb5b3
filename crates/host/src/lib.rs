//! The TPM as a daemon: one in-process TPM behind the sockets that other people's software already speaks to.
//!
//! Two families of doors open onto the same [`Engine`]:
//! - the **Microsoft simulator protocol** (a command port and a platform port), which `tpm2-tss` calls `mssim:` and
//!   IBM's TSS uses by default;
//! - **swtpm's** data channel (raw TPM commands) and control channel (power, locality, H-CRTM, state), which
//!   `tpm2-tss` calls `swtpm:` and which QEMU and libvirt drive.
//!
//! Any number of doors may be open at once, on TCP and on UNIX sockets. Each connection has a thread of its own that
//! blocks in `read`; commands of different connections take turns at the TPM, one whole command at a time. A client
//! that idles, stops in mid-command or disappears holds up nobody.
//!
//! ```no_run
//! # fn engine() -> Box<dyn ironroot_host::Engine> { unimplemented!() }
//! use ironroot_host::{AtStart, Daemon};
//!
//! let daemon = Daemon::builder(engine())
//!     .mssim("127.0.0.1:2321".parse()?)
//!     .swtpm("127.0.0.1:0".parse()?)
//!     .swtpm_unix("/run/user/1000/ironroot.sock")
//!     .at_start(AtStart::StartupClear)
//!     .start()?;
//! for line in daemon.tcti_lines() {
//!     println!("export TPM2TOOLS_TCTI={line}");
//! }
//! daemon.wait()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! What this crate must never do: hold the TPM while it waits for a socket, keep more of a client's bytes than one
//! command, or say that it can do what its engine cannot.
#![forbid(unsafe_code)]
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

mod daemon;
mod door;
mod engine;
mod error;
mod machine;
pub mod protocol;
pub mod sandbox;
mod signal;

pub use daemon::{Address, AtStart, Builder, Daemon, Local, Stopper};
pub use engine::{BufferSizes, Engine, EngineError, Features};
pub use error::DaemonError;
