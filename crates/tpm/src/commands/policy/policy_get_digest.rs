//! `TPM2_PolicyGetDigest` (Part 3, 23.19).

use ironroot_wire::{PolicyGetDigest, PolicyGetDigestResponse, TpmRc};

use crate::{commands::Action, core_state::Core, rules::policy_digest};

impl Action for PolicyGetDigest {
    fn run(self, tpm: &mut Core) -> Result<PolicyGetDigestResponse, TpmRc> {
        let session = policy_digest::session(tpm, self.policy_session)?;
        Ok(PolicyGetDigestResponse { policy_digest: session.policy.digest.clone() })
    }
}
