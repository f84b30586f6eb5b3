//! Attestation (Part 3, clause 18).

use ironroot_wire::{
    Certify, CertifyCreation, CertifyX509, GetCommandAuditDigest, GetSessionAuditDigest, GetTime, Quote,
};

use super::{Entry, entry};

mod certify;
mod certify_creation;
mod certify_x509;
mod get_command_audit_digest;
mod get_session_audit_digest;
mod get_time;
mod quote;

/// The commands of this chapter.
pub const ACTIONS: &[Entry] = &[
    entry::<Certify>(),
    entry::<CertifyCreation>(),
    entry::<Quote>(),
    entry::<GetSessionAuditDigest>(),
    entry::<GetCommandAuditDigest>(),
    entry::<GetTime>(),
    entry::<CertifyX509>(),
];
