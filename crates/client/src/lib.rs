//! A pure-Rust client of any TPM 2.0: transports that the TSS's TCTI strings name, typed commands, and sessions that
//! authorize, encrypt and audit.
//!
//! ```no_run
//! use ironroot_client::{Tcti, Tpm, templates};
//! use ironroot_client::wire::TpmHandle;
//!
//! let mut tpm = Tpm::connect(&Tcti::parse("swtpm:host=127.0.0.1,port=2321")?)?;
//! let primary = tpm.create_primary(TpmHandle::OWNER, &templates::srk_p256(), b"")?;
//! println!("{:?}", tpm.get_random(8)?);
//! tpm.flush(primary.handle)?;
//! # Ok::<(), ironroot_client::ClientError>(())
//! ```
//!
//! Reading order: [`tcti`] (which TPM), [`transport`] (bytes there and back), [`Tpm`] (`run` and `run_with`: any command
//! of the table), `execute` (the life of one command), [`Session`] and [`SessionOptions`], then the helpers that most programs
//! need, one file a subject under `helpers/`.
#![forbid(unsafe_code)]

pub mod tcti;
pub mod templates;
#[cfg(feature = "testing")]
pub mod testing;
pub mod transport;

mod auth;
mod effects;
mod error;
mod execute;
mod helpers;
mod names;
mod random;
mod session;
mod shared_secret;
mod start;
mod tpm;

pub use ironroot_wire as wire;

pub use auth::Auth;
pub use error::ClientError;
pub use helpers::{Created, Loaded, PcrValue, Quoted, pcr_selection};
pub use names::{nv_name, object_name};
pub use session::{ParameterCipher, Session};
pub use shared_secret::{SecretUse, share_secret};
pub use start::SessionOptions;
pub use tcti::{Endpoint, Tcti, Timeouts};
pub use tpm::Tpm;
pub use transport::{InProcess, Transport};
