//! What an application wants of a TPM, in the words of the bindings to C, Python and Lua: text, bytes, numbers, and errors of a few
//! kinds. There is no logic of keys here (that is `ironroot-keys`) and none in the bindings.
//!
//! ```no_run
//! use ironroot_application::{Application, JwtOptions, Settings};
//!
//! let tpm = Application::connect(&Settings::default())?;
//! let key = tpm.create_key("cloud", None)?;
//! println!("{}", key.jwt_sign(r#"{"sub":"dev1"}"#, &JwtOptions::default())?);
//! # Ok::<(), ironroot_application::Error>(())
//! ```
//!
//! Reading order: [`Error`] (what may go wrong), [`Application`] (a TPM, and what it does by names), [`Key`], [`jwt_verify`], and
//! `startup` (a TPM in this process, from a product secret and a device value).
#![forbid(unsafe_code)]

mod application;
mod error;
mod key;
pub mod private_file;
#[cfg(feature = "in-process")]
mod script;
#[cfg(feature = "in-process")]
pub mod startup;
#[cfg(feature = "tls")]
mod tls;
mod token;

pub use application::{Application, SealOptions, Settings, UnsealOptions, encrypt, key_kinds};
pub use error::{Error, ErrorKind};
pub use ironroot_keys::Jws;
pub use key::{Certificate, Certification, Key, Request, SignOptions};
#[cfg(feature = "in-process")]
pub use script::{DeviceIs, ProductIs, start};
#[cfg(feature = "tls")]
pub use tls::{TlsConnection, TlsContext};
pub use token::{JwtOptions, JwtRules, jwt_verify};

/// What this crate's calls return.
pub type Result<T = ()> = std::result::Result<T, Error>;
