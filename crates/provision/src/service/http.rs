//! The HTTP face: where the routes meet, bodies, and every error as JSON with a code, a sentence and a next step.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Request, rejection::BytesRejection},
    http::{HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use serde::{Serialize, de::DeserializeOwned};

use super::{context::Context, enrolment, est, issuers, metrics, operations, page, status};
use crate::refusal::Refusal;

/// Bytes of the largest request body. The largest honest one (RSA-4096 keys and a chain of six) is half of it.
pub(super) const MAX_BODY: usize = 128 * 1024;
/// How long a request may take, its body's arrival included.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// The families of routes, each in a file of its own.
pub(super) fn router(context: Arc<Context>) -> Router {
    Router::new()
        .merge(enrolment::routes())
        .merge(issuers::routes())
        .merge(operations::routes())
        .merge(page::routes())
        .merge(status::routes())
        .merge(est::routes())
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(middleware::from_fn(limit_time))
        .layer(middleware::from_fn_with_state(Arc::clone(&context), metrics::observe))
        .with_state(context)
}

async fn not_found() -> Response {
    refused(&Refusal {
        status: 404,
        code: "not_found",
        message: "there is nothing at this address".into(),
        hint: "docs/provisioning.md lists the addresses; GET / is a page for people.",
    })
}

async fn method_not_allowed() -> Response {
    refused(&Refusal {
        status: 405,
        code: "method_not_allowed",
        message: "this address does not take that method".into(),
        hint: "docs/provisioning.md lists the addresses and their methods.",
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

/// The body as the structure that the route takes; the hint says what that is.
pub(super) fn read<T: DeserializeOwned>(body: Result<Bytes, BytesRejection>, hint: &'static str) -> Result<T, Refusal> {
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
    serde_json::from_slice(&body).map_err(|error| Refusal::malformed("malformed_json", error.to_string(), hint))
}

/// The answer of a route: what it made, or the refusal, which is noted.
pub(super) async fn answer<T: Serialize>(context: &Context, result: Result<T, Refusal>) -> Response {
    match result {
        Ok(value) => json(StatusCode::OK, &value),
        Err(refusal) => {
            context.note(&refusal).await;
            refused(&refusal)
        }
    }
}

pub(super) fn refused(refusal: &Refusal) -> Response {
    let status = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = json(status, &refusal.body());
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
    }
    response
}

pub(super) fn json<T: Serialize>(status: StatusCode, value: &T) -> Response {
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
    match serde_json::to_string(value) {
        Ok(body) => (status, headers, body).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
