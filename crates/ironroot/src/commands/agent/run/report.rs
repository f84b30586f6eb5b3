//! What the agent says: lines for people (and the journal of systemd), or one JSON object for each event.

use std::{path::Path, time::Duration};

use ironroot_provision::agent::Step;
use serde_json::{Value, json};

use super::{schedule::now, stored::Certificate};
use crate::failure::Failure;

/// Says things.
#[derive(Debug, Clone, Copy)]
pub struct Reporter {
    json: bool,
}

impl Reporter {
    pub fn new(json: bool) -> Self {
        Self { json }
    }

    /// A step is done.
    pub fn step(&self, step: Step, taken: Duration) {
        let milliseconds = u64::try_from(taken.as_millis()).unwrap_or(u64::MAX);
        self.say(json!({ "event": "step", "step": name(step), "milliseconds": milliseconds }), || {
            format!("{step} ({milliseconds} ms)")
        });
    }

    /// The certificate that is there is replaced.
    pub fn renewing(&self, old: &Certificate) {
        let left = old.not_after.saturating_sub(now());
        self.say(json!({ "event": "renewing", "not_after": old.not_after }), || {
            format!("the certificate is replaced: it ends in {}", span(left))
        });
    }

    /// A certificate is stored.
    pub fn stored(&self, serial: &str, certificate: &Certificate, due: u64, path: &Path) {
        let (ends, rest) = (certificate.not_after.saturating_sub(now()), due.saturating_sub(now()));
        let event = json!({
            "event": "certificate", "serial": serial, "not_after": certificate.not_after, "renew_at": due, "file": path,
        });
        self.say(event, || {
            format!(
                "certificate {serial} stored in {}; it ends in {}, and is replaced in {}",
                path.display(),
                span(ends),
                span(rest)
            )
        });
    }

    /// The certificate is good for so many seconds more.
    pub fn valid(&self, rest: u64) {
        self.say(json!({ "event": "valid", "renew_in": rest }), || {
            format!("the certificate is good; it is replaced in {}", span(rest))
        });
    }

    /// Something failed, and is tried again after so many seconds.
    pub fn failed(&self, failure: &Failure, rest: u64) {
        self.say(json!({ "event": "failed", "reason": failure.to_string(), "retry_in": rest }), || {
            format!("{failure}; next try in {}", span(rest))
        });
    }

    fn say(&self, event: Value, text: impl FnOnce() -> String) {
        if self.json {
            println!("{event}");
        } else {
            println!("{}", text());
        }
    }
}

const fn name(step: Step) -> &'static str {
    match step {
        Step::Keys => "keys",
        Step::Evidence => "evidence",
        Step::Request => "request",
        Step::Challenge => "challenge",
        Step::Activation => "activation",
        Step::Certificate => "certificate",
    }
}

fn span(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}
