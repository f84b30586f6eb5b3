//! What those who run the service, and their machines, ask it.

use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::get,
};
use serde::Serialize;

use super::{
    context::{Context, Shared},
    http,
};
use crate::{refusal::Refusal, store::StoreError};

pub(super) fn routes() -> Router<Arc<Context>> {
    Router::new().route("/healthz", get(health)).route("/readyz", get(ready)).route("/metrics", get(metrics))
}

#[derive(Serialize)]
struct Status {
    status: &'static str,
}

/// The process answers. A database that is away is no reason to start it again.
async fn health() -> Response {
    http::json(StatusCode::OK, &Status { status: "ok" })
}

/// The database answers, too: a balancer may send requests.
async fn ready(State(context): Shared) -> Response {
    match context.store.checkpoint().await {
        Ok(_) => http::json(StatusCode::OK, &Status { status: "ready" }),
        Err(error) => http::refused(&Refusal::from(error)),
    }
}

async fn metrics(State(context): Shared) -> Response {
    match page(&context).await {
        Ok(page) => ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], page).into_response(),
        Err(error) => http::refused(&Refusal::from(error)),
    }
}

async fn page(context: &Context) -> Result<String, StoreError> {
    let batches = context.store.batches().await?;
    let events = context.store.checkpoint().await?.map_or(0, |checkpoint| checkpoint.number);
    Ok(context.metrics.page(&batches, events))
}
