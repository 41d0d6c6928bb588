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
    db::cancellation::as_long_as_wanted,
    http::{
        extract::authenticated::Holder,
        state::{App, Shared},
    },
    observability::metrics::MEDIA_TYPE,
};

/// On the port that all may reach: for admins.
pub(crate) fn routes() -> Router<Shared> {
    Router::new().route("/metrics", get(for_admins))
}

/// On a port that only the operator reaches: for everybody, and nothing else.
pub(crate) fn alone(app: Shared) -> Router {
    Router::new().route("/metrics", get(for_everybody)).fallback(|| async { ApiError::NotFound }).with_state(app)
}

async fn for_admins(State(app): State<Shared>, holder: Holder) -> Result<Response, ApiError> {
    holder.caller.must_be_admin()?;
    Ok(text(&app))
}

async fn for_everybody(State(app): State<Shared>) -> Response {
    text(&app)
}

fn text(app: &App) -> Response {
    let headers = [(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE))];
    (headers, app.state.metrics.text(&gauges::of(app))).into_response()
}

/// Counts each request by its route.
pub(crate) async fn counted(app: &App, request: Request, next: impl AsyncFnOnce(Request) -> Response) -> Response {
    let began = Instant::now();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let response = as_long_as_wanted(next(request)).await; // a client that hangs up is seen here
    let route = route.as_ref().map_or("none", MatchedPath::as_str);
    app.state.metrics.requests.answered(route, response.status(), began.elapsed());
    response
}
