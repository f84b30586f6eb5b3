//! The HTTP face: routes, bodies, and every error as JSON with a code, a sentence and a next step.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Request, State, rejection::BytesRejection},
    http::{HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::{Serialize, de::DeserializeOwned};

use super::{enrolment::Enrolments, page};
use crate::refusal::Refusal;

/// Bytes of the largest request body. The largest honest one (RSA-4096 keys and a chain of six) is half of it.
pub(super) const MAX_BODY: usize = 128 * 1024;
/// How long a request may take, its body's arrival included.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

type Shared = State<Arc<Enrolments>>;

pub(super) fn router(enrolments: Arc<Enrolments>) -> Router {
    Router::new()
        .route("/v1/challenge", post(challenge))
        .route("/v1/certificate", post(certificate))
        .route("/v1/ca", get(authority))
        .route("/healthz", get(health))
        .route("/", get(status))
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(middleware::from_fn(limit_time))
        .with_state(enrolments)
}

async fn challenge(State(enrolments): Shared, body: Result<Bytes, BytesRejection>) -> Response {
    let result = match read(body) {
        Ok(parameters) => Arc::clone(&enrolments).challenge(parameters).await,
        Err(refusal) => Err(refusal),
    };
    answer(&enrolments, result).await
}

async fn certificate(State(enrolments): Shared, body: Result<Bytes, BytesRejection>) -> Response {
    let result = match read(body) {
        Ok(request) => Arc::clone(&enrolments).certificate(request).await,
        Err(refusal) => Err(refusal),
    };
    answer(&enrolments, result).await
}

async fn authority(State(enrolments): Shared) -> Response {
    match enrolments.authority.certificate_pem() {
        Ok(pem) => ([(header::CONTENT_TYPE, "application/x-pem-file")], pem).into_response(),
        Err(_) => refused(&Refusal::internal()),
    }
}

/// Healthy means that the database answers.
async fn health(State(enrolments): Shared) -> Response {
    #[derive(Serialize)]
    struct Health {
        status: &'static str,
    }
    match enrolments.store.counts(0).await {
        Ok(_) => json(StatusCode::OK, &Health { status: "ok" }),
        Err(error) => refused(&Refusal::from(error)),
    }
}

async fn status(State(enrolments): Shared) -> Response {
    match page::status(&enrolments).await {
        Ok(page) => page.into_response(),
        Err(error) => refused(&Refusal::from(error)),
    }
}

async fn not_found() -> Response {
    refused(&Refusal {
        status: 404,
        code: "not_found",
        message: "there is nothing at this address".into(),
        hint: "POST /v1/challenge, POST /v1/certificate, GET /v1/ca, GET /healthz and GET / are there.",
    })
}

async fn method_not_allowed() -> Response {
    refused(&Refusal {
        status: 405,
        code: "method_not_allowed",
        message: "this address does not take that method".into(),
        hint: "POST to /v1/challenge and /v1/certificate; GET the others.",
    })
}

async fn limit_time(request: Request, next: Next) -> Response {
    match tokio::time::timeout(REQUEST_TIMEOUT, next.run(request)).await {
        Ok(response) => response,
        Err(_) => refused(&Refusal {
            status: 408,
            code: "timeout",
            message: format!("the request took longer than {} seconds", REQUEST_TIMEOUT.as_secs()),
            hint: "Send the whole request at once; a retry is safe.",
        }),
    }
}

/// The body as the structure that the route takes.
fn read<T: DeserializeOwned>(body: Result<Bytes, BytesRejection>) -> Result<T, Refusal> {
    let body = body.map_err(|rejection| {
        if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
            Refusal {
                status: 413,
                code: "body_too_large",
                message: format!("the body is larger than {MAX_BODY} bytes"),
                hint: "Send one enrolment in one request.",
            }
        } else {
            Refusal::malformed("incomplete_body", "the body did not arrive whole", "Send the request again.")
        }
    })?;
    serde_json::from_slice(&body).map_err(|error| {
        let hint = "Send a JSON object with csr, ik_public, ek_public and ek_certificate \
                    (and issued_at and ticket for a certificate).";
        Refusal::malformed("malformed_json", error.to_string(), hint)
    })
}

async fn answer<T: Serialize>(enrolments: &Enrolments, result: Result<T, Refusal>) -> Response {
    match result {
        Ok(value) => json(StatusCode::OK, &value),
        Err(refusal) => {
            enrolments.note(&refusal).await;
            refused(&refusal)
        }
    }
}

fn refused(refusal: &Refusal) -> Response {
    let status = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = json(status, &refusal.body());
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
    }
    response
}

fn json<T: Serialize>(status: StatusCode, value: &T) -> Response {
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
    match serde_json::to_string(value) {
        Ok(body) => (status, headers, body).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
