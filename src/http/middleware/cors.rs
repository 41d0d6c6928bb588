//! Which web pages of other origins may use the gateway.
//!
//! Browsers enforce CORS (Fetch, section 3.2) on `fetch` and `EventSource`. They do not enforce it on `WebSocket`s, so the
//! gateway checks the `Origin` of those itself. The gateway has no cookies and never allows credentials: a page can do what
//! its visitor entered a key for, and read what is public.

use std::time::Duration;

use axum::{
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, Method, header, request::Parts},
    response::{IntoResponse as _, Response},
};
use tower_http::cors::{AllowOrigin, CorsLayer};

use super::origin::{Origin, is_configured, is_same_host};
use crate::{
    api_error::ApiError,
    http::{state::AppState, transports::websocket},
};

/// How long a browser may cache the response to a preflight.
const PREFLIGHT_MAX_AGE: Duration = Duration::from_hours(1);

/// Request headers that GraphQL clients, `EventSource` polyfills and tracing libraries send, in addition to those that
/// every page may send without a preflight.
const REQUEST_HEADERS: [&str; 24] = [
    "accept",
    "airgraph-min-lsn",
    "apollo-require-preflight",
    "apollographql-client-name",
    "apollographql-client-version",
    "authorization",
    "baggage",
    "cache-control",
    "content-type",
    "graphql-client-name",
    "graphql-client-version",
    "graphql-preflight",
    "graphql-require-preflight",
    "if-modified-since",
    "if-none-match",
    "last-event-id",
    "sentry-trace",
    "traceparent",
    "tracestate",
    "x-api-key",
    "x-apollo-operation-id",
    "x-apollo-operation-name",
    "x-request-id",
    "x-requested-with",
];

/// Response headers that a page may read.
const RESPONSE_HEADERS: [&str; 6] =
    ["airgraph-min-lsn", "etag", "ratelimit", "ratelimit-policy", "retry-after", "x-request-id"];

const ADD_ORIGIN_HINT: &str = "add the origin to AIRGRAPH_CORS_ORIGINS to allow it";

/// Adds the CORS headers. None when no other origin is configured.
pub(crate) fn layer(origins: &[Origin]) -> Option<CorsLayer> {
    let layer = CorsLayer::new()
        .allow_methods([Method::GET, Method::POST])
        .allow_headers(REQUEST_HEADERS.map(HeaderName::from_static))
        .expose_headers(RESPONSE_HEADERS.map(HeaderName::from_static))
        .max_age(PREFLIGHT_MAX_AGE);
    if origins.contains(&Origin::Any) {
        return Some(layer.allow_origin(AllowOrigin::any()).vary([])); // the same for every origin
    }
    let sites: Vec<_> = origins.iter().filter_map(Origin::site).cloned().collect();
    (!sites.is_empty()).then(|| layer.allow_origin(AllowOrigin::list(sites)).vary([header::ORIGIN]))
}

/// Refuses, with a reason, requests that a browser would refuse to the page without one.
pub(crate) async fn refuse_cross_origin(
    app: &AppState,
    request: Request,
    next: impl AsyncFnOnce(Request) -> Response,
) -> Response {
    let Some(origin) = request.headers().get(header::ORIGIN).cloned() else { return next(request).await };
    let (parts, body) = request.into_parts();
    match check(app, &parts, &origin) {
        Ok(()) => next(Request::from_parts(parts, body)).await,
        Err(error) => error.into_response(),
    }
}

fn check(app: &AppState, parts: &Parts, origin: &HeaderValue) -> Result<(), ApiError> {
    if is_same_host(parts, &app.state.info.security_profile.trusted_proxies, origin) {
        return Ok(());
    }
    let name = String::from_utf8_lossy(origin.as_bytes());
    if is_preflight(&parts.method, &parts.headers) {
        return require_configured_origin(app, origin, || {
            format!("pages of origin {name} may not send requests here; {ADD_ORIGIN_HINT}")
        });
    }
    if websocket::is_upgrade_request(&parts.headers) {
        return require_configured_origin(app, origin, || {
            format!("pages of origin {name} may not open a WebSocket here; {ADD_ORIGIN_HINT}")
        });
    }
    if parts.headers.contains_key(header::COOKIE) {
        return Err(ApiError::Forbidden(format!(
            "requests with cookies are refused for pages of other origins ({name}); use `credentials: \"omit\"` and send \
             the API key in `Authorization`"
        )));
    }
    Ok(())
}

fn require_configured_origin(
    app: &AppState,
    origin: &HeaderValue,
    reason: impl FnOnce() -> String,
) -> Result<(), ApiError> {
    if is_configured(&app.origins, origin) { Ok(()) } else { Err(ApiError::Forbidden(reason())) }
}

fn is_preflight(method: &Method, headers: &HeaderMap) -> bool {
    method == Method::OPTIONS && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}
