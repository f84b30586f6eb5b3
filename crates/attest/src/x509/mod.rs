//! X.509 as evidence needs it: certificates kept with their exact bytes, signatures checked over those bytes, and paths
//! to trusted roots (RFC 5280, clause 6, for the extensions that endorsement hierarchies use).

pub mod certificate;
pub mod chain;
pub mod csr;
pub mod issuance;
pub mod key;
pub mod oids;
pub mod signature;

pub use certificate::{EvidenceCertificate, MalformedError};
pub use chain::{ChainError, TrustStore};
pub use csr::{CertificationRequest, CsrError};
pub use key::{KeyError, PublicKey};
pub use signature::{SignatureError, verify_signature};
