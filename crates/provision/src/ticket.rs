//! Tickets: the proof, without state, that a TPM answered the challenge that was made for these very parameters.
//!
//! A ticket is HMAC-SHA-256 under a key that only the service has, over the canonical form of the parameters and the
//! time of issue. It travels to the device inside the credential, so only the TPM that was challenged learns it, and
//! only with the identity key loaded. It says nothing to anybody else, needs no memory of the service, works on every
//! node that has the key, and ends with its lifetime.

use std::time::Duration;

use ironroot_crypto::Hmac;
use ironroot_wire::TpmiAlgHash;
use zeroize::Zeroizing;

/// Bytes of a ticket: what fits into a credential for any endorsement key of at least SHA-256.
pub const TICKET_SIZE: usize = 32;

/// How far a ticket's time of issue may lie ahead: clocks of several nodes differ.
const CLOCK_SKEW: Duration = Duration::from_secs(60);

/// What a ticket is for, in canonical form: every field behind its length, so that no two lists of fields look alike.
#[derive(Debug, Clone, Default)]
pub struct TicketParameters(Vec<u8>);

impl TicketParameters {
    /// Starts with what the ticket is for.
    #[must_use]
    pub fn new(purpose: &str) -> Self {
        Self::default().with(purpose.as_bytes())
    }

    /// With one more field.
    #[must_use]
    pub fn with(mut self, field: &[u8]) -> Self {
        self.0.extend_from_slice(&(field.len() as u64).to_be_bytes());
        self.0.extend_from_slice(field);
        self
    }
}

/// The service's key for tickets.
pub struct TicketKey(Zeroizing<Vec<u8>>);

/// Why a ticket was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TicketError {
    /// It is not the ticket of these parameters and this time.
    #[error("the ticket is not for these parameters and this time of issue")]
    Wrong,
    /// It is genuine, but too old.
    #[error("the ticket has expired")]
    Expired,
}

impl TicketKey {
    /// A key from at least 32 secret bytes.
    #[must_use]
    pub fn new(bytes: Zeroizing<Vec<u8>>) -> Self {
        Self(bytes)
    }

    /// The ticket for these parameters at this time (seconds of the UNIX epoch).
    #[must_use]
    pub fn issue(&self, parameters: &TicketParameters, issued_at: u64) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(self.hmac(parameters, issued_at).finish().to_vec())
    }

    /// Checks a ticket, in constant time. Its age is looked at only when it is genuine, so a forger learns nothing.
    ///
    /// # Errors
    /// [`TicketError`].
    pub fn check(
        &self,
        parameters: &TicketParameters,
        issued_at: u64,
        ticket: &[u8],
        now: u64,
        lifetime: Duration,
    ) -> Result<(), TicketError> {
        self.hmac(parameters, issued_at).verify(ticket).map_err(|_| TicketError::Wrong)?;
        let too_early = issued_at > now.saturating_add(CLOCK_SKEW.as_secs());
        let too_late = now.saturating_sub(issued_at) > lifetime.as_secs();
        if too_early || too_late { Err(TicketError::Expired) } else { Ok(()) }
    }

    fn hmac(&self, parameters: &TicketParameters, issued_at: u64) -> Hmac {
        let mut hmac = Hmac::new(TpmiAlgHash::Sha256, &self.0);
        hmac.update(&issued_at.to_be_bytes());
        hmac.update(&parameters.0);
        hmac
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIFETIME: Duration = Duration::from_secs(300);

    fn key(byte: u8) -> TicketKey {
        TicketKey::new(Zeroizing::new(vec![byte; 32]))
    }

    #[test]
    fn a_ticket_holds_for_its_parameters_and_lifetime_only() {
        let parameters = TicketParameters::new("test").with(b"ab").with(b"c");
        let ticket = key(1).issue(&parameters, 1000);
        assert_eq!(ticket.len(), TICKET_SIZE);
        let check = |key: TicketKey, parameters: &TicketParameters, at, ticket: &[u8], now| {
            key.check(parameters, at, ticket, now, LIFETIME)
        };
        assert_eq!(check(key(1), &parameters, 1000, &ticket, 1000), Ok(()));
        assert_eq!(check(key(1), &parameters, 1000, &ticket, 1300), Ok(()));
        assert_eq!(check(key(1), &parameters, 1000, &ticket, 1301), Err(TicketError::Expired));
        assert_eq!(check(key(1), &parameters, 1000, &ticket, 900), Err(TicketError::Expired));
        assert_eq!(check(key(2), &parameters, 1000, &ticket, 1000), Err(TicketError::Wrong));
        assert_eq!(check(key(1), &parameters, 1001, &ticket, 1000), Err(TicketError::Wrong));
        assert_eq!(check(key(1), &parameters, 1000, &ticket[..31], 1000), Err(TicketError::Wrong));
        assert_eq!(check(key(1), &parameters, 1000, &[], 1000), Err(TicketError::Wrong));
        let shifted = TicketParameters::new("test").with(b"a").with(b"bc");
        assert_eq!(check(key(1), &shifted, 1000, &ticket, 1000), Err(TicketError::Wrong));
        for bit in 0..ticket.len() * 8 {
            let mut forged = ticket.to_vec();
            forged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(check(key(1), &parameters, 1000, &forged, 1000), Err(TicketError::Wrong));
        }
    }
}
