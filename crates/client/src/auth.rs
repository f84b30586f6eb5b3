//! How a command's handles are authorized, and what a client remembers about the entities behind them: their auth values
//! and their names.

use std::collections::BTreeMap;

use ironroot_wire::{HandleKind, TpmHandle};
use zeroize::Zeroizing;

use crate::Session;

/// One entry of a command's authorization area (Part 1, clause 16). The first entries authorize the handles that need it, in
/// order; those behind them serve encryption and audit only.
pub enum Auth<'a> {
    /// A password session with the auth value that [`crate::Tpm::set_auth`] made known; an empty one if none was.
    Known,
    /// A password session with this auth value.
    Password(&'a [u8]),
    /// An HMAC or policy session.
    Session(&'a mut Session),
}

/// What is remembered about entities, by handle.
#[derive(Default)]
pub(crate) struct Known {
    names: BTreeMap<u32, Vec<u8>>,
    auths: BTreeMap<u32, Zeroizing<Vec<u8>>>,
}

impl Known {
    /// The name that is known without asking the TPM: the handle itself for everything but objects and NV indices.
    pub(crate) fn name(&self, handle: u32) -> Option<Vec<u8>> {
        match TpmHandle(handle).kind() {
            HandleKind::Transient | HandleKind::Persistent | HandleKind::NvIndex => self.names.get(&handle).cloned(),
            _ => Some(handle.to_be_bytes().to_vec()),
        }
    }

    pub(crate) fn set_name(&mut self, handle: u32, name: &[u8]) {
        self.names.insert(handle, name.to_vec());
    }

    pub(crate) fn forget_name(&mut self, handle: u32) {
        self.names.remove(&handle);
    }

    pub(crate) fn auth(&self, handle: u32) -> Zeroizing<Vec<u8>> {
        self.auths.get(&handle).cloned().unwrap_or_default()
    }

    /// Trailing zeros do not count in an auth value (Part 1, 16.6.4).
    pub(crate) fn set_auth(&mut self, handle: u32, auth: &[u8]) {
        let auth = without_trailing_zeros(auth);
        if auth.is_empty() {
            self.auths.remove(&handle);
        } else {
            self.auths.insert(handle, Zeroizing::new(auth.to_vec()));
        }
    }

    /// Forgets one entity: its handle may soon mean another.
    pub(crate) fn forget(&mut self, handle: u32) {
        self.names.remove(&handle);
        self.auths.remove(&handle);
    }

    /// Forgets the names of all entities of a kind.
    pub(crate) fn forget_names(&mut self, kind: HandleKind) {
        self.names.retain(|handle, _| TpmHandle(*handle).kind() != kind);
    }

    /// Forgets the entities for which `gone` holds.
    pub(crate) fn forget_where(&mut self, gone: impl Fn(HandleKind) -> bool) {
        self.names.retain(|handle, _| !gone(TpmHandle(*handle).kind()));
        self.auths.retain(|handle, _| !gone(TpmHandle(*handle).kind()));
    }
}

pub(crate) fn without_trailing_zeros(auth: &[u8]) -> &[u8] {
    let end = auth.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    auth.get(..end).unwrap_or_default()
}
