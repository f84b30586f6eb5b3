//! The status page: what an operator wants to see at a glance, without scripts, fonts or anything from elsewhere.

use std::{fmt::Write as _, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::State,
    http::header,
    response::{Html, IntoResponse, Response},
    routing::get,
};
use der::DateTime;

use super::{
    context::{Context, Shared},
    http,
};
use crate::{refusal::Refusal, store::StoreError};

pub(super) fn routes() -> Router<Arc<Context>> {
    Router::new().route("/", get(status))
}

/// Events that the page shows.
const EVENTS: i64 = 25;

const STYLE: &str = "
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.4rem } h2 { font-size: 1.1rem; margin-top: 2rem }
dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(10rem, 1fr)); gap: 1rem; margin: 1rem 0 }
dl div { border: 1px solid #8884; border-radius: .5rem; padding: .75rem 1rem }
dt { font-size: .85rem; opacity: .75 } dd { margin: 0; font-size: 1.6rem; font-variant-numeric: tabular-nums }
.scroll { overflow-x: auto } table { border-collapse: collapse; width: 100% }
th, td { text-align: left; padding: .35rem .75rem .35rem 0; border-bottom: 1px solid #8883; vertical-align: top }
td:first-child { white-space: nowrap; font-variant-numeric: tabular-nums } td { overflow-wrap: anywhere }
";

async fn status(State(context): Shared) -> Response {
    match render(&context).await {
        Ok(page) => page.into_response(),
        Err(error) => http::refused(&Refusal::from(error)),
    }
}

/// Renders the page.
async fn render(context: &Context) -> Result<impl IntoResponse + use<>, StoreError> {
    let now = context.now();
    let counts = context.store.counts(now).await?;
    let events = context.store.newest_events(EVENTS).await?;
    let mut page = String::new();
    let authority = escape(&context.authorities.current().certificate().subject().to_string());
    // Writing to a String does not fail.
    let _ = write!(
        page,
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\">\
         <title>Ironroot provisioning</title><style>{STYLE}</style><main><h1>Ironroot provisioning</h1>\
         <p>Certificates are issued by <b>{authority}</b> (<a href=\"/v1/ca\">certificate</a>).</p><dl>"
    );
    for (label, count) in [
        ("Devices", counts.devices),
        ("Certificates valid now", counts.valid),
        ("Certificates issued", counts.certificates),
        ("Requests refused", counts.refused),
    ] {
        let _ = write!(page, "<div><dt>{label}</dt><dd>{count}</dd></div>");
    }
    page.push_str(
        "</dl><h2>Latest events</h2><div class=scroll><table><thead><tr><th>Time (UTC)<th>What<th>Detail</thead>",
    );
    for event in &events {
        let _ = write!(page, "<tr><td>{}<td>{}<td>{}", time(event.at), escape(&event.kind), escape(&event.detail));
    }
    let _ = write!(page, "</table></div><p>Version {}</p></main></html>", env!("CARGO_PKG_VERSION"));
    let headers = [
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    Ok((headers, Html(page)))
}

fn time(seconds: i64) -> String {
    let duration = Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
    DateTime::from_unix_duration(duration).map_or_else(|_| seconds.to_string(), |time| time.to_string())
}

/// Text as it may stand in HTML: requesters choose subjects and thereby parts of this page.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c if c.is_control() => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    #[test]
    fn text_from_requesters_is_escaped() {
        assert_eq!(super::escape("<b a='\"'>&\n"), "&lt;b a=&#39;&quot;&#39;&gt;&amp; ");
    }
}
