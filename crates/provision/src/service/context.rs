//! What every route needs, and what they share: the log of refusals.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use axum::extract::State;
use ironroot_crypto::Provider;
use zeroize::Zeroizing;

use super::Clock;
use crate::{
    authority::Authority,
    refusal::Refusal,
    store::{Event, EventKind, Store},
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
    pub authority: Authority,
    pub store: Store,
    pub lifetime: Duration,
    pub batch_required: bool,
    pub clock: Clock,
    pub refusals: RefusalLog,
}

impl Context {
    /// Now, in seconds of the UNIX epoch, as the database has it.
    pub fn now(&self) -> i64 {
        signed((self.clock)())
    }

    /// Notes a refusal, for the operator.
    pub async fn note(&self, refusal: &Refusal) {
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
