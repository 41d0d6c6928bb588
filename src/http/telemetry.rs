//! A request id on every answer and every log line.

use axum::{
    Router,
    extract::{MatchedPath, Request},
    http::{HeaderName, HeaderValue},
};
use tower::ServiceBuilder;
use tower_http::{
    request_id::{MakeRequestId, PropagateRequestIdLayer, RequestId, SetRequestIdLayer},
    trace::{DefaultOnResponse, TraceLayer},
};
use tracing::{Level, Span};
use uuid::Uuid;

const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// Ids of our own making; one that a client sends is replaced, so that nobody writes into our log.
#[derive(Clone, Copy)]
struct NewRequestId;

impl MakeRequestId for NewRequestId {
    fn make_request_id<B>(&mut self, _: &axum::http::Request<B>) -> Option<RequestId> {
        HeaderValue::from_str(&Uuid::now_v7().to_string()).ok().map(RequestId::new)
    }
}

/// Puts every request into a span with its id, its method and its route. The route and not the path: a path may hold a
/// key.
pub(super) fn observed(routes: Router) -> Router {
    let trace = TraceLayer::new_for_http()
        .make_span_with(|request: &Request| {
            let id = request.headers().get(HEADER).and_then(|id| id.to_str().ok()).unwrap_or_default();
            let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str);
            tracing::info_span!("request", id, method = %request.method(), route)
        })
        .on_request(|_: &Request, _: &Span| {})
        .on_response(DefaultOnResponse::new().level(Level::INFO));
    routes.layer(
        ServiceBuilder::new()
            .map_request(|mut request: Request| {
                request.headers_mut().remove(HEADER);
                request
            })
            .layer(SetRequestIdLayer::new(HEADER, NewRequestId))
            .layer(trace)
            .layer(PropagateRequestIdLayer::new(HEADER)),
    )
}
