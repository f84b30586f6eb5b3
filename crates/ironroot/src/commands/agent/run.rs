//! `ironroot agent run`: the identity of a device, from its first boot for as long as it lives.
//!
//! The identity key is made in the TPM, the service certifies it, the certificate is stored, and before it ends a new one is asked for.
//! Whatever fails is said with its reason and tried again: soon what may pass by itself, seldom what somebody has to repair.

mod report;
mod schedule;
mod stored;

use std::{path::PathBuf, sync::Arc, thread, time::Duration};

use ironroot_client::{templates::KeyType, wire::TpmHandle};
use ironroot_keys::{KeyReference, SharedTpm};
use ironroot_provision::agent::{
    EnrolError, EnrolmentRequest, HttpClient, enroll,
    tpm::{EndorsementKey, TpmDevice, persistent_identity_key},
};
use serde::Deserialize;

use self::{
    report::Reporter,
    schedule::{BackOff, Renewal, now},
    stored::{Certificate, Paths},
};
use crate::{
    cli::agent::Run,
    failure::{Failure, Result},
};

/// The longest sleep: a machine that was suspended, or whose clock was set, finds out in time.
const LONGEST_SLEEP: u64 = 3600;

/// The section `[identity]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Identity {
    /// The provisioning service's address.
    service: String,
    /// The subject, as RFC 4514 writes names.
    subject: String,
    /// The service's certificate profile, if not its default.
    profile: Option<String>,
    /// The batch in which the device counts, if it is made in one.
    batch: Option<String>,
    /// Where the key is kept: handle:0x81…
    #[serde(default = "default_key")]
    key: String,
    /// What it is: p256, p384 or rsa2048.
    #[serde(default)]
    key_type: Kind,
    /// The endorsement key that vouches for it.
    #[serde(default)]
    endorsement: Endorsement,
    /// The file for the certificate.
    #[serde(default = "default_certificate")]
    certificate: PathBuf,
    /// The file for its issuers' certificates.
    #[serde(default = "default_chain")]
    chain: PathBuf,
    /// When a new certificate is asked for: at this part of the old one's time, in percent.
    #[serde(default = "default_renew_at")]
    renew_at: u8,
    /// After a failure, the first pause. Seconds.
    #[serde(default = "default_retry_from")]
    retry_from: u64,
    /// The longest pause. Seconds.
    #[serde(default = "default_retry_to")]
    retry_to: u64,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    #[default]
    P256,
    P384,
    Rsa2048,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Endorsement {
    #[default]
    P256,
    Rsa2048,
}

fn default_key() -> String {
    "handle:0x81000100".into()
}

fn default_certificate() -> PathBuf {
    "/var/lib/ironroot/identity/certificate.pem".into()
}

fn default_chain() -> PathBuf {
    "/var/lib/ironroot/identity/chain.pem".into()
}

const fn default_renew_at() -> u8 {
    66
}

const fn default_retry_from() -> u64 {
    5
}

const fn default_retry_to() -> u64 {
    900
}

/// Runs the agent.
///
/// # Errors
/// What is wrong with the configuration; with `--once`, whatever fails.
pub fn run(arguments: &Run) -> Result {
    let config = arguments.device.read()?;
    let identity = config.identity.clone().ok_or_else(|| {
        Failure::during(arguments.device.config.display(), "it has no section [identity]: service and subject")
    })?;
    let handle = identity
        .check()
        .map_err(|reason| Failure::during(arguments.device.config.display(), format!("[identity]: {reason}")))?;
    let reporter = Reporter::new(arguments.device.tpm.json);
    let mut agent = Agent { identity, handle, reporter, renewal: None };
    let mut pause = BackOff::new(agent.identity.retry_from, agent.identity.retry_to);
    loop {
        // Each round has a connection of its own: a TPM that was restarted is found again, and others get their turn.
        let round = arguments
            .device
            .connect(&config)
            .map_err(Trouble::passing)
            .and_then(|tpm| agent.round(&tpm, arguments.renew));
        let rest = match round {
            Ok(rest) if arguments.once => {
                agent.reporter.valid(rest);
                return Ok(());
            }
            Ok(rest) => {
                pause.reset();
                rest
            }
            Err(trouble) if arguments.once => return Err(trouble.failure),
            Err(trouble) => {
                let rest = pause.next(trouble.passes);
                agent.reporter.failed(&trouble.failure, rest);
                rest
            }
        };
        thread::sleep(Duration::from_secs(rest.min(LONGEST_SLEEP)));
    }
}

/// Why a round failed, and whether that may pass by itself.
struct Trouble {
    failure: Failure,
    passes: bool,
}

impl Trouble {
    fn passing(failure: Failure) -> Self {
        Self { failure, passes: true }
    }

    fn lasting(failure: impl Into<Failure>) -> Self {
        Self { failure: failure.into(), passes: false }
    }
}

struct Agent {
    identity: Identity,
    handle: TpmHandle,
    reporter: Reporter,
    /// When the certificate that is there is replaced: chosen once for each, so that a fleet does not come all at once.
    renewal: Option<Renewal>,
}

impl Agent {
    /// Makes sure that there is a certificate which is good for a while. Gives the seconds until it is to be replaced.
    fn round(&mut self, tpm: &SharedTpm, now_at_once: bool) -> std::result::Result<u64, Trouble> {
        let identity = self.identity.clone();
        let key_type = match identity.key_type {
            Kind::P256 => KeyType::P256,
            Kind::P384 => KeyType::P384,
            Kind::Rsa2048 => KeyType::RSA_2048,
        };
        let key = Arc::new(persistent_identity_key(tpm, self.handle, key_type).map_err(Trouble::lasting)?);
        let spki = key.spki_der().map_err(Trouble::lasting)?;
        let paths = Paths { certificate: &identity.certificate, chain: &identity.chain };
        let stored = paths.load().map_err(Trouble::lasting)?.filter(|stored| stored.is_for(&spki));
        let first = self.renewal.is_none();
        if let Some(stored) = stored {
            let due = self.due(tpm, &stored)?;
            if due > now() && !(now_at_once && first) {
                return Ok(due.saturating_sub(now()));
            }
            self.reporter.renewing(&stored);
        }
        let kind = match identity.endorsement {
            Endorsement::P256 => EndorsementKey::P256,
            Endorsement::Rsa2048 => EndorsementKey::Rsa2048,
        };
        let mut device = TpmDevice::new(tpm, kind, key).map_err(Trouble::lasting)?;
        let request = EnrolmentRequest {
            subject: identity.subject.clone(),
            profile: identity.profile.clone(),
            batch: identity.batch.clone(),
            ..EnrolmentRequest::default()
        };
        let service = HttpClient::new(&identity.service).with_retries(0);
        let reporter = &self.reporter;
        let enrolled = enroll(&mut device, &service, &request, &mut |step, taken| reporter.step(step, taken));
        let enrolled = enrolled.map_err(|error| match &error {
            EnrolError::Service(service) if !service.is_transient() => Trouble::lasting(error),
            EnrolError::Service(_) | EnrolError::Tpm(..) => Trouble::passing(error.into()),
            EnrolError::Answer(_) => Trouble::lasting(error),
        })?;
        let stored = Certificate::parse(&enrolled.certificate).map_err(Trouble::lasting)?;
        if stored.not_after <= now() {
            let reason = "the service's certificate has ended already: is this machine's clock right?";
            return Err(Trouble::passing(Failure::new(reason)));
        }
        paths.store(&enrolled.certificate, &enrolled.chain).map_err(Trouble::lasting)?;
        let due = self.due(tpm, &stored)?;
        self.reporter.stored(&enrolled.serial, &stored, due, &identity.certificate);
        // The service repeats itself: it may answer with a certificate that is to be replaced at once. No need to ask all the time.
        Ok(due.saturating_sub(now()).max(identity.retry_from))
    }

    /// When a certificate is to be replaced.
    fn due(&mut self, tpm: &SharedTpm, certificate: &Certificate) -> std::result::Result<u64, Trouble> {
        if let Some(renewal) = self.renewal.filter(|renewal| renewal.is_of(certificate)) {
            return Ok(renewal.due);
        }
        let random =
            tpm.lock().map_err(Trouble::lasting)?.get_random(2).map_err(|error| Trouble::passing(error.into()))?;
        let renewal = Renewal::of(certificate, self.identity.renew_at, &random);
        self.renewal = Some(renewal);
        Ok(renewal.due)
    }
}

impl Identity {
    fn check(&self) -> std::result::Result<TpmHandle, String> {
        if !(10..=95).contains(&self.renew_at) {
            return Err(format!("renew-at = {}: expected 10 to 95 percent", self.renew_at));
        }
        if self.retry_from == 0 || self.retry_to < self.retry_from {
            return Err("retry-from is at least 1 second, and retry-to no less".into());
        }
        if !self.service.starts_with("http://") {
            return Err(format!("service = {:?}: expected http://HOST:PORT", self.service));
        }
        match self.key.parse() {
            Ok(KeyReference::Handle(handle)) => Ok(handle),
            Ok(_) => Err(format!("key = {:?}: the identity key is at a handle: handle:0x81000100", self.key)),
            Err(error) => Err(error.to_string()),
        }
    }
}
