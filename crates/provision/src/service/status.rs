//! Whether certificates still hold: lists (RFC 5280, clause 5) and the protocol that answers for one (RFC 6960).

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::Bytes,
    extract::{Path, State, rejection::BytesRejection},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use tokio::sync::watch;

use super::{
    context::{Context, Shared, internal, signed},
    http,
};
use crate::{
    authority::{Authority, CertificateStatus, CrlEntry, CrlHead, OcspFailure, OcspQuery, crl_to_pem, ocsp_failure},
    refusal::Refusal,
    revocation::reason_of,
    store::{Event, EventKind, Revocation, StoreError, StoredCrl},
};

/// How long an answer about one certificate may be kept, in seconds.
const OCSP_LIFETIME: u64 = 60 * 60;
/// How often it is looked whether lists have to be made.
const LOOK_AGAIN: Duration = Duration::from_secs(60);
/// How often a list is made anew if two nodes make one at the same moment.
const ATTEMPTS: usize = 8;

pub(super) fn routes() -> Router<Arc<Context>> {
    Router::new()
        .route("/v1/crl", get(newest_list))
        .route("/v1/crl/{issuer}", get(list_of))
        .route("/v1/ocsp", post(ocsp_post))
        .route("/v1/ocsp/{*request}", get(ocsp_get))
}

async fn newest_list(State(context): Shared, headers: HeaderMap) -> Response {
    list(&context, context.authorities.current(), &headers).await
}

/// The list of one CA key, which certificates name in their CRL distribution point.
async fn list_of(State(context): Shared, Path(issuer): Path<String>, headers: HeaderMap) -> Response {
    let issuer = issuer.strip_suffix(".crl").unwrap_or(&issuer);
    match context.authorities.all().find(|authority| authority.key_identifier_hex() == issuer) {
        Some(authority) => list(&context, authority, &headers).await,
        None => http::refused(&Refusal {
            status: 404,
            code: "unknown_issuer",
            message: "no CA of this service has a key with this identifier".into(),
            hint: "GET /v1/crl gives the list of the present CA key.",
        }),
    }
}

async fn list(context: &Context, authority: &Authority, headers: &HeaderMap) -> Response {
    let crl = match fresh_crl(context, authority).await {
        Ok(crl) => crl,
        Err(refusal) => return http::refused(&refusal),
    };
    let wants_pem = headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains("application/x-pem-file"));
    let kept = format!("max-age={}", crl.next_update.saturating_sub(context.now()).clamp(0, 3600));
    if wants_pem {
        return ([(header::CONTENT_TYPE, "application/x-pem-file".into()), (header::CACHE_CONTROL, kept)], crl.crl)
            .into_response();
    }
    match der::pem::decode_vec(crl.crl.as_bytes()) {
        Ok((_, der)) => ([(header::CONTENT_TYPE, "application/pkix-crl".into()), (header::CACHE_CONTROL, kept)], der)
            .into_response(),
        Err(_) => http::refused(&Refusal::internal()),
    }
}

/// Makes lists in time, whether somebody asks for them or not.
pub(super) async fn keep_lists_fresh(context: Arc<Context>, mut stop: watch::Receiver<bool>) {
    loop {
        // The first list is made when somebody asks, or after a minute: a start writes nothing that nobody wants.
        tokio::select! {
            () = tokio::time::sleep(LOOK_AGAIN) => {}
            _ = stop.changed() => return,
        }
        for authority in context.authorities.all() {
            if let Err(refusal) = fresh_crl(&context, authority).await {
                tracing::error!(%refusal, "no revocation list could be made");
            }
        }
    }
}

/// The authority's list: the last one if nothing was revoked since and half of its time is left, otherwise a new one.
///
/// # Errors
/// [`Refusal`].
pub(super) async fn fresh_crl(context: &Context, authority: &Authority) -> Result<StoredCrl, Refusal> {
    let issuer = authority.key_identifier_hex();
    let lifetime = signed(context.crl_lifetime.as_secs());
    for _ in 0..ATTEMPTS {
        let now = context.now();
        let last = context.store.newest_crl(&issuer).await?;
        let count = context.store.revocation_count(&issuer).await?;
        if let Some(last) = &last
            && last.revocations == count
            && last.next_update.saturating_sub(lifetime / 2) > now
        {
            return Ok(last.clone());
        }
        // Each certificate is on one list more after it has expired (RFC 5280, clause 3.3).
        let revoked = context.store.revocations(&issuer, now.saturating_sub(lifetime)).await?;
        let number = last.as_ref().map_or(0, |last| last.number).saturating_add(1);
        let made = StoredCrl {
            number,
            revocations: count,
            this_update: now,
            next_update: now.saturating_add(lifetime),
            crl: sign(authority, number, now, lifetime, &revoked)?,
        };
        let mut write = context.store.begin().await?;
        if write.newest_crl(&issuer).await?.map(|newest| newest.number) == last.map(|last| last.number) {
            write.put_crl(&issuer, &made).await?;
            let detail = format!("list {number} of {issuer}, {} certificates", revoked.len());
            write.record(Event { at: now, kind: EventKind::CrlSigned, device: None, detail: &detail }).await?;
            write.commit().await?;
            return Ok(made);
        }
        // Another node was first: its list may do.
    }
    Err(StoreError::Busy.into())
}

fn sign(
    authority: &Authority,
    number: i64,
    now: i64,
    lifetime: i64,
    revoked: &[Revocation],
) -> Result<String, Refusal> {
    let entries: Option<Vec<CrlEntry>> = revoked.iter().map(entry).collect();
    let entries = entries.ok_or_else(Refusal::internal)?;
    let head = CrlHead {
        number: unsigned(number),
        this_update: unsigned(now),
        next_update: unsigned(now.saturating_add(lifetime)),
    };
    let crl = authority.sign_crl(head, &entries).and_then(|der| crl_to_pem(&der));
    crl.map_err(|error| internal(&error))
}

fn entry(revocation: &Revocation) -> Option<CrlEntry> {
    Some(CrlEntry {
        serial: from_hex(&revocation.serial)?,
        revoked_at: unsigned(revocation.revoked_at),
        reason: reason_of(revocation.reason),
    })
}

async fn ocsp_post(State(context): Shared, body: Result<Bytes, BytesRejection>) -> Response {
    match body {
        Ok(request) => ocsp(&context, &request, false).await,
        Err(_) => failed(OcspFailure::Malformed),
    }
}

/// The request is in the path, base64 (RFC 6960, A.1), and perhaps percent-encoded, which is undone already.
async fn ocsp_get(State(context): Shared, Path(request): Path<String>) -> Response {
    match STANDARD.decode(request) {
        Ok(request) => ocsp(&context, &request, true).await,
        Err(_) => failed(OcspFailure::Malformed),
    }
}

async fn ocsp(context: &Context, request: &[u8], may_be_kept: bool) -> Response {
    match ocsp_answer(context, request).await {
        Ok(answer) => {
            let control = if may_be_kept { format!("max-age={}", OCSP_LIFETIME / 2) } else { "no-store".into() };
            let headers =
                [(header::CONTENT_TYPE, "application/ocsp-response".into()), (header::CACHE_CONTROL, control)];
            (headers, answer).into_response()
        }
        Err(failure) => failed(failure),
    }
}

/// A failure of the protocol is a success of HTTP (RFC 6960, A.2).
fn failed(failure: OcspFailure) -> Response {
    (StatusCode::OK, [(header::CONTENT_TYPE, "application/ocsp-response")], ocsp_failure(failure)).into_response()
}

async fn ocsp_answer(context: &Context, request: &[u8]) -> Result<Vec<u8>, OcspFailure> {
    let query = OcspQuery::from_der(request)?;
    let (authority, serials) = context
        .authorities
        .all()
        .find_map(|authority| Some((authority, query.serials_of(authority).ok()?)))
        .ok_or(OcspFailure::Unauthorized)?;
    let issuer = authority.key_identifier_hex();
    let mut statuses = Vec::with_capacity(serials.len());
    for (place, serial) in serials {
        let status = status_of(context, &serial).await.map_err(|error| {
            tracing::warn!(%error, "the database does not say where a certificate stands");
            OcspFailure::TryLater
        })?;
        statuses.push((place, status));
    }
    let responder = context.responders.get(&issuer).ok_or(OcspFailure::Internal)?;
    let now = unsigned(context.now());
    responder.answer(authority, &query, &statuses, now, OCSP_LIFETIME).map_err(|error| {
        tracing::error!(%error, "an OCSP response could not be signed");
        OcspFailure::Internal
    })
}

async fn status_of(context: &Context, serial: &str) -> Result<CertificateStatus, StoreError> {
    Ok(match context.store.certificate(serial).await? {
        None => CertificateStatus::Unknown,
        Some(record) => match record.revoked {
            Some((at, reason)) => CertificateStatus::Revoked { at: unsigned(at), reason: reason_of(reason) },
            None => CertificateStatus::Good,
        },
    })
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}
