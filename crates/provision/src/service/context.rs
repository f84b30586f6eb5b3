//! What every route needs, and what they share: the log of refusals.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use axum::extract::State;
use ironroot_crypto::Provider;
use zeroize::Zeroizing;

use super::{Clock, metrics::Metrics};
use crate::{
    authority::{Authorities, AuthorityError, OcspResponder},
    refusal::Refusal,
    revocation::{key_may_be_certified_again, reason_word},
    store::{Event, EventKind, Store, Write},
    ticket::TicketKey,
    validation::Validator,
};

/// What a handler takes.
pub(super) type Shared = State<Arc<Context>>;

/// What every route needs. Nothing here changes between requests but the database and counters.
pub(super) struct Context {
    pub validator: Validator,
    pub provider: Arc<dyn Provider>,
    pub tickets: TicketKey,
    pub serials: Zeroizing<Vec<u8>>,
    pub authorities: Arc<Authorities>,
    /// Who answers for each CA key, by its identifier.
    pub responders: BTreeMap<String, OcspResponder>,
    pub crl_lifetime: Duration,
    pub store: Store,
    pub lifetime: Duration,
    pub batch_required: bool,
    pub clock: Clock,
    pub refusals: RefusalLog,
    pub metrics: Metrics,
}

impl Context {
    /// Now, in seconds of the UNIX epoch, as the database has it.
    pub fn now(&self) -> i64 {
        signed((self.clock)())
    }

    /// Notes a refusal, for the operator.
    pub async fn note(&self, refusal: &Refusal) {
        self.metrics.refused(refusal.code);
        tracing::info!(code = refusal.code, message = %refusal.message, "refused");
        let Some(more) = self.refusals.admit() else { return };
        let mut detail = refusal.to_string();
        if more > 0 {
            detail = format!("{detail}; {more} more refusals before this one");
        }
        let event = Event { at: self.now(), kind: EventKind::Refused, device: None, detail: &detail };
        if let Err(error) = self.store.record(event).await {
            tracing::warn!(%error, "a refusal could not be recorded");
        }
    }
}

impl Context {
    /// The issuers of what is issued now.
    pub fn chain_pem(&self) -> Result<String, AuthorityError> {
        self.authorities.chain_pem((self.clock)())
    }

    /// Whether the device is in service, and nothing was said against its key. Returns the serial numbers of this key's
    /// certificates that were revoked all the same, and are not to be handed out again.
    ///
    /// # Errors
    /// [`Refusal`] with the code `device_decommissioned` or `key_revoked`.
    pub async fn check_standing(
        &self,
        write: &mut Write<'_>,
        ek_name: &str,
        ik_name: &str,
    ) -> Result<Vec<String>, Refusal> {
        if write.decommissioned(ek_name).await?.is_some() {
            let message = "this device was taken out of service";
            let hint = "A decommissioned device gets no certificate any more: ask the operator.";
            return Err(Refusal::forbidden("device_decommissioned", message, hint));
        }
        let revoked = write.revocation_reasons(ek_name, ik_name).await?;
        if let Some((serial, reason)) = revoked.iter().find(|(_, reason)| !key_may_be_certified_again(*reason)) {
            return Err(Refusal::forbidden(
                "key_revoked",
                format!("the certificate {serial} of this key was revoked ({})", reason_word(*reason)),
                "Make a new identity key in the TPM and enrol that.",
            ));
        }
        Ok(revoked.into_iter().map(|(serial, _)| serial).collect())
    }
}

/// The refusal for a failure that is the service's own.
pub(super) fn internal(error: &dyn std::error::Error) -> Refusal {
    tracing::error!(%error, "the service failed");
    Refusal::internal()
}

/// Times fit into the database's 64-bit integers until the year 292,277,026,596.
pub(super) fn signed(seconds: u64) -> i64 {
    i64::try_from(seconds).unwrap_or(i64::MAX)
}

/// Bounds how many refusals are written down: whoever sends garbage must not fill the disk or keep it busy.
#[derive(Debug, Default)]
pub(super) struct RefusalLog(Mutex<RefusalBudget>);

#[derive(Debug)]
struct RefusalBudget {
    left: u32,
    refilled: Instant,
    suppressed: u64,
}

impl Default for RefusalBudget {
    fn default() -> Self {
        Self { left: RefusalLog::PER_PERIOD, refilled: Instant::now(), suppressed: 0 }
    }
}

impl RefusalLog {
    const PER_PERIOD: u32 = 100;
    const PERIOD: Duration = Duration::from_secs(10);

    /// Whether a refusal may be written, and then how many before it were not.
    fn admit(&self) -> Option<u64> {
        let mut budget = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if budget.refilled.elapsed() >= Self::PERIOD {
            budget.left = Self::PER_PERIOD;
            budget.refilled = Instant::now();
        }
        if budget.left == 0 {
            budget.suppressed = budget.suppressed.saturating_add(1);
            return None;
        }
        budget.left = budget.left.saturating_sub(1);
        Some(std::mem::take(&mut budget.suppressed))
    }
}
