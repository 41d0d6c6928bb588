//! `/metrics`, for Prometheus.

pub mod gauges;

use std::time::Instant;

use axum::{
    Router,
    extract::{MatchedPath, Request, State},
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
    routing::get,
};

use crate::{
    api_error::ApiError,
    db::cancellation::cancel_on_drop,
    http::{
        extract::authenticated::Authenticated,
        state::{AppState, SharedState},
    },
    observability::metrics::MEDIA_TYPE,
};

/// On the main address: for admins.
pub(crate) fn routes() -> Router<SharedState> {
    Router::new().route("/metrics", get(admin_metrics))
}

/// On the metrics address, which only the operator can reach: without a key, and no other routes.
pub(crate) fn standalone_router(app: SharedState) -> Router {
    Router::new().route("/metrics", get(public_metrics)).fallback(|| async { ApiError::NotFound }).with_state(app)
}

async fn admin_metrics(State(app): State<SharedState>, authenticated: Authenticated) -> Result<Response, ApiError> {
    authenticated.caller.require_admin()?;
    Ok(render(&app))
}

async fn public_metrics(State(app): State<SharedState>) -> Response {
    render(&app)
}

fn render(app: &AppState) -> Response {
    let headers = [(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE))];
    (headers, app.state.metrics.text(&gauges::collect(app))).into_response()
}

/// Counts each request by its route.
pub(crate) async fn count_requests(
    app: &AppState,
    request: Request,
    next: impl AsyncFnOnce(Request) -> Response,
) -> Response {
    let began = Instant::now();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let response = cancel_on_drop(next(request)).await; // a disconnect of the client is detected here
    let route = route.as_ref().map_or("none", MatchedPath::as_str);
    app.state.metrics.requests.record(route, response.status(), began.elapsed());
    response
}
