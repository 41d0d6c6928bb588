//! A request id on every response and every log line.

use std::time::Duration;

use axum::{
    Router,
    extract::{MatchedPath, Request},
    http::{HeaderName, HeaderValue},
    response::Response,
};
use tower::ServiceBuilder;
use tower_http::{
    classify::ServerErrorsFailureClass,
    request_id::{MakeRequestId, PropagateRequestIdLayer, RequestId, SetRequestIdLayer},
    trace::TraceLayer,
};
use tracing::{Level, Span};
use uuid::Uuid;

use super::trace_context;
use crate::observability::otlp;

const REQUEST_ID_HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// Generated ids. An id sent by a client is replaced, so that clients can't write into the log.
#[derive(Clone, Copy)]
struct NewRequestId;

impl MakeRequestId for NewRequestId {
    fn make_request_id<B>(&mut self, _: &axum::http::Request<B>) -> Option<RequestId> {
        HeaderValue::from_str(&Uuid::now_v7().to_string()).ok().map(RequestId::new)
    }
}

/// Runs every request in a span with its id, its method and its route: the route and not the path, which may hold a
/// key.
pub(crate) fn with_request_span(routes: Router) -> Router {
    let trace = TraceLayer::new_for_http()
        .make_span_with(|request: &Request| {
            let id = request.headers().get(REQUEST_ID_HEADER).and_then(|id| id.to_str().ok()).unwrap_or_default();
            let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str);
            let (method, trace_id) = (request.method(), trace_context::trace_id(request.headers()));
            let span = match route {
                "/healthz" | "/readyz" => tracing::debug_span!("request", id, %method, route, trace_id),
                _ => tracing::info_span!("request", id, %method, route, trace_id),
            };
            otlp::set_parent_from_headers(&span, request.headers());
            span
        })
        .on_request(|_: &Request, _: &Span| {})
        // Each request is logged below. The reason is logged where it is known, throttled for refusals.
        .on_failure(|_: ServerErrorsFailureClass, _: Duration, _: &Span| {})
        .on_response(|response: &Response, latency: Duration, span: &Span| {
            otlp::record_status(span, response.status());
            let status = response.status().as_u16();
            // Probes of a container are sent every few seconds, so their spans and responses are logged at debug level.
            if span.metadata().is_some_and(|metadata| *metadata.level() == Level::INFO) {
                tracing::info!(status, ?latency, "answered");
            } else {
                tracing::debug!(status, ?latency, "answered");
            }
        });
    routes.layer(
        ServiceBuilder::new()
            .map_request(|mut request: Request| {
                request.headers_mut().remove(REQUEST_ID_HEADER);
                request
            })
            .layer(SetRequestIdLayer::new(REQUEST_ID_HEADER, NewRequestId))
            .layer(trace)
            .layer(PropagateRequestIdLayer::new(REQUEST_ID_HEADER)),
    )
}
