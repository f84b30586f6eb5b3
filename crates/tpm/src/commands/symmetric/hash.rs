//! `TPM2_Hash` (Part 3, 15.4).

use ironroot_crypto::hash;
use ironroot_wire::{Hash, HashResponse, Tpm2bDigest, TpmRc};

use crate::{
    commands::Action,
    core_state::Core,
    rules::{hashcheck, tickets},
    state::hierarchy::Hierarchy,
};

impl Action for Hash {
    fn run(self, tpm: &mut Core) -> Result<HashResponse, TpmRc> {
        let digest = hash::digest(self.hash_alg, &[&self.data]);
        let validation = if hashcheck::looks_generated(&self.data) {
            tickets::null_hashcheck()
        } else {
            hashcheck::ticket(tpm, Hierarchy::from(self.hierarchy), self.hash_alg, &digest)?
        };
        Ok(HashResponse { out_hash: Tpm2bDigest::from_slice(&digest)?, validation })
    }
}
