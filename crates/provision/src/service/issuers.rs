//! The identity CA's certificate, for whoever checks what it issued.

use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
    routing::get,
};

use super::{
    context::{Context, Shared},
    http,
};
use crate::refusal::Refusal;

pub(super) fn routes() -> Router<Arc<Context>> {
    Router::new().route("/v1/ca", get(authority))
}

async fn authority(State(context): Shared) -> Response {
    match context.authorities.certificates_pem((context.clock)()) {
        Ok(pem) => ([(header::CONTENT_TYPE, "application/x-pem-file")], pem).into_response(),
        Err(_) => http::refused(&Refusal::internal()),
    }
}
