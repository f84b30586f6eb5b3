//! `TPM2_PolicyTicket` (Part 3, 23.5).

use ironroot_wire::{Command, PolicySecret, PolicySigned, PolicyTicket, PolicyTicketResponse, TpmRc, TpmSt};

use crate::{
    commands::Action,
    core_state::Core,
    rules::{
        policy_authorization::{self as authorization, Granted, Timeout},
        policy_digest, tickets,
    },
};

impl Action for PolicyTicket {
    fn run(self, tpm: &mut Core) -> Result<PolicyTicketResponse, TpmRc> {
        let session = policy_digest::session(tpm, self.policy_session)?;
        // A trial checks nothing, so it has no use for a ticket: the command that the ticket stands for does the same.
        if policy_digest::is_trial(session) {
            return Err(TpmRc::ATTRIBUTES.handle(1));
        }
        let timeout = Timeout::from_wire(&self.timeout).map_err(|rc| rc.parameter(1))?;
        timeout.check(tpm, session).map_err(|rc| rc.parameter(1))?;
        authorization::check_cp_hash(session, &self.cp_hash_a).map_err(|rc| rc.parameter(2))?;
        let granted = Granted {
            code: match self.ticket.tag {
                TpmSt::AuthSigned => PolicySigned::INFO.code,
                _ => PolicySecret::INFO.code,
            },
            auth_name: &self.auth_name,
            policy_ref: &self.policy_ref,
            cp_hash: &self.cp_hash_a,
            timeout,
        };
        let authorized = granted.authorization(self.ticket.tag);
        tickets::check_auth(tpm, self.ticket.hierarchy, &self.ticket.digest, &authorized)
            .map_err(|rc| rc.parameter(5))?;
        granted.apply(policy_digest::session_mut(tpm, self.policy_session)?)?;
        Ok(PolicyTicketResponse {})
    }
}
