//! `TPM2_PolicySecret` (Part 3, 23.4). The pipeline has checked the secret, also for a trial session.

use ironroot_wire::{Command, HandleKind, PolicySecret, PolicySecretResponse, TpmHandle, TpmNt, TpmRc, TpmSt};

use crate::{
    commands::Action,
    core_state::Core,
    rules::{
        policy_authorization::{self as authorization, Granted, Timeout},
        policy_digest,
    },
    state::sessions::Session,
};

impl Action for PolicySecret {
    fn run(self, tpm: &mut Core) -> Result<PolicySecretResponse, TpmRc> {
        let entity = TpmHandle::from(self.auth_handle);
        let name = tpm.entity_name(entity)?;
        let session = policy_digest::session(tpm, self.policy_session)?;
        let trial = policy_digest::is_trial(session);
        let timeout = if trial { Timeout::NEVER } else { check(&self, tpm, session)? };
        let granted = Granted {
            code: Self::INFO.code,
            auth_name: &name,
            policy_ref: &self.policy_ref,
            cp_hash: &self.cp_hash_a,
            timeout,
        };
        granted.apply(policy_digest::session_mut(tpm, self.policy_session)?)?;
        // A ticket would let a PIN be used more often than its index allows.
        let (timeout, policy_ticket) = if self.expiration < 0 && !trial && !is_pin_pass(tpm, entity) {
            granted.ticket(tpm, TpmSt::AuthSecret, authorization::hierarchy_of(tpm, entity)?)?
        } else {
            authorization::no_ticket(TpmSt::AuthSecret)
        };
        Ok(PolicySecretResponse { timeout, policy_ticket })
    }
}

fn check(command: &PolicySecret, tpm: &Core, session: &Session) -> Result<Timeout, TpmRc> {
    let timeout = Timeout::new(session, command.expiration, &command.nonce_tpm);
    authorization::check_nonce(session, &command.nonce_tpm).map_err(|rc| rc.parameter(1))?;
    timeout.check(tpm, session).map_err(|rc| rc.parameter(4))?;
    authorization::check_cp_hash(session, &command.cp_hash_a).map_err(|rc| rc.parameter(2))?;
    Ok(timeout)
}

fn is_pin_pass(tpm: &Core, entity: TpmHandle) -> bool {
    entity.kind() == HandleKind::NvIndex
        && tpm.nv_index(entity).is_ok_and(|index| index.public.attributes.nt() == Ok(TpmNt::PinPass))
}
