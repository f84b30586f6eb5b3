//! The two calls: a challenge for what checks out, a certificate for whoever answers it.

use std::sync::Arc;

use axum::{
    Router,
    body::Bytes,
    extract::{State, rejection::BytesRejection},
    response::Response,
    routing::post,
};
use ironroot_attest::make_credential;
use ironroot_wire::Wire as _;
use zeroize::Zeroizing;

use super::{
    context::{Context, Shared, internal, signed},
    http,
};
use crate::{
    authority::{self, Lifetime, SerialNumber, fresh_random, to_hex},
    protocol::{
        CertificateRequest, CertificateResponse, ChallengeResponse, EnrolmentParameters, from_base64, to_base64,
    },
    refusal::Refusal,
    store::{Device, Event, EventKind, IssuedCertificate, SubjectClaim, UnitRequest, UnitVerdict},
    ticket::TicketError,
    validation::Enrolment,
};

pub(super) fn routes() -> Router<Arc<Context>> {
    Router::new().route("/v1/challenge", post(challenge)).route("/v1/certificate", post(certificate))
}

const BODY_HINT: &str = "Send a JSON object with csr, ik_public, ek_public and ek_certificate \
                         (and issued_at and ticket for a certificate).";

async fn challenge(State(context): Shared, body: Result<Bytes, BytesRejection>) -> Response {
    let result = match http::read(body, BODY_HINT) {
        Ok(parameters) => Arc::clone(&context).challenge(parameters).await,
        Err(refusal) => Err(refusal),
    };
    http::answer(&context, result).await
}

async fn certificate(State(context): Shared, body: Result<Bytes, BytesRejection>) -> Response {
    let result = match http::read(body, BODY_HINT) {
        Ok(request) => Arc::clone(&context).certificate(request).await,
        Err(refusal) => Err(refusal),
    };
    http::answer(&context, result).await
}

/// A validated request, reduced to what issuing needs.
struct Request {
    device: Device,
    ik_name: String,
    enrolment: String,
    profile: String,
    batch: Option<String>,
    renewal: u64,
    certificate: ToIssue,
}

struct ToIssue {
    key: ironroot_attest::x509::PublicKey,
    subject: x509_cert::name::Name,
    purposes: Vec<der::oid::ObjectIdentifier>,
    validity: u64,
}

impl Context {
    /// `POST /v1/challenge`.
    pub async fn challenge(self: Arc<Self>, parameters: EnrolmentParameters) -> Result<ChallengeResponse, Refusal> {
        let (this, batch) = (Arc::clone(&self), parameters.batch.clone());
        let (device, profile, response) = blocking(move || this.make_challenge(&parameters)).await?;
        check_claim(self.store.subject_claim(&device.ek_name, &device.subject).await?)?;
        self.store.judge_unit(self.unit_request(batch.as_deref(), &device, &profile)).await??;
        Ok(response)
    }

    /// `POST /v1/certificate`.
    pub async fn certificate(self: Arc<Self>, request: CertificateRequest) -> Result<CertificateResponse, Refusal> {
        let this = Arc::clone(&self);
        let request = blocking(move || this.check_answer(&request)).await?;
        self.issue(request).await
    }

    fn make_challenge(&self, parameters: &EnrolmentParameters) -> Result<(Device, String, ChallengeResponse), Refusal> {
        let now = (self.clock)();
        let enrolment = self.validator.validate(parameters, now)?;
        let ticket = self.tickets.issue(&enrolment.ticket, now);
        let mut random = fresh_random().map_err(|error| internal(&error))?;
        let credential = make_credential(&*self.provider, &mut random, &enrolment.ek, &enrolment.ik_name, &ticket)
            .map_err(|error| {
                let hint = "Recreate the endorsement key by its template.";
                Refusal::forbidden("ek_unusable", error.to_string(), hint)
            })?;
        let response = ChallengeResponse {
            credential_blob: to_base64(&credential.blob.to_bytes()),
            secret: to_base64(&credential.secret.to_bytes()),
            issued_at: now,
            expires_at: now.saturating_add(self.lifetime.as_secs()),
        };
        Ok((device_of(&enrolment)?, enrolment.profile.name.clone(), response))
    }

    /// Checks everything once more, and the ticket.
    fn check_answer(&self, request: &CertificateRequest) -> Result<Request, Refusal> {
        let now = (self.clock)();
        let enrolment = self.validator.validate(&request.parameters, now)?;
        let wrong = || {
            let message = "the ticket is not the one of these parameters";
            let hint = "Send the parameters and issued_at of the challenge unchanged, with what the TPM recovered.";
            Refusal::forbidden("ticket_wrong", message, hint)
        };
        let ticket = Zeroizing::new(from_base64(&request.ticket).map_err(|_| wrong())?);
        self.tickets.check(&enrolment.ticket, request.issued_at, &ticket, now, self.lifetime).map_err(|error| {
            match error {
                TicketError::Wrong => wrong(),
                TicketError::Expired => Refusal::forbidden(
                    "ticket_expired",
                    error.to_string(),
                    "Ask for a new challenge and answer it in time.",
                ),
            }
        })?;
        Ok(Request {
            device: device_of(&enrolment)?,
            ik_name: to_hex(&enrolment.ik_name),
            profile: enrolment.profile.name.clone(),
            batch: request.parameters.batch.clone(),
            renewal: enrolment.profile.renewal,
            certificate: ToIssue {
                key: enrolment.key,
                subject: enrolment.subject,
                purposes: enrolment.profile.extended_key_usage.clone(),
                validity: enrolment.profile.validity,
            },
            enrolment: enrolment.enrolment,
        })
    }

    fn unit_request<'a>(&self, batch: Option<&'a str>, device: &'a Device, profile: &'a str) -> UnitRequest<'a> {
        UnitRequest { batch, required: self.batch_required, ek_name: &device.ek_name, profile, now: self.now() }
    }

    /// Issues the certificate of a request, or finds the one that an earlier try got: one transaction. It is signed before
    /// the transaction begins, as others wait for that one; what was looked up for it is looked up again inside.
    async fn issue(self: Arc<Self>, request: Request) -> Result<CertificateResponse, Refusal> {
        let now = (self.clock)();
        let request = Arc::new(request);
        let unit = self.unit_request(request.batch.as_deref(), &request.device, &request.profile);
        self.store.judge_unit(unit).await??;
        let usable = |issued: &IssuedCertificate| self.is_usable(issued, request.renewal, now);
        let next = |last: Option<&IssuedCertificate>| last.map_or(0, |last| last.generation.saturating_add(1));
        let last = self.store.newest_certificate(&request.enrolment).await?;
        let prepared = match last {
            Some(issued) if usable(&issued) => None,
            last => Some(Arc::clone(&self).sign(&request, next(last.as_ref()), now).await?),
        };

        let mut write = self.store.begin().await?;
        check_claim(write.subject_claim(&request.device.ek_name, &request.device.subject).await?)?;
        let revoked = self.check_standing(&mut write, &request.device.ek_name, &request.ik_name).await?;
        let verdict = write.take_unit(unit).await??;
        let (issued, kind) = match write.newest_certificate(&request.enrolment).await? {
            Some(issued) if usable(&issued) && !revoked.contains(&issued.serial) => (issued, EventKind::Repeated),
            last => {
                let generation = next(last.as_ref());
                let issued = match prepared {
                    Some(prepared) if prepared.generation == generation => prepared,
                    _ => Arc::clone(&self).sign(&request, generation, now).await?,
                };
                write.put_device(&request.device, signed(now)).await?;
                write
                    .put_certificate(&request.enrolment, &request.device, &request.ik_name, &request.profile, &issued)
                    .await?;
                (issued, EventKind::Issued)
            }
        };
        let counted = match verdict {
            UnitVerdict::Uncounted => String::new(),
            UnitVerdict::Rework(batch) => format!(", batch {batch} (rework)"),
            UnitVerdict::New(batch) => format!(", batch {batch}"),
        };
        let detail = format!("serial {}{counted}, subject {}", issued.serial, request.device.subject);
        let event = Event { at: signed(now), kind, device: Some(&request.device.ek_name), detail: &detail };
        write.record(event).await?;
        write.commit().await?;
        tracing::info!(kind = kind.word(), %detail, "certificate");
        Ok(CertificateResponse {
            certificate: issued.certificate,
            chain: self.chain_pem().map_err(|error| internal(&error))?,
            serial: issued.serial,
            not_after: u64::try_from(issued.not_after).unwrap_or(0),
        })
    }

    /// Signs a certificate, where it holds up no other request.
    async fn sign(
        self: Arc<Self>,
        request: &Arc<Request>,
        generation: i64,
        now: u64,
    ) -> Result<IssuedCertificate, Refusal> {
        let request = Arc::clone(request);
        blocking(move || self.make_certificate(&request, generation, now)).await
    }

    fn make_certificate(&self, request: &Request, generation: i64, now: u64) -> Result<IssuedCertificate, Refusal> {
        let serial = SerialNumber::derive(&self.serials, &[request.enrolment.as_bytes(), &generation.to_be_bytes()]);
        let ToIssue { key, subject, purposes, validity } = &request.certificate;
        let lifetime = Lifetime::starting(now, *validity);
        let certificate = self
            .authorities
            .current()
            .issue(key, subject, Vec::new(), purposes.clone(), &serial, lifetime)
            .and_then(|der| authority::to_pem(&der))
            .map_err(|error| internal(&error))?;
        Ok(IssuedCertificate {
            serial: serial.to_hex(),
            generation,
            not_before: signed(lifetime.not_before),
            not_after: signed(lifetime.not_after),
            certificate,
        })
    }
}

/// A subject belongs to the first device that enrolled with it, and a device keeps its subject: otherwise one device
/// could pose as another.
fn check_claim(claim: SubjectClaim) -> Result<(), Refusal> {
    match claim {
        SubjectClaim::New | SubjectClaim::Same => Ok(()),
        SubjectClaim::Taken => Err(Refusal::conflict(
            "subject_taken",
            "another device has this subject",
            "Choose another subject, or have the operator retire the other device.",
        )),
        SubjectClaim::DeviceHas(subject) => Err(Refusal::conflict(
            "subject_changed",
            format!("this device is enrolled as \"{subject}\""),
            "Ask for the subject that the device has.",
        )),
    }
}

fn device_of(enrolment: &Enrolment<'_>) -> Result<Device, Refusal> {
    Ok(Device {
        ek_name: to_hex(&enrolment.ek_name),
        subject: enrolment.subject.to_string(),
        ek_certificate: authority::to_pem(enrolment.verdict.certificate.der()).map_err(|error| internal(&error))?,
        manufacturer: enrolment.verdict.manufacturer.clone(),
        model: enrolment.verdict.model.clone(),
        version: enrolment.verdict.version.clone(),
    })
}

/// Runs what computes for milliseconds where it holds up no other request.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Refusal> + Send + 'static) -> Result<T, Refusal> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(internal(&error)))
}
