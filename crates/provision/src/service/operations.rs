//! What those who run the service ask it.

use std::sync::Arc;

use axum::{Router, extract::State, http::StatusCode, response::Response, routing::get};
use serde::Serialize;

use super::{
    context::{Context, Shared},
    http,
};
use crate::refusal::Refusal;

pub(super) fn routes() -> Router<Arc<Context>> {
    Router::new().route("/healthz", get(health))
}

/// Healthy means that the database answers.
async fn health(State(context): Shared) -> Response {
    #[derive(Serialize)]
    struct Health {
        status: &'static str,
    }
    match context.store.counts(0).await {
        Ok(_) => http::json(StatusCode::OK, &Health { status: "ok" }),
        Err(error) => http::refused(&Refusal::from(error)),
    }
}
