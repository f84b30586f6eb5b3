//! `TPM2_PolicyCounterTimer` (Part 3, 23.10).

use ironroot_wire::{Command, PolicyCounterTimer, PolicyCounterTimerResponse, TpmEo, TpmRc, Wire};

use crate::{
    commands::Action,
    core_state::Core,
    rules::{policy_authorization, policy_digest, policy_operand},
};

const MILLISECONDS: u64 = 1000;

impl Action for PolicyCounterTimer {
    fn run(self, tpm: &mut Core) -> Result<PolicyCounterTimerResponse, TpmRc> {
        let info = tpm.clock.info(tpm.nv.permanent()).to_bytes();
        // A trial is held to the bounds, too: outside them no policy makes sense.
        let rest = info.get(usize::from(self.offset)..).ok_or(TpmRc::VALUE.parameter(2))?;
        let operand_a = rest.get(..self.operand_b.len()).ok_or(TpmRc::RANGE)?;
        let session = policy_digest::session(tpm, self.policy_session)?;
        let trial = policy_digest::is_trial(session);
        let limit =
            lifetime(&self).map(|seconds| session.start_time.saturating_add(seconds.saturating_mul(MILLISECONDS)));
        if !trial {
            match limit {
                Some(limit) if limit < tpm.clock.time() || session.epoch != tpm.clock.epoch => {
                    return Err(TpmRc::EXPIRED);
                }
                None if !policy_operand::holds(self.operation, operand_a, &self.operand_b) => {
                    return Err(TpmRc::POLICY);
                }
                _ => {}
            }
        }
        let session = policy_digest::session_mut(tpm, self.policy_session)?;
        let arguments = policy_operand::arguments(session.auth_hash, &self.operand_b, self.offset, self.operation);
        policy_digest::extend(session, Self::INFO.code, &[&arguments])?;
        if let Some(limit) = limit {
            policy_authorization::limit(session, limit);
        }
        Ok(PolicyCounterTimerResponse {})
    }
}

/// The special case of version 1.83: "Time is less than operandB" with all of Time says for how many seconds the session
/// authorizes after its nonce was made.
fn lifetime(command: &PolicyCounterTimer) -> Option<u64> {
    let seconds: [u8; 8] = command.operand_b.as_slice().try_into().ok()?;
    (command.offset == 0 && command.operation == TpmEo::UnsignedLt).then(|| u64::from_be_bytes(seconds))
}
