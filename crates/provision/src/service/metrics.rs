//! Numbers for Prometheus (text format 0.0.4), counted since this process started; the batches are the database's.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use axum::{
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::Response,
};

use super::context::{Context, Shared};
use crate::store::Batch;

/// Upper ends of the histogram's buckets, in milliseconds.
const BUCKETS: [u64; 10] = [2, 5, 10, 25, 50, 100, 250, 1000, 5000, 30_000];

/// What this process counts.
#[derive(Debug, Default)]
pub(super) struct Metrics(Mutex<Counters>);

#[derive(Debug, Default)]
struct Counters {
    /// By route and status.
    requests: BTreeMap<(String, u16), u64>,
    /// By route.
    durations: BTreeMap<String, Histogram>,
    /// By code.
    refusals: BTreeMap<&'static str, u64>,
    in_flight: i64,
}

#[derive(Debug, Default)]
struct Histogram {
    buckets: [u64; BUCKETS.len()],
    count: u64,
    sum: Duration,
}

impl Metrics {
    fn counters(&self) -> MutexGuard<'_, Counters> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a refusal.
    pub fn refused(&self, code: &'static str) {
        let mut counters = self.counters();
        let count = counters.refusals.entry(code).or_default();
        *count = count.saturating_add(1);
    }

    fn answered(&self, route: &str, status: u16, taken: Duration) {
        let mut counters = self.counters();
        let count = counters.requests.entry((route.to_owned(), status)).or_default();
        *count = count.saturating_add(1);
        let histogram = counters.durations.entry(route.to_owned()).or_default();
        histogram.count = histogram.count.saturating_add(1);
        histogram.sum = histogram.sum.saturating_add(taken);
        for (bucket, end) in histogram.buckets.iter_mut().zip(BUCKETS) {
            if taken <= Duration::from_millis(end) {
                *bucket = bucket.saturating_add(1);
            }
        }
    }

    /// The page that Prometheus reads.
    pub fn page(&self, batches: &[Batch], events: i64) -> String {
        let mut page = String::new();
        let counters = self.counters();
        family(&mut page, "ironroot_requests_total", "counter", "Requests that were answered.");
        for ((route, status), count) in &counters.requests {
            let route = label(route);
            line(&mut page, format_args!("ironroot_requests_total{{route=\"{route}\",status=\"{status}\"}} {count}"));
        }
        family(&mut page, "ironroot_request_seconds", "histogram", "How long requests took.");
        for (route, histogram) in &counters.durations {
            let route = label(route);
            for (bucket, end) in histogram.buckets.iter().zip(BUCKETS) {
                let end = Duration::from_millis(end).as_secs_f64();
                line(
                    &mut page,
                    format_args!("ironroot_request_seconds_bucket{{route=\"{route}\",le=\"{end}\"}} {bucket}"),
                );
            }
            let Histogram { count, sum, .. } = histogram;
            line(&mut page, format_args!("ironroot_request_seconds_bucket{{route=\"{route}\",le=\"+Inf\"}} {count}"));
            line(&mut page, format_args!("ironroot_request_seconds_sum{{route=\"{route}\"}} {}", sum.as_secs_f64()));
            line(&mut page, format_args!("ironroot_request_seconds_count{{route=\"{route}\"}} {count}"));
        }
        family(&mut page, "ironroot_requests_in_flight", "gauge", "Requests that are being worked on.");
        line(&mut page, format_args!("ironroot_requests_in_flight {}", counters.in_flight));
        family(
            &mut page,
            "ironroot_refusals_total",
            "counter",
            "Requests that were refused, by the code of the refusal.",
        );
        for (code, count) in &counters.refusals {
            line(&mut page, format_args!("ironroot_refusals_total{{code=\"{}\"}} {count}", label(code)));
        }
        drop(counters);
        for (name, help, value) in [
            ("ironroot_batch_units", "Units of a batch.", (|batch| batch.units) as fn(&Batch) -> i64),
            ("ironroot_batch_used", "Units of a batch that are used.", |batch| batch.used),
            ("ironroot_batch_scrapped", "Units of a batch that were scrapped.", |batch| batch.scrapped),
        ] {
            family(&mut page, name, "gauge", help);
            for batch in batches {
                line(&mut page, format_args!("{name}{{batch=\"{}\"}} {}", label(&batch.name), value(batch)));
            }
        }
        family(&mut page, "ironroot_audit_events", "gauge", "Events in the audit.");
        line(&mut page, format_args!("ironroot_audit_events {events}"));
        page
    }
}

fn family(page: &mut String, name: &str, kind: &str, help: &str) {
    line(page, format_args!("# HELP {name} {help}\n# TYPE {name} {kind}"));
}

fn line(page: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a String does not fail.
    let _ = writeln!(page, "{text}");
}

/// A label's value, escaped.
fn label(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// Counts a request and its time. Addresses that are not there share one name: requesters do not choose labels.
pub(super) async fn observe(State(context): Shared, request: Request, next: Next) -> Response {
    let path = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let route = path.unwrap_or_else(|| "none".to_owned());
    let running = InFlight::new(Arc::clone(&context));
    let started = Instant::now();
    let response = next.run(request).await;
    drop(running);
    context.metrics.answered(&route, response.status().as_u16(), started.elapsed());
    response
}

/// A request that is being worked on, until it is dropped: also when its client goes away.
struct InFlight(Arc<Context>);

impl InFlight {
    fn new(context: Arc<Context>) -> Self {
        let mut counters = context.metrics.counters();
        counters.in_flight = counters.in_flight.saturating_add(1);
        drop(counters);
        Self(context)
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let mut counters = self.0.metrics.counters();
        counters.in_flight = counters.in_flight.saturating_sub(1);
    }
}
