//! `TPM2_PolicyCapability` (Part 3, 23.23).

use alloc::vec::Vec;

use ironroot_crypto::hash;
use ironroot_wire::{Command, GetCapability, PolicyCapability, PolicyCapabilityResponse, TpmCap, TpmEo, TpmRc, Wire};

use crate::{
    commands::Action,
    core_state::Core,
    rules::{policy_digest, policy_operand},
};

/// Bytes of `TPMS_CAPABILITY_DATA` before the first entry: the capability and the count.
const LIST_HEADER: usize = 8;

impl Action for PolicyCapability {
    fn run(self, tpm: &mut Core) -> Result<PolicyCapabilityResponse, TpmRc> {
        // The allocation of PCR has no properties.
        if self.capability == TpmCap::Pcrs {
            return Err(TpmRc::VALUE.parameter(4));
        }
        if !policy_digest::is_trial(policy_digest::session(tpm, self.policy_session)?) {
            check(&self, tpm)?;
        }
        let session = policy_digest::session_mut(tpm, self.policy_session)?;
        let arguments = hash::digest(
            session.auth_hash,
            &[
                &self.operand_b,
                &self.offset.to_bytes(),
                &self.operation.to_bytes(),
                &self.capability.to_bytes(),
                &self.property.to_bytes(),
            ],
        );
        policy_digest::extend(session, Self::INFO.code, &[&arguments])?;
        Ok(PolicyCapabilityResponse {})
    }
}

fn check(command: &PolicyCapability, tpm: &mut Core) -> Result<(), TpmRc> {
    let holds = match property(tpm, command.capability, command.property) {
        Some(data) => {
            let rest = data.get(usize::from(command.offset)..).ok_or(TpmRc::VALUE.parameter(2))?;
            let operand_a = rest.get(..command.operand_b.len()).ok_or(TpmRc::SIZE.parameter(1))?;
            policy_operand::holds(command.operation, operand_a, &command.operand_b)
        }
        // What does not exist is not equal to anything.
        None => command.operation == TpmEo::Neq,
    };
    if holds { Ok(()) } else { Err(TpmRc::POLICY) }
}

/// The structure of one property, as `TPM2_GetCapability` gives it; `None` if it does not exist.
fn property(tpm: &mut Core, capability: TpmCap, property: u32) -> Option<Vec<u8>> {
    let answer = GetCapability { capability, property, property_count: 1 }.run(tpm).ok()?;
    let data = answer.capability_data.to_bytes();
    let entry = data.get(LIST_HEADER..)?;
    let found = match capability {
        TpmCap::Algs | TpmCap::EccCurves => u32::from(u16::from_be_bytes(*entry.first_chunk()?)),
        // The other bits of TPMA_CC are attributes.
        TpmCap::Commands => u32::from_be_bytes(*entry.first_chunk()?) & 0x2000_FFFF,
        _ => u32::from_be_bytes(*entry.first_chunk()?),
    };
    (found == property).then(|| entry.to_vec())
}
